//! `RegexRouter`: gives records whose whole topic matches a Java regular expression another topic (connect-plugins.md 2.11).

use std::sync::Arc;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Result};

use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Transform, boxed};

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.RegexRouter",
    definition,
    create: |config| RegexRouter::new(config).map(boxed),
}];

/// Topics that are remembered with where their records go, so that a record costs a comparison and no match.
const REMEMBERED: usize = 64;

fn definition() -> ConfigDef {
    let regex = "The Java regular expression that a whole topic must match.";
    let replacement = "What the first match becomes; $1 and ${name} stand for groups.";
    ConfigDef::new()
        .define(
            ConfigKey::new("regex", ConfigType::String, Importance::High, regex).validator(Validator::required_regex()),
        )
        .define(ConfigKey::new("replacement", ConfigType::String, Importance::High, replacement))
}

struct RegexRouter {
    regex: JavaRegex,
    replacement: String,
    /// Topic and new topic, the latest last.
    routes: Vec<(Arc<str>, Arc<str>)>,
}

impl RegexRouter {
    fn new(config: &ParsedConfig) -> Result<Self> {
        let regex = JavaRegex::new(config.string("regex"));
        let regex = regex.map_err(|error| ConnectError::config(format!("`regex`: {error}")).with_source(error))?;
        Ok(Self { regex, replacement: config.string("replacement").to_owned(), routes: Vec::new() })
    }

    fn route(&mut self, topic: &Arc<str>) -> Result<Arc<str>> {
        if let Some((_, route)) = self.routes.iter().rfind(|(known, _)| known == topic) {
            return Ok(route.clone());
        }
        let route = self.computed(topic)?;
        if self.routes.len() == REMEMBERED {
            self.routes.remove(0);
        }
        self.routes.push((topic.clone(), route.clone()));
        Ok(route)
    }

    /// The whole topic has to match, but what is replaced is the first part of it that does: both as in Kafka Connect.
    fn computed(&self, topic: &Arc<str>) -> Result<Arc<str>> {
        let failed = |error| ConnectError::data(format!("routing topic {topic}: {error}")).with_source(error);
        match self.regex.matches(topic) {
            Ok(true) => self.regex.replace_first(topic, &self.replacement).map(Arc::from).map_err(failed),
            Ok(false) => Ok(topic.clone()),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Transform for RegexRouter {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let route = self.route(record.topic())?;
        if route != *record.topic() {
            record.set_topic(route);
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use super::*;
    use crate::test_records::{sink, transformation};

    fn routed(topic: &str, regex: &str, replacement: &str) -> Result<String> {
        let mut router = transformation("RegexRouter", &[("regex", regex), ("replacement", replacement)])?;
        let mut record = sink(None, Value::Null);
        record.topic = topic.into();
        Ok(router.apply_sink(record)?.unwrap().topic.to_string())
    }

    // RegexRouterTest: staticReplacement, doesntMatch, identity, addPrefix, addSuffix, slice.
    #[test]
    fn topics_are_routed_as_upstream() {
        for (topic, regex, replacement, expected) in [
            ("orig", "foo", "bar", "orig"),
            ("foo", "foo", "bar", "bar"),
            ("orig", "(.*)", "$1", "orig"),
            ("orig", "(.*)", "prefix-$1", "prefix-orig"),
            ("orig", "(.*)", "$1-suffix", "orig-suffix"),
            ("index-20160117", "(.*)-(\\d\\d\\d\\d)(\\d\\d)(\\d\\d)", "$1-$2$3", "index-201601"),
            ("ab", "a|ab", "X", "Xb"),
            ("a.b", "(?<left>a)\\.(?<right>b)", "${right}\\$${left}", "b$a"),
        ] {
            assert_eq!(routed(topic, regex, replacement).unwrap(), expected, "{regex}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = routed("a", "[", "x").unwrap_err();
        assert!(error.to_string().starts_with("Invalid value [ for configuration regex: Invalid regex: "), "{error}");
        let error = routed("a", "a", "$1").unwrap_err();
        assert_eq!(error.to_string(), "routing topic a: No group 1");
    }

    #[test]
    fn more_topics_than_are_remembered_are_still_routed() {
        let config = [("regex", "t(.*)"), ("replacement", "u$1")];
        let mut router = transformation("RegexRouter", &config).unwrap();
        for n in (0..200).chain(0..200) {
            let mut record = sink(None, Value::Null);
            record.topic = format!("t{n}").into();
            let record = router.apply_sink(record).unwrap().unwrap();
            assert_eq!(*record.topic, format!("u{n}"));
            assert_eq!(**record.original_topic(), format!("t{n}"));
        }
    }
}
