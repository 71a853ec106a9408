//! What tests do with topics: create, produce, read to the end, offsets of partitions and of consumer groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::wait::wait_until;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const READ_DEADLINE: Duration = Duration::from_secs(120);
/// Records between two looks at the position.
const LOOK_EVERY: usize = 10_000;

/// One record as it lies on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Partition.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970, if the record has a timestamp.
    pub timestamp_ms: Option<i64>,
    /// Key bytes.
    pub key: Option<Vec<u8>>,
    /// Value bytes; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// The key as text, empty when there is none.
    #[must_use]
    pub fn key_text(&self) -> String {
        lossy(self.key.as_deref())
    }

    /// The value as text, empty when there is none.
    #[must_use]
    pub fn value_text(&self) -> String {
        lossy(self.value.as_deref())
    }

    fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        Record {
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }
}

fn lossy(bytes: Option<&[u8]>) -> String {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// The topics of one cluster.
#[derive(Clone, Debug)]
pub struct Topics {
    bootstrap: String,
    producer_settings: Vec<(String, String)>,
}

impl Topics {
    /// The topics of the cluster at `bootstrap` (`host:port`).
    #[must_use]
    pub fn at(bootstrap: &str) -> Self {
        Topics { bootstrap: bootstrap.to_owned(), producer_settings: Vec::new() }
    }

    /// Produces with a setting in librdkafka's name, for example `batch.size`.
    #[must_use]
    pub fn producing_with(mut self, key: &str, value: &str) -> Self {
        self.producer_settings.push((key.to_owned(), value.to_owned()));
        self
    }

    fn client<C: FromClientConfig>(&self, settings: &[(&str, &str)]) -> Result<C> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("broker.address.family", "v4");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().context("creating a Kafka client")
    }

    pub(super) fn consumer(&self, group: &str) -> Result<BaseConsumer> {
        self.client(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "false"),
            ("fetch.wait.max.ms", "50"),
            ("fetch.message.max.bytes", "4000000"),
            // A full queue is looked at again after a second by default.
            ("fetch.queue.backoff.ms", "10"),
        ])
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        self.client(&[])
    }

    /// Waits until the broker answers a metadata request.
    pub fn await_broker(&self, deadline: Duration) -> Result<()> {
        let consumer = self.consumer("sluice-harness")?;
        wait_until("the broker to answer", deadline, || {
            consumer.fetch_metadata(None, Duration::from_secs(5)).map_err(anyhow::Error::from).and_then(|metadata| {
                if metadata.brokers().is_empty() { Err(anyhow!("metadata without a broker")) } else { Ok(()) }
            })
        })
    }

    /// Creates a topic with topic settings (`cleanup.policy`, …) and waits until its partitions can be asked for.
    pub fn create(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<()> {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let admin = self.admin()?;
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        all_done(block_on(admin.create_topics([&new], &options))?.context("creating a topic")?)?;
        wait_until(&format!("topic {topic}"), REQUEST_TIMEOUT, || self.end_offsets(topic)).map(drop)
    }

    /// Deletes a topic.
    pub fn delete(&self, topic: &str) -> Result<()> {
        let admin = self.admin()?;
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        all_done(block_on(admin.delete_topics(&[topic], &options))?.context("deleting a topic")?)
    }

    /// The topic's settings, defaults included.
    pub fn settings(&self, topic: &str) -> Result<BTreeMap<String, String>> {
        let admin = self.admin()?;
        let described = block_on(admin.describe_configs(
            [&ResourceSpecifier::Topic(topic)],
            &AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)),
        ))?
        .context("describing a topic")?;
        let resource = described.into_iter().next().context("no description of the topic")?;
        let resource = resource.map_err(|code| anyhow!("describing topic {topic}: {code}"))?;
        Ok(resource.entries.into_iter().map(|entry| (entry.name, entry.value.unwrap_or_default())).collect())
    }

    /// Sets topic settings; those that are not named go back to their defaults.
    pub fn alter(&self, topic: &str, settings: &[(&str, &str)]) -> Result<()> {
        let alter =
            AlterConfig { specifier: ResourceSpecifier::Topic(topic), entries: settings.iter().copied().collect() };
        let admin = self.admin()?;
        let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
        let altered = block_on(admin.alter_configs([&alter], &options))?.context("altering a topic")?;
        match altered.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some((_, code)) => bail!("altering topic {topic}: {code}"),
        }
    }

    /// Names of all topics.
    pub fn names(&self) -> Result<Vec<String>> {
        let metadata = self.consumer("sluice-harness")?.fetch_metadata(None, REQUEST_TIMEOUT)?;
        Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
    }

    /// The partitions of a topic. Fails if the topic does not exist.
    pub fn partitions(&self, topic: &str) -> Result<Vec<i32>> {
        partitions(&self.consumer("sluice-harness")?, topic)
    }

    /// Produces lines as values without a key, in order, and waits for every acknowledgement.
    pub fn produce<I: IntoIterator<Item = L>, L: AsRef<[u8]>>(&self, topic: &str, lines: I) -> Result<()> {
        self.produce_keyed(topic, None, lines.into_iter().map(|line| (None::<Vec<u8>>, Some(line))))
    }

    /// Produces (key, value) pairs, in order, and waits for every acknowledgement. Keyed records go where Java's default
    /// partitioner puts them unless a partition is given.
    pub fn produce_keyed<I, K, V>(&self, topic: &str, partition: Option<i32>, records: I) -> Result<()>
    where
        I: IntoIterator<Item = (Option<K>, Option<V>)>,
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let producer = self.producer()?;
        for (key, value) in records {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
            record.key = key.as_ref().map(AsRef::as_ref);
            record.payload = value.as_ref().map(AsRef::as_ref);
            record.partition = partition;
            send(&producer, record)?;
        }
        producer.flush(READ_DEADLINE).context("waiting for acknowledgements")?;
        match producer.context().refused.lock().ok().and_then(|mut refused| refused.take()) {
            None => Ok(()),
            Some(error) => Err(error).with_context(|| format!("producing to {topic}")),
        }
    }

    fn producer(&self) -> Result<BaseProducer<Deliveries>> {
        let settings = [
            ("bootstrap.servers", self.bootstrap.as_str()),
            ("linger.ms", "5"),
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("message.max.bytes", "100000000"),
            ("queue.buffering.max.messages", "1000000"),
        ];
        let mut config = ClientConfig::new();
        config.extend(settings.map(|(key, value)| (key.to_owned(), value.to_owned())));
        config.extend(self.producer_settings.iter().cloned());
        config.create_with_context(Deliveries::default()).context("creating a producer")
    }

    /// End offset by partition.
    pub fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        end_offsets(&self.consumer("sluice-harness")?, topic)
    }

    /// All records of all partitions up to the end offsets at the time of the call, by partition and offset.
    /// Records of open or aborted transactions are not among them.
    pub fn read(&self, topic: &str) -> Result<Vec<Record>> {
        self.read_from(topic, &BTreeMap::new())
    }

    /// As [`Topics::read`], from the given offset of a partition; partitions that are not named are read from the beginning.
    pub fn read_from(&self, topic: &str, starts: &BTreeMap<i32, i64>) -> Result<Vec<Record>> {
        let consumer = self.consumer("sluice-harness")?;
        let ends = end_offsets(&consumer, topic)?;
        let mut assignment = TopicPartitionList::new();
        for partition in ends.keys() {
            let start = starts.get(partition).map_or(Offset::Beginning, |offset| Offset::Offset(*offset));
            assignment.add_partition_offset(topic, *partition, start)?;
        }
        consumer.assign(&assignment)?;
        let (mut records, mut passed) = (Vec::new(), BTreeSet::new());
        wait_until(&format!("the end of topic {topic}"), READ_DEADLINE, || {
            while let Some(polled) = consumer.poll(Duration::from_millis(100)) {
                let message = polled?;
                records.push(Record::of(&message));
                // A topic that is written to all the time has no pause in which to look at the position.
                let passes = ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end);
                if (passes && passed.insert(message.partition())) || records.len() % LOOK_EVERY == 0 {
                    break;
                }
            }
            let position = consumer.position()?;
            let read_all = ends.iter().all(|(partition, end)| {
                *end <= starts.get(partition).copied().unwrap_or(0) || reached(&position, topic, *partition, *end)
            });
            if read_all { Ok(()) } else { Err(anyhow!("{} records, ends {ends:?}", records.len())) }
        })?;
        records.retain(|record: &Record| record.offset < ends[&record.partition]);
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(records)
    }

    /// The client ids of the members that the coordinator counts to a group.
    pub fn group_members(&self, group: &str) -> Result<Vec<String>> {
        let groups = self.consumer("sluice-harness")?.fetch_group_list(Some(group), REQUEST_TIMEOUT)?;
        let members = groups.groups().iter().flat_map(|found| found.members());
        Ok(members.map(|member| member.client_id().to_owned()).collect())
    }

    /// The committed offsets of a consumer group for one topic; partitions without a commit are absent.
    pub fn group_offsets(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let consumer = self.consumer(group)?;
        let mut asked = TopicPartitionList::new();
        for partition in partitions(&consumer, topic)? {
            asked.add_partition(topic, partition);
        }
        let committed = consumer.committed_offsets(asked, REQUEST_TIMEOUT).context("asking for committed offsets")?;
        let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset() {
            Offset::Offset(offset) => Some((element.partition(), offset)),
            _ => None,
        };
        Ok(committed.elements().iter().filter_map(offset).collect())
    }
}

