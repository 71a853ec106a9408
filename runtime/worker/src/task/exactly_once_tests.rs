//! Transactions of a source task against doubles, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::{CommittedRecord, TransactionContext};
use sluice_api::{ConnectError, OffsetMap, Properties, Schema, SourceRecord, SourceTask, SourceTaskContext, Value};
use sluice_kafka::{Error, PropertyError};
use sluice_storage::offset::SecondaryOffsets;
use sluice_storage::{State, TargetState};
use tokio::task::{JoinHandle, LocalSet};

use super::doubles::{FLUSH_TIMEOUT, FakeProducer, Surroundings, conversion, seat, until};
use super::exactly_once::{Boundary, Commits, Transactions};
use super::preparation::Preparation;
use super::source::WorkerSourceTask;
use crate::config::ErrorTolerance;
use crate::metrics::TaskKind;
use crate::topic_creation::TopicCreation;
use crate::worker::lock;

/// What the task does with its transactions while it makes a batch.
type Asks = fn(&TransactionContext, &str);

/// Gives prepared batches, then waits for ever.
struct Lines {
    batches: Vec<Vec<&'static str>>,
    position: i64,
    asks: Asks,
    transactions: Option<TransactionContext>,
    calls: Arc<Mutex<Vec<String>>>,
}

