//! The membership against a scripted group, under paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sluice_kafka::wire::{Error, GroupDescription, GroupMemberDescription, HeartbeatOutcome, Joined};
use sluice_storage::config::MemoryConfigBackingStore;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::seat::{Member, Seat};
use super::{Membership, MembershipCommand, MembershipEvent};
use crate::group::ConnectProtocol;

const URL: &str = "http://a:8083/";
const HEARTBEAT: Duration = Duration::from_secs(3);
const SESSION: Duration = Duration::from_secs(10);

/// A group as its broker sees it; tests change it while the membership runs.
#[derive(Default)]
struct Group {
    /// Nothing is answered.
    away: bool,
    /// Everybody else in the group: id and URL.
    others: Vec<(String, String)>,
    /// Those of them that join again when we do.
    living: Vec<String>,
    heartbeats: VecDeque<HeartbeatOutcome>,
    joins: i32,
    left: u32,
}

#[derive(Clone, Default)]
struct FakeMember(Arc<Mutex<Group>>);

impl FakeMember {
    fn change(&self, change: impl FnOnce(&mut Group)) {
        change(&mut self.0.lock().unwrap());
    }

    async fn answer<T>(&self, answer: impl FnOnce(&mut Group) -> T) -> T {
        while self.0.lock().unwrap().away {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        answer(&mut self.0.lock().unwrap())
    }
}

fn described((id, url): &(String, String)) -> GroupMemberDescription {
    let (_, metadata) = ConnectProtocol::Sessioned.offer(url, 0).remove(0);
    GroupMemberDescription {
        member_id: id.clone(),
        client_id: "connect".into(),
        client_host: "/10.0.0.1".into(),
        metadata,
        assignment: Bytes::new(),
    }
}

#[async_trait]
impl Member for FakeMember {
    fn member_id(&self) -> &str {
        "us"
    }
    async fn find_coordinator(&mut self) -> Result<(), Error> {
        self.answer(|_| Ok(())).await
    }
    async fn describe(&mut self) -> Result<GroupDescription, Error> {
        self.answer(|group| {
            let members = group.others.iter().map(described).collect();
            let text = |text: &str| text.to_owned();
            Ok(GroupDescription {
                state: text("Stable"),
                protocol_type: text("connect"),
                protocol: text("sessioned"),
                members,
            })
        })
        .await
    }
    async fn join(&mut self, _: &[(String, Bytes)]) -> Result<Joined, Error> {
        self.answer(|group| {
            group.joins += 1;
            let members = group.living.iter().map(String::as_str).chain(["us"]);
            Ok(Joined {
                generation: group.joins,
                member_id: "us".into(),
                leader_id: "us".into(),
                protocol: "sessioned".into(),
                members: members.map(|id| (id.to_owned(), Bytes::new())).collect(),
            })
        })
        .await
    }
    async fn sync(&mut self, mut assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        self.answer(|_| Ok(assignments.remove(0).1)).await
    }
    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.answer(|group| Ok(group.heartbeats.pop_front().unwrap_or(HeartbeatOutcome::Ok))).await
    }
    async fn leave(&mut self) -> Result<(), Error> {
        self.answer(|group| {
            group.left += 1;
            Ok(())
        })
        .await
    }
}

struct Rig {
    group: FakeMember,
    commands: mpsc::UnboundedSender<MembershipCommand>,
    events: mpsc::UnboundedReceiver<MembershipEvent>,
}

impl Rig {
    fn new(group: FakeMember) -> Self {
        let configs = Arc::new(MemoryConfigBackingStore::new());
        let seat = Seat::new(Box::new(group.clone()), ConnectProtocol::Sessioned, URL.into(), configs);
        let (commands, events) = Membership::drive(seat, (HEARTBEAT, SESSION));
        Self { group, commands, events }
    }

    async fn event(&mut self) -> MembershipEvent {
        timeout(Duration::from_secs(300), self.events.recv()).await.expect("an event").expect("the membership runs")
    }

    async fn assigned(&mut self) -> i32 {
        match self.event().await {
            MembershipEvent::Assigned { generation, .. } => generation,
            other => panic!("{other:?}"),
        }
    }

