//! `SimpleHeaderConverter`, and the text forms of `Values` behind it.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sluice_harness::Random;

use super::generate::{Chance, Shape, bytes, loose, number_text, of_schema, schema, text};
use super::kept::{has_digits_of_other_scripts, input_bytes, numbers_are_wider, text_stays_whole};
use super::ours::typed_json;
use super::run::{Kept, family};

pub(super) const KEPT: &[Kept] = &[
    Kept {
        row: "header bytes that are not UTF-8",
        is: |case, _| {
            let bytes = input_bytes(case);
            let whole = json!({"schema": "BYTES", "value": {"bytes": STANDARD.encode(&bytes)}});
            str::from_utf8(&bytes).is_err() && case.ours["ok"] == whole
        },
    },
    Kept {
        row: "header text after a number, array, map or date",
        is: |case, _| {
            String::from_utf8(input_bytes(case))
                .is_ok_and(|text| text_stays_whole(&text, &case.theirs["ok"], &case.ours["ok"]))
        },
    },
    Kept {
        row: "numbers in digits of other scripts",
        is: |case, _| {
            case.ours["ok"]["schema"] == "STRING"
                && has_digits_of_other_scripts(&String::from_utf8_lossy(&input_bytes(case)))
        },
    },
    Kept {
        row: "header numbers in FLOAT32 and FLOAT64",
        is: |case, _| {
            String::from_utf8(input_bytes(case))
                .is_ok_and(|text| numbers_are_wider(&text, &case.theirs["ok"], &case.ours["ok"]))
        },
    },
];

const CLASS: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Text that looks like a header that was written by hand: numbers, dates, lists, maps, and what is almost one.
fn header_text(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 0 { 12 } else { 8 }) {
        0 => text(random),
        1..=3 => number_text(random),
        4 => random.pick(&["null", "true", "false", " true ", "nul", "True"]).to_owned(),
        5 => random
            .pick(&["2019-08-23", "14:34:54.346Z", "2019-08-23T14:34:54.346Z", "2019-13-45", "24:00:00.000Z"])
            .to_owned(),
        6 | 7 => format!("\"{}\"", random.pick(&["x", "a\\\"b", "2019-08-23", "  ", "", "[", "1"])),
        8 | 9 => {
            let items: Vec<String> = (0..random.below(4)).map(|_| header_text(random, depth - 1)).collect();
            format!("[{}]", items.join(random.pick(&[",", ", ", " "])))
        }
        _ => {
            let entry = |random: &mut Random| {
                let colon = random.pick(&[":", " : "]);
                format!("{}{colon}{}", header_text(random, 0), header_text(random, depth - 1))
            };
            let entries: Vec<String> = (0..random.below(4)).map(|_| entry(random)).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

#[test]
fn simple_header_converter_reads() -> Result<()> {
    family("oracle::simple_header_converter_reads", KEPT, |random| {
        let data = if random.percent(4) { bytes(random) } else { header_text(random, 3).into_bytes() };
        let data = if random.percent(2) { Json::Null } else { json!(STANDARD.encode(data)) };
        let case = json!({"topic": "t", "key": "h", "bytes": data});
        json!({"op": "toConnect", "class": CLASS, "use": "header", "config": {}, "cases": [case]})
    })
}

#[test]
fn simple_header_converter_writes() -> Result<()> {
    family("oracle::simple_header_converter_writes", KEPT, |random| {
        let mut case = if random.percent(40) {
            typed_json(None, &loose(random, 2))
        } else {
            let schema = schema(random, Shape::ANY);
            typed_json(Some(&schema), &of_schema(random, &schema))
        };
        case["topic"] = json!("t");
        case["key"] = json!("h");
        json!({"op": "fromConnect", "class": CLASS, "use": "header", "config": {}, "cases": [case]})
    })
}
