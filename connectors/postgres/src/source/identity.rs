//! Which server and slot the stored position belongs to, so that a gap is never streamed over.
//!
//! Kept beside Debezium's offset in a source partition of its own, `{"server": <prefix>, "sluice": "identity"}`: Debezium asks only
//! for `{"server": <prefix>}`, so it neither sees this one nor loses it, and a connector can be given back. The offset has the system
//! identifier, the timeline and the slot, and `confirmed`: the furthest position that this connector may have confirmed to the
//! server. It is stored before it is confirmed, so a slot that stands further on was moved or made by somebody else.
//!
//! A standby that was promoted is on a new timeline, and before PostgreSQL 17 it has no slots. One with a slot is streamed on from
//! only when its timeline left the old one behind our position and its slot is not ahead of it; then nothing is missing.

use std::sync::Arc;

use sluice_api::{ConnectError, OffsetMap, Result, Value};

use crate::catalog::{Slot, System};
use crate::events::Position;

const PARTITION: &str = "sluice";

/// What is known of the server that a position is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) system: String,
    pub(super) timeline: i64,
    pub(super) slot: String,
    /// Nothing further was confirmed by this connector.
    pub(super) confirmed: u64,
    /// The stored position is void: the tables are being read again, and no offset of that is stored yet.
    pub(super) snapshot_due: bool,
}

impl Identity {
    /// The source partition of the identity of `prefix`.
    pub(super) fn partition(prefix: &str) -> OffsetMap {
        OffsetMap::new(vec![("server".into(), Value::from(prefix)), (PARTITION.into(), Value::from("identity"))])
    }

    /// Whether a source partition is that of an identity.
    pub(super) fn is_partition(partition: &OffsetMap) -> bool {
        partition.get(PARTITION).is_some()
    }

    /// Of the server and the slot that are there now.
    pub(super) fn of(system: &System, slot: &str, confirmed: u64) -> Self {
        Self {
            system: system.id.clone(),
            timeline: system.timeline,
            slot: slot.to_owned(),
            confirmed,
            snapshot_due: false,
        }
    }

    /// The offset as it is stored.
    pub(super) fn to_offset(&self) -> OffsetMap {
        let field = |name: &str, value| (Arc::from(name), value);
        let mut fields = vec![
            field("system_id", Value::from(self.system.as_str())),
            field("timeline", Value::Int64(self.timeline)),
            field("slot", Value::from(self.slot.as_str())),
            field("confirmed", Value::Int64(self.confirmed as i64)),
        ];
        if self.snapshot_due {
            fields.push(field("snapshot_due", Value::Boolean(true)));
        }
        OffsetMap::new(fields)
    }

    /// Reads a stored offset.
    ///
    /// # Errors
    /// When a field is missing.
    pub(super) fn from_offset(offset: &OffsetMap) -> Result<Self> {
        let text = |name: &str| offset.get(name).and_then(Value::as_str).map(str::to_owned);
        let long = |name: &str| match offset.get(name) {
            Some(Value::Int32(number)) => Some(i64::from(*number)),
            other => other.and_then(Value::as_i64),
        };
        let read = || {
            Some(Self {
                system: text("system_id")?,
                timeline: long("timeline")?,
                slot: text("slot")?,
                confirmed: long("confirmed")? as u64,
                snapshot_due: matches!(offset.get("snapshot_due"), Some(Value::Boolean(true))),
            })
        };
        read().ok_or_else(|| {
            ConnectError::connect(
                "the stored identity of the server needs `system_id`, `timeline`, `slot` and `confirmed`: alter it over REST, or \
                 delete it to trust the server as it is",
            )
        })
    }

