//! Plugins: list, configuration definitions, validation.

use super::words::{get, probe, send};
use crate::probe::step::{Probe, Step};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D23", "the list of plugins in blocks by type, and what the query says", plugin_blocks()),
        probe("D24", "which class validate takes", validate_class()),
        probe("D25", "unknown plugins", unknown_plugins()),
        probe("P1", "the list of plugins (of all the oracle has)", lists()),
        probe(
            "P2",
            "configuration definitions of the file connectors",
            definitions(&["FileStreamSource", "FileStreamSink"]),
        ),
        probe("P3", "configuration definitions of converters", definitions(&CONVERTERS)),
        probe("P4", "validate of a file source", validate_source()),
        probe("P5", "validate of a file sink", validate_sink()),
        probe("P6", "validate of transforms, predicates, converters", validate_parts()),
        probe("P7", "validate of topic creation groups", validate_topic_creation()),
    ]
}

const CONVERTERS: [&str; 8] = [
    "org.apache.kafka.connect.json.JsonConverter",
    "JsonConverter",
    "org.apache.kafka.connect.storage.StringConverter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.converters.BooleanConverter",
    "org.apache.kafka.connect.converters.LongConverter",
    "org.apache.kafka.connect.converters.DoubleConverter",
    "org.apache.kafka.connect.storage.SimpleHeaderConverter",
];

fn definitions(plugins: &[&str]) -> Vec<Step> {
    plugins.iter().map(|plugin| get(&format!("/connector-plugins/{plugin}/config"))).collect()
}

fn lists() -> Vec<Step> {
    vec![
        get("/connector-plugins"),
        get("/connector-plugins?connectorsOnly=false"),
        get("/connector-plugins?connectorsOnly=banana"),
    ]
}

fn plugin_blocks() -> Vec<Step> {
    let queries = ["", "?connectorsOnly=true", "?connectorsOnly=false", "?connectorsOnly=banana", "?connectorsOnly="];
    queries.iter().map(|query| get(&format!("/connector-plugins{query}"))).collect()
}

fn unknown_plugins() -> Vec<Step> {
    definitions(&[
        "Nope",
        "org.apache.kafka.connect.file.Nope",
        "java.lang.String",
        "org.apache.kafka.common.config.provider.FileConfigProvider",
    ])
}

fn validate(plugin: &str, body: &str) -> Step {
    send("PUT", &format!("/connector-plugins/{plugin}/config/validate"), body)
}

const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";

fn validate_class() -> Vec<Step> {
    let good = |class: &str| format!("{{\"connector.class\":\"{class}\",\"name\":\"d24\",\"topic\":\"t\"}}");
    vec![
        validate("FileStreamSink", &good(SOURCE)),
        validate("FileStreamSource", "{\"topic\":\"t\"}"),
        validate("FileStreamSource", "{}"),
        validate("FileStreamSource", "{\"connector.class\":null}"),
        validate("FileStreamSource", "{\"connector.class\":\"com.example.Nope\"}"),
        validate("Nope", "{\"connector.class\":\"com.example.Nope\"}"),
        validate("FileStreamSource", &good("FileStreamSource")),
        validate("Source", &good("FileStreamSource")),
        validate(SOURCE, &good("FileStreamSource")),
        validate("Connector", &good(SOURCE)),
    ]
}

fn validate_source() -> Vec<Step> {
    let body = |more: &str| format!("{{\"connector.class\":\"{SOURCE}\"{more}}}");
    let of = |more: &str| validate("FileStreamSource", &body(more));
    vec![
        of(",\"name\":\"p4\",\"tasks.max\":\"1\",\"file\":\"/tmp/p4\",\"topic\":\"p4\",\"unknown.key\":\"x\""),
        validate(SOURCE, &body(",\"name\":\"p4\",\"topic\":\"p4\"")),
        of(""),
        of(",\"name\":\"\",\"tasks.max\":\"x\",\"topic\":\"\",\"batch.size\":\"0\",\"errors.tolerance\":\"some\""),
        of(
            ",\"name\":\"p4\",\"topic\":\"p4\",\"batch.size\":\"x\",\"errors.retry.timeout\":\"y\",\"config.action.reload\":\"never\"",
        ),
        of(",\"name\":\"p4\",\"topic\":null,\"file\":null,\"tasks.max\":null,\"batch.size\":null"),
        of(
            ",\"name\":\"p4\",\"topic\":\"p4\",\"transaction.boundary\":\"NOPE\",\"exactly.once.support\":\"nope\",\"errors.log.enable\":\"2\"",
        ),
        of(",\"name\":\"p4\",\"topic\":\"p4\",\"exactly.once.support\":\"required\""),
        of(",\"name\":\"p4\",\"topic\":\"p4\",\"transaction.boundary\":\"connector\""),
        of(
            ",\"name\":\"p4\",\"topic\":\"p4\",\"topic.creation.groups\":\"a,b\",\"topic.creation.default.partitions\":\"1\"",
        ),
        of(",\"name\":\"p4\",\"topic\":\"p4\",\"topic.creation.groups\":\"a,a\""),
        of(
            ",\"name\":\" p4 \",\"topic\":\" p4 \",\"tasks.max\":\" 3 \",\"errors.log.enable\":\"TRUE\",\"connector.plugin.version\":\"1.0\"",
        ),
    ]
}

