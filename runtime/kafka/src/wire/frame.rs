//! Requests to bytes, bytes to answers. Nothing here waits except `read_frame`.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::api::Api;
use super::shape;

/// Room that is made for an answer before its bytes are there.
const AT_ONCE: usize = 4 << 20;

/// With a client id, and with tagged fields where the version has the compact encoding.
const fn request_header_version(flexible: bool) -> i16 {
    if flexible { 2 } else { 1 }
}

/// A whole request with its length in front.
pub(super) fn encode_request<A: Api>(request: &A, client_id: &str, correlation_id: i32) -> Result<Bytes, String> {
    let header = RequestHeader::default()
        .with_request_api_key(A::KEY)
        .with_request_api_version(A::VERSION)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    let mut body = BytesMut::new();
    header.encode(&mut body, request_header_version(A::FLEXIBLE)).map_err(|error| error.to_string())?;
    request.body().encode(&mut body, A::VERSION).map_err(|error| error.to_string())?;
    let length = i32::try_from(body.len()).map_err(|_| format!("{} bytes", body.len()))?;
    let mut frame = BytesMut::with_capacity(4 + body.len());
    frame.put_i32(length);
    frame.extend_from_slice(&body);
    Ok(frame.freeze())
}

/// The answer in `frame`, which is everything after the length. Never panics, whatever the bytes.
pub(crate) fn decode_answer<A: Api>(mut frame: Bytes, correlation_id: i32) -> Result<A::Answer, String> {
    let answered = frame.try_get_i32().map_err(|_| "no correlation id".to_owned())?;
    if answered != correlation_id {
        return Err(format!("correlation id {answered} instead of {correlation_id}"));
    }
    if A::FLEXIBLE {
        shape::check(&[shape::Shape::Tags], &frame)?;
        skip_tags(&mut frame)?;
    }
    shape::check(A::ANSWER, &frame)?;
    A::Answer::decode(&mut frame, A::VERSION).map_err(|error| error.to_string())
}

/// Takes the tagged fields of a header off the front; a known broker sends none.
fn skip_tags(frame: &mut Bytes) -> Result<(), String> {
    match frame.try_get_u8() {
        Ok(0) => Ok(()),
        _ => Err("tagged fields in the header".to_owned()),
    }
}

