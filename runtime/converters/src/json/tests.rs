//! Against `golden/json.tsv`: what Kafka Connect 4.3 makes of the same inputs (see `golden/README.md`).

use std::path::PathBuf;

use bytes::Bytes;
use proptest::prelude::*;
use sluice_api::data::{Map, SchemaBuilder, Struct};
use sluice_api::{ConverterPlugin, ConverterUse, Properties, Schema, Value};

use super::config::JsonConfig;
use super::converter::JsonConverter;
use super::{PLUGIN, parse_json, to_json_bytes};

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn text(hex: &str) -> String {
    String::from_utf8(unhex(hex)).unwrap()
}

fn converter(config: &str) -> sluice_api::Result<JsonConverter> {
    let pairs = config.split(';').filter_map(|pair| pair.split_once('='));
    let properties: Properties = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    JsonConverter::new(&JsonConfig::parse(&properties)?)
}

/// What a line of the golden file says, from the third column on.
fn observed(config: &str, input: &[u8]) -> Vec<String> {
    let input = Bytes::copy_from_slice(input);
    let mut converter = match converter(config) {
        Ok(converter) => converter,
        Err(error) => return vec!["READ".into(), error.to_string()],
    };
    match converter.decode(Some(&input)) {
        Err(error) => vec!["READ".into(), error.to_string()],
        Ok(read) => {
            // With its schema known, the same message takes the short way.
            assert_eq!(converter.decode(Some(&input)).expect("a message that was read before"), read);
            let schema = read.schema.as_ref().map_or("null".to_owned(), ToString::to_string);
            let (outcome, written) = match converter.encode(read.schema.as_ref(), &read.value) {
                Ok(None) => ("OK", "NULL".to_owned()),
                Ok(Some(bytes)) => ("OK", String::from_utf8(bytes.to_vec()).unwrap()),
                Err(error) => ("WRITE", error.to_string()),
            };
            vec![outcome.into(), schema, read.value.to_string(), written]
        }
    }
}

fn expected(columns: &[&str]) -> Vec<String> {
    match columns {
        ["READ", message] => vec!["READ".into(), text(message)],
        [outcome, schema, value, written] => {
            let written = if *written == "NULL" { "NULL".to_owned() } else { text(written) };
            vec![(*outcome).into(), (*schema).into(), text(value), written]
        }
        _ => panic!("not a line of the golden file: {columns:?}"),
    }
}

/// The number in `[B@…` differs in every run of Java.
fn without_identity(mut columns: Vec<String>) -> Vec<String> {
    if let [_, _, value, _] = columns.as_mut_slice() {
        while let Some(at) = value.find("[B@") {
            let digits = value[at + 3..].bytes().take_while(u8::is_ascii_hexdigit).count();
            value.replace_range(at..at + 3 + digits, "[B]");
        }
    }
    columns
}

/// Inputs on which we differ from Kafka Connect on purpose: text that UTF-8 cannot hold, and nothing at all where the schema
/// is fixed (Kafka Connect makes 0 of it).
fn differs_on_purpose(config: &str, input: &[u8]) -> bool {
    let unpaired = String::from_utf8_lossy(input).replace(r"\ud83d\ude00", "").to_lowercase();
    unpaired.contains(r"\ud83d")
        || unpaired.contains(r"\ude00")
        || input == [34, 0xc0, 0x80, 34]
        || (config.contains("schema.content") && input.is_empty())
}

