//! The membership against a scripted group, under paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use sluice_kafka::wire::{Error, HeartbeatOutcome};
use sluice_storage::ConnectorTaskId;
use sluice_storage::config::MemoryConfigBackingStore;

use super::*;
use crate::group::{AssignmentError, ConnectProtocol};

/// The offset of a config topic without records.
const EMPTY: i64 = -1;

const URL: &str = "http://a:8083/";
const TIMES: GroupTimes = GroupTimes {
    heartbeat: Duration::from_secs(3),
    session: Duration::from_secs(10),
    rebalance: Duration::from_secs(60),
};

/// A group as its coordinator sees it; tests change it while the membership runs.
#[derive(Default)]
struct Group {
    /// Nothing is answered.
    away: bool,
    /// Joins, and then syncs, are answered so much later.
    join_takes: Duration,
    sync_takes: Duration,
    /// The next answers to heartbeats; then all is well.
    heartbeats: VecDeque<HeartbeatOutcome>,
    /// What is answered to pulses beside a join; those beside a sync are well.
    pulses: VecDeque<HeartbeatOutcome>,
    beats: u32,
    pulsed: u32,
    joins: i32,
    offered: Option<Bytes>,
    garbage: bool,
    /// The next sync is told that somebody joins again.
    sync_fails: bool,
    /// What the group speaks; `sessioned` when empty.
    protocol: &'static str,
    /// Whether the tenure was held when the group was left.
    left: Vec<bool>,
}

#[derive(Clone)]
struct FakeLink(Arc<Mutex<Group>>, Tenure);

impl FakeLink {
    fn change<T>(&self, change: impl FnOnce(&mut Group) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    async fn answer<T>(&self, answer: impl FnOnce(&mut Group) -> T) -> T {
        while self.change(|group| group.away) {
            sleep(Duration::from_millis(100)).await;
        }
        self.change(answer)
    }
}

#[async_trait]
impl GroupLink for FakeLink {
    async fn join(&mut self, protocols: &[(String, Bytes)]) -> Result<Joined, Error> {
        sleep(self.change(|group| group.join_takes)).await;
        self.answer(|group| {
            group.joins += 1;
            group.offered = Some(protocols[0].1.clone());
            Ok(Joined {
                generation: group.joins,
                member_id: "us".into(),
                leader_id: "us".into(),
                protocol: if group.protocol.is_empty() { "sessioned" } else { group.protocol }.into(),
                members: vec![("us".to_owned(), protocols[0].1.clone())],
            })
        })
        .await
    }
    async fn sync(&mut self, mut assignments: Vec<(String, Bytes)>) -> Result<Bytes, Error> {
        sleep(self.change(|group| group.sync_takes)).await;
        if self.change(|group| std::mem::take(&mut group.sync_fails)) {
            return Err(Error::check("SyncGroup", "group g", 27).expect_err("REBALANCE_IN_PROGRESS"));
        }
        self.answer(|group| Ok(if group.garbage { Bytes::from_static(b"\0") } else { assignments.remove(0).1 })).await
    }
    async fn heartbeat(&mut self) -> Result<HeartbeatOutcome, Error> {
        self.answer(|group| {
            group.beats += 1;
            Ok(group.heartbeats.pop_front().unwrap_or(HeartbeatOutcome::Ok))
        })
        .await
    }
    async fn leave(&mut self) -> Result<(), Error> {
        let held = self.1.is_held();
        self.answer(|group| {
            group.left.push(held);
            Ok(())
        })
        .await
    }
    fn pulse(&self) -> Option<Box<dyn Pulse>> {
        let joins = self.change(|group| group.joins);
        (joins > 0).then(|| Box::new(FakePulse(self.clone())) as Box<dyn Pulse>)
    }
}

struct FakePulse(FakeLink);

#[async_trait]
impl Pulse for FakePulse {
    async fn beat(&mut self) -> Result<HeartbeatOutcome, Error> {
        let beat = |group: &mut Group| {
            group.pulsed += 1;
            Ok(group.pulses.pop_front().unwrap_or(HeartbeatOutcome::Ok))
        };
        self.0.answer(beat).await
    }
}

struct Rig {
    link: FakeLink,
    tenure: Tenure,
    commands: mpsc::UnboundedSender<MembershipCommand>,
    events: mpsc::UnboundedReceiver<MembershipEvent>,
}

fn held() -> ConnectorsAndTasks {
    let tasks = [ConnectorTaskId { connector: "c".into(), task: 0 }].into();
    ConnectorsAndTasks { connectors: ["c".to_owned()].into(), tasks }
}

impl Rig {
    fn new() -> Self {
        let tenure = Tenure::none();
        let link = FakeLink(Arc::default(), tenure.clone());
        let configs = Arc::new(MemoryConfigBackingStore::new());
        let seat = Seat::new(ConnectProtocol::Sessioned, URL.into(), configs, 300_000);
        let (commands, events) = Membership::drive(Box::new(link.clone()), seat, tenure.clone(), TIMES);
        Self { link, tenure, commands, events }
    }

