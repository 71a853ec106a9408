//! Collects offsets and flushes them to the store.
//!
//! Invariant 1: the worker hands an offset over only after the acknowledgement of every record up to it.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use indexmap::IndexMap;
use sluice_api::{OffsetMap, Value};

use super::OffsetBackingStore;
use super::key::offset_record;
use crate::Error;

/// Keeps the last offset of each source partition of a connector until it is flushed.
///
/// A flush has two steps, so that offsets which come in between wait for the next one: [`OffsetWriter::begin_flush`] sets the
/// collected offsets aside, [`OffsetWriter::flush`] stores them. Whatever goes wrong in between, no offset is forgotten: those
/// set aside go back below the newer ones.
pub struct OffsetWriter {
    store: Arc<dyn OffsetBackingStore>,
    connector: String,
    offsets: Mutex<Collected>,
}

type Offsets = IndexMap<PartitionKey, Option<OffsetMap>>;

#[derive(Default)]
struct Collected {
    pending: Offsets,
    flushing: Option<Offsets>,
    /// Tells the flush under way from one that was cancelled.
    flush_id: u64,
}

impl OffsetWriter {
    /// A writer of the connector's offsets.
    pub fn new(store: Arc<dyn OffsetBackingStore>, connector: impl Into<String>) -> Self {
        Self { store, connector: connector.into(), offsets: Mutex::default() }
    }

    /// Takes the offset of a partition, over the one it had; `None` removes the stored offset with the next flush.
    pub fn offset(&self, partition: Arc<OffsetMap>, offset: impl Into<Option<OffsetMap>>) {
        self.collected().pending.insert(PartitionKey(partition), offset.into());
    }

    /// Sets the collected offsets aside for [`OffsetWriter::flush`]; `false` when there are none. A flush that was begun and
    /// not finished counts as cancelled.
    pub fn begin_flush(&self) -> bool {
        let mut collected = self.collected();
        collected.cancel();
        if collected.pending.is_empty() {
            return false;
        }
        collected.flushing = Some(std::mem::take(&mut collected.pending));
        true
    }

    /// Stores what [`OffsetWriter::begin_flush`] set aside; returns when it is durable.
    ///
    /// Cancel safety: when the future is dropped it is unknown what was stored; the offsets are flushed again next time.
    ///
    /// # Errors
    /// `Invalid` when a partition or offset cannot be serialized, which lasts until the connector gives another offset for the
    /// partition; else what the store says. All offsets are kept for the next flush.
    pub async fn flush(&self) -> Result<(), Error> {
        let (flush_id, values) = {
            let mut collected = self.collected();
            let Some(flushing) = &collected.flushing else { return Ok(()) };
            match self.serialize(flushing) {
                Ok(values) => (collected.flush_id, values),
                Err(error) => {
                    collected.cancel();
                    return Err(error);
                }
            }
        };
        let stored = self.store.set(values).await;
        let mut collected = self.collected();
        if collected.flush_id != flush_id {
            // Cancelled meanwhile: its offsets are collected again.
            return stored;
        }
        match stored {
            Ok(()) => collected.finish(),
            Err(_) => collected.cancel(),
        }
        stored
    }

    /// Puts the offsets of an unfinished flush back; newer ones win.
    pub fn cancel_flush(&self) {
        self.collected().cancel();
    }

    fn serialize(&self, offsets: &Offsets) -> Result<Vec<(Bytes, Option<Bytes>)>, Error> {
        let serialize = |(partition, offset): (&PartitionKey, &Option<OffsetMap>)| {
            offset_record(&self.connector, &partition.0, offset.as_ref())
        };
        offsets.iter().map(serialize).collect()
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    fn cancel(&mut self) {
        if let Some(mut offsets) = self.flushing.take() {
            offsets.extend(std::mem::take(&mut self.pending));
            self.pending = offsets;
            self.flush_id += 1;
        }
    }

    fn finish(&mut self) {
        self.flushing = None;
        self.flush_id += 1;
    }
}

/// A source partition as a key: equal when the fields are, in any order.
struct PartitionKey(Arc<OffsetMap>);

impl PartialEq for PartitionKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.iter().len() == other.0.iter().len()
                && self.0.iter().all(|(name, value)| other.0.get(name).is_some_and(|other| same(value, other))))
    }
}

impl Eq for PartitionKey {}

impl Hash for PartitionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Fields in any order give the same hash; values other than the usual ones are left to `eq`.
        let fields = self.0.iter().map(|(name, value)| {
            let mut field = std::hash::DefaultHasher::new();
            name.hash(&mut field);
            match value {
                Value::String(text) => text.hash(&mut field),
                Value::Int32(number) => number.hash(&mut field),
                Value::Int64(number) => number.hash(&mut field),
                _ => {}
            }
            field.finish()
        });
        state.write_u64(fields.fold(0, u64::wrapping_add));
    }
}

/// Equality that NaN has with itself, so that no partition is collected twice.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float64(a), Value::Float64(b)) => a.to_bits() == b.to_bits(),
        (Value::Float32(a), Value::Float32(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests;
