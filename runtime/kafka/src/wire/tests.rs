//! The client against a broker that misbehaves on purpose.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FindCoordinatorRequest, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, OffsetCommitRequest,
    OffsetCommitResponse, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::cluster::text;
use super::fake_broker::{FakeBroker, coordinator_at};
use super::{Error, ErrorKind, GroupAdmin, GroupConfig, GroupMember, HeartbeatOutcome, Reachability};

const NOT_COORDINATOR: i16 = 16;
const LOADING: i16 = 14;

fn config(address: &str) -> GroupConfig {
    let properties = [
        ("bootstrap.servers", address),
        ("group.id", "g"),
        ("retry.backoff.ms", "1"),
        ("retry.backoff.max.ms", "5"),
        ("reconnect.backoff.ms", "1"),
        ("reconnect.backoff.max.ms", "5"),
    ];
    GroupConfig::parse(properties).expect("valid")
}

fn member(broker: &FakeBroker) -> GroupMember {
    GroupMember::new(config(&broker.address()))
}

fn offer() -> Vec<(String, Bytes)> {
    vec![("default".to_owned(), Bytes::from_static(b"meta"))]
}

fn joined(member_id: &str) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_generation_id(4)
        .with_protocol_name(Some(text("default")))
        .with_leader(text(member_id))
        .with_member_id(text(member_id))
}

fn heartbeat(code: i16) -> HeartbeatResponse {
    HeartbeatResponse::default().with_error_code(code)
}

async fn within<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), step).await.expect("in time")
}

#[tokio::test]
async fn a_member_id_that_has_to_be_confirmed_is_sent_back() {
    let broker = FakeBroker::start().await;
    broker
        .answers::<JoinGroupRequest>(&JoinGroupResponse::default().with_error_code(79).with_member_id(text("m1")))
        .answers::<JoinGroupRequest>(&joined("m1"));
    let mut member = member(&broker);
    let result = within(member.join(&offer())).await.expect("joins");
    assert_eq!((result.generation, result.member_id.as_str(), result.protocol.as_str()), (4, "m1", "default"));
    let sent: Vec<String> =
        broker.seen::<JoinGroupRequest>().iter().map(|request| request.member_id.to_string()).collect();
    assert_eq!(sent, ["", "m1"]);
}

#[tokio::test]
async fn join_outlasts_a_loading_coordinator_a_moving_one_and_garbage() {
    let (old, new) = (FakeBroker::start().await, FakeBroker::start().await);
    old.answers::<FindCoordinatorRequest>(&coordinator_at(&old).with_error_code(15))
        .answers::<FindCoordinatorRequest>(&coordinator_at(&old))
        .answers::<JoinGroupRequest>(&JoinGroupResponse::default().with_error_code(LOADING))
        .answers::<JoinGroupRequest>(&JoinGroupResponse::default().with_error_code(NOT_COORDINATOR))
        .answers::<FindCoordinatorRequest>(&coordinator_at(&new));
    new.answers_with_bytes::<JoinGroupRequest>(&[255; 40]).answers::<JoinGroupRequest>(&joined("m1"));
    // After the garbage, the look-up goes to the old broker again, which now has to name the new one.
    old.answers::<FindCoordinatorRequest>(&coordinator_at(&new));
    let mut member = member(&old);
    let result = within(member.join(&offer())).await.expect("joins");
    assert_eq!(result.member_id, "m1");
    assert_eq!((old.seen::<JoinGroupRequest>().len(), new.seen::<JoinGroupRequest>().len()), (2, 2));
}

