//! `TopicNameMatches`: records whose whole topic matches a Java regular expression (connect-plugins.md 2.13).

use std::sync::Arc;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Predicate, Result, SinkRecord, SourceRecord};

use crate::plugin::BuiltInPredicate;

pub(super) const PLUGIN: BuiltInPredicate = BuiltInPredicate {
    class: "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    definition,
    create: |config| Ok(Box::new(TopicNameMatches::new(config)?)),
};

fn definition() -> ConfigDef {
    let doc = "The Java regular expression that a whole topic must match.";
    let validator = Validator::all(vec![Validator::non_empty_string(), Validator::required_regex()]);
    ConfigDef::new().define(ConfigKey::new("pattern", ConfigType::String, Importance::Medium, doc).validator(validator))
}

struct TopicNameMatches {
    pattern: JavaRegex,
    /// The last topic with its answer: most records have the topic of the one before.
    last: Option<(Arc<str>, bool)>,
}

impl TopicNameMatches {
    fn new(config: &ParsedConfig) -> Result<Self> {
        let pattern = JavaRegex::new(config.string("pattern"));
        let pattern =
            pattern.map_err(|error| ConnectError::config(format!("`pattern`: {error}")).with_source(error))?;
        Ok(Self { pattern, last: None })
    }

    fn test(&mut self, topic: &Arc<str>) -> Result<bool> {
        if let Some((last, answer)) = &self.last
            && last == topic
        {
            return Ok(*answer);
        }
        let answer = self.pattern.matches(topic);
        let answer =
            answer.map_err(|error| ConnectError::data(format!("topic {topic}: {error}")).with_source(error))?;
        self.last = Some((topic.clone(), answer));
        Ok(answer)
    }
}

impl Predicate for TopicNameMatches {
    fn test_source(&mut self, record: &SourceRecord) -> Result<bool> {
        self.test(&record.topic)
    }

    fn test_sink(&mut self, record: &SinkRecord) -> Result<bool> {
        self.test(&record.topic)
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use crate::test_records::{predicate, source};

    const CLASS: &str = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";

    fn matches(pattern: &str, topic: &str) -> bool {
        let mut record = source(None, Value::Null);
        record.topic = topic.into();
        predicate(CLASS, &[("pattern", pattern)]).unwrap().test_source(&record).unwrap()
    }

    // TopicNameMatchesTest: testPatternMatchesTopic.
    #[test]
    fn the_whole_topic_has_to_match() {
        assert!(matches("my-prefix-.*", "my-prefix-"));
        assert!(matches("my-prefix-.*", "my-prefix-foo"));
        assert!(!matches("my-prefix-.*", "x-my-prefix-"));
        assert!(!matches("my-prefix-.*", "my-prefix"));
        assert!(matches("(?!.*internal).+", "orders"));
    }

    // TopicNameMatchesTest: testPatternRequiredInConfig, testPatternMayNotBeEmptyInConfig, testPatternIsValidRegexInConfig.
    #[test]
    fn a_pattern_is_required() {
        let message = |config: &[(&str, &str)]| predicate(CLASS, config).err().unwrap().to_string();
        assert!(message(&[]).starts_with("Missing required configuration \"pattern\""));
        assert_eq!(message(&[("pattern", "")]), "Invalid value  for configuration pattern: String must be non-empty");
        assert_eq!(
            message(&[("pattern", "[")]),
            "Invalid value [ for configuration pattern: Invalid regex: Unclosed character class near index 1"
        );
    }
}
