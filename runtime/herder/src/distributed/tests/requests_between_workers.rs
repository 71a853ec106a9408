//! A follower and its leader, a leader and what comes to it from others.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_storage::{RestartRequest, SessionKey};

use super::*;
use crate::{InternalRequest, MacAlgorithm, PeerError, Peers};

const LEADER: &str = "http://leader:8083/";

fn key() -> SessionKey {
    SessionKey { key: vec![7; 32], algorithm: "HmacSHA256".into(), creation_timestamp_ms: i64::MAX / 2 }
}

fn signed(body: &'static str, byte: u8) -> InternalRequest {
    let key = SessionKey { key: vec![byte; 32], ..key() };
    InternalRequest::signed(Bytes::from_static(body.as_bytes()), &key, MacAlgorithm::HmacSha256).expect("signs")
}

/// A leader that commits what it is sent, after the answers that it was given to give first.
struct Leader {
    configs: Arc<MemoryConfigBackingStore>,
    answers: Arc<Mutex<VecDeque<PeerError>>>,
    asked: Arc<Mutex<Vec<(String, InternalRequest)>>>,
}

#[async_trait]
impl Peers for Leader {
    async fn put_task_configs(&self, leader: &str, connector: &str, request: InternalRequest) -> Result<(), PeerError> {
        assert_eq!(leader, LEADER);
        let configs: Vec<Properties> = serde_json::from_slice(&request.body).expect("an array of maps");
        self.asked.lock().expect("no panic").push((connector.to_owned(), request));
        if let Some(error) = self.answers.lock().expect("no panic").pop_front() {
            return Err(error);
        }
        self.configs.put_task_configs(connector, &configs).await.expect("in memory");
        Ok(())
    }

    async fn fence_zombies(&self, _: &str, _: &str, _: InternalRequest) -> Result<(), PeerError> {
        Ok(())
    }
}

fn refused(status: u16) -> PeerError {
    PeerError::Refused { status, message: "no".to_owned() }
}

#[tokio::test]
async fn a_followers_task_configs_go_to_its_leader_signed_and_again_until_they_are_committed() {
    let (answers, asked) = (Arc::new(Mutex::new(VecDeque::new())), Arc::new(Mutex::new(Vec::new())));
    answers.lock().expect("no panic").extend([refused(403), PeerError::Io("cut".to_owned()), refused(503)]);
    let rig = rig_led_by(LEADER, |options, configs| {
        options.peers = Arc::new(Leader { configs: configs.clone(), answers: answers.clone(), asked: asked.clone() });
    });
    rig.configs.put_session_key(&key()).await.expect("in memory");
    rig.configs.put_connector_config("c", &config("c", "well"), None).await.expect("in memory");
    rig.runs("c").await;
    let asked = asked.lock().expect("no panic").clone();
    assert_eq!(asked.len(), 4);
    for (connector, request) in asked {
        assert_eq!(connector, "c");
        assert!(request.verify(&keys(3_600).verification_algorithms, Some(&key())).is_ok());
    }
    rig.end().await;
}

#[tokio::test]
async fn a_follower_without_a_key_sends_nothing_until_there_is_one() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let rig = rig_led_by(LEADER, |options, configs| {
        options.peers = Arc::new(Leader { configs: configs.clone(), answers: Arc::default(), asked: asked.clone() });
    });
    rig.configs.put_connector_config("c", &config("c", "well"), None).await.expect("in memory");
    rig.until("the instance runs", |rig| rig.connector("c") == Some(State::Running)).await;
    assert!(rig.task("c").is_none());
    rig.configs.put_session_key(&key()).await.expect("in memory");
    rig.runs("c").await;
    assert!(asked.lock().expect("no panic").iter().all(|(_, request)| request.signature.is_some()));
    rig.end().await;
}

