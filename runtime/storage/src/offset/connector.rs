//! The offsets of a connector with a topic of its own: that topic first, the worker's second (connect-worker.md 2.3).
//!
//! The worker's store gets a copy of what is stored, so that a connector whose own topic is taken away goes on from there.
//! Invariant 1 holds for the copy because nothing is copied before it is stored.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use indexmap::IndexMap;
use sluice_api::OffsetMap;
use tokio::task::JoinHandle;

use super::OffsetBackingStore;
use crate::Error;

type Offsets = Vec<(Bytes, Option<Bytes>)>;

/// Two stores as one. The primary is started and stopped with it, the secondary is the worker's own business.
pub struct ConnectorOffsetBackingStore {
    primary: Arc<dyn OffsetBackingStore>,
    secondary: Arc<dyn OffsetBackingStore>,
    copies: SecondaryOffsets,
}

impl ConnectorOffsetBackingStore {
    /// The connector's own store, and the worker's behind it.
    pub fn new(primary: Arc<dyn OffsetBackingStore>, secondary: Arc<dyn OffsetBackingStore>) -> Self {
        let copies = SecondaryOffsets::new(secondary.clone());
        Self { primary, secondary, copies }
    }
}

#[async_trait]
impl OffsetBackingStore for ConnectorOffsetBackingStore {
    async fn start(&self) -> Result<(), Error> {
        self.primary.start().await
    }

    async fn stop(&self) {
        self.copies.settle().await;
        self.primary.stop().await;
    }

    /// Those of the primary; the secondary is the worker's own business.
    fn give_up_writes(&self) {
        self.primary.give_up_writes();
    }

    /// The primary's value of each key, else the secondary's.
    async fn get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, Error> {
        let (own, workers) = tokio::try_join!(self.primary.get(keys), self.secondary.get(keys))?;
        Ok(own.into_iter().zip(workers).map(|(own, workers)| own.or(workers)).collect())
    }

    /// A removal goes to the secondary first: it must not show through a primary that has forgotten. What is set goes to the
    /// secondary last, and only as a copy.
    async fn set(&self, values: Offsets) -> Result<(), Error> {
        let removed: Offsets = values.iter().filter(|(_, value)| value.is_none()).cloned().collect();
        if !removed.is_empty() {
            self.secondary.set(removed).await?;
        }
        let copy: Offsets = values.iter().filter(|(_, value)| value.is_some()).cloned().collect();
        self.primary.set(values).await?;
        self.copies.write(copy);
        Ok(())
    }

    async fn connector_offsets(&self, connector: &str) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, Error> {
        let (mut offsets, workers) =
            tokio::try_join!(self.primary.connector_offsets(connector), self.secondary.connector_offsets(connector))?;
        let missing = |(partition, _): &(OffsetMap, _)| offsets.iter().all(|(known, _)| known != partition);
        let missing: Vec<_> = workers.into_iter().filter(missing).collect();
        offsets.extend(missing);
        Ok(offsets)
    }
}

/// Writes copies of stored offsets to the worker's store, one write at a time. What comes while a write is under way waits for the
/// next, so an older offset never lands on a newer one. A copy that fails is logged, and made with the next.
pub struct SecondaryOffsets {
    store: Arc<dyn OffsetBackingStore>,
    state: Arc<Mutex<Copies>>,
}

#[derive(Default)]
struct Copies {
    waiting: IndexMap<Bytes, Option<Bytes>>,
    running: Option<JoinHandle<()>>,
}

impl SecondaryOffsets {
    /// Copies to `store`.
    pub fn new(store: Arc<dyn OffsetBackingStore>) -> Self {
        Self { store, state: Arc::default() }
    }

    /// Copies `values` beside the caller. Must be called within a tokio runtime.
    pub fn write(&self, values: Offsets) {
        let mut state = lock(&self.state);
        state.waiting.extend(values);
        if state.waiting.is_empty() || state.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        let (store, shared) = (self.store.clone(), self.state.clone());
        state.running = Some(tokio::spawn(async move {
            loop {
                let batch = std::mem::take(&mut lock(&shared).waiting);
                if batch.is_empty() {
                    return;
                }
                if let Err(error) = store.set(batch.clone().into_iter().collect()).await {
                    tracing::warn!(%error, "Failed to write offsets to secondary backing store");
                    let mut state = lock(&shared);
                    let newer = std::mem::replace(&mut state.waiting, batch);
                    state.waiting.extend(newer);
                    return;
                }
            }
        }));
    }

    /// Waits for the write that is under way.
    pub async fn settle(&self) {
        let running = lock(&self.state).running.take();
        if let Some(running) = running
            && let Err(error) = running.await
        {
            tracing::warn!(%error, "Failed to write offsets to secondary backing store");
        }
    }
}

fn lock(state: &Mutex<Copies>) -> std::sync::MutexGuard<'_, Copies> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset::MemoryOffsetBackingStore;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn stores() -> (Arc<MemoryOffsetBackingStore>, Arc<MemoryOffsetBackingStore>, ConnectorOffsetBackingStore) {
        let (own, workers) = (Arc::new(MemoryOffsetBackingStore::new()), Arc::new(MemoryOffsetBackingStore::new()));
        let both = ConnectorOffsetBackingStore::new(own.clone(), workers.clone());
        (own, workers, both)
    }

    #[tokio::test]
    async fn the_connectors_own_offset_counts_and_the_workers_stands_in() {
        let (own, workers, both) = stores();
        let (a, b) = (bytes(r#"["c",{"f":"a"}]"#), bytes(r#"["c",{"f":"b"}]"#));
        workers
            .set(vec![(a.clone(), Some(bytes(r#"{"p":1}"#))), (b.clone(), Some(bytes(r#"{"p":2}"#)))])
            .await
            .expect("in memory");
        own.set(vec![(a.clone(), Some(bytes(r#"{"p":9}"#)))]).await.expect("in memory");
        let read = both.get(&[a, b]).await.expect("in memory");
        assert_eq!(read, [Some(bytes(r#"{"p":9}"#)), Some(bytes(r#"{"p":2}"#))]);
        assert_eq!(both.connector_offsets("c").await.expect("in memory").len(), 2);
    }

    #[tokio::test]
    async fn what_is_stored_is_copied_and_what_is_removed_is_removed_from_both() {
        let (own, workers, both) = stores();
        let (key, value) = (bytes(r#"["c",{"f":"a"}]"#), Some(bytes(r#"{"p":1}"#)));
        both.set(vec![(key.clone(), value.clone())]).await.expect("in memory");
        both.copies.settle().await;
        for store in [own, workers] {
            let stored = store.get(std::slice::from_ref(&key)).await.expect("in memory");
            assert_eq!(stored, std::slice::from_ref(&value));
        }
        both.set(vec![(key.clone(), None)]).await.expect("in memory");
        assert_eq!(both.get(&[key]).await.expect("in memory"), [None]);
    }
}
