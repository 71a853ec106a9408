//! The cases of Kafka's `InsertFieldTest`.

use sluice_api::data::Map;
use sluice_api::{SourceRecord, Transformation};

use super::*;
use crate::test_records::{applied, sink, source, transformation};

const CONFIG: [(&str, &str); 5] = [
    ("topic.field", "topic_field!"),
    ("partition.field", "partition_field"),
    ("timestamp.field", "timestamp_field?"),
    ("static.field", "instance_id"),
    ("static.value", "my-instance-id"),
];

fn schema() -> Schema {
    let builder = SchemaBuilder::structure().name("name").version(1).doc("doc");
    builder.field("magic", Schema::OPTIONAL_INT64).build().unwrap()
}

fn apply(transformation: &mut dyn Transformation, schema: Option<Schema>, value: Value) -> SourceRecord {
    let mut record = source(schema, value);
    (record.partition, record.timestamp_ms) = (Some(0), Some(789));
    transformation.apply_source(record).unwrap().unwrap()
}

// topLevelStructRequired.
#[test]
fn a_value_with_schema_must_be_a_struct() {
    let error = applied("InsertField$Value", &CONFIG, Some(Schema::INT32), 42).unwrap_err();
    assert_eq!(error.to_string(), "Only Struct objects supported for [field insertion], found: java.lang.Integer");
}

// copySchemaAndInsertConfiguredFields.
#[test]
fn fields_are_added_to_a_struct() {
    let mut insert = transformation("InsertField$Value", &CONFIG).unwrap();
    let value = Struct::new(schema()).unwrap().with("magic", 42i64).unwrap();
    let record = apply(&mut *insert, Some(schema()), value.into());
    let optional_timestamp = logical::timestamp_builder().optional().build().unwrap();
    let expected = SchemaBuilder::structure().name("name").version(1).doc("doc").field("magic", Schema::OPTIONAL_INT64);
    let expected = expected.field("topic_field", Schema::STRING).field("partition_field", Schema::OPTIONAL_INT32);
    let expected = expected.field("timestamp_field", optional_timestamp).field("instance_id", Schema::OPTIONAL_STRING);
    assert_eq!(record.value_schema, Some(expected.build().unwrap()));
    let Value::Struct(value) = &record.value else { panic!("a struct") };
    let values = [42i64.into(), "topic".into(), 0.into(), Value::Date(789), "my-instance-id".into()];
    assert_eq!(value.values(), values);
    let again = apply(&mut *insert, Some(schema()), Struct::new(schema()).unwrap().into());
    assert_eq!(again.value_schema.unwrap().identity(), record.value_schema.unwrap().identity());
}

// schemalessInsertConfiguredFields.
#[test]
fn fields_are_added_to_a_map() {
    let mut insert = transformation("InsertField$Value", &CONFIG).unwrap();
    let map = Map::hash_ordered([("magic".into(), 42i64.into())]);
    let Value::Map(map) = apply(&mut *insert, None, map.into()).value else { panic!("a map") };
    for (key, value) in [
        ("magic", Value::Int64(42)),
        ("topic_field", "topic".into()),
        ("partition_field", Value::Int32(0)),
        ("timestamp_field", Value::Int64(789)),
        ("instance_id", "my-instance-id".into()),
    ] {
        assert_eq!(map.get(key), Some(&value));
    }
}

// insertConfiguredFieldsIntoTombstoneEventWithoutSchemaLeavesValueUnchanged, …WithSchemaLeavesValueUnchanged,
// insertKeyFieldsIntoTombstoneEvent, insertIntoNullKeyLeavesRecordUnchanged.
#[test]
fn null_stays_null() {
    for schema in [None, Some(schema())] {
        assert_eq!(applied("InsertField$Value", &CONFIG, schema.clone(), Value::Null).unwrap(), (schema, Value::Null));
    }
    let mut insert = transformation("InsertField$Key", &CONFIG).unwrap();
    let mut record = source(None, Value::Null);
    record.key = Map::hash_ordered([("magic".into(), 42i64.into())]).into();
    let record = insert.apply_source(record).unwrap().unwrap();
    let Value::Map(key) = &record.key else { panic!("a map") };
    // Neither partition nor timestamp are known.
    assert_eq!((key.len(), record.value), (3, Value::Null));
}

// testUnsetOptionalField.
#[test]
fn a_null_field_gets_its_default_or_stays_null() {
    let field = SchemaBuilder::int64().optional().default(42i64).build().unwrap();
    let schema = SchemaBuilder::structure().field("magic", field).build().unwrap();
    for (replace, expected) in [("true", Value::Int64(42)), ("false", Value::Null)] {
        let config = [("topic.field", "t"), ("replace.null.with.default", replace)];
        let value = Struct::new(schema.clone()).unwrap();
        let (_, value) = applied("InsertField$Value", &config, Some(schema.clone()), value).unwrap();
        let Value::Struct(value) = value else { panic!("a struct") };
        assert_eq!(*value.get_without_default("magic").unwrap(), expected);
    }
}

#[test]
fn only_sink_records_have_an_offset_to_insert() {
    let mut insert = transformation("InsertField$Value", &[("offset.field", "offset!")]).unwrap();
    let value = || Value::from(Struct::new(schema()).unwrap());
    let record = insert.apply_sink(sink(Some(schema()), value())).unwrap().unwrap();
    let Value::Struct(inserted) = record.value else { panic!("a struct") };
    assert_eq!(*inserted.get("offset").unwrap(), Value::Int64(42));
    let error = insert.apply_source(source(Some(schema()), value())).unwrap_err();
    assert!(error.to_string().starts_with("Only SinkRecord supported for [field insertion], found: "));
}

#[test]
fn something_must_be_inserted() {
    let message = |config: &[(&str, &str)]| transformation("InsertField$Value", config).err().unwrap().to_string();
    assert_eq!(message(&[]), "No field insertion configured");
    assert_eq!(
        message(&[("static.field", "f")]),
        "Invalid value null for configuration static.value: No value specified for static field: f"
    );
}
