//! The scenarios of connect-worker.md, appendix B, and what holds in any sequence of rounds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::connectors_and_tasks::tests::work;
use super::*;

const MAX_DELAY_MS: i32 = 300_000;

/// A group whose members do what they are told.
struct Group {
    assignor: IncrementalAssignor,
    max_delay_ms: i32,
    connectors: Vec<(&'static str, u32)>,
    members: BTreeMap<String, ConnectorsAndTasks>,
    generation: i32,
    now_ms: i64,
    last: ClusterAssignment,
}

impl Group {
    /// Connectors connector1, connector2, … with 4 tasks each.
    fn new(connectors: usize, max_delay_ms: i32, members: &[&str]) -> Self {
        let names = ["connector1", "connector2", "connector3"];
        let mut group = Self {
            assignor: IncrementalAssignor::new(max_delay_ms),
            max_delay_ms,
            connectors: names.into_iter().take(connectors).map(|name| (name, 4)).collect(),
            members: BTreeMap::new(),
            generation: 0,
            now_ms: 1_000_000,
            last: ClusterAssignment { members: BTreeMap::new(), delay_ms: 0 },
        };
        members.iter().for_each(|member| group.joins(member, ConnectorsAndTasks::default()));
        group
    }

    fn joins(&mut self, member: &str, claim: ConnectorsAndTasks) {
        self.members.insert(member.to_owned(), claim);
    }

    fn join(&mut self, member: &str) {
        self.joins(member, ConnectorsAndTasks::default());
    }

    fn leave(&mut self, member: &str) {
        self.members.remove(member).expect("a member");
    }

    fn wait(&mut self, ms: i32) {
        self.now_ms += i64::from(ms);
    }

    fn configured(&self) -> ConnectorsAndTasks {
        let names: Vec<&str> = self.connectors.iter().map(|(name, _)| *name).collect();
        work(&names, &self.connectors)
    }

    fn compute(&mut self, last_completed_generation: i32) {
        self.generation += 1;
        self.last = self.assignor.assign(&RoundInput {
            now_ms: self.now_ms,
            configured: self.configured(),
            last_completed_generation,
            generation: self.generation,
            members: self.members.clone(),
        });
    }

    /// One completed rebalance. No member is told what makes no difference.
    fn round(&mut self) -> String {
        self.compute(self.generation);
        for (member, part) in &self.last.members {
            let held = self.members.get_mut(member).expect("a member");
            assert!(part.assigned.shared_with(held).is_empty(), "{member} is given what it has");
            // A member that is to give up what it does not have would join again without news.
            assert!(part.revoked.without(held).is_empty(), "{member} is to give up what it does not have");
            held.remove(&part.revoked);
            held.add(&part.assigned);
            assert_eq!(*held, part.holds);
        }
        self.counts()
    }

    /// A rebalance whose outcome reaches nobody.
    fn failed_round(&mut self) -> String {
        self.compute(self.generation);
        self.counts()
    }

    /// Connectors and tasks by member, sorted.
    fn counts(&self) -> String {
        let sorted = |count: fn(&ConnectorsAndTasks) -> usize| {
            let mut counts: Vec<usize> = self.members.values().map(count).collect();
            counts.sort_unstable();
            counts.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
        };
        format!("{}|{}", sorted(|work| work.connectors.len()), sorted(|work| work.tasks.len()))
    }

    fn delay(&self) -> i32 {
        self.last.delay_ms
    }

    fn revokes(&self) -> bool {
        self.last.members.values().any(|part| !part.revoked.is_empty())
    }

    fn changes(&self) -> bool {
        self.revokes() || self.last.members.values().any(|part| !part.assigned.is_empty())
    }

