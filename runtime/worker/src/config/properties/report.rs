//! Everything that is wrong with a worker's file at once, for the person who started it.

use std::fmt;

use sluice_api::config::ConfigDef;

use super::PropertiesFile;
use super::suggestion::nearest;
use crate::config::problem::Problem;

/// Families of keys that no definition lists: settings of clients, internal topics, providers and extensions.
const FAMILIES: [&str; 14] = [
    "producer.",
    "consumer.",
    "admin.",
    "config.storage.",
    "offset.storage.",
    "status.storage.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "config.providers.",
    "listeners.https.",
    "admin.listeners.https.",
    "metrics.context.",
    "internal.",
];

/// Errors with which the worker cannot start, and warnings with which it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartupReport {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl StartupReport {
    /// The report on `file` in the order of its lines, missing keys first, whose properties `def` describes and parsing which found `problems`.
    pub fn new(file: &PropertiesFile, def: &ConfigDef, problems: &[Problem]) -> Self {
        let mut problems: Vec<&Problem> = problems.iter().collect();
        problems.sort_by_key(|problem| file.line_of(&problem.key));
        let errors = problems.into_iter().map(|problem| error(file, def, problem)).collect();
        Self { errors, warnings: unknown_keys(file, def) }
    }

    /// One text per problem.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// One text per key that looks like a typing error. Unknown keys are legal: clients get them.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn error(file: &PropertiesFile, def: &ConfigDef, problem: &Problem) -> String {
    let mut text = match file.line_of(&problem.key) {
        Some(line) => format!("{}:{line}: {}", file.path, problem.key),
        None => format!("{}: {}", file.path, problem.key),
    };
    match &problem.value {
        Some(value) => text.push_str(&format!(" = {value:?}\n    {}", problem.message)),
        None => text.push_str(&format!("\n    {}", problem.message)),
    }
    if let Some(expected) = &problem.expected {
        text.push_str(&format!("\n    expected: {expected}"));
    }
    if problem.value.is_none()
        && let Some((typed, line)) = mistyped(file, def, &problem.key)
    {
        text.push_str(&format!("\n    line {line} has `{typed}`: was `{}` meant?", problem.key));
    }
    text
}

/// An unknown key of the file that may be a misspelt `missing`.
fn mistyped<'a>(file: &'a PropertiesFile, def: &ConfigDef, missing: &str) -> Option<(&'a str, usize)> {
    let mut unknown = file.entries.iter().filter(|entry| def.get(&entry.key).is_none());
    let found = unknown.find(|entry| nearest(&entry.key, std::iter::once(missing)).is_some())?;
    Some((&found.key, found.line))
}

fn unknown_keys(file: &PropertiesFile, def: &ConfigDef) -> Vec<String> {
    let unknown = file
        .entries
        .iter()
        .filter(|entry| def.get(&entry.key).is_none() && !FAMILIES.iter().any(|family| entry.key.starts_with(family)));
    let hints = unknown.filter_map(|entry| {
        let meant = nearest(&entry.key, def.keys().map(|key| key.name.as_str()))?;
        Some(format!("{}:{}: unknown key `{}`, was `{meant}` meant?", file.path, entry.line, entry.key))
    });
    hints.collect()
}

impl fmt::Display for StartupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.errors.iter().map(|text| ("error", text));
        for (kind, text) in texts.chain(self.warnings.iter().map(|text| ("warning", text))) {
            writeln!(f, "{kind}: {text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DistributedConfig;

    #[test]
    fn every_problem_is_listed_with_its_place_and_what_is_expected() {
        let text = "boostrap.servers=localhost:9092\ngroup.id=g\nkey.converter=StringConverter\n\
                    value.converter=StringConverter\n\noffset.flush.interval.ms=soon\nlisteners=ftp://:1\n\
                    config.storage.topic=c\noffset.storage.topic=o\nstatus.storage.topic=s\n\
                    ssl.keystore.password=hunter2\nsession.timeout.ms = 1e3\nsesion.timeout.ms=5\nlinger.ms=5\n";
        let file = PropertiesFile::parse("worker.properties", text).expect("it parses");
        let problems = DistributedConfig::parse(&file.properties()).map(|_| ()).expect_err("three problems");
        let report = StartupReport::new(&file, &DistributedConfig::config_def(), &problems);
        assert_eq!(
            report.errors(),
            [
                "worker.properties: bootstrap.servers\n    Missing required configuration \"bootstrap.servers\" which has no \
                 default value.\n    expected: a list separated by commas\n    line 1 has `boostrap.servers`: was \
                 `bootstrap.servers` meant?",
                "worker.properties:6: offset.flush.interval.ms = \"soon\"\n    Invalid value soon for configuration \
                 offset.flush.interval.ms: Not a number of type LONG\n    expected: an integer (64 bit)",
                "worker.properties:7: listeners = \"ftp://:1\"\n    Listener protocol must be either \"http\" or \
                 \"https\".\n    expected: a list separated by commas, List of comma-separated URLs, ex: \
                 http://localhost:8080,https://localhost:8443.",
                "worker.properties:12: session.timeout.ms = \"1e3\"\n    Invalid value 1e3 for configuration \
                 session.timeout.ms: Not a number of type INT\n    expected: an integer (32 bit)",
            ]
        );
        assert_eq!(
            report.warnings(),
            [
                "worker.properties:1: unknown key `boostrap.servers`, was `bootstrap.servers` meant?",
                "worker.properties:13: unknown key `sesion.timeout.ms`, was `session.timeout.ms` meant?",
            ]
        );
        // Invariant 9.
        assert!(!report.to_string().contains("hunter2"));
    }
}
