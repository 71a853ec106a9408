//! A Fetch request and what its answer means, partition by partition.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::batch;
use super::chunk::{Aborted, Chunk};
use super::fetcher::FetchConfig;
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};

/// What was asked about one partition.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) tp: TopicPartition,
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) generation: u64,
    /// Whether somebody else than the leader was asked.
    pub(super) from_replica: bool,
}

/// What came back for it.
#[derive(Debug)]
pub(super) enum Answer {
    /// Batches, and where the next fetch goes on when there are any.
    Records { chunk: Box<Chunk>, next: Option<i64> },
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
    /// It may work in a moment.
    Passing(ResponseError),
    /// It will not work until somebody changes something.
    Lasting(Error),
}

pub(super) fn request(config: &FetchConfig, asked: &[Asked]) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for asked in asked {
        let partition = FetchPartition::default()
            .with_partition(asked.tp.partition)
            .with_current_leader_epoch(asked.leader_epoch)
            .with_fetch_offset(asked.offset)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(int(config.partition_bytes));
        // In the order of the list, also when a topic then comes twice: the broker fills the answer from the front.
        match topics.last_mut().filter(|topic| *topic.topic.as_str() == *asked.tp.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => {
                let name = TopicName(StrBytes::from_string(asked.tp.topic.to_string()));
                topics.push(FetchTopic::default().with_topic(name).with_partitions(vec![partition]));
            }
        }
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
    let mut sorted = Vec::with_capacity(asked.len());
    let data = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let total: usize = data.filter_map(|data| data.records.as_ref()).map(Bytes::len).sum();
    for topic in answer.responses {
        for mut data in topic.partitions {
            // All are slices of one answer: a few records of one must not keep megabytes of others.
            if let Some(records) = data.records.as_mut().filter(|records| records.len() < total / 4) {
                *records = Bytes::copy_from_slice(records);
            }
            if let Some(asked) = known.get(&(topic.topic.as_str(), data.partition_index)) {
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
    let bytes: Bytes = data.records.unwrap_or_default();
    let next = match batch::last_offset(&bytes) {
        Ok(last) => last.map(|last| last.saturating_add(1)),
        Err(reason) => {
            let failure = Error::new(ErrorKind::CorruptRecord, format!("{}: {reason}", asked.tp));
            return Answer::Trouble(Trouble::Lasting(failure));
        }
    };
    let aborted = data.aborted_transactions.unwrap_or_default().into_iter();
    let aborted = aborted.map(|it| Aborted { producer_id: it.producer_id.0, first_offset: it.first_offset });
    Answer::Records { chunk: Box::new(Chunk::new(bytes, aborted.collect())), next }
}

fn trouble(tp: &TopicPartition, code: ResponseError) -> Trouble {
    match code {
        ResponseError::OffsetOutOfRange => Trouble::OutOfRange,
        ResponseError::NotLeaderOrFollower
        | ResponseError::LeaderNotAvailable
        | ResponseError::UnknownTopicOrPartition
        | ResponseError::ReplicaNotAvailable
        | ResponseError::KafkaStorageError
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