    fn new_leader(&mut self) {
        self.assignor = IncrementalAssignor::new(self.max_delay_ms);
    }
}

#[test]
fn b1_a_worker_joins() {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1"]);
    assert_eq!(group.round(), "2|8");
    group.join("w2");
    assert_eq!(group.round(), "0,1|0,4");
    assert!(group.revokes());
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
    group.round();
    assert!(!group.changes() && group.delay() == 0);
}

/// Up to the third worker, with the delay that follows.
fn three_joined(max_delay_ms: i32, expected: &str) -> Group {
    let mut group = Group::new(3, max_delay_ms, &["w1"]);
    assert_eq!(group.round(), "3|12");
    group.join("w2");
    assert_eq!(group.round(), "0,2|0,6");
    group.join("w3");
    assert_eq!(group.round(), expected);
    group
}

#[test]
fn b2_workers_keep_joining() {
    let mut group = three_joined(MAX_DELAY_MS, "0,1,2|3,3,6");
    assert!(group.delay() > 0 && !group.revokes());
    group.wait(group.delay());
    group.join("w4");
    assert_eq!(group.round(), "0,0,1,1|0,3,3,3");
    group.join("w5");
    assert_eq!(group.round(), "0,0,1,1,1|1,2,3,3,3");
    assert!(group.delay() > 40);
    group.wait(group.delay());
    group.join("w6");
    assert_eq!((group.round().as_str(), group.delay()), ("0,0,0,1,1,1|0,1,2,2,2,2", 0));
    assert_eq!(group.round(), "0,0,0,1,1,1|2,2,2,2,2,2");
}

#[test]
fn b3_without_a_delay_revocations_follow_each_other() {
    let mut group = three_joined(0, "0,1,1|3,3,4");
    assert_eq!(group.delay(), 0);
    assert_eq!(group.round(), "1,1,1|4,4,4");
    assert!(!group.revokes());
}

#[test]
fn b4_the_delay_is_never_above_its_limit() {
    assert_eq!(three_joined(1, "0,1,2|3,3,6").delay(), 1);
}

#[test]
fn b5_a_worker_joins_during_the_back_off() {
    let mut group = three_joined(MAX_DELAY_MS, "0,1,2|3,3,6");
    group.wait(group.delay() / 2);
    group.join("w4");
    assert_eq!(group.round(), "0,0,1,2|0,3,3,6");
    assert!(group.delay() > 0 && !group.revokes());
    group.wait(group.delay());
    group.join("w5");
    assert_eq!((group.round().as_str(), group.delay()), ("0,0,0,1,1|0,0,2,3,3", 0));
    assert_eq!((group.round().as_str(), group.delay()), ("0,0,1,1,1|2,2,2,3,3", 0));
    assert!(!group.revokes());
}

/// Two balanced workers, the second of which leaves; half the delay goes by.
fn follower_left() -> Group {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1", "w2"]);
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
    group.leave("w2");
    group.round();
    assert!(!group.changes());
    assert_eq!(group.delay(), MAX_DELAY_MS);
    group.wait(MAX_DELAY_MS / 2);
    group.round();
    assert!(!group.changes());
    assert_eq!(group.delay(), MAX_DELAY_MS / 2);
    group
}

#[test]
fn b6_a_follower_leaves_for_good() {
    let mut group = follower_left();
    group.wait(MAX_DELAY_MS / 2 + 1);
    assert_eq!((group.round().as_str(), group.delay()), ("2|8", 0));
}

#[test]
fn b7_a_follower_bounces() {
    let mut group = follower_left();
    group.wait(MAX_DELAY_MS / 4);
    group.join("w2-again");
    group.round();
    assert!(!group.changes());
    assert_eq!(group.delay(), MAX_DELAY_MS / 4);
    group.wait(MAX_DELAY_MS / 4);
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
    assert!(!group.revokes());
}

#[test]
fn b8_the_leader_leaves_and_returns() {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1", "w2", "w3"]);
    assert_eq!((group.round().as_str(), group.delay()), ("0,1,1|2,3,3", 0));
    group.leave("w1");
    group.new_leader();
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
    group.join("w1");
    assert_eq!((group.round().as_str(), group.delay()), ("0,1,1|0,3,3", 0));
    assert_eq!((group.round().as_str(), group.delay()), ("0,1,1|2,3,3", 0));
    assert!(!group.revokes());
}

#[test]
fn b9_the_first_assignment_reaches_nobody() {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1", "w2"]);
    assert_eq!((group.failed_round().as_str(), group.delay()), ("0,0|0,0", 0));
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
}

#[test]
fn b10_a_later_assignment_reaches_nobody() {
    for leader_missed_it_too in [false, true] {
        let mut group = Group::new(2, MAX_DELAY_MS, &["w1", "w2"]);
        assert_eq!(group.round(), "1,1|4,4");
        group.join("w3");
        assert_eq!((group.failed_round().as_str(), group.delay()), ("0,1,1|0,4,4", 0));
        if leader_missed_it_too {
            group.compute(group.generation - 1);
        } else {
            group.round();
        }
        assert!(group.delay() > 0 && !group.changes());
        group.wait(group.delay());
        assert_eq!(group.round(), "0,1,1|0,3,3");
        assert_eq!(group.round(), "0,1,1|2,3,3");
    }
}

#[test]
fn b11_a_connector_is_deleted() {
    let mut group = Group::new(3, MAX_DELAY_MS, &["w1", "w2"]);
    assert_eq!((group.round().as_str(), group.delay()), ("1,2|6,6", 0));
    group.connectors.pop();
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
}

#[test]
fn b12_two_workers_claim_the_same() {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1"]);
    assert_eq!(group.round(), "2|8");
    group.joins("w2", work(&["connector1"], &[("connector1", 4)]));
    assert_eq!((group.round().as_str(), group.delay()), ("0,1|0,4", 0));
    assert_eq!((group.round().as_str(), group.delay()), ("1,1|4,4", 0));
    assert!(!group.revokes());
    group.round();
    assert!(!group.changes());
}

#[test]
fn b13_what_two_workers_claim_is_deleted_too() {
    let mut group = Group::new(2, MAX_DELAY_MS, &["w1"]);
    assert_eq!(group.round(), "2|8");
    group.connectors.remove(0);
    group.joins("w2", work(&["connector1"], &[("connector1", 4)]));
    assert_eq!((group.round().as_str(), group.delay()), ("0,1|0,2", 0));
    assert_eq!((group.round().as_str(), group.delay()), ("0,1|2,2", 0));
    assert!(!group.revokes());
    group.round();
    assert!(!group.changes() && group.delay() == 0);
}

#[derive(Debug, Clone)]
enum Event {
    Join(u8),
    Leave(u8),
    Configure(usize, u32),
    Wait(i32),
    LoseRound,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0_u8..6).prop_map(Event::Join),
        (0_u8..6).prop_map(Event::Leave),
        (0_usize..3, 0_u32..7).prop_map(|(connector, tasks)| Event::Configure(connector, tasks)),
        (0..MAX_DELAY_MS * 2).prop_map(Event::Wait),
        Just(Event::LoseRound),
    ]
}

