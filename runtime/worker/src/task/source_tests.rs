//! Source task against doubles, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{ConnectError, OffsetMap, Properties, Schema, SourceRecord, SourceTask, SourceTaskContext, Value};
use sluice_storage::{State, TargetState};
use tokio::task::{JoinHandle, LocalSet};

use super::doubles::{FLUSH_INTERVAL, FLUSH_TIMEOUT, FakeProducer, Surroundings, conversion, seat, until};
use super::exactly_once::Commits;
use super::preparation::Preparation;
use super::source::WorkerSourceTask;
use crate::config::ErrorTolerance;
use crate::metrics::TaskKind;
use crate::topic_creation::TopicCreation;
use crate::worker::lock;

/// Gives prepared batches, then waits for ever.
struct Lines {
    batches: Vec<Vec<&'static str>>,
    position: i64,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait(?Send)]
impl SourceTask for Lines {
    async fn start(&mut self, _: SourceTaskContext, _: &Properties) -> Result<(), ConnectError> {
        lock(&self.calls).push("start");
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>, ConnectError> {
        if self.batches.is_empty() {
            std::future::pending::<()>().await;
        }
        let partition = Arc::new(OffsetMap::single("file", Value::from("f")));
        let batch = self.batches.remove(0);
        let records = batch.into_iter().map(|line| {
            self.position += 1;
            let offset = OffsetMap::single("position", Value::Int64(self.position));
            SourceRecord::new(partition.clone(), offset, "t".into(), Some(Schema::STRING), Value::from(line))
        });
        Ok(records.collect())
    }

    async fn commit(&mut self) -> Result<(), ConnectError> {
        lock(&self.calls).push("commit");
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), ConnectError> {
        lock(&self.calls).push("stop");
        Ok(())
    }
}

struct Running {
    around: Surroundings,
    calls: Arc<Mutex<Vec<&'static str>>>,
    outcome: JoinHandle<Result<(), ConnectError>>,
}

fn run(batches: &[&[&'static str]], producer: &Arc<FakeProducer>, tolerance: ErrorTolerance) -> Running {
    let (seat, around) = seat(TaskKind::Source);
    let calls = Arc::<Mutex<Vec<&'static str>>>::default();
    let task =
        Lines { batches: batches.iter().map(|batch| batch.to_vec()).collect(), position: 0, calls: calls.clone() };
    let worker_task = WorkerSourceTask::new(
        seat,
        Properties::new(),
        Preparation::default(),
        around.reader(),
        producer.clone(),
        conversion(),
        around.policy(tolerance),
        TopicCreation::disabled(),
        Commits::Flushed(around.flush()),
        FLUSH_TIMEOUT,
    );
    let outcome = tokio::task::spawn_local(worker_task.run(Box::new(task)));
    Running { around, calls, outcome }
}

async fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    LocalSet::new().run_until(test).await
}

#[tokio::test]
async fn an_offset_is_stored_only_after_every_record_up_to_it_is_acknowledged() {
    // Invariant 1.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a", "b", "c"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 3).await;
        producer.acknowledge(1);
        producer.acknowledge(2);
        tokio::time::sleep(2 * FLUSH_INTERVAL).await;
        assert_eq!(running.around.stored_position().await, None, "the first record is not acknowledged");
        producer.acknowledge(0);
        tokio::time::sleep(2 * FLUSH_INTERVAL).await;
        assert_eq!(running.around.stored_position().await, Some(3));
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_acknowledgements_and_flushes_before_the_task_stops() {
    // Invariant 7.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a", "b"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 2).await;
        running.around.stop();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!running.outcome.is_finished());
        producer.acknowledge_all();
        running.outcome.await.expect("no panic").expect("a clean stop");
        assert_eq!(running.around.stored_position().await, Some(2));
        assert_eq!(*lock(&running.calls), ["start", "commit", "stop"]);
    })
    .await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever_and_stores_the_prefix() {
    // Invariants 1 and 7.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a", "b"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 2).await;
        producer.acknowledge(0);
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
        assert_eq!(running.around.stored_position().await, Some(1));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_task_stores_no_offset_and_writes_no_status() {
    // Invariant 5.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 1).await;
        until(|| running.around.status() == Some(State::Running)).await;
        producer.acknowledge_all();
        running.around.stop();
        running.around.lease.cancel();
        running.outcome.await.expect("no panic").expect("nothing failed");
        assert_eq!(running.around.stored_position().await, None);
        assert_eq!(running.around.status(), Some(State::Running));
    })
    .await;
}

#[tokio::test]
async fn a_full_producer_holds_back_the_source_and_keeps_the_order() {
    paused(async {
        let producer = FakeProducer::with_room(2);
        let running = run(&[&["a", "b", "c", "d", "e"], &["f"]], &producer, ErrorTolerance::None);
        for sent in [2, 4, 6] {
            until(|| producer.sent() == sent).await;
            producer.acknowledge_all();
        }
        assert_eq!(producer.values(), ["a", "b", "c", "d", "e", "f"]);
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
        assert_eq!(running.around.stored_position().await, Some(6));
    })
    .await;
}

#[tokio::test]
async fn a_record_that_cannot_be_converted_fails_the_task_after_those_before_it_went_out() {
    // Invariant 3.
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a", "bad", "c"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 1).await;
        producer.acknowledge_all();
        let error = running.outcome.await.expect("no panic").expect_err("a bad record");
        assert_eq!(error.message(), "Tolerance exceeded in error handler");
        assert_eq!(producer.values(), ["a"]);
        assert_eq!(
            running.around.stored_position().await,
            Some(1),
            "what is acknowledged is stored also after a failure"
        );
    })
    .await;
}

#[tokio::test]
async fn a_tolerated_bad_record_is_passed_over() {
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a", "bad", "c"]], &producer, ErrorTolerance::All);
        until(|| producer.sent() == 2).await;
        producer.acknowledge_all();
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
        assert_eq!(producer.values(), ["a", "c"]);
        assert_eq!(running.around.stored_position().await, Some(3));
    })
    .await;
}

#[tokio::test]
async fn a_pause_while_a_poll_waits_is_reported_at_once_and_acks_still_count() {
    paused(async {
        let producer = FakeProducer::with_room(0);
        let running = run(&[&["a"]], &producer, ErrorTolerance::None);
        until(|| producer.sent() == 1).await;
        running.around.set_target(TargetState::Paused);
        until(|| running.around.status() == Some(State::Paused)).await;
        producer.acknowledge_all();
        tokio::time::sleep(2 * FLUSH_INTERVAL).await;
        assert_eq!(running.around.stored_position().await, Some(1));
        running.around.set_target(TargetState::Started);
        until(|| running.around.status() == Some(State::Running)).await;
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
    })
    .await;
}
