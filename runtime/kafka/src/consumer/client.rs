//! The consumer itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;

use super::commit::{CommitResult, Commits};
use super::departure::Departure;
use super::missing::MissingTopics;
use super::pattern::PatternSubscription;
use super::rebalance::{Group, RebalanceEvent};
use super::record::{ConsumerRecord, TopicPartition};
use crate::client_log::{ClientLog, lock};
use crate::error::{Error, ErrorKind};
use crate::fetch::Fetcher;
use crate::properties::{Properties, Role, Translation, translate};

/// How often librdkafka is looked at until it asks for its first token, and how long.
const FIRST_TOKEN_TURNS: u32 = 100;
const FIRST_TOKEN_PAUSE: Duration = Duration::from_millis(10);
/// How often the client's log is served when nothing happens.
const IDLE_PAUSE: Duration = Duration::from_secs(30);

/// What this consumer may hold of records that nobody polled yet: its share of the worker's memory budget.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerLimits {
    /// KiB of fetched records in the queue. At most one fetch per broker is on its way on top of it.
    pub queued_kbytes: usize,
    /// Bytes of one fetch, for all partitions of a broker together; a larger single batch still comes through.
    pub fetch_bytes: usize,
    /// Bytes of keys and values after which a poll has enough, however many records it was to bring; a larger single record
    /// still comes through.
    pub batch_bytes: usize,
}

impl Default for ConsumerLimits {
    fn default() -> Self {
        Self { queued_kbytes: 4 << 10, fetch_bytes: 1 << 20, batch_bytes: 1 << 20 }
    }
}

/// What one poll brought: records, or events.
#[derive(Clone, Debug, Default)]
pub struct PollResult {
    /// Records in offset order per partition.
    pub records: Vec<ConsumerRecord>,
    /// Changes of the assignment, to be answered in this order. No records come until they are.
    pub events: Vec<RebalanceEvent>,
    /// Asynchronous commits that ended.
    pub commits: Vec<CommitResult>,
}

/// A consumer, in a group or on its own.
///
/// One task polls it; the other methods may be called from elsewhere. Dropping it leaves the group and blocks until
/// that is done: use [`close`](Self::close) where blocking matters.
pub struct Consumer {
    /// Before the client, whose end may take long: nothing is fetched meanwhile.
    pub(super) fetcher: Fetcher,
    /// The group, its offsets, and what the cluster knows of both. It has the same partitions, and fetches nothing of them.
    pub(super) client: Arc<BaseConsumer<Group>>,
    pub(super) translation: Translation,
    batch_bytes: usize,
    ready: Arc<Notify>,
    commits: Arc<Commits>,
    /// Records of the last poll that brought some: the next one makes room for as many at once.
    usual: AtomicUsize,
    subscription: Mutex<Subscription>,
}

