//! The cases of Kafka's `CastTest`.

use bytes::Bytes;
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{SchemaBuilder, Transformation};

use super::*;
use crate::test_records::{applied, source, transformation};

const DAY: i64 = logical::MILLIS_PER_DAY;

fn cast_value(spec: &str, schema: Option<Schema>, value: impl Into<Value>) -> Result<(Option<Schema>, Value)> {
    applied("Cast$Value", &[("spec", spec)], schema, value)
}

// testConfigEmpty, testConfigInvalidSchemaType, testConfigInvalidTargetType, testUnsupportedTargetType,
// testConfigInvalidMap, testConfigMixWholeAndFieldTransformation.
#[test]
fn wrong_specs_are_refused() {
    for spec in ["", "foo:faketype", "bytes", "foo:bytes", "foo:int8:extra", "foo:int8,int32"] {
        assert!(transformation("Cast$Key", &[("spec", spec)]).is_err(), "{spec}");
    }
}

// castNullValueRecordWithSchema, castNullValueRecordSchemaless, castNullKeyRecordWithSchema, castNullKeyRecordSchemaless.
#[test]
fn null_passes_unchanged() {
    for schema in [None, Some(Schema::STRING)] {
        assert_eq!(cast_value("foo:int64", schema.clone(), Value::Null).unwrap(), (schema, Value::Null));
    }
}

// castWholeRecordKeyWithSchema, castWholeRecordKeySchemaless.
#[test]
fn the_key_class_casts_the_key() {
    let mut cast = transformation("Cast$Key", &[("spec", "int8")]).unwrap();
    let mut record = source(Some(Schema::STRING), "bogus".into());
    (record.key_schema, record.key) = (Some(Schema::INT32), Value::Int32(42));
    let record = cast.apply_source(record).unwrap().unwrap();
    assert_eq!((record.key_schema, record.key), (Some(Schema::INT8), Value::Int8(42)));
    assert_eq!(record.value, "bogus".into());
}

// castWholeRecordValueWithSchema* and castWholeRecordValueSchemaless*.
#[test]
fn whole_values_are_cast() {
    let with_false = |spec, from: i32, value: Value, schema: Schema| {
        assert_eq!(cast_value(spec, Some(Schema::INT32), from).unwrap(), (Some(schema), value.clone()));
        assert_eq!(cast_value(spec, None, from).unwrap(), (None, value));
    };
    with_false("int8", 42, Value::Int8(42), Schema::INT8);
    with_false("int16", 42, Value::Int16(42), Schema::INT16);
    with_false("int32", 42, Value::Int32(42), Schema::INT32);
    with_false("int64", 42, Value::Int64(42), Schema::INT64);
    with_false("float32", 42, Value::Float32(42.0), Schema::FLOAT32);
    with_false("float64", 42, Value::Float64(42.0), Schema::FLOAT64);
    with_false("boolean", 42, Value::Boolean(true), Schema::BOOLEAN);
    with_false("boolean", 0, Value::Boolean(false), Schema::BOOLEAN);
    with_false("string", 42, "42".into(), Schema::STRING);
    assert!(cast_value("int8", None, vec![Value::from("foo")]).is_err());
}

// castWholeBigDecimalRecordValueWithSchemaString, castWholeDateRecordValueWithSchemaString, castWholeRecordDefaultValue.
#[test]
fn a_cast_schema_keeps_name_and_default() {
    let (schema, value) = cast_value("string", Some(logical::decimal(0)), BigDecimal::new(42, 0)).unwrap();
    assert_eq!((schema.unwrap().schema_type(), value), (SchemaType::String, "42".into()));
    let (schema, value) = cast_value("string", Some(logical::timestamp()), Value::Date(DAY + 1)).unwrap();
    assert_eq!((schema.unwrap().name(), value), (Some(logical::TIMESTAMP), "1970-01-02T00:00:00.001Z".into()));
    let schema = SchemaBuilder::float32().default(-42.125f32).build().unwrap();
    let (schema, value) = cast_value("int32", Some(schema), 42.125f32).unwrap();
    assert_eq!((schema.unwrap().default_value(), value), (Some(&Value::Int32(-42)), Value::Int32(42)));
}

