//! Java's default partitioning of keyed records, needed wherever a record's partition must be known before it is sent.

const SEED: u32 = 0x9747_b28c;
const MULTIPLIER: u32 = 0x5bd1_e995;
const SHIFT: u32 = 24;

/// The 32-bit murmur2 hash of `bytes`, with the seed that Kafka's clients use.
pub fn murmur2(bytes: &[u8]) -> u32 {
    let mut hash = SEED ^ bytes.len() as u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut part = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(MULTIPLIER);
        part ^= part >> SHIFT;
        hash = hash.wrapping_mul(MULTIPLIER) ^ part.wrapping_mul(MULTIPLIER);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

/// The partition Java's default partitioner gives a record with this key: the positive part of the hash modulo the
/// partition count.
///
/// `partitions` must be positive.
pub fn partition_for_key(key: &[u8], partitions: i32) -> i32 {
    debug_assert!(partitions > 0, "a topic has at least one partition");
    (murmur2(key) & 0x7fff_ffff) as i32 % partitions
}

#[cfg(test)]
mod tests {
    use super::{murmur2, partition_for_key};

    #[test]
    fn hashes_equal_those_of_the_java_client() {
        // Published test vectors of Kafka's own hash, as signed numbers.
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn keys_of_the_internal_topics_go_where_java_puts_them() {
        for (key, partitions, expected) in [
            (r#"["c",{"filename":"test.txt"}]"#, 25, 14),
            (r#"["inventory-connector",{"server":"dbserver1"}]"#, 25, 11),
            ("status-connector-c", 5, 0),
            ("status-task-c-0", 5, 1),
            ("status-topic-t:connector-c", 5, 0),
            ("status-task-my-conn-1", 5, 2),
        ] {
            assert_eq!(partition_for_key(key.as_bytes(), partitions), expected, "{key}");
        }
    }
}
