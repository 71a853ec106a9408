//! The offsets of a store as last read or written, with the source partitions of each connector.

use std::collections::HashMap;

use bytes::Bytes;
use indexmap::IndexMap;
use sluice_api::OffsetMap;

use super::key::{parse_key, parse_offset, serialize_key};
use crate::Error;

/// A source partition with its offset.
pub(super) type PartitionOffset = (OffsetMap, Option<OffsetMap>);

/// Serialized offsets by serialized partition, in order of first appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct OffsetTable {
    offsets: IndexMap<Bytes, Bytes>,
    /// By connector, and by the key that a look-up of the partition uses.
    partitions: HashMap<String, IndexMap<Bytes, OffsetMap>>,
}

impl OffsetTable {
    /// Sets or, with `None`, removes the offset of a key. A key that is not a partition of ours is kept but not listed.
    pub(super) fn put(&mut self, key: Bytes, value: Option<Bytes>) {
        match parse_key(&key) {
            Ok(Some((connector, partition))) => self.list(connector, partition, value.is_some()),
            Ok(None) => {}
            Err(reason) => tracing::warn!(reason, "ignoring offset partition key with an unexpected format"),
        }
        match value {
            Some(value) => drop(self.offsets.insert(key, value)),
            None => drop(self.offsets.shift_remove(&key)),
        }
    }

    fn list(&mut self, connector: String, partition: OffsetMap, present: bool) {
        // A partition that was read is primitive, so its key can be written.
        let Ok(canonical) = serialize_key(&connector, &partition) else { return };
        let partitions = self.partitions.entry(connector).or_default();
        if present {
            partitions.insert(canonical, partition);
        } else {
            partitions.shift_remove(&canonical);
        }
    }

    /// The values of the keys.
    pub(super) fn get(&self, keys: &[Bytes]) -> Vec<Option<Bytes>> {
        keys.iter().map(|key| self.offsets.get(key).cloned()).collect()
    }

    /// Every key with its value.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Bytes)> {
        self.offsets.iter()
    }

    /// The partitions of a connector with the offset that a task would find: as in Kafka Connect it is absent when the
    /// stored key has its fields in another order than the partition's look-up has.
    pub(super) fn connector_offsets(&self, connector: &str) -> Vec<PartitionOffset> {
        let Some(partitions) = self.partitions.get(connector) else { return Vec::new() };
        let offset = |key: &Bytes| {
            let value = self.offsets.get(key)?;
            parse_offset(value)
                .inspect_err(|reason| tracing::error!(connector, reason, "stored offset cannot be read"))
                .ok()
                .flatten()
        };
        partitions.iter().map(|(key, partition)| (partition.clone(), offset(key))).collect()
    }
}

/// The offset in a stored value; an unreadable one is an error, so that no task starts over as if there were none.
pub(super) fn stored_offset(connector: &str, value: Option<Bytes>) -> Result<Option<OffsetMap>, Error> {
    let Some(value) = value else { return Ok(None) };
    parse_offset(&value).map_err(|reason| {
        Error::Invalid(format!("The stored source offset of connector {connector} cannot be read: {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use super::{Bytes, OffsetMap, OffsetTable};
    use sluice_api::Value;

    fn table(entries: &[(&'static str, Option<&'static str>)]) -> OffsetTable {
        let mut table = OffsetTable::default();
        for (key, value) in entries {
            table.put(Bytes::from_static(key.as_bytes()), value.map(|value| Bytes::from_static(value.as_bytes())));
        }
        table
    }

    #[test]
    fn a_tombstone_takes_the_partition_off_the_list() {
        let entries = [(r#"["c",{"f":"a"}]"#, Some(r#"{"p":1}"#)), (r#"["c",{"f":"b"}]"#, Some(r#"{"p":2}"#))];
        let mut table = table(&entries);
        table.put(Bytes::from_static(entries[0].0.as_bytes()), None);
        let expected = (OffsetMap::single("f", Value::from("b")), Some(OffsetMap::single("p", Value::Int64(2))));
        assert_eq!(table.connector_offsets("c"), [expected]);
        assert!(table.connector_offsets("other").is_empty());
    }

    #[test]
    fn a_key_in_another_field_order_is_listed_without_offset() {
        let table = table(&[(r#"["c",{"kafka_topic":"t","kafka_partition":0}]"#, Some(r#"{"p":1}"#))]);
        let listed = table.connector_offsets("c");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].1, None);
        let names: Vec<_> = listed[0].0.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["kafka_partition", "kafka_topic"]);
    }

    #[test]
    fn keys_of_others_are_kept() {
        let table = table(&[("other", Some("x")), (r#"["c",{"f":"a"}]"#, Some("not json"))]);
        assert_eq!(table.get(&[Bytes::from_static(b"other")]), [Some(Bytes::from_static(b"x"))]);
        assert_eq!(table.connector_offsets("c"), [(OffsetMap::single("f", Value::from("a")), None)]);
    }
}
