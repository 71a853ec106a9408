//! What a source task reads its stored offsets with.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_api::connector::OffsetStorageReader;
use sluice_api::{ConnectError, OffsetMap};
use tokio::sync::watch;

use super::OffsetBackingStore;
use super::key::serialize_key;
use super::table::stored_offset;
use crate::Error;

/// Reads the offsets of one connector. The worker closes it when the task was cancelled, which ends pending reads too.
pub struct OffsetReader {
    store: Arc<dyn OffsetBackingStore>,
    connector: String,
    closed: watch::Sender<bool>,
}

impl OffsetReader {
    /// A reader of the connector's offsets.
    pub fn new(store: Arc<dyn OffsetBackingStore>, connector: impl Into<String>) -> Self {
        Self { store, connector: connector.into(), closed: watch::Sender::new(false) }
    }

    /// Fails all reads from now on, those under way included. Never blocks.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    async fn read(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>, Error> {
        let key = |partition| serialize_key(&self.connector, partition);
        let keys = partitions.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        let values = self.store.get(&keys).await?;
        values.into_iter().map(|value| stored_offset(&self.connector, value)).collect()
    }
}

#[async_trait]
impl OffsetStorageReader for OffsetReader {
    async fn offsets(&self, partitions: &[OffsetMap]) -> sluice_api::Result<Vec<Option<OffsetMap>>> {
        let mut closed = self.closed.subscribe();
        if *closed.borrow_and_update() {
            return Err(ConnectError::connect(
                "Offset reader is closed. This is likely because the task has already been scheduled to stop but has \
                 taken longer than the graceful shutdown period to do so.",
            ));
        }
        tokio::select! {
            read = self.read(partitions) => {
                read.map_err(|error| ConnectError::new(error.kind(), "Failed to fetch offsets.").with_source(error))
            }
            _ = closed.changed() => Err(ConnectError::connect(
                "Offset reader closed while attempting to read offsets. This is likely because the task was been \
                 scheduled to stop but has taken longer than the graceful shutdown period to do so.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Error, OffsetBackingStore, OffsetMap, OffsetReader, OffsetStorageReader, async_trait};
    use crate::offset::{MemoryOffsetBackingStore, OffsetWriter};
    use bytes::Bytes;
    use sluice_api::{ErrorKind, Value};

    fn partition(name: &str) -> OffsetMap {
        OffsetMap::single("f", Value::from(name))
    }

    #[tokio::test]
    async fn reads_what_was_flushed() {
        let store = Arc::new(MemoryOffsetBackingStore::new());
        let writer = OffsetWriter::new(store.clone(), "c");
        writer.offset(Arc::new(partition("a")), OffsetMap::single("p", Value::Int64(1)));
        assert!(writer.begin_flush());
        writer.flush().await.expect("in memory");
        let reader = OffsetReader::new(store.clone(), "c");
        let read = reader.offsets(&[partition("b"), partition("a")]).await.expect("in memory");
        assert_eq!(read, [None, Some(OffsetMap::single("p", Value::Int64(1)))]);
        let other = OffsetReader::new(store, "other").offsets(&[partition("a")]).await.expect("in memory");
        assert_eq!(other, [None], "offsets belong to a connector");
    }

    #[tokio::test]
    async fn an_unreadable_offset_is_an_error() {
        let store = Arc::new(MemoryOffsetBackingStore::new());
        let key = Bytes::from_static(br#"["c",{"f":"a"}]"#);
        store.set(vec![(key, Some(Bytes::from_static(b"not json")))]).await.expect("in memory");
        let error = OffsetReader::new(store, "c").offsets(&[partition("a")]).await.expect_err("corrupt");
        assert_eq!(error.kind(), ErrorKind::Data);
    }

    /// Never answers a read.
    struct StuckStore;

    #[async_trait]
    impl OffsetBackingStore for StuckStore {
        async fn start(&self) -> Result<(), Error> {
            Ok(())
        }
        async fn stop(&self) {}
        async fn get(&self, _keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
            std::future::pending().await
        }
        async fn set(&self, _values: Vec<(Bytes, Option<Bytes>)>) -> Result<(), Error> {
            Ok(())
        }
        async fn connector_offsets(&self, _connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
            Ok(Vec::new())
        }
    }

    // Invariant 8: a cancelled task does not wait for the store.
    #[tokio::test]
    async fn close_ends_pending_and_later_reads() {
        let reader = Arc::new(OffsetReader::new(Arc::new(StuckStore), "c"));
        let pending = tokio::spawn({
            let reader = reader.clone();
            async move { reader.offsets(&[partition("a")]).await }
        });
        tokio::task::yield_now().await;
        reader.close();
        assert!(pending.await.expect("no panic").is_err());
        assert!(reader.offsets(&[partition("a")]).await.is_err());
    }
}
