//! What the fuzz target `wire_answers` asks.

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiVersionsRequest, CreateAclsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest,
    DeleteTopicsRequest, DescribeAclsRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeProducersRequest,
    FetchRequest, FindCoordinatorRequest, HeartbeatRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest,
    JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetFetchRequest, ProduceRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
    SyncGroupRequest,
};

use super::api::{Api, FetchById, MetadataWithIds};
use super::frame::decode_answer;

/// Decodes an answer of a broker. The first byte chooses the request that is answered; what follows is the frame behind the
/// correlation id, which is the client's own business.
pub fn wire_answers(bytes: &[u8]) {
    let Some((request, body)) = bytes.split_first() else { return };
    answer(*request, &[&[0; 4], body].concat().into());
}

fn answer(request: u8, frame: &Bytes) {
    const DECODERS: [fn(&Bytes); 29] = [
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
        decode::<FetchRequest>,
        decode::<ProduceRequest>,
        decode::<CreatePartitionsRequest>,
        decode::<IncrementalAlterConfigsRequest>,
        decode::<DescribeAclsRequest>,
        decode::<CreateAclsRequest>,
        decode::<ListGroupsRequest>,
        decode::<DescribeProducersRequest>,
        decode::<FetchById>,
        decode::<MetadataWithIds>,
    ];
    DECODERS[usize::from(request) % DECODERS.len()](frame);
}

fn decode<A: Api>(frame: &Bytes) {
    if let Ok(answer) = decode_answer::<A>(frame.clone(), 0) {
        A::code(&answer);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        sluice_api::testkit::replay_seeds("wire_answers", super::wire_answers);
    }
}