/// Reads one length-prefixed frame, without its length. A length that lies costs little memory: beyond a few megabytes the buffer
/// grows with what arrives. A length out of bounds is `InvalidData`. Not cancel safe: bytes already read are lost.
pub(super) async fn read_frame(stream: &mut (impl AsyncRead + Unpin), longest: usize) -> io::Result<Bytes> {
    let length = stream.read_i32().await?;
    let length = usize::try_from(length).ok().filter(|length| *length <= longest).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("answer of {length} bytes, at most {longest} allowed"))
    })?;
    let mut frame = BytesMut::with_capacity(length.min(AT_ONCE));
    let mut rest = stream.take(length as u64);
    while frame.len() < length {
        if rest.read_buf(&mut frame).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(frame.freeze())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
    use kafka_protocol::messages::fetch_response::{
        AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData,
    };
    use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
    use kafka_protocol::messages::metadata_response::{
        MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    };
    use kafka_protocol::messages::{
        ApiVersionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
        DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, InitProducerIdRequest, JoinGroupRequest,
        JoinGroupResponse, LeaveGroupRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
        OffsetDeleteRequest, OffsetFetchRequest, SaslAuthenticateRequest, SaslHandshakeRequest, SyncGroupRequest,
    };
    use kafka_protocol::messages::{
        BrokerId, CreateAclsRequest, CreatePartitionsRequest, DescribeAclsRequest, DescribeProducersRequest,
        DescribeProducersResponse, FetchResponse, IncrementalAlterConfigsRequest, ListGroupsRequest, MetadataResponse,
        ProduceRequest, ProducerId, TopicName,
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::api::{FetchById, MetadataWithIds};
    use super::*;

    fn joined() -> Bytes {
        let member = JoinGroupResponseMember::default()
            .with_member_id(StrBytes::from_static_str("m1"))
            .with_metadata(Bytes::from_static(b"meta"));
        let answer = JoinGroupResponse::default()
            .with_generation_id(7)
            .with_protocol_name(Some(StrBytes::from_static_str("sessioned")))
            .with_leader(StrBytes::from_static_str("m1"))
            .with_member_id(StrBytes::from_static_str("m1"))
            .with_members(vec![member]);
        let mut frame = BytesMut::new();
        frame.put_i32(3);
        answer.encode(&mut frame, JoinGroupRequest::VERSION).expect("encodes");
        frame.freeze()
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        let error = decode_answer::<JoinGroupRequest>(joined(), 4).expect_err("refused");
        assert_eq!(error, "correlation id 3 instead of 4");
        assert_eq!(decode_answer::<JoinGroupRequest>(joined(), 3).expect("decodes").generation_id, 7);
    }

    #[test]
    fn an_answer_cut_anywhere_is_an_error() {
        let whole = joined();
        for length in 0..whole.len() {
            assert!(decode_answer::<JoinGroupRequest>(whole.slice(..length), 3).is_err(), "cut at {length}");
        }
    }

    /// What a broker sends for a request with tagged fields in its header.
    fn tagged<A: Api>(answer: &impl Encodable) -> Bytes {
        let mut frame = BytesMut::new();
        frame.put_i32(3);
        frame.put_u8(0);
        answer.encode(&mut frame, A::VERSION).expect("encodes");
        frame.freeze()
    }

    #[test]
    fn answers_with_the_compact_encoding_are_read_and_cut_ones_refused() {
        let producer = ProducerState::default().with_producer_id(ProducerId(7)).with_last_sequence(41);
        let partition = PartitionResponse::default().with_error_message(None).with_active_producers(vec![producer]);
        let topic = TopicResponse::default()
            .with_name(TopicName(StrBytes::from_static_str("t")))
            .with_partitions(vec![partition]);
        let producers =
            tagged::<DescribeProducersRequest>(&DescribeProducersResponse::default().with_topics(vec![topic]));
        let read = decode_answer::<DescribeProducersRequest>(producers.clone(), 3).expect("reads");
        assert_eq!(read.topics[0].partitions[0].active_producers[0].last_sequence, 41);
        let diverging = EpochEndOffset::default().with_epoch(4).with_end_offset(95);
        let partition = PartitionData::default()
            .with_aborted_transactions(Some(vec![AbortedTransaction::default()]))
            .with_diverging_epoch(diverging)
            .with_records(Some(Bytes::from_static(b"batch")));
        let topic =
            FetchableTopicResponse::default().with_topic_id(Uuid::from_u128(9)).with_partitions(vec![partition]);
        let fetched = tagged::<FetchById>(&FetchResponse::default().with_responses(vec![topic]));
        let read = decode_answer::<FetchById>(fetched.clone(), 3).expect("reads").responses.remove(0);
        assert_eq!((read.topic_id.as_u128(), read.partitions[0].diverging_epoch.end_offset), (9, 95));
        let topic = MetadataResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_static_str("t"))))
            .with_topic_id(Uuid::from_u128(9))
            .with_partitions(vec![MetadataResponsePartition::default().with_replica_nodes(vec![BrokerId(1)])]);
        let broker = MetadataResponseBroker::default().with_host(StrBytes::from_static_str("h"));
        let metadata = MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic]);
        let metadata = tagged::<MetadataWithIds>(&metadata);
        let read = decode_answer::<MetadataWithIds>(metadata.clone(), 3).expect("reads").topics.remove(0);
        assert_eq!(read.topic_id.as_u128(), 9);
        for length in 0..producers.len() {
            assert!(
                decode_answer::<DescribeProducersRequest>(producers.slice(..length), 3).is_err(),
                "cut at {length}"
            );
        }
        for length in 0..fetched.len() {
            assert!(decode_answer::<FetchById>(fetched.slice(..length), 3).is_err(), "cut at {length}");
        }
        for length in 0..metadata.len() {
            assert!(decode_answer::<MetadataWithIds>(metadata.slice(..length), 3).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn an_array_count_beyond_the_bytes_allocates_nothing() {
        let mut frame = joined().to_vec();
        let count_at = frame.len() - (4 + 2 + 2 + 2 + 4 + 4);
        frame[count_at..count_at + 4].copy_from_slice(&i32::MAX.to_be_bytes());
        assert!(decode_answer::<JoinGroupRequest>(frame.into(), 3).is_err());
    }

    #[tokio::test]
    async fn a_length_out_of_bounds_is_refused_before_reading_on() {
        for length in [-1_i32, i32::MAX, 16 * 1024 * 1024 + 1] {
            let error = read_frame(&mut length.to_be_bytes().as_slice(), 16 << 20).await.expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        let short = [0, 0, 0, 9, 1, 2];
        assert_eq!(
            read_frame(&mut short.as_slice(), 16 << 20).await.expect_err("cut").kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    fn survives<A: Api>(bytes: &Bytes) {
        drop(decode_answer::<A>(bytes.clone(), 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_decoder_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..120), small in any::<bool>()) {
            // Small bytes make plausible lengths and counts, so the walk gets further into the message.
            let body: Vec<u8> = body.into_iter().map(|byte| if small { byte & 3 } else { byte }).collect();
            let bytes = Bytes::from([vec![0; 4], body].concat());
            survives::<ApiVersionsRequest>(&bytes);
            survives::<MetadataRequest>(&bytes);
            survives::<FindCoordinatorRequest>(&bytes);
            survives::<JoinGroupRequest>(&bytes);
            survives::<SyncGroupRequest>(&bytes);
            survives::<HeartbeatRequest>(&bytes);
            survives::<LeaveGroupRequest>(&bytes);
            survives::<DescribeGroupsRequest>(&bytes);
            survives::<OffsetFetchRequest>(&bytes);
            survives::<OffsetCommitRequest>(&bytes);
            survives::<OffsetDeleteRequest>(&bytes);
            survives::<DeleteGroupsRequest>(&bytes);
            survives::<CreateTopicsRequest>(&bytes);
            survives::<DeleteTopicsRequest>(&bytes);
            survives::<DescribeConfigsRequest>(&bytes);
            survives::<ListOffsetsRequest>(&bytes);
            survives::<SaslHandshakeRequest>(&bytes);
            survives::<SaslAuthenticateRequest>(&bytes);
            survives::<InitProducerIdRequest>(&bytes);
            survives::<ProduceRequest>(&bytes);
            survives::<CreatePartitionsRequest>(&bytes);
            survives::<IncrementalAlterConfigsRequest>(&bytes);
            survives::<DescribeAclsRequest>(&bytes);
            survives::<CreateAclsRequest>(&bytes);
            survives::<ListGroupsRequest>(&bytes);
            survives::<DescribeProducersRequest>(&bytes);
            survives::<FetchById>(&bytes);
            survives::<MetadataWithIds>(&bytes);
        }
    }
}
