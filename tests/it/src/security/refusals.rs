//! A client that is not let in, or does not trust the broker, gets one clear error and does not try in a busy loop.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use sluice_harness::{Entrance, PASSWORD};
use sluice_kafka::{Admin, Consumer, ConsumerLimits, ErrorKind, Producer, ProducerLimits, Properties};

use super::counting_proxy::CountingProxy;
use super::round_trip::{acks, record};
use super::settings::{Settings, client, pem, plain, scram, trust};
use super::shared;
use crate::stores::{DEADLINE, blocking, poll, within};

/// What a client with these properties is told, by each client, and how often the broker was tried meanwhile.
async fn refused(name: &str, settings: &Settings, expected: [&str; 2]) -> Result<()> {
    let address = settings.iter().find(|(key, _)| *key == "bootstrap.servers").map(|(_, value)| value.clone());
    let proxy = CountingProxy::start(address.context("an address")?)?;
    let bootstrap = format!("127.0.0.1:{}", proxy.port);
    let properties = client(settings, &[("bootstrap.servers", &bootstrap)]);
    let error = match Admin::new(&properties)?.cluster_id(DEADLINE).await {
        Err(error) => error,
        Ok(id) => bail!("{name}: let in, to cluster {id}"),
    };
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[0]), "{name}: {error}");
    ensure!(proxy.connections() == 1, "{name}: the raw-protocol client connected {} times", proxy.connections());
    let began = Instant::now();
    let producer = Producer::new(&properties, ProducerLimits::default())?;
    ensure!(producer.send(&[record("nowhere", name)], 0)? == 1, "not accepted");
    within("the refusal", producer.flush(DEADLINE)).await?.context("the record is given up")?;
    let error = match acks(&producer).pop().map(|ack| ack.result) {
        Some(Err(error)) => error,
        other => bail!("{name}: {other:?} instead of an error"),
    };
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[1]), "{name}: {error}");
    let consumer =
        Consumer::new(&client(&properties_of(&properties), &[("group.id", name)]), ConsumerLimits::default())?;
    consumer.subscribe(&["nowhere"])?;
    let error = within("the consumer's refusal", async {
        loop {
            match poll(&consumer, 1).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    });
    let error = error.await?;
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[1]), "{name}: {error}");
    // Two clients that try again after 50 ms, then 100, up to a second.
    let most = 1 + 2 * (6 + usize::try_from(began.elapsed().as_secs())?);
    ensure!(proxy.connections() <= most, "{name}: {} connections, at most {most} expected", proxy.connections());
    let error = error.to_string();
    ensure!(!error.contains("alice-secret") && !error.contains("wrong-secret"), "{name}: {error}");
    Ok(())
}

fn properties_of(properties: &Properties) -> Settings {
    const KEYS: [&str; 9] = [
        "bootstrap.servers",
        "security.protocol",
        "sasl.mechanism",
        "sasl.jaas.config",
        "ssl.truststore.type",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.certificates",
        "ssl.endpoint.identification.algorithm",
    ];
    KEYS.iter().filter_map(|key| Some((*key, properties.get(*key)?.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let scram = scram(kafka, "SCRAM-SHA-256", "wrong-secret", "PEM")?;
    let reason = "invalid credentials with SASL mechanism SCRAM-SHA-256";
    refused("wrong-scram", &scram, [reason, reason]).await?;
    let reason = "Authentication failed: Invalid username or password";
    refused("wrong-plain", &plain(kafka, "wrong-secret"), [reason, reason]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let mut settings = trust(kafka, "PEM")?;
    settings.push(("security.protocol", "SSL".to_owned()));
    settings.push(("bootstrap.servers", kafka.bootstrap(Entrance::Expired)));
    refused("expired", &settings, ["certificate has expired", "certificate is refused: it has expired"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let mut settings = scram(kafka, "SCRAM-SHA-512", PASSWORD, "PEM")?;
    let other = pem(kafka, "other-ca.pem")?;
    settings.retain(|(key, _)| *key != "ssl.truststore.certificates");
    settings.push(("ssl.truststore.certificates", other));
    let reason = "its authority is not in `ssl.truststore.*`";
    refused("unknown", &settings, [reason, reason]).await
}
