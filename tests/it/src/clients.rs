//! Producer and consumer against a real broker: what tasks rely on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use sluice_harness::{Kafka, count};
use sluice_kafka::{
    Ack, Consumer, ConsumerLimits, Error, ErrorKind, Producer, ProducerLimits, ProducerRecord, RebalanceEvent,
    TopicPartition,
};

use crate::raw_batch;
use crate::stores::{DEADLINE, blocking, poll, properties, within};

/// Invariant 1: exactly one ack for each record, and records in the order in which they were sent.
pub(crate) async fn acks_survive(mut kafka: Kafka, bootstrap: &str) -> Result<Kafka> {
    let producer = Producer::new(&properties(bootstrap, &[]), ProducerLimits::default())?;
    let total = count(20_000, 200_000);
    let records: Vec<ProducerRecord> =
        (0..total).map(|number| record("acks", Some(number.to_string().into()))).collect();
    let mut acks = Vec::new();
    send_all(&producer, &records[..total / 2], 0, &mut acks).await?;
    kafka.kill9()?;
    let restarted = tokio::task::spawn_blocking(move || kafka.restart().map(|()| kafka));
    send_all(&producer, &records[total / 2..], total / 2, &mut acks).await?;
    while acks.len() < total {
        within("acks", producer.acks_ready()).await?;
        producer.take_acks(&mut acks);
    }
    let kafka = restarted.await??;
    each_has_one_ack(&acks, total)?;
    let values: Vec<usize> = blocking(|| kafka.topics().read("acks"))?
        .iter()
        .filter_map(|record| record.value_text().parse().ok())
        .collect();
    let mut next = 0;
    for value in values {
        ensure!(value <= next, "record {value} comes before record {next}");
        next = next.max(value + 1);
    }
    ensure!(next == total, "only {next} of {total} records are there");
    Ok(kafka)
}

/// Ends when the last record is with the producer, most of them still without an ack.
async fn send_all(producer: &Producer, records: &[ProducerRecord], first: usize, acks: &mut Vec<Ack>) -> Result<()> {
    let mut sent = 0;
    while sent < records.len() {
        let accepted = producer.send(&records[sent..], (first + sent) as u64)?;
        sent += accepted;
        if accepted == 0 {
            within("acks", producer.acks_ready()).await?;
        }
        producer.poll();
        producer.take_acks(acks);
    }
    Ok(())
}

fn each_has_one_ack(acks: &[Ack], total: usize) -> Result<()> {
    let mut indexes = BTreeSet::new();
    for ack in acks {
        ensure!(indexes.insert(ack.index), "two acks for record {}", ack.index);
        if let Err(error) = &ack.result {
            bail!("record {} was given up: {error}", ack.index);
        }
    }
    ensure!(indexes.len() == total, "{} acks for {total} records", indexes.len());
    Ok(())
}

fn record(topic: &str, value: Option<Bytes>) -> ProducerRecord {
    ProducerRecord { topic: topic.into(), partition: None, timestamp_ms: None, key: None, value, headers: Vec::new() }
}

/// The largest value that fits is delivered, one byte more is refused by name: with the default, and with a small limit.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_record_is_what_max_request_size_says() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("sizes", 1, &[]))?;
    // 61 bytes of the batch, 21 of the record, null key, the value's length, no headers: what Java's producer counts.
    for (limit, largest) in [(None, 1_048_576 - 87), (Some("1000"), 1000 - 86)] {
        let more: Vec<(&str, &str)> = limit.map(|limit| ("max.request.size", limit)).into_iter().collect();
        let producer = Producer::new(&properties(&kafka.bootstrap(), &more), ProducerLimits::default())?;
        ensure!(producer.send(&[record("sizes", Some(vec![b'x'; largest].into()))], 0)? == 1, "not accepted");
        within("the ack", producer.flush(DEADLINE)).await??;
        let mut acks = Vec::new();
        producer.take_acks(&mut acks);
        each_has_one_ack(&acks, 1).with_context(|| format!("a value of {largest} bytes"))?;
        let Err(refused) = producer.send(&[record("sizes", Some(vec![b'x'; largest + 1].into()))], 1) else {
            bail!("a value of {} bytes was accepted", largest + 1);
        };
        ensure!(refused.error.kind() == ErrorKind::RecordTooLarge, "{refused:?}");
        ensure!(
            refused.to_string().contains("`max.request.size`") && refused.to_string().contains("sizes"),
            "{refused}"
        );
    }
    let sizes: Vec<usize> =
        blocking(|| kafka.topics().read("sizes"))?.iter().map(|record| record.value_text().len()).collect();
    ensure!(sizes == [1_048_576 - 87, 1000 - 86], "{sizes:?}");
    Ok(())
}

