//! Aiven's sink and source against a real S3 server.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Properties, S3Server, Sluice, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(60);
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

#[test]
fn json_lines_go_out_by_a_template_and_come_back() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, total) = ("s3-aiven", count(1_000, 50_000));
    kafka.topics().create(topic, 1, &[])?;
    kafka.topics().produce(topic, (0..total).map(|number| json!({ "id": number }).to_string()))?;
    let properties = Properties::distributed(kafka, topic).with("offset.flush.interval.ms", "500");
    let mut worker = Sluice::distributed(&properties).start()?;
    let mut sink = server.aiven_keys();
    let more = json!({ "connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "topics": topic,
        "file.name.template": "out/{{topic}}-{{partition}}-{{start_offset:padding=true}}.jsonl.gz", "file.max.records": "300",
        "file.compression.type": "gzip", "format.output.type": "jsonl", "format.output.envelope": "false",
        "format.output.fields": "value", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false", "consumer.override.auto.offset.reset": "earliest" });
    for (key, value) in more.as_object().into_iter().flatten() {
        sink[key] = value.clone();
    }
    worker.rest().put_connector("out", &sink)?.expect(201)?;
    wait_until("everything to be committed", ARRIVED, || {
        let committed = kafka.topics().group_offsets("connect-out", topic)?;
        ensure!(committed.get(&0) == Some(&(total as i64)), "{committed:?}");
        Ok(())
    })?;
    let names = server.object_names()?;
    ensure!(names.contains(&format!("out/{topic}-0-{:020}.jsonl.gz", 0)), "{names:?}");
    let back = "s3-aiven-back";
    kafka.topics().create(back, 1, &[])?;
    let mut source = server.aiven_keys();
    let more = json!({ "connector.class": "io.aiven.kafka.connect.s3.source.S3SourceConnector", "tasks.max": "2", "topic": back,
        "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}.jsonl.gz", "distribution.type": "partition",
        "aws.s3.prefix": "out/", "file.compression.type": "gzip", "input.format": "jsonl", "sluice.poll.interval.ms": "500",
        "key.converter": BYTES, "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false" });
    for (key, value) in more.as_object().into_iter().flatten() {
        source[key] = value.clone();
    }
    worker.rest().put_connector("back", &source)?.expect(201)?;
    let records = wait_until("every record", ARRIVED, || {
        let records = kafka.topics().read(back)?;
        ensure!(records.len() >= total, "{} records of {total}", records.len());
        Ok(records)
    })?;
    let expected: BTreeSet<String> = (0..total).map(|number| json!({ "id": number }).to_string()).collect();
    let found: BTreeSet<String> = records.iter().map(|record| record.value_text()).collect();
    ensure!(found == expected, "{} different records of {}", found.len(), expected.len());
    let key = records.first().context("a record")?.key_text();
    ensure!(key.starts_with("out/s3-aiven-0-"), "{key}");
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    Ok(())
}
