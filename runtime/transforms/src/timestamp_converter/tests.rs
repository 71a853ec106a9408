//! The cases of Kafka's `TimestampConverterTest`.

use sluice_api::ErrorKind;
use sluice_api::data::{Map, logical};

use super::*;
use crate::test_records::{applied, source, transformation};

const FORMAT: &str = "yyyy MM dd HH mm ss SSS z";
const TEXT: &str = "1970 01 02 00 00 01 234 UTC";
/// A day and 1,234 ms.
const MILLIS: i64 = 86_401_234;
const DAY: i64 = logical::MILLIS_PER_DAY;

fn converted(
    config: &[(&str, &str)],
    schema: Option<Schema>,
    value: impl Into<Value>,
) -> Result<(Option<Schema>, Value)> {
    applied("TimestampConverter$Value", config, schema, value)
}

/// Every form of the same moment: target type, schema, value.
fn forms() -> [(&'static str, Schema, Value); 5] {
    [
        ("string", Schema::STRING, TEXT.into()),
        ("unix", Schema::INT64, MILLIS.into()),
        ("Date", logical::date(), Value::Date(DAY)),
        ("Time", logical::time(), Value::Date(1234)),
        ("Timestamp", logical::timestamp(), Value::Date(MILLIS)),
    ]
}

// testConfig*.
#[test]
fn wrong_configurations_are_refused() {
    let refused =
        |config: &[(&str, &str)]| transformation("TimestampConverter$Key", config).err().map(|e| e.to_string());
    assert!(refused(&[]).unwrap().starts_with("Missing required configuration \"target.type\""));
    assert!(refused(&[("target.type", "invalid")]).is_some());
    assert!(refused(&[("target.type", "unix"), ("unix.precision", "invalid")]).is_some());
    assert_eq!(refused(&[("target.type", "unix"), ("unix.precision", "seconds")]), None);
    assert_eq!(
        refused(&[("target.type", "string")]).unwrap(),
        "TimestampConverter requires format option to be specified when using string timestamps"
    );
    assert_eq!(
        refused(&[("target.type", "string"), ("format", "bad-format")]).unwrap(),
        "Invalid value bad-format for configuration format: Illegal pattern character 'b'"
    );
}

// testSchemalessIdentity, testSchemalessTimestampTo*, testWithSchemaIdentity, testWithSchemaTimestampTo*.
#[test]
fn a_timestamp_becomes_every_form() {
    for (target, schema, value) in forms() {
        let config = [("target.type", target), ("format", FORMAT)];
        let timestamp = || Value::Date(MILLIS);
        assert_eq!(converted(&config, None, timestamp()).unwrap(), (None, value.clone()));
        assert_eq!(converted(&config, Some(logical::timestamp()), timestamp()).unwrap(), (Some(schema), value));
    }
}

// testSchemaless*ToTimestamp, testWithSchema*ToTimestamp.
#[test]
fn every_form_becomes_a_timestamp() {
    let config = [("target.type", "Timestamp"), ("format", FORMAT)];
    for (_, schema, value) in forms() {
        let expected = match &value {
            Value::Date(millis) => Value::Date(*millis),
            _ => Value::Date(MILLIS),
        };
        assert_eq!(converted(&config, None, value.clone()).unwrap(), (None, expected.clone()));
        assert_eq!(converted(&config, Some(schema), value).unwrap(), (Some(logical::timestamp()), expected));
    }
}

fn optional(schema: &Schema) -> Schema {
    let builder = SchemaBuilder::of_type(schema.schema_type()).optional();
    let builder = match schema.name() {
        Some(name) => builder.name(name).version(1),
        None => builder,
    };
    builder.build().unwrap()
}

// testSchemalessNullValueTo*, testSchemalessNullFieldTo*, testWithSchemaNullValueTo*, testWithSchemaNullFieldTo*.
#[test]
fn null_stays_null_under_the_new_schema() {
    for (target, to, _) in forms() {
        let whole = [("target.type", target), ("format", FORMAT)];
        let field = [("target.type", target), ("format", FORMAT), ("field", "ts")];
        assert_eq!(converted(&whole, None, Value::Null).unwrap(), (None, Value::Null));
        assert_eq!(converted(&field, None, Value::Null).unwrap(), (None, Value::Null));
        for (_, from, _) in forms() {
            let (from, to) = (optional(&from), optional(&to));
            assert_eq!(converted(&whole, Some(from.clone()), Value::Null).unwrap(), (Some(to.clone()), Value::Null));
            let structure =
                |ts: &Schema| SchemaBuilder::structure().optional().field("ts", ts.clone()).build().unwrap();
            let (from, to) = (structure(&from), structure(&to));
            assert_eq!(converted(&field, Some(from.clone()), Value::Null).unwrap(), (Some(to.clone()), Value::Null));
            let value = Struct::new(from.clone()).unwrap();
            let expected = Struct::new(to.clone()).unwrap();
            assert_eq!(converted(&field, Some(from), value).unwrap(), (Some(to), expected.into()));
        }
    }
}

// testSchemalessFieldConversion.
#[test]
fn a_field_of_a_map_is_converted() {
    let config = [("target.type", "Date"), ("field", "ts")];
    let map = |millis| Value::from(Map::hash_ordered([("ts".into(), Value::Date(millis))]));
    assert_eq!(converted(&config, None, map(MILLIS)).unwrap().1, map(DAY));
    let (_, value) = converted(&config, None, Map::default()).unwrap();
    assert_eq!(value, Map::hash_ordered([("ts".into(), Value::Null)]).into());
}

// testWithSchemaFieldConversion and its _Micros, _Nanos, _Seconds.
#[test]
fn a_field_of_a_struct_is_converted_by_its_precision() {
    let schema = |ts| {
        let builder = SchemaBuilder::structure().name("n").optional().field("ts", ts);
        builder.field("other", Schema::STRING).build().unwrap()
    };
    for (precision, number, millis) in [
        ("milliseconds", MILLIS, MILLIS),
        ("microseconds", MILLIS * 1000 + 123, MILLIS),
        ("nanoseconds", MILLIS * 1_000_000 + 123_456, MILLIS),
        ("seconds", MILLIS / 1000, 86_401_000),
        ("microseconds", -1, 0),
        ("seconds", i64::MAX, i64::MAX),
    ] {
        let config = [("target.type", "Timestamp"), ("field", "ts"), ("unix.precision", precision)];
        let value = Struct::new(schema(Schema::INT64)).unwrap().with("ts", number).unwrap().with("other", "x").unwrap();
        let (new_schema, value) = converted(&config, Some(schema(Schema::INT64)), value).unwrap();
        assert_eq!(new_schema, Some(schema(logical::timestamp())));
        let Value::Struct(value) = value else { panic!("a struct") };
        assert_eq!(value.values(), [Value::Date(millis), "x".into()]);
    }
}

// testWithSchemaNullFieldWithDefaultConversion.
#[test]
fn a_null_field_gets_its_default_or_stays_null() {
    let field = SchemaBuilder::int64().optional().default(0i64).build().unwrap();
    let schema = SchemaBuilder::structure().field("ts", field).build().unwrap();
    for (replace, expected) in [("true", Value::Date(0)), ("false", Value::Null)] {
        let config = [("target.type", "Timestamp"), ("field", "ts"), ("replace.null.with.default", replace)];
        let value = Struct::new(schema.clone()).unwrap();
        let (_, value) = converted(&config, Some(schema.clone()), value).unwrap();
        let Value::Struct(value) = value else { panic!("a struct") };
        assert_eq!(*value.get("ts").unwrap(), expected);
    }
}

// testSchemalessStringToUnix_Micros, _Nanos, _Seconds.
#[test]
fn a_text_becomes_a_number_by_the_precision() {
    for (precision, expected) in
        [("microseconds", 86_401_234_000), ("nanoseconds", 86_401_234_000_000), ("seconds", 86_401)]
    {
        let config = [("target.type", "unix"), ("unix.precision", precision), ("format", FORMAT)];
        assert_eq!(converted(&config, None, TEXT).unwrap(), (None, Value::Int64(expected)));
    }
}

// testKey.
#[test]
fn the_key_class_converts_the_key() {
    let mut converter = transformation("TimestampConverter$Key", &[("target.type", "Timestamp")]).unwrap();
    let mut record = source(None, Value::Null);
    record.key = Value::Int64(MILLIS);
    assert_eq!(converter.apply_source(record).unwrap().unwrap().key, Value::Date(MILLIS));
}

#[test]
fn mistakes_are_named() {
    let error = |schema, value: Value, format| {
        converted(&[("target.type", "unix"), ("format", format)], schema, value).unwrap_err()
    };
    let wrong = error(Some(Schema::INT32), Value::Int32(1), "");
    assert_eq!(wrong.kind(), ErrorKind::Connect);
    assert_eq!(wrong.to_string(), "Schema Schema{INT32} does not correspond to a known timestamp type format");
    assert_eq!(
        error(None, Value::Int32(1), "").to_string(),
        "TimestampConverter does not support class java.lang.Integer objects as timestamps"
    );
    assert_eq!(
        error(None, "v".into(), "yyyy").to_string(),
        "Could not parse timestamp: value (v) does not match pattern (yyyy)"
    );
    assert_eq!(
        error(None, "v".into(), "").to_string(),
        "TimestampConverter needs `format` to read timestamps that are strings"
    );
}
