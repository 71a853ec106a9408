//! Logs on topics against a real broker: what the config, offset and status stores are built on.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use sluice_harness::{Cut, Kafka, Proxy};
use sluice_kafka::{Admin, Consumer, Error, ErrorKind, KafkaBasedLog, LogOptions, PollResult, Properties};

use crate::clients::acks_survive;

/// For one step of a test; a busy machine gets its time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// The harness blocks, and may do so only outside of a runtime.
pub(crate) fn blocking<T>(step: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(step)
}

pub(crate) fn properties(bootstrap: &str, more: &[(&str, &str)]) -> Properties {
    let all = [("bootstrap.servers", bootstrap)].into_iter().chain(more.iter().copied());
    all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub(crate) async fn within<T>(what: &str, step: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(DEADLINE, step).await.with_context(|| format!("{what} took longer than {DEADLINE:?}"))
}

/// What a log has read so far: keys and values as text.
#[derive(Clone, Default)]
struct Read(Arc<Mutex<Vec<(String, String)>>>);

impl Read {
    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is(&self, expected: &[(&str, &str)]) -> Result<()> {
        let found = self.all();
        let same = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected.iter().copied());
        ensure!(same, "read {found:?} instead of {expected:?}");
        Ok(())
    }
}

fn text(bytes: Option<Bytes>) -> String {
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// What comes next, or nothing after a moment.
pub(crate) async fn poll(consumer: &Consumer, max_records: usize) -> Result<PollResult, Error> {
    let polled = consumer.poll_batch(max_records)?;
    if polled.records.is_empty() && polled.events.is_empty() {
        drop(tokio::time::timeout(Duration::from_millis(20), consumer.ready()).await);
    }
    Ok(polled)
}

async fn log(bootstrap: &str, topic: &str) -> Result<(KafkaBasedLog, Read), Error> {
    log_of(bootstrap, topic, true).await
}

async fn log_of(bootstrap: &str, topic: &str, single_partition: bool) -> Result<(KafkaBasedLog, Read), Error> {
    let read = Read::default();
    let seen = read.clone();
    let options = LogOptions {
        topic: topic.to_owned(),
        topic_property: "config.storage.topic".to_owned(),
        partitions: 1,
        replication_factor: 1,
        topic_settings: Properties::new(),
        single_partition,
        properties: properties(bootstrap, &[]),
        consumer_overrides: Properties::new(),
        producer_overrides: Properties::new(),
        client_id: format!("{topic}-client"),
        tenure: sluice_kafka::Tenure::forever(),
    };
    let admin = Admin::new(&properties(bootstrap, &[]))?;
    let log = KafkaBasedLog::start(
        options,
        admin,
        Box::new(move |record| {
            let entry = (text(record.key), text(record.value));
            seen.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        }),
    );
    Ok((log.await?, read))
}

async fn send(log: &KafkaBasedLog, key: &'static str, value: &'static str) -> Result<()> {
    let sent = log.send(Some(Bytes::from_static(key.as_bytes())), Some(Bytes::from_static(value.as_bytes())));
    within("a write to the log", sent).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_creates_its_topic_compacted_and_is_read_again_after_a_restart() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    let (first, read) = within("start", log(&kafka.bootstrap(), "log-new")).await??;
    send(&first, "a", "1").await?;
    send(&first, "b", "2").await?;
    within("reading to the end", first.read_to_end()).await??;
    read.is(&[("a", "1"), ("b", "2")])?;
    first.stop(DEADLINE).await;
    let settings = blocking(|| kafka.topics().settings("log-new"))?;
    ensure!(settings["cleanup.policy"] == "compact", "{settings:?}");
    let partitions = blocking(|| kafka.topics().partitions("log-new"))?;
    ensure!(partitions == [0], "{partitions:?}");

    let (second, read) = within("start", log(&kafka.bootstrap(), "log-new")).await??;
    read.is(&[("a", "1"), ("b", "2")])?;
    second.stop(DEADLINE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_refuses_a_topic_that_would_lose_or_reorder_records() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("log-deleted", 1, &[("cleanup.policy", "delete")]))?;
    blocking(|| kafka.topics().create("log-both", 1, &[("cleanup.policy", "compact,delete")]))?;
    blocking(|| kafka.topics().create("log-wide", 2, &[("cleanup.policy", "compact")]))?;
    for (topic, reason) in [
        ("log-deleted", "`cleanup.policy=delete`"),
        ("log-both", "`cleanup.policy=compact,delete`"),
        ("log-wide", "exactly one partition, but has 2"),
    ] {
        let Err(error) = within("the refusal", log(&kafka.bootstrap(), topic)).await? else {
            bail!("topic {topic} was taken");
        };
        ensure!(error.kind() == ErrorKind::TopicMismatch, "{error:?}");
        let message = error.to_string();
        ensure!(
            message.contains(reason) && message.contains(topic) && message.contains("config.storage.topic"),
            "{message}"
        );
    }
    Ok(())
}

/// Tasks of a busy worker write their offsets all the time, while another one that starts reads to the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_written_to_all_the_time_is_read_to_its_end() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("log-busy", 8, &[("cleanup.policy", "compact")]))?;
    let (log, read) = within("start", log_of(&kafka.bootstrap(), "log-busy", false)).await??;
    let log = Arc::new(log);
    // A request is for one partition, and one is on its way at a time: while one writer hears of its record, others wait.
    let write = |number: u32| {
        let (log, key) = (Arc::clone(&log), Bytes::from(number.to_string()));
        tokio::spawn(async move { while log.send(Some(key.clone()), None).await.is_ok() {} })
    };
    let writers: Vec<_> = (0..32).map(write).collect();
    for _ in 0..50 {
        within("reading to the end", log.read_to_end()).await??;
    }
    ensure!(!writers.iter().any(tokio::task::JoinHandle::is_finished), "a writer has ended");
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    let records = read.all().len();
    ensure!(records >= 50, "only {records} records were written meanwhile");
    log.stop(DEADLINE).await;
    Ok(())
}

