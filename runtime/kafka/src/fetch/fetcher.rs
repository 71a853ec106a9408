//! The handle: what a consumer asks of the fetches, without ever waiting for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::chunk::Chunk;
use super::driver::Driver;
use super::lineage::{Lineage, LineageRules};
use super::state::State;
use crate::client_log::lock;
use crate::consumer::{ConsumerLimits, ConsumerRecord, TopicPartition};
use crate::error::{Error, ErrorKind};
use crate::properties::{Properties, Translation};
use crate::wire::ClientConfig;

/// How much is asked for, and how.
#[derive(Clone, Debug)]
pub(crate) struct FetchConfig {
    /// `fetch.max.wait.ms`: how long a broker without records may hold the answer back.
    pub(crate) max_wait: Duration,
    /// `fetch.min.bytes`: how much is worth an answer before that.
    pub(crate) min_bytes: usize,
    /// Bytes of one answer; a larger single batch still comes through.
    pub(crate) max_bytes: usize,
    /// Bytes of one partition in it.
    pub(crate) partition_bytes: usize,
    /// While so many wait to be read, nobody is asked for more.
    pub(crate) queued_bytes: usize,
    /// `isolation.level=read_committed`.
    pub(crate) read_committed: bool,
    /// `client.rack`, empty for none.
    pub(crate) rack: String,
    /// Where to go on when an offset is not there any more; `None` makes it an error.
    pub(crate) reset: Option<Start>,
    /// Whether the log has to be the one that was read before, and what to do when it is not; `None` for readers that are content with any.
    pub(crate) lineage: Option<LineageRules>,
}

impl FetchConfig {
    fn new(translation: &Translation, limits: ConsumerLimits) -> Self {
        let number = |key| usize::try_from(translation.number(key)).unwrap_or(0);
        let max_bytes = number("fetch.max.bytes").min(limits.fetch_bytes).max(1);
        Self {
            max_wait: Duration::from_millis(number("fetch.max.wait.ms") as u64),
            min_bytes: number("fetch.min.bytes"),
            max_bytes,
            partition_bytes: number("max.partition.fetch.bytes").min(max_bytes).max(1),
            queued_bytes: limits.queued_kbytes.saturating_mul(1024).max(1),
            read_committed: translation.java("isolation.level") == Some("read_committed"),
            rack: translation.java("client.rack").unwrap_or_default().to_owned(),
            reset: match translation.java("auto.offset.reset") {
                Some("earliest") => Some(Start::Earliest),
                Some("latest") => Some(Start::Latest),
                _ => None,
            },
            lineage: None,
        }
    }
}

/// Where reading a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At this offset.
    At(i64),
    /// At the first record that is there.
    Earliest,
    /// Behind the last.
    Latest,
}

/// Fetches partitions for one reader. Connects to nothing until it has some; stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Fetcher {
    shared: Arc<Shared>,
    config: FetchConfig,
    client: ClientConfig,
    driver: Mutex<Option<JoinHandle<()>>>,
}

/// What the handle and the driver have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// The driver has something to look at.
    pub(super) changed: Notify,
    /// The reader has.
    pub(super) ready: Arc<Notify>,
}

