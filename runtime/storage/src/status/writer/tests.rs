use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::{Acknowledgement, Command, Condition, Failure, StatusLog, Write, run};
use crate::status::records::{StatusKey, status_value};
use crate::status::table::StatusTable;
use crate::{State, StatusEntry};

/// Answers as it was told, then with success, and notes what was sent.
#[derive(Default)]
struct ScriptedLog {
    sent: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<Result<(), Failure>>>,
}

impl StatusLog for ScriptedLog {
    fn send(&self, key: Bytes, value: Option<Bytes>) -> Acknowledgement {
        let value = value.map_or("-".to_owned(), |value| {
            let value: &[u8] = &value;
            String::from_utf8_lossy(value).split('"').nth(3).unwrap_or("?").to_owned()
        });
        self.sent.lock().expect("no panic").push(format!("{} {value}", String::from_utf8_lossy(&key)));
        let answer = self.answers.lock().expect("no panic").pop_front().unwrap_or(Ok(()));
        Box::pin(async move { answer })
    }
}

struct Fixture {
    log: Arc<ScriptedLog>,
    table: Arc<Mutex<StatusTable>>,
    commands: UnboundedSender<Command>,
}

impl Fixture {
    /// With these answers for the first writes: retriable or not.
    fn failing(failures: &[bool]) -> Self {
        let log = Arc::new(ScriptedLog::default());
        let failure = |retriable: &bool| Err(Failure { retriable: *retriable, reason: "down".into() });
        log.answers.lock().expect("no panic").extend(failures.iter().map(failure));
        let (commands, received) = unbounded_channel();
        let table = Arc::<Mutex<StatusTable>>::default();
        tokio::spawn(run(log.clone(), table.clone(), received));
        Self { log, table, commands }
    }

    fn put(&self, connector: &str, state: State, safe: bool) {
        let key = StatusKey::Connector(connector.into());
        let status = StatusEntry { state, trace: None, worker_id: "w".into(), generation: 1, version: None };
        let claim = self.table.lock().expect("no panic").claim(&key, &status, safe).expect("safe");
        let value = status_value(&status);
        let condition = Some(Condition { status, claim, safe });
        self.command(Command::Write(Write { key, value, condition }));
    }

    fn put_topic(&self, value: Option<&'static str>) {
        let key = StatusKey::Topic { topic: "t".into(), connector: "c".into() };
        let value = value.map(|value| Bytes::from_static(value.as_bytes()));
        self.command(Command::Write(Write { key, value, condition: None }));
    }

    fn command(&self, command: Command) {
        assert!(self.commands.send(command).is_ok(), "the writer runs");
    }

    async fn flush(&self) {
        let (done_tx, done) = oneshot::channel();
        self.command(Command::Flush(done_tx));
        done.await.expect("the writer runs");
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.sent.lock().expect("no panic"))
    }
}

#[tokio::test(start_paused = true)]
async fn writes_keep_their_order() {
    let writer = Fixture::failing(&[]);
    writer.put("a", State::Running, false);
    writer.put("b", State::Running, false);
    writer.put("a", State::Paused, false);
    writer.flush().await;
    assert_eq!(
        writer.sent(),
        ["status-connector-a RUNNING", "status-connector-b RUNNING", "status-connector-a PAUSED"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_retriable_failure_is_tried_again_until_it_works() {
    let writer = Fixture::failing(&[true, true]);
    writer.put("a", State::Running, true);
    for _ in 0..4 {
        writer.flush().await;
    }
    assert_eq!(writer.sent(), ["status-connector-a RUNNING"; 3]);
}

#[tokio::test(start_paused = true)]
async fn another_failure_is_final() {
    let writer = Fixture::failing(&[false]);
    writer.put("a", State::Running, true);
    writer.flush().await;
    writer.flush().await;
    assert_eq!(writer.sent(), ["status-connector-a RUNNING"]);
}

#[tokio::test(start_paused = true)]
async fn a_newer_status_ends_the_retries_of_the_older() {
    let writer = Fixture::failing(&[true]);
    writer.put("a", State::Running, false);
    writer.flush().await;
    writer.put("a", State::Failed, true);
    writer.flush().await;
    assert_eq!(writer.sent(), ["status-connector-a RUNNING", "status-connector-a FAILED"]);
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_topic_does_not_come_back_by_a_retry() {
    let writer = Fixture::failing(&[true]);
    writer.put_topic(Some("{}"));
    writer.put_topic(None);
    writer.flush().await;
    writer.flush().await;
    assert_eq!(writer.sent(), ["status-topic-t:connector-c ?", "status-topic-t:connector-c -"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_retried_whatever_happens() {
    let writer = Fixture::failing(&[true]);
    writer.put_topic(Some("{}"));
    writer.flush().await;
    writer.flush().await;
    assert_eq!(writer.sent(), ["status-topic-t:connector-c ?"; 2]);
}

#[tokio::test(start_paused = true)]
async fn many_writes_go_in_rounds() {
    let writer = Fixture::failing(&[]);
    for number in 0..1000 {
        writer.put(&format!("c{number}"), State::Running, false);
    }
    writer.flush().await;
    assert_eq!(writer.sent().len(), 1000);
}
