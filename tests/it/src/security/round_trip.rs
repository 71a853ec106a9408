//! What both Kafka clients do when they are let in.

use anyhow::{Result, ensure};
use bytes::Bytes;
use sluice_kafka::wire::{ClientConfig, GroupAdmin, GroupConfig, GroupMember, HeartbeatOutcome};
use sluice_kafka::{
    Ack, Admin, Consumer, ConsumerLimits, Error, NewTopic, Producer, ProducerLimits, ProducerRecord, Properties,
    TopicPartition,
};

use super::settings::{Settings, client};
use crate::stores::{DEADLINE, poll, within};

/// A record through librdkafka and back, and the calls of the raw-protocol client: all with the same properties.
pub(super) async fn works(name: &str, settings: &Settings) -> Result<()> {
    let topic = format!("secured-{name}");
    let admin = Admin::new(&client(settings, &[]))?;
    within("the cluster id", admin.cluster_id(DEADLINE)).await??;
    let new = NewTopic { name: topic.clone(), partitions: 1, replication_factor: 1, settings: Properties::new() };
    within("the topic", admin.create_topic(&new, DEADLINE)).await??;
    let producer = Producer::new(&client(settings, &[]), ProducerLimits::default())?;
    ensure!(producer.send(&[record(&topic, name)], 0)? == 1, "not accepted");
    within("the ack", producer.flush(DEADLINE)).await??;
    ensure!(acks(&producer).iter().all(|ack| ack.result.is_ok()), "the record was not written");
    let consumer = Consumer::new(&client(settings, &[("group.id", &topic)]), ConsumerLimits::default())?;
    consumer.assign_from_beginning(&[TopicPartition::new(topic.as_str(), 0)])?;
    let values = within("the record", async {
        loop {
            let polled = poll(&consumer, 10).await?;
            if !polled.records.is_empty() {
                return Ok::<_, Error>(polled.records);
            }
            tokio::task::yield_now().await;
        }
    });
    let values = values.await??;
    ensure!(values[0].value.as_deref() == Some(name.as_bytes()), "{values:?}");
    let group = format!("group-{name}");
    let mut member = member(settings, &group)?;
    join(&mut member).await?;
    ensure!(within("a heartbeat", member.heartbeat()).await?? == HeartbeatOutcome::Ok, "the member is not alive");
    let properties = client(settings, &[]);
    let config = ClientConfig::parse(properties.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
    let described = within("the group", GroupAdmin::new(config).describe(&group)).await??;
    ensure!(described.members.len() == 1, "{described:?}");
    within("leaving", member.leave()).await??;
    Ok(())
}

pub(super) fn member(settings: &Settings, group: &str) -> Result<GroupMember> {
    let properties = client(settings, &[("group.id", group), ("session.timeout.ms", "30000")]);
    Ok(GroupMember::new(GroupConfig::parse(properties.iter().map(|(key, value)| (key.as_str(), value.as_str())))?))
}

pub(super) async fn join(member: &mut GroupMember) -> Result<()> {
    let offer = [("compatible".to_owned(), Bytes::from_static(b"metadata"))];
    let joined = within("joining", member.join(&offer)).await??;
    within("the assignment", member.sync(vec![(joined.member_id, Bytes::from_static(b"work"))])).await??;
    Ok(())
}

pub(super) fn record(topic: &str, value: &str) -> ProducerRecord {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    ProducerRecord { topic: topic.into(), partition: None, timestamp_ms: None, key: None, value, headers: Vec::new() }
}

pub(super) fn acks(producer: &Producer) -> Vec<Ack> {
    let mut acks = Vec::new();
    producer.poll();
    producer.take_acks(&mut acks);
    acks
}
