//! Reading what another worker wrote. Any bytes give a value or an error, never a panic or a large allocation.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use sluice_storage::ConnectorTaskId;

use super::connectors_and_tasks::ConnectorsAndTasks;

/// Bytes from the group that are not what connect-worker.md 3.2 prescribes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason} at byte {at}")]
pub struct DecodeError {
    /// What was being read: `worker metadata` or `assignment`.
    pub what: &'static str,
    /// What is wrong; never any contents.
    pub reason: String,
    /// Where, from the beginning of the bytes.
    pub at: usize,
}

/// Stands for the connector instance among task numbers.
pub(super) const CONNECTOR_TASK: i32 = -1;

/// A name's length and a task count: what an entry takes at least.
const SHORTEST_ENTRY_BYTES: usize = 2 + 4;
const TASK_BYTES: usize = 4;

pub(super) struct BytesIn<'a> {
    rest: &'a [u8],
    length: usize,
    what: &'static str,
}

impl<'a> BytesIn<'a> {
    pub(super) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len(), what }
    }

    /// True when there is nothing left, so that trailing fields take their defaults.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The version that every blob begins with. Versions above the known ones are read as the newest known layout.
    pub(super) fn version(&mut self) -> Result<i16, DecodeError> {
        match self.i16()? {
            version if version < 0 => Err(self.error(format!("version {version}"))),
            version => Ok(version),
        }
    }

    pub(super) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.rest.try_get_i16().map_err(|_| self.error("the bytes end inside a 16-bit number"))
    }

    pub(super) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.rest.try_get_i32().map_err(|_| self.error("the bytes end inside a 32-bit number"))
    }

    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.rest.try_get_i64().map_err(|_| self.error("the bytes end inside a 64-bit number"))
    }

    pub(super) fn text(&mut self) -> Result<String, DecodeError> {
        let length = self.i16()?;
        let length = usize::try_from(length).map_err(|_| self.error(format!("text of length {length}")))?;
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.error("text that is not UTF-8"))?;
        Ok(text.to_owned())
    }

    pub(super) fn nullable_bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| self.error(format!("{length} bytes")))?;
                Ok(Some(Bytes::copy_from_slice(self.take(length)?)))
            }
        }
    }

    /// As [`BytesIn::connectors_and_tasks`], or nothing when the bytes are at their end.
    pub(super) fn connectors_and_tasks_or_none(&mut self) -> Result<ConnectorsAndTasks, DecodeError> {
        if self.is_at_end() { Ok(ConnectorsAndTasks::default()) } else { self.connectors_and_tasks() }
    }

    /// Entries of a connector with task numbers; a null array is an empty one. A connector may have several entries.
    fn connectors_and_tasks(&mut self) -> Result<ConnectorsAndTasks, DecodeError> {
        let mut connectors = BTreeSet::new();
        let mut tasks = BTreeSet::new();
        for _ in 0..self.count(SHORTEST_ENTRY_BYTES)? {
            let connector = self.text()?;
            for _ in 0..self.count(TASK_BYTES)? {
                let number = self.i32()?;
                if number == CONNECTOR_TASK {
                    connectors.insert(connector.clone());
                    continue;
                }
                let task = u32::try_from(number).map_err(|_| self.error(format!("task number {number}")))?;
                tasks.insert(ConnectorTaskId { connector: connector.clone(), task });
            }
        }
        Ok(ConnectorsAndTasks { connectors, tasks })
    }

    /// An array's count, checked against what is left before anyone loops over it.
    fn count(&mut self, element_bytes: usize) -> Result<usize, DecodeError> {
        match self.i32()? {
            -1 => Ok(0),
            count => {
                let fits = |count: &usize| count.saturating_mul(element_bytes) <= self.rest.len();
                let known = usize::try_from(count).ok().filter(fits);
                known.ok_or_else(|| self.error(format!("array of {count} elements")))
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.error(format!("{length} bytes expected, {} left", self.rest.len()))),
        }
    }

    fn error(&self, reason: impl Into<String>) -> DecodeError {
        DecodeError { what: self.what, reason: reason.into(), at: self.length - self.rest.len() }
    }
}
