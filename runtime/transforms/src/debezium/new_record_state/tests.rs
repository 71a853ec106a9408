use sluice_api::{Header, SourceRecord};

use super::super::test_events::{apply, event, event_of, keyed, mistake, row, row_schema};
use super::*;

const CLASS: &str = "ExtractNewRecordState";
const MODE: &str = "delete.tombstone.handling.mode";
const MODES: [&str; 5] = ["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"];

fn extract(config: &[(&str, &str)], record: SourceRecord) -> Option<SourceRecord> {
    apply(CLASS, config, record).unwrap()
}

fn value_text(record: Option<SourceRecord>) -> String {
    record.map_or_else(|| "dropped".to_owned(), |record| record.value.to_string())
}

fn create() -> SourceRecord {
    event("c", Value::Null, row(1, Some("myRecord")))
}

fn delete() -> SourceRecord {
    event("d", row(1, Some("myRecord")), Value::Null)
}

fn headers(record: &SourceRecord) -> Vec<Header> {
    record.headers.iter().cloned().collect()
}

fn header(key: &str, schema: Schema, value: impl Into<Value>) -> Header {
    Header { key: key.into(), schema: Some(schema), value: value.into() }
}

#[test]
fn tombstones_are_dropped_unless_they_go_with_rewritten_rows() {
    for mode in MODES {
        let left = extract(&[(MODE, mode)], keyed(None, Value::Null));
        assert_eq!(left.is_some(), mode == "rewrite-with-tombstone", "{mode}");
    }
    assert_eq!(extract(&[], keyed(None, Value::Null)), None);
}

#[test]
fn a_deleted_row_becomes_what_the_mode_says() {
    let deleted = |mode| extract(&[(MODE, mode)], delete());
    assert_eq!(deleted("drop"), None);
    let tombstone = deleted("tombstone").unwrap();
    assert_eq!((tombstone.value_schema, tombstone.value), (Some(row_schema()), Value::Null));
    assert_eq!(extract(&[], delete()).unwrap().value_schema, Some(row_schema()));
    let tombstone = deleted("delete-to-tombstone").unwrap();
    assert_eq!((tombstone.value_schema, tombstone.value), (None, Value::Null));
    for mode in ["rewrite", "rewrite-with-tombstone", " REWRITE "] {
        assert_eq!(value_text(deleted(mode)), "Struct{id=1,name=myRecord,__deleted=true}");
        assert_eq!(value_text(extract(&[(MODE, mode)], create())), "Struct{id=1,name=myRecord,__deleted=false}");
    }
}

#[test]
fn a_truncated_table_gives_nothing() {
    for mode in MODES {
        assert_eq!(extract(&[(MODE, mode)], event("t", Value::Null, Value::Null)), None);
    }
}

#[test]
fn a_row_goes_on_with_a_required_schema_and_its_nulls() {
    let record = extract(&[], event("u", row(1, Some("myRecord")), row(1, None))).unwrap();
    let expected = row_schema().fields().unwrap().to_vec();
    let schema = record.value_schema.unwrap();
    assert_eq!(
        (schema.name(), schema.fields().unwrap(), schema.is_optional()),
        (Some("dummy.Value"), &expected[..], false)
    );
    assert_eq!(record.value.to_string(), "Struct{id=1}");
    // The marked row is a copy, in which a default stands in for null unless told otherwise.
    let rewritten = |replace| {
        let config = [(MODE, "rewrite"), ("replace.null.with.default", replace)];
        value_text(extract(&config, event("u", Value::Null, row(1, None))))
    };
    assert_eq!(rewritten("true"), "Struct{id=1,name=default_str,__deleted=false}");
    assert_eq!(rewritten("false"), "Struct{id=1,__deleted=false}");
}

#[test]
fn other_records_pass_as_they_are() {
    let heartbeat = SchemaBuilder::structure().name("io.debezium.connector.common.Heartbeat").build().unwrap();
    let record = keyed(Some(heartbeat.clone()), Struct::new(heartbeat).unwrap().into());
    let config = [("add.headers", "op"), ("add.fields", "op")];
    assert_eq!(extract(&config, record.clone()), Some(record));
    let text = keyed(Some(Schema::STRING), "text".into());
    assert_eq!(extract(&config, text.clone()), Some(text));
}

