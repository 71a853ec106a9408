//! The offset store: source offsets by connector and source partition (connect-worker.md 2.3).
//!
//! Invariant 1 is kept by the callers of [`OffsetWriter`]: they hand over an offset only after the acknowledgement of every
//! record up to it.

mod connector;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod java_serialization;
mod kafka;
mod key;
mod memory;
mod reader;
mod table;
mod writer;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_api::OffsetMap;

pub use connector::{ConnectorOffsetBackingStore, SecondaryOffsets};
pub use file::FileOffsetBackingStore;
pub use kafka::{ConnectorOffsetsTopic, KafkaOffsetBackingStore};
pub use key::offset_record;
pub use memory::MemoryOffsetBackingStore;
pub use reader::OffsetReader;
pub use writer::OffsetWriter;

use crate::Error;

/// Stores serialized offsets.
#[async_trait]
pub trait OffsetBackingStore: Send + Sync {
    /// Makes the store ready: reads to the end of the topic, or the file.
    ///
    /// # Errors
    /// `Unusable` when the topic is not compacted or the file is not an offset file.
    async fn start(&self) -> Result<(), Error>;

    /// Closes the store.
    async fn stop(&self);

    /// Gives up writes that are not acknowledged: this worker is out of its group. What is on the wire may still be written.
    fn give_up_writes(&self) {}

    /// The stored value of each key, after reading to the end; `None` where there is none.
    ///
    /// # Errors
    /// `Closed`, `Kafka`.
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error>;

    /// Stores all values (`None` removes) and returns when they are durable.
    ///
    /// # Errors
    /// Nothing is known about which of the values were stored.
    async fn set(&self, values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), Error>;

    /// Every source partition of a connector with its offset, after reading to the end.
    ///
    /// # Errors
    /// As for [`OffsetBackingStore::get`].
    async fn connector_offsets(&self, connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error>;
}
