//! Which log a stretch of offsets belongs to, so that another log is never taken for it.
//!
//! A topic that is deleted and created again has another id. A log that has lost its end and grown again has the same one, but another
//! leader epoch at the offsets that were read: whoever says up to which epoch it has read is told so by the broker
//! ([KIP-320], [KIP-516]).
//!
//! [KIP-320]: https://cwiki.apache.org/confluence/display/KAFKA/KIP-320
//! [KIP-516]: https://cwiki.apache.org/confluence/display/KAFKA/KIP-516

use uuid::Uuid;

/// Where a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// Id of the topic; `None` where brokers do not tell it (before Kafka 3.1).
    pub topic_id: Option<Uuid>,
    /// Epoch of the leader that has appended it, -1 when that is not known.
    pub leader_epoch: i32,
}

impl Lineage {
    /// Nothing is known, and nothing is compared.
    pub const UNKNOWN: Self = Self { topic_id: None, leader_epoch: -1 };

    /// The id of a topic from its number.
    #[must_use]
    pub const fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }
}

/// What to do about a log that is not the one that was read before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineageRules {
    /// Whether a topic that was created again is read from its start; otherwise that is an error.
    pub goes_on_when_recreated: bool,
    /// Whether a log that has lost records is read on at the first offset that is not the one that was read; otherwise that is an error.
    pub goes_on_when_truncated: bool,
}
