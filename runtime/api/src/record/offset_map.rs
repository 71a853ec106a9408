//! Source partitions and source offsets: small maps from field name to primitive value.

use std::sync::Arc;

use crate::data::Value;

/// A source partition or source offset: field names with primitive values, in the order in which the connector gives them.
///
/// Kafka Connect looks offsets up by the exact bytes of the serialized partition, so the order of several fields matters
/// (connect-worker.md 2.3); stores write the fields in Java's `HashMap` order. One allocation per map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetMap(Box<[(Arc<str>, Value)]>);

impl OffsetMap {
    /// The map with these fields.
    pub fn new(fields: impl Into<Box<[(Arc<str>, Value)]>>) -> Self {
        Self(fields.into())
    }

    /// A map of one field.
    pub fn single(name: impl Into<Arc<str>>, value: impl Into<Value>) -> Self {
        Self(Box::new([(name.into(), value.into())]))
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| &**field == name).map(|(_, value)| value)
    }

    /// The fields in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, Value)> {
        self.0.iter()
    }

    /// Whether the map has no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Arc<str>, Value)> for OffsetMap {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, Value)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}