/// Goes on where the group has committed, else at the beginning.
async fn take(consumer: &Consumer, partitions: &[TopicPartition]) -> Result<()> {
    let positions = consumer.position(partitions, DEADLINE).await?;
    Ok(consumer.assign_from(&positions)?)
}

/// One member of a group, as a sink task uses it.
struct Member {
    consumer: Consumer,
    held: BTreeSet<TopicPartition>,
    next: BTreeMap<TopicPartition, i64>,
    seen: Vec<(i32, i64)>,
}

impl Member {
    fn join(bootstrap: &str, topic: &str) -> Result<Self> {
        let settings = [
            ("group.id", "two-members"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "300"),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
        ];
        let consumer = Consumer::new(&properties(bootstrap, &settings), ConsumerLimits::default())?;
        consumer.subscribe(&[topic])?;
        Ok(Self { consumer, held: BTreeSet::new(), next: BTreeMap::new(), seen: Vec::new() })
    }

    /// Takes a few records and answers rebalances: what was taken is committed before its partition is given back.
    async fn turn(&mut self) -> Result<()> {
        let polled = poll(&self.consumer, 7).await?;
        for record in polled.records {
            self.seen.push((record.partition, record.offset));
            self.next.insert(TopicPartition::new(record.topic, record.partition), record.offset + 1);
        }
        for event in polled.events {
            match event {
                RebalanceEvent::Assigned(partitions) => {
                    take(&self.consumer, &partitions).await?;
                    self.held.extend(partitions);
                }
                RebalanceEvent::Revoked(partitions) => {
                    self.commit().await?;
                    self.consumer.unassign(&partitions)?;
                    self.held.retain(|held| !partitions.contains(held));
                }
                RebalanceEvent::Lost(partitions) => bail!("{partitions:?} were lost"),
            }
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        let offsets: Vec<(TopicPartition, i64)> = std::mem::take(&mut self.next).into_iter().collect();
        Ok(self.consumer.commit_sync(&offsets, DEADLINE).await?)
    }
}

// Invariant 2.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_before_it_is_given_back_goes_on_at_the_other_member() -> Result<()> {
    const RECORDS: i64 = 2_000;
    let kafka = blocking(Kafka::shared)?;
    let (bootstrap, topics) = (kafka.bootstrap(), kafka.topics());
    blocking(|| topics.create("two-members", 2, &[]))?;
    for partition in 0..2 {
        let values = (0..RECORDS).map(|number| (None::<&[u8]>, Some(number.to_string())));
        blocking(|| topics.produce_keyed("two-members", Some(partition), values))?;
    }
    let mut first = Member::join(&bootstrap, "two-members")?;
    within("the first records of both partitions", async {
        while first.seen.len() < 50 || first.held.len() < 2 {
            first.turn().await?;
        }
        anyhow::Ok(())
    })
    .await??;
    let mut second = Member::join(&bootstrap, "two-members")?;
    within("the rest, shared", async {
        while first.seen.len() + second.seen.len() < 2 * RECORDS as usize {
            first.turn().await?;
            second.turn().await?;
        }
        anyhow::Ok(())
    })
    .await??;
    ensure!(first.held.len() == 1 && second.held.len() == 1, "{:?} and {:?} are held", first.held, second.held);
    let mut seen: Vec<(i32, i64)> = first.seen.iter().chain(&second.seen).copied().collect();
    seen.sort_unstable();
    let all = (0..2).flat_map(|partition| (0..RECORDS).map(move |offset| (partition, offset)));
    ensure!(seen.into_iter().eq(all), "some records were seen twice or not at all");
    first.commit().await?;
    second.commit().await?;
    let committed = blocking(|| topics.group_offsets("two-members", "two-members"))?;
    ensure!(committed.values().all(|offset| *offset == RECORDS) && committed.len() == 2, "{committed:?}");
    Ok(())
}

