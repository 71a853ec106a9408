//! Against `golden/values.tsv`: what Kafka Connect 4.3 makes of the same texts (see `golden/README.md`).

use std::path::PathBuf;

use super::super::{Schema, SchemaAndValue, SchemaType, Value};
use super::{convert_to_string, parse_string};

fn text(hex: &str) -> String {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    String::from_utf8((0..hex.len()).step_by(2).map(digit).collect()).unwrap()
}

fn describe(schema: Option<&Schema>) -> String {
    let Some(schema) = schema else { return "-".into() };
    match schema.schema_type() {
        SchemaType::Array => format!("ARRAY<{}>", describe(schema.value_schema().unwrap())),
        SchemaType::Map => {
            let [key, value] = [schema.key_schema(), schema.value_schema()].map(|part| describe(part.unwrap()));
            format!("MAP<{key},{value}>")
        }
        schema_type => {
            let name = schema.name().map(|name| format!(":{}", name.rsplit('.').next().unwrap()));
            format!("{schema_type}{}", name.unwrap_or_default())
        }
    }
}

/// Whether Kafka Connect's answer holds all of the text: blanks, signs, zeros and the form of numbers aside.
fn lossless(input: &str, answer: &str) -> bool {
    let essence = |text: &str| text.replace([' ', '+', ','], "");
    essence(input) == essence(answer)
}

#[test]
fn texts_are_taken_for_what_kafka_connect_takes_them_for() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let file = std::env::var_os("VALUES_VECTORS").map_or_else(|| folder.join("values.tsv"), PathBuf::from);
    let golden = std::fs::read_to_string(file).unwrap();
    let mut differences = Vec::new();
    for line in golden.lines() {
        let columns: Vec<_> = line.split('\t').collect();
        let input = text(columns[0]);
        let parsed = parse_string(&input);
        if parsed == SchemaAndValue::NULL {
            assert_eq!(columns[1], "null", "{input}");
            continue;
        }
        let ours = (describe(parsed.schema.as_ref()), convert_to_string(&parsed.value));
        let theirs = (columns[1].to_owned(), text(columns[2]));
        // Where Kafka Connect loses a part of the text, all of it stays as a string or in a wider number.
        let safe = ours == ("STRING".into(), input.clone()) && !lossless(&input, &theirs.1);
        let wider = ["FLOAT64", "BYTES:Decimal"].contains(&&*ours.0) && theirs.0 == "FLOAT32" && ours.1 != theirs.1;
        // Blank text in quotes stays; a date with something after it is no date.
        let kept = input.contains("\" ") || input.contains("2019-08-2,");
        if ours != theirs && !safe && !wider && !kept {
            differences.push(format!("{input:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(golden.lines().count() > 300);
}

#[test]
fn nothing_of_a_text_is_dropped() {
    let string = |text: &str| SchemaAndValue::new(Schema::STRING, text);
    for whole in ["1,2", "12:30", "[1]x", "{\"a\":1}x", " :x", "2019-08-2x", "true}", "1 2"] {
        assert_eq!(parse_string(whole), string(whole));
    }
    assert_eq!(parse_string("[\"  \"]").value, Value::Array(vec!["  ".into()]));
}

#[test]
fn numbers_get_a_type_that_holds_all_their_digits() {
    let schema = |text| describe(parse_string(text).schema.as_ref());
    assert_eq!(schema("0.1"), "FLOAT32");
    assert_eq!(schema("1.00000000001"), "FLOAT64");
    assert_eq!(schema("12345678901234567890.5"), "BYTES:Decimal");
    assert_eq!(schema("1e-400"), "BYTES:Decimal");
    assert_eq!(schema("1e19"), "FLOAT32");
    assert_eq!(schema("1e39"), "FLOAT64");
}

#[test]
fn depth_and_length_are_limited() {
    let deep = "[".repeat(100_000);
    assert_eq!(parse_string(&deep).value, Value::from(deep));
    let long = "1".repeat(100_000);
    assert_eq!(parse_string(&long).value, Value::from(long));
}