#[async_trait(?Send)]
impl SourceTask for Lines {
    async fn start(&mut self, context: SourceTaskContext, _: &Properties) -> Result<(), ConnectError> {
        self.transactions = context.transactions;
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>, ConnectError> {
        if self.batches.is_empty() {
            std::future::pending::<()>().await;
        }
        let partition = Arc::new(OffsetMap::single("file", Value::from("f")));
        let mut records = Vec::new();
        for line in self.batches.remove(0) {
            self.position += 1;
            let offset = OffsetMap::single("position", Value::Int64(self.position));
            let topic = if line == "to-offsets" { "offsets" } else { "t" };
            let mut record =
                SourceRecord::new(partition.clone(), offset, topic.into(), Some(Schema::STRING), Value::from(line));
            record.token = self.position.unsigned_abs();
            if let Some(transactions) = &self.transactions {
                (self.asks)(transactions, line);
            }
            records.push(record);
        }
        Ok(records)
    }

    fn wants_committed_records(&self) -> bool {
        true
    }

    async fn commit_records(&mut self, records: &[CommittedRecord]) -> Result<(), ConnectError> {
        let written = |record: &CommittedRecord| if record.position.is_some() { "" } else { " dropped" };
        let texts: Vec<String> = records.iter().map(|record| format!("{}{}", record.token, written(record))).collect();
        lock(&self.calls).push(format!("records {}", texts.join(", ")));
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), ConnectError> {
        lock(&self.calls).push("commit".to_owned());
        Ok(())
    }
}

struct Running {
    around: Surroundings,
    calls: Arc<Mutex<Vec<String>>>,
    outcome: JoinHandle<Result<(), ConnectError>>,
}

impl Running {
    async fn stopped(self) -> Vec<String> {
        self.around.stop();
        self.outcome.await.expect("no panic").expect("a clean stop");
        std::mem::take(&mut lock(&self.calls))
    }
}

fn run(batches: &[&[&'static str]], producer: &Arc<FakeProducer>, boundary: Boundary, asks: Asks) -> Running {
    let (seat, around) = seat(TaskKind::Source);
    let calls = Arc::<Mutex<Vec<String>>>::default();
    let batches = batches.iter().map(|batch| batch.to_vec()).collect();
    let task = Lines { batches, position: 0, asks, transactions: None, calls: calls.clone() };
    let copies = SecondaryOffsets::new(around.offsets.clone());
    let worker_task = WorkerSourceTask::new(
        seat,
        Properties::new(),
        Preparation::default(),
        around.reader(),
        producer.clone(),
        conversion(),
        around.policy(ErrorTolerance::None),
        TopicCreation::disabled(),
        Commits::Transactional(Transactions::new(boundary, "offsets".into(), Some(copies))),
        FLUSH_TIMEOUT,
    );
    let outcome = tokio::task::spawn_local(worker_task.run(Box::new(task)));
    Running { around, calls, outcome }
}

fn asks_nothing(_: &TransactionContext, _: &str) {}

async fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    LocalSet::new().run_until(test).await
}

fn position(at: i64) -> String {
    format!(r#"{{"position":{at}}}"#)
}

#[tokio::test]
async fn each_batch_is_a_transaction_with_its_offsets_at_the_end() {
    // Invariant 1.
    paused(async {
        let producer = FakeProducer::answering();
        let running = run(&[&["a", "b"], &[], &["c"]], &producer, Boundary::Poll, asks_nothing);
        until(|| producer.log().iter().filter(|event| *event == "commit").count() == 2).await;
        let calls = running.stopped().await;
        let (first, second) = (position(2), position(3));
        assert_eq!(
            producer.log(),
            ["begin", "a", "b", first.as_str(), "commit", "begin", "c", second.as_str(), "commit"]
        );
        assert_eq!(
            calls,
            ["records 1, 2", "commit", "commit", "records 3", "commit"],
            "an empty batch owes a commit too"
        );
    })
    .await;
}

#[tokio::test]
async fn nothing_is_committed_before_everything_is_acknowledged_and_no_callback_comes_before_the_commit() {
    // Invariants 1 and 3.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a"]], &producer, Boundary::Poll, asks_nothing);
        until(|| producer.sent() == 2).await;
        producer.acknowledge(0);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(producer.log(), ["begin", "a", position(1).as_str()]);
        assert_eq!(*lock(&running.calls), [] as [String; 0]);
        producer.acknowledge(1 << 62);
        until(|| producer.log().last().is_some_and(|event| event == "commit")).await;
        until(|| !lock(&running.calls).is_empty()).await;
        running.stopped().await;
    })
    .await;
}

#[tokio::test]
async fn an_interval_ends_while_the_poll_waits() {
    paused(async {
        let producer = FakeProducer::answering();
        let every = Duration::from_secs(10);
        let running = run(&[&["a"], &["b"]], &producer, Boundary::Interval(every), asks_nothing);
        until(|| producer.sent() == 2).await;
        assert_eq!(producer.log(), ["begin", "a", "b"]);
        tokio::time::sleep(every).await;
        until(|| producer.log().len() == 5).await;
        assert_eq!(producer.log(), ["begin", "a", "b", position(2).as_str(), "commit"]);
        running.stopped().await;
    })
    .await;
}

#[tokio::test]
async fn a_pause_and_a_stop_commit_what_is_open() {
    // Invariant 7.
    paused(async {
        let producer = FakeProducer::answering();
        let running = run(&[&["a"]], &producer, Boundary::Interval(Duration::from_secs(600)), asks_nothing);
        until(|| producer.sent() == 1).await;
        running.around.set_target(TargetState::Paused);
        until(|| running.around.status() == Some(State::Paused)).await;
        until(|| producer.log().len() == 4).await;
        assert_eq!(producer.log(), ["begin", "a", position(1).as_str(), "commit"]);
        let stored = || async { running.around.stored_position().await };
        assert_eq!(stored().await, Some(1), "the worker's offsets topic has a copy");
        running.stopped().await;
        let producer = FakeProducer::answering();
        let running = run(&[&["a"]], &producer, Boundary::Interval(Duration::from_secs(600)), asks_nothing);
        until(|| producer.sent() == 1).await;
        assert_eq!(running.stopped().await, ["records 1", "commit"]);
        assert_eq!(producer.log(), ["begin", "a", position(1).as_str(), "commit"]);
    })
    .await;
}

#[tokio::test]
async fn the_connector_ends_transactions_within_and_after_batches() {
    paused(async {
        let producer = FakeProducer::answering();
        let asks: Asks = |transactions, line| match line {
            "b" => transactions.commit_transaction_on(2),
            "d" => transactions.commit_transaction(),
            _ => {}
        };
        let boundary = Boundary::Connector(TransactionContext::new());
        let running = run(&[&["a", "b", "c"], &["d"], &["e"]], &producer, boundary, asks);
        until(|| producer.sent() == 7).await;
        let calls = running.stopped().await;
        let (first, second) = (position(2), position(4));
        let expected = [
            "begin",
            "a",
            "b",
            first.as_str(),
            "commit",
            "begin",
            "c",
            "d",
            second.as_str(),
            "commit",
            "begin",
            "e",
            "abort",
        ];
        assert_eq!(producer.log(), expected, "what nobody asked to commit is aborted at the end");
        assert_eq!(calls, ["records 1, 2", "commit", "records 3, 4", "commit"]);
    })
    .await;
}

#[tokio::test]
async fn an_abort_drops_the_records_and_stores_their_offsets() {
    paused(async {
        let producer = FakeProducer::answering();
        let asks: Asks = |transactions, line| {
            if line == "b" {
                transactions.abort_transaction();
            }
        };
        let boundary = Boundary::Connector(TransactionContext::new());
        let running = run(&[&["a", "b"]], &producer, boundary, asks);
        until(|| producer.log().last().is_some_and(|event| event == "commit")).await;
        let calls = running.stopped().await;
        assert_eq!(producer.log(), ["begin", "a", "b", "abort", "begin", position(2).as_str(), "commit"]);
        assert_eq!(calls, ["records 1 dropped, 2 dropped", "commit"]);
    })
    .await;
}

#[tokio::test]
async fn a_commit_and_an_abort_at_once_fail_the_task() {
    paused(async {
        let producer = FakeProducer::answering();
        let asks: Asks = |transactions, _| {
            transactions.commit_transaction();
            transactions.abort_transaction();
        };
        let running = run(&[&["a"]], &producer, Boundary::Connector(TransactionContext::new()), asks);
        let error = running.outcome.await.expect("no panic").expect_err("both");
        assert_eq!(error.message(), "Connector requested both commit and abort of same transaction");
        assert_eq!(producer.log(), ["begin", "a", "abort"]);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_fails_ends_the_task_and_the_task_is_told_nothing() {
    // Invariant 3.
    paused(async {
        let producer = FakeProducer::answering();
        let refused = PropertyError { key: "k".to_owned(), value: "v".to_owned(), expected: "another".to_owned() };
        producer.fail_commit(Error::Properties(Box::new([refused])));
        let running = run(&[&["a"]], &producer, Boundary::Poll, asks_nothing);
        let error = running.outcome.await.expect("no panic").expect_err("not committed");
        assert!(error.message().starts_with("Failed to flush offsets and/or records for task c-0"), "{error}");
        assert_eq!(producer.log(), ["begin", "a", position(1).as_str(), "commit", "abort"]);
        assert_eq!(*lock(&running.calls), [] as [String; 0]);
        assert_eq!(running.around.stored_position().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_record_for_the_offsets_topic_fails_the_task() {
    paused(async {
        let producer = FakeProducer::answering();
        let running = run(&[&["a", "to-offsets"]], &producer, Boundary::Poll, asks_nothing);
        let error = running.outcome.await.expect("no panic").expect_err("would block itself");
        assert!(error.message().contains("may not produce to their own offsets topics"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_task_commits_nothing() {
    // Invariant 5.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a"]], &producer, Boundary::Poll, asks_nothing);
        until(|| producer.sent() == 2).await;
        running.around.stop();
        running.around.lease.cancel();
        producer.acknowledge(0);
        producer.acknowledge(1 << 62);
        running.outcome.await.expect("no panic").expect_err("cancelled");
        assert_eq!(producer.log(), ["begin", "a", position(1).as_str()]);
        assert_eq!(running.around.stored_position().await, None);
    })
    .await;
}