fn apply(group: &mut Group, event: &Event) {
    match event {
        // The first member leads and stays.
        Event::Join(member) => drop(group.members.entry(format!("w{member}")).or_default()),
        Event::Leave(0) => {}
        Event::Leave(member) => drop(group.members.remove(&format!("w{member}"))),
        Event::Configure(connector, tasks) => group.connectors[*connector].1 = *tasks,
        Event::Wait(ms) => group.wait(*ms),
        Event::LoseRound => drop(group.failed_round()),
    }
}

fn is_within_one(mut counts: Vec<usize>) -> bool {
    counts.sort_unstable();
    counts.first().zip(counts.last()).is_none_or(|(least, most)| most - least <= 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    // Invariant 5: whatever happens, nothing runs twice; and once it is quiet, everything runs, evenly, and stays put.
    #[test]
    fn every_item_runs_at_most_once_and_in_the_end_exactly_once(
        events in proptest::collection::vec(any_event(), 0..25),
        max_delay_ms in prop_oneof![Just(0), Just(1), Just(MAX_DELAY_MS)],
    ) {
        let mut group = Group::new(3, max_delay_ms, &["w0"]);
        for event in &events {
            apply(&mut group, event);
            group.round();
            prop_assert!(held_twice(&group.members).is_empty(), "{:?}", group.members);
        }
        let mut quiet_rounds = 0;
        let mut rounds = 0;
        while quiet_rounds < 2 {
            rounds += 1;
            prop_assert!(rounds < 30, "no end of moving: {:?}", group.last);
            group.wait(group.delay());
            group.round();
            prop_assert!(held_twice(&group.members).is_empty());
            quiet_rounds = if group.changes() || group.delay() > 0 { 0 } else { quiet_rounds + 1 };
        }
        prop_assert_eq!(union(&group.members), group.configured());
        prop_assert!(is_within_one(group.members.values().map(|work| work.connectors.len()).collect()));
        prop_assert!(is_within_one(group.members.values().map(|work| work.tasks.len()).collect()));
    }

    #[test]
    fn a_join_moves_no_more_than_the_newcomer_needs(members in 1_usize..6, tasks in proptest::collection::vec(0_u32..9, 3)) {
        let names: Vec<String> = (0..members).map(|member| format!("w{member}")).collect();
        let mut group = Group::new(3, MAX_DELAY_MS, &names.iter().map(String::as_str).collect::<Vec<_>>());
        group.connectors.iter_mut().zip(tasks).for_each(|(connector, tasks)| connector.1 = tasks);
        group.round();
        group.join("x");
        let before = group.members.clone();
        (0..4).for_each(|_| drop(group.round()));
        let newcomer = &group.members["x"];
        let moved: usize = before.iter().map(|(member, held)| held.without(&group.members[member]).tasks.len()).sum();
        prop_assert_eq!(moved, newcomer.tasks.len());
    }
}
