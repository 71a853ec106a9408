//! Keys and values of the status topic, both ways (connect-worker.md 2.4). Invariant 6: the bytes are Kafka Connect's.

use bytes::Bytes;
use sluice_api::Value;
use sluice_converters::json::{parse_json, to_json_bytes};

use super::{State, StatusEntry, TopicStatus};
use crate::ConnectorTaskId;
use crate::json::{field, object, optional_text, text_field};

const CONNECTOR_PREFIX: &str = "status-connector-";
const TASK_PREFIX: &str = "status-task-";
const TOPIC_PREFIX: &str = "status-topic-";
const TOPIC_SEPARATOR: &str = ":connector-";

/// What a key of the status topic names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum StatusKey {
    /// `status-connector-C`.
    Connector(String),
    /// `status-task-C-N`.
    Task(ConnectorTaskId),
    /// `status-topic-T:connector-C`.
    Topic {
        /// The topic.
        topic: String,
        /// The connector that uses it.
        connector: String,
    },
}

impl StatusKey {
    /// The key as it is written.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Connector(connector) => format!("{CONNECTOR_PREFIX}{connector}"),
            Self::Task(id) => format!("{TASK_PREFIX}{}-{}", id.connector, id.task),
            Self::Topic { topic, connector } => format!("{TOPIC_PREFIX}{topic}{TOPIC_SEPARATOR}{connector}"),
        }
    }

    /// Reads a key; `None` when it is not one of ours.
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        if let Some(connector) = key.strip_prefix(CONNECTOR_PREFIX) {
            return (!connector.is_empty()).then(|| Self::Connector(connector.to_owned()));
        }
        if let Some(rest) = key.strip_prefix(TASK_PREFIX) {
            // Dashes at the very end do not count, as with Java's `split`.
            let (connector, task) = rest.trim_end_matches('-').rsplit_once('-')?;
            let task = u32::try_from(task.parse::<i32>().ok()?).ok()?;
            return Some(Self::Task(ConnectorTaskId { connector: connector.to_owned(), task }));
        }
        let (topic, rest) = key.strip_prefix(TOPIC_PREFIX)?.split_once(':')?;
        let connector = rest.get(TOPIC_SEPARATOR.len() - 1..)?;
        let complete = !topic.is_empty() && !connector.is_empty();
        complete.then(|| Self::Topic { topic: topic.to_owned(), connector: connector.to_owned() })
    }
}

/// The value of a connector's or task's status; `None` is the tombstone of DESTROYED.
pub(super) fn status_value(status: &StatusEntry) -> Option<Bytes> {
    if status.state == State::Destroyed {
        return None;
    }
    let value = object([
        ("state", Value::from(status.state.name())),
        ("trace", optional_text(status.trace.as_deref())),
        ("worker_id", Value::from(status.worker_id.as_str())),
        ("generation", Value::Int64(i64::from(status.generation))),
        ("version", optional_text(status.version.as_deref())),
    ]);
    Some(to_json_bytes(&value))
}

/// The value of a topic's status.
pub(super) fn topic_value(status: &TopicStatus) -> Bytes {
    let topic = object([
        ("name", Value::from(status.topic.as_str())),
        ("connector", Value::from(status.id.connector.as_str())),
        ("task", Value::Int64(i64::from(status.id.task))),
        ("discoverTimestamp", Value::Int64(status.discover_timestamp_ms)),
    ]);
    to_json_bytes(&object([("topic", topic)]))
}

/// Reads the status of a connector or task, also one without version (before Kafka Connect 4.1).
pub(super) fn parse_status(value: &[u8]) -> Result<StatusEntry, &'static str> {
    let value = map(value)?;
    let text = |name: &str| text_field(&value, name);
    let state = field(&value, "state").as_str().and_then(State::from_name).ok_or("the state is unknown")?;
    let generation = field(&value, "generation").as_i64().ok_or("the generation is not an integer")?;
    Ok(StatusEntry {
        state,
        trace: text("trace"),
        worker_id: text("worker_id").unwrap_or_default(),
        generation: i32::try_from(generation).map_err(|_| "the generation does not fit into 32 bits")?,
        version: text("version"),
    })
}