#[test]
fn parts_of_the_event_become_fields() {
    let added = |fields, record| value_text(extract(&[("add.fields", fields)], record));
    assert_eq!(
        added("op , lsn,source.ts_ms,id, ts_ms", create()),
        "Struct{id=1,name=myRecord,__op=c,__lsn=1234,__source_ts_ms=588,__ts_ms=1000}"
    );
    assert_eq!(added("op:OP,source.lsn:LSN", create()), "Struct{id=1,name=myRecord,__OP=c,__LSN=1234}");
    assert_eq!(added("nowhere,source.nowhere", create()), "Struct{id=1,name=myRecord}");
    let config = [("add.fields", "op"), ("add.fields.prefix", "p."), (MODE, "rewrite")];
    assert_eq!(value_text(extract(&config, delete())), "Struct{id=1,name=myRecord,__deleted=true,p.op=d}");
    let schema = extract(&[("add.fields", "op,id")], create()).unwrap().value_schema.unwrap();
    let fields: Vec<_> = schema.fields().unwrap()[2..].iter().map(|field| (field.name(), field.schema())).collect();
    assert_eq!(fields, [("__op", &Schema::OPTIONAL_STRING), ("__id", &Schema::OPTIONAL_STRING)]);
    assert_eq!(
        apply(CLASS, &[("add.fields", "gone.x")], create()).unwrap_err().to_string(),
        "the change event has no field gone"
    );
}

#[test]
fn rows_of_one_schema_may_come_in_events_of_two() {
    let mut extract = crate::test_records::transformation(
        "io.debezium.transforms.ExtractNewRecordState",
        &[("add.fields", "op,version")],
    )
    .unwrap();
    let mut apply = |record| value_text(extract.apply_source(record).unwrap());
    let mut other = create();
    let Value::Struct(value) = &other.value else { panic!("a struct") };
    let mut builder = SchemaBuilder::structure().name("other.Envelope");
    for field in value.schema().fields().unwrap().iter().filter(|field| field.name() != "transaction") {
        builder = match field.name() {
            "source" => {
                builder.field("source", SchemaBuilder::structure().field("x", Schema::OPTIONAL_INT8).build().unwrap())
            }
            name => builder.field(name, field.schema().clone()),
        };
    }
    let schema = builder.build().unwrap();
    let source = Struct::new(schema.field("source").unwrap().unwrap().schema().clone()).unwrap();
    let event = Struct::new(schema.clone()).unwrap().with("after", row(1, Some("a"))).unwrap();
    let event = event.with("source", source).unwrap().with("op", "r").unwrap();
    (other.value_schema, other.value) = (Some(schema), event.into());
    assert_eq!(apply(create()), "Struct{id=1,name=myRecord,__op=c}");
    assert_eq!(apply(other), "Struct{id=1,name=a,__op=r}");
    assert_eq!(apply(create()), "Struct{id=1,name=myRecord,__op=c}");
}

#[test]
fn parts_of_the_event_become_headers() {
    let record = extract(&[("add.headers", "op,lsn,source.ts_ms:when,id")], create()).unwrap();
    let expected = [
        header("__op", Schema::OPTIONAL_STRING, "c"),
        header("__lsn", Schema::OPTIONAL_INT32, 1234),
        header("__when", Schema::OPTIONAL_INT64, 588i64),
        header("__id", Schema::OPTIONAL_STRING, Value::Null),
    ];
    assert_eq!(headers(&record), expected);
    let config = [("add.headers", "op,lsn"), ("add.headers.prefix", "p."), (MODE, "rewrite-with-tombstone")];
    let tombstone = extract(&config, keyed(None, Value::Null)).unwrap();
    assert_eq!(headers(&tombstone), [header("p.op", Schema::STRING, "d")]);
}

