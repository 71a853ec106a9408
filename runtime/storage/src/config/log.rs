//! The config topic of several workers in one process, for tests and the cluster simulator.
//!
//! [`LogConfigBackingStore`] is what [`KafkaConfigBackingStore`](super::KafkaConfigBackingStore) is on a broker: real record bytes,
//! a replay of its own for each worker, writes that count when they are read back (Invariant 4). The log itself and the way to it
//! belong to whoever implements [`LogLink`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::Properties;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::records::ConfigRecord;
use super::replay::Replay;
use super::state::{ClusterConfigState, RestartRequest, SessionKey, TargetState};
use super::{ConfigBackingStore, ConfigUpdate};
use crate::Error;

const READ_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Key and value of a record.
pub type LogEntry = (Bytes, Option<Bytes>);

/// The way from one worker to the log. An answer may come late or never.
pub trait LogLink: Send + Sync {
    /// Appends the entries in order; the answer says that they are in the log, or why not.
    fn append(&self, entries: Vec<LogEntry>) -> oneshot::Receiver<Result<(), Error>>;
    /// Asks for the offset behind the last entry.
    fn end(&self) -> oneshot::Receiver<i64>;
    /// Follows the log from its beginning, by offset.
    fn follow(&self) -> UnboundedReceiver<(i64, LogEntry)>;
    /// Gives up what has not left the worker yet.
    fn purge(&self);
}

/// The entries that make a connector with its tasks, for a log that is not empty from the beginning.
pub fn connector_entries(connector: &str, config: &Properties, tasks: &[Properties]) -> Vec<LogEntry> {
    let config = ConfigRecord::for_connector(connector, config, None);
    let tasks_and_commit = ConfigRecord::for_tasks(connector, tasks);
    let commit = ConfigRecord::for_commit(connector, tasks.len());
    config.iter().chain(&tasks_and_commit).chain([&commit]).map(entry).collect()
}

/// One worker's store on a log.
pub struct LogConfigBackingStore {
    link: Arc<dyn LogLink>,
    replay: Arc<Mutex<Replay>>,
    /// How far the replay has come.
    position: watch::Sender<i64>,
    updates_tx: UnboundedSender<ConfigUpdate>,
    updates_rx: Mutex<Option<UnboundedReceiver<ConfigUpdate>>>,
}

impl LogConfigBackingStore {
    /// A store that has read nothing.
    pub fn new(link: Arc<dyn LogLink>) -> Self {
        let (updates_tx, updates_rx) = unbounded_channel();
        Self {
            link,
            replay: Arc::default(),
            position: watch::Sender::new(0),
            updates_tx,
            updates_rx: Mutex::new(Some(updates_rx)),
        }
    }

    async fn write(&self, records: &[ConfigRecord], context: &str) -> Result<(), Error> {
        let answer = self.link.append(records.iter().map(entry).collect());
        match timeout(READ_WRITE_TIMEOUT, answer).await {
            Ok(Ok(written)) => written,
            Ok(Err(_)) => Err(Error::Closed(context.to_owned())),
            Err(_) => Err(Error::Timeout(context.to_owned())),
        }
    }

    async fn write_and_read_back(&self, records: &[ConfigRecord], context: &str) -> Result<(), Error> {
        self.write(records, context).await?;
        self.refresh(READ_WRITE_TIMEOUT).await
    }
}

fn entry(record: &ConfigRecord) -> LogEntry {
    (Bytes::from(record.key()), record.value())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl ConfigBackingStore for LogConfigBackingStore {
    async fn start(&self) -> Result<(), Error> {
        let mut entries = self.link.follow();
        let (replay, position, updates) = (self.replay.clone(), self.position.clone(), self.updates_tx.clone());
        tokio::spawn(async move {
            while let Some((offset, (key, value))) = entries.recv().await {
                let update = lock(&replay).read(offset, Some(&key), value.as_deref());
                if let Some(update) = update {
                    // Nobody listens any more: the worker is shutting down.
                    drop(updates.send(update));
                }
                position.send_replace(offset + 1);
            }
        });
        while self.refresh(READ_WRITE_TIMEOUT).await.is_err() {}
        lock(&self.replay).mark_started();
        Ok(())
    }

    async fn stop(&self) {}

    fn give_up_writes(&self) {
        self.link.purge();
    }

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        lock(&self.replay).snapshot()
    }

    fn updates(&self) -> Option<UnboundedReceiver<ConfigUpdate>> {
        lock(&self.updates_rx).take()
    }

    async fn refresh(&self, limit: Duration) -> Result<(), Error> {
        let mut position = self.position.subscribe();
        let read = async {
            let Ok(end) = self.link.end().await else { return false };
            position.wait_for(|position| *position >= end).await.is_ok()
        };
        let failed = || Error::Timeout("Error trying to read to end of config log".to_owned());
        if timeout(limit, read).await.unwrap_or(false) { Ok(()) } else { Err(failed()) }
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: &Properties,
        target_state: Option<TargetState>,
    ) -> Result<(), Error> {
        let records = ConfigRecord::for_connector(connector, config, target_state);
        self.write_and_read_back(&records, "writing a connector's config").await
    }

    async fn remove_connector_config(&self, connector: &str) -> Result<(), Error> {
        self.write_and_read_back(&ConfigRecord::for_removal(connector), "removing a connector's config").await
    }

    async fn put_task_configs(&self, connector: &str, configs: &[Properties]) -> Result<(), Error> {
        self.refresh(READ_WRITE_TIMEOUT).await?;
        if !configs.is_empty() {
            self.write_and_read_back(&ConfigRecord::for_tasks(connector, configs), "writing task configs").await?;
        }
        let commit = ConfigRecord::for_commit(connector, configs.len());
        self.write_and_read_back(&[commit], "committing task configs").await
    }

    async fn put_target_state(&self, connector: &str, state: TargetState) -> Result<(), Error> {
        let record = ConfigRecord::TargetState(connector.to_owned(), Some(state));
        self.write(&[record], "writing a target state").await
    }

    async fn put_restart_request(&self, request: &RestartRequest) -> Result<(), Error> {
        self.write_and_read_back(&[ConfigRecord::Restart(request.clone())], "writing a restart request").await
    }

    async fn put_task_count_record(&self, connector: &str, tasks: u32) -> Result<(), Error> {
        let record = ConfigRecord::Fencing(connector.to_owned(), tasks);
        self.write_and_read_back(&[record], "writing a task count record").await
    }

    async fn put_session_key(&self, key: &SessionKey) -> Result<(), Error> {
        self.write_and_read_back(&[ConfigRecord::SessionKey(key.clone())], "writing a session key").await
    }

    async fn put_logger_level(&self, namespace: &str, level: &str) -> Result<(), Error> {
        let record = ConfigRecord::LoggerLevel(namespace.to_owned(), level.to_owned());
        self.write(&[record], "writing a logger's level").await
    }
}

#[cfg(test)]
mod tests;