#[test]
fn reads_and_writes_what_kafka_connect_does() {
    // Invariant 6: the same bytes as Apache Kafka's.
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let file = std::env::var_os("JSON_VECTORS").map_or_else(|| folder.join("json.tsv"), PathBuf::from);
    let golden = std::fs::read_to_string(file).unwrap();
    let mut differences = Vec::new();
    for line in golden.lines() {
        let columns: Vec<_> = line.split('\t').collect();
        let (config, input) = (text(columns[0]), unhex(columns[1]));
        let (ours, theirs) = (observed(&config, &input), expected(&columns[2..]));
        if without_identity(ours.clone()) != without_identity(theirs.clone()) && !differs_on_purpose(&config, &input) {
            let input = String::from_utf8_lossy(&input).into_owned();
            differences.push(format!("{config} {input}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(golden.lines().count() > 300);
}

#[test]
fn unpaired_surrogates_are_refused() {
    for input in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#] {
        assert!(parse_json(input.as_bytes()).is_err(), "{input}");
    }
    assert_eq!(parse_json(br#""\ud83d\ude00""#).unwrap(), Value::from("\u{1F600}"));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(parse_json(nested(1000).as_bytes()).is_ok());
    let error = parse_json(nested(1001).as_bytes()).unwrap_err();
    assert!(error.trace().contains("nested deeper than 1000 at byte 1000"), "{}", error.trace());
    assert!(parse_json("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn text_without_escapes_is_not_copied() {
    let input = Bytes::from_static(br#"{"key":"value"}"#);
    let mut converter = converter("schemas.enable=false").unwrap();
    let read = converter.decode(Some(&input)).unwrap();
    let Value::Map(map) = &read.value else { panic!("not a map") };
    let Some(Value::String(value)) = map.get("key") else { panic!("not a text") };
    assert!(input.as_ptr_range().contains(&value.as_bytes().as_ptr()));
}

#[test]
fn a_schema_that_was_seen_is_shared() {
    let message = |n| Bytes::from(format!(r#"{{"schema":{{"type":"int32","name":"n"}},"payload":{n}}}"#));
    let mut converter = converter("").unwrap();
    let mut read = |n| converter.decode(Some(&message(n))).unwrap();
    let (first, second) = (read(1), read(2));
    assert_eq!(first.schema.unwrap().identity(), second.schema.unwrap().identity());
    assert_eq!(second.value, Value::Int32(2));
}

#[test]
fn writing_needs_the_right_classes() {
    let mut converter = converter("").unwrap();
    let mut mistake = |schema: Option<&Schema>, value: Value| converter.encode(schema, &value).unwrap_err().to_string();
    assert_eq!(mistake(Some(&Schema::INT8), 1i32.into()), "Invalid type for INT8: class java.lang.Integer");
    assert_eq!(
        mistake(None, Value::Date(0)),
        "Java class class java.util.Date does not have corresponding schema type."
    );
    let structure = |name| SchemaBuilder::structure().field(name, Schema::OPTIONAL_INT8).build().unwrap();
    let value = Struct::new(structure("a")).unwrap();
    assert_eq!(mistake(Some(&structure("b")), value.into()), "Mismatching schema.");
    assert_eq!(
        mistake(Some(&Schema::INT8), Value::Null),
        "Conversion error: null value for field that is required and has no default value"
    );
}

#[test]
fn an_optional_null_is_a_tombstone_only_without_schema() {
    let mut plain = converter("schemas.enable=false").unwrap();
    assert_eq!(plain.encode(None, &Value::Null).unwrap(), None);
    assert_eq!(plain.encode(Some(&Schema::OPTIONAL_INT8), &Value::Null).unwrap().unwrap(), "null");
    assert_eq!(
        converter("").unwrap().encode(Some(&Schema::OPTIONAL_INT8), &Value::Null).unwrap().unwrap(),
        r#"{"schema":{"type":"int8","optional":true},"payload":null}"#
    );
}

#[test]
fn maps_with_keys_other_than_text_are_pairs() {
    let map = Map::insertion_ordered([("a".into(), 1i32.into()), (2i32.into(), "b".into())]);
    assert_eq!(to_json_bytes(&map.into()), r#"[["a",1],[2,"b"]]"#);
    assert_eq!(to_json_bytes(&Map::default().into()), "{}");
}

#[test]
fn a_wrong_configuration_is_named() {
    let properties = Properties::from_iter([("decimal.format".to_owned(), "HEX".to_owned())]);
    let error = PLUGIN.converter(&properties, ConverterUse::Value).err().unwrap();
    assert!(error.to_string().contains("Invalid value HEX for configuration decimal.format"), "{error}");
    let error = converter("schema.content={\"type\"").err().unwrap();
    assert_eq!(error.to_string(), "Failed to parse schema in converter config due to serialization error: ");
}

fn json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("has a literal", |number| number.is_finite() && *number != 0.0).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>().prop_map(Value::from), inner), 0..40)
                .prop_map(|entries| Value::Map(Map::hash_ordered(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in json()) {
        let written = to_json_bytes(&value);
        let read = parse_json(&written).unwrap();
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(to_json_bytes(&read), written);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), schemas: bool) {
        let config = if schemas { "" } else { "schemas.enable=false" };
        drop(converter(config).unwrap().decode(Some(&Bytes::from(bytes))));
    }

    #[test]
    fn json_like_bytes_never_panic(text in r#"[\[\]{}:,"\\0-9eE.+\-truefalsn u d83]{0,40}"#) {
        drop(parse_json(text.as_bytes()));
        drop(converter("").unwrap().decode(Some(&Bytes::from(format!(r#"{{"schema":{text},"payload":1}}"#)))));
    }
}

#[test]
fn a_schema_that_grows_without_bound_as_json_is_refused() {
    let twice = |schema: Schema, _| {
        let builder = SchemaBuilder::structure().optional().field("a", schema.clone()).field("b", schema);
        builder.build().expect("two fields")
    };
    let schema = (0..60).fold(Schema::INT32, twice);
    let error = converter("").unwrap().encode(Some(&schema), &Value::Null).expect_err("refused");
    assert_eq!(error.message(), "a schema takes more than 32 MiB as JSON, which no record can hold");
}

#[test]
fn a_wrong_value_is_refused_also_when_another_takes_its_key() {
    let time = || sluice_api::data::logical::time_builder().build().expect("a schema");
    let schema = SchemaBuilder::map(Schema::OPTIONAL_STRING, time()).build().expect("a map");
    let map = |first: i64| Map::insertion_ordered([("null".into(), Value::Date(first)), (Value::Null, Value::Date(5))]);
    let mut converter = converter("schemas.enable=false").unwrap();
    assert_eq!(converter.encode(Some(&schema), &map(7).into()).unwrap().unwrap(), r#"{"null":5}"#);
    assert!(converter.encode(Some(&schema), &map(86_400_001).into()).is_err());
}