impl Fetcher {
    /// Fetches as `properties` say, of which `translation` is the checked form. `ready` is told when a poll has something to give.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub(crate) fn new(
        translation: &Translation,
        properties: &Properties,
        limits: ConsumerLimits,
        ready: Arc<Notify>,
    ) -> Result<Self, Error> {
        let given = properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let client = ClientConfig::parse(given).map_err(|error| Error::from_wire("creating a consumer", &error))?;
        let config = FetchConfig::new(translation, limits);
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Notify::new(), ready });
        Ok(Self { shared, config, client, driver: Mutex::default() })
    }

    /// Compares every log with the one that was read before. An offset behind its end is then an error: nobody has read it there.
    #[must_use]
    pub(crate) fn with_lineage(mut self, rules: LineageRules) -> Self {
        self.config.lineage = Some(rules);
        self
    }

    /// Where to begin a partition of which no offset is stored.
    pub(crate) fn reset(&self) -> Option<Start> {
        self.config.reset
    }

    /// Adds partitions; those that are there begin again at the new place.
    ///
    /// # Errors
    /// Called outside of a runtime.
    pub(crate) fn assign(&self, starts: impl IntoIterator<Item = (TopicPartition, Start)>) -> Result<(), Error> {
        lock(&self.shared.state).assign(starts);
        self.drive()
    }

    /// As [`Fetcher::assign`], with the log that the offset before is known to be of.
    ///
    /// # Errors
    /// Called outside of a runtime.
    pub(crate) fn assign_known(
        &self,
        starts: impl IntoIterator<Item = (TopicPartition, Start, Lineage)>,
    ) -> Result<(), Error> {
        let mut state = lock(&self.shared.state);
        for (tp, start, lineage) in starts {
            state.assign([(tp.clone(), start)]);
            state.set_lineage(&tp, lineage);
        }
        drop(state);
        self.drive()
    }

    /// Gives these partitions up, with what was fetched of them.
    pub(crate) fn revoke(&self, partitions: &[TopicPartition]) {
        lock(&self.shared.state).revoke(partitions);
        self.shared.changed.notify_one();
    }

    /// Gives all partitions up.
    pub(crate) fn clear(&self) {
        lock(&self.shared.state).clear();
        self.shared.changed.notify_one();
    }

    /// Goes on at `offset`; nothing from before the call comes out of a later poll.
    ///
    /// # Errors
    /// The partition is not assigned.
    pub(crate) fn seek(&self, partition: &TopicPartition, offset: i64) -> Result<(), Error> {
        let found = lock(&self.shared.state).seek(partition, Start::At(offset));
        self.shared.changed.notify_one();
        if found { Ok(()) } else { Err(not_assigned("seeking", partition)) }
    }

    /// Stops, or goes on, fetching and handing out these partitions.
    ///
    /// # Errors
    /// One of them is not assigned; the others are set.
    pub(crate) fn set_paused(&self, partitions: &[TopicPartition], paused: bool) -> Result<(), Error> {
        let mut state = lock(&self.shared.state);
        let missing = partitions.iter().filter(|partition| !state.set_paused(partition, paused)).last();
        let ready = state.is_ready();
        drop(state);
        self.shared.changed.notify_one();
        if ready {
            self.shared.ready.notify_one();
        }
        match missing {
            Some(partition) => Err(not_assigned(if paused { "pausing" } else { "resuming" }, partition)),
            None => Ok(()),
        }
    }

    /// The next offset to be read of each partition where it is known: behind the last record of a poll, and behind what no poll
    /// gives (markers, what compaction took).
    pub(crate) fn positions(&self) -> Vec<(TopicPartition, i64)> {
        lock(&self.shared.state).positions()
    }

    /// Reads up to `max` records, or so many that their keys and values have `max_bytes`.
    ///
    /// # Errors
    /// What no retry can mend. Records may be given before; the error then comes with the next call.
    pub(crate) fn poll(&self, max: usize, max_bytes: usize, records: &mut Vec<ConsumerRecord>) -> Result<(), Error> {
        let more = lock(&self.shared.state).read(max, max_bytes, records);
        // Also when there were none: what was passed over made room.
        self.shared.changed.notify_one();
        if more.is_err() {
            self.drive()?;
        }
        if *more.as_ref().unwrap_or(&true) {
            self.shared.ready.notify_one();
        }
        more.map(drop)
    }

    /// Takes whole answers, in the order of each log, until they have `max_bytes`; the reader goes on behind them.
    ///
    /// # Errors
    /// What no retry can mend.
    pub(crate) fn take(&self, max_bytes: usize, taken: &mut Vec<(TopicPartition, i64, Chunk)>) -> Result<(), Error> {
        let outcome = lock(&self.shared.state).take(max_bytes, taken);
        if outcome.is_err() {
            self.drive()?;
        } else if !taken.is_empty() {
            self.shared.changed.notify_one();
        }
        outcome
    }

    /// Makes the next poll fail with this.
    pub(crate) fn fail(&self, error: Error) {
        lock(&self.shared.state).fail(error);
        self.shared.ready.notify_one();
    }

    fn drive(&self) -> Result<(), Error> {
        self.shared.changed.notify_one();
        let mut driver = lock(&self.driver);
        if driver.as_ref().is_some_and(|driver| !driver.is_finished()) {
            return Ok(());
        }
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| Error::new(ErrorKind::Closed, "partitions can be fetched within a runtime only"))?;
        let run = Driver::new(self.client.clone(), self.config.clone(), Arc::clone(&self.shared)).run();
        *driver = Some(runtime.spawn(run));
        Ok(())
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        if let Some(driver) = lock(&self.driver).take() {
            driver.abort();
        }
    }
}

fn not_assigned(action: &str, partition: &TopicPartition) -> Error {
    Error::new(ErrorKind::UnknownTopic, format!("{action} {partition}: it is not assigned to this consumer"))
}
