//! The coordinator by itself: what Kafka's answers in these situations.

use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

struct Rig {
    coordinator: Coordinator,
    now: Time,
    calls: CallId,
}

fn rig() -> Rig {
    Rig { coordinator: Coordinator::new(), now: Duration::ZERO, calls: 0 }
}

impl Rig {
    fn ask(&mut self, request: Request) -> CallId {
        self.calls += 1;
        self.coordinator.handle(self.now, self.calls, request);
        self.calls
    }

    fn join(&mut self, id: &str, metadata: &'static str) -> CallId {
        let protocols = vec![("sessioned".to_owned(), Bytes::from(metadata))];
        self.ask(Request::Join { member_id: id.to_owned(), protocols, session: SESSION, rebalance: REBALANCE })
    }

    fn sync(&mut self, id: &str, generation: i32, assignments: &[(&str, &'static str)]) -> CallId {
        let assignments = assignments.iter().map(|(id, bytes)| ((*id).to_owned(), Bytes::from(*bytes))).collect();
        self.ask(Request::Sync { member_id: id.to_owned(), generation, assignments })
    }

    fn heartbeat(&mut self, id: &str, generation: i32) -> Option<i16> {
        let call = self.ask(Request::Heartbeat { member_id: id.to_owned(), generation });
        match self.answer(call) {
            Some(Answer::Done) => None,
            Some(Answer::Error(code)) => Some(code),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, call: CallId) -> Option<Answer> {
        let at = self.coordinator.out.iter().position(|(id, _)| *id == call)?;
        Some(self.coordinator.out.remove(at).1)
    }

    fn id(&mut self) -> String {
        let call = self.join("", "");
        match self.answer(call) {
            Some(Answer::MemberIdRequired(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass in steps, as the world does.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.coordinator.next_timer().filter(|next| *next <= end) {
            self.now = next;
            self.coordinator.pass(next);
        }
        self.now = end;
    }

    fn joined(&mut self, call: CallId) -> Joined {
        match self.answer(call) {
            Some(Answer::Joined(joined)) => joined,
            other => panic!("{other:?}"),
        }
    }

    /// Two members in a stable group; the first leads.
    fn pair(&mut self) -> (String, String) {
        let (a, b) = (self.id(), self.id());
        let calls = [self.join(&a, "a"), self.join(&b, "b")];
        self.wait(Duration::from_secs(6));
        let [first, second] = calls.map(|call| self.joined(call));
        assert_eq!((first.generation, first.members.len(), second.members.len()), (1, 2, 0));
        assert!(first.is_leader() && !second.is_leader());
        let calls = [self.sync(&b, 1, &[]), self.sync(&a, 1, &[(&a, "A"), (&b, "B")])];
        for (call, bytes) in calls.into_iter().zip(["B", "A"]) {
            assert!(matches!(self.answer(call), Some(Answer::Synced(found)) if found == bytes));
        }
        (a, b)
    }
}

#[test]
fn heartbeats_say_what_goes_on() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    assert_eq!((rig.heartbeat(&a, 1), rig.heartbeat(&b, 0)), (None, Some(ILLEGAL_GENERATION)));
    assert_eq!(rig.heartbeat("nobody", 1), Some(UNKNOWN_MEMBER_ID));
    rig.join(&a, "a");
    assert_eq!(rig.heartbeat(&b, 1), Some(REBALANCE_IN_PROGRESS));
    let call = rig.join(&b, "b");
    assert_eq!(rig.joined(call).generation, 2);
    assert_eq!((rig.heartbeat(&b, 1), rig.heartbeat(&b, 2)), (Some(ILLEGAL_GENERATION), None));
}

#[test]
fn a_follower_with_the_same_metadata_causes_no_rebalance_and_a_leader_does() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    let call = rig.join(&b, "b");
    assert_eq!(rig.joined(call).generation, 1);
    let call = rig.sync(&b, 1, &[]);
    assert!(matches!(rig.answer(call), Some(Answer::Synced(bytes)) if bytes == "B"));
    rig.join(&a, "a");
    assert_eq!(rig.heartbeat(&b, 1), Some(REBALANCE_IN_PROGRESS));
}

#[test]
fn a_silent_member_is_dropped_after_its_session_and_the_join_of_the_others_ends() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    let call = rig.join(&a, "a");
    rig.wait(Duration::from_secs(9));
    assert!(rig.answer(call).is_none());
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.joined(call).members.len(), 1);
    assert_eq!(rig.heartbeat(&b, 1), Some(UNKNOWN_MEMBER_ID));
}

#[test]
fn a_member_that_lives_and_does_not_join_is_dropped_after_the_rebalance_timeout() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    let call = rig.join(&a, "a");
    for _ in 0..12 {
        assert_eq!(rig.heartbeat(&b, 1), Some(REBALANCE_IN_PROGRESS));
        rig.wait(Duration::from_secs(5));
    }
    assert_eq!(rig.joined(call).generation, 2);
    assert_eq!(rig.heartbeat(&b, 2), Some(UNKNOWN_MEMBER_ID));
}

#[test]
fn a_leader_that_dies_between_join_and_sync_frees_the_others_when_its_session_ends() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    rig.join(&a, "a");
    rig.join(&b, "b");
    let call = rig.sync(&b, 2, &[]);
    rig.wait(Duration::from_secs(10));
    assert!(matches!(rig.answer(call), Some(Answer::Error(REBALANCE_IN_PROGRESS))));
    let call = rig.join(&b, "b");
    let joined = rig.joined(call);
    assert!(joined.is_leader() && joined.generation == 3);
}

#[test]
fn a_restarted_broker_knows_the_last_complete_round() {
    let mut rig = rig();
    let (a, b) = rig.pair();
    rig.join(&a, "a");
    let now = rig.now;
    rig.coordinator.restart(now, true);
    assert_eq!((rig.heartbeat(&a, 1), rig.heartbeat(&b, 1)), (None, None));
    rig.coordinator.restart(now, false);
    assert_eq!(rig.heartbeat(&a, 1), Some(UNKNOWN_MEMBER_ID));
}
