//! The door to the decoders of answers for their fuzz target.

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DeleteTopicsRequest, DescribeConfigsRequest,
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, InitProducerIdRequest, JoinGroupRequest,
    LeaveGroupRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, SaslAuthenticateRequest, SaslHandshakeRequest, SyncGroupRequest,
};

use super::api::Api;
use super::frame::decode_answer;

/// Decodes everything behind a frame's length as the answer to one of the requests; `request` chooses which.
pub fn answer(request: u8, frame: &Bytes) {
    const DECODERS: [fn(&Bytes); 19] = [
        decode::<ApiVersionsRequest>,
        decode::<MetadataRequest>,
        decode::<FindCoordinatorRequest>,
        decode::<JoinGroupRequest>,
        decode::<SyncGroupRequest>,
        decode::<HeartbeatRequest>,
        decode::<LeaveGroupRequest>,
        decode::<DescribeGroupsRequest>,
        decode::<OffsetFetchRequest>,
        decode::<OffsetCommitRequest>,
        decode::<OffsetDeleteRequest>,
        decode::<DeleteGroupsRequest>,
        decode::<CreateTopicsRequest>,
        decode::<DeleteTopicsRequest>,
        decode::<DescribeConfigsRequest>,
        decode::<ListOffsetsRequest>,
        decode::<SaslHandshakeRequest>,
        decode::<SaslAuthenticateRequest>,
        decode::<InitProducerIdRequest>,
    ];
    DECODERS[usize::from(request) % DECODERS.len()](frame);
}

fn decode<A: Api>(frame: &Bytes) {
    if let Ok(answer) = decode_answer::<A>(frame.clone(), 0) {
        A::code(&answer);
    }
}
