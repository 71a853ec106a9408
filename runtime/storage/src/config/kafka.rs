//! The config store of a distributed worker, on the config topic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::Properties;
use sluice_kafka::{Admin, KafkaBasedLog, LogRecord};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::leader::LeaderWriter;
use super::records::ConfigRecord;
use super::replay::Replay;
use super::state::{ClusterConfigState, RestartRequest, SessionKey, TargetState};
use super::{ConfigBackingStore, ConfigUpdate};
use crate::internal_topic::{Role, TopicLog};
use crate::{Error, InternalTopic};

/// For all writes of an operation together with reading them back.
const READ_WRITE_TIMEOUT: Duration = Duration::from_secs(30);

const ROLE: Role = Role { topic_property: "config.storage.topic", client_id_suffix: "configs", single_partition: true };

/// Keeps the desired state in the config topic.
///
/// Invariant 4: a write changes nothing here; what it wrote takes effect when it is read back, on this worker as on all others.
pub struct KafkaConfigBackingStore {
    topic: TopicLog,
    /// Set when the leader writes in transactions.
    leader: Option<LeaderWriter>,
    reader: Arc<Reader>,
    updates_rx: Mutex<Option<UnboundedReceiver<ConfigUpdate>>>,
}

struct Reader {
    replay: Mutex<Replay>,
    updates_tx: UnboundedSender<ConfigUpdate>,
}

impl KafkaConfigBackingStore {
    /// The store on `topic`; nothing is connected before [`ConfigBackingStore::start`].
    pub fn new(topic: InternalTopic, admin: Admin) -> Self {
        let (updates_tx, updates_rx) = unbounded_channel();
        Self {
            topic: TopicLog::new(topic, admin, &ROLE, Properties::new()),
            leader: None,
            reader: Arc::new(Reader { replay: Mutex::default(), updates_tx }),
            updates_rx: Mutex::new(Some(updates_rx)),
        }
    }

    /// Lets the leader write in transactions under `transactional_id` (`exactly.once.source.support` preparing or enabled).
    #[must_use]
    pub fn with_transactional_leader(self, transactional_id: String) -> Self {
        let leader = LeaderWriter::new(self.topic.options().clone(), transactional_id);
        Self { leader: Some(leader), ..self }
    }

    /// Writes the records as the leader: all of them in one transaction where that is what the leader does.
    async fn write_as_leader(&self, records: &[ConfigRecord], budget: Budget<'_>) -> Result<(), Error> {
        match &self.leader {
            Some(leader) => leader.write(records, budget.left()).await,
            None => self.write(records, budget).await,
        }
    }

    /// Writes the records in order and waits for the acknowledgements.
    async fn write(&self, records: &[ConfigRecord], budget: Budget<'_>) -> Result<(), Error> {
        let log = self.topic.get()?;
        // All are on their way before the first is awaited.
        let sent: Vec<_> = records.iter().map(|record| send(&log, record)).collect();
        for acknowledged in sent {
            budget.wait(acknowledged).await?;
        }
        Ok(())
    }

    async fn read_back(&self, budget: Budget<'_>) -> Result<(), Error> {
        let log = self.topic.get()?;
        budget.wait(log.read_to_end()).await
    }

    async fn write_and_read_back(&self, records: &[ConfigRecord], context: &str) -> Result<(), Error> {
        let budget = Budget::new(context);
        self.write_as_leader(records, budget).await?;
        self.read_back(budget).await
    }
}

fn send(
    log: &KafkaBasedLog,
    record: &ConfigRecord,
) -> impl Future<Output = Result<sluice_kafka::RecordMetadata, sluice_kafka::Error>> + use<> {
    log.send(Some(Bytes::from(record.key())), record.value())
}

impl Reader {
    fn replay(&self) -> MutexGuard<'_, Replay> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, record: &LogRecord) {
        let update = self.replay().read(record.offset, record.key.as_deref(), record.value.as_deref());
        if let Some(update) = update {
            // Nobody listens any more: the worker is shutting down.
            drop(self.updates_tx.send(update));
        }
    }
}

/// The time that is left for an operation, and what to say when it is over.
#[derive(Clone, Copy)]
struct Budget<'a> {
    deadline: Instant,
    context: &'a str,
}

impl<'a> Budget<'a> {
    fn new(context: &'a str) -> Self {
        Self { deadline: Instant::now() + READ_WRITE_TIMEOUT, context }
    }

