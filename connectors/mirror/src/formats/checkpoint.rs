//! Where a consumer group stands in the source, and where that is in the target.

use bytes::Bytes;
use sluice_kafka::TopicPartition;

use super::Malformed;
use super::primitive::{Reader, Writer};

const VERSION: i16 = 0;

/// What MirrorCheckpoint says on the checkpoints topic, key and value together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The consumer group.
    pub group: String,
    /// The partition under its name in the **target**.
    pub partition: TopicPartition,
    /// What the group has committed in the source.
    pub upstream: i64,
    /// Where it goes on in the target.
    pub downstream: i64,
    /// What it has committed beside the offset.
    pub metadata: String,
}

impl Checkpoint {
    /// The record's key.
    pub fn key(&self) -> Bytes {
        let group = Writer::default().string(&self.group);
        group.string(&self.partition.topic).int32(self.partition.partition).done()
    }

    /// The record's value.
    pub fn value(&self) -> Bytes {
        let version = Writer::default().int16(VERSION);
        version.int64(self.upstream).int64(self.downstream).string(&self.metadata).done()
    }

    /// Reads key and value. A version other than 0 is read as 0, as Kafka does.
    ///
    /// # Errors
    /// Bytes that end early, texts that are not UTF-8.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let (mut key, mut value) = (Reader(key), Reader(value));
        let group = key.string("group")?;
        let topic = key.string("topic")?;
        let partition = TopicPartition::new(topic, key.int32("partition")?);
        value.int16("version")?;
        Ok(Self {
            group,
            partition,
            upstream: value.int64("upstreamOffset")?,
            downstream: value.int64("offset")?,
            metadata: value.string("metadata")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::hex;
    use super::*;

    fn checkpoint(metadata: &str) -> Checkpoint {
        Checkpoint {
            group: "g".to_owned(),
            partition: TopicPartition::new("A.t", 2),
            upstream: 10,
            downstream: 11,
            metadata: metadata.to_owned(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_kafka() {
        let with = checkpoint("md");
        assert_eq!(with.key(), hex("0001670003412e7400000002"));
        assert_eq!(with.value(), hex("0000000000000000000a000000000000000b00026d64"));
        assert_eq!(Checkpoint::read(&with.key(), &with.value()), Ok(with));
        let without = checkpoint("");
        assert!(without.value().ends_with(&[0, 0]));
        assert_eq!(Checkpoint::read(&without.key(), &without.value()), Ok(without));
    }

    #[test]
    fn what_is_cut_names_its_field() {
        let checkpoint = checkpoint("md");
        let value = checkpoint.value();
        for (length, field) in [(1, "version"), (9, "upstreamOffset"), (17, "offset"), (21, "metadata")] {
            assert_eq!(Checkpoint::read(&checkpoint.key(), &value[..length]).expect_err("cut").field, field);
        }
    }
}
