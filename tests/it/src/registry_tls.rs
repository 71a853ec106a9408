//! The schema registry over TLS: stores in every format, certificates and credentials that are asked for, and one clear error for each
//! that does not do.

mod front;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value as Json, json};
use sluice_api::{ConnectError, ErrorKind, Schema, SchemaBuilder, Struct, Value};
use sluice_harness::{
    Certificates, Kafka, Properties, STORE_PASSWORD, SchemaRegistry, Scratch, Seen, Sluice, wait_until,
};

use self::front::{Front, Rules};
use crate::registry::{converter, topic};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const DEADLINE: Duration = Duration::from_secs(90);

/// Keys behind `schema.registry.ssl.`, with their values.
type Keys = Vec<(&'static str, String)>;

struct Stage {
    registry: &'static SchemaRegistry,
    certificates: Certificates,
}

impl Stage {
    fn new() -> Result<Self> {
        Ok(Self { registry: SchemaRegistry::shared()?, certificates: Certificates::make()? })
    }

    fn front(&self, rules: Rules<'_>) -> Result<Front> {
        Front::start(self.registry, &self.certificates, rules)
    }

    fn path(&self, name: &str) -> String {
        self.certificates.file(name).display().to_string()
    }

    fn text(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.certificates.file(name))?)
    }

    /// A store in a file. Java opens JKS and PKCS12 under either name.
    fn store(&self, store: [&'static str; 3], kind: &str, file: &str) -> Keys {
        let [kind_key, location, password] = store;
        let mut keys = vec![(kind_key, kind.to_owned()), (location, self.path(file))];
        if kind != "PEM" {
            keys.push((password, STORE_PASSWORD.to_owned()));
        }
        keys
    }

    fn trust(&self, kind: &str, file: &str) -> Keys {
        self.store(["truststore.type", "truststore.location", "truststore.password"], kind, file)
    }

    fn trusting(&self) -> Keys {
        self.trust("JKS", "trust.jks")
    }

    fn identity(&self, kind: &str, file: &str) -> Keys {
        let mut keys = self.store(["keystore.type", "keystore.location", "keystore.password"], kind, file);
        keys.push(("key.password", STORE_PASSWORD.to_owned()));
        keys
    }

    fn inline_identity(&self) -> Result<Keys> {
        Ok(vec![
            ("keystore.type", "PEM".to_owned()),
            ("keystore.certificate.chain", self.text("client-chain.pem")?),
            ("keystore.key", self.text("client-key.pem")?),
            ("key.password", STORE_PASSWORD.to_owned()),
        ])
    }
}

/// Writes a record by the registry at `url` and reads it back with a converter of its own.
fn round_trip(url: &str, tls: &Keys, more: &[(&str, &str)]) -> Result<Result<(), ConnectError>> {
    let names: Vec<String> = tls.iter().map(|(key, _)| format!("schema.registry.ssl.{key}")).collect();
    let mut keys: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(tls.iter().map(|(_, value)| &**value)).collect();
    keys.extend(more);
    let topic = topic("over-tls");
    let schema = SchemaBuilder::structure().name("shop.Order").field("x", Schema::INT32).build()?;
    let value = Struct::new(schema.clone())?.with("x", 7)?.into();
    let written = match converter(AVRO, url, &keys)?.from_connect_data(&topic, Some(&schema), &value) {
        Ok(written) => written.context("bytes")?,
        Err(error) => return Ok(Err(error)),
    };
    let read = converter(AVRO, url, &keys)?.to_connect_data(&topic, Some(&written))?;
    // The schema has the registry's version, too.
    let Value::Struct(read) = read.value else { bail!("{:?}", read.value) };
    ensure!(read.get("x")? == &Value::Int32(7), "{read:?}");
    Ok(Ok(()))
}

fn refused(outcome: Result<(), ConnectError>) -> Result<ConnectError> {
    outcome.err().context("nothing was refused")
}

#[test]
fn trust_stores_of_every_format_are_taken() -> Result<()> {
    let stage = Stage::new()?;
    let front = stage.front(Rules::OPEN)?;
    let inline = vec![("truststore.type", "PEM".to_owned()), ("truststore.certificates", stage.text("ca.pem")?)];
    for trust in [
        stage.trust("PEM", "ca.pem"),
        inline,
        stage.trust("PKCS12", "trust.p12"),
        stage.trust("JKS", "trust.jks"),
        stage.trust("JKS", "trust.p12"),
    ] {
        round_trip(&front.url(), &trust, &[])?.with_context(|| format!("{:?}", trust[0]))?;
    }
    // Two converters and a schema each: nothing is asked twice.
    ensure!(front.requests() <= 5 * 4, "{} requests", front.requests());
    Ok(())
}

#[test]
fn a_clients_certificate_comes_from_stores_of_every_format() -> Result<()> {
    let stage = Stage::new()?;
    let front = stage.front(Rules { wants_certificate: true, ..Rules::OPEN })?;
    for identity in [
        stage.identity("JKS", "client.jks"),
        stage.identity("PKCS12", "client.p12"),
        stage.identity("PEM", "client.pem"),
        stage.inline_identity()?,
    ] {
        let keys = [stage.trusting(), identity].concat();
        round_trip(&front.url(), &keys, &[])?.with_context(|| format!("{:?}", keys[3..].first()))?;
    }
    let asked = front.requests();
    let strangers = [stage.trusting(), [stage.trusting(), stage.identity("JKS", "intruder.jks")].concat()];
    for (keys, said) in strangers.iter().zip(["certificate required", "unknown ca"]) {
        let came = front.connections();
        let error = refused(round_trip(&front.url(), keys, &[])?)?;
        let trace = error.trace();
        ensure!(error.kind() == ErrorKind::Config, "{:?} {trace}", error.kind());
        ensure!(trace.contains(said) && trace.contains("`schema.registry.ssl.keystore.*`"), "{trace}");
        ensure!(front.connections() == came + 1, "{} came", front.connections() - came);
    }
    ensure!(front.requests() == asked, "a stranger was let in");
    Ok(())
}