    /// The same time, other words.
    fn named(self, context: &'a str) -> Self {
        Self { context, ..self }
    }

    fn left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    async fn wait<T>(self, step: impl Future<Output = Result<T, sluice_kafka::Error>>) -> Result<(), Error> {
        match timeout_at(self.deadline, step).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(source)) => Err(Error::Kafka { context: self.context.to_owned(), source }),
            Err(_) => Err(Error::Timeout(self.context.to_owned())),
        }
    }
}

#[async_trait]
impl ConfigBackingStore for KafkaConfigBackingStore {
    async fn start(&self) -> Result<(), Error> {
        let reader = Arc::clone(&self.reader);
        self.topic.start(Box::new(move |record| reader.read(&record))).await?;
        self.reader.replay().mark_started();
        Ok(())
    }

    async fn stop(&self) {
        if let Some(leader) = &self.leader {
            leader.relinquish().await;
        }
        self.topic.stop().await;
    }

    async fn claim_write_privileges(&self) -> Result<(), Error> {
        match &self.leader {
            Some(leader) => leader.claim(READ_WRITE_TIMEOUT).await,
            None => Ok(()),
        }
    }

    fn give_up_writes(&self) {
        if let Some(leader) = &self.leader {
            leader.give_up_writes();
        }
        self.topic.give_up_writes();
    }

    fn snapshot(&self) -> Arc<ClusterConfigState> {
        self.reader.replay().snapshot()
    }

    fn updates(&self) -> Option<UnboundedReceiver<ConfigUpdate>> {
        self.updates_rx.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn refresh(&self, timeout: Duration) -> Result<(), Error> {
        let context = "Error trying to read to end of config log";
        self.read_back(Budget { deadline: Instant::now() + timeout, context }).await
    }

    async fn put_connector_config(
        &self,
        connector: &str,
        config: &Properties,
        target_state: Option<TargetState>,
    ) -> Result<(), Error> {
        let records = ConfigRecord::for_connector(connector, config, target_state);
        self.write_and_read_back(&records, "Error writing connector configuration to Kafka").await
    }

    async fn remove_connector_config(&self, connector: &str) -> Result<(), Error> {
        let records = ConfigRecord::for_removal(connector);
        self.write_and_read_back(&records, "Error removing connector configuration from Kafka").await
    }

    async fn put_task_configs(&self, connector: &str, configs: &[Properties]) -> Result<(), Error> {
        let budget = Budget::new("Error writing root configuration to Kafka");
        self.read_back(budget).await?;
        if !configs.is_empty() {
            let tasks = ConfigRecord::for_tasks(connector, configs);
            self.write_as_leader(&tasks, budget.named("Error writing task configurations to Kafka")).await?;
            // The commit comes only after all task configs are known to be in the log.
            self.read_back(budget).await?;
        }
        self.write_as_leader(&[ConfigRecord::for_commit(connector, configs.len())], budget).await?;
        self.read_back(budget).await
    }

    async fn put_target_state(&self, connector: &str, state: TargetState) -> Result<(), Error> {
        let record = ConfigRecord::TargetState(connector.to_owned(), Some(state));
        self.write(&[record], Budget::new("Error writing target state to Kafka")).await
    }

    async fn put_restart_request(&self, request: &RestartRequest) -> Result<(), Error> {
        let context = format!(
            "Error writing restart request for {{connectorName='{}', onlyFailed={}, includeTasks={}}} to Kafka",
            request.connector, request.only_failed, request.include_tasks
        );
        self.write_and_read_back(&[ConfigRecord::Restart(request.clone())], &context).await
    }

    async fn put_task_count_record(&self, connector: &str, tasks: u32) -> Result<(), Error> {
        let record = ConfigRecord::Fencing(connector.to_owned(), tasks);
        self.write_and_read_back(&[record], "Error writing task count record to Kafka").await
    }

    async fn put_session_key(&self, key: &SessionKey) -> Result<(), Error> {
        let record = ConfigRecord::SessionKey(key.clone());
        self.write_and_read_back(&[record], "Error writing session key to Kafka").await
    }

    async fn put_logger_level(&self, namespace: &str, level: &str) -> Result<(), Error> {
        let record = ConfigRecord::LoggerLevel(namespace.to_owned(), level.to_owned());
        self.write(&[record], Budget::new("Error writing logger level to Kafka")).await
    }
}
