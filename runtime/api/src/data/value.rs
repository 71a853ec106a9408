//! Values.

use std::collections::HashMap;

use bytes::Bytes;
use bytestring::ByteString;

use super::{BigDecimal, Schema, Struct, java_order};

/// A value of the data model. Text and bytes are reference counted slices, so a line of a file or a payload of a topic goes
/// through without a copy.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// `Boolean`.
    Boolean(bool),
    /// `Byte`.
    Int8(i8),
    /// `Short`.
    Int16(i16),
    /// `Integer`.
    Int32(i32),
    /// `Long`.
    Int64(i64),
    /// `Float`.
    Float32(f32),
    /// `Double`.
    Float64(f64),
    /// `String`.
    String(ByteString),
    /// `byte[]` or `ByteBuffer`.
    Bytes(Bytes),
    /// `BigDecimal`, the value class of the logical type Decimal.
    Decimal(BigDecimal),
    /// `java.util.Date` as milliseconds since the epoch: the value class of the logical types Date, Time and Timestamp.
    Date(i64),
    /// `List`.
    Array(Vec<Value>),
    /// `Map`.
    Map(Map),
    /// `Struct`.
    Struct(Struct),
}

/// A map in its iteration order, which is part of what users see: build it with [`Map::hash_ordered`] where Java has a
/// `HashMap`, with [`Map::insertion_ordered`] where it has a `LinkedHashMap`.
#[derive(Clone, Debug, Default)]
pub struct Map(Vec<(Value, Value)>);

/// A value with its schema; the schema is `None` for schemaless data.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SchemaAndValue {
    /// The schema.
    pub schema: Option<Schema>,
    /// The value.
    pub value: Value,
}

impl Value {
    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a [`Value::String`].
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a [`Value::Int64`].
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int64(number) => Some(*number),
            _ => None,
        }
    }

    /// The Java class that a message names for this value.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) => "java.util.Date",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Boolean, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64, f32 => Float32, f64 => Float64,
    ByteString => String, String => String, &str => String, Bytes => Bytes, BigDecimal => Decimal,
    Vec<Value> => Array, Map => Map, Struct => Struct,
}

impl Map {
    /// Entries in the given order; a later duplicate key replaces the value of the earlier one.
    pub fn insertion_ordered(entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut map = Self::default();
        let mut entries = entries.into_iter();
        // A short list is searched faster than it is hashed.
        for (key, value) in entries.by_ref() {
            map.put(key, value);
            if map.len() == 12 {
                break;
            }
        }
        let mut by_hash: HashMap<i32, Vec<usize>> = HashMap::new();
        for (key, value) in entries {
            if by_hash.is_empty() {
                for (at, (known, _)) in map.0.iter().enumerate() {
                    by_hash.entry(java_order::java_hash(known)).or_default().push(at);
                }
            }
            let same_hash = by_hash.entry(java_order::java_hash(&key)).or_default();
            match same_hash.iter().find(|at| same_key(&map.0[**at].0, &key)) {
                Some(at) => map.0[*at].1 = value,
                None => {
                    same_hash.push(map.len());
                    map.0.push((key, value));
                }
            }
        }
        map
    }

    /// Entries in the order in which Java's `HashMap` would give them.
    pub fn hash_ordered(entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut map = Self::insertion_ordered(entries);
        super::java_hash_order(&mut map.0, |(key, _)| key);
        map
    }

    /// As [`Map::hash_ordered`], for keys that are known to be distinct; large maps are made much faster this way.
    pub fn hash_ordered_distinct(entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut map = Self(entries.into_iter().collect());
        super::java_hash_order(&mut map.0, |(key, _)| key);
        map
    }

    /// As [`Map::hash_ordered`], for a Java map that was made with room for `capacity` entries.
    pub fn hash_ordered_of_capacity(capacity: usize, entries: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let mut map = Self::insertion_ordered(entries);
        let buckets = java_order::table_of_capacity(capacity, map.len());
        java_order::order_in_table(&mut map.0, buckets, |(key, _)| java_order::java_hash(key));
        map
    }

    /// Takes out the value of a text key; the other entries keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(existing, _)| existing.as_str() == Some(key))?;
        Some(self.0.remove(at).1)
    }

    /// The `HashMap` that is a copy of this map (`new HashMap<>(map)`) into which `puts` were put.
    #[must_use]
    pub fn hash_copy(mut self, puts: impl IntoIterator<Item = (Value, Value)>) -> Self {
        let copied = self.len();
        for (key, value) in puts {
            self.put(key, value);
        }
        // A copy of nothing has no table yet, and gets the default one.
        let capacity = if copied == 0 { 16 } else { java_order::table_of_copy(copied) };
        let buckets = java_order::table_of_capacity(capacity as usize, self.len());
        java_order::order_in_table(&mut self.0, buckets, |(key, _)| java_order::java_hash(key));
        self
    }

    /// Sets `key`; a new key goes to the end.
    pub fn put(&mut self, key: Value, value: Value) {
        match self.0.iter_mut().find(|(existing, _)| same_key(existing, &key)) {
            Some(entry) => entry.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// The value of a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(existing, _)| existing.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Value, Value)> {
        self.0.iter()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether Java takes two values, as keys or defaults, for one: there NaN equals itself, and 0.0 is not -0.0.
pub(super) fn same_key(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float32(one), Value::Float32(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        (Value::Float64(one), Value::Float64(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        _ => one == other,
    }
}

impl PartialEq for Map {
    /// Order does not matter, as in Java.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.0.iter().all(|(key, value)| other.0.iter().any(|(k, v)| k == key && v == value))
    }
}

impl IntoIterator for Map {
    type Item = (Value, Value);
    type IntoIter = std::vec::IntoIter<(Value, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl SchemaAndValue {
    /// A value with its schema.
    pub fn new(schema: impl Into<Option<Schema>>, value: impl Into<Value>) -> Self {
        Self { schema: schema.into(), value: value.into() }
    }

    /// No schema and no value.
    pub const NULL: Self = Self { schema: None, value: Value::Null };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_as_java_does() {
        let entries = [f32::NAN, f32::NAN, 0.0, -0.0].map(|key| (Value::Float32(key), Value::Null));
        assert_eq!(Value::from(Map::insertion_ordered(entries)).to_string(), "{NaN=null, 0.0=null, -0.0=null}");
        let many = (0..40).chain(10..20).map(|key| (Value::Int32(key), Value::Null));
        assert_eq!(Map::insertion_ordered(many).len(), 40);
    }
}
