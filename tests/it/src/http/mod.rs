//! The HTTP sink in a worker: nothing lost, order per key, whatever the server and a `kill -9` do (Invariants 2 and 3).

mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{HttpServer, Kafka, Properties, Random, Reply, Seen, Sluice, count, wait_until};

const ARRIVED: Duration = Duration::from_secs(180);
const KEYS: usize = 40;

/// Numbers in the order in which a server took them, per key.
type Taken = BTreeMap<usize, Vec<usize>>;

fn taken(server: &HttpServer, is_taken: impl Fn(usize) -> bool) -> Taken {
    let mut taken = Taken::new();
    for (_, request) in server.requests().iter().enumerate().filter(|(at, _)| is_taken(*at)) {
        for number in request.text().lines().filter_map(|line| line.parse::<usize>().ok()) {
            taken.entry(number % KEYS).or_default().push(number);
        }
    }
    taken
}

/// Every number arrived, and for the first time only after those of its key before it.
fn complete_and_in_order(taken: &Taken, total: usize) -> Result<()> {
    for (key, numbers) in taken {
        let mut seen = BTreeSet::new();
        for number in numbers {
            let before = number.checked_sub(KEYS);
            ensure!(before.is_none_or(|before| seen.contains(&before)), "{number} of key {key} came before {before:?}");
            seen.insert(*number);
        }
    }
    let distinct: BTreeSet<usize> = taken.values().flatten().copied().collect();
    ensure!(distinct.len() == total, "{} of {total} records arrived", distinct.len());
    Ok(())
}

fn keyed(numbers: std::ops::Range<usize>) -> impl Iterator<Item = (Option<String>, Option<String>)> {
    numbers.map(|number| (Some(format!("key {}", number % KEYS)), Some(number.to_string())))
}

