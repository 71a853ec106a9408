//! A stretch of records without holes, in the source and in the target. Ours: MirrorMaker knows pairs of offsets alone.

use bytes::Bytes;
use sluice_kafka::TopicPartition;

use super::Malformed;
use super::primitive::{Reader, Writer};

const VERSION: i16 = 0;
/// So many ranges of a partition are kept by compaction: a later one takes the place of an earlier one.
pub const SLOTS: i64 = 1_024;

/// What MirrorSource says on the offset ranges topic, key and value together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetRange {
    /// The partition under its name in the source.
    pub partition: TopicPartition,
    /// Offset of the first record in the source.
    pub upstream: i64,
    /// Its offset in the target.
    pub downstream: i64,
    /// How many records follow one another in both.
    pub records: i64,
}

impl OffsetRange {
    /// The record's key: the partition, and the slot of the range.
    pub fn key(&self) -> Bytes {
        let slot = i32::try_from(self.upstream.rem_euclid(SLOTS)).unwrap_or(0);
        let partition = Writer::default().string(&self.partition.topic).int32(self.partition.partition);
        partition.int32(slot).done()
    }

    /// The record's value.
    pub fn value(&self) -> Bytes {
        Writer::default().int16(VERSION).int64(self.upstream).int64(self.downstream).int64(self.records).done()
    }

    /// Reads key and value.
    ///
    /// # Errors
    /// Bytes that end early, a topic that is not UTF-8, a number of records that cannot be.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let (mut key, mut value) = (Reader(key), Reader(value));
        let topic = key.string("topic")?;
        let partition = TopicPartition::new(topic, key.int32("partition")?);
        key.int32("slot")?;
        value.int16("version")?;
        let (upstream, downstream) = (value.int64("upstreamOffset")?, value.int64("offset")?);
        let records = value.int64("records")?;
        let ends = [upstream, downstream].map(|first| first.checked_add(records).filter(|_| first >= 0));
        if records < 1 || ends.contains(&None) {
            return Err(Malformed { field: "records", reason: "there cannot be so many" });
        }
        Ok(Self { partition, upstream, downstream, records })
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::hex;
    use super::*;

    #[test]
    fn a_range_comes_back_and_what_cannot_be_is_refused() {
        let range = OffsetRange { partition: TopicPartition::new("t", 2), upstream: 1_025, downstream: 7, records: 3 };
        assert_eq!(range.key(), hex("0001740000000200000001"));
        assert_eq!(range.value(), hex("0000000000000000040100000000000000070000000000000003"));
        assert_eq!(OffsetRange::read(&range.key(), &range.value()), Ok(range.clone()));
        for records in [0, -1, i64::MAX] {
            let wrong = OffsetRange { records, ..range.clone() };
            assert_eq!(OffsetRange::read(&wrong.key(), &wrong.value()).expect_err("refused").field, "records");
        }
        let value = range.value();
        for (length, field) in [(1, "version"), (9, "upstreamOffset"), (17, "offset"), (25, "records")] {
            assert_eq!(OffsetRange::read(&range.key(), &value[..length]).expect_err("cut").field, field);
        }
    }
}
