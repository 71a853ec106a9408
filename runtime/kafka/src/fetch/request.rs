//! A Fetch request and what its answer means, partition by partition.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{EpochEndOffset, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::batch;
use super::chunk::{Aborted, Chunk};
use super::fetcher::FetchConfig;
use super::lineage::Lineage;
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::wire::FetchById;

/// What was asked about one partition.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) tp: TopicPartition,
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    /// What was read last, when the log has to be that one.
    pub(super) lineage: Lineage,
    pub(super) generation: u64,
    /// Whether somebody else than the leader was asked.
    pub(super) from_replica: bool,
}

/// What came back for it.
#[derive(Debug)]
pub(super) enum Answer {
    /// Batches, and where the next fetch goes on when there are any, with the leader epoch before that.
    Records { chunk: Box<Chunk>, next: Option<(i64, i32)> },
    /// This broker has it too, and is nearer (KIP-392).
    AskReplica(i32),
    /// Nothing.
    Trouble(Trouble),
}

/// Why nothing came.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another broker leads the partition, or soon will.
    LeaderMoved,
    /// The offset is not in the log.
    OutOfRange,
    /// What was read is not in the log any more from this offset on, where this epoch ends.
    Diverged { epoch: i32, end: i64 },
    /// It may work in a moment.
    Passing(ResponseError),
    /// It will not work until somebody changes something.
    Lasting(Error),
}

/// A request with names of topics.
pub(super) fn request(config: &FetchConfig, asked: &[Asked]) -> FetchRequest {
    build(config, asked, |topic, asked| {
        topic.topic = TopicName(StrBytes::from_string(asked.tp.topic.to_string()));
    })
}

/// A request with ids of topics, which are known of all, and with the epochs that were read.
pub(super) fn request_by_id(config: &FetchConfig, asked: &[Asked]) -> FetchById {
    let mut request = build(config, asked, |topic, asked| {
        topic.topic_id = asked.lineage.topic_id.unwrap_or_default();
    });
    let partitions = request.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for (partition, asked) in partitions.zip(asked) {
        partition.last_fetched_epoch = asked.lineage.leader_epoch;
    }
    FetchById(request)
}

fn build(config: &FetchConfig, asked: &[Asked], name: impl Fn(&mut FetchTopic, &Asked)) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut last: Option<&Asked> = None;
    for asked in asked {
        let partition = FetchPartition::default()
            .with_partition(asked.tp.partition)
            .with_current_leader_epoch(asked.leader_epoch)
            .with_fetch_offset(asked.offset)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(int(config.partition_bytes));
        // In the order of the list, also when a topic then comes twice: the broker fills the answer from the front.
        let is_same = last.is_some_and(|last| last.tp.topic == asked.tp.topic);
        match topics.last_mut().filter(|_| is_same) {
            Some(topic) => topic.partitions.push(partition),
            None => {
                let mut topic = FetchTopic::default().with_partitions(vec![partition]);
                name(&mut topic, asked);
                topics.push(topic);
            }
        }
        last = Some(asked);
    }
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(i32::try_from(config.max_wait.as_millis()).unwrap_or(i32::MAX))
        .with_min_bytes(int(config.min_bytes))
        .with_max_bytes(int(config.max_bytes))
        .with_isolation_level(i8::from(config.read_committed))
        // Without a session: the whole list each time.
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(topics)
        .with_rack_id(StrBytes::from_string(config.rack.clone()))
}

/// How long an answer may take.
pub(super) fn patience(config: &FetchConfig, request_timeout: Duration) -> Duration {
    config.max_wait + request_timeout
}

/// Sorts the answer by what was asked; what was not asked is left out.
pub(super) fn sort(asked: &[Asked], answer: FetchResponse) -> Vec<(Asked, Answer)> {
    let known: HashMap<(&str, i32), &Asked> =
        asked.iter().map(|asked| ((&*asked.tp.topic, asked.tp.partition), asked)).collect();
    let names: HashMap<Uuid, &str> =
        asked.iter().filter_map(|asked| Some((asked.lineage.topic_id?, &*asked.tp.topic))).collect();
    let mut sorted = Vec::with_capacity(asked.len());
    let data = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let total: usize = data.filter_map(|data| data.records.as_ref()).map(Bytes::len).sum();
    for topic in answer.responses {
        let name = names.get(&topic.topic_id).copied().unwrap_or(topic.topic.as_str());
        for mut data in topic.partitions {
            // All are slices of one answer: a few records of one must not keep megabytes of others.
            if let Some(records) = data.records.as_mut().filter(|records| records.len() < total / 4) {
                *records = Bytes::copy_from_slice(records);
            }
            if let Some(asked) = known.get(&(name, data.partition_index)) {
                sorted.push(((*asked).clone(), read(asked, data)));
            }
        }
    }
    sorted
}

fn read(asked: &Asked, data: PartitionData) -> Answer {
    if let Some(code) = ResponseError::try_from_code(data.error_code) {
        return Answer::Trouble(trouble(&asked.tp, code));
    }
    if data.preferred_read_replica.0 >= 0 {
        return Answer::AskReplica(data.preferred_read_replica.0);
    }
    if data.diverging_epoch.end_offset >= 0 {
        let EpochEndOffset { epoch, end_offset, .. } = data.diverging_epoch;
        return Answer::Trouble(Trouble::Diverged { epoch, end: end_offset });
    }
    let bytes: Bytes = data.records.unwrap_or_default();
    let next = match batch::last(&bytes) {
        Ok(last) => last.map(|(last, epoch)| (last.saturating_add(1), epoch)),
        Err(reason) => {
            let failure = Error::new(ErrorKind::CorruptRecord, format!("{}: {reason}", asked.tp));
            return Answer::Trouble(Trouble::Lasting(failure));
        }
    };
    let aborted = data.aborted_transactions.unwrap_or_default().into_iter();
    let aborted = aborted.map(|it| Aborted { producer_id: it.producer_id.0, first_offset: it.first_offset });
    Answer::Records { chunk: Box::new(Chunk::new(bytes, aborted.collect()).of_topic(asked.lineage.topic_id)), next }
}

fn trouble(tp: &TopicPartition, code: ResponseError) -> Trouble {
    match code {
        ResponseError::OffsetOutOfRange => Trouble::OutOfRange,
        ResponseError::NotLeaderOrFollower
        | ResponseError::LeaderNotAvailable
        | ResponseError::UnknownTopicOrPartition
        | ResponseError::ReplicaNotAvailable
        | ResponseError::KafkaStorageError
        | ResponseError::UnknownTopicId
        | ResponseError::InconsistentTopicId
        | ResponseError::FencedLeaderEpoch
        | ResponseError::UnknownLeaderEpoch => Trouble::LeaderMoved,
        ResponseError::TopicAuthorizationFailed | ResponseError::CorruptMessage => {
            Trouble::Lasting(Error::from_broker(&format!("fetching {tp}"), code))
        }
        code => Trouble::Passing(code),
    }
}

fn int(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
