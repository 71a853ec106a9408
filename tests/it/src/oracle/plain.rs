//! `StringConverter`, `ByteArrayConverter`, the numbers and `BooleanConverter`, as converters of keys, values and headers.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sluice_api::Schema;
use sluice_harness::Random;

use super::generate::{Chance, Shape, bytes, loose, of_schema, schema, text};
use super::kept::{refused, same_but_for_float_text, same_but_for_identity_hashes};
use super::ours::typed_json;
use super::run::{Kept, family};

pub(super) const KEPT: &[Kept] = &[
    Kept {
        row: "StringConverter, a character that the encoding lacks",
        is: |case, _| refused(case, "has no character U+"),
    },
    Kept { row: "text of `byte[]`", is: |case, _| same_but_for_identity_hashes(case) },
    Kept { row: "text of floats", is: |case, _| same_but_for_float_text(case) },
];

const USES: [&str; 3] = ["key", "value", "header"];

/// A case of `fromConnect`: data that fits `natural` half of the time, else anything.
fn writing(random: &mut Random, natural: &Schema) -> Json {
    let mut case = match random.below(4) {
        0 => typed_json(None, &loose(random, 2)),
        1 => {
            let schema = schema(random, Shape::ANY);
            typed_json(Some(&schema), &of_schema(random, &schema))
        }
        _ => {
            let value = of_schema(random, natural);
            typed_json(random.percent(70).then_some(natural), &value)
        }
    };
    case["topic"] = json!("t");
    case["key"] = json!("h");
    case
}

/// A case of `toConnect`: `width` bytes half of the time, else any bytes.
fn reading(random: &mut Random, width: usize) -> Json {
    let data = match random.below(10) {
        0 => return json!({"topic": "t", "key": "h", "bytes": null}),
        1..=5 => (0..width).map(|_| random.range(0, 256) as u8).collect(),
        6 | 7 => text(random).into_bytes(),
        _ => bytes(random),
    };
    json!({"topic": "t", "key": "h", "bytes": STANDARD.encode(data)})
}

fn request(random: &mut Random, class: &str, config: &Json, natural: &Schema, width: usize) -> Json {
    let (op, case): (_, fn(&mut Random, &Schema, usize) -> Json) = if random.percent(50) {
        ("fromConnect", |random, natural, _| writing(random, natural))
    } else {
        ("toConnect", |random, _, width| reading(random, width))
    };
    let cases: Vec<Json> = (0..=random.below(2)).map(|_| case(random, natural, width)).collect();
    json!({"op": op, "class": class, "config": config, "use": random.pick(&USES), "cases": cases})
}

macro_rules! families {
    ($($name:ident $class:literal $natural:ident $width:literal),* $(,)?) => {$(
        #[test]
        fn $name() -> Result<()> {
            let class = concat!("org.apache.kafka.connect.", $class);
            family(concat!("oracle::", stringify!($name)), KEPT, |random| {
                request(random, class, &json!({}), &Schema::$natural, $width)
            })
        }
    )*};
}

families! {
    byte_array_converter "converters.ByteArrayConverter" OPTIONAL_BYTES 5,
    boolean_converter "converters.BooleanConverter" OPTIONAL_BOOLEAN 1,
    short_converter "converters.ShortConverter" OPTIONAL_INT16 2,
    integer_converter "converters.IntegerConverter" OPTIONAL_INT32 4,
    long_converter "converters.LongConverter" OPTIONAL_INT64 8,
    float_converter "converters.FloatConverter" OPTIONAL_FLOAT32 4,
    double_converter "converters.DoubleConverter" OPTIONAL_FLOAT64 8,
}

#[test]
fn string_converter() -> Result<()> {
    family("oracle::string_converter", KEPT, |random| {
        let encoding = random.pick(&["UTF-8", "utf8", "ISO-8859-1", "latin1", "US-ASCII"]);
        let config = if random.percent(50) { json!({}) } else { json!({"converter.encoding": encoding}) };
        request(random, "org.apache.kafka.connect.storage.StringConverter", &config, &Schema::OPTIONAL_STRING, 6)
    })
}
