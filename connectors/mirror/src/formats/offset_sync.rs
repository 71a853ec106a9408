//! A pair of offsets of the same record: in the source and in the target.

use bytes::Bytes;
use sluice_kafka::TopicPartition;

use super::Malformed;
use super::primitive::{Reader, Writer};

/// What MirrorSource says on the offset syncs topic, key and value together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetSync {
    /// The partition under its name in the source.
    pub partition: TopicPartition,
    /// Offset of a record in the source.
    pub upstream: i64,
    /// Offset of the same record in the target.
    pub downstream: i64,
}

impl OffsetSync {
    /// The record's key.
    pub fn key(&self) -> Bytes {
        Writer::default().string(&self.partition.topic).int32(self.partition.partition).done()
    }

    /// The record's value, which has no version.
    pub fn value(&self) -> Bytes {
        Writer::default().int64(self.upstream).int64(self.downstream).done()
    }

    /// Reads key and value.
    ///
    /// # Errors
    /// Bytes that end early, a topic that is not UTF-8.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let (mut key, mut value) = (Reader(key), Reader(value));
        let topic = key.string("topic")?;
        Ok(Self {
            partition: TopicPartition::new(topic, key.int32("partition")?),
            upstream: value.int64("upstreamOffset")?,
            downstream: value.int64("offset")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::hex;
    use super::*;

    #[test]
    fn the_bytes_are_those_of_kafka() {
        let sync = OffsetSync { partition: TopicPartition::new("tést", 5), upstream: 258, downstream: -1 };
        assert_eq!(sync.key(), hex("000574c3a9737400000005"));
        assert_eq!(sync.value(), hex("0000000000000102ffffffffffffffff"));
        assert_eq!(OffsetSync::read(&sync.key(), &sync.value()), Ok(sync.clone()));
        let longer = [&sync.value()[..], b"more"].concat();
        assert_eq!(OffsetSync::read(&sync.key(), &longer), Ok(sync));
    }

    #[test]
    fn what_is_cut_names_its_field() {
        let (key, value) = (hex("000574c3a9737400000005"), hex("0000000000000102ffffffffffffffff"));
        for (key, value, field) in [
            (&key[..4], &value[..], "topic"),
            (&key[..9], &value[..], "partition"),
            (&key[..], &value[..7], "upstreamOffset"),
            (&key[..], &value[..15], "offset"),
        ] {
            let error = OffsetSync::read(key, value).expect_err("cut");
            assert_eq!(error.field, field);
        }
        let error = OffsetSync::read(&hex("ffff"), &value).expect_err("null").to_string();
        assert_eq!(error, "field `topic`: its length is negative");
    }
}
