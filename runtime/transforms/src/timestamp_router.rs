//! `TimestampRouter`: makes the topic of its name and the record's timestamp (connect-plugins.md 2.11).

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue};
use sluice_api::{ConnectError, Result};

use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Transform, boxed};
use crate::simple_date_format::{SimpleDateFormat, valid_pattern};

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.TimestampRouter",
    definition,
    create: |config| TimestampRouter::new(config).map(boxed),
}];

fn definition() -> ConfigDef {
    let topic =
        "The new topic, with <code>${topic}</code> for the topic and <code>${timestamp}</code> for the timestamp.";
    let timestamp = "How the timestamp is written, in UTC: a pattern of <code>java.text.SimpleDateFormat</code>.";
    let key = |name, doc, default: &str| {
        ConfigKey::new(name, ConfigType::String, Importance::High, doc).default(ParsedValue::String(default.to_owned()))
    };
    ConfigDef::new()
        .define(key("topic.format", topic, "${topic}-${timestamp}"))
        .define(key("timestamp.format", timestamp, "yyyyMMdd").validator(valid_pattern()))
}

struct TimestampRouter {
    topic_format: String,
    timestamp_format: SimpleDateFormat,
}

impl TimestampRouter {
    fn new(config: &ParsedConfig) -> Result<Self> {
        let pattern = config.string("timestamp.format");
        let timestamp_format = SimpleDateFormat::new(pattern)
            .map_err(|error| ConnectError::config(format!("`timestamp.format`: {error}")).with_source(error))?;
        Ok(Self { topic_format: config.string("topic.format").to_owned(), timestamp_format })
    }
}

impl Transform for TimestampRouter {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let millis = record.timestamp_ms().ok_or_else(|| missing(&record))?;
        let timestamp = self.timestamp_format.format(millis);
        // The topic first: a topic may hold the text `${timestamp}`.
        let topic = self.topic_format.replace("${topic}", record.topic()).replace("${timestamp}", &timestamp);
        record.set_topic(topic.into());
        Ok(Some(record))
    }
}

/// Names the record by its place; its contents are nobody's business (Invariant 9).
fn missing<R: ConnectRecord>(record: &R) -> ConnectError {
    let place = match (record.partition(), record.offset("")) {
        (Some(partition), Ok(offset)) => format!(", partition {partition}, offset {offset}"),
        _ => String::new(),
    };
    ConnectError::data(format!("Timestamp missing on record: topic {}{place}", record.topic()))
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use crate::test_records::{sink, source, transformation};

    fn routed(config: &[(&str, &str)], topic: &str, millis: i64) -> String {
        let mut record = sink(None, Value::Null);
        (record.topic, record.timestamp_ms) = (topic.into(), Some(millis));
        let record = transformation("TimestampRouter", config).unwrap().apply_sink(record).unwrap().unwrap();
        assert_eq!(**record.original_topic(), *topic);
        record.topic.to_string()
    }

    // TimestampRouterTest: defaultConfiguration.
    #[test]
    fn topic_and_day_are_the_default() {
        assert_eq!(routed(&[], "test", 1_483_425_001_864), "test-20170103");
    }

    #[test]
    fn the_topic_is_put_in_first() {
        let config = [("topic.format", "${timestamp}/${topic}/${topic}"), ("timestamp.format", "HH")];
        assert_eq!(routed(&config, "a-${timestamp}", 0), "00/a-00/a-00");
    }

    #[test]
    fn a_record_without_timestamp_is_named() {
        let mut record = sink(None, Value::from("secret"));
        record.timestamp_ms = None;
        let mut router = transformation("TimestampRouter", &[]).unwrap();
        let error = router.apply_sink(record).unwrap_err();
        assert_eq!(error.to_string(), "Timestamp missing on record: topic topic, partition 0, offset 42");
        let error = router.apply_source(source(None, Value::Null)).unwrap_err();
        assert_eq!(error.to_string(), "Timestamp missing on record: topic topic");
    }
}
