use sluice_api::SourceRecord;

use super::super::test_events::{apply, event, keyed, mistake, row};
use super::*;

const CLASS: &str = "ByLogicalTableRouter";
const SHARDS: [(&str, &str); 2] =
    [("topic.regex", "(.*)customers_shard(.*)"), ("topic.replacement", "$1customers_all_shards")];

fn on(topic: &str, mut record: SourceRecord) -> SourceRecord {
    record.topic = topic.into();
    record
}

fn route(config: &[(&str, &str)], record: SourceRecord) -> SourceRecord {
    apply(CLASS, config, record).unwrap().expect("a record")
}

fn change() -> SourceRecord {
    on("server.db.customers_shard_1", event("u", row(1, Some("old")), row(1, Some("new"))))
}

#[test]
fn events_of_several_tables_go_to_one_topic_with_schemas_named_after_it() {
    let record = route(&SHARDS, change());
    assert_eq!(&*record.topic, "server.db.customers_all_shards");
    assert_eq!(record.key_schema.as_ref().unwrap().name(), Some("server.db.customers_all_shards.Key"));
    assert_eq!(record.key.to_string(), "Struct{id=1,__dbz__physicalTableIdentifier=server.db.customers_shard_1}");
    let schema = record.value_schema.unwrap();
    assert_eq!((schema.name(), schema.version()), (Some("server.db.customers_all_shards.Envelope"), Some(1)));
    for name in ["before", "after"] {
        let row = schema.field(name).unwrap().unwrap().schema();
        assert_eq!((row.name(), row.is_optional()), (Some("server.db.customers_all_shards.Value"), true));
    }
    let Value::Struct(value) = record.value else { panic!("a struct") };
    assert_eq!(*value.schema(), schema);
    assert_eq!(value.get("before").unwrap().to_string(), "Struct{id=1,name=old}");
    assert_eq!(value.get("after").unwrap().to_string(), "Struct{id=1,name=new}");
    value.validate().unwrap();
}

#[test]
fn the_field_of_the_key_can_be_made_left_out_and_named() {
    let key = |more: &[(&str, &str)]| route(&[&SHARDS[..], more].concat(), change()).key.to_string();
    let made =
        [("key.field.regex", "(.*)customers_shard_(.*)"), ("key.field.replacement", "$2"), ("key.field.name", "shard")];
    assert_eq!(key(&made), "Struct{id=1,shard=1}");
    assert_eq!(
        key(&[("key.field.regex", "other"), ("key.field.replacement", "x"), ("key.field.name", "shard")]),
        "Struct{id=1,shard=server.db.customers_shard_1}"
    );
    assert_eq!(key(&[("key.enforce.uniqueness", "false")]), "Struct{id=1}");
    let clash = [&SHARDS[..], &[("key.field.name", "id")]].concat();
    assert_eq!(
        apply(CLASS, &clash, change()).unwrap_err().to_string(),
        "Cannot create field because of field name duplication id"
    );
}

#[test]
fn other_topics_pass() {
    let record = on("server.db.orders", event("c", Value::Null, row(1, None)));
    assert_eq!(route(&SHARDS, record.clone()), record);
    let empty = [("topic.regex", "(.*)"), ("topic.replacement", "$1$1")];
    assert_eq!(&*route(&empty, record.clone()).topic, "server.db.ordersserver.db.orders");
    let to_nothing = [("topic.regex", "(x?).*"), ("topic.replacement", "$1")];
    assert_eq!(route(&to_nothing, record.clone()), record);
}

#[test]
fn tombstones_and_other_records_are_moved_with_their_value_as_it_is() {
    let tombstone = route(&SHARDS, on("customers_shard_2", keyed(None, Value::Null)));
    assert_eq!((&*tombstone.topic, &tombstone.value), ("customers_all_shards", &Value::Null));
    assert_eq!(tombstone.key_schema.unwrap().name(), Some("customers_all_shards.Key"));
    let heartbeat = SchemaBuilder::structure().name("Heartbeat").field("ts_ms", Schema::INT64).build().unwrap();
    let value = Struct::new(heartbeat.clone()).unwrap().with("ts_ms", 1i64).unwrap();
    let record = route(&SHARDS, on("customers_shard_2", keyed(Some(heartbeat.clone()), value.clone().into())));
    assert_eq!((record.value_schema, record.value), (Some(heartbeat), value.into()));
}

#[test]
fn a_record_without_key_stays_without() {
    let mut record = change();
    record.key = Value::Null;
    let record = route(&SHARDS, record);
    assert_eq!((record.key_schema, record.key), (None, Value::Null));
}

#[test]
fn rows_that_differ_are_put_together_by_name() {
    let of = |fields: &[&str]| {
        let builder = SchemaBuilder::structure();
        fields.iter().fold(builder, |builder, name| builder.field(*name, Schema::INT8)).build().unwrap()
    };
    let (before, after) = (of(&["a", "b"]), of(&["b"]));
    let schema =
        SchemaBuilder::structure().name("x.Envelope").field("before", before.clone()).field("after", after.clone());
    let schema = schema.build().unwrap();
    let before = Struct::new(before).unwrap().with("a", 1i8).unwrap().with("b", 2i8).unwrap();
    let after = Struct::new(after).unwrap().with("b", 2i8).unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("before", before).unwrap().with("after", after).unwrap();
    let record = on("customers_shard_1", keyed(Some(schema), value.into()));
    assert_eq!(
        apply(CLASS, &SHARDS, record).unwrap_err().to_string(),
        "Invalid value: null used for required field: \"a\", schema type: INT8"
    );
}

#[test]
fn names_can_be_made_fit_for_avro() {
    let config = [("topic.regex", "(.*)"), ("topic.replacement", "a-b$"), ("schema.name.adjustment.mode", "avro")];
    assert!(apply(CLASS, &config, change()).is_err(), "a group that is none");
    let config = [("topic.regex", "(.*)"), ("topic.replacement", "a-b"), ("schema.name.adjustment.mode", "avro")];
    let record = route(&config, change());
    assert_eq!(&*record.topic, "a-b");
    assert_eq!(record.key_schema.unwrap().name(), Some("a_b.Key"));
    assert_eq!(record.value_schema.unwrap().name(), Some("a_b.Envelope"));
}

#[test]
fn every_topic_has_schemas_of_its_own() {
    let mut router = Router::new(&crate::test_records::properties(&[
        ("topic.regex", "(.).*"),
        ("topic.replacement", "$1"),
        ("logical.table.cache.size", "1"),
    ]))
    .unwrap();
    for topic in ["a1", "b1", "a1", "a2", "b2"] {
        let record = router.apply(on(topic, change())).unwrap().unwrap();
        assert_eq!(record.key_schema.unwrap().name(), Some(&*format!("{}.Key", record.topic)));
        assert_eq!(record.value_schema.unwrap().name(), Some(&*format!("{}.Envelope", record.topic)));
    }
}

#[test]
fn mistakes_of_the_configuration_are_told_together() {
    assert_eq!(
        mistake(CLASS, &[("topic.regex", " ")]),
        "Unable to validate config. The 'topic.regex' value ' ' is invalid: A value is required; The 'topic.replacement' \
         value is invalid: A value is required"
    );
    let config = [&SHARDS[..], &[("key.field.regex", "(.*)")]].concat();
    assert!(mistake(CLASS, &config).ends_with("key.field.replacement must be non-empty if key.field.regex is set."));
    assert!(
        mistake(CLASS, &[("topic.regex", "("), SHARDS[1]]).contains("A valid regular expressions is expected, but")
    );
}
