//! Requests between workers: what a follower forwards is answered as the leader answers it, and what nobody of the group has signed is
//! refused, in both cases as Apache Kafka Connect does.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sluice_harness::{Answer, Call, Engine, Kafka, Properties, Scratch, Setup, Worker, wait_until};

const SOON: Duration = Duration::from_secs(60);

fn source(name: &str, scratch: &Scratch) -> Value {
    json!({ "connector.class": "FileStreamSource", "file": scratch.join("in.txt"), "topic": name })
}

/// The value of the newest session key in the worker's config topic.
fn session_key(kafka: &Kafka, worker: &Worker) -> Result<Value> {
    let topic = worker.properties().get("config.storage.topic").context("a config topic")?.to_owned();
    wait_until("a session key", SOON, || {
        let records = kafka.topics().read(&topic)?;
        let newest = records.iter().rev().find(|record| record.key_text() == "session-key").context("no key yet")?;
        Ok::<Value, anyhow::Error>(serde_json::from_str(&newest.value_text())?)
    })
}

fn bytes_of(key: &Value) -> Result<Vec<u8>> {
    Ok(BASE64.decode(key["key"].as_str().context("a key")?)?)
}

/// Commits of task configs for a connector.
fn commits(kafka: &Kafka, worker: &Worker, connector: &str) -> Result<usize> {
    let topic = worker.properties().get("config.storage.topic").context("a config topic")?;
    let key = format!("commit-{connector}");
    Ok(kafka.topics().read(topic)?.iter().filter(|record| record.key_text() == key).count())
}

fn post_tasks(connector: &str, body: &str) -> Call {
    Call::new("POST", &format!("/connectors/{connector}/tasks")).body(body)
}

fn fence(connector: &str) -> Call {
    Call::new("PUT", &format!("/connectors/{connector}/fence"))
}

/// What a worker alone in its group answers to internal requests, in order.
fn internal_answers(engine: Engine) -> Result<Vec<(u16, String)>> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("internal")?);
    let worker = Setup::distributed(engine, &Properties::distributed(kafka, "internal")).start()?;
    worker.rest().create_connector("a", &source("internal", &scratch), "STOPPED")?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": scratch.join("out.txt"), "topics": "internal" });
    worker.rest().create_connector("sink", &sink, "STOPPED")?;
    worker.rest().wait_state("a", "STOPPED", 0, SOON)?;
    let key = bytes_of(&session_key(kafka, &worker)?)?;
    let (mut other, before) = (key.clone(), commits(kafka, &worker, "a")?);
    other[0] ^= 1;
    let sign = |call: Call| call.signed(&key, "HmacSHA256");
    let calls = [
        post_tasks("a", "[]"),
        post_tasks("zz", "[]"),
        fence("a"),
        post_tasks("a", "[]").signed(&other, "HmacSHA256")?,
        post_tasks("a", "[]").signed(&key, "HmacSHA1")?,
        sign(post_tasks("a", "[]"))?.header("X-Connect-Request-Signature-Algorithm", "HmacFoo"),
        sign(post_tasks("a", "[]"))?.body("[{}]"),
        sign(post_tasks("a", "[]"))?,
        sign(post_tasks("a", "[]"))?.header("Content-Type", "text/plain"),
        sign(post_tasks("zz", "[]"))?,
        sign(post_tasks("a", "[{\"task.class\":\"x\"}]"))?,
        sign(fence("sink"))?,
        sign(fence("zz"))?,
        sign(fence("a"))?.header("X-Connect-Authorization", "AAAA"),
    ];
    let answers: Vec<Answer> = calls.iter().map(|call| worker.rest().send(call)).collect::<Result<_>>()?;
    ensure!(commits(kafka, &worker, "a")? == before + 2, "two sets were committed");
    let malformed = worker.rest().send(&sign(post_tasks("a", "{"))?)?;
    ensure!(malformed.status == 500, "{}", malformed.body);
    Ok(answers.into_iter().map(|answer| (answer.status, answer.body)).collect())
}

/// D27.
#[test]
fn what_nobody_of_the_group_has_signed_is_refused_as_kafka_connect_refuses_it() -> Result<()> {
    let ours = internal_answers(Engine::Sluice)?;
    let statuses: Vec<u16> = ours.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [400, 400, 400, 403, 400, 400, 403, 204, 204, 404, 400, 400, 404, 403]);
    let oracle = internal_answers(Engine::Oracle)?;
    for (number, (ours, oracle)) in ours.iter().zip(&oracle).enumerate() {
        assert_eq!(ours, oracle, "call {number}");
    }
    Ok(())
}

