//! Whatever schema and value, what was written is read again by the schema that was written with it.

use bytes::Bytes;
use proptest::prelude::*;
use sluice_api::data::{Map, Schema, SchemaBuilder, SchemaType, Struct, Value, logical};

use super::properties;
use crate::json_schema::JsonSchemaCodec;

fn leaf() -> impl Strategy<Value = Schema> {
    use SchemaType::{Boolean, Bytes, Float32, Float64, Int8, Int16, Int32, Int64, String};
    let primitive = prop::sample::select(vec![Int8, Int16, Int32, Int64, Float32, Float64, Boolean, String, Bytes]);
    let logical =
        prop::sample::select(vec![logical::decimal(3), logical::date(), logical::time(), logical::timestamp()]);
    prop_oneof![
        4 => (primitive, any::<bool>()).prop_map(|(schema_type, optional)| {
            let builder = SchemaBuilder::of_type(schema_type);
            if optional { builder.optional() } else { builder }.build().unwrap()
        }),
        1 => logical,
    ]
}

fn schema() -> impl Strategy<Value = Schema> {
    leaf().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| SchemaBuilder::array(element).build().unwrap()),
            inner.clone().prop_map(|value| SchemaBuilder::map(Schema::STRING, value).build().unwrap()),
            inner.clone().prop_map(|value| SchemaBuilder::map(Schema::INT32, value).build().unwrap()),
            (prop::collection::btree_map("[a-z]{1,6}", inner, 1..6), any::<bool>()).prop_map(|(fields, optional)| {
                let builder = fields
                    .into_iter()
                    .fold(SchemaBuilder::structure(), |builder, (name, schema)| builder.field(name, schema));
                if optional { builder.optional().name("n") } else { builder }.build().unwrap()
            }),
        ]
    })
}

fn value(schema: &Schema, seed: &mut u64) -> Value {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let random = *seed >> 8;
    if schema.is_optional() && random.is_multiple_of(4) {
        return Value::Null;
    }
    match (schema.name(), schema.schema_type()) {
        (Some(logical::DECIMAL), _) => Value::Decimal(sluice_api::data::BigDecimal::new(random as i64, 3)),
        (Some(logical::DATE), _) => Value::Date((random % 100_000) as i64 * logical::MILLIS_PER_DAY),
        (Some(logical::TIME), _) => Value::Date((random % 86_400_000) as i64),
        (Some(logical::TIMESTAMP), _) => Value::Date(random as i64),
        (_, SchemaType::Int8) => Value::Int8(random as i8),
        (_, SchemaType::Int16) => Value::Int16(random as i16),
        (_, SchemaType::Int32) => Value::Int32(random as i32),
        (_, SchemaType::Int64) => Value::Int64((random << 9) as i64),
        (_, SchemaType::Float32) => Value::Float32(random as f32 / 3.0),
        (_, SchemaType::Float64) => Value::Float64(random as f64 / 7.0),
        (_, SchemaType::Boolean) => Value::Boolean(random.is_multiple_of(2)),
        (_, SchemaType::String) => Value::from(format!("\"é\u{1}{random}")),
        (_, SchemaType::Bytes) => Value::Bytes(Bytes::copy_from_slice(&random.to_le_bytes()[..(random % 8) as usize])),
        (_, SchemaType::Array) => {
            let element = schema.value_schema().unwrap().unwrap();
            Value::Array((0..random % 4).map(|_| value(element, seed)).collect())
        }
        (_, SchemaType::Map) => {
            let (key, element) = (schema.key_schema().unwrap().unwrap(), schema.value_schema().unwrap().unwrap());
            let entries: Vec<_> = (0..random % 4).map(|_| (value(key, seed), value(element, seed))).collect();
            Value::Map(Map::hash_ordered(entries))
        }
        (_, SchemaType::Struct) => {
            let mut made = Struct::new(schema.clone()).unwrap();
            for field in schema.fields().unwrap() {
                let value = value(field.schema(), seed);
                made.put_field(field, value).unwrap();
            }
            Value::Struct(made)
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(schema in schema(), seed: u64) {
        let value = value(&schema, &mut { seed });
        for pairs in [&[("json.fail.invalid.schema", "true")][..], &[("decimal.format", "NUMERIC")]] {
            let keys = properties(pairs);
            let (text, json) = JsonSchemaCodec::encode(&schema, &value, &keys).unwrap();
            let codec = JsonSchemaCodec::new(&text, &[], &keys).unwrap();
            prop_assert_eq!(codec.schema(), &schema);
            let read = codec.decode(&json.unwrap()).unwrap();
            prop_assert_eq!(&read.value, &value);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", json: Vec<u8>) {
        JsonSchemaCodec::new(&text, &[], &properties(&[])).ok();
        let schema = r#"{"type":"object","properties":{"a":{"type":["null","string","object"],"properties":{"b":{"type":"number"}}}}}"#;
        let codec = JsonSchemaCodec::new(schema, &[], &properties(&[])).unwrap();
        codec.decode(&Bytes::from(json)).ok();
    }
}
