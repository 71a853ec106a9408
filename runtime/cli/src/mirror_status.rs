//! `sluice mirror status` and `sluice mirror failover-check`: tables, or JSON, of what both clusters of each flow say.

use anyhow::{Context, anyhow};
use sluice_connector_mirror::dedicated::MirrorMaker;
use sluice_connector_mirror::failover::{FlowReport, examine};
use sluice_worker::config::properties::PropertiesFile;
use sluice_worker::config::providers::ConfigTransformer;

use crate::args::{MirrorFile, MirrorQuestion};
use crate::{Failure, runtime};

/// Asks the clusters of every flow that is enabled, and prints what they say.
pub(crate) fn run(question: &MirrorQuestion) -> Result<(), Failure> {
    let (MirrorQuestion::Status(options) | MirrorQuestion::FailoverCheck(options)) = question;
    let maker = flows(options).map_err(Failure::Herder)?;
    let is_check = matches!(question, MirrorQuestion::FailoverCheck(_));
    runtime::run(async move {
        let mut reports = Vec::new();
        for flow in maker.flows.iter().filter(|flow| flow.is_enabled()) {
            let report = examine(flow).await.map_err(|error| anyhow!("{}: {}", flow.name(), error.message()));
            reports.push(report.map_err(Failure::Herder)?);
        }
        let shown = match options.json {
            true => serde_json::to_string_pretty(&reports).map_err(|error| Failure::Herder(error.into()))? + "\n",
            false if is_check => reports.iter().map(groups).collect(),
            false => reports.iter().map(partitions).collect(),
        };
        print!("{shown}");
        match reports.iter().find(|report| is_check && !report.is_ready()) {
            Some(report) => Err(Failure::Herder(anyhow!("{}: not every group can be moved now", report.flow))),
            None => Ok(()),
        }
    })
}

/// With variables replaced: here is no worker that would do it.
fn flows(options: &MirrorFile) -> anyhow::Result<MirrorMaker> {
    let written = PropertiesFile::read(&options.file)?.properties();
    let resolved = ConfigTransformer::new(&written).and_then(|providers| providers.transform(&written));
    let resolved = resolved.with_context(|| format!("resolving the variables in {}", options.file.display()))?;
    MirrorMaker::parse(&resolved.properties, &options.clusters)
        .map_err(|error| anyhow!("{}: {}", options.file.display(), error.message()))
}

fn partitions(report: &FlowReport) -> String {
    let mut table = Table::new(["TOPIC", "PARTITION", "ON THE TARGET", "SOURCE END", "COPIED TO", "BEHIND"]);
    for it in &report.partitions {
        let row = [it.topic.clone(), it.partition.to_string(), it.remote.clone(), it.source_end.to_string()];
        table.add(row.into_iter().chain([number(it.copied_to), number(it.behind)]).collect());
    }
    table.below(report)
}

fn groups(report: &FlowReport) -> String {
    let heads = ["GROUP", "TOPIC", "PARTITION", "COMMITTED", "IS HERE", "RESUMES AT", "REPEATS", "PROBLEM"];
    let mut table = Table::new(heads);
    for it in &report.groups {
        let row = [it.group.clone(), it.topic.clone(), it.partition.to_string(), it.committed.to_string()];
        let numbers = [number(it.translated), number(it.resumes_at), number(it.repeats)];
        let problem = it.problem.unwrap_or("-").to_owned();
        table.add(row.into_iter().chain(numbers).chain([problem]).collect());
    }
    table.below(report)
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// Columns as wide as what is in them.
struct Table(Vec<Vec<String>>);

impl Table {
    fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self(vec![heads.map(str::to_owned).into()])
    }

    fn add(&mut self, row: Vec<String>) {
        self.0.push(row);
    }

    fn below(&self, report: &FlowReport) -> String {
        let columns = self.0.first().map_or(0, Vec::len);
        let width = |at: usize| self.0.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = format!("{}\n", report.flow);
        if let Some(reason) = &report.source_is_away {
            text += &format!("The source says nothing: {reason}\n");
        }
        for row in &self.0 {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text += "\n";
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_what_is_not_known_is_a_dash() {
        let report = FlowReport {
            flow: "A->B".to_owned(),
            source_is_away: Some("refused".to_owned()),
            partitions: Vec::new(),
            groups: Vec::new(),
        };
        let mut table = Table::new(["GROUP", "AT"]);
        table.add(vec!["readers".to_owned(), number(None)]);
        table.add(vec!["g".to_owned(), number(Some(12))]);
        let expected = "A->B\nThe source says nothing: refused\nGROUP    AT\nreaders  -\ng        12\n\n";
        assert_eq!(table.below(&report), expected);
    }
}
