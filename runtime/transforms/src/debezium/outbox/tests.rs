use sluice_api::{Header, SourceRecord, Value};

use super::super::test_events::{apply, event_of, keyed, mistake};
use super::*;

const CLASS: &str = "outbox.EventRouter";

fn outbox_schema() -> Schema {
    let micros = SchemaBuilder::int64().optional().name(MICRO_TIMESTAMP).build().unwrap();
    SchemaBuilder::structure()
        .name("s.outbox.Value")
        .optional()
        .field("id", Schema::STRING)
        .field("aggregatetype", Schema::STRING)
        .field("aggregateid", Schema::STRING)
        .field("type", Schema::STRING)
        .field("payload", Schema::OPTIONAL_STRING)
        .field("version", Schema::OPTIONAL_INT32)
        .field("at", micros)
        .field("part", Schema::OPTIONAL_INT32)
        .build()
        .unwrap()
}

fn outbox_row(payload: Option<&str>) -> Struct {
    let row = Struct::new(outbox_schema()).unwrap().with("id", "da8d6de6").unwrap();
    let row = row.with("aggregatetype", "User").unwrap().with("aggregateid", "10711fa5").unwrap();
    let row =
        row.with("type", "UserCreated").unwrap().with("payload", payload.map_or(Value::Null, Value::from)).unwrap();
    row.with("version", 2).unwrap().with("at", 1_000_999i64).unwrap().with("part", 3).unwrap()
}

fn inserted(payload: Option<&str>) -> SourceRecord {
    event_of(&outbox_schema(), "c", Value::Null, outbox_row(payload).into())
}

fn route(config: &[(&str, &str)], record: SourceRecord) -> SourceRecord {
    apply(CLASS, config, record).unwrap().expect("a record")
}

fn failure(config: &[(&str, &str)], record: SourceRecord) -> String {
    apply(CLASS, config, record).unwrap_err().to_string()
}

fn header(key: &str, schema: Schema, value: impl Into<Value>) -> Header {
    Header { key: key.into(), schema: Some(schema), value: value.into() }
}

#[test]
fn a_row_becomes_the_event_that_its_columns_say() {
    let record = route(&[], inserted(Some("{}")));
    assert_eq!(&*record.topic, "outbox.event.User");
    assert_eq!((record.key_schema, record.key), (Some(Schema::STRING), "10711fa5".into()));
    assert_eq!((record.value_schema, record.value), (Some(Schema::OPTIONAL_STRING), "{}".into()));
    assert_eq!((record.timestamp_ms, record.partition), (Some(1000), None));
    assert_eq!(record.headers.iter().cloned().collect::<Vec<_>>(), [header("id", Schema::STRING, "da8d6de6")]);
}

#[test]
fn other_records_are_dropped_or_pass() {
    assert_eq!(apply(CLASS, &[], keyed(None, Value::Null)).unwrap(), None);
    let text = keyed(Some(Schema::STRING), "text".into());
    assert_eq!(route(&[], text.clone()), text);
    let row = || Value::from(outbox_row(None));
    assert_eq!(apply(CLASS, &[], event_of(&outbox_schema(), "d", row(), Value::Null)).unwrap(), None);
    let update = || event_of(&outbox_schema(), "u", row(), row());
    for behavior in ["warn", "error"] {
        assert_eq!(apply(CLASS, &[("table.op.invalid.behavior", behavior)], update()).unwrap(), None);
    }
    let fatal = [("table.op.invalid.behavior", "fatal")];
    assert_eq!(failure(&fatal, update()), "Unexpected update message received Struct{id=1}, fail.");
    let truncated = event_of(&outbox_schema(), "t", Value::Null, Value::Null);
    assert_eq!(failure(&[], truncated), "Only Struct objects supported for [Read Outbox Event], found: null");
}

#[test]
fn every_column_can_be_named() {
    let config = [
        ("table.field.event.id", "type"),
        ("table.field.event.key", "id"),
        ("table.field.event.payload", "aggregateid"),
        ("table.field.event.timestamp", "at"),
        ("route.by.field", "type"),
        ("route.topic.regex", " User(.*) "),
        ("route.topic.replacement", "users.$1"),
    ];
    let record = route(&config, inserted(None));
    assert_eq!(&*record.topic, "users.Created");
    assert_eq!((record.key, record.value), ("da8d6de6".into(), "10711fa5".into()));
    assert_eq!(record.timestamp_ms, Some(1000));
    assert_eq!(record.headers.last_with_name("id").unwrap().value, "UserCreated".into());
    assert_eq!(&*route(&[("route.topic.regex", "nothing")], inserted(None)).topic, "User");
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let missing = |key| failure(&[(key, "zz")], inserted(Some("{}")));
    assert_eq!(missing("table.field.event.payload"), "Unable to find payload field zz in event");
    assert_eq!(missing("table.field.event.id"), "zz is not a valid field name");
    assert_eq!(missing("table.field.event.timestamp"), "Unable to find timestamp field zz in event");
    assert_eq!(missing("table.field.event.key"), "zz is not a valid field name");
    assert_eq!(missing("route.by.field"), "zz is not a valid field name");
    let placed = |placement| failure(&[("table.fields.additional.placement", placement)], inserted(Some("{}")));
    assert_eq!(placed("zz:envelope"), "Unable to find field zz in event");
    assert_eq!(placed("zz:header"), "zz is not a valid field name");
    let config =
        [("table.field.additional.missing", "ignore"), ("table.fields.additional.placement", "zz:header,zz:envelope")];
    assert_eq!(route(&config, inserted(Some("x"))).value.to_string(), "Struct{payload=x}");
}