#[tokio::test]
async fn join_starts_over_as_a_new_member_when_its_id_is_unknown() {
    let broker = FakeBroker::start().await;
    broker
        .answers::<JoinGroupRequest>(&joined("m1"))
        .answers::<JoinGroupRequest>(&JoinGroupResponse::default().with_error_code(25))
        .answers::<JoinGroupRequest>(&joined("m2"));
    let mut member = member(&broker);
    within(member.join(&offer())).await.expect("joins");
    assert_eq!(within(member.join(&offer())).await.expect("joins again").member_id, "m2");
    let sent: Vec<String> =
        broker.seen::<JoinGroupRequest>().iter().map(|request| request.member_id.to_string()).collect();
    assert_eq!(sent, ["", "m1", ""]);
}

#[tokio::test]
async fn a_dropped_join_keeps_the_member_id_and_the_next_one_works() {
    let broker = FakeBroker::start().await;
    broker
        .answers::<JoinGroupRequest>(&JoinGroupResponse::default().with_error_code(79).with_member_id(text("m1")))
        .is_silent_on::<JoinGroupRequest>()
        .answers::<JoinGroupRequest>(&joined("m1"));
    let mut member = member(&broker);
    {
        let offer = offer();
        let mut join = std::pin::pin!(member.join(&offer));
        within(async {
            while broker.seen::<JoinGroupRequest>().len() < 2 {
                let tick = tokio::time::sleep(Duration::from_millis(1));
                tokio::select! { _ = &mut join => panic!("answered"), () = tick => {} }
            }
        })
        .await;
    }
    assert_eq!(member.member_id(), "m1");
    assert_eq!(within(member.join(&offer())).await.expect("joins").member_id, "m1");
    assert_eq!(broker.seen::<JoinGroupRequest>()[2].member_id, *"m1");
}

#[tokio::test]
async fn every_heartbeat_code_has_its_outcome() {
    for (code, outcome, member_id, generation) in [
        (0, HeartbeatOutcome::Ok, "m1", 4),
        (27, HeartbeatOutcome::RebalanceInProgress, "m1", 4),
        (22, HeartbeatOutcome::IllegalGeneration, "m1", -1),
        (25, HeartbeatOutcome::UnknownMember, "", -1),
        (NOT_COORDINATOR, HeartbeatOutcome::CoordinatorMoved, "m1", 4),
        (15, HeartbeatOutcome::CoordinatorMoved, "m1", 4),
        (LOADING, HeartbeatOutcome::CoordinatorMoved, "m1", 4),
    ] {
        let broker = FakeBroker::start().await;
        broker.answers::<JoinGroupRequest>(&joined("m1")).answers::<HeartbeatRequest>(&heartbeat(code));
        let mut member = member(&broker);
        within(member.join(&offer())).await.expect("joins");
        assert_eq!(within(member.heartbeat()).await.expect("an outcome"), outcome, "code {code}");
        assert_eq!((member.member_id(), member.generation()), (member_id, generation), "code {code}");
    }
}

#[tokio::test]
async fn fenced_and_unauthorised_members_get_an_error() {
    for (code, kind) in [(82, ErrorKind::Fenced), (30, ErrorKind::Fatal)] {
        let broker = FakeBroker::start().await;
        broker.answers::<HeartbeatRequest>(&heartbeat(code));
        let error = within(member(&broker).heartbeat()).await.expect_err("an error");
        assert_eq!(error.kind(), kind);
        assert!(!error.wants_rejoin());
    }
}

