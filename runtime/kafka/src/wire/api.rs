//! The requests that this client speaks: one fixed version each, and the layout of its answer.
//!
//! The versions are the newest without the compact encoding. Brokers since 2.4 offer all of them (Kafka 4 dropped only
//! older ones), and the embedded broker does as well.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, CreateAclsRequest, CreateAclsResponse, CreatePartitionsRequest,
    CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteGroupsRequest, DeleteGroupsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, DescribeAclsRequest, DescribeAclsResponse, DescribeConfigsRequest,
    DescribeConfigsResponse, DescribeGroupsRequest, DescribeGroupsResponse, DescribeProducersRequest,
    DescribeProducersResponse, FetchRequest, FetchResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    HeartbeatRequest, HeartbeatResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
    InitProducerIdRequest, InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, ListOffsetsRequest, ListOffsetsResponse,
    MetadataRequest, MetadataResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse, ProduceRequest, ProduceResponse,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::shape::Shape::{self, Array, Blob, CompactArray, CompactText, Fixed, Tags, Text};

/// A request that is spoken in one version.
pub(crate) trait Api: Sync {
    /// The message that goes out.
    type Body: Encodable;
    /// Name in Kafka's protocol guide.
    const NAME: &'static str;
    /// Number in the request header.
    const KEY: i16;
    /// The one version spoken.
    const VERSION: i16;
    /// Whether the version has the compact encoding, and tagged fields in both headers.
    const FLEXIBLE: bool = false;
    /// Layout of the answer's body.
    const ANSWER: &'static [Shape];
    /// The answer.
    type Answer: Decodable;
    /// The longest answer that is read. The longest legitimate one without data lists a group with thousands of members or offsets.
    const LONGEST: usize = 16 << 20;

    /// The message that goes out.
    fn body(&self) -> &Self::Body;

    /// The error code of the answer as a whole. 0 is success, or that the answer has to be looked at part by part.
    fn code(answer: &Self::Answer) -> i16;
}

/// `name => number, version, answer type, layout, code`, and the longest answer of those that bring data.
macro_rules! apis {
    ($($request:ident => $name:literal, $key:literal, $version:literal, $answer:ident, $shape:expr, $code:expr $(, $longest:expr)?;)*) => {$(
        impl Api for $request {
            type Body = Self;
            const NAME: &'static str = $name;
            const KEY: i16 = $key;
            const VERSION: i16 = $version;
            const ANSWER: &'static [Shape] = $shape;
            type Answer = $answer;
            $(const LONGEST: usize = $longest;)?

            fn body(&self) -> &Self {
                self
            }

            fn code(answer: &$answer) -> i16 {
                let code: fn(&$answer) -> i16 = $code;
                code(answer)
            }
        }
    )*};
}