#[tokio::test]
async fn a_follower_names_its_leader_for_what_the_leader_does() {
    let rig = rig_led_by(LEADER, |_, _| {});
    let herder = &rig.herder;
    let request = CreateConnector { name: "c".into(), config: config("c", "well").into(), initial_state: None };
    let restart = RestartRequest { connector: "c".into(), only_failed: false, include_tasks: true };
    for error in [
        herder.create_connector(request).await.err(),
        herder.put_connector_config("c", config("c", "well").into()).await.err(),
        herder.patch_connector_config("c", Default::default()).await.err(),
        herder.delete_connector("c").await.err(),
        herder.set_target_state("c", TargetState::Stopped).await.err(),
        herder.restart_connector("c").await.err(),
        herder.restart_task(&task("c")).await.err(),
        herder.restart_connector_and_tasks(restart).await.err(),
        herder.reset_connector_offsets("c").await.err(),
    ] {
        assert!(matches!(&error, Some(HerderError::Forward(Some(url))) if url == LEADER), "{error:?}");
    }
    let unknown = herder.set_target_state("c", TargetState::Paused).await;
    assert!(matches!(unknown, Err(HerderError::NotFound(_))), "{unknown:?}");
    rig.end().await;
}

#[tokio::test]
async fn a_leader_does_what_is_signed_and_nothing_else() {
    let rig = rig();
    rig.create("c", "well").await;
    rig.runs("c").await;
    // So that its owner sends no task configs of its own meanwhile.
    rig.herder.set_target_state("c", TargetState::Stopped).await.expect("stopped");
    rig.until("STOPPED", |rig| rig.connector("c") == Some(State::Stopped) && rig.task("c").is_none()).await;
    rig.configs.put_session_key(&key()).await.expect("in memory");
    let herder = &rig.herder;
    let put = async |connector: &str, request| herder.put_task_configs(connector, Vec::new(), request).await;
    let unsigned = InternalRequest::unsigned(Bytes::from_static(b"[]"));
    assert!(matches!(put("c", unsigned.clone()).await, Err(HerderError::BadRequest(_))));
    assert!(matches!(put("c", signed("[]", 8)).await, Err(HerderError::Forbidden(_))));
    assert!(matches!(herder.fence_zombie_tasks("c", unsigned).await, Err(HerderError::BadRequest(_))));
    assert!(matches!(put("zz", signed("[]", 7)).await, Err(HerderError::NotFound(_))));
    put("c", signed("[]", 7)).await.expect("committed");
    let some = herder.put_task_configs("c", vec![config("c", "well")], signed("[{}]", 7)).await;
    assert!(matches!(some, Err(HerderError::BadRequest(_))), "{some:?}");
    rig.end().await;
}

#[tokio::test]
async fn a_leader_gives_the_group_a_key_and_replaces_it() {
    let rig = rig_led_by(HERE, |options, _| options.inter_worker.key_ttl = Duration::from_millis(300));
    let key = |rig: &Rig| rig.configs.snapshot().session_key.clone();
    rig.until("a key", |rig| key(rig).is_some()).await;
    let first = key(&rig).expect("there is one");
    assert_eq!((first.key.len(), first.algorithm.as_str()), (32, "HmacSHA256"));
    rig.until("another key", |rig| key(rig).is_some_and(|key| key.key != first.key)).await;
    rig.end().await;
}

#[tokio::test]
async fn a_request_that_outlasts_a_rebalance_is_a_409() {
    let rig = rig_led_by(HERE, |options, _| options.request_timeout = Duration::from_millis(400));
    rig.create("c", "well").await;
    rig.runs("c").await;
    rig.silent.store(true, Ordering::SeqCst);
    rig.configs.put_connector_config("d", &config("d", "well"), None).await.expect("in memory");
    let answer = rig.herder.connector_info("c").await;
    let conflict = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";
    assert!(matches!(&answer, Err(HerderError::Conflict(message)) if message == conflict), "{answer:?}");
    rig.silent.store(false, Ordering::SeqCst);
    rig.events.send(assigned(&rig.configs, 50)).expect("the loop runs");
    rig.runs("d").await;
    rig.end().await;
}