#[test]
fn a_server_that_is_not_trusted_is_one_clear_error_without_a_retry() -> Result<()> {
    let stage = Stage::new()?;
    for (certificate, trust, said) in [
        ("server", "other-ca.pem", "its authority is not in `schema.registry.ssl.truststore.*`"),
        ("expired", "ca.pem", "certificate has expired"),
        ("elsewhere", "ca.pem", "IP address mismatch"),
    ] {
        let front = stage.front(Rules { certificate, ..Rules::OPEN })?;
        let error = refused(round_trip(&front.url(), &stage.trust("PEM", trust), &[])?)?;
        let trace = error.trace();
        ensure!(error.kind() == ErrorKind::Config, "{certificate}: {:?} {trace}", error.kind());
        ensure!(trace.contains(&front.url()) && trace.contains(said), "{certificate}: {trace}");
        ensure!((front.connections(), front.requests()) == (1, 0), "{certificate}: {} came", front.connections());
    }
    Ok(())
}

#[test]
fn stores_that_cannot_be_used_are_named() -> Result<()> {
    let stage = Stage::new()?;
    let mut wrong = stage.trusting();
    wrong[2].1 = "not-the-password".to_owned();
    let nowhere = vec![("truststore.location", stage.path("nowhere.jks"))];
    let without_key = [stage.trusting(), stage.identity("JKS", "trust.jks")].concat();
    for (keys, key, said) in [
        (wrong, "truststore.location", "the password does not open the store"),
        (nowhere, "truststore.location", "No such file"),
        (without_key, "keystore.location", "has no private key"),
    ] {
        let error = round_trip("https://127.0.0.1:1/", &keys, &[]).err().context("nothing was refused")?;
        let text = format!("{error:#}");
        ensure!(text.contains(&format!("schema.registry.ssl.{key}")) && text.contains(said), "{text}");
        ensure!(!text.contains("not-the-password"), "{text}");
    }
    Ok(())
}

#[test]
fn basic_and_bearer_credentials_go_over_tls_and_wrong_ones_are_one_clear_error() -> Result<()> {
    let stage = Stage::new()?;
    let trust = stage.trusting();
    let basic = [("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "me:it is")];
    let bearer = [("bearer.auth.credentials.source", "STATIC_TOKEN"), ("bearer.auth.token", "a.b.c")];
    for (expected, keys, others) in [("Basic bWU6aXQgaXM=", basic, bearer), ("Bearer a.b.c", bearer, basic)] {
        let front = stage.front(Rules { authorization: Some(expected), ..Rules::OPEN })?;
        round_trip(&front.url(), &trust, &keys)?.context(expected)?;
        let asked = front.requests();
        let error = refused(round_trip(&front.url(), &trust, &others)?)?;
        let trace = error.trace();
        ensure!(error.kind() == ErrorKind::Config, "{:?} {trace}", error.kind());
        ensure!(trace.contains("answered 401, error code 40101: who are you"), "{trace}");
        ensure!(!trace.contains("it is") && !trace.contains("a.b.c"), "a secret is in {trace}");
        ensure!(front.requests() == asked + 1, "asked again with what was refused");
    }
    Ok(())
}

/// A source with Avro values and a registry behind `front`.
fn source(file: &std::path::Path, topic: &str, front: &Front, tls: &Keys) -> Json {
    let mut config = json!({
        "connector.class": "FileStreamSource",
        "file": file,
        "topic": topic,
        "value.converter": AVRO,
        "value.converter.schema.registry.url": front.url(),
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": "me:it is",
    });
    for (key, value) in tls {
        config[format!("value.converter.schema.registry.ssl.{key}")] = json!(value);
    }
    config
}

// Invariant 3.
#[test]
fn a_worker_writes_through_it_and_an_unknown_authority_fails_the_task_once() -> Result<()> {
    let (stage, kafka, scratch) = (Stage::new()?, Kafka::shared()?, Scratch::new("registry-tls")?);
    let rules = Rules { wants_certificate: true, authorization: Some("Basic bWU6aXQgaXM="), ..Rules::OPEN };
    let front = stage.front(rules)?;
    let file = scratch.join("in.txt");
    fs::write(&file, "one\ntwo\nthree\n")?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, "registry-tls")).start()?;

    let (good, bad) = (topic("tls-good"), topic("tls-bad"));
    let identity = stage.identity("JKS", "client.jks");
    let keys = [stage.trusting(), identity.clone()].concat();
    worker.rest().put_connector(&good, &source(&file, &good, &front, &keys))?;
    worker.rest().wait_state(&good, "RUNNING", 1, DEADLINE)?;
    wait_until("three records", DEADLINE, || match kafka.topics().read(&good) {
        Ok(records) if records.len() == 3 => Seen::Met(()),
        other => Seen::NotYet(format!("{other:?}")),
    })?;

    let came = front.connections();
    let keys = [stage.trust("PEM", "other-ca.pem"), identity].concat();
    worker.rest().put_connector(&bad, &source(&file, &bad, &front, &keys))?;
    let status = worker.rest().wait_state(&bad, "FAILED", 1, DEADLINE)?;
    let trace = status["tasks"][0]["trace"].as_str().context("a trace")?;
    ensure!(trace.contains("its authority is not in") && trace.contains(&front.url()), "{trace}");
    ensure!(front.connections() == came + 1, "{} more connections", front.connections() - came);
    Ok(())
}
