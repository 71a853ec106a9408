//! Offsets over REST: read, alter, reset.

use super::words::{LINES, ask, delete, get, probe, removed, running, send, sink, source, state, steps, until};
use crate::probe::step::{Probe, Step};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D20", "offsets are read, and reset once stopped", reads_and_resets()),
        probe("D21", "bodies of PATCH offsets of a source", source_patches()),
        probe("D21S", "bodies of PATCH offsets of a sink", sink_patches()),
    ]
}

/// A running source whose three lines are read and committed.
pub(super) fn read_source(name: &'static str, topic: &str) -> Vec<Step> {
    steps([
        vec![LINES],
        running(name, &source(topic, "")).to_vec(),
        vec![until(&format!("/connectors/{name}/offsets"), 200, "position\":14")],
    ])
}

fn stopped(name: &str) -> Vec<Step> {
    vec![ask("PUT", &format!("/connectors/{name}/stop")), state(name, "STOPPED", 0)]
}

fn reads_and_resets() -> Vec<Step> {
    steps([
        vec![get("/connectors/zz/offsets")],
        read_source("d20", "d20"),
        running("d20-sink", &sink("d20", "")).to_vec(),
        vec![until("/connectors/d20-sink/offsets", 200, "kafka_offset\":3"), get("/connectors/d20/offsets")],
        vec![
            get("/connectors/d20-sink/offsets"),
            delete("/connectors/d20/offsets"),
            delete("/connectors/d20-sink/offsets"),
        ],
        stopped("d20"),
        stopped("d20-sink"),
        vec![Step::Dump("stopped"), delete("/connectors/d20/offsets"), delete("/connectors/d20/offsets")],
        vec![
            get("/connectors/d20/offsets"),
            delete("/connectors/d20-sink/offsets"),
            delete("/connectors/d20-sink/offsets"),
        ],
        vec![get("/connectors/d20-sink/offsets"), Step::Dump("reset")],
        removed("d20").to_vec(),
        removed("d20-sink").to_vec(),
    ])
}

fn source_patches() -> Vec<Step> {
    let patch = |body: &str| send("PATCH", "/connectors/d21/offsets", body);
    let entry = |partition: &str, offset: &str| {
        patch(&format!("{{\"offsets\":[{{\"partition\":{partition},\"offset\":{offset}}}]}}"))
    };
    let file = "{\"filename\":\"{dir}/lines.txt\"}";
    steps([
        read_source("d21", "d21"),
        vec![entry(file, "{\"position\":4}")],
        stopped("d21"),
        ["{}", "{\"offsets\":[]}", "[]", "{\"key\":[]}", "{\"offsets\":{}}", "{\"offsets\":[{}]}", "{", "", "null"]
            .map(patch)
            .to_vec(),
        ["{\"offsets\":[null]}", "{\"offsets\":[[]]}", "{\"offsets\":null}", "{\"offsets\":[{\"x\":1}]}"]
            .map(patch)
            .to_vec(),
        vec![
            entry(file, "{\"position\":\"x\"}"),
            entry(file, "{\"position\":-1}"),
            entry(file, "{\"position\":\"4\"}"),
        ],
        vec![
            entry(file, "{\"other\":1}"),
            entry(file, "{}"),
            entry(file, "{\"position\":null}"),
            entry(file, "{\"position\":4.5}"),
        ],
        vec![
            entry("{\"x\":\"y\"}", "{\"position\":1}"),
            entry("{\"filename\":7}", "{\"position\":1}"),
            entry("{}", "{\"position\":1}"),
        ],
        vec![entry("null", "{\"position\":1}"), entry(file, "{\"position\":[1]}"), get("/connectors/d21/offsets")],
        vec![
            entry(file, "{\"position\":4}"),
            get("/connectors/d21/offsets"),
            entry(file, "null"),
            get("/connectors/d21/offsets"),
        ],
        vec![
            entry("{\"filename\":\"another\"}", "{\"position\":2}"),
            get("/connectors/d21/offsets"),
            Step::Dump("altered"),
        ],
        removed("d21").to_vec(),
    ])
}

fn sink_patches() -> Vec<Step> {
    let patch = |body: &str| send("PATCH", "/connectors/d21s/offsets", body);
    let entry = |partition: &str, offset: &str| {
        patch(&format!("{{\"offsets\":[{{\"partition\":{partition},\"offset\":{offset}}}]}}"))
    };
    let partition = "{\"kafka_topic\":\"d21s\",\"kafka_partition\":0}";
    steps([
        read_source("d21s-lines", "d21s"),
        running("d21s", &sink("d21s", "")).to_vec(),
        vec![until("/connectors/d21s/offsets", 200, "kafka_offset\":3"), entry(partition, "{\"kafka_offset\":1}")],
        stopped("d21s"),
        ["{}", "{\"offsets\":[]}", "[]", "{\"key\":[]}", "{\"offsets\":[{}]}", "{\"offsets\":[null]}"]
            .map(patch)
            .to_vec(),
        vec![entry("null", "{\"kafka_offset\":1}"), entry("{}", "{\"kafka_offset\":1}")],
        vec![
            entry("{\"kafka_topic\":\"d21s\"}", "{\"kafka_offset\":1}"),
            entry("{\"kafka_partition\":0}", "{\"kafka_offset\":1}"),
        ],
        vec![entry("{\"kafka_topic\":null,\"kafka_partition\":0}", "{\"kafka_offset\":1}")],
        vec![entry("{\"kafka_topic\":\"d21s\",\"kafka_partition\":null}", "{\"kafka_offset\":1}")],
        vec![entry("{\"kafka_topic\":\"d21s\",\"kafka_partition\":\"x\"}", "{\"kafka_offset\":1}")],
        vec![
            entry(partition, "{}"),
            entry(partition, "{\"kafka_offset\":null}"),
            entry(partition, "{\"kafka_offset\":\"x\"}"),
        ],
        vec![entry(partition, "{\"kafka_offset\":\"2\"}"), get("/connectors/d21s/offsets")],
        vec![
            entry("{\"kafka_topic\":\"d21s\",\"kafka_partition\":\"0\"}", "{\"kafka_offset\":1}"),
            get("/connectors/d21s/offsets"),
        ],
        vec![entry(partition, "{\"kafka_offset\":-1}"), entry(partition, "{\"kafka_offset\":1.5}")],
        vec![
            entry("{\"kafka_topic\":\"d21s\",\"kafka_partition\":77}", "{\"kafka_offset\":1}"),
            get("/connectors/d21s/offsets"),
        ],
        vec![entry(partition, "null"), get("/connectors/d21s/offsets"), ask("PUT", "/connectors/d21s/resume")],
        vec![state("d21s", "RUNNING", 1), until("/connectors/d21s/offsets", 200, "kafka_offset\":3")],
        removed("d21s").to_vec(),
        removed("d21s-lines").to_vec(),
    ])
}
