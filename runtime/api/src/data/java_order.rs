//! The order in which Java's `HashMap` gives its entries. It is part of the contract wherever a map becomes bytes that are
//! compared: schemaless JSON keys, offset topic keys (connect-worker.md 0 and 2.3).

use num_bigint::Sign;

use super::{BigDecimal, Value};

/// Puts `entries`, given in the order of insertion and without duplicate keys, into the order of a `HashMap` that grew from
/// its default size. Buckets that Java would turn into trees (more than eight entries) are taken as lists.
pub fn java_hash_order<T>(entries: &mut [T], key: impl Fn(&T) -> &Value) {
    java_hash_order_by(entries, |entry| java_hash(key(entry)));
}

/// As [`java_hash_order`], with the Java hash code of an entry's key, for example [`java_string_hash`].
pub fn java_hash_order_by<T>(entries: &mut [T], hash: impl Fn(&T) -> i32) {
    order_in_table(entries, table_size(16, entries.len()), hash);
}

/// As [`java_hash_order_by`], for a `HashMap` that was made with room for `capacity` entries.
pub fn java_hash_order_of_capacity_by<T>(entries: &mut [T], capacity: usize, hash: impl Fn(&T) -> i32) {
    order_in_table(entries, table_of_capacity(capacity, entries.len()), hash);
}

/// The buckets that `new HashMap(capacity)` has after `len` entries were put.
pub(super) fn table_of_capacity(capacity: usize, len: usize) -> u32 {
    table_size((capacity as u32).next_power_of_two(), len)
}

/// The buckets of `new HashMap(map)` for a map of `len` entries, as Java 17 and 18 compute them.
pub(super) fn table_of_copy(len: usize) -> u32 {
    (len as f32 / 0.75 + 1.0) as u32
}

pub(super) fn order_in_table<T>(entries: &mut [T], buckets: u32, hash: impl Fn(&T) -> i32) {
    if entries.len() < 2 {
        return;
    }
    let mask = buckets.next_power_of_two() - 1;
    // Stable: entries of a bucket stay in the order of insertion, through every growth.
    entries.sort_by_key(|entry| {
        let hash = hash(entry) as u32;
        (hash ^ (hash >> 16)) & mask
    });
}

/// The given buckets, a power of two, doubled whenever three quarters of them are exceeded.
fn table_size(buckets: u32, entries: usize) -> u32 {
    let mut size = buckets;
    while entries > size as usize * 3 / 4 && size < 1 << 30 {
        size *= 2;
    }
    size
}

/// `String.hashCode`.
pub fn java_string_hash(text: &str) -> i32 {
    if text.is_ascii() {
        return text.bytes().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    }
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `hashCode` of the value; byte arrays and structs, which have none that is the same in two runs, count as 0.
pub(super) fn java_hash(value: &Value) -> i32 {
    match value {
        Value::Null | Value::Bytes(_) | Value::Struct(_) => 0,
        Value::Boolean(value) => {
            if *value {
                1231
            } else {
                1237
            }
        }
        Value::Int8(value) => i32::from(*value),
        Value::Int16(value) => i32::from(*value),
        Value::Int32(value) => *value,
        Value::Int64(value) | Value::Date(value) => fold(*value as u64),
        Value::Float32(value) if value.is_nan() => 0x7fc0_0000,
        Value::Float32(value) => value.to_bits() as i32,
        Value::Float64(value) if value.is_nan() => fold(0x7ff8_0000_0000_0000),
        Value::Float64(value) => fold(value.to_bits()),
        Value::String(text) => java_string_hash(text),
        Value::Decimal(value) => decimal_hash(value),
        Value::Array(items) => {
            items.iter().fold(1, |hash: i32, item| hash.wrapping_mul(31).wrapping_add(java_hash(item)))
        }
        Value::Map(entries) => {
            entries.iter().fold(0, |hash: i32, (key, value)| hash.wrapping_add(java_hash(key) ^ java_hash(value)))
        }
    }
}

fn fold(bits: u64) -> i32 {
    (bits ^ (bits >> 32)) as i32
}

fn decimal_hash(value: &BigDecimal) -> i32 {
    let digits = value.unscaled().magnitude().to_u32_digits();
    let hash = digits.iter().rev().fold(0, |hash: i32, digit| hash.wrapping_mul(31).wrapping_add(*digit as i32));
    let hash = if value.unscaled().sign() == Sign::Minus { hash.wrapping_neg() } else { hash };
    hash.wrapping_mul(31).wrapping_add(value.scale())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&'static str]) -> Vec<&'static str> {
        let mut names = names.to_vec();
        java_hash_order_by(&mut names, |name| java_string_hash(name));
        names
    }

    #[test]
    fn string_hashes_are_javas() {
        assert_eq!(java_string_hash(""), 0);
        assert_eq!(java_string_hash("hello"), 99_162_322);
        assert_eq!(
            java_string_hash("kafka_partition"),
            "kafka_partition".bytes().fold(0i32, |h, b| { h.wrapping_mul(31).wrapping_add(i32::from(b)) })
        );
        assert_eq!(java_string_hash("é"), 233);
        assert_eq!(java_string_hash("\u{1F600}"), 0xD83D * 31 + 0xDE00);
    }

    #[test]
    fn maps_of_the_internal_topics_come_in_their_known_order() {
        assert_eq!(ordered(&["kafka_topic", "kafka_partition"]), ["kafka_partition", "kafka_topic"]);
        assert_eq!(ordered(&["status", "info"]), ["status", "info"]);
        assert_eq!(ordered(&["b", "a", "c"]), ["a", "b", "c"]);
    }

    #[test]
    fn the_table_grows_past_three_quarters() {
        assert_eq!([12, 13, 24, 25].map(|entries| table_size(16, entries)), [16, 32, 32, 64]);
    }

    #[test]
    fn a_table_of_known_capacity_starts_smaller_or_larger() {
        assert_eq!([(1, 1), (2, 2), (3, 3), (7, 4), (2, 5)].map(|(c, n)| table_of_capacity(c, n)), [2, 4, 4, 8, 8]);
        let copies = [1, 2, 3, 6, 7, 12, 13].map(|len| table_of_copy(len).next_power_of_two());
        assert_eq!(copies, [2, 4, 8, 16, 16, 32, 32]);
    }

    #[test]
    fn numbers_hash_as_their_boxes() {
        assert_eq!(java_hash(&Value::Int64(-1)), 0);
        assert_eq!(java_hash(&Value::Int64(1 << 32)), 1);
        assert_eq!(java_hash(&Value::Float64(1.0)), 1_072_693_248);
        assert_eq!(java_hash(&Value::Decimal(BigDecimal::new(156, 2))), 156 * 31 + 2);
        assert_eq!(java_hash(&Value::Boolean(true)), 1231);
    }
}
