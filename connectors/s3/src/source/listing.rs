//! Which objects there are to read, in which order: late ones are found by the next look, whatever their names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use sluice_api::connector::OffsetStorageReader;
use sluice_api::{OffsetMap, Result};

use super::config::{Distribution, SourceConfig};
use super::offsets::{Progress, partition};
use super::place::{Part, Place};
use crate::client::{Failure, Found, Store};

/// Offsets that are asked for at a time.
const ASKED: usize = 1_000;

/// An object of values, with the objects of keys and headers of the same records.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: Option<i32>,
    /// What is named in offsets: the values, or the keys of tombstones.
    pub(crate) named: Found,
    pub(crate) values: Option<Found>,
    pub(crate) keys: Option<Found>,
    pub(crate) headers: Option<Found>,
    pub(crate) progress: Progress,
}

/// What was read, and what is to be read.
#[derive(Default)]
pub(crate) struct Listing {
    /// Names of objects that are read, by a hash of their own: 16 bytes each, not the name.
    done: HashSet<u128>,
    /// How far objects were read that were replaced meanwhile: stored offsets may be behind it.
    reached: HashMap<String, Progress>,
    hashers: [RandomState; 2],
}

/// Topic, partition, first offset and the common part of the names: what is read first comes first.
type Order = (String, Option<i32>, i64, String);
type Sets = BTreeMap<Order, Set>;

/// Objects with one start offset.
#[derive(Default)]
struct Set {
    values: Option<Found>,
    keys: Option<Found>,
    headers: Option<Found>,
}

impl Listing {
    pub(crate) fn note_done(&mut self, key: &str) {
        self.done.insert(self.hash(key));
    }

    pub(crate) fn note_reached(&mut self, key: &str, records: u64) {
        self.reached.insert(key.to_owned(), Progress { records, ..Progress::default() });
    }

    fn hash(&self, key: &str) -> u128 {
        let [one, other] = &self.hashers;
        (u128::from(one.hash_one(key)) << 64) | u128::from(other.hash_one(key))
    }

    /// Everything that is not read yet, ordered by topic, partition and offset or name.
    ///
    /// # Errors
    /// The store's, or that of the offsets.
    pub(crate) async fn look(
        &mut self,
        store: &Store,
        config: &SourceConfig,
        offsets: &dyn OffsetStorageReader,
    ) -> Result<Vec<Job>, Failure> {
        let (mut sets, mut page) = (Sets::new(), None);
        loop {
            let (found, next) = store.list(&config.prefix, config.start_after.as_deref(), page).await?;
            for object in found {
                self.sort_in(object, config, &mut sets).map_err(Failure::fatal)?;
            }
            page = next;
            if page.is_none() {
                break;
            }
        }
        let jobs = complete(sets, config);
        self.with_progress(jobs, config, offsets).await.map_err(Failure::fatal)
    }

    fn sort_in(&self, object: Found, config: &SourceConfig, sets: &mut Sets) -> Result<()> {
        if object.bytes == 0 || self.done.contains(&self.hash(&object.key)) {
            return Ok(());
        }
        let Some(place) = config.layout.place(&object.key)? else { return Ok(()) };
        if !config.is_ours(&place, &object.key) {
            return Ok(());
        }
        let Place { topic, partition, start_offset, part, stem } = place;
        let set = sets.entry((topic, partition, start_offset, stem)).or_default();
        match part {
            Part::Values => set.values = Some(object),
            Part::Keys => set.keys = Some(object),
            Part::Headers => set.headers = Some(object),
        }
        Ok(())
    }

    /// Leaves out what is read, and says where to go on in the rest.
    async fn with_progress(
        &mut self,
        jobs: Vec<Job>,
        config: &SourceConfig,
        offsets: &dyn OffsetStorageReader,
    ) -> Result<Vec<Job>> {
        let mut open = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let some: Vec<Job> = jobs.by_ref().take(ASKED).collect();
            let partitions: Vec<OffsetMap> =
                some.iter().map(|job| partition(&config.store.bucket, &job.named.key)).collect();
            let stored = offsets.offsets(&partitions).await?;
            for (mut job, stored) in some.into_iter().zip(stored) {
                job.progress = match self.reached.get(&job.named.key) {
                    Some(progress) => *progress,
                    None => Progress::read(stored.as_ref(), &job.named.key)?,
                };
                match job.progress.done {
                    true => self.note_done(&job.named.key),
                    false => open.push(job),
                }
            }
        }
        Ok(open)
    }
}

/// Sets whose parts are all there. Parts of one set become visible one after another: a record without its key would be another
/// record, so a set waits for the parts that the topic's sets have.
fn complete(sets: Sets, config: &SourceConfig) -> Vec<Job> {
    let mut of_topic = HashMap::<String, (bool, bool)>::new();
    for ((topic, ..), set) in &sets {
        let (keys, headers) = of_topic.entry(topic.clone()).or_default();
        *keys |= set.keys.is_some();
        *headers |= set.headers.is_some();
    }
    let whole = |((topic, partition, _, stem), set): (Order, Set)| {
        let (keys, headers) = of_topic.get(&topic).copied().unwrap_or_default();
        let waits_for_keys = config.stores_keys.unwrap_or(keys) && set.keys.is_none();
        let waits_for_headers = config.stores_headers.unwrap_or(headers) && set.headers.is_none();
        let tombstones = set.values.is_none() && config.layout.is_tombstones(&stem);
        if waits_for_keys || waits_for_headers || (set.values.is_none() && !tombstones) {
            return None;
        }
        let named = set.values.as_ref().or(set.keys.as_ref())?.clone();
        let Set { values, keys, headers } = set;
        let progress = Progress::default();
        Some(Job { topic: topic.into(), partition, named, values, keys, headers, progress })
    };
    sets.into_iter().filter_map(whole).collect()
}

impl SourceConfig {
    /// Whether the object is this task's: a partition is read by one task, so that its order stays.
    fn is_ours(&self, place: &Place, key: &str) -> bool {
        let (task, tasks) = self.task;
        let number = match (self.distribution, place.partition) {
            (Distribution::Partition, Some(partition)) => {
                stable_hash(&place.topic).wrapping_add(u64::from(partition.unsigned_abs()))
            }
            _ => stable_hash(key),
        };
        number % tasks as u64 == task as u64
    }
}

/// The same on every worker (FNV-1a).
fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