// castFieldWithDefaultValueRecordWithSchema.
#[test]
fn a_null_field_gets_its_default_or_stays_null() {
    let field = SchemaBuilder::int32().optional().default(10).build().unwrap();
    let schema = SchemaBuilder::structure().field("magic", field).build().unwrap();
    for (replace, expected) in [("true", Value::from("10")), ("false", Value::Null)] {
        let config = [("spec", "magic:string"), ("replace.null.with.default", replace)];
        let value = Struct::new(schema.clone()).unwrap();
        let (_, value) = applied("Cast$Value", &config, Some(schema.clone()), value).unwrap();
        let Value::Struct(value) = value else { panic!("a struct") };
        assert_eq!(*value.get_without_default("magic").unwrap(), expected);
    }
}

// castLogicalToPrimitive, castLogicalToString.
#[test]
fn logical_fields_are_cast_as_what_they_are_stored_as() {
    for (schema, value, target, expected) in [
        (logical::date(), Value::Date(DAY), "int32", Value::Int32(1)),
        (logical::timestamp(), Value::Date(0), "int64", Value::Int64(0)),
        (logical::time(), Value::Date(1), "int64", Value::Int64(1)),
        (logical::decimal(0), BigDecimal::new(i64::from(i32::MAX) + 1, 0).into(), "int32", Value::Int32(i32::MIN)),
        (logical::timestamp(), Value::Date(i64::MAX), "float64", Value::Float64(9.223372036854776E18)),
        (logical::timestamp_builder().optional().build().unwrap(), Value::Null, "int32", Value::Null),
        (logical::date(), Value::Date(DAY), "string", "1970-01-02".into()),
        (logical::decimal(0), BigDecimal::new(1982, 0).into(), "string", "1982".into()),
        (logical::time(), Value::Date(3_600_000), "string", "01:00:00.000Z".into()),
        (logical::timestamp(), Value::Date(DAY + 1), "string", "1970-01-02T00:00:00.001Z".into()),
    ] {
        assert_eq!(field(schema, value, target).1, expected);
    }
}

// castFieldsWithSchema.
#[test]
fn fields_are_cast_with_optionality_and_default() {
    let with_default = SchemaBuilder::int32().default(2).build().unwrap();
    let bytes = Value::Bytes(Bytes::from_static(&[0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10]));
    for (schema, value, target, expected_schema, expected) in [
        (Schema::INT8, Value::Int8(8), "int16", Schema::INT16, Value::Int16(8)),
        (Schema::OPTIONAL_INT16, Value::Int16(16), "int32", Schema::OPTIONAL_INT32, Value::Int32(16)),
        (
            with_default,
            Value::Int32(32),
            "int64",
            SchemaBuilder::int64().default(2i64).build().unwrap(),
            Value::Int64(32),
        ),
        (Schema::INT64, Value::Int64(64), "boolean", Schema::BOOLEAN, Value::Boolean(true)),
        (Schema::FLOAT32, Value::Float32(32.0), "float64", Schema::FLOAT64, Value::Float64(32.0)),
        (
            SchemaBuilder::float64().default(-1.125f64).build().unwrap(),
            Value::Float64(-64.0),
            "boolean",
            SchemaBuilder::boolean().default(true).build().unwrap(),
            Value::Boolean(true),
        ),
        (Schema::BOOLEAN, Value::Boolean(true), "int8", Schema::INT8, Value::Int8(1)),
        (Schema::STRING, "42".into(), "int32", Schema::INT32, Value::Int32(42)),
        (logical::decimal(0), BigDecimal::new(42, 0).into(), "string", Schema::STRING, "42".into()),
        (Schema::BYTES, bytes, "string", Schema::STRING, "/ty6mHZUMhA=".into()),
        (Schema::OPTIONAL_FLOAT32, Value::Null, "int32", Schema::OPTIONAL_INT32, Value::Null),
    ] {
        assert_eq!(field(schema, value, target), (expected_schema, expected));
    }
}