apis! {
    ApiVersionsRequest => "ApiVersions", 18, 0, ApiVersionsResponse,
        &[Fixed(2), Array(&[Fixed(6)])], |answer| answer.error_code;
    FetchRequest => "Fetch", 1, 11, FetchResponse,
        &[Fixed(10), Array(&[Text, Array(&[Fixed(30), Array(&[Fixed(16)]), Fixed(4), Blob])])],
        |answer| answer.error_code, 1 << 30;
    MetadataRequest => "Metadata", 3, 7, MetadataResponse,
        &[
            Fixed(4), Array(&[Fixed(4), Text, Fixed(4), Text]), Text, Fixed(4),
            Array(&[
                Fixed(2), Text, Fixed(1),
                Array(&[Fixed(14), Array(&[Fixed(4)]), Array(&[Fixed(4)]), Array(&[Fixed(4)])]),
            ]),
        ],
        |_| 0;
    FindCoordinatorRequest => "FindCoordinator", 10, 2, FindCoordinatorResponse,
        &[Fixed(6), Text, Fixed(4), Text, Fixed(4)], |answer| answer.error_code;
    InitProducerIdRequest => "InitProducerId", 22, 1, InitProducerIdResponse,
        &[Fixed(16)], |answer| answer.error_code;
    ProduceRequest => "Produce", 0, 8, ProduceResponse,
        &[Array(&[Text, Array(&[Fixed(30), Array(&[Fixed(4), Text]), Text])]), Fixed(4)], |_| 0;
    CreatePartitionsRequest => "CreatePartitions", 37, 1, CreatePartitionsResponse,
        &[Fixed(4), Array(&[Text, Fixed(2), Text])],
        |answer| first_code(answer.results.iter().map(|topic| topic.error_code));
    IncrementalAlterConfigsRequest => "IncrementalAlterConfigs", 44, 0, IncrementalAlterConfigsResponse,
        &[Fixed(4), Array(&[Fixed(2), Text, Fixed(1), Text])], |_| 0;
    DescribeAclsRequest => "DescribeAcls", 29, 1, DescribeAclsResponse,
        &[Fixed(6), Text, Array(&[Fixed(1), Text, Fixed(1), Array(&[Text, Text, Fixed(2)])])], |_| 0;
    CreateAclsRequest => "CreateAcls", 30, 1, CreateAclsResponse,
        &[Fixed(4), Array(&[Fixed(2), Text])], |_| 0;
    ListGroupsRequest => "ListGroups", 16, 2, ListGroupsResponse,
        &[Fixed(6), Array(&[Text, Text])], |answer| answer.error_code;
    SaslHandshakeRequest => "SaslHandshake", 17, 1, SaslHandshakeResponse,
        &[Fixed(2), Array(&[Text])], |answer| answer.error_code;
    SaslAuthenticateRequest => "SaslAuthenticate", 36, 1, SaslAuthenticateResponse,
        &[Fixed(2), Text, Blob, Fixed(8)], |answer| answer.error_code;
    CreateTopicsRequest => "CreateTopics", 19, 4, CreateTopicsResponse,
        &[Fixed(4), Array(&[Text, Fixed(2), Text])],
        |answer| first_code(answer.topics.iter().map(|topic| topic.error_code));
    DeleteTopicsRequest => "DeleteTopics", 20, 3, DeleteTopicsResponse,
        &[Fixed(4), Array(&[Text, Fixed(2)])],
        |answer| first_code(answer.responses.iter().map(|topic| topic.error_code));
    DescribeConfigsRequest => "DescribeConfigs", 32, 2, DescribeConfigsResponse,
        &[
            Fixed(4),
            Array(&[
                Fixed(2), Text, Fixed(1), Text,
                Array(&[Text, Text, Fixed(3), Array(&[Text, Text, Fixed(1)])]),
            ]),
        ],
        |answer| first_code(answer.results.iter().map(|resource| resource.error_code));
    ListOffsetsRequest => "ListOffsets", 2, 5, ListOffsetsResponse,
        &[Fixed(4), Array(&[Text, Array(&[Fixed(26)])])],
        |answer| first_code(
            answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(|partition| partition.error_code)),
        );
    JoinGroupRequest => "JoinGroup", 11, 5, JoinGroupResponse,
        &[Fixed(10), Text, Text, Text, Array(&[Text, Text, Blob])], |answer| unless_member_id_required(answer.error_code);
    SyncGroupRequest => "SyncGroup", 14, 3, SyncGroupResponse, &[Fixed(6), Blob], |answer| answer.error_code;
    HeartbeatRequest => "Heartbeat", 12, 3, HeartbeatResponse, &[Fixed(6)], |answer| answer.error_code;
    LeaveGroupRequest => "LeaveGroup", 13, 3, LeaveGroupResponse,
        &[Fixed(6), Array(&[Text, Text, Fixed(2)])],
        |answer| first_code([answer.error_code].into_iter().chain(answer.members.iter().map(|member| member.error_code)));
    DescribeGroupsRequest => "DescribeGroups", 15, 4, DescribeGroupsResponse,
        &[Fixed(4), Array(&[Fixed(2), Text, Text, Text, Text, Array(&[Text, Text, Text, Text, Blob, Blob]), Fixed(4)])],
        |answer| first_code(answer.groups.iter().map(|group| group.error_code));
    OffsetFetchRequest => "OffsetFetch", 9, 5, OffsetFetchResponse,
        &[Fixed(4), Array(&[Text, Array(&[Fixed(16), Text, Fixed(2)])]), Fixed(2)], |answer| answer.error_code;
    OffsetCommitRequest => "OffsetCommit", 8, 7, OffsetCommitResponse,
        &[Fixed(4), Array(&[Text, Array(&[Fixed(6)])])], first_coordinator_code;
    OffsetDeleteRequest => "OffsetDelete", 47, 0, OffsetDeleteResponse,
        &[Fixed(6), Array(&[Text, Array(&[Fixed(6)])])], |answer| answer.error_code;
    DeleteGroupsRequest => "DeleteGroups", 42, 1, DeleteGroupsResponse,
        &[Fixed(4), Array(&[Text, Fixed(2)])], |answer| first_code(answer.results.iter().map(|group| group.error_code));
}

