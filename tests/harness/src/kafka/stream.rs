//! What the bench does with topics that are too large for memory: one connection that watches the end, and a reader that keeps nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::topics::{Topics, end_offsets};

/// No record for that long before the end is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks for the end of a topic again and again over one connection.
pub struct EndWatch {
    consumer: BaseConsumer,
    topic: String,
}

impl std::fmt::Debug for EndWatch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EndWatch").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl EndWatch {
    /// The sum of the end offsets of all partitions.
    pub fn end(&self) -> Result<i64> {
        Ok(self.ends()?.values().sum())
    }

    /// The end offset of each partition.
    pub fn ends(&self) -> Result<BTreeMap<i32, i64>> {
        end_offsets(&self.consumer, &self.topic)
    }
}

impl Topics {
    /// A watch over the end of a topic.
    pub fn watch_end(&self, topic: &str) -> Result<EndWatch> {
        Ok(EndWatch { consumer: self.consumer("sluice-harness")?, topic: topic.to_owned() })
    }

    /// Shows the value of every record of partition 0 up to its end at the time of the call, in order; a tombstone is empty.
    /// For topics without transactions: the last offset has to be a record's.
    pub fn visit(&self, topic: &str, mut value: impl FnMut(&[u8])) -> Result<()> {
        let consumer = self.consumer("sluice-harness")?;
        let end = end_offsets(&consumer, topic)?.get(&0).copied().unwrap_or(0);
        let mut assignment = TopicPartitionList::new();
        assignment.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&assignment)?;
        let mut next = 0;
        while next < end {
            let Some(polled) = consumer.poll(PATIENCE) else { bail!("topic {topic} stands still at {next} of {end}") };
            let message = polled.with_context(|| format!("reading topic {topic}"))?;
            value(message.payload().unwrap_or_default());
            next = message.offset() + 1;
        }
        Ok(())
    }
}
