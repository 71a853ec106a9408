//! The handle of a log.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};

use super::options::{LogOptions, LogRecord};
use super::positions::Offsets;
use super::reader::{Command, Reader};
use super::writes::Writes;
use crate::admin::{Admin, OffsetSpec};
use crate::client_log::{lock, remind};
use crate::consumer::{ConsumerLimits, TopicPartition};
use crate::error::{Error, ErrorKind};
use crate::fetch::Fetcher;
use crate::producer::{Producer, ProducerLimits, RecordMetadata};
use crate::properties::{Role, translate};

/// Gets every record of the log, on the log's thread. Must not block for long: reads and acks wait meanwhile.
pub type OnRecord = Box<dyn FnMut(LogRecord) + Send>;

/// Internal topics are small; what is in the queue at a time can be smaller.
const READ_LIMITS: ConsumerLimits = ConsumerLimits { queued_kbytes: 1024, fetch_bytes: 1 << 20, batch_bytes: 1 << 20 };
const WRITE_LIMITS: ProducerLimits = ProducerLimits { max_bytes: 8 << 20, max_messages: 10_000 };
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A log on a compacted topic. Dropping it stops the thread soon; [`stop`](Self::stop) waits for it.
pub struct KafkaBasedLog {
    topic: Arc<str>,
    partitions: i32,
    admin: Admin,
    writes: Arc<Writes>,
    commands: Mutex<Option<mpsc::UnboundedSender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for KafkaBasedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaBasedLog").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KafkaBasedLog {
    /// Creates or checks the topic, then reads it to its end; everything that was in it went through `on_record` when
    /// this returns. A reader of committed records reads to the first open transaction and tails on from there: whoever
    /// left it open may be dead, and its successor waits for this. Waits for the cluster for ever. Cancel safe: a dropped future stops the thread.
    ///
    /// # Errors
    /// What no retry can mend: properties that cannot be used, a topic that is not compacted or has too many partitions.
    pub async fn start(options: LogOptions, admin: Admin, on_record: OnRecord) -> Result<Self, Error> {
        let (properties, ready) = (options.consumer_properties(), Arc::new(Notify::new()));
        let translation = translate(Role::Consumer, &properties)?;
        let fetcher = Fetcher::new(&translation, &properties, READ_LIMITS, Arc::clone(&ready))?;
        let producer = Arc::new(Producer::new(&options.producer_properties(), WRITE_LIMITS)?);
        let (commands, received) = mpsc::unbounded_channel();
        let (started_tx, started) = oneshot::channel();
        let topic: Arc<str> = options.topic.as_str().into();
        let (tenure, hold) = (options.tenure.clone(), !options.single_partition);
        let limit = WRITE_LIMITS.max_messages;
        let writes = Arc::new(Writes::new(Arc::clone(&topic), Arc::clone(&producer), tenure, hold, limit));
        let reader = Reader {
            options,
            admin: admin.clone(),
            fetcher,
            ready,
            read_committed: translation.java("isolation.level") == Some("read_committed"),
            producer,
            writes: Arc::clone(&writes),
            commands: received,
            on_record,
        };
        let thread = spawn(&topic, reader, started_tx)?;
        let ends = started.await.unwrap_or_else(|_| Err(closed(&topic)))?;
        let partitions = i32::try_from(ends.len()).unwrap_or(i32::MAX);
        let log = Self {
            topic,
            partitions,
            admin,
            writes,
            commands: Mutex::new(Some(commands)),
            thread: Mutex::new(Some(thread)),
        };
        log.reach(ends).await?;
        Ok(log)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// How many partitions the topic had at the start.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Waits for what was sent before, looks up where the topic ends now (open transactions included), and waits until the
    /// callback has seen everything before that. Waits for the cluster for ever: give it a deadline. Cancel safe.
    ///
    /// # Errors
    /// The log is stopped, or the cluster refuses for good.
    pub async fn read_to_end(&self) -> Result<(), Error> {
        self.writes.sent_before().await;
        let ends = self.ends().await?;
        self.reach(ends).await
    }

    /// Waits until the callback has seen everything before `ends`.
    async fn reach(&self, ends: Offsets) -> Result<(), Error> {
        let (arrived_tx, arrived) = oneshot::channel();
        let sent = match lock(&self.commands).as_ref() {
            Some(commands) => commands.send(Command::Reach(ends, arrived_tx)).is_ok(),
            None => false,
        };
        if !sent {
            return Err(closed(&self.topic));
        }
        arrived.await.map_err(|_| closed(&self.topic))
    }

    /// Sends a record; the future ends when the broker has acknowledged it. Taken over at once, also when the future is dropped.
    /// Records of one key are written in the order of the calls, in a log with one partition all of them. Invariant 5: refused
    /// when the tenure is over.
    pub fn send(
        &self,
        key: Option<Bytes>,
        value: Option<Bytes>,
    ) -> impl Future<Output = Result<RecordMetadata, Error>> + use<> {
        let (topic, answer) = (Arc::clone(&self.topic), self.writes.send(key, value));
        async move { answer.await.unwrap_or_else(|_| Err(closed(&topic))) }
    }

    /// Gives up every record that the broker has not acknowledged; what is on the wire may still be written.
    pub fn give_up_writes(&self) {
        self.writes.give_up();
    }

    /// Waits until everything that was sent before is acknowledged or has failed.
    ///
    /// # Errors
    /// The time is over.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        tokio::time::timeout(timeout, self.writes.sent_before()).await.map_err(|_| self.writes.late())
    }

    /// Flushes for at most `timeout`, gives up the rest, and waits for the thread to end.
    pub async fn stop(&self, timeout: Duration) {
        if let Err(error) = self.flush(timeout).await {
            tracing::warn!(topic = &*self.topic, %error, "stopping with records that are not acknowledged");
        }
        lock(&self.commands).take();
        let thread = lock(&self.thread).take();
        let Some(thread) = thread else { return };
        let joined = tokio::task::spawn_blocking(move || thread.join());
        if let Ok(Ok(Err(_))) = tokio::time::timeout(timeout.max(RETRY_PAUSE), joined).await {
            tracing::error!(topic = &*self.topic, "the thread of an internal topic panicked");
        }
    }

    async fn ends(&self) -> Result<Offsets, Error> {
        let partitions: Vec<TopicPartition> =
            (0..self.partitions).map(|partition| TopicPartition::new(Arc::clone(&self.topic), partition)).collect();
        loop {
            match self.admin.list_offsets(&partitions, OffsetSpec::Latest, CALL_TIMEOUT).await {
                Ok(ends) => return Ok(ends.into_iter().map(|(tp, end)| (tp.partition, end)).collect()),
                Err(error) if error.is_retriable() => {
                    remind(self.admin.bootstrap(), &format!("reading topic {} to its end", self.topic), &error);
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn spawn(
    topic: &str,
    reader: Reader,
    started: oneshot::Sender<Result<Offsets, Error>>,
) -> Result<JoinHandle<()>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(RETRY_PAUSE)
        .build()
        .map_err(|error| Error::new(ErrorKind::Other, format!("starting the thread of topic {topic}: {error}")))?;
    std::thread::Builder::new()
        .name(format!("log {topic}"))
        .spawn(move || runtime.block_on(reader.run(started)))
        .map_err(|error| Error::new(ErrorKind::Other, format!("starting the thread of topic {topic}: {error}")))
}

fn closed(topic: &str) -> Error {
    Error::new(ErrorKind::Closed, format!("the log on topic {topic} is stopped"))
}