#[tokio::test]
async fn heartbeats_follow_the_coordinator_with_the_same_membership() {
    let (old, new) = (FakeBroker::start().await, FakeBroker::start().await);
    old.answers::<JoinGroupRequest>(&joined("m1"));
    let mut member = member(&old);
    within(member.join(&offer())).await.expect("joins");
    old.answers::<HeartbeatRequest>(&heartbeat(NOT_COORDINATOR));
    old.answers::<FindCoordinatorRequest>(&coordinator_at(&new));
    new.answers::<HeartbeatRequest>(&heartbeat(0));
    assert_eq!(within(member.heartbeat()).await.expect("moved"), HeartbeatOutcome::CoordinatorMoved);
    assert_eq!(within(member.heartbeat()).await.expect("alive"), HeartbeatOutcome::Ok);
    let request = new.seen::<HeartbeatRequest>().remove(0);
    assert_eq!((request.generation_id, request.member_id.as_str()), (4, "m1"));
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_given_up_after_the_time_out() {
    let broker = FakeBroker::start().await;
    broker.is_silent_on::<HeartbeatRequest>().answers::<HeartbeatRequest>(&heartbeat(0));
    let mut config = config(&broker.address());
    config.client.request_timeout = Duration::from_millis(40);
    let mut member = GroupMember::new(config);
    assert_eq!(within(member.heartbeat()).await.expect("moved"), HeartbeatOutcome::CoordinatorMoved);
    let reachability = member.reachability();
    let expected = format!("Heartbeat request to {} failed: no answer within 40 ms", broker.address());
    assert!(matches!(&*reachability.borrow(), Reachability::Unreachable { reason, .. } if *reason == expected));
    assert_eq!(within(member.heartbeat()).await.expect("alive"), HeartbeatOutcome::Ok);
    assert_eq!(*reachability.borrow(), Reachability::Reachable);
}

#[tokio::test]
async fn an_unreachable_cluster_is_tried_for_ever_and_named() {
    let broker = FakeBroker::start().await;
    let dead = { tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound") };
    let mut member = GroupMember::new(config(&dead.to_string()));
    let mut reachability = member.reachability();
    let named = |state: &Reachability| {
        matches!(state, Reachability::Unreachable { reason, .. }
            if reason.starts_with(&format!("cannot reach Kafka at {dead} (")) && reason.contains("refused"))
    };
    tokio::select! {
        found = member.find_coordinator() => panic!("{found:?}"),
        seen = within(reachability.wait_for(named)) => drop(seen.expect("the member lives")),
    }
    // A second address that answers is found behind the dead one.
    let mut member = GroupMember::new(config(&format!("{dead},{}", broker.address())));
    within(member.find_coordinator()).await.expect("found");
}

#[tokio::test]
async fn sync_never_retries_and_says_what_to_do() {
    for (code, kind) in
        [(27, ErrorKind::RebalanceInProgress), (25, ErrorKind::UnknownMember), (16, ErrorKind::CoordinatorMoved)]
    {
        let broker = FakeBroker::start().await;
        broker.answers::<SyncGroupRequest>(&SyncGroupResponse::default().with_error_code(code));
        let error = within(member(&broker).sync(Vec::new())).await.expect_err("an error");
        assert_eq!(error.kind(), kind);
        assert!(error.wants_rejoin());
        assert_eq!(broker.seen::<SyncGroupRequest>().len(), 1);
    }
}

#[tokio::test]
async fn leaving_twice_or_when_forgotten_is_no_error() {
    let broker = FakeBroker::start().await;
    broker
        .answers::<JoinGroupRequest>(&joined("m1"))
        .answers::<LeaveGroupRequest>(&LeaveGroupResponse::default().with_error_code(25));
    let mut member = member(&broker);
    within(member.leave()).await.expect("nothing to leave");
    within(member.join(&offer())).await.expect("joins");
    within(member.leave()).await.expect("forgotten is as good as left");
    within(member.leave()).await.expect("nothing to leave");
    assert_eq!(broker.seen::<LeaveGroupRequest>().len(), 1);
}

#[tokio::test]
async fn a_broker_without_the_version_is_refused_by_name() {
    let broker = FakeBroker::start().await;
    let old = |key, max| ApiVersion::default().with_api_key(key).with_max_version(max);
    let offer_of_old = ApiVersionsResponse::default().with_api_keys(vec![old(3, 9), old(10, 9), old(11, 4)]);
    broker.answers::<ApiVersionsRequest>(&offer_of_old);
    let error = within(member(&broker).join(&offer())).await.expect_err("refused");
    let expected = format!("{} does not support JoinGroup version 5 (it offers versions 0 to 4)", broker.address());
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Fatal, expected));
}