    /// Why the changes behind `stored` cannot be had from this server and slot; `None` when they can.
    pub(super) fn gap(&self, stored: &Position, system: &System, name: &str, slot: Option<&Slot>) -> Option<String> {
        let reached = stored.lsn.max(stored.start_lsn()).max(self.confirmed);
        if self.system != system.id {
            return Some(format!(
                "the position is of another server (system identifier {}, this one has {})",
                self.system, system.id
            ));
        }
        if self.timeline != system.timeline {
            match system.left_at(self.timeline) {
                Some(left) if reached <= left && slot.is_some() => {}
                Some(left) if slot.is_some() => {
                    return Some(format!(
                        "a standby was promoted that did not have everything: timeline {} was left at {}, but changes up to {} were \
                         streamed from it",
                        self.timeline,
                        lsn(left),
                        lsn(reached)
                    ));
                }
                Some(_) => {
                    return Some(format!(
                        "a standby was promoted (timeline {} to {}) and does not have slot \"{name}\"",
                        self.timeline, system.timeline
                    ));
                }
                None => {
                    return Some(format!(
                        "the server is on timeline {}, which does not come from timeline {} of the position: an old primary, or \
                         another recovery",
                        system.timeline, self.timeline
                    ));
                }
            }
        }
        let confirmed = slot.map_or(0, |slot| slot.confirmed_flush);
        let known = stored.start_lsn().max(self.confirmed);
        // Another slot's name is another history; what it starts at is judged all the same.
        (confirmed > known).then(|| {
            format!(
                "slot \"{name}\" begins at {}, behind the position {}: it was made anew or moved, and the changes in between are gone",
                lsn(confirmed),
                lsn(known)
            )
        })
    }
}

/// `16/B374D848`.
pub(super) fn lsn(number: u64) -> String {
    format!("{:X}/{:X}", number >> 32, number & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(id: &str, timeline: i64, history: &[(i64, u64)]) -> System {
        System { id: id.into(), timeline, history: history.to_vec() }
    }

    fn slot(confirmed_flush: u64) -> Slot {
        Slot {
            plugin: "pgoutput".into(),
            database: "shop".into(),
            active_pid: None,
            confirmed_flush,
            wal_status: "reserved".into(),
            retained_bytes: 0,
        }
    }

    #[test]
    fn an_identity_comes_back_as_it_was() {
        let identity = Identity { snapshot_due: true, ..Identity::of(&system("7", 2, &[]), "debezium", 9) };
        assert_eq!(Identity::from_offset(&identity.to_offset()).unwrap(), identity);
        assert!(Identity::from_offset(&OffsetMap::default()).is_err());
        assert!(Identity::is_partition(&Identity::partition("shop")));
        assert!(!Identity::is_partition(&Position::partition("shop")));
    }

    #[test]
    fn a_gap_is_seen_in_server_timeline_and_slot() {
        let identity = Identity::of(&system("7", 1, &[]), "debezium", 100);
        let stored = Position { lsn: 90, lsn_commit: Some(80), ..Position::default() };
        let gap = |system: &System, slot: Option<&Slot>| identity.gap(&stored, system, "debezium", slot);
        assert_eq!(gap(&system("7", 1, &[]), Some(&slot(100))), None, "the slot stands where it was confirmed");
        assert_eq!(gap(&system("7", 2, &[(1, 100)]), Some(&slot(80))), None, "a slot that was carried over");
        let cases = [
            (system("8", 1, &[]), Some(slot(80)), "another server"),
            (system("7", 2, &[(1, 99)]), Some(slot(80)), "did not have everything"),
            (system("7", 2, &[(1, 100)]), None, "a standby was promoted"),
            (system("7", 2, &[]), Some(slot(80)), "does not come from timeline 1"),
            (system("7", 1, &[]), Some(slot(101)), "made anew or moved"),
            (system("7", 2, &[(1, 100)]), Some(slot(120)), "made anew or moved"),
        ];
        for (system, slot, wanted) in cases {
            let found = gap(&system, slot.as_ref()).unwrap_or_default();
            assert!(found.contains(wanted), "{wanted}: {found}");
        }
        let old = Identity { timeline: 2, ..identity.clone() };
        assert!(old.gap(&stored, &system("7", 1, &[]), "debezium", Some(&slot(80))).is_some(), "an old primary");
    }
}
