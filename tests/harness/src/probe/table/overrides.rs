//! Client settings that connectors override (KIP-458).

use super::words::{LINES, configured, create, named, probe, send, sink, source, steps, then_removed};
use crate::probe::step::{Probe, Step};

const POLICY: &str = "connector.client.config.override.policy";

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D11", "an override that its client cannot parse", unparsable()),
        configured("D12", "overrides under the policy None", &[(POLICY, "None")], under_a_policy("d12")),
        configured("D12P", "overrides under the policy Principal", &[(POLICY, "Principal")], under_a_policy("d12p")),
    ]
}

const DLQ: &str = ",\"errors.deadletterqueue.topic.name\":\"letters\"";
const CREATION: &str =
    ",\"topic.creation.default.partitions\":\"1\",\"topic.creation.default.replication.factor\":\"1\"";

fn unparsable() -> Vec<Step> {
    let batch_size = ",\"producer.override.batch.size\":\"x\"";
    let with = |config: &str| create(&named("d11", config));
    let class = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    let asked = vec![
        with(&source("d11", batch_size)),
        with(&sink("d11", ",\"consumer.override.max.poll.records\":\"many\"")),
        with(&sink("d11", &format!("{DLQ}{batch_size}"))),
        with(&source("d11", &format!("{CREATION},\"admin.override.retries\":\"1.5\""))),
        send(
            "PUT",
            "/connector-plugins/FileStreamSource/config/validate",
            &format!("{{\"connector.class\":\"{class}\",\"name\":\"d11\",\"topic\":\"d11\"{batch_size}}}"),
        ),
        send("PUT", "/connectors/d11/config", &source("d11", batch_size)),
        // What only the client itself judges is accepted.
        with(&source("d11", ",\"producer.override.acks\":\"some\"")),
    ];
    then_removed(asked, "d11")
}

/// What the connector's clients use is judged, what they do not use is not. What only the other kind of connector uses is accepted.
fn under_a_policy(name: &str) -> Vec<Step> {
    let with = |config: &str| create(&named(name, config));
    let linger = ",\"producer.override.linger.ms\":\"5\"";
    let records = ",\"consumer.override.max.poll.records\":\"10\"";
    let jaas =
        ",\"consumer.override.sasl.jaas.config\":\"x\",\"consumer.override.security.protocol\":\"SASL_PLAINTEXT\"";
    let class = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    let body = format!("{{\"connector.class\":\"{class}\",\"name\":\"{name}\",\"topics\":\"{name}\"{records}{jaas}}}");
    steps([
        vec![
            LINES,
            with(&source(name, linger)),
            with(&source(name, &format!("{CREATION},\"admin.override.retries\":\"1\""))),
            with(&sink(name, &format!("{DLQ}{linger}"))),
            with(&sink(name, records)),
            send("PUT", "/connector-plugins/FileStreamSink/config/validate", &body),
        ],
        then_removed(vec![with(&source(name, records))], name),
        then_removed(vec![with(&sink(name, linger))], name),
        // An override of a name that no client knows.
        vec![with(&source(name, ",\"producer.override.no.such.key\":\"1\""))],
    ])
}