#[tokio::test]
async fn an_offset_that_the_broker_refuses_is_named() {
    let broker = FakeBroker::start().await;
    let answer = |code| {
        let partition = OffsetCommitResponsePartition::default().with_partition_index(2).with_error_code(code);
        let topic =
            OffsetCommitResponseTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
        OffsetCommitResponse::default().with_topics(vec![topic])
    };
    broker
        .answers::<OffsetCommitRequest>(&answer(LOADING))
        .answers::<OffsetCommitRequest>(&answer(29))
        .answers::<OffsetCommitRequest>(&answer(25));
    let admin = GroupAdmin::new(config(&broker.address()).client);
    let offsets = [(("t".to_owned(), 2), 9)].into();
    let error = within(admin.alter_offsets("g", &offsets)).await.expect_err("refused");
    assert!(matches!(&error, Error::Broker { subject, .. } if subject == "t-2"), "{error}");
    let error = within(admin.alter_offsets("g", &offsets)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::GroupNotEmpty);
}

fn with_plain(address: &str) -> GroupConfig {
    let jaas = "PlainLoginModule required username=\"u\" password=\"geheim\";";
    let properties = [
        ("bootstrap.servers", address),
        ("group.id", "g"),
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", jaas),
    ];
    GroupConfig::parse(properties).expect("valid")
}

#[tokio::test]
async fn credentials_are_shown_first_and_again_when_the_session_ends() {
    let broker = FakeBroker::start().await;
    for _ in 0..20 {
        broker
            .answers::<SaslHandshakeRequest>(&SaslHandshakeResponse::default())
            .answers::<SaslAuthenticateRequest>(&SaslAuthenticateResponse::default().with_session_lifetime_ms(1));
    }
    broker.answers::<HeartbeatRequest>(&heartbeat(0));
    let mut member = GroupMember::new(with_plain(&broker.address()));
    assert_eq!(within(member.heartbeat()).await.expect("alive"), HeartbeatOutcome::Ok);
    let before = broker.seen::<SaslAuthenticateRequest>();
    assert_eq!(&*before[0].auth_bytes, b"\0u\0geheim");
    within(async {
        while broker.seen::<SaslAuthenticateRequest>().len() == before.len() {
            broker.answers::<HeartbeatRequest>(&heartbeat(0));
            assert_eq!(member.heartbeat().await.expect("alive"), HeartbeatOutcome::Ok);
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_has_the_brokers_words() {
    let broker = FakeBroker::start().await;
    let refusal = SaslAuthenticateResponse::default().with_error_code(58).with_error_message(Some(text("who are you")));
    broker
        .answers::<SaslHandshakeRequest>(&SaslHandshakeResponse::default())
        .answers::<SaslAuthenticateRequest>(&refusal);
    let mut member = GroupMember::new(with_plain(&broker.address()));
    let error = within(member.join(&offer())).await.expect_err("refused");
    assert_eq!((error.kind(), error.is_retriable(), error.wants_rejoin()), (ErrorKind::Refused, false, false));
    let expected = format!("the Kafka cluster refuses this client: {} (SASL PLAIN: who are you)", broker.address());
    assert_eq!(error.to_string(), expected);
    let other = SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(vec![text("SCRAM-SHA-256")]);
    broker.answers::<SaslHandshakeRequest>(&other);
    let error = within(member.join(&offer())).await.expect_err("refused");
    assert!(error.to_string().ends_with("(SASL PLAIN: the broker offers SCRAM-SHA-256 instead)"), "{error}");
}

#[test]
fn a_member_can_live_in_a_spawned_task() {
    fn is_send<T: Send>(_: &T) {}
    let mut member = GroupMember::new(config("127.0.0.1:1"));
    is_send(&member);
    let offer = offer();
    is_send(&member.join(&offer));
    is_send(&member.heartbeat());
}
