use super::{ConfigRecord, ConnectorTaskId, Rejected, RestartRequest, SessionKey, TargetState};
use proptest::prelude::{any, proptest};
use sluice_api::Properties;

fn id(connector: &str, task: u32) -> ConnectorTaskId {
    ConnectorTaskId { connector: connector.to_owned(), task }
}

fn properties(fields: &[(&str, &str)]) -> Properties {
    fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn parse(key: &str, value: &str) -> Result<ConfigRecord, Rejected> {
    ConfigRecord::parse(Some(key.as_bytes()), Some(value.as_bytes()))
}

fn ignored(key: &str, value: &str) -> bool {
    matches!(parse(key, value), Err(Rejected::Ignored(_)))
}

fn c() -> String {
    "c".to_owned()
}

// Invariant 6: values captured from Kafka Connect 4.3.0's schemas and converter.
#[test]
fn records_have_the_bytes_of_kafka_connect() {
    let config = properties(&[("name", "c"), ("connector.class", "X")]);
    let json = r#"{"properties":{"name":"c","connector.class":"X"}}"#;
    let session =
        SessionKey { key: vec![0; 32], algorithm: "HmacSHA256".into(), creation_timestamp_ms: 1_700_000_000_000 };
    let session_json = r#"{"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","algorithm":"HmacSHA256","creation-timestamp":1700000000000}"#;
    let restart = RestartRequest { connector: c(), only_failed: false, include_tasks: true };
    for (record, key, value) in [
        (ConfigRecord::Connector(c(), Some(config.clone())), "connector-c", Some(json)),
        (ConfigRecord::Connector(c(), None), "connector-c", None),
        (ConfigRecord::Task(id("my-c", 3), config), "task-my-c-3", Some(json)),
        (ConfigRecord::Commit(c(), Some(2)), "commit-c", Some(r#"{"tasks":2}"#)),
        (ConfigRecord::Restart(restart), "restart-connector-c", Some(r#"{"include-tasks":true,"only-failed":false}"#)),
        (ConfigRecord::Fencing(c(), 2), "tasks-fencing-c", Some(r#"{"task-count":2}"#)),
        (ConfigRecord::SessionKey(session), "session-key", Some(session_json)),
        (ConfigRecord::LoggerLevel("a.b".into(), "DEBUG".into()), "logger-cluster-a.b", Some(r#"{"level":"DEBUG"}"#)),
        (
            ConfigRecord::TargetState(c(), Some(TargetState::Stopped)),
            "target-state-c",
            Some(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#),
        ),
        (
            ConfigRecord::TargetState(c(), Some(TargetState::Started)),
            "target-state-c",
            Some(r#"{"state":"STARTED","state.v2":"STARTED"}"#),
        ),
        (ConfigRecord::TargetState(c(), None), "target-state-c", None),
    ] {
        assert_eq!(record.key(), key);
        assert_eq!(record.value().as_deref(), value.map(str::as_bytes), "{key}");
        let read = ConfigRecord::parse(Some(key.as_bytes()), value.map(str::as_bytes));
        assert_eq!(read, Ok(record));
    }
}

// Invariant 6: captured from JsonConverter 4.3.0.
#[test]
fn properties_are_escaped_as_kafka_connect_does() {
    let note = "\u{1}\u{1f}\u{7f}\"\\/\u{8}\t\n\u{c}\r é 漢 \u{1F600} \u{2028}";
    let record = ConfigRecord::Connector(c(), Some(properties(&[("name", "c"), ("weird", note)])));
    let expected = concat!(
        r#"{"properties":{"name":"c","weird":"\u0001\u001F"#,
        "\u{7f}",
        r#"\"\\/\b\t\n\f\r é 漢 \uD83D\uDE00 "#,
        "\u{2028}\"}}"
    );
    let value = record.value().expect("no tombstone");
    assert_eq!(std::str::from_utf8(&value), Ok(expected));
    assert_eq!(ConfigRecord::parse(Some(b"connector-c"), Some(&value)), Ok(record));
}

// Appendix C9.
#[test]
fn target_states_of_all_versions_are_read() {
    for (value, expected) in [
        (r#"{"state":"PAUSED"}"#, Some(TargetState::Paused)),
        (r#"{"state":"PAUSED","state.v2":"STOPPED"}"#, Some(TargetState::Stopped)),
        (r#"{"state":"PAUSED","state.v2":7}"#, Some(TargetState::Paused)),
        (r#"{"state":"WHAT"}"#, None),
        (r#"{"state":"STARTED","state.v2":"WHAT"}"#, None),
        (r#"{"state":1}"#, None),
        (r#"[]"#, None),
    ] {
        match expected {
            Some(state) => {
                assert_eq!(parse("target-state-c", value), Ok(ConfigRecord::TargetState(c(), Some(state))));
            }
            None => assert!(ignored("target-state-c", value), "{value}"),
        }
    }
}

// Appendix C12.
#[test]
fn task_keys_hold_names_with_dashes() {
    let value = r#"{"properties":{}}"#;
    assert_eq!(parse("task-a-b-3", value), Ok(ConfigRecord::Task(id("a-b", 3), Properties::new())));
    for key in ["task-x", "task-", "task-x-y", "task-x-99999999999", "foo", "", "session-key2"] {
        assert!(ignored(key, value), "{key}");
    }
}

// Appendix C11.
#[test]
fn restart_flags_that_are_no_booleans_are_false() {
    let request = RestartRequest { connector: c(), only_failed: false, include_tasks: true };
    let value = r#"{"only-failed":"x","include-tasks":true}"#;
    assert_eq!(parse("restart-connector-c", value), Ok(ConfigRecord::Restart(request)));
}

#[test]
fn records_of_a_wrong_shape_are_ignored() {
    for (key, value) in [
        ("connector-c", "7"),
        ("connector-c", r#"{"properties":[]}"#),
        ("connector-c", r#"{"properties":{"a":{}}}"#),
        ("task-c-0", "null"),
        ("restart-connector-c", "null"),
        ("tasks-fencing-c", "null"),
        ("tasks-fencing-c", r#"{"task-count":-1}"#),
        ("session-key", r#"{"key":"%","algorithm":"a","creation-timestamp":1}"#),
        ("session-key", r#"{"key":"AA==","algorithm":"a","creation-timestamp":"1"}"#),
        ("logger-cluster-a", r#"{"level":1}"#),
    ] {
        assert!(ignored(key, value), "{key} {value}");
    }
    assert_eq!(parse("commit-c", r#"{"tasks":"2"}"#), Ok(ConfigRecord::Commit(c(), None)));
    assert!(matches!(parse("connector-c", "not json"), Err(Rejected::Unreadable(_))));
}

#[test]
fn null_properties_are_left_out_and_scalars_are_text() {
    let value = r#"{"properties":{"b":null,"a":2,"c":true}}"#;
    let expected = properties(&[("a", "2"), ("c", "true")]);
    assert_eq!(parse("connector-c", value), Ok(ConfigRecord::Connector(c(), Some(expected))));
}

proptest! {
    #[test]
    fn no_bytes_panic(
        prefix in proptest::sample::select(vec!["", "task-", "connector-", "commit-", "session-key", "target-state-"]),
        key in proptest::collection::vec(any::<u8>(), 0..20),
        value in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let key = [prefix.as_bytes(), &key].concat();
        drop(ConfigRecord::parse(Some(&key), Some(&value)));
    }

    #[test]
    fn any_connector_config_comes_back(connector: String, config: Vec<(String, String)>) {
        let record = ConfigRecord::Connector(connector, Some(config.into_iter().collect()));
        let read = ConfigRecord::parse(Some(record.key().as_bytes()), record.value().as_deref());
        assert_eq!(read, Ok(record));
    }
}
