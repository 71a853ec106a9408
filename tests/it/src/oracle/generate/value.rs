//! Random values.

use num_bigint::BigInt;
use sluice_api::data::logical::{DATE, DECIMAL, MILLIS_PER_DAY, TIME, TIMESTAMP, decimal_scale};
use sluice_api::data::{BigDecimal, Map};
use sluice_api::{Schema, SchemaType, Struct, Value};
use sluice_harness::Random;

use super::{Chance, Shape, bytes, field_name, structure, text};

/// A value that fits the schema; null at times where it may be. Dates and times leave their range now and then, which a schema
/// does not check.
pub(in crate::oracle) fn of_schema(random: &mut Random, schema: &Schema) -> Value {
    if schema.is_optional() && random.percent(25) {
        return Value::Null;
    }
    match schema.name() {
        Some(DECIMAL) => decimal(random, schema),
        Some(DATE) if random.percent(4) => Value::Date(-1),
        Some(DATE) => Value::Date((random.range(0, 60_000) as i64 - 20_000) * MILLIS_PER_DAY),
        Some(TIME) if random.percent(4) => Value::Date([-1, MILLIS_PER_DAY, MILLIS_PER_DAY + 1][random.below(3)]),
        Some(TIME) => Value::Date(random.range(0, MILLIS_PER_DAY as u64) as i64),
        Some(TIMESTAMP) => Value::Date(timestamp(random)),
        _ => of_type(random, schema),
    }
}

/// As [`of_schema`], and now and then a struct without some of its fields, required ones too: only a value that is in no other can be
/// so, because what is put somewhere is checked.
pub(in crate::oracle) fn of_schema_with_gaps(random: &mut Random, schema: &Schema) -> Value {
    let Value::Struct(whole) = of_schema(random, schema) else { return of_schema(random, schema) };
    if random.percent(90) {
        return whole.into();
    }
    let mut holed = Struct::new(schema.clone()).expect("the schema is a struct's");
    for (field, value) in schema.fields().expect("the schema is a struct's").iter().zip(whole.values()) {
        if !value.is_null() && random.percent(70) {
            holed.put_field(field, value.clone()).expect("it did fit");
        }
    }
    holed.into()
}

fn of_type(random: &mut Random, schema: &Schema) -> Value {
    match schema.schema_type() {
        SchemaType::Int8 => (integer(random) as i8).into(),
        SchemaType::Int16 => (integer(random) as i16).into(),
        SchemaType::Int32 => (integer(random) as i32).into(),
        SchemaType::Int64 => integer(random).into(),
        SchemaType::Float32 => float(random).into(),
        SchemaType::Float64 => double(random).into(),
        SchemaType::Boolean => random.percent(50).into(),
        SchemaType::String => text(random).into(),
        SchemaType::Bytes => Value::Bytes(bytes(random).into()),
        SchemaType::Array => {
            let Ok(Some(of)) = schema.value_schema() else { return Value::Array(Vec::new()) };
            Value::Array((0..random.below(4)).map(|_| of_schema(random, of)).collect())
        }
        SchemaType::Map => {
            let (Ok(Some(key)), Ok(Some(value))) = (schema.key_schema(), schema.value_schema()) else {
                return Map::default().into();
            };
            let entries: Vec<_> =
                (0..random.below(5)).map(|_| (of_schema(random, key), of_schema(random, value))).collect();
            Map::insertion_ordered(entries).into()
        }
        SchemaType::Struct => of_structure(random, schema).into(),
    }
}

fn of_structure(random: &mut Random, schema: &Schema) -> Struct {
    let mut structure = Struct::new(schema.clone()).expect("the schema is a struct's");
    for field in schema.fields().expect("the schema is a struct's") {
        let has_default = field.schema().default_value().is_some();
        let left_out = has_default && random.percent(25);
        let value = of_schema(random, field.schema());
        if !left_out {
            structure.put_field(field, value).expect("the value fits");
        }
    }
    structure
}

/// A value without schema: mostly what schemaless JSON gives, now and then a class that has no schemaless form.
pub(in crate::oracle) fn loose(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 0 { 16 } else { 12 }) {
        0 => Value::Null,
        1 => random.percent(50).into(),
        2 => (integer(random) as i8).into(),
        3 => (integer(random) as i16).into(),
        4 => (integer(random) as i32).into(),
        5 | 6 => integer(random).into(),
        7 => float(random).into(),
        8 => double(random).into(),
        9 | 10 => text(random).into(),
        11 => match random.below(6) {
            0 => Value::Date(timestamp(random)),
            1 => BigDecimal::new(BigInt::from(integer(random)), 3).into(),
            2 => {
                let schema = structure(random, Shape { depth: 1, logical: false, defaults: false, ..Shape::ANY });
                of_structure(random, &schema).into()
            }
            _ => Value::Bytes(bytes(random).into()),
        },
        12 => Value::Array((0..random.below(4)).map(|_| loose(random, depth - 1)).collect()),
        _ => loose_map(random, depth).into(),
    }
}

fn loose_map(random: &mut Random, depth: usize) -> Map {
    let only_names = random.percent(92);
    let mut entries = Vec::new();
    for _ in 0..random.below(6) {
        let key = if only_names { field_name(random).into() } else { loose(random, 0) };
        entries.push((key, loose(random, depth - 1)));
    }
    Map::insertion_ordered(entries)
}

fn integer(random: &mut Random) -> i64 {
    const CORNERS: [i64; 18] = [
        0,
        1,
        -1,
        2,
        42,
        127,
        128,
        -128,
        255,
        300,
        32_767,
        -32_768,
        65_536,
        i32::MAX as i64,
        i32::MIN as i64,
        3_000_000_000,
        i64::MAX,
        i64::MIN,
    ];
    if random.percent(60) { CORNERS[random.below(CORNERS.len())] } else { random.next() as i64 >> random.below(64) }
}

fn double(random: &mut Random) -> f64 {
    const CORNERS: [f64; 20] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.5,
        1.1,
        100.0,
        1e7,
        9_999_999.0,
        0.001,
        0.000_1,
        1e20,
        1e22,
        1e300,
        123_456.789,
        3e9,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
    ];
    if random.percent(60) { CORNERS[random.below(CORNERS.len())] } else { random.next() as i32 as f64 / 1000.0 }
}

fn float(random: &mut Random) -> f32 {
    const CORNERS: [f32; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.5,
        1.1,
        100.0,
        1e7,
        0.001,
        0.000_1,
        1e20,
        3e9,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        16_777_216.0,
    ];
    if random.percent(60) { CORNERS[random.below(CORNERS.len())] } else { random.next() as i16 as f32 / 8.0 }
}

fn timestamp(random: &mut Random) -> i64 {
    const CORNERS: [i64; 9] =
        [0, -1, 1, 999, MILLIS_PER_DAY, -MILLIS_PER_DAY, 1_566_570_894_346, -2_208_988_800_001, 4_102_444_800_000];
    if random.percent(50) {
        CORNERS[random.below(CORNERS.len())]
    } else {
        random.range(0, 6_000_000_000_000) as i64 - 2_000_000_000_000
    }
}

/// Mostly of the schema's scale.
fn decimal(random: &mut Random, schema: &Schema) -> Value {
    let scale = decimal_scale(schema).unwrap_or(0) + i32::from(random.percent(4));
    let unscaled = BigInt::from(integer(random)) * if random.percent(10) { 10_000_000_000_i64 } else { 1 };
    BigDecimal::new(unscaled, scale).into()
}