    /// How long it takes until the membership has ended.
    async fn leave(&self) -> Duration {
        let (done_tx, done) = oneshot::channel();
        let began = Instant::now();
        self.commands.send(MembershipCommand::Leave(done_tx)).expect("the membership runs");
        timeout(Duration::from_secs(300), done).await.expect("an end").expect("an answer");
        began.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_within_the_session_is_not_noticed() {
    let mut rig = Rig::new(FakeMember::default());
    assert_eq!(rig.assigned().await, 1);
    rig.group.change(|group| group.away = true);
    tokio::time::sleep(Duration::from_secs(6)).await;
    rig.group.change(|group| group.away = false);
    assert!(timeout(Duration::from_secs(60), rig.events.recv()).await.is_err());
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_the_session_ends_the_work_once_and_its_end_brings_it_back() {
    let mut rig = Rig::new(FakeMember::default());
    rig.assigned().await;
    let began = Instant::now();
    rig.group.change(|group| group.away = true);
    assert!(matches!(rig.event().await, MembershipEvent::Lost(_)));
    assert!(began.elapsed() <= SESSION);
    assert!(timeout(Duration::from_secs(60), rig.events.recv()).await.is_err(), "said once");
    rig.group.change(|group| group.away = false);
    rig.assigned().await;
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn the_session_ends_also_while_a_new_round_is_tried() {
    let mut rig = Rig::new(FakeMember::default());
    rig.assigned().await;
    let began = Instant::now();
    rig.group.change(|group| group.away = true);
    rig.commands.send(MembershipCommand::Rejoin).expect("the membership runs");
    assert!(matches!(rig.event().await, MembershipEvent::Lost(_)));
    assert!(began.elapsed() <= SESSION);
}

#[tokio::test(start_paused = true)]
async fn leaving_is_possible_at_any_time_of_an_outage() {
    for outage in [0, 2, 5, 30] {
        let mut rig = Rig::new(FakeMember::default());
        if outage > 0 {
            rig.assigned().await;
        }
        rig.group.change(|group| group.away = true);
        tokio::time::sleep(Duration::from_secs(outage)).await;
        assert!(rig.leave().await <= super::LEAVE_TIMEOUT, "{outage} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_membership_of_this_worker_is_not_another_worker() {
    let group = FakeMember::default();
    group.change(|group| group.others = vec![("ghost".into(), URL.into())]);
    assert_eq!(Rig::new(group).assigned().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_living_worker_under_the_same_url_is_another_worker() {
    let group = FakeMember::default();
    group.change(|group| {
        group.others = vec![("twin".into(), URL.into())];
        group.living = vec!["twin".into()];
    });
    let mut rig = Rig::new(group.clone());
    let MembershipEvent::OtherMember(name) = rig.event().await else { panic!("the twin is not seen") };
    assert_eq!(name, "twin at 10.0.0.1");
    tokio::time::sleep(Duration::from_secs(60)).await;
    // It is asked to rebalance once, not at every look.
    group.change(|group| assert_eq!((group.joins, group.left), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn another_worker_ends_the_work_and_its_going_brings_it_back() {
    let mut rig = Rig::new(FakeMember::default());
    rig.assigned().await;
    rig.group.change(|group| {
        group.others = vec![("m2".into(), "http://b:8083/".into())];
        group.heartbeats.push_back(HeartbeatOutcome::RebalanceInProgress);
    });
    assert!(matches!(rig.event().await, MembershipEvent::OtherMember(_)));
    // Invariant 5: the session ends by itself, after what runs here has stopped.
    tokio::time::sleep(Duration::from_secs(30)).await;
    rig.group.change(|group| {
        assert_eq!(group.left, 0);
        group.others.clear();
    });
    rig.assigned().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejoin_that_is_asked_for_leads_to_a_new_generation() {
    let mut rig = Rig::new(FakeMember::default());
    for generation in 1..4 {
        assert_eq!(rig.assigned().await, generation);
        rig.commands.send(MembershipCommand::Rejoin).expect("the membership runs");
    }
}
