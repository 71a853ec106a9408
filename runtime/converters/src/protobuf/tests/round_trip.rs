//! Whatever schema and value, what was written is read again, by the schema that was written with it.

use bytes::Bytes;
use proptest::prelude::*;
use sluice_api::data::{BigDecimal, Map, Schema, SchemaBuilder, SchemaType, Struct, Value, logical};

use super::properties;
use crate::protobuf::ProtobufCodec;

/// The kinds of fields that both sides have.
#[derive(Clone, Debug)]
enum Shape {
    Primitive(SchemaType),
    Decimal(i32),
    Date,
    Time,
    Timestamp,
    List(Box<Shape>),
    Map(SchemaType, Box<Shape>),
    Message(Vec<Shape>),
}

fn leaf() -> impl Strategy<Value = Shape> {
    use SchemaType::{Boolean, Bytes, Float32, Float64, Int8, Int16, Int32, Int64, String};
    let primitive = prop::sample::select(vec![Int8, Int16, Int32, Int64, Float32, Float64, Boolean, String, Bytes]);
    prop_oneof![
        6 => primitive.prop_map(Shape::Primitive),
        1 => (0..5).prop_map(Shape::Decimal),
        1 => Just(Shape::Date),
        1 => Just(Shape::Time),
        1 => Just(Shape::Timestamp),
    ]
}

fn message() -> impl Strategy<Value = Shape> {
    let key = prop::sample::select(vec![SchemaType::String, SchemaType::Int32, SchemaType::Boolean]);
    let field = leaf().prop_recursive(3, 24, 4, move |inner| {
        let message = prop::collection::vec(inner, 1..4).prop_map(Shape::Message);
        let single = prop_oneof![leaf(), message];
        prop_oneof![
            single.clone(),
            single.clone().prop_map(|shape| Shape::List(Box::new(shape))),
            (key.clone(), single).prop_map(|(key, value)| Shape::Map(key, Box::new(value))),
        ]
    });
    prop::collection::vec(field, 1..5).prop_map(Shape::Message)
}

/// A schema; names make every message distinct.
fn schema(shape: &Shape, counter: &mut u32) -> Schema {
    let mut next = || {
        *counter += 1;
        *counter
    };
    match shape {
        Shape::Primitive(schema_type) => SchemaBuilder::of_type(*schema_type).build(),
        Shape::Decimal(scale) => Ok(logical::decimal(*scale)),
        Shape::Date => Ok(logical::date()),
        Shape::Time => Ok(logical::time()),
        Shape::Timestamp => Ok(logical::timestamp()),
        Shape::List(element) => SchemaBuilder::array(schema(element, counter)).build(),
        Shape::Map(key, value) => {
            let name = format!("map{}", next());
            SchemaBuilder::map(SchemaBuilder::of_type(*key).build().unwrap(), schema(value, counter)).name(name).build()
        }
        Shape::Message(fields) => {
            let builder = SchemaBuilder::structure().name(format!("pkg.Message{}", next()));
            let add = |builder: SchemaBuilder, (at, field): (usize, &Shape)| {
                builder.field(format!("f{at}"), schema(field, counter))
            };
            fields.iter().enumerate().fold(builder, add).build()
        }
    }
    .unwrap()
}

fn value(schema: &Schema, seed: &mut u64) -> Value {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let random = *seed >> 8;
    match (schema.name(), schema.schema_type()) {
        (Some(logical::DECIMAL), _) => {
            Value::Decimal(BigDecimal::new(random as i64 - (1 << 50), logical::decimal_scale(schema).unwrap()))
        }
        (Some(logical::DATE), _) => Value::Date((random % 100_000) as i64 * logical::MILLIS_PER_DAY),
        (Some(logical::TIME), _) => Value::Date((random % 86_400_000) as i64),
        (Some(logical::TIMESTAMP), _) => Value::Date((random % 4_000_000_000_000) as i64 - 1_000_000_000_000),
        (_, SchemaType::Int8) => Value::Int8(random as i8),
        (_, SchemaType::Int16) => Value::Int16(random as i16),
        (_, SchemaType::Int32) => Value::Int32(random as i32),
        (_, SchemaType::Int64) => Value::Int64((random << 9) as i64),
        (_, SchemaType::Float32) => Value::Float32(random as f32),
        (_, SchemaType::Float64) => Value::Float64(random as f64 / 7.0),
        (_, SchemaType::Boolean) => Value::Boolean(random.is_multiple_of(2)),
        (_, SchemaType::String) => {
            Value::from(if random.is_multiple_of(5) { String::new() } else { format!("é{random}") })
        }
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

/// Values without their schemas, which have more parameters after the round trip.
fn plain(value: &Value) -> String {
    format!("{}", Plain(value))
}

struct Plain<'a>(&'a Value);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Value::Struct(value) => value.values().iter().try_for_each(|value| write!(f, "({})", Plain(value))),
            Value::Array(values) => values.iter().try_for_each(|value| write!(f, "[{}]", Plain(value))),
            Value::Map(map) => {
                let mut entries: Vec<_> =
                    map.iter().map(|(key, value)| format!("{}={}", Plain(key), Plain(value))).collect();
                entries.sort();
                write!(f, "{entries:?}")
            }
            other => write!(f, "{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(shape in message(), seed: u64) {
        let schema = schema(&shape, &mut 0);
        let value = value(&schema, &mut { seed });
        for pairs in [&[][..], &[("optional.for.nullables", "true")], &[("wrapper.for.nullables", "true")]] {
            let keys = properties(pairs);
            let (text, bytes) = ProtobufCodec::encode(&schema, &value, &keys).unwrap();
            let read = ProtobufCodec::new(&text, &keys).unwrap().decode(&bytes).unwrap();
            prop_assert_eq!(plain(&read.value), plain(&value));
            if !pairs.is_empty() {
                // Messages and elements of lists are nullable when they were read, so these texts say more the second time.
                continue;
            }
            let (again, same) = ProtobufCodec::encode(&read.schema.unwrap(), &read.value, &keys).unwrap();
            let package = |text: &str| text.replace("package pkg;\n", "");
            prop_assert_eq!(package(&again), package(&text));
            prop_assert_eq!(same, bytes);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let text = "syntax = \"proto3\"; message M { int32 a = 1; M2 b = 2; map<string, M2> c = 3; oneof o { M2 d = 4; string e = 5; } }
                    message M2 { repeated sint32 x = 1; string y = 2; }";
        let codec = ProtobufCodec::new(text, &properties(&[])).unwrap();
        let mut with_path = vec![0];
        with_path.extend_from_slice(&bytes);
        codec.decode(&Bytes::from(with_path)).ok();
    }
}