    async fn event(&mut self) -> MembershipEvent {
        timeout(Duration::from_secs(300), self.events.recv()).await.expect("an event").expect("the membership runs")
    }

    async fn join_due(&mut self) -> (Option<ProtocolVersion>, oneshot::Sender<Offer>) {
        match self.event().await {
            MembershipEvent::JoinDue { version, offer } => (version, offer),
            other => panic!("{other:?}"),
        }
    }

    async fn assigned(&mut self) -> RoundResult {
        match self.event().await {
            MembershipEvent::Assigned(result) => result,
            other => panic!("{other:?}"),
        }
    }

    async fn lost(&mut self) -> String {
        match self.event().await {
            MembershipEvent::Lost(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// A round with that in hands.
    async fn round(&mut self, held: Option<ConnectorsAndTasks>) -> i32 {
        let (_, offer) = self.join_due().await;
        offer.send(Offer { config_offset: EMPTY, held }).expect("it is awaited");
        self.assigned().await.generation
    }

    async fn in_group() -> Self {
        let mut rig = Self::new();
        assert_eq!(rig.round(None).await, 1);
        assert!(rig.tenure.is_held());
        rig
    }

    async fn quiet_for(&mut self, seconds: u64) {
        if let Ok(event) = timeout(Duration::from_secs(seconds), self.events.recv()).await {
            panic!("{event:?}");
        }
    }

    fn command(&self, command: MembershipCommand) {
        self.commands.send(command).expect("the membership runs");
    }

    /// How long it takes until the membership has ended.
    async fn leave(&self) -> Duration {
        let (done_tx, done) = oneshot::channel();
        let began = Instant::now();
        self.command(MembershipCommand::Leave(done_tx));
        timeout(Duration::from_secs(300), done).await.expect("an end").expect("an answer");
        began.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_within_the_session_is_not_noticed() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| group.away = true);
    sleep(Duration::from_secs(6)).await;
    rig.link.change(|group| group.away = false);
    rig.quiet_for(60).await;
    assert!(rig.tenure.is_held());
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_the_session_ends_the_tenure_once_and_its_end_begins_another() {
    let mut rig = Rig::in_group().await;
    let (began, first) = (Instant::now(), rig.tenure.number());
    rig.link.change(|group| group.away = true);
    rig.lost().await;
    assert!(began.elapsed() <= TIMES.session && !rig.tenure.is_held());
    let (version, offer) = rig.join_due().await;
    assert_eq!(version, None);
    offer.send(Offer { config_offset: EMPTY, held: None }).expect("it is awaited");
    rig.quiet_for(60).await;
    rig.link.change(|group| group.away = false);
    rig.assigned().await;
    assert!(rig.tenure.holds(first + 1));
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn a_pending_join_outlasts_a_session_while_its_pulse_beats() {
    let mut rig = Rig::in_group().await;
    let number = rig.tenure.number();
    rig.link.change(|group| {
        group.heartbeats.push_back(HeartbeatOutcome::RebalanceInProgress);
        group.pulses = [HeartbeatOutcome::RebalanceInProgress; 12].into();
        group.join_takes = Duration::from_secs(40);
    });
    assert_eq!(rig.round(Some(held())).await, 2);
    assert!(rig.tenure.holds(number));
    assert!(rig.link.change(|group| group.pulsed) >= 10);
}

#[tokio::test(start_paused = true)]
async fn the_generation_of_before_is_no_news_while_the_join_is_answered() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| {
        group.pulses = [HeartbeatOutcome::RebalanceInProgress, HeartbeatOutcome::IllegalGeneration].into();
        group.join_takes = Duration::from_secs(7);
    });
    rig.command(MembershipCommand::Rejoin);
    assert_eq!(rig.round(Some(held())).await, 2);
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn a_tenure_that_ends_in_a_join_joins_again_with_empty_hands() {
    let mut rig = Rig::in_group().await;
    rig.command(MembershipCommand::Rejoin);
    let (version, offer) = rig.join_due().await;
    assert_eq!(version, Some(ProtocolVersion::V2));
    rig.link.change(|group| group.away = true);
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    rig.lost().await;
    assert!(!rig.tenure.is_held());
    rig.link.change(|group| group.away = false);
    assert_eq!(rig.round(Some(ConnectorsAndTasks::default())).await, 2);
    let offered = rig.link.change(|group| group.offered.take()).expect("joined");
    let offered = crate::group::WorkerState::decode(&offered).expect("own bytes");
    assert!(offered.allocation.expect("a round before").assigned.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_member_that_the_group_has_dropped_is_told_during_its_join() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| {
        group.pulses.push_back(HeartbeatOutcome::UnknownMember);
        group.join_takes = Duration::from_secs(7);
    });
    rig.command(MembershipCommand::Rejoin);
    let (_, offer) = rig.join_due().await;
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    rig.lost().await;
    rig.round(None).await;
}

#[tokio::test(start_paused = true)]
async fn a_join_waits_for_the_offer_with_heartbeats_meanwhile() {
    let mut rig = Rig::in_group().await;
    rig.command(MembershipCommand::Rejoin);
    let (_, offer) = rig.join_due().await;
    rig.quiet_for(50).await;
    rig.link.change(|group| assert!(group.beats >= 15 && group.joins == 1));
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    rig.assigned().await;
    let offered = rig.link.change(|group| group.offered.take()).expect("joined");
    let offered = crate::group::WorkerState::decode(&offered).expect("own bytes");
    assert_eq!(offered.allocation.expect("a round before").assigned, held());
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn a_join_that_was_lost_on_its_way_ends_the_tenure_before_the_group_drops_us() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| {
        group.heartbeats.push_back(HeartbeatOutcome::RebalanceInProgress);
        group.pulses = [HeartbeatOutcome::RebalanceInProgress; 40].into();
        group.join_takes = Duration::from_secs(600);
    });
    let began = Instant::now();
    let (_, offer) = rig.join_due().await;
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    rig.lost().await;
    assert!(began.elapsed() <= TIMES.rebalance, "{:?}", began.elapsed());
}

// Invariant 5: the group drops who lives and does not rejoin.
#[tokio::test(start_paused = true)]
async fn a_late_offer_ends_the_tenure_before_the_group_drops_us() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| group.heartbeats = [HeartbeatOutcome::RebalanceInProgress; 40].into());
    let began = Instant::now();
    let (_, _offer) = rig.join_due().await;
    rig.lost().await;
    let took = began.elapsed();
    assert!(took <= TIMES.rebalance && took > TIMES.rebalance - TIMES.session, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_between_join_and_sync_costs_nobody_its_tenure() {
    let mut rig = Rig::in_group().await;
    let number = rig.tenure.number();
    rig.link.change(|group| group.sync_takes = Duration::from_secs(25));
    rig.command(MembershipCommand::Rejoin);
    assert_eq!(rig.round(Some(held())).await, 2);
    assert!(rig.tenure.holds(number));
}

#[tokio::test(start_paused = true)]
async fn an_assignment_of_garbage_ends_the_tenure_with_its_reason() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| group.garbage = true);
    rig.command(MembershipCommand::Rejoin);
    let (_, offer) = rig.join_due().await;
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    let reason = rig.lost().await;
    assert!(reason.starts_with("the assignment cannot be read: assignment: the bytes end"), "{reason}");
    rig.link.change(|group| group.garbage = false);
    rig.round(None).await;
}

#[tokio::test(start_paused = true)]
async fn leaving_is_possible_at_any_time_of_an_outage() {
    for outage in [0, 2, 5, 30] {
        let rig = if outage > 0 { Rig::in_group().await } else { Rig::new() };
        rig.link.change(|group| group.away = true);
        sleep(Duration::from_secs(outage)).await;
        assert!(rig.leave().await <= LEAVE_TIMEOUT, "{outage} s");
    }
}

// Invariant 5.
#[tokio::test(start_paused = true)]
async fn leave_is_heard_while_an_offer_is_awaited_and_the_tenure_ends_before_it_is_sent() {
    let mut rig = Rig::in_group().await;
    rig.command(MembershipCommand::Rejoin);
    // A loop that shuts down answers nobody.
    drop(rig.join_due().await);
    rig.quiet_for(30).await;
    assert!(rig.tenure.is_held());
    rig.leave().await;
    assert_eq!(rig.link.change(|group| group.left.clone()), [false]);
}

#[tokio::test(start_paused = true)]
async fn who_steps_out_is_out_until_it_steps_in() {
    let mut rig = Rig::in_group().await;
    rig.command(MembershipCommand::StepOut);
    rig.quiet_for(60).await;
    assert!(!rig.tenure.is_held());
    assert_eq!(rig.link.change(|group| group.left.clone()), [false]);
    rig.command(MembershipCommand::StepIn);
    rig.round(Some(ConnectorsAndTasks::default())).await;
    assert!(rig.tenure.is_held());
}

#[tokio::test(start_paused = true)]
async fn every_wish_to_rejoin_leads_to_a_new_generation_of_the_same_tenure() {
    let mut rig = Rig::in_group().await;
    let number = rig.tenure.number();
    for generation in 2..5 {
        rig.command(MembershipCommand::Rejoin);
        assert_eq!(rig.round(Some(held())).await, generation);
        assert!(rig.tenure.holds(number));
    }
    assert_eq!(rig.link.change(|group| group.joins), 4);
}

// Invariant 5: what others start after an eager round has stopped everywhere.
#[tokio::test(start_paused = true)]
async fn an_eager_round_that_fails_is_an_eager_round() {
    let mut rig = Rig::in_group().await;
    rig.link.change(|group| (group.protocol, group.sync_fails) = ("default", true));
    rig.command(MembershipCommand::Rejoin);
    let (version, offer) = rig.join_due().await;
    assert_eq!(version, Some(ProtocolVersion::V2));
    offer.send(Offer { config_offset: EMPTY, held: Some(held()) }).expect("it is awaited");
    assert_eq!(rig.join_due().await.0, Some(ProtocolVersion::V0));
}

#[tokio::test(start_paused = true)]
async fn the_leader_of_the_round_says_who_has_what() {
    let mut rig = Rig::new();
    let (_, offer) = rig.join_due().await;
    offer.send(Offer { config_offset: EMPTY, held: None }).expect("it is awaited");
    let result = rig.assigned().await;
    assert_eq!((result.version, result.assignment.error), (ProtocolVersion::V2, AssignmentError::None));
    assert_eq!(result.assignment.leader_url, URL);
    assert!(result.led.expect("it leads").ahead.is_empty());
}
