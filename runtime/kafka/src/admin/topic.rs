//! Topics as the admin client sees them.

use indexmap::IndexMap;

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Replicas of its first partition.
    pub replication_factor: i32,
    /// Whether every partition has a leader.
    pub has_leaders: bool,
}

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 is the broker's default.
    pub partitions: i32,
    /// Replicas of each partition; -1 is the broker's default.
    pub replication_factor: i32,
    /// Topic settings.
    pub settings: IndexMap<String, String>,
}

/// Which offset of a partition is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first record's.
    Earliest,
    /// The one after the last record, open transactions included (read_uncommitted).
    Latest,
    /// Before the first record of a transaction that is open, else as `Latest`.
    LastStable,
}
