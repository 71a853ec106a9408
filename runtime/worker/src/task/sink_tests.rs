//! Sink task against doubles, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::OffsetsToCommit;
use sluice_api::{ConnectError, Properties, SinkRecord, SinkTask, SinkTaskContext, TopicPartition};
use sluice_kafka::RebalanceEvent;
use sluice_storage::{State, TargetState};
use tokio::task::{JoinHandle, LocalSet};

use super::doubles::{FLUSH_INTERVAL, FLUSH_TIMEOUT, FakeConsumer, Surroundings, conversion, seat, until};
use super::sink::WorkerSinkTask;
use crate::config::ErrorTolerance;
use crate::metrics::TaskKind;
use crate::worker::lock;

/// What the task does and has seen.
#[derive(Default)]
struct Script {
    calls: Vec<String>,
    /// How often `put` is to fail in a way that can be tried again.
    refusals: usize,
    /// What `pre_commit` answers instead of everything.
    answer: Option<OffsetsToCommit>,
    failing_commits: usize,
}

struct Recorder {
    script: Arc<Mutex<Script>>,
    context: Option<SinkTaskContext>,
}

fn joined(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[async_trait(?Send)]
impl SinkTask for Recorder {
    async fn start(&mut self, context: SinkTaskContext, _: &Properties) -> Result<(), ConnectError> {
        self.context = Some(context);
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        lock(&self.script).calls.push(format!("open {}", joined(partitions)));
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<(), ConnectError> {
        let mut script = lock(&self.script);
        if records.is_empty() {
            return Ok(());
        }
        let values: Vec<_> = records.iter().map(|record| record.value.to_string()).collect();
        if script.refusals > 0 {
            script.refusals -= 1;
            script.calls.push(format!("refuse {}", values.join(",")));
            if let Some(context) = &self.context {
                context.timeout(Duration::from_millis(200));
            }
            return Err(ConnectError::retriable("not now"));
        }
        script.calls.push(format!("put {}", values.join(",")));
        Ok(())
    }

    async fn pre_commit(&mut self, offsets: &OffsetsToCommit) -> Result<OffsetsToCommit, ConnectError> {
        let mut script = lock(&self.script);
        if script.failing_commits > 0 {
            script.failing_commits -= 1;
            return Err(ConnectError::connect("cannot flush"));
        }
        Ok(script.answer.clone().unwrap_or_else(|| offsets.clone()))
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<(), ConnectError> {
        lock(&self.script).calls.push(format!("close {}", joined(partitions)));
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), ConnectError> {
        lock(&self.script).calls.push("stop".to_owned());
        Ok(())
    }
}

struct Running {
    around: Surroundings,
    consumer: FakeConsumer,
    script: Arc<Mutex<Script>>,
    outcome: JoinHandle<Result<(), ConnectError>>,
}

impl Running {
    fn called(&self, call: &str) -> bool {
        lock(&self.script).calls.iter().any(|called| called == call)
    }

    fn calls(&self) -> Vec<String> {
        lock(&self.script).calls.clone()
    }

    async fn stop(self) -> Result<(), ConnectError> {
        self.around.stop();
        self.outcome.await.expect("no panic")
    }
}

fn run(script: Script, tolerance: ErrorTolerance) -> Running {
    let (seat, around) = seat(TaskKind::Sink);
    let consumer = FakeConsumer::default();
    let script = Arc::new(Mutex::new(script));
    let task = WorkerSinkTask::new(
        seat,
        Properties::new(),
        Box::new(consumer.clone()),
        500,
        conversion(),
        around.policy(tolerance),
        None,
        [FLUSH_INTERVAL, FLUSH_TIMEOUT],
    );
    let recorder = Recorder { script: script.clone(), context: None };
    let outcome = tokio::task::spawn_local(task.run(Box::new(recorder)));
    Running { around, consumer, script, outcome }
}

async fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::time::pause();
    LocalSet::new().run_until(test).await
}

fn partition(number: i32) -> sluice_kafka::TopicPartition {
    sluice_kafka::TopicPartition::new("t", number)
}

#[tokio::test]
async fn what_was_put_is_committed_when_it_is_due_and_again_on_revocation() {
    // Invariant 2.
    paused(async {
        let running = run(Script::default(), ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a", "b"]);
        until(|| running.called("put a,b")).await;
        assert!(!running.consumer.logged("commit t-0@2"), "not due yet");
        tokio::time::sleep(2 * FLUSH_INTERVAL).await;
        assert!(running.consumer.logged("commit t-0@2"));
        running.consumer.records(0, 2, &["c"]);
        until(|| running.called("put c")).await;
        running.consumer.event(RebalanceEvent::Revoked(vec![partition(0)]));
        until(|| running.consumer.logged("unassign t-0")).await;
        assert_eq!(running.consumer.log(), ["assign t-0@0", "commit t-0@2", "commit-sync t-0@3", "unassign t-0"]);
        assert_eq!(running.calls(), ["open t-0", "put a,b", "put c", "close t-0"]);
        running.stop().await.expect("a clean stop");
    })
    .await;
}

#[tokio::test]
async fn only_what_pre_commit_returns_is_committed() {
    // Invariant 2.
    paused(async {
        let answer = [(TopicPartition::new("t", 0), 1)].into_iter().collect();
        let running = run(Script { answer: Some(answer), ..Script::default() }, ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a", "b"]);
        until(|| running.called("put a,b")).await;
        let consumer = running.consumer.clone();
        running.stop().await.expect("a clean stop");
        assert_eq!(consumer.log(), ["assign t-0@0", "commit-sync t-0@1", "close"]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_partition_is_closed_without_a_commit() {
    // Invariant 5.
    paused(async {
        let running = run(Script::default(), ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("put a")).await;
        running.consumer.event(RebalanceEvent::Lost(vec![partition(0)]));
        until(|| running.called("close t-0")).await;
        let consumer = running.consumer.clone();
        running.stop().await.expect("a clean stop");
        assert_eq!(consumer.log(), ["assign t-0@0", "unassign t-0", "close"]);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_task_is_given_nothing_more_and_commits_nothing() {
    // Invariant 5.
    paused(async {
        let running = run(Script::default(), ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("put a")).await;
        running.around.lease.cancel();
        running.consumer.records(0, 1, &["b"]);
        let (consumer, script) = (running.consumer.clone(), running.script.clone());
        running.outcome.await.expect("no panic").expect_err("cancelled");
        assert_eq!(lock(&script).calls, ["open t-0", "put a", "close t-0", "stop"]);
        assert_eq!(consumer.log(), ["assign t-0@0", "close"]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_batch_comes_again_after_the_pause_and_nothing_of_it_is_committed_before() {
    // Invariants 2 and 3.
    paused(async {
        let running = run(Script { refusals: 2, ..Script::default() }, ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("put a")).await;
        assert_eq!(running.calls(), ["open t-0", "refuse a", "refuse a", "put a"]);
        until(|| running.consumer.logged("resume t-0")).await;
        let consumer = running.consumer.clone();
        running.stop().await.expect("a clean stop");
        assert_eq!(consumer.log(), ["assign t-0@0", "pause t-0", "resume t-0", "commit-sync t-0@1", "close"]);
    })
    .await;
}

#[tokio::test]
async fn a_stop_during_redelivery_commits_nothing_of_the_batch() {
    // Invariants 2 and 7.
    paused(async {
        let running = run(Script { refusals: usize::MAX, ..Script::default() }, ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("refuse a")).await;
        let consumer = running.consumer.clone();
        running.stop().await.expect("a clean stop");
        assert!(!consumer.log().iter().any(|line| line.starts_with("commit")), "{:?}", consumer.log());
    })
    .await;
}

#[tokio::test]
async fn a_held_batch_loses_the_records_of_a_revoked_partition() {
    paused(async {
        let running = run(Script { refusals: 1, ..Script::default() }, ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.assign(1);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("refuse a")).await;
        running.consumer.event(RebalanceEvent::Revoked(vec![partition(0)]));
        until(|| running.consumer.logged("unassign t-0")).await;
        running.consumer.records(1, 0, &["b"]);
        until(|| running.called("put b")).await;
        let consumer = running.consumer.clone();
        running.stop().await.expect("a clean stop");
        assert!(!consumer.log().iter().any(|line| line.contains("commit-sync t-0")), "{:?}", consumer.log());
    })
    .await;
}

#[tokio::test]
async fn a_failed_pre_commit_goes_back_to_what_was_committed() {
    // Invariant 2.
    paused(async {
        let running = run(Script { failing_commits: 1, ..Script::default() }, ErrorTolerance::None);
        running.consumer.assign(0);
        running.consumer.records(0, 0, &["a"]);
        until(|| running.called("put a")).await;
        until_time(2 * FLUSH_INTERVAL).await;
        assert!(running.consumer.logged("seek t-0@0"), "{:?}", running.consumer.log());
        running.stop().await.expect("a clean stop");
    })
    .await;
}

#[tokio::test]
async fn a_bad_record_fails_the_task_and_is_not_committed_and_a_tolerated_one_is_passed_over() {
    // Invariants 2 and 3.
    paused(async {
        let strict = run(Script::default(), ErrorTolerance::None);
        strict.consumer.assign(0);
        strict.consumer.records(0, 0, &["a", "bad", "c"]);
        let consumer = strict.consumer.clone();
        let error = strict.outcome.await.expect("no panic").expect_err("a bad record");
        assert_eq!(error.message(), "Tolerance exceeded in error handler");
        assert!(!consumer.log().iter().any(|line| line.starts_with("commit")), "{:?}", consumer.log());
        let lenient = run(Script::default(), ErrorTolerance::All);
        lenient.consumer.assign(0);
        lenient.consumer.records(0, 0, &["a", "bad"]);
        until(|| lenient.called("put a")).await;
        let consumer = lenient.consumer.clone();
        lenient.stop().await.expect("a clean stop");
        assert!(consumer.logged("commit-sync t-0@2"), "{:?}", consumer.log());
    })
    .await;
}

#[tokio::test]
async fn a_pause_covers_partitions_that_are_assigned_later() {
    paused(async {
        let running = run(Script::default(), ErrorTolerance::None);
        running.consumer.assign(0);
        until(|| running.called("open t-0")).await;
        running.around.set_target(TargetState::Paused);
        until(|| running.around.status() == Some(State::Paused)).await;
        running.consumer.assign(1);
        until(|| running.consumer.logged("pause t-1")).await;
        running.around.set_target(TargetState::Started);
        until(|| running.consumer.logged("resume t-0,t-1")).await;
        running.stop().await.expect("a clean stop");
    })
    .await;
}

async fn until_time(time: Duration) {
    tokio::time::sleep(time).await;
}