#[test]
fn a_group_that_does_not_sign_takes_unsigned_requests() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("unsigned")?);
    let properties = Properties::distributed(kafka, "unsigned").with("connect.protocol", "compatible");
    let worker = Setup::distributed(Engine::Sluice, &properties).start()?;
    worker.rest().create_connector("a", &source("unsigned", &scratch), "STOPPED")?;
    worker.rest().send(&post_tasks("a", "[]"))?.expect(204)?;
    Ok(())
}

#[test]
fn the_session_key_is_replaced_when_its_time_is_over() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("rotation")?);
    let properties = Properties::distributed(kafka, "rotation").with("inter.worker.key.ttl.ms", "3000");
    let worker = Setup::distributed(Engine::Sluice, &properties).start()?;
    worker.rest().create_connector("a", &source("rotation", &scratch), "STOPPED")?;
    let first = session_key(kafka, &worker)?;
    let created = |key: &Value| key["creation-timestamp"].as_i64().unwrap_or_default();
    let next = wait_until("another session key", SOON, || {
        let next = session_key(kafka, &worker)?;
        ensure!(next["key"] != first["key"], "still the first");
        Ok::<Value, anyhow::Error>(next)
    })?;
    let age_ms = created(&next) - created(&first);
    ensure!((3_000..15_000).contains(&age_ms), "replaced after {age_ms} ms");
    let old = post_tasks("a", "[]").signed(&bytes_of(&first)?, "HmacSHA256")?;
    worker.rest().send(&old)?.expect(403)?;
    wait_until("the newest key to be taken", SOON, || {
        let key = bytes_of(&session_key(kafka, &worker)?)?;
        worker.rest().send(&post_tasks("a", "[]").signed(&key, "HmacSHA256")?)?.expect(204)
    })?;
    Ok(())
}

