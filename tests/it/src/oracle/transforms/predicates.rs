//! Predicates on their own, and in front of transformations.

use anyhow::Result;
use serde_json::{Value as Json, json};
use sluice_harness::Random;

use super::super::generate::{Chance, record};
use super::super::run::family;
use super::KEPT;

const PACKAGE: &str = "org.apache.kafka.connect.transforms.predicates";

/// A predicate that is configured right.
pub(super) fn predicate(random: &mut Random) -> Json {
    match random.below(3) {
        0 => json!({"class": format!("{PACKAGE}.RecordIsTombstone"), "config": {}}),
        1 => json!({"class": format!("{PACKAGE}.HasHeaderKey"), "config": {"name": random.pick(&["h", "a", "é"])}}),
        _ => {
            let pattern = random.pick(&["t", "orders.*", "[a-z]+", ".*-\\d{4}", "a|aab"]);
            json!({"class": format!("{PACKAGE}.TopicNameMatches"), "config": {"pattern": pattern}})
        }
    }
}

fn request(random: &mut Random, class: &str, config: &Json) -> Json {
    let records: Vec<Json> = (0..=random.below(3)).map(|_| record(random)).collect();
    json!({"op": "predicate", "class": format!("{PACKAGE}.{class}"), "config": config, "records": records})
}

#[test]
fn record_is_tombstone() -> Result<()> {
    family("oracle::record_is_tombstone", KEPT, |random| request(random, "RecordIsTombstone", &json!({})))
}

#[test]
fn has_header_key() -> Result<()> {
    family("oracle::has_header_key", KEPT, |random| {
        let config = match random.below(20) {
            0 => json!({}),
            1 => json!({"name": ""}),
            _ => json!({"name": random.pick(&["h", "a", "é", "x"])}),
        };
        request(random, "HasHeaderKey", &config)
    })
}

#[test]
fn topic_name_matches() -> Result<()> {
    family("oracle::topic_name_matches", KEPT, |random| {
        let pattern = random.pick(&[
            "",
            "(",
            "t",
            "orders",
            "orders.*",
            "[a-z]+",
            ".*-\\d{4}",
            "a|aab",
            "(?i)T",
            "\\w+",
            "a{2}b",
            "topic.",
            "^t$",
            "[[a-z]&&[^o]]*",
        ]);
        let config = if random.percent(3) { json!({}) } else { json!({"pattern": pattern}) };
        request(random, "TopicNameMatches", &config)
    })
}
