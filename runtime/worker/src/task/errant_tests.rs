//! What a sink task reports (KIP-610): it is in the dead letter queue before offsets move past it, whatever batch it came in.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{ConnectError, Properties, SinkRecord, SinkTask, SinkTaskContext};
use tokio::task::{JoinHandle, LocalSet};

use super::doubles::{
    FLUSH_INTERVAL, FLUSH_TIMEOUT, FakeConsumer, FakeProducer, Surroundings, conversion, seat, until,
};
use super::record_producer::RecordProducer;
use super::sink::WorkerSinkTask;
use crate::config::ErrorTolerance;
use crate::errors::{DeadLetterQueue, Letters};
use crate::metrics::TaskKind;

/// Reports every record whose value begins with `now`, and one that begins with `later` when the next batch comes.
#[derive(Default)]
struct Picky {
    context: Option<SinkTaskContext>,
    later: Vec<SinkRecord>,
    /// Whether it goes on when a report fails.
    swallows: bool,
}

impl Picky {
    fn report(&self, record: &SinkRecord) -> Result<(), ConnectError> {
        let context = self.context.as_ref().expect("started");
        let reporter = context.errant_records.as_ref().expect("there is a queue");
        match reporter.report(record, ConnectError::data("I do not like it")) {
            Err(_) if self.swallows => Ok(()),
            reported => reported,
        }
    }
}

#[async_trait(?Send)]
impl SinkTask for Picky {
    async fn start(&mut self, context: SinkTaskContext, _: &Properties) -> Result<(), ConnectError> {
        self.context = Some(context);
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<(), ConnectError> {
        for record in std::mem::take(&mut self.later) {
            self.report(&record)?;
        }
        for record in records {
            let text = record.value.to_string();
            if text.starts_with("now") {
                self.report(record)?;
            } else if text.starts_with("later") {
                self.later.push(record.clone());
            }
        }
        Ok(())
    }
}

struct Running {
    around: Surroundings,
    consumer: FakeConsumer,
    queue: Arc<FakeProducer>,
    outcome: JoinHandle<Result<(), ConnectError>>,
}

fn run(tolerance: ErrorTolerance, swallows: bool) -> Running {
    let (seat, around) = seat(TaskKind::Sink);
    let (consumer, queue) = (FakeConsumer::default(), Arc::new(FakeProducer::default()));
    let producer = queue.clone() as Arc<dyn RecordProducer>;
    let letters = DeadLetterQueue::new(seat.id.clone(), "letters".into(), true, producer, around.metrics.clone());
    let letters = Letters { queue: Arc::new(letters), conversion: conversion() };
    let task = WorkerSinkTask::new(
        seat,
        Properties::new(),
        Box::new(consumer.clone()),
        500,
        conversion(),
        around.policy(tolerance),
        Some(letters),
        [FLUSH_INTERVAL, FLUSH_TIMEOUT],
    );
    let picky = Picky { swallows, ..Picky::default() };
    let outcome = tokio::task::spawn_local(task.run(Box::new(picky)));
    Running { around, consumer, queue, outcome }
}

async fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    LocalSet::new().run_until(test).await
}

#[tokio::test]
async fn offsets_wait_for_what_was_reported() {
    // Invariants 2 and 3.
    paused(async {
        let running = run(ErrorTolerance::All, false);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a", "now 1"]);
        until(|| running.queue.sent() == 1).await;
        let (queue, consumer) = (running.queue.clone(), running.consumer.clone());
        running.around.stop();
        tokio::time::sleep(FLUSH_TIMEOUT / 2).await;
        assert!(!consumer.log().iter().any(|line| line.starts_with("commit")), "{:?}", consumer.log());
        queue.acknowledge_all();
        running.outcome.await.expect("no panic").expect("a clean stop");
        assert!(consumer.logged("commit-sync t-0@2"), "{:?}", consumer.log());
        assert_eq!(queue.values(), ["now 1"]);
    })
    .await;
}

#[tokio::test]
async fn a_letter_that_does_not_arrive_keeps_the_offset_back() {
    // Invariants 2 and 3.
    paused(async {
        let running = run(ErrorTolerance::All, false);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["now 1"]);
        until(|| running.queue.sent() == 1).await;
        let consumer = running.consumer.clone();
        running.around.stop();
        let error = running.outcome.await.expect("no panic").expect_err("nobody took the letter");
        assert!(error.message().contains("letters did not take its records in time"), "{error}");
        assert!(!consumer.log().iter().any(|line| line.starts_with("commit")), "{:?}", consumer.log());
    })
    .await;
}

#[tokio::test]
async fn a_record_of_an_earlier_batch_goes_to_the_queue_too() {
    paused(async {
        let running = run(ErrorTolerance::All, false);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["later 1", "a"]);
        tokio::time::sleep(Duration::from_millis(10)).await;
        running.consumer.records(0, 2, &["b"]);
        until(|| running.queue.sent() == 1).await;
        assert_eq!(running.queue.values(), ["later 1"]);
        running.queue.acknowledge_all();
        running.around.stop();
        running.outcome.await.expect("no panic").expect("a clean stop");
    })
    .await;
}

#[tokio::test]
async fn without_tolerance_a_report_ends_the_task_even_when_the_task_goes_on() {
    // Invariant 3.
    paused(async {
        for swallows in [false, true] {
            let running = run(ErrorTolerance::None, swallows);
            running.consumer.assign(0);
            running.consumer.records(0, 0, &["now 1", "a"]);
            until(|| running.queue.sent() == 1).await;
            running.queue.acknowledge_all();
            let consumer = running.consumer.clone();
            let error = running.outcome.await.expect("no panic").expect_err("it was not to be tolerated");
            assert!(error.trace().contains("Tolerance exceeded in error handler"), "{}", error.trace());
            assert!(!consumer.log().iter().any(|line| line.starts_with("commit")), "{:?}", consumer.log());
        }
    })
    .await;
}