fn through(proxies: &[Proxy]) -> String {
    format!("127.0.0.1:{}", proxies[0].port())
}

/// As long as a task may take to store its offsets.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// A request is for one partition: one at a time would take a turn of ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_to_many_partitions_over_a_slow_network_is_flushed_in_time() -> Result<()> {
    let (kafka, proxies) = blocking(|| Kafka::start_behind_proxies(1, &[]))?;
    blocking(|| kafka.topics().create("log-slow", 50, &[("cleanup.policy", "compact")]))?;
    let (log, read) = within("start", log_of(&through(&proxies), "log-slow", false)).await??;
    proxies[0].delay(Duration::from_millis(100));
    for value in 0..5 {
        for key in 0..200 {
            drop(log.send(Some(Bytes::from(key.to_string())), Some(Bytes::from(value.to_string()))));
        }
    }
    log.flush(FLUSH_TIMEOUT).await?;
    proxies[0].delay(Duration::ZERO);
    within("reading to the end", log.read_to_end()).await??;
    ensure!(read.all().len() == 1_000, "{} records", read.all().len());
    log.stop(DEADLINE).await;
    Ok(())
}

/// Connections that break with records on their way: a retry never puts an old value of a key behind a newer one.
#[tokio::test(flavor = "multi_thread")]
async fn the_values_of_a_key_stay_in_order_when_connections_break() -> Result<()> {
    let (kafka, proxies) = blocking(|| Kafka::start_behind_proxies(1, &[]))?;
    blocking(|| kafka.topics().create("log-broken", 4, &[("cleanup.policy", "compact")]))?;
    let (log, read) = within("start", log_of(&through(&proxies), "log-broken", false)).await??;
    for value in 0..300 {
        for key in 0..10 {
            drop(log.send(Some(Bytes::from(key.to_string())), Some(Bytes::from(format!("{value:03}")))));
        }
        if value % 60 == 30 {
            proxies[0].cut(Cut::Reset);
            proxies[0].heal();
        }
        tokio::task::yield_now().await;
    }
    within("reading to the end", log.read_to_end()).await??;
    let mut last: HashMap<String, String> = HashMap::new();
    for (key, value) in read.all() {
        let before = last.insert(key.clone(), value.clone());
        ensure!(before.as_ref().is_none_or(|before| *before <= value), "key {key}: {value} after {before:?}");
    }
    ensure!(last.len() == 10 && last.values().all(|value| value == "299"), "the last values are {last:?}");
    log.stop(DEADLINE).await;
    Ok(())
}

/// The last offsets of the topic are markers, which no consumer ever gets: the end must be reached all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_with_transaction_markers_is_read_to_its_end() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("log-markers", 1, &[("cleanup.policy", "compact")]))?;
    let bootstrap = kafka.bootstrap();
    tokio::task::spawn_blocking(move || {
        transaction(&bootstrap, "log-markers", "committed", true)?;
        transaction(&bootstrap, "log-markers", "aborted", false)
    })
    .await??;
    let ends = blocking(|| kafka.topics().end_offsets("log-markers"))?;
    ensure!(ends[&0] == 4, "two records and two markers, but the end is {ends:?}");
    let (log, read) = within("start", log(&kafka.bootstrap(), "log-markers")).await??;
    // Kafka Connect reads its internal topics uncommitted unless the worker's properties say otherwise.
    ensure!(read.all().first() == Some(&("k".to_owned(), "committed".to_owned())), "{:?}", read.all());
    within("reading to the end", log.read_to_end()).await??;
    log.stop(DEADLINE).await;
    Ok(())
}

fn transaction(bootstrap: &str, topic: &str, value: &str, commit: bool) -> Result<()> {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("transactional.id", format!("{topic}-{value}"));
    let producer: BaseProducer = config.create()?;
    producer.init_transactions(DEADLINE)?;
    producer.begin_transaction()?;
    producer.send(BaseRecord::to(topic).key("k").payload(value).partition(0)).map_err(|(error, _)| error)?;
    producer.flush(DEADLINE)?;
    if commit {
        producer.commit_transaction(DEADLINE)?;
    } else {
        producer.abort_transaction(DEADLINE)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_costs_time_and_nothing_else() -> Result<()> {
    let kafka = blocking(Kafka::start)?;
    let bootstrap = kafka.bootstrap();
    blocking(|| kafka.topics().create("acks", 1, &[]))?;
    let mut kafka = acks_survive(kafka, &bootstrap).await?;

    kafka.kill9()?;
    let waiting = tokio::spawn(async move { log(&bootstrap, "log-late").await });
    tokio::task::yield_now().await;
    ensure!(!waiting.is_finished(), "a log started without a broker");
    let _kafka = tokio::task::spawn_blocking(move || kafka.restart().map(|()| kafka)).await??;
    let (log, _) = within("the start after the broker's", waiting).await???;
    log.stop(DEADLINE).await;
    Ok(())
}
