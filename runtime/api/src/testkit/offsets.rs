//! Source offsets in memory.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::connector::OffsetStorageReader;
use crate::error::{ConnectError, Result};
use crate::record::OffsetMap;

/// Stored source offsets of a test; shared by the drivers of one connector's lives.
#[derive(Debug, Default)]
pub struct MemoryOffsets {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    offsets: Vec<(OffsetMap, OffsetMap)>,
    closed: bool,
}

impl MemoryOffsets {
    /// Nothing stored.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `offset` for `partition`.
    pub fn set(&self, partition: &OffsetMap, offset: OffsetMap) {
        self.with(|state| match state.offsets.iter_mut().find(|(known, _)| known == partition) {
            Some(entry) => entry.1 = offset,
            None => state.offsets.push((partition.clone(), offset)),
        });
    }

    /// What is stored for `partition`.
    pub fn get(&self, partition: &OffsetMap) -> Option<OffsetMap> {
        self.with(|state| state.offsets.iter().find(|(known, _)| known == partition).map(|(_, offset)| offset.clone()))
    }

    /// Makes every further read fail, as when the task was cancelled.
    pub fn close(&self) {
        self.with(|state| state.closed = true);
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl OffsetStorageReader for MemoryOffsets {
    async fn offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        if self.with(|state| state.closed) {
            return Err(ConnectError::connect("the offset reader was closed"));
        }
        Ok(partitions.iter().map(|partition| self.get(partition)).collect())
    }
}
