//! Offsets in memory: gone with the process.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::OffsetMap;

use super::OffsetBackingStore;
use super::table::OffsetTable;
use crate::Error;

/// Keeps offsets in memory, for tests and for what needs no restart.
#[derive(Debug, Default)]
pub struct MemoryOffsetBackingStore(Mutex<OffsetTable>);

impl MemoryOffsetBackingStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, action: impl FnOnce(&mut OffsetTable) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl OffsetBackingStore for MemoryOffsetBackingStore {
    async fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        Ok(self.with(|table| table.get(keys)))
    }

    async fn set(&self, values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), Error> {
        self.with(|table| values.into_iter().for_each(|(key, value)| table.put(key, value)));
        Ok(())
    }

    async fn connector_offsets(&self, connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
        Ok(self.with(|table| table.connector_offsets(connector)))
    }
}
