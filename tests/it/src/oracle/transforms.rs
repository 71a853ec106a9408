//! Apache Kafka's transformations and predicates: a family per class, with random configurations and records.

mod config;
mod patterns;
mod predicates;
mod renames;
mod timestamps;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};
use sluice_harness::Random;

use super::generate::{Chance, record};
use super::kept::{has_digits_of_other_scripts, numbers_are_wider, refused, text_stays_whole};
use super::run::{Case, Kept, family};

pub(super) const KEPT: &[Kept] = &[
    Kept {
        row: "header numbers in FLOAT32 and FLOAT64",
        is: |case, _| inserted_headers(case).is_some_and(|(text, theirs, ours)| numbers_are_wider(text, theirs, ours)),
    },
    Kept {
        row: "header text after a number, array, map or date",
        is: |case, _| inserted_headers(case).is_some_and(|(text, theirs, ours)| text_stays_whole(text, theirs, ours)),
    },
    Kept {
        row: "numbers in digits of other scripts",
        is: |case, _| refused(case, "") && has_digits_of_other_scripts(&case.request.to_string()),
    },
    Kept { row: "the new name of a `ReplaceField` rename", is: |case, _| renames::new_name_is_taken(case) },
    Kept {
        row: "a `timestamp.format` that is no pattern",
        is: |case, _| patterns::not_configured(case, "configuration timestamp.format: "),
    },
    Kept {
        row: "regular expressions of transforms and predicates",
        is: |case, _| patterns::not_configured(case, "not supported"),
    },
    Kept { row: "a regular expression that takes too many steps", is: |case, _| refused(case, "takes too many steps") },
    Kept {
        row: "`SetSchemaMetadata` of a struct whose schema is not the record's",
        is: |case, _| {
            let class = case.request["steps"][0]["class"].as_str().unwrap_or_default();
            let part = if class.ends_with("$Key") { "key" } else { "value" };
            class.contains(".SetSchemaMetadata$") && case.input[part].get("schema").is_some()
        },
    },
    Kept { row: "groups of an alternative that failed", is: |case, _| patterns::group_of_a_failed_alternative(case) },
    Kept { row: "groups whose last round took nothing", is: |case, _| patterns::group_of_an_empty_round(case) },
];

/// The literal of `InsertHeader` as a configuration has it, and the header that was put behind the others: the oracle's and ours.
fn inserted_headers<'a>(case: &Case<'a>) -> Option<(&'a str, &'a Json, &'a Json)> {
    let step = &case.request["steps"][0];
    let last = |answer: &'a Json| answer["ok"]["headers"].as_array()?.last();
    (step["class"] == format!("{PACKAGE}.InsertHeader")).then_some(())?;
    // Java's `trim`.
    let literal = step["config"]["value.literal"].as_str()?.trim_matches(|character| character <= ' ');
    Some((literal, last(case.theirs)?, last(case.ours)?))
}

const PACKAGE: &str = "org.apache.kafka.connect.transforms";

/// Properties as a request has them.
type Config = Map<String, Json>;

/// A request with one instance of `class` and one to three records.
fn request(random: &mut Random, class: &str, config: &Config, record: fn(&mut Random) -> Json) -> Json {
    let mut step = json!({"class": format!("{PACKAGE}.{class}"), "config": config});
    if random.percent(12) {
        step["predicate"] = predicates::predicate(random);
        step["negate"] = json!(random.percent(50));
    }
    let records: Vec<Json> = (0..=random.below(3)).map(|_| record(random)).collect();
    json!({"op": "transform", "steps": [step], "records": records})
}

/// `$Key` or `$Value`.
fn of_side(random: &mut Random, class: &str) -> String {
    format!("{class}{}", if random.percent(25) { "$Key" } else { "$Value" })
}

macro_rules! families {
    ($($name:ident $class:literal $record:path;)*) => {$(
        #[test]
        fn $name() -> Result<()> {
            family(concat!("oracle::", stringify!($name)), KEPT, |random| {
                let class = of_side(random, $class);
                let config = config::$name(random);
                request(random, &class, &config, $record)
            })
        }
    )*};
}

macro_rules! whole_record_families {
    ($($name:ident $class:literal;)*) => {$(
        #[test]
        fn $name() -> Result<()> {
            family(concat!("oracle::", stringify!($name)), KEPT, |random| {
                let config = config::$name(random);
                request(random, $class, &config, record)
            })
        }
    )*};
}

families! {
    cast "Cast" record;
    extract_field "ExtractField" record;
    flatten "Flatten" record;
    header_from "HeaderFrom" record;
    hoist_field "HoistField" record;
    insert_field "InsertField" record;
    mask_field "MaskField" record;
    replace_field "ReplaceField" record;
    set_schema_metadata "SetSchemaMetadata" record;
    timestamp_converter "TimestampConverter" timestamps::record;
}

whole_record_families! {
    drop_headers "DropHeaders";
    filter "Filter";
    insert_header "InsertHeader";
    regex_router "RegexRouter";
    timestamp_router "TimestampRouter";
    value_to_key "ValueToKey";
}
