//! What a real server refuses, in the user's terms.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Properties, S3Server, Sluice, wait_until};

#[test]
fn a_wrong_bucket_and_a_wrong_secret_fail_with_the_key_to_correct() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let topic = "s3-refused";
    kafka.topics().create(topic, 1, &[])?;
    kafka.topics().produce(topic, ["one", "two"])?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, topic)).start()?;
    let cases = [
        ("s3.bucket.name", "nowhere", "correct `s3.bucket.name`"),
        ("aws.secret.access.key", "wrong", "correct `aws.secret.access.key`"),
    ];
    for (key, value, cure) in cases {
        let name = format!("refused-{key}");
        let mut config = server.connector_keys();
        config["connector.class"] = json!("S3SinkConnector");
        config["topics"] = json!(topic);
        config["flush.size"] = json!("1");
        config["storage.class"] = json!("io.confluent.connect.s3.storage.S3Storage");
        config["format.class"] = json!("io.confluent.connect.s3.format.bytearray.ByteArrayFormat");
        config["value.converter"] = json!("org.apache.kafka.connect.converters.ByteArrayConverter");
        config["consumer.override.auto.offset.reset"] = json!("earliest");
        config[key] = json!(value);
        worker.rest().put_connector(&name, &config)?.expect(201)?;
        let trace = wait_until("the task to fail", Duration::from_secs(60), || {
            let status = worker.rest().status(&name)?;
            status["tasks"][0]["trace"].as_str().map(str::to_owned).context("no trace yet")
        })?;
        ensure!(trace.contains(cure), "{key}: {trace}");
        ensure!(!trace.contains(S3Server::SECRET_KEY), "{trace}");
        worker.rest().remove_connector(&name, Duration::from_secs(30))?;
    }
    Ok(())
}
