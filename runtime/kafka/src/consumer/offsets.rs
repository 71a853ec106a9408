//! Lists of partitions and offsets, in and out of librdkafka's own.

use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::record::TopicPartition;
use crate::error::Error;

pub(super) fn list(partitions: &[TopicPartition], offset: Offset) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for tp in partitions {
        add(&mut list, tp, offset)?;
    }
    Ok(list)
}

pub(super) fn list_with_offsets(offsets: &[(TopicPartition, i64)]) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (tp, offset) in offsets {
        add(&mut list, tp, Offset::Offset(*offset))?;
    }
    Ok(list)
}

fn add(list: &mut TopicPartitionList, tp: &TopicPartition, offset: Offset) -> Result<(), Error> {
    list.add_partition_offset(&tp.topic, tp.partition, offset)
        .map_err(|error| Error::from_client(&format!("an offset of {tp}"), &error))
}

pub(super) fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|element| TopicPartition::new(element.topic(), element.partition())).collect()
}

/// The partitions that have a real offset, with it.
pub(super) fn known(list: &TopicPartitionList) -> Vec<(TopicPartition, i64)> {
    let elements = list.elements();
    let known = elements.iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => Some((TopicPartition::new(element.topic(), element.partition()), offset)),
        _ => None,
    });
    known.collect()
}

/// The first partition that could not be served fails them all.
pub(super) fn check(list: &TopicPartitionList, action: &str) -> Result<(), Error> {
    list.elements().iter().try_for_each(|element| {
        let partition = || format!("{action} of {}-{}", element.topic(), element.partition());
        element.error().map_err(|error| Error::from_client(&partition(), &error))
    })
}