#[test]
fn a_column_can_name_the_topic() {
    let topic = |config: &[(&str, &str)], record| extract(config, record).unwrap().topic.to_string();
    let route = ("route.by.field", "name");
    assert_eq!(topic(&[route], create()), "myRecord");
    assert_eq!(topic(&[route], event("u", row(1, Some("old")), row(1, Some("new")))), "new");
    assert_eq!(topic(&[route, (MODE, "delete-to-tombstone")], delete()), "myRecord");
    assert_eq!(topic(&[route], event("u", Value::Null, row(1, None))), "dummy");
    assert_eq!(topic(&[route], event("u", Value::Null, row(1, Some(" ")))), "dummy");
    assert_eq!(
        apply(CLASS, &[("route.by.field", "id")], create()).unwrap_err().to_string(),
        "Field 'id' is not of type STRING"
    );
}

#[test]
fn a_header_can_say_which_fields_to_leave_out() {
    let with_header = |mut record: SourceRecord, names: &[&str]| {
        let list = names.iter().map(|name| (*name).into()).collect::<Vec<Value>>();
        let schema = SchemaBuilder::array(Schema::STRING).build().unwrap();
        record.headers.add("drop", Some(schema), list.into()).unwrap();
        record
    };
    let header = ("drop.fields.header.name", "drop");
    let dropped = |config: &[(&str, &str)], names| extract(config, with_header(create(), names)).unwrap();
    assert_eq!(dropped(&[header], &["name", "id"]).value.to_string(), "Struct{id=1}");
    assert_eq!(dropped(&[header], &[]).value.to_string(), "Struct{id=1,name=myRecord}");
    assert_eq!(dropped(&[("drop.fields.header.name", " ")], &["name"]).value.to_string(), "Struct{id=1,name=myRecord}");
    let not_compatible = ("drop.fields.keep.schema.compatible", "false");
    let record = dropped(&[header, not_compatible, ("drop.fields.from.key", "true")], &["id"]);
    assert_eq!((record.key.to_string(), record.value.to_string()), ("Struct{}".into(), "Struct{name=myRecord}".into()));
    assert_eq!(dropped(&[header, not_compatible], &["id"]).key.to_string(), "Struct{id=1}");
    assert_eq!(
        apply(CLASS, &[header, not_compatible], with_header(create(), &["id", ""])).unwrap_err().to_string(),
        "Configuration 'exclude' values must not be empty."
    );
}

#[test]
fn an_event_must_have_its_parts() {
    let schema = SchemaBuilder::structure().name("x.Envelope").field("after", row_schema()).build().unwrap();
    let event = Struct::new(schema.clone()).unwrap();
    let failed = |value: Struct| apply(CLASS, &[], keyed(Some(schema.clone()), value.into())).unwrap_err().to_string();
    assert_eq!(failed(event.clone()), "Unknown field: before");
    assert_eq!(failed(event.with("after", row(1, None)).unwrap()), "op is not a valid field name");
    let not_a_struct = SchemaBuilder::string().name("x.Envelope").build().unwrap();
    assert_eq!(
        apply(CLASS, &[], keyed(Some(not_a_struct), "x".into())).unwrap_err().to_string(),
        "Only Struct objects supported for [field extraction], found: java.lang.String"
    );
    let required = SchemaBuilder::structure().field("n", SchemaBuilder::int8().default(1i8).build().unwrap());
    let required = required.build().unwrap();
    let null = Struct::new(required.clone()).unwrap();
    assert_eq!(
        apply(CLASS, &[], event_of(&required, "c", null.clone().into(), null.into())).unwrap_err().to_string(),
        "Invalid value: null used for required field: \"n\", schema type: INT8"
    );
}

#[test]
fn mistakes_of_the_configuration_are_told_together() {
    let config = [(MODE, "none"), ("add.fields", "a:b:c"), ("drop.fields.from.key", "maybe")];
    assert_eq!(
        mistake(CLASS, &config),
        "Unable to validate config. The 'delete.tombstone.handling.mode' value 'none' is invalid: Value must be one of \
         tombstone, drop, rewrite, rewrite-with-tombstone, delete-to-tombstone; The 'add.fields' value 'a:b:c' is invalid: \
         Unexpected field name: a:b:c; The 'drop.fields.from.key' value 'maybe' is invalid: Either 'true' or 'false' is \
         expected"
    );
}
