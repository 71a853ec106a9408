//! A Produce request in pieces, and what its answer says of each batch.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;

use super::header::{self, HEADER, Identity};
use super::lane::Outcome;
use crate::consumer::TopicPartition;

const PRODUCE: i16 = 0;
/// The newest version without the compact encoding.
const VERSION: i16 = 8;
/// Acknowledged by all replicas in sync: nothing less is idempotent.
const ACKS: i16 = -1;

/// One batch of a request.
pub(super) struct Sent<'a> {
    pub(super) target: &'a TopicPartition,
    pub(super) batch: Bytes,
    pub(super) identity: Identity,
    pub(super) sequence: i32,
}

/// The pieces of a whole request: headers in pieces of our own, records as they lie in the answers that they came with. `batches` are
/// of one partition each, those of a topic next to each other.
pub(super) fn encode(correlation_id: i32, client_id: &str, timeout_ms: i32, batches: &[Sent<'_>]) -> Vec<Bytes> {
    let mut pieces = vec![Bytes::new()];
    let mut piece = BytesMut::with_capacity(64 + batches.len() * (HEADER + 16));
    piece.put_i16(PRODUCE);
    piece.put_i16(VERSION);
    piece.put_i32(correlation_id);
    put_text(&mut piece, client_id);
    // No transactional id.
    piece.put_i16(-1);
    piece.put_i16(ACKS);
    piece.put_i32(timeout_ms);
    let topics = batches.chunk_by(|one, other| one.target.topic == other.target.topic);
    piece.put_i32(count(topics.clone().count()));
    for topic in topics {
        put_text(&mut piece, topic.first().map_or("", |sent| &sent.target.topic));
        piece.put_i32(count(topic.len()));
        for sent in topic {
            piece.put_i32(sent.target.partition);
            piece.put_i32(count(sent.batch.len()));
            header::write(&mut piece, &sent.batch, sent.identity, sent.sequence);
            pieces.push(piece.split().freeze());
            pieces.push(sent.batch.slice(HEADER..));
        }
    }
    let length: usize = pieces.iter().map(Bytes::len).sum();
    pieces[0] = Bytes::copy_from_slice(&count(length).to_be_bytes());
    pieces
}

fn put_text(out: &mut BytesMut, text: &str) {
    let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
    out.put_i16(length);
    out.put_slice(&text.as_bytes()[..usize::try_from(length).unwrap_or(0)]);
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What an answer means for its parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This, and the broker still leads the partition.
    Outcome(Outcome),
    /// The lane has to look for its leader; whether the batch was appended is not known.
    LeaderMoved,
    /// Nothing helps but somebody who changes something.
    Refused(ResponseError),
}

/// Sorts an answer.
pub(super) fn read(answer: &PartitionProduceResponse) -> Verdict {
    let Some(code) = ResponseError::try_from_code(answer.error_code) else {
        return Verdict::Outcome(Outcome::Appended(Some(answer.base_offset).filter(|offset| *offset >= 0)));
    };
    match code {
        // Of brokers that tell duplicates apart; the place is not said.
        ResponseError::DuplicateSequenceNumber => Verdict::Outcome(Outcome::Appended(None)),
        ResponseError::OutOfOrderSequenceNumber
        | ResponseError::UnknownProducerId
        | ResponseError::InvalidProducerEpoch => Verdict::Outcome(Outcome::OutOfOrder),
        ResponseError::MessageTooLarge | ResponseError::RecordListTooLarge => Verdict::Outcome(Outcome::TooLarge),
        // The leader has it, its replicas may not.
        ResponseError::RequestTimedOut | ResponseError::NotEnoughReplicasAfterAppend => {
            Verdict::Outcome(Outcome::Unknown)
        }
        // Each of them also comes of a leader that stopped leading while its replicas were to follow.
        ResponseError::NetworkException
        | ResponseError::KafkaStorageError
        | ResponseError::NotLeaderOrFollower
        | ResponseError::LeaderNotAvailable
        | ResponseError::UnknownTopicOrPartition
        | ResponseError::FencedLeaderEpoch
        | ResponseError::UnknownLeaderEpoch => Verdict::LeaderMoved,
        code if code.is_retriable() && code != ResponseError::CorruptMessage => Verdict::Outcome(Outcome::Refused),
        code => Verdict::Refused(code),
    }
}

/// What the broker says beside its code: of which record, and why.
pub(super) fn detail(answer: &PartitionProduceResponse) -> String {
    let records = answer.record_errors.iter().take(3).map(|record| {
        let message = record.batch_index_error_message.as_ref().map_or("", |message| message.as_str());
        format!(" (record {} of the batch: {message})", record.batch_index)
    });
    let message = answer.error_message.as_ref().map(|message| format!(": {}", &**message)).unwrap_or_default();
    message + &records.collect::<String>()
}
