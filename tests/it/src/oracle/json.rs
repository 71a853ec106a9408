//! `JsonConverter`, with and without schemas, both directions, as a converter of keys, values and headers.

mod text;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sluice_api::{ConverterUse, Properties, Schema, Value};
use sluice_harness::Random;

use super::generate::{Chance, Shape, bytes, loose, mutated, of_schema_with_gaps, schema};
use super::kept::{refused_by, same_but_for_float_text};
use super::ours::typed_json;
use super::run::{Kept, family};

pub(super) const KEPT: &[Kept] = &[
    Kept {
        row: "JSON with an unpaired surrogate or overlong UTF-8",
        is: |case, _| ["unpaired surrogate", "invalid UTF-8 in the string"].iter().any(|part| refused_by(case, part)),
    },
    Kept { row: "text of floats", is: |case, _| same_but_for_float_text(case) },
];

const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";
const USES: [&str; 3] = ["key", "value", "header"];

fn config(random: &mut Random, schemas: bool) -> Json {
    let mut config = json!({"schemas.enable": schemas.to_string()});
    if random.percent(50) {
        config["decimal.format"] = json!(random.pick(&["NUMERIC", "base64", "numeric"]));
    }
    if random.percent(40) {
        config["replace.null.with.default"] = json!(random.pick(&["true", "false"]));
    }
    if random.percent(10) {
        config["schemas.cache.size"] = json!(random.pick(&["0", "1", "2"]));
    }
    config
}

/// Data that fits its schema, has none, or does not fit.
fn data(random: &mut Random) -> (Option<Schema>, Value) {
    match random.below(10) {
        0..=5 => {
            let schema = schema(random, Shape::ANY);
            let value = of_schema_with_gaps(random, &schema);
            (Some(schema), value)
        }
        6..=8 => (None, loose(random, 3)),
        _ => (Some(schema(random, Shape::ANY)), loose(random, 1)),
    }
}

fn writing(random: &mut Random, schemas: bool) -> Json {
    let case = |random: &mut Random| {
        let (schema, value) = data(random);
        let mut case = typed_json(schema.as_ref(), &value);
        case["topic"] = json!("t");
        case["key"] = json!("h");
        case
    };
    let cases: Vec<Json> = (0..=random.below(2)).map(|_| case(random)).collect();
    request(random, "fromConnect", schemas, &cases)
}

fn reading(random: &mut Random, schemas: bool) -> Json {
    let case = |random: &mut Random| {
        let bytes = match random.below(20) {
            0 => return json!({"topic": "t", "key": "h", "bytes": null}),
            1 => bytes(random),
            2..=8 => written(random, schemas),
            9..=12 => {
                let right = written(random, schemas);
                mutated(random, &right)
            }
            _ if schemas => text::envelope(random).into_bytes(),
            _ => text::document(random, 3).into_bytes(),
        };
        json!({"topic": "t", "key": "h", "bytes": STANDARD.encode(bytes)})
    };
    let cases: Vec<Json> = (0..=random.below(2)).map(|_| case(random)).collect();
    request(random, "toConnect", schemas, &cases)
}

/// What our own converter writes for random data.
fn written(random: &mut Random, schemas: bool) -> Vec<u8> {
    let (schema, value) = data(random);
    let mut config = Properties::new();
    config.insert("schemas.enable".to_owned(), schemas.to_string());
    let plugins = sluice_converters::plugins();
    let plugin = plugins.iter().find(|plugin| plugin.class() == CLASS).expect("the converter is there");
    let mut converter =
        plugin.converter(&config, ConverterUse::Value).expect("the config is right").expect("of values");
    converter.from_connect_data("t", schema.as_ref(), &value).ok().flatten().unwrap_or_default().to_vec()
}

fn request(random: &mut Random, op: &str, schemas: bool, cases: &[Json]) -> Json {
    json!({"op": op, "class": CLASS, "config": config(random, schemas), "use": random.pick(&USES), "cases": cases})
}

#[test]
fn json_converter_writes_with_schemas() -> Result<()> {
    family("oracle::json_converter_writes_with_schemas", KEPT, |random| writing(random, true))
}

#[test]
fn json_converter_writes_without_schemas() -> Result<()> {
    family("oracle::json_converter_writes_without_schemas", KEPT, |random| writing(random, false))
}

#[test]
fn json_converter_reads_with_schemas() -> Result<()> {
    family("oracle::json_converter_reads_with_schemas", KEPT, |random| reading(random, true))
}

#[test]
fn json_converter_reads_without_schemas() -> Result<()> {
    family("oracle::json_converter_reads_without_schemas", KEPT, |random| reading(random, false))
}
