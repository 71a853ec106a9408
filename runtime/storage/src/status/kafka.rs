//! The status store of a distributed worker, on the status topic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::Properties;
use sluice_kafka::{Admin, KafkaBasedLog};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::StatusEntry;
use super::backing::Backing;
use super::records::{StatusKey, status_value};
use super::table::StatusTable;
use super::writer::{self, Acknowledgement, Command, Condition, Failure, StatusLog, Write};
use crate::internal_topic::{Role, TopicLog};
use crate::{Error, InternalTopic};

const ROLE: Role =
    Role { topic_property: "status.storage.topic", client_id_suffix: "statuses", single_partition: false };

/// How long the last statuses may hold up a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps statuses in the status topic. What is shown was read back (Invariant 4); writes go out in the background.
pub struct KafkaStatusBackingStore {
    topic: TopicLog,
    table: Arc<Mutex<StatusTable>>,
    /// Taken by the stop, which ends the writer.
    commands_tx: Mutex<Option<UnboundedSender<Command>>>,
    /// Taken by the start, which runs the writer.
    commands_rx: Mutex<Option<UnboundedReceiver<Command>>>,
}

impl KafkaStatusBackingStore {
    /// The store on `topic`; nothing is connected before [`super::StatusBackingStore::start`]. Statuses put earlier are written then.
    pub fn new(topic: InternalTopic, admin: Admin) -> Self {
        let overrides = producer_overrides(&topic.properties);
        let (commands_tx, commands_rx) = unbounded_channel();
        Self {
            topic: TopicLog::new(topic, admin, &ROLE, overrides),
            table: Arc::default(),
            commands_tx: Mutex::new(Some(commands_tx)),
            commands_rx: Mutex::new(Some(commands_rx)),
        }
    }

    fn write(&self, write: Write) {
        if let Err(write) = self.command(Command::Write(write))
            && let Command::Write(write) = *write
        {
            tracing::warn!(key = write.key.to_text(), "status not written: the store is stopped");
        }
    }

    fn command(&self, command: Command) -> Result<(), Box<Command>> {
        match lock(&self.commands_tx).as_ref() {
            Some(commands) => commands.send(command).map_err(|unsent| Box::new(unsent.0)),
            None => Err(Box::new(command)),
        }
    }
}

/// Retries are decided on here, status by status, so the producer makes none; it gives a status up after Java's default time.
fn producer_overrides(properties: &Properties) -> Properties {
    let mut overrides = Properties::new();
    overrides.insert("retries".to_owned(), "0".to_owned());
    if !properties.contains_key("delivery.timeout.ms") {
        overrides.insert("delivery.timeout.ms".to_owned(), "120000".to_owned());
    }
    overrides
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct TopicStatusLog(Arc<KafkaBasedLog>);

impl StatusLog for TopicStatusLog {
    fn send(&self, key: Bytes, value: Option<Bytes>) -> Acknowledgement {
        let acknowledged = self.0.send(Some(key), value);
        Box::pin(async move {
            let failure =
                |error: sluice_kafka::Error| Failure { retriable: error.is_retriable(), reason: error.to_string() };
            acknowledged.await.map(drop).map_err(failure)
        })
    }
}

#[async_trait]
impl Backing for KafkaStatusBackingStore {
    fn table(&self) -> MutexGuard<'_, StatusTable> {
        lock(&self.table)
    }

    fn put(&self, key: StatusKey, status: StatusEntry, safe: bool) {
        let Some(claim) = self.table().claim(&key, &status, safe) else { return };
        let value = status_value(&status);
        self.write(Write { key, value, condition: Some(Condition { status, claim, safe }) });
    }

    fn put_topic(&self, key: StatusKey, value: Option<Bytes>) {
        self.write(Write { key, value, condition: None });
    }

    async fn start(&self) -> Result<(), Error> {
        let table = Arc::clone(&self.table);
        let read = move |record: sluice_kafka::LogRecord| match &record.key {
            Some(key) => lock(&table).read(key, record.value.as_deref()),
            None => tracing::warn!(offset = record.offset, "record of the status topic without a key skipped"),
        };
        let log = self.topic.start(Box::new(read)).await?;
        let commands = lock(&self.commands_rx).take();
        if let Some(commands) = commands {
            tokio::spawn(writer::run(Arc::new(TopicStatusLog(log)), Arc::clone(&self.table), commands));
        }
        Ok(())
    }

    async fn stop(&self) {
        if tokio::time::timeout(STOP_TIMEOUT, self.flush()).await.is_err() {
            tracing::warn!(topic = self.topic.topic(), "stopping with statuses that are not written");
        }
        lock(&self.commands_tx).take();
        self.topic.stop().await;
    }

    async fn flush(&self) {
        if self.topic.get().is_err() {
            // Nothing goes out before the start and after the stop.
            return;
        }
        let (done_tx, done) = oneshot::channel();
        if self.command(Command::Flush(done_tx)).is_ok() {
            // An error means that the writer has ended: nothing is left to wait for.
            done.await.ok();
        }
    }

    async fn settle(&self) {
        self.flush().await;
        // A store that is not running has nothing more to show.
        if let Ok(log) = self.topic.get()
            && let Err(error) = log.read_to_end().await
        {
            tracing::warn!(topic = self.topic.topic(), %error, "what is shown may be older than what was written");
        }
    }
}