/// A request of a version with the compact encoding, for what no older version can say; as itself, or wrapped where an older version is
/// spoken besides.
macro_rules! flexible {
    ($request:ty: $body:ty, $to_body:expr => $name:literal, $key:literal, $version:literal, $answer:ident, $shape:expr, $code:expr, $longest:expr) => {
        impl Api for $request {
            type Body = $body;
            const NAME: &'static str = $name;
            const KEY: i16 = $key;
            const VERSION: i16 = $version;
            const FLEXIBLE: bool = true;
            const ANSWER: &'static [Shape] = $shape;
            type Answer = $answer;
            const LONGEST: usize = $longest;

            fn body(&self) -> &$body {
                let body: fn(&Self) -> &$body = $to_body;
                body(self)
            }

            fn code(answer: &$answer) -> i16 {
                let code: fn(&$answer) -> i16 = $code;
                code(answer)
            }
        }
    };
}

flexible! {
    DescribeProducersRequest: Self, |request| request => "DescribeProducers", 61, 0, DescribeProducersResponse,
    &[
        Fixed(4),
        CompactArray(&[
            CompactText,
            CompactArray(&[Fixed(6), CompactText, CompactArray(&[Fixed(36), Tags]), Tags]),
            Tags,
        ]),
        Tags,
    ],
    |_| 0, 16 << 20
}

/// A fetch that names topics by their ids and says which epoch was read last, so that the broker itself tells a log that is another one
/// (brokers since Kafka 3.1).
#[derive(Debug)]
pub(crate) struct FetchById(pub(crate) FetchRequest);

flexible! {
    FetchById: FetchRequest, |request| &request.0 => "Fetch", 1, 13, FetchResponse,
    &[
        Fixed(10),
        CompactArray(&[
            Fixed(16),
            CompactArray(&[Fixed(30), CompactArray(&[Fixed(16), Tags]), Fixed(4), CompactText, Tags]),
            Tags,
        ]),
        Tags,
    ],
    |answer| answer.error_code, 1 << 30
}

/// Metadata that tells the ids of topics (brokers since Kafka 3.1).
#[derive(Debug)]
pub(crate) struct MetadataWithIds(pub(crate) MetadataRequest);

flexible! {
    MetadataWithIds: MetadataRequest, |request| &request.0 => "Metadata", 3, 12, MetadataResponse,
    &[
        Fixed(4),
        CompactArray(&[Fixed(4), CompactText, Fixed(4), CompactText, Tags]),
        CompactText,
        Fixed(4),
        CompactArray(&[
            Fixed(2),
            CompactText,
            Fixed(17),
            CompactArray(&[
                Fixed(14),
                CompactArray(&[Fixed(4)]),
                CompactArray(&[Fixed(4)]),
                CompactArray(&[Fixed(4)]),
                Tags,
            ]),
            Fixed(4),
            Tags,
        ]),
        Tags,
    ],
    |_| 0, 16 << 20
}

/// A member id that has to be confirmed comes as an error, but the answer carries the id.
fn unless_member_id_required(code: i16) -> i16 {
    if code == ResponseError::MemberIdRequired.code() { 0 } else { code }
}

/// Trouble of the coordinator is repeated for each partition; any other code is one partition's own.
fn first_coordinator_code(answer: &OffsetCommitResponse) -> i16 {
    let codes = answer.topics.iter().flat_map(|topic| topic.partitions.iter().map(|partition| partition.error_code));
    let of_coordinator = [
        ResponseError::CoordinatorLoadInProgress.code(),
        ResponseError::CoordinatorNotAvailable.code(),
        ResponseError::NotCoordinator.code(),
    ];
    first_code(codes.filter(|code| of_coordinator.contains(code)))
}

fn first_code(codes: impl IntoIterator<Item = i16>) -> i16 {
    codes.into_iter().find(|code| *code != 0).unwrap_or(0)
}