fn sink(url: &str, topic: &str, more: &Value) -> Value {
    let mut config = json!({
        "connector.class": "io.confluent.connect.http.HttpSinkConnector",
        "topics": topic,
        "http.api.url": url,
        "retry.backoff.ms": 20,
        "max.retries": 1000,
        "http.request.timeout.ms": 1000,
        "concurrency.limit": 16,
        "batch.max.size": 50,
        "batch.separator": "\n",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

fn frequent_flushes(kafka: &Kafka, name: &str) -> Properties {
    Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200").with("session.timeout.ms", "6000")
}

#[test]
fn kills_and_a_server_that_misbehaves_lose_no_record_and_keep_the_order_of_keys() -> Result<()> {
    let kafka = Kafka::start()?;
    kafka.topics().create("sent", 2, &[])?;
    // Every fourth request is answered badly, each time in another way. A redirect leads to the same server, with the next number.
    let server = HttpServer::start(|_, number| match (number % 4, number / 4 % 10) {
        (1, 0) => Reply::status(500),
        (1, 1) => Reply::with(429, &[("Retry-After", "0")], ""),
        (1, 2) => Reply::status(429),
        (1, 3) => Reply::Reset,
        (1, 4) => Reply::Half,
        (1, 5) => Reply::Garbage,
        (1, 6) => Reply::with(302, &[("Location", "/elsewhere")], ""),
        (1, 7) => Reply::with(307, &[("Location", "/again")], ""),
        (1, 8) => Reply::with(503, &[("Retry-After", "1")], ""),
        (1, _) => Reply::Slow(Duration::from_millis(1_200), Box::new(Reply::status(200))),
        _ => Reply::status(200),
    })?;
    let mut worker = Sluice::distributed(&frequent_flushes(&kafka, "http-kills")).start()?;
    worker
        .rest()
        .put_connector("out", &sink(&server.url("/"), "sent", &json!({"retry.on.status.codes": "300-"})))?
        .expect(201)?;
    let mut random = Random::of("http-kills");
    let (kills, total) = (count(2, 10), count(400, 200_000));
    for kill in 0..kills {
        kafka.topics().produce_keyed("sent", None, keyed(kill * total / kills..(kill + 1) * total / kills))?;
        thread::park_timeout(Duration::from_millis(random.range(100, 1_500)));
        worker.kill9()?;
        worker.restart()?;
    }
    let taken = wait_until("every record at the server", ARRIVED, || {
        // A request that was answered badly may have been taken all the same: what counts is what was answered with 200.
        let taken = taken(&server, |at| at % 4 != 1);
        let distinct: BTreeSet<usize> =
            taken.values().flatten().collect::<BTreeSet<_>>().into_iter().copied().collect();
        if distinct.len() == total { Seen::Met(taken) } else { Seen::NotYet(format!("{} of {total}", distinct.len())) }
    })?;
    complete_and_in_order(&taken, total)?;
    let came: usize = taken.values().map(Vec::len).sum();
    eprintln!("{total} records, {kills} kills, {} of them came again", came - total);
    Ok(())
}

#[test]
fn bad_records_of_batches_are_in_the_queue_and_all_others_at_the_server() -> Result<()> {
    let kafka = Kafka::start()?;
    kafka.topics().create("mixed", 1, &[])?;
    let bad = |line: &str| line.parse::<usize>().is_ok_and(|number| number % 97 == 5);
    let server =
        HttpServer::start(move |request, _| Reply::status(if request.text().lines().any(bad) { 422 } else { 200 }))?;
    let total = count(1_000, 20_000);
    kafka.topics().produce_keyed("mixed", None, keyed(0..total))?;
    let worker = Sluice::distributed(&frequent_flushes(&kafka, "http-queue")).start()?;
    let more = json!({
        "retry.on.status.codes": "500-",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": "refused",
        "errors.deadletterqueue.topic.replication.factor": 1,
        "errors.deadletterqueue.context.headers.enable": true,
    });
    worker.rest().put_connector("out", &sink(&server.url("/"), "mixed", &more))?.expect(201)?;
    let expected: BTreeSet<usize> = (0..total).filter(|number| number % 97 == 5).collect();
    wait_until("every bad record in the queue, every other at the server", ARRIVED, || -> Result<()> {
        let queued: BTreeSet<usize> =
            kafka.topics().read("refused")?.iter().filter_map(|record| record.value_text().parse().ok()).collect();
        ensure!(queued == expected, "{} in the queue, expected {}", queued.len(), expected.len());
        let taken: BTreeSet<usize> = server
            .requests()
            .iter()
            .map(|request| request.text())
            .filter(|text| !text.lines().any(bad))
            .flat_map(|text| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<usize>>())
            .collect();
        ensure!(taken.len() + queued.len() == total, "{} at the server", taken.len());
        Ok(())
    })
}

/// A configuration of Confluent's sink as people have it: its topics say what became of every record.
#[test]
fn result_and_error_topics_are_told_the_fate_of_every_record() -> Result<()> {
    let kafka = Kafka::start()?;
    kafka.topics().create("told", 1, &[])?;
    let bad = |number: usize| number % 10 == 3;
    let server = HttpServer::start(move |request, _| match request.text().parse().is_ok_and(bad) {
        true => Reply::with(400, &[], "no"),
        false => Reply::with(200, &[], "yes"),
    })?;
    let total = count(300, 20_000);
    kafka.topics().produce_keyed("told", None, keyed(0..total))?;
    let mut worker = Sluice::distributed(&frequent_flushes(&kafka, "http-reports")).start()?;
    let more = json!({
        "batch.max.size": 1,
        "max.retries": 0,
        "behavior.on.error": "log",
        "confluent.topic.bootstrap.servers": kafka.bootstrap(),
        "reporter.bootstrap.servers": kafka.bootstrap(),
        "reporter.result.topic.name": "success-responses",
        "reporter.result.topic.replication.factor": 1,
        "reporter.error.topic.name": "error-responses",
        "reporter.error.topic.replication.factor": 1,
    });
    worker.rest().put_connector("out", &sink(&server.url("/"), "told", &more))?.expect(201)?;
    worker.kill9()?;
    worker.restart()?;
    let offset = |record: &sluice_harness::Record| -> Option<usize> {
        let (_, offset) = record.headers.iter().find(|(name, _)| name == "input_record_offset")?;
        String::from_utf8_lossy(offset.as_deref()?).parse().ok()
    };
    let offsets = |topic: &str| -> Result<BTreeSet<usize>> {
        Ok(kafka.topics().read(topic)?.iter().filter_map(offset).collect())
    };
    let expected: BTreeSet<usize> = (0..total).filter(|number| bad(*number)).collect();
    wait_until("every record in one of the topics", ARRIVED, || -> Result<()> {
        let (results, errors) = (offsets("success-responses")?, offsets("error-responses")?);
        ensure!(errors == expected, "{} of {} failures", errors.len(), expected.len());
        ensure!(results.len() + errors.len() == total, "{} results", results.len());
        ensure!(results.is_disjoint(&errors), "a record has both fates");
        Ok(())
    })
}