/// A leader whose clock is wrong is seen by the date of the keys that it writes.
#[test]
fn a_session_key_from_a_clock_two_hours_off_works_and_is_named() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("clock")?);
    let properties = Properties::distributed(kafka, "clock").with("inter.worker.key.ttl.ms", "86400000");
    let worker = Setup::distributed(Engine::Sluice, &properties).start()?;
    worker.rest().create_connector("a", &source("clock", &scratch), "STOPPED")?;
    let own = session_key(kafka, &worker)?;
    let topic = worker.properties().get("config.storage.topic").context("a config topic")?;
    for (hours, way, byte) in [(2, "ahead", 7u8), (-2, "back", 8u8)] {
        let dated = own["creation-timestamp"].as_i64().context("a date")? + hours * 3_600_000;
        let key = json!({ "key": BASE64.encode([byte; 32]), "algorithm": "HmacSHA256", "creation-timestamp": dated });
        kafka.topics().produce_keyed(topic, Some(0), [(Some("session-key"), Some(key.to_string()))])?;
        wait_until("the key to be taken", SOON, || {
            worker.rest().send(&post_tasks("a", "[]").signed(&[byte; 32], "HmacSHA256")?)?.expect(204)
        })?;
        // The key counts as soon as it is read; what its date says is looked at in turn.
        wait_until("the log to name the clocks", SOON, || {
            let logs = worker.logs();
            let named = |line: &str| line.contains("WARN") && line.contains("session key") && line.contains(way);
            ensure!(logs.lines().any(named) && logs.contains("the clocks of the workers differ"), "{logs}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Two workers of one group; the first one leads.
fn pair(name: &str, leader: Engine, follower: Engine) -> Result<[Worker; 2]> {
    let properties = Properties::distributed(Kafka::shared()?, name);
    let leader = Setup::distributed(leader, &properties).start()?;
    let follower = Setup::distributed(follower, &properties).start()?;
    Ok([leader, follower])
}

/// The life of a connector, told by the answers of one worker: status, body, and where it says that the connector is.
fn life(asked: &Worker, all: &[Worker], name: &str, scratch: &Scratch) -> Result<Vec<(u16, String)>> {
    let mut answers = Vec::new();
    let mut ask = |method: &str, path: &str, body: Option<Value>| -> Result<()> {
        let call = Call::new(method, &path.replace("{c}", name));
        let call = match body {
            Some(body) => call.json(&body.to_string()),
            None => call,
        };
        // Kafka Connect answers at once while a rebalance is due.
        let answer = wait_until("no rebalance", SOON, || {
            let answer = asked.rest().send(&call)?;
            let momentary = ["stale configuration", "no known leader URL", "conflicting operation"];
            ensure!(!momentary.iter().any(|text| answer.body.contains(text)), "{}", answer.body);
            Ok(answer)
        })?;
        let location = answer.header("Location").unwrap_or_default().replace(asked.id(), "{asked}");
        // Versions in a status, and plugins in a text, are those of the worker that runs or validates it.
        let shown =
            if answer.status == 202 { "" } else { answer.body.split("available connectors").next().unwrap_or("") };
        let mut body = shown.replace(name, "{c}");
        for worker in all {
            body = body.replace(worker.id(), "{worker}");
        }
        answers.push((answer.status, format!("{method} {path}: {body} {}", location.replace(name, "{c}"))));
        Ok(())
    };
    let config = |tasks: &str| {
        let mut config = source(name, scratch);
        config["tasks.max"] = tasks.into();
        config
    };
    let settled = |state: &str, tasks: usize| -> Result<()> {
        all.iter().try_for_each(|worker| worker.rest().wait_state(name, state, tasks, SOON).map(drop))
    };
    ask("POST", "/connectors", Some(json!({ "name": name, "config": config("1") })))?;
    settled("RUNNING", 1)?;
    ask("POST", "/connectors", Some(json!({ "name": name, "config": config("1") })))?;
    ask("PUT", "/connectors/{c}/config", Some(config("2")))?;
    settled("RUNNING", 1)?;
    ask("PATCH", "/connectors/{c}/config", Some(json!({ "k": "v" })))?;
    ask("PUT", "/connectors/{c}/config", Some(json!({ "connector.class": "NoSuchClass" })))?;
    settled("RUNNING", 1)?;
    ask("POST", "/connectors/{c}/restart", None)?;
    settled("RUNNING", 1)?;
    ask("POST", "/connectors/{c}/tasks/0/restart", None)?;
    settled("RUNNING", 1)?;
    ask("POST", "/connectors/{c}/restart?includeTasks=false&onlyFailed=true", None)?;
    ask("DELETE", "/connectors/{c}/offsets", None)?;
    ask("PUT", "/connectors/{c}/stop", None)?;
    settled("STOPPED", 0)?;
    ask("PATCH", "/connectors/{c}/offsets", Some(json!({ "offsets": [] })))?;
    ask("DELETE", "/connectors/{c}/offsets", None)?;
    ask("POST", "/connectors/{c}/tasks/7/restart", None)?;
    ask("DELETE", "/connectors/{c}", None)?;
    ask("DELETE", "/connectors/{c}", None)?;
    ask("POST", "/connectors/{c}/restart", None)?;
    ask("POST", "/connectors/{c}/restart?includeTasks=true", None)?;
    ask("PUT", "/connectors/{c}/stop", None)?;
    ask("POST", "/connectors/{c}/tasks/0/restart", None)?;
    Ok(answers)
}

/// D28.
#[test]
fn a_follower_answers_as_its_leader_does() -> Result<()> {
    let scratch = Scratch::new("follower")?;
    for (leader, follower) in
        [(Engine::Sluice, Engine::Sluice), (Engine::Oracle, Engine::Sluice), (Engine::Sluice, Engine::Oracle)]
    {
        let workers = pair("follower", leader, follower)?;
        let by_leader = life(&workers[0], &workers, "by-leader", &scratch).context("leader")?;
        let by_follower = life(&workers[1], &workers, "by-follower", &scratch).context("follower")?;
        for (leads, follows) in by_leader.iter().zip(&by_follower) {
            ensure!(leads == follows, "{leader:?} leads {follower:?}:\n{leads:?}\n{follows:?}");
        }
    }
    Ok(())
}

#[test]
fn hops_end_after_two() -> Result<()> {
    let workers = pair("hops", Engine::Sluice, Engine::Sluice)?;
    let answer = workers[1].rest().send(&Call::new("DELETE", "/connectors/zz?forward=false"))?.expect(409)?;
    ensure!(answer.body.contains("conflicting operation"), "{}", answer.body);
    workers[1].rest().send(&Call::new("DELETE", "/connectors/zz?forward=true"))?.expect(404)?;
    Ok(())
}
