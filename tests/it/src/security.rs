//! Secured clusters: every way in works for both Kafka clients with the same properties, and every refusal is one clear error.

mod counting_proxy;
mod refusals;
mod round_trip;
mod settings;
mod token_endpoint;
mod worker;

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use sluice_harness::{PASSWORD, REAUTHENTICATION_MS, Scratch, SecuredKafka};
use sluice_kafka::wire::HeartbeatOutcome;
use sluice_kafka::{Producer, ProducerLimits};

use crate::stores::{DEADLINE, blocking, within};
use round_trip::{acks, join, member, record, works};
use settings::{BEARER_HANDLER, bearer, client, mutual_tls, plain, scram};
use token_endpoint::{TokenEndpoint, jwt};

fn shared() -> Result<&'static SecuredKafka> {
    static SHARED: OnceLock<Result<SecuredKafka, String>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| SecuredKafka::start().map_err(|error| format!("{error:#}")));
    shared.as_ref().map_err(|error| anyhow!("the secured broker did not start: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn scram_over_tls_works_with_every_kind_of_trust_store() -> Result<()> {
    let kafka = blocking(shared)?;
    for (name, mechanism, trusted) in [
        ("scram-256-jks", "SCRAM-SHA-256", "JKS"),
        ("scram-512-pkcs12", "SCRAM-SHA-512", "PKCS12"),
        ("scram-512-pem-file", "SCRAM-SHA-512", "PEM file"),
        ("scram-256-pem", "SCRAM-SHA-256", "PEM"),
    ] {
        works(name, &scram(kafka, mechanism, PASSWORD, trusted)?).await.context(name)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_works() -> Result<()> {
    let kafka = blocking(shared)?;
    works("plain", &plain(kafka, PASSWORD)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_works_from_every_kind_of_store() -> Result<()> {
    let kafka = blocking(shared)?;
    for (name, store) in [("jks", "JKS"), ("pkcs12", "PKCS12"), ("pem-file", "PEM file"), ("pem", "PEM")] {
        works(&format!("mutual-{name}"), &mutual_tls(kafka, store)?).await.context(name)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bearer_tokens_work_from_every_source() -> Result<()> {
    let kafka = blocking(shared)?;
    let unsecured = bearer(kafka, " unsecuredLoginStringClaim_sub=\"me\"", &[]);
    works("bearer-unsecured", &unsecured).await.context("unsecured")?;
    let endpoint = TokenEndpoint::start()?;
    let url = format!("http://127.0.0.1:{}/token", endpoint.port);
    let handler = ("sasl.login.callback.handler.class", BEARER_HANDLER);
    let asked = bearer(
        kafka,
        "",
        &[
            handler,
            ("sasl.oauthbearer.token.endpoint.url", &url),
            ("sasl.oauthbearer.client.credentials.client.id", "the-client"),
            ("sasl.oauthbearer.client.credentials.client.secret", "the-secret"),
            ("sasl.oauthbearer.scope", "kafka"),
        ],
    );
    works("bearer-endpoint", &asked).await.context("token endpoint")?;
    ensure!(endpoint.asked() == 1, "one token serves all clients, but {} were asked for", endpoint.asked());
    let scratch = Scratch::new("token")?;
    fs::write(scratch.join("token"), jwt("from-a-file")?)?;
    let url = format!("file://{}", scratch.join("token").display());
    let file = bearer(kafka, "", &[handler, ("sasl.oauthbearer.token.endpoint.url", &url)]);
    works("bearer-file", &file).await.context("token file")
}

/// KIP-368: the broker closes a connection that does not show a token again in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renewed_before_it_ends() -> Result<()> {
    let kafka = blocking(shared)?;
    let settings = bearer(kafka, " unsecuredLoginStringClaim_sub=\"me\"", &[]);
    let mut member = member(&settings, "renewed")?;
    join(&mut member).await?;
    blocking(|| kafka.kafka().topics().create("renewed", 1, &[]))?;
    let producer = Producer::new(&client(&settings, &[]), ProducerLimits::default())?;
    let (began, mut beats, mut ticks) = (Instant::now(), 0, tokio::time::interval(Duration::from_millis(100)));
    while began.elapsed() < Duration::from_millis(REAUTHENTICATION_MS * 3) {
        ticks.tick().await;
        let outcome = within("a heartbeat", member.heartbeat()).await??;
        ensure!(outcome == HeartbeatOutcome::Ok, "{outcome:?} after {} ms", began.elapsed().as_millis());
        ensure!(producer.send(&[record("renewed", "x")], beats)? == 1, "not accepted");
        within("the ack", producer.flush(DEADLINE)).await??;
        beats += 1;
    }
    let acks = acks(&producer);
    ensure!(acks.len() as u64 == beats && acks.iter().all(|ack| ack.result.is_ok()), "{} of {beats} acks", acks.len());
    Ok(())
}