/// A partition counts as read when its position is at the end, or when everything before the end is gone (transaction markers,
/// compaction) and the consumer has passed it.
fn reached(position: &TopicPartitionList, topic: &str, partition: i32, end: i64) -> bool {
    let element = position.find_partition(topic, partition);
    matches!(element.map(|element| element.offset()), Some(Offset::Offset(offset)) if offset >= end)
}

/// Keeps the first record that was not acknowledged.
#[derive(Default)]
struct Deliveries {
    refused: Mutex<Option<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, delivery: &DeliveryResult<'_>, (): ()) {
        if let (Err((error, _)), Ok(mut refused)) = (delivery, self.refused.lock()) {
            refused.get_or_insert_with(|| error.clone());
        }
    }
}

fn send(producer: &BaseProducer<Deliveries>, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => {
                producer.poll(Duration::ZERO);
                return Ok(());
            }
            Err((error, back)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                producer.poll(Duration::from_millis(100));
                record = back;
            }
            Err((error, _)) => return Err(error).context("producing"),
        }
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT).context("asking for metadata")?;
    let found = metadata.topics().iter().find(|found| found.name() == topic).context("no metadata of the topic")?;
    if let Some(code) = found.error() {
        bail!("topic {topic}: {}", RDKafkaErrorCode::from(code));
    }
    if found.partitions().is_empty() {
        bail!("topic {topic} has no partitions");
    }
    Ok(found.partitions().iter().map(|partition| partition.id()).collect())
}

pub(super) fn end_offsets(consumer: &BaseConsumer, topic: &str) -> Result<BTreeMap<i32, i64>> {
    let watermark = |partition: i32| {
        let (_, end) =
            consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT).context("asking for an end offset")?;
        Ok((partition, end))
    };
    partitions(consumer, topic)?.into_iter().map(watermark).collect()
}

/// The admin client is asynchronous, tests are not.
fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().context("a small runtime")?;
    Ok(runtime.block_on(future))
}

fn all_done<E: Display>(results: Vec<Result<String, (String, E)>>) -> Result<()> {
    match results.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some((topic, error)) => bail!("topic {topic}: {error}"),
    }
}