/// What becomes of a field, next to one that is not cast.
fn field(schema: Schema, value: Value, target: &str) -> (Schema, Value) {
    let builder = SchemaBuilder::structure().name("n").field("kept", logical::timestamp());
    let schema = builder.field("cast", schema).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("kept", Value::Date(0)).unwrap().with("cast", value).unwrap();
    let (schema, value) = cast_value(&format!("cast:{target},absent:int8"), Some(schema), value).unwrap();
    let (schema, Value::Struct(value)) = (schema.unwrap(), value) else { panic!("a struct") };
    assert_eq!((schema.name(), value.get("kept").unwrap()), (Some("n"), &Value::Date(0)));
    let cast = schema.field("cast").unwrap().unwrap().schema().clone();
    (cast, value.get_without_default("cast").unwrap().clone())
}

// castFieldsSchemaless.
#[test]
fn fields_of_maps_are_cast_and_missing_ones_become_null() {
    let map = Map::hash_ordered([("int8".into(), Value::Int8(8)), ("text".into(), "42".into())]);
    let (_, value) = cast_value("int8:int16,text:int32,absent:boolean", None, map).unwrap();
    let Value::Map(map) = value else { panic!("a map") };
    assert_eq!(map.get("int8"), Some(&Value::Int16(8)));
    assert_eq!(map.get("text"), Some(&Value::Int32(42)));
    assert_eq!(map.get("absent"), Some(&Value::Null));
}

#[test]
fn what_is_no_struct_or_map_is_refused() {
    let message = |schema, value: Value| cast_value("f:int8", schema, value).unwrap_err().to_string();
    assert_eq!(message(Some(Schema::INT8), Value::Int8(1)), "Cannot list fields on non-struct type");
    assert_eq!(
        message(None, Value::Int8(1)),
        "Only Map objects supported in absence of schema for [cast types], found: java.lang.Byte"
    );
}

#[test]
fn equal_schemas_become_one_schema() {
    let schema = || SchemaBuilder::structure().field("a", Schema::INT8).build().unwrap();
    let mut cast = transformation("Cast$Value", &[("spec", "a:int16")]).unwrap();
    let identity = |cast: &mut Box<dyn Transformation>| {
        let value = Struct::new(schema()).unwrap().with("a", 1i8).unwrap();
        cast.apply_source(source(Some(schema()), value.into())).unwrap().unwrap().value_schema.unwrap().identity()
    };
    assert_eq!(identity(&mut cast), identity(&mut cast));
}

#[test]
fn a_struct_with_a_schema_of_its_own_is_cast_by_name() {
    let field = |name: &str, schema: Schema| SchemaBuilder::structure().field(name, schema);
    let schema = field("a", Schema::INT8).field("b", Schema::OPTIONAL_STRING).build().unwrap();
    let cast = |own: Schema| {
        let value = Struct::new(own).unwrap().with("a", 1i8).unwrap().with("b", "x").unwrap();
        cast_value("a:int16", Some(schema.clone()), value)
    };
    let swapped = field("b", Schema::STRING).field("a", Schema::INT8).build().unwrap();
    let Value::Struct(value) = cast(swapped).unwrap().1 else { panic!("a struct") };
    assert_eq!((value.get("a").unwrap(), value.get("b").unwrap()), (&Value::Int16(1), &"x".into()));
    let more = field("b", Schema::STRING).field("a", Schema::INT8).field("c", Schema::OPTIONAL_INT8).build().unwrap();
    assert_eq!(cast(more).unwrap_err().to_string(), "c is not a valid field name");
}