/// A sink is often created before the source that fills its topic.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_created_after_the_subscription_is_read_within_seconds() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("there-before", 1, &[]))?;
    let settings =
        [("group.id", "created-later"), ("auto.offset.reset", "earliest"), ("allow.auto.create.topics", "false")];
    let consumer = Consumer::new(&properties(&kafka.bootstrap(), &settings), ConsumerLimits::default())?;
    consumer.subscribe(&["there-before", "created-later"])?;
    let mut topics = BTreeSet::new();
    within("records of both topics", async {
        while topics.len() < 2 {
            let polled = poll(&consumer, 10).await?;
            for event in polled.events {
                match event {
                    RebalanceEvent::Assigned(partitions) => {
                        take(&consumer, &partitions).await?;
                        // The group has settled without it: now it is created.
                        if partitions.len() == 1 {
                            blocking(|| kafka.topics().create("created-later", 1, &[]))?;
                            blocking(|| kafka.topics().produce("created-later", ["first"]))?;
                            blocking(|| kafka.topics().produce("there-before", ["first"]))?;
                        }
                    }
                    RebalanceEvent::Revoked(partitions) | RebalanceEvent::Lost(partitions) => {
                        consumer.unassign(&partitions)?;
                    }
                }
            }
            topics.extend(polled.records.into_iter().map(|record| record.topic));
        }
        anyhow::Ok(())
    })
    .await??;
    Ok(())
}

/// Invariant 5: its partitions may be with another member by the time it polls again, so it gets nothing more, least of all behind a gap.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_taken_out_of_its_group_gets_no_record_after_a_gap() -> Result<()> {
    const RECORDS: i64 = 20_000;
    let kafka = blocking(Kafka::shared)?;
    let bootstrap = kafka.bootstrap();
    blocking(|| kafka.topics().create("taken-out", 1, &[]))?;
    blocking(|| kafka.topics().produce("taken-out", (0..RECORDS).map(|number| number.to_string())))?;
    for round in 0..count(5, 50) {
        let group = format!("taken-out-{round}");
        let settings = [("group.id", group.as_str()), ("auto.offset.reset", "earliest")];
        let consumer = Consumer::new(&properties(&bootstrap, &settings), ConsumerLimits::default())?;
        consumer.subscribe(&["taken-out"])?;
        let (mut next, mut leaves) = (0, false);
        within("the consumer to be out of its group", async {
            while !leaves || !consumer.assignment()?.is_empty() {
                let polled = poll(&consumer, 7).await?;
                for event in polled.events {
                    if let RebalanceEvent::Assigned(partitions) = event {
                        take(&consumer, &partitions).await?;
                    }
                }
                for record in polled.records {
                    ensure!(record.offset == next, "offset {} came after {}", record.offset, next - 1);
                    next += 1;
                }
                if !leaves && next > 0 {
                    consumer.departure().begin();
                    leaves = true;
                }
            }
            anyhow::Ok(())
        })
        .await??;
        ensure!(next < RECORDS, "the consumer went on reading to the end");
    }
    Ok(())
}

/// Invariant 3: such a record cannot be handed on as it is, so the read fails and names it; the records before it are given.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_name_that_is_not_utf_8_is_an_error_that_names_the_record() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("bad-header", 1, &[]))?;
    blocking(|| kafka.topics().produce("bad-header", ["before"]))?;
    blocking(|| raw_batch::produce(&kafka.bootstrap(), "bad-header", &raw_batch::with_header(b"na\xffme", b"value")))?;
    let settings = [("group.id", "bad-header"), ("auto.offset.reset", "earliest")];
    let consumer = Consumer::new(&properties(&kafka.bootstrap(), &settings), ConsumerLimits::default())?;
    consumer.assign_from_beginning(&[TopicPartition::new("bad-header", 0)])?;
    let (mut before, mut failure) = (0, None);
    within("the bad record", async {
        while failure.is_none() {
            match poll(&consumer, 10).await {
                Ok(polled) => before += polled.records.len(),
                Err(error) => failure = Some(error),
            }
            tokio::task::yield_now().await;
        }
    })
    .await?;
    let failure = failure.context("a failure")?;
    ensure!(before == 1 && failure.kind() == ErrorKind::CorruptRecord, "{before} records, then {failure:?}");
    ensure!(failure.to_string().contains("bad-header-0 offset 1"), "{failure}");
    Ok(())
}