#[test]
fn additional_columns_go_where_they_are_placed() {
    let placement = "type:header, type:envelope:eventType,version:envelope,part:partition";
    let config = [("table.fields.additional.placement", placement), ("table.field.event.schema.version", "version")];
    let record = route(&config, inserted(Some("{}")));
    assert_eq!(record.partition, Some(3));
    assert_eq!(record.headers.last_with_name("type"), Some(&header("type", Schema::STRING, "UserCreated")));
    assert_eq!(record.value.to_string(), "Struct{payload={},eventType=UserCreated,version=2}");
    let expected =
        SchemaBuilder::structure().name("s.outbox.User.Value").version(2).field("payload", Schema::OPTIONAL_STRING);
    let expected = expected.field("eventType", Schema::STRING).field("version", Schema::OPTIONAL_INT32);
    assert_eq!(record.value_schema, Some(expected.build().unwrap()));
}

#[test]
fn an_empty_payload_can_be_a_tombstone() {
    let config = [("route.tombstone.on.empty.payload", "true"), ("table.fields.additional.placement", "type:envelope")];
    for payload in [None, Some(""), Some(" \t")] {
        let record = route(&config, inserted(payload));
        assert_eq!((record.value_schema, record.value), (None, Value::Null));
        let record = route(&[], inserted(payload));
        assert_eq!(record.value_schema, Some(Schema::OPTIONAL_STRING));
    }
    assert_eq!(route(&config, inserted(Some("x"))).value.to_string(), "Struct{payload=x,type=UserCreated}");
}

#[test]
fn json_text_can_become_a_struct() {
    let expand = ("table.expand.json.payload", "true");
    let record = route(&[expand], inserted(Some(r#"{"name":"John","age":30,"none":null,"list":[]}"#)));
    let schema = SchemaBuilder::structure().name("payload").optional().field("name", Schema::OPTIONAL_STRING);
    assert_eq!(record.value_schema, Some(schema.field("age", Schema::OPTIONAL_INT32).build().unwrap()));
    assert_eq!(record.value.to_string(), "Struct{name=John,age=30}");
    let config = [expand, ("table.json.payload.null.behavior", "optional_bytes")];
    let record = route(&config, inserted(Some(r#"{"none":null}"#)));
    let schema = record.value_schema.unwrap();
    assert_eq!(*schema.field("none").unwrap().unwrap().schema(), Schema::OPTIONAL_BYTES);
    let config =
        [expand, ("field.name.adjustment.mode", "avro"), ("table.fields.additional.placement", "type:envelope")];
    let record = route(&config, inserted(Some(r#"{"a":1,"b-c":2}"#)));
    assert_eq!(record.value.to_string(), "Struct{payload=Struct{a=1},type=UserCreated}");
    for text in ["text", "{", "[1]", "[1,true]", "", r#"{"a":18446744073709551616}"#] {
        let record = route(&[expand], inserted(Some(text)));
        assert_eq!((record.value_schema, record.value), (Some(Schema::OPTIONAL_STRING), text.into()));
    }
}

#[test]
fn mistakes_of_the_configuration_are_told() {
    let wrong = |key, value| mistake(CLASS, &[(key, value)]);
    assert!(
        wrong("route.topic.regex", "[[a-z]").starts_with("Invalid value [[a-z] for configuration route.topic.regex: ")
    );
    let placement = "Invalid value type for configuration table.fields.additional.placement: A comma-separated list of";
    assert!(wrong("table.fields.additional.placement", "type").starts_with(placement));
    assert!(
        wrong("table.fields.additional.placement", "").contains("for configuration table.fields.additional.placement")
    );
    assert!(wrong("table.fields.additional.placement", "type:nowhere").contains("header, envelope and partition"));
    assert_eq!(
        wrong("table.op.invalid.behavior", "x"),
        "Invalid value x for configuration table.op.invalid.behavior: Value must be one of warn, error, fatal"
    );
}
