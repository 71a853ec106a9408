//! How large Java's producer takes a record to be, so that `max.request.size` refuses the same records here.

use super::record::ProducerRecord;

/// Bytes of an empty record batch of format 2.
const BATCH_OVERHEAD: usize = 61;
/// Bytes a record of format 2 takes besides its fields, at most.
const RECORD_OVERHEAD: usize = 21;

/// The most bytes that a batch with this record alone can take, uncompressed.
pub(super) fn upper_bound(record: &ProducerRecord) -> usize {
    let headers: usize = record
        .headers
        .iter()
        .map(|(name, value)| varint_size(name.len()) + name.len() + field_size(value.as_deref()))
        .sum();
    BATCH_OVERHEAD
        + RECORD_OVERHEAD
        + field_size(record.key.as_deref())
        + field_size(record.value.as_deref())
        + varint_size(record.headers.len())
        + headers
}

fn field_size(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| varint_size(bytes.len()) + bytes.len())
}

/// Bytes of a zigzag varint of a length.
fn varint_size(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    bits.max(1).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{upper_bound, varint_size};
    use crate::producer::ProducerRecord;

    fn record(key: Option<usize>, value: Option<usize>) -> ProducerRecord {
        let zeros = |length: usize| Bytes::from(vec![0; length]);
        ProducerRecord {
            topic: "t".into(),
            partition: None,
            timestamp_ms: None,
            key: key.map(zeros),
            value: value.map(zeros),
            headers: Vec::new(),
        }
    }

    #[test]
    fn varints_grow_at_the_bounds_of_zigzag() {
        for (length, size) in [(0, 1), (63, 1), (64, 2), (8191, 2), (8192, 3), (1_048_575, 3), (1_048_576, 4)] {
            assert_eq!(varint_size(length), size, "{length}");
        }
    }

    #[test]
    fn a_value_alone_costs_what_java_says() {
        // 61 + 21 + null key 1 + length of the value 3 + value + header count 1.
        assert_eq!(upper_bound(&record(None, Some(1_000_000))), 1_000_087);
        assert_eq!(upper_bound(&record(None, None)), 85);
    }

    #[test]
    fn headers_count_with_name_and_value() {
        let mut with = record(Some(1), None);
        let without = upper_bound(&with);
        with.headers.push(("name".into(), Some(Bytes::from_static(b"value"))));
        with.headers.push(("name".into(), None));
        assert_eq!(upper_bound(&with), without + (1 + 4 + 1 + 5) + (1 + 4 + 1));
    }
}
