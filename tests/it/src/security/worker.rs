//! A whole worker on a secured cluster.

use std::fs;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use serde_json::json;
use sluice_harness::{
    Entrance, PASSWORD, Properties, STORE_PASSWORD, Scratch, SecuredKafka, Sluice, USER, count, wait_until,
};

use super::counting_proxy::CountingProxy;
use super::settings::{SCRAM_MODULE, login, scram};
use super::shared;

/// The worker's own clients, the group membership, and the clients of both connectors.
#[test]
fn the_main_job_runs_over_tls_and_scram() -> Result<()> {
    let kafka = shared()?;
    let scratch = Scratch::new("secured-job")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    let lines = count(2_000, 200_000);
    let text: String = (0..lines).map(|number| format!("line {number}\n")).collect();
    fs::write(&input, &text)?;
    let worker = Sluice::distributed(&worker_properties(kafka, "secured-job", PASSWORD)?).start()?;
    kafka.kafka().topics().create("secured-job", 1, &[])?;
    let source = json!({ "connector.class": "FileStreamSource", "file": input, "topic": "secured-job" });
    worker.rest().put_connector("in", &source)?.expect(201)?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "secured-job" });
    worker.rest().put_connector("out", &sink)?.expect(201)?;
    wait_until("the same file at the other end", Duration::from_secs(180), || {
        let written = fs::read_to_string(&output).unwrap_or_default();
        if written == text { Ok(()) } else { Err(anyhow!("{} of {} bytes", written.len(), text.len())) }
    })?;
    // A connector that brings a user of its own: the policy allows it, the broker does not.
    let jaas = login(SCRAM_MODULE, USER, "wrong-secret");
    let wrong = json!({
        "connector.class": "FileStreamSink", "file": scratch.join("none.txt"), "topics": "secured-job",
        "consumer.override.sasl.jaas.config": jaas,
    });
    worker.rest().put_connector("wrong", &wrong)?.expect(201)?;
    let trace = wait_until("the task to fail", Duration::from_secs(60), || {
        let status = worker.rest().status("wrong")?;
        match status["tasks"][0]["trace"].as_str() {
            Some(trace) => Ok(trace.to_owned()),
            None => Err(anyhow!("{status}")),
        }
    })?;
    ensure!(trace.contains("invalid credentials with SASL mechanism SCRAM-SHA-512"), "{trace}");
    // Invariant 9.
    let said = worker.logs() + &trace;
    ensure!(!said.contains(PASSWORD) && !said.contains("wrong-secret") && !said.contains(STORE_PASSWORD), "{said}");
    Ok(())
}

#[test]
fn a_worker_with_a_wrong_password_says_so_once_and_ends() -> Result<()> {
    let kafka = shared()?;
    let proxy = CountingProxy::start(kafka.bootstrap(Entrance::Scram))?;
    let bootstrap = format!("127.0.0.1:{}", proxy.port);
    let properties = worker_properties(kafka, "secured-wrong", "wrong-secret")?.with("bootstrap.servers", &bootstrap);
    let mut worker = Sluice::distributed(&properties).launch()?;
    let ended = worker.wait_end(Duration::from_secs(60))?;
    let said = worker.logs();
    ensure!(!ended.success(), "the worker ended with {ended}");
    ensure!(said.contains("invalid credentials with SASL mechanism SCRAM-SHA-512"), "{said}");
    ensure!(!said.contains("wrong-secret") && !said.contains(STORE_PASSWORD), "{said}");
    ensure!(proxy.connections() <= 30, "{} connections", proxy.connections());
    Ok(())
}

/// As for Kafka Connect: the worker's own clients take the properties as they are, connectors' clients those with a prefix.
fn worker_properties(kafka: &SecuredKafka, name: &str, password: &str) -> Result<Properties> {
    let settings = scram(kafka, "SCRAM-SHA-512", password, "JKS")?;
    let mut properties = Properties::distributed(kafka.kafka(), name);
    for (key, value) in &settings {
        properties = properties.with(key, value);
        if *key != "bootstrap.servers" {
            for prefix in ["producer", "consumer", "admin"] {
                properties = properties.with(&format!("{prefix}.{key}"), value);
            }
        }
    }
    Ok(properties)
}