/// Reads the status of a topic.
pub(super) fn parse_topic(value: &[u8]) -> Result<TopicStatus, &'static str> {
    let value = map(value)?;
    let topic = field(&value, "topic");
    let text = |name: &str| text_field(topic, name);
    let task = field(topic, "task").as_i64().and_then(|task| u32::try_from(task).ok());
    Ok(TopicStatus {
        topic: text("name").ok_or("the topic has no name")?,
        id: ConnectorTaskId {
            connector: text("connector").ok_or("the topic has no connector")?,
            task: task.ok_or("the task is not a number")?,
        },
        discover_timestamp_ms: field(topic, "discoverTimestamp").as_i64().ok_or("the timestamp is not an integer")?,
    })
}

fn map(value: &[u8]) -> Result<Value, &'static str> {
    match parse_json(value) {
        Ok(map @ Value::Map(_)) => Ok(map),
        Ok(_) => Err("the value is not a map"),
        Err(_) => Err("the value is not JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ConnectorTaskId, State, StatusEntry, StatusKey, TopicStatus, parse_status, parse_topic, status_value,
        topic_value,
    };
    use proptest::prelude::{any, proptest};

    fn task(connector: &str, task: u32) -> ConnectorTaskId {
        ConnectorTaskId { connector: connector.to_owned(), task }
    }

    // Invariant 6: the five fields of Kafka Connect 4.3 in their order.
    #[test]
    fn statuses_have_the_bytes_of_kafka_connect() {
        let running = StatusEntry {
            state: State::Running,
            trace: None,
            worker_id: "127.0.0.1:8083".into(),
            generation: 7,
            version: Some("4.3.0".into()),
        };
        let json = r#"{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:8083","generation":7,"version":"4.3.0"}"#;
        assert_eq!(status_value(&running).as_deref(), Some(json.as_bytes()));
        assert_eq!(parse_status(json.as_bytes()), Ok(running.clone()));
        assert_eq!(status_value(&StatusEntry { state: State::Destroyed, ..running }), None);
    }

    #[test]
    fn statuses_of_older_workers_are_read() {
        let json = br#"{"state":"FAILED","trace":"java...","worker_id":"w","generation":1}"#;
        let status = parse_status(json).expect("four fields");
        assert_eq!((status.state, status.trace.as_deref(), status.version), (State::Failed, Some("java..."), None));
    }

    // Invariant 6.
    #[test]
    fn topics_have_the_bytes_of_kafka_connect() {
        let status = TopicStatus { topic: "t".into(), id: task("c", 1), discover_timestamp_ms: 1_700_000_000_000 };
        let json = r#"{"topic":{"name":"t","connector":"c","task":1,"discoverTimestamp":1700000000000}}"#;
        assert_eq!(topic_value(&status), json.as_bytes());
        assert_eq!(parse_topic(json.as_bytes()), Ok(status));
    }

    #[test]
    fn keys_are_read_and_written() {
        for (text, key) in [
            ("status-connector-my-c", StatusKey::Connector("my-c".into())),
            ("status-task-my-conn-1", StatusKey::Task(task("my-conn", 1))),
            ("status-topic-t:connector-c", StatusKey::Topic { topic: "t".into(), connector: "c".into() }),
            ("status-topic-t:connector-c:x", StatusKey::Topic { topic: "t".into(), connector: "c:x".into() }),
        ] {
            assert_eq!(key.to_text(), text);
            assert_eq!(StatusKey::parse(text.as_bytes()), Some(key));
        }
        for text in [
            "status-connector-",
            "status-task-c",
            "status-task-c-x",
            "status-topic-t",
            "status-topic-:connector-c",
            "status-topic-t:connector-",
            "status-topic-t:conn",
            "foo",
            "",
        ] {
            assert_eq!(StatusKey::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn values_of_a_wrong_shape_are_refused() {
        for value in [
            "not json",
            "null",
            "[]",
            "{}",
            r#"{"state":"WHAT","generation":1}"#,
            r#"{"state":"RUNNING","generation":"1"}"#,
            r#"{"state":"RUNNING","generation":99999999999}"#,
        ] {
            assert!(parse_status(value.as_bytes()).is_err(), "{value}");
            assert!(parse_topic(value.as_bytes()).is_err(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(key: Vec<u8>, rest in proptest::collection::vec(any::<u8>(), 0..40)) {
            drop(StatusKey::parse(&key));
            drop(StatusKey::parse(&[b"status-topic-".as_slice(), &rest].concat()));
            drop(parse_status(&rest));
        }
    }
}
