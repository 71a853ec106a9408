//! Subjects: the names under which schemas are registered, by one of Confluent's three strategies.

use sluice_api::{ConnectError, Result};

/// How a subject is named (`key.subject.name.strategy`, `value.subject.name.strategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectNameStrategy {
    /// `<topic>-key` or `<topic>-value`.
    Topic,
    /// The full name of the record.
    Record,
    /// `<topic>-` and the full name of the record.
    TopicRecord,
}

const PACKAGE: &str = "io.confluent.kafka.serializers.subject.";

impl SubjectNameStrategy {
    /// The strategy with this class name, full or simple.
    ///
    /// # Errors
    /// `Config` naming `key` when it is none of the three.
    pub(super) fn from_class(key: &str, class: &str) -> Result<Self> {
        match class.strip_prefix(PACKAGE).unwrap_or(class) {
            "TopicNameStrategy" => Ok(Self::Topic),
            "RecordNameStrategy" => Ok(Self::Record),
            "TopicRecordNameStrategy" => Ok(Self::TopicRecord),
            _ => Err(ConnectError::config(format!(
                "Invalid value {class} for configuration {key}: expected {PACKAGE}TopicNameStrategy, RecordNameStrategy or \
                 TopicRecordNameStrategy"
            ))),
        }
    }

    /// Whether the subject depends on the schema.
    pub(super) fn uses_schema(self) -> bool {
        self != Self::Topic
    }

    /// The subject; `record` is the schema's full name if it has one.
    ///
    /// # Errors
    /// `Data` when the strategy needs a name and there is none.
    pub(super) fn subject(self, topic: &str, is_key: bool, record: Option<&str>) -> Result<String> {
        let named = || {
            record.ok_or_else(|| {
                let part = if is_key { "key" } else { "value" };
                let class = if self == Self::Record { "RecordNameStrategy" } else { "TopicRecordNameStrategy" };
                ConnectError::data(format!(
                    "In configuration {part}.subject.name.strategy = {PACKAGE}{class}, the message {part} must only be a record \
                     schema"
                ))
            })
        };
        Ok(match self {
            Self::Topic if is_key => format!("{topic}-key"),
            Self::Topic => format!("{topic}-value"),
            Self::Record => named()?.to_owned(),
            Self::TopicRecord => format!("{topic}-{}", named()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_has_its_subject() {
        let subject = |class: &str, is_key: bool| {
            SubjectNameStrategy::from_class("k", class).unwrap().subject("orders", is_key, Some("shop.Order")).unwrap()
        };
        assert_eq!(subject("io.confluent.kafka.serializers.subject.TopicNameStrategy", true), "orders-key");
        assert_eq!(subject("TopicNameStrategy", false), "orders-value");
        assert_eq!(subject("RecordNameStrategy", false), "shop.Order");
        assert_eq!(
            subject("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", false),
            "orders-shop.Order"
        );
    }

    #[test]
    fn a_schema_without_name_has_no_record_subject() {
        let error = SubjectNameStrategy::Record.subject("t", true, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "In configuration key.subject.name.strategy = io.confluent.kafka.serializers.subject.RecordNameStrategy, the message \
             key must only be a record schema"
        );
        assert_eq!(SubjectNameStrategy::Topic.subject("t", true, None).unwrap(), "t-key");
    }

    #[test]
    fn other_classes_are_refused_by_name() {
        let error = SubjectNameStrategy::from_class("value.subject.name.strategy", "com.acme.Mine").unwrap_err();
        assert!(
            error.to_string().starts_with("Invalid value com.acme.Mine for configuration value.subject.name.strategy")
        );
    }
}
