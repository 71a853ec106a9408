//! Debezium's transformations, on an oracle that has the jars of its plugin archive: random configurations and change events.

mod config;
mod events;

use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use serde_json::{Value as Json, json};
use sluice_harness::Random;
use sluice_harness::oracle::{Oracle, debezium_jars};

use super::generate::Chance;
use super::kept::message;
use super::run::{Case, Kept, family_on};

pub(super) const KEPT: &[Kept] = &[
    Kept { row: "JSON payloads that cannot be expanded", is: |case, _| stays_text(case) },
    Kept {
        row: "a wrong placement in `table.fields.additional.placement`",
        is: |case, _| {
            case.theirs["error"]["at"] != "configure"
                && case.ours["error"]["at"] == "configure"
                && message(case).contains("for configuration table.fields.additional.placement")
        },
    },
    Kept { row: "`EventRouter` at a sink, without a partition column", is: |case, _| keeps_its_partition(case) },
];

/// Whether Debezium gave a sink record no partition, which it cannot do.
fn keeps_its_partition(case: &Case) -> bool {
    let step = &case.request["steps"][0];
    let message = case.theirs["error"]["message"].as_str().unwrap_or_default();
    step["class"] == "io.debezium.transforms.outbox.EventRouter"
        && case.input["kind"] == "sink"
        && message.contains("\"kafkaPartition\" is null")
        && case.ours["ok"]["partition"] == case.input["partition"]
}

/// Whether a payload stayed text with us and lost its schema with Debezium.
fn stays_text(case: &Case) -> bool {
    let config = &case.request["steps"][0]["config"];
    let (theirs, ours) = (case.theirs, &case.ours["ok"]);
    let value = &ours["value"];
    let is_text = value.is_string() || value["struct"][0].is_string();
    let without_schema = theirs["ok"]["valueSchema"] != ours["valueSchema"] && theirs["ok"]["value"] == *value;
    config["table.expand.json.payload"] == "true" && is_text && (without_schema || theirs.get("error").is_some())
}

fn oracle() -> Result<&'static Oracle> {
    static SHARED: OnceLock<Result<Oracle, String>> = OnceLock::new();
    let start = || Oracle::with(&[&debezium_jars()?]);
    let oracle = SHARED.get_or_init(|| start().map_err(|error: anyhow::Error| format!("{error:#}")));
    oracle.as_ref().map_err(|error| anyhow!(error.clone()))
}

/// A request with one instance and one record: caches of Debezium outlive what they were made for, which is a row of its own.
fn request(class: &str, config: &config::Config, record: &Json) -> Json {
    let step = json!({"class": format!("io.debezium.transforms.{class}"), "config": config});
    json!({"op": "transform", "steps": [step], "records": [record]})
}

#[test]
fn extract_new_record_state() -> Result<()> {
    family_on(oracle()?, "oracle::extract_new_record_state", KEPT, |random: &mut Random| {
        let config = config::extract_new_record_state(random);
        request("ExtractNewRecordState", &config, &events::change(random))
    })
}

#[test]
fn by_logical_table_router() -> Result<()> {
    family_on(oracle()?, "oracle::by_logical_table_router", KEPT, |random: &mut Random| {
        let config = config::by_logical_table_router(random);
        request("ByLogicalTableRouter", &config, &events::change(random))
    })
}

#[test]
fn event_router() -> Result<()> {
    family_on(oracle()?, "oracle::event_router", KEPT, |random: &mut Random| {
        let config = config::event_router(random);
        let record = if random.percent(4) { events::change(random) } else { events::outbox(random) };
        let placement = config.get("table.fields.additional.placement").and_then(Json::as_str).unwrap_or_default();
        // A sink record that gets no partition is a row of its own.
        let is_placed = placement.contains(":partition") || random.percent(10);
        let record = if is_placed { record } else { events::of_source(record) };
        request("outbox.EventRouter", &config, &record)
    })
}
