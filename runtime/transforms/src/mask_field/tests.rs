//! The cases of Kafka's `MaskFieldTest`.

use bytes::Bytes;
use sluice_api::data::logical;
use sluice_api::{Schema, SchemaBuilder};

use super::*;
use crate::test_records::{applied, transformation};

/// Values of every class with what masks them.
fn values() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("bool", true.into(), false.into()),
        ("byte", 42i8.into(), 0i8.into()),
        ("short", 42i16.into(), 0i16.into()),
        ("int", 42i32.into(), 0i32.into()),
        ("long", 42i64.into(), 0i64.into()),
        ("float", 42f32.into(), 0f32.into()),
        ("double", 42f64.into(), 0f64.into()),
        ("string", "55.121.20.20".into(), "".into()),
        ("date", Value::Date(86_400_000), Value::Date(0)),
        ("bigdec", BigDecimal::new(420, 1).into(), BigDecimal::new(0, 0).into()),
        ("list", vec![Value::Int32(42)].into(), vec![].into()),
        ("map", Map::insertion_ordered([("key".into(), "value".into())]).into(), Map::default().into()),
    ]
}

fn schema_of(name: &str) -> Schema {
    match name {
        "bool" => Schema::BOOLEAN,
        "byte" => Schema::INT8,
        "short" => Schema::INT16,
        "int" => Schema::INT32,
        "long" => Schema::INT64,
        "float" => Schema::FLOAT32,
        "double" => Schema::FLOAT64,
        "string" => Schema::STRING,
        "date" => logical::date(),
        "bigdec" => logical::decimal(1),
        "list" => SchemaBuilder::array(Schema::INT32).build().unwrap(),
        _ => SchemaBuilder::map(Schema::STRING, Schema::STRING).build().unwrap(),
    }
}

/// The value masked in a map and in a struct, next to one that is not.
fn masked(value: Value, name: &str, replacement: Option<&str>) -> Result<Value> {
    let config: Vec<_> =
        [("fields", "masked")].into_iter().chain(replacement.map(|text| ("replacement", text))).collect();
    let map = Map::hash_ordered([("magic".into(), 42.into()), ("masked".into(), value.clone())]);
    let (_, in_map) = applied("MaskField$Value", &config, None, map)?;
    let schema = SchemaBuilder::structure().field("magic", Schema::INT32).field("masked", schema_of(name)).build()?;
    let value = Struct::new(schema.clone())?.with("magic", 42)?.with("masked", value)?;
    let (kept, in_struct) = applied("MaskField$Value", &config, Some(schema.clone()), value)?;
    let (Value::Map(in_map), Value::Struct(in_struct)) = (in_map, in_struct) else { panic!("a map and a struct") };
    assert_eq!(kept.unwrap().identity(), schema.identity());
    assert_eq!((in_map.get("magic"), in_struct.get("magic")?), (Some(&Value::Int32(42)), &Value::Int32(42)));
    let masked = in_struct.get_without_default("masked")?.clone();
    assert_eq!(in_map.get("masked"), Some(&masked));
    Ok(masked)
}

// testSchemaless, testWithSchema, testNullListAndMapReplacementsAreMutable.
#[test]
fn a_value_becomes_the_empty_one_of_its_class() {
    for (name, value, empty) in values() {
        assert_eq!(masked(value, name, None).unwrap(), empty, "{name}");
    }
}

// testSchemalessWithReplacement, testWithSchemaAndReplacement.
#[test]
fn numbers_and_texts_become_the_replacement() {
    let decimal = BigDecimal::new(123, 0);
    for (name, expected) in [
        ("byte", Value::Int8(123)),
        ("short", Value::Int16(123)),
        ("int", Value::Int32(123)),
        ("long", Value::Int64(123)),
        ("float", Value::Float32(123.0)),
        ("double", Value::Float64(123.0)),
        ("string", "123".into()),
        ("bigdec", decimal.into()),
    ] {
        let value = values().into_iter().find(|(known, ..)| *known == name).unwrap().1;
        assert_eq!(masked(value, name, Some("123")).unwrap(), expected, "{name}");
    }
    assert_eq!(masked(Value::Int8(1), "byte", Some("300.7")).unwrap(), Value::Int8(44));
}

// testSchemalessUnsupportedReplacementType, testWithSchemaUnsupportedReplacementType, testReplacementTypeMismatch.
#[test]
fn what_has_no_replacement_is_refused() {
    for name in ["date", "bool", "list", "map"] {
        let (_, value, _) = values().into_iter().find(|(known, ..)| *known == name).unwrap();
        let expected = format!("Cannot mask value of type class {} with custom replacement.", value.java_class());
        assert_eq!(masked(value, name, Some("123")).unwrap_err().to_string(), expected);
    }
    for (name, value, _) in values().into_iter().filter(|(_, value, _)| value.java_class().starts_with("java.lang")) {
        if !matches!(name, "bool" | "string") {
            let message = masked(value, name, Some("foo")).unwrap_err().to_string();
            assert_eq!(message, "Unable to convert foo (class java.lang.String) to a number");
        }
    }
}

#[test]
fn bytes_structs_and_tombstones_cannot_be_masked() {
    let map = Map::hash_ordered([("f".into(), Value::Bytes(Bytes::from_static(b"x")))]);
    let message = |value: Value| applied("MaskField$Value", &[("fields", "f")], None, value).unwrap_err().to_string();
    assert_eq!(message(map.into()), "Cannot mask value of type: class [B");
    assert_eq!(message(Value::Null), "Only Map objects supported in absence of schema for [mask fields], found: null");
}

#[test]
fn null_stays_null_and_missing_fields_appear() {
    let map = Map::hash_ordered([("n".into(), Value::Null)]);
    let (_, value) = applied("MaskField$Value", &[("fields", "n,missing")], None, map).unwrap();
    let Value::Map(map) = value else { panic!("a map") };
    assert_eq!((map.get("n"), map.get("missing")), (Some(&Value::Null), Some(&Value::Null)));
}

// testEmptyStringReplacementValue.
#[test]
fn wrong_configurations_are_refused() {
    let message = |config: &[(&str, &str)]| transformation("MaskField$Key", config).err().unwrap().to_string();
    assert_eq!(
        message(&[("fields", "f"), ("replacement", "")]),
        "Invalid value  for configuration replacement: String must be non-empty"
    );
    assert!(message(&[("fields", "")]).starts_with("Configuration 'fields' must not be empty."));
}