/// What is looked up beside what the client does by itself.
#[derive(Default)]
enum Subscription {
    #[default]
    Nothing,
    Topics(Arc<MissingTopics>),
    Pattern(Arc<PatternSubscription>),
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("client_id", &self.translation.client_id()).finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer with the defaults of Kafka Connect's, changed by `properties` (Java names, `group.id` needed).
    /// Connects in the background.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub fn new(properties: &Properties, limits: ConsumerLimits) -> Result<Self, Error> {
        let mut translation = translate(Role::Consumer, properties)?;
        if translation.java("group.id").is_none() {
            return Err(Error::property("group.id", "", "the name of a consumer group"));
        }
        // The client fetches nothing, or once before it hears that it is not to.
        for (key, value) in
            [("queued.max.messages.kbytes", 1), ("fetch.max.bytes", 1_000_000), ("fetch.message.max.bytes", 1_000)]
        {
            translation.set(key, value);
        }
        let log = ClientLog::new(&translation);
        let mut client = BaseConsumer::from_config_and_context(&translation.client_config()?, Group::new(log))
            .map_err(|error| Error::from_client("creating a consumer", &error))?;
        let mut turns = 0;
        // librdkafka asks at once; without a token nothing that waits for the cluster could end. Nothing else can come yet.
        while client.context().log().waits_for_token() && turns < FIRST_TOKEN_TURNS {
            drop(client.poll(FIRST_TOKEN_PAUSE));
            turns += 1;
        }
        let ready = Arc::new(Notify::new());
        let waker = Arc::clone(&ready);
        client.set_nonempty_callback(move || waker.notify_one());
        // What came before the callback was set woke nobody.
        ready.notify_one();
        let commits = Commits::new(Arc::clone(&ready));
        let fetcher = Fetcher::new(&translation, properties, limits, Arc::clone(&ready))?;
        Ok(Self {
            client: Arc::new(client),
            fetcher,
            translation,
            batch_bytes: limits.batch_bytes.max(1),
            ready,
            commits,
            usual: AtomicUsize::new(0),
            subscription: Mutex::default(),
        })
    }

    /// `max.poll.records`: how many records the properties want a task to get at once.
    pub fn max_poll_records(&self) -> usize {
        usize::try_from(self.translation.number("max.poll.records")).unwrap_or(1).max(1)
    }

    /// Joins the group for these topics, and for those that are not there yet when they are. Replaces what was subscribed before.
    /// Needs polling to go on.
    ///
    /// # Errors
    /// No topics, or a topic name that cannot be one.
    pub fn subscribe(&self, topics: &[&str]) -> Result<(), Error> {
        self.client.subscribe(topics).map_err(|error| Error::from_client("subscribing", &error))?;
        *lock(&self.subscription) = Subscription::Topics(Arc::new(MissingTopics::new(topics, Arc::clone(&self.ready))));
        Ok(())
    }

    /// Joins the group for all topics whose whole name matches, now and later: the cluster is asked again every
    /// `metadata.max.age.ms`. Needs polling to go on.
    ///
    /// # Errors
    /// A pattern that cannot be used.
    pub fn subscribe_pattern(&self, java_regex: &str) -> Result<(), Error> {
        let refresh =
            Duration::from_millis(u64::try_from(self.translation.number("metadata.max.age.ms")).unwrap_or(0).max(10));
        let internal = self.translation.flag("exclude.internal.topics");
        let subscription = Arc::new(PatternSubscription::new(java_regex, internal, refresh)?);
        subscription.refresh_if_due(&self.client, self.translation.bootstrap());
        *lock(&self.subscription) = Subscription::Pattern(subscription);
        Ok(())
    }

    /// Up to `max_records` records that are there, unless the group has something to say first. Never blocks: wait with
    /// [`ready`](Self::ready).
    ///
    /// # Errors
    /// What Java's `poll` throws: no authorization, fenced, no offset and `auto.offset.reset=none`, bytes that cannot be read. What a retry
    /// can mend is not an error: the client goes on by itself.
    pub fn poll_batch(&self, max_records: usize) -> Result<PollResult, Error> {
        self.refresh_subscription();
        self.serve()?;
        let mut result = PollResult { commits: self.commits.take_results(), ..PollResult::default() };
        result.events = self.group().take_events();
        // Nobody gets records while the group waits for an answer; nor when another thread gives it (Invariant 5).
        if !result.events.is_empty() || self.group().is_leaving() {
            return Ok(result);
        }
        result.records.reserve(self.usual.load(Ordering::Relaxed).min(max_records));
        let polled = self.fetcher.poll(max_records, self.batch_bytes, &mut result.records);
        if !result.records.is_empty() {
            self.usual.store(result.records.len(), Ordering::Relaxed);
        }
        match polled {
            Err(error) if result.commits.is_empty() => Err(error),
            // Comes again with the next poll.
            Err(error) => {
                self.fetcher.fail(error);
                Ok(result)
            }
            Ok(()) => Ok(result),
        }
    }

    /// Waits until [`poll_batch`](Self::poll_batch) has something to do. May wake for nothing. Cancel safe. One waiter
    /// at a time.
    pub async fn ready(&self) {
        let due = match &*lock(&self.subscription) {
            Subscription::Nothing => None,
            Subscription::Topics(topics) => topics.next(),
            Subscription::Pattern(pattern) => pattern.next(),
        };
        let pause = due.map_or(IDLE_PAUSE, |due| due.saturating_duration_since(Instant::now()).min(IDLE_PAUSE));
        // Either way the caller polls next.
        drop(tokio::time::timeout(pause, self.ready.notified()).await);
    }

    /// Commits these offsets (of the next record to be read) and waits for the answer. When the future is dropped or
    /// times out, the commit may still happen.
    ///
    /// # Errors
    /// Not committed, or not known to be in time.
    pub async fn commit_sync(&self, offsets: &[(TopicPartition, i64)], timeout: Duration) -> Result<(), Error> {
        if offsets.is_empty() {
            return Ok(());
        }
        let commit = self.commits.wait(&self.client, offsets);
        match tokio::time::timeout(timeout, commit).await {
            Ok(committed) => committed,
            Err(_) => Err(self.timed_out("committing offsets")),
        }
    }

    /// Starts a commit of these offsets and returns its id; the outcome comes with a later poll, in
    /// [`PollResult::commits`].
    ///
    /// # Errors
    /// The commit could not be started.
    pub fn commit_async(&self, offsets: &[(TopicPartition, i64)]) -> Result<u64, Error> {
        self.commits.start(&self.client, offsets)
    }

    /// Leaves the group and stops, without a commit. Returns after `timeout` even when the client is still at it.
    pub async fn close(self, timeout: Duration) {
        let dropped = tokio::task::spawn_blocking(move || drop(self));
        if tokio::time::timeout(timeout, dropped).await.is_err() {
            tracing::debug!("a consumer is still closing in the background");
        }
    }

    /// What takes this consumer out of its group when the thread that owns it hangs.
    #[must_use]
    pub fn departure(&self) -> Departure {
        Departure(Arc::downgrade(&self.client))
    }

    fn group(&self) -> &Group {
        self.client.context()
    }

    fn refresh_subscription(&self) {
        let bootstrap = self.translation.bootstrap();
        match &*lock(&self.subscription) {
            Subscription::Nothing => {}
            Subscription::Topics(topics) => {
                if self.group().take_missing_topic() {
                    topics.look_again();
                }
                topics.look_if_due(&self.client, bootstrap);
            }
            Subscription::Pattern(pattern) => pattern.refresh_if_due(&self.client, bootstrap),
        }
    }

    /// Lets the client say what it has to: rebalances, errors, lines for the log. It tells by way of the group's context.
    fn serve(&self) -> Result<(), Error> {
        loop {
            let served = self.group().served();
            match self.client.poll(Duration::ZERO) {
                // It was on its way when the partitions were paused.
                Some(Ok(_)) => {}
                Some(Err(error)) => stop_for(&error, self.group().log())?,
                // Something was served that is no record: there may be more behind it.
                None if self.group().served() != served && !self.group().has_events() => {}
                None => return Ok(()),
            }
        }
    }

    fn timed_out(&self, action: &str) -> Error {
        let reason = self.group().log().trouble().map(|reason| format!(": {reason}")).unwrap_or_default();
        Error::new(ErrorKind::TimedOut, format!("{action} took too long{reason}"))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.group().close();
    }
}

/// What a consumer's error event means for the task: most only say that the client is retrying.
fn stop_for(error: &KafkaError, log: &ClientLog) -> Result<(), Error> {
    let (code, fatal) = match error {
        KafkaError::MessageConsumption(code) => (*code, false),
        KafkaError::MessageConsumptionFatal(code) => (*code, true),
        _ => return Ok(()),
    };
    if let Some(refusal) = log.take_refusal() {
        return Err(refusal);
    }
    let failure = Error::from_code("consuming", code);
    let stops = fatal
        || matches!(failure.kind(), ErrorKind::Authorization | ErrorKind::Fenced | ErrorKind::CorruptRecord)
        || matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::NotImplemented);
    if stops { Err(failure) } else { Ok(()) }
}