/// As producers of librdkafka compress them; the bench's reference reader is of Java.
#[tokio::test(flavor = "multi_thread")]
async fn records_of_every_compression_are_read_in_order() -> Result<()> {
    const RECORDS: usize = 3_000;
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("compressed", 1, &[]))?;
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let settings = [("compression.type", codec), ("linger.ms", "50")];
        let producer = Producer::new(&properties(&kafka.bootstrap(), &settings), ProducerLimits::default())?;
        let value = |number: usize| format!("{codec} {number:06} {}", "x".repeat(number % 200));
        let records: Vec<_> = (0..RECORDS).map(|number| record("compressed", Some(value(number).into()))).collect();
        let mut acks = Vec::new();
        send_all(&producer, &records, 0, &mut acks).await?;
        within("the acks", producer.flush(DEADLINE)).await??;
    }
    let settings = [("group.id", "compressed")];
    let consumer = Consumer::new(&properties(&kafka.bootstrap(), &settings), ConsumerLimits::default())?;
    consumer.assign_from_beginning(&[TopicPartition::new("compressed", 0)])?;
    let mut next = 0;
    within("all records", async {
        while next < RECORDS * codecs.len() {
            for record in poll(&consumer, 500).await?.records {
                let expected = format!("{} {:06} ", codecs[next / RECORDS], next % RECORDS);
                let value = record.value.unwrap_or_default();
                ensure!(value.starts_with(expected.as_bytes()), "{value:?} came instead of {expected}");
                ensure!(record.offset == next as i64, "offset {} came instead of {next}", record.offset);
                next += 1;
            }
        }
        anyhow::Ok(())
    })
    .await?
}

/// Reads on from offset 1,000 of a topic with two records.
async fn beyond_the_end(kafka: &Kafka, reset: &str) -> Result<Consumer> {
    let settings = [("group.id", "short-log"), ("auto.offset.reset", reset)];
    let consumer = Consumer::new(&properties(&kafka.bootstrap(), &settings), ConsumerLimits::default())?;
    consumer.assign_from(&[(TopicPartition::new("short-log", 0), 1_000)])?;
    Ok(consumer)
}

async fn first_offset(consumer: &Consumer) -> Result<i64, Error> {
    loop {
        if let Some(record) = poll(consumer, 10).await?.records.first() {
            return Ok(record.offset);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_not_in_the_log_goes_where_auto_offset_reset_says() -> Result<()> {
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("short-log", 1, &[]))?;
    blocking(|| kafka.topics().produce("short-log", ["zero", "one"]))?;
    let earliest = beyond_the_end(kafka, "earliest").await?;
    ensure!(within("the first record", first_offset(&earliest)).await?? == 0);
    let none = beyond_the_end(kafka, "none").await?;
    let error = within("an error", first_offset(&none)).await?.err().context("no error")?;
    ensure!(error.kind() == ErrorKind::NoOffset, "{error}");
    ensure!(error.to_string().contains("short-log-0 at offset 1000"), "{error}");
    let latest = beyond_the_end(kafka, "latest").await?;
    let partition = [TopicPartition::new("short-log", 0)];
    within("the end of the log", async {
        while latest.position(&partition, DEADLINE).await?[0].1 != 2 {
            poll(&latest, 10).await?;
        }
        anyhow::Ok(())
    })
    .await??;
    blocking(|| kafka.topics().produce("short-log", ["two"]))?;
    ensure!(within("the next record", first_offset(&latest)).await?? == 2);
    Ok(())
}

/// A batch of large records ends at its bytes, not at its number of records, and nothing is left out.
#[tokio::test(flavor = "multi_thread")]
async fn large_records_come_in_small_batches() -> Result<()> {
    const VALUE_BYTES: usize = 100_000;
    const BATCH_BYTES: usize = 250_000;
    let kafka = blocking(Kafka::shared)?;
    blocking(|| kafka.topics().create("large", 1, &[]))?;
    blocking(|| kafka.topics().produce("large", (0..20).map(|_| vec![b'x'; VALUE_BYTES])))?;
    let settings = [("group.id", "large"), ("auto.offset.reset", "earliest")];
    let limits = ConsumerLimits { batch_bytes: BATCH_BYTES, ..ConsumerLimits::default() };
    let consumer = Consumer::new(&properties(&kafka.bootstrap(), &settings), limits)?;
    consumer.assign_from_beginning(&[TopicPartition::new("large", 0)])?;
    let (mut taken, mut largest) = (0, 0);
    within("all records", async {
        while taken < 20 {
            let polled = poll(&consumer, 500).await?;
            largest = largest.max(polled.records.len());
            taken += polled.records.len();
        }
        anyhow::Ok(())
    })
    .await??;
    ensure!(taken == 20, "{taken} of 20 records were taken");
    ensure!(largest <= BATCH_BYTES.div_ceil(VALUE_BYTES), "a batch had {largest} records of {VALUE_BYTES} bytes");
    Ok(())
}