fn validate_topic_creation() -> Vec<Step> {
    const DEFAULT: &str =
        "\"topic.creation.default.partitions\":\"2\",\"topic.creation.default.replication.factor\":\"1\"";
    let of = |more: &str| {
        let body = format!("{{\"connector.class\":\"{SOURCE}\",\"name\":\"p7\",\"topic\":\"p7\",{more}}}");
        validate("FileStreamSource", &body)
    };
    let with_default = |more: &str| of(&format!("{DEFAULT},\"topic.creation.groups\":{more}"));
    vec![
        of(DEFAULT),
        of("\"topic.creation.groups\":\"\""),
        of("\"topic.creation.default.partitions\":\"0\",\"topic.creation.default.replication.factor\":\"-1\""),
        of("\"topic.creation.default.partitions\":\"x\",\"topic.creation.default.replication.factor\":\"0\""),
        of("\"topic.creation.default.partitions\":\"-2\",\"topic.creation.default.cleanup.policy\":\"compact\""),
        with_default("\"a\""),
        with_default("\"a\",\"topic.creation.a.include\":\"x.*,y\",\"topic.creation.a.exclude\":\"xx\""),
        with_default("\"a\",\"topic.creation.a.include\":\"[\""),
        with_default("\"a\",\"topic.creation.a.include\":\"x\",\"topic.creation.a.partitions\":\"0\""),
        with_default("\"a\",\"topic.creation.a.include\":\"x\",\"topic.creation.a.retention.ms\":\"never\""),
        with_default("\"default,a\",\"topic.creation.a.include\":\"x\",\"topic.creation.default.include\":\"y\""),
        with_default("\"a, b\",\"topic.creation.a.include\":\"x\",\"topic.creation.b.replication.factor\":\"3\""),
    ]
}

fn validate_sink() -> Vec<Step> {
    let class = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    let of = |more: &str| validate("FileStreamSink", &format!("{{\"connector.class\":\"{class}\"{more}}}"));
    vec![
        of(",\"name\":\"p5\",\"tasks.max\":\"1\",\"file\":\"/tmp/p5\",\"topics\":\"a,b\""),
        of(""),
        of(",\"name\":\"p5\",\"topics\":\"a\",\"topics.regex\":\"b\""),
        of(",\"name\":\"p5\",\"topics\":\"a,a\",\"errors.deadletterqueue.topic.replication.factor\":\"x\""),
        of(
            ",\"name\":\"p5\",\"topics\":\"\",\"errors.deadletterqueue.context.headers.enable\":\"maybe\",\"tasks.max\":\"0\"",
        ),
        of(",\"name\":\"p5\",\"topics.regex\":\"[\",\"errors.retry.delay.max.ms\":\"-1\""),
        of(
            ",\"name\":\"p5\",\"topics\":\"a,dlq\",\"errors.deadletterqueue.topic.name\":\"dlq\",\"errors.tolerance\":\"ALL\"",
        ),
    ]
}

fn validate_parts() -> Vec<Step> {
    let of = |more: &str| {
        let body = format!("{{\"connector.class\":\"{SOURCE}\",\"name\":\"p6\",\"topic\":\"p6\"{more}}}");
        validate("FileStreamSource", &body)
    };
    let json = "org.apache.kafka.connect.json.JsonConverter";
    vec![
        of(&format!(",\"value.converter\":\"{json}\",\"value.converter.schemas.enable\":\"false\"")),
        of(&format!(
            ",\"value.converter\":\"{json}\",\"value.converter.schemas.enable\":\"x\",\"key.converter\":\"{json}\""
        )),
        of(",\"value.converter\":\"com.example.Nope\""),
        of(",\"value.converter\":\"JsonConverter\""),
        of(",\"value.converter\":\"java.lang.String\",\"header.converter\":\"StringConverter\""),
        of(",\"header.converter\":\"org.apache.kafka.connect.storage.SimpleHeaderConverter\""),
        of(",\"transforms\":\"a,a\""),
        of(",\"transforms\":\"a\""),
        of(",\"transforms\":\"a\",\"transforms.a.type\":\"com.example.Nope\""),
        of(",\"predicates\":\"p\""),
    ]
}
