//! Lanes against brokers that forget, refuse and fall silent.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::copy::parcel::Run;

fn lane(parcels: i64) -> Lane {
    let mut lane = Lane::new(TopicPartition::new("t", 0), TopicPartition::new("A.t", 0));
    lane.set_identity(Identity { id: 7, epoch: 0 });
    lane.leader = Some(1);
    for number in 0..parcels {
        lane.push(parcel(number * 10, 10));
    }
    lane
}

fn parcel(first: i64, count: i32) -> Parcel {
    let end = first + i64::from(count) - 1;
    Parcel::records(Bytes::from(vec![0; 100]), vec![Run { first, count }], count, end, 0)
}

/// Sends all that may go; numbers and sequences.
fn send(lane: &mut Lane) -> Vec<(u64, i32)> {
    let mut sent = Vec::new();
    while lane.may_send(Instant::now()) {
        sent.extend(lane.send().map(|(number, sequence, _)| (number, sequence)));
    }
    sent
}

fn ends(lane: &mut Lane) -> Vec<i64> {
    std::iter::from_fn(|| lane.take_done().map(|(parcel, _)| parcel.end())).collect()
}

/// A lane whose leader has acknowledged its first parcel.
fn proven(parcels: i64) -> Lane {
    let mut lane = lane(parcels);
    assert_eq!(send(&mut lane), [(0, 0)], "one at a time until the leader is known to count");
    lane.answered(0, Outcome::Appended(Some(0)));
    assert_eq!(ends(&mut lane), [9]);
    lane
}

#[test]
fn five_parcels_are_under_way_and_come_off_in_order() {
    let mut lane = proven(8);
    assert_eq!(send(&mut lane), [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50)]);
    lane.answered(2, Outcome::Appended(Some(20)));
    assert_eq!(ends(&mut lane), [0_i64; 0], "the first comes first");
    lane.answered(1, Outcome::Appended(Some(10)));
    assert_eq!(ends(&mut lane), [19, 29]);
    assert_eq!(send(&mut lane), [(6, 60), (7, 70)]);
}

#[test]
fn a_failure_waits_for_all_and_sends_again_one_by_one_with_the_same_sequences() {
    let mut lane = proven(6);
    send(&mut lane);
    lane.answered(1, Outcome::Refused);
    assert_eq!(send(&mut lane), [(0, 0); 0], "others are under way");
    for number in 2..=5 {
        lane.answered(number, Outcome::OutOfOrder);
    }
    assert_eq!(lane.settle(), Ok(None));
    assert_eq!(send(&mut lane), [(1, 10)]);
    lane.answered(1, Outcome::Appended(Some(10)));
    assert_eq!(ends(&mut lane), [19]);
    assert_eq!(send(&mut lane), [(2, 20), (3, 30), (4, 40), (5, 50)]);
    assert_eq!(lane.identity(), Some(Identity { id: 7, epoch: 0 }));
}

#[test]
fn a_broker_that_knows_the_last_batch_alone_is_asked_before_anything_goes_again() {
    // All five are in the log, their answers are lost, and the broker has started again from a snapshot.
    let mut lane = proven(6);
    send(&mut lane);
    for number in 1..=5 {
        lane.answered(number, Outcome::Unknown);
    }
    assert_eq!(lane.settle(), Ok(None));
    assert_eq!(send(&mut lane), [(1, 10)]);
    lane.answered(1, Outcome::OutOfOrder);
    assert_eq!(lane.settle(), Ok(Some(Need::LastSequence)));
    assert_eq!(send(&mut lane), [(0, 0); 0]);
    lane.resolve(Some(59));
    assert_eq!(lane.settle(), Ok(None));
    assert_eq!(ends(&mut lane), [19, 29, 39, 49, 59]);
    lane.push(parcel(60, 10));
    lane.push(parcel(70, 10));
    assert_eq!(send(&mut lane).len(), 1, "a broker may forget who was idle");
    let number = 6;
    lane.answered(number, Outcome::Appended(Some(60)));
    assert_eq!(ends(&mut lane), [69]);
    assert_eq!(send(&mut lane).first().map(|(_, sequence)| *sequence), Some(70), "the same epoch goes on");
}

#[test]
fn a_broker_that_has_lost_records_gets_a_new_epoch() {
    let mut lane = proven(3);
    send(&mut lane);
    lane.answered(1, Outcome::OutOfOrder);
    lane.answered(2, Outcome::OutOfOrder);
    assert_eq!(lane.settle(), Ok(None));
    assert_eq!(lane.identity(), Some(Identity { id: 7, epoch: 1 }));
    assert_eq!(send(&mut lane), [(1, 0)]);
}

#[test]
fn a_new_epoch_behind_which_something_was_written_is_an_error() {
    let mut lane = proven(3);
    send(&mut lane);
    lane.answered(2, Outcome::Appended(Some(20)));
    lane.answered(1, Outcome::OutOfOrder);
    assert_eq!(lane.settle(), Err(Stuck::OutOfOrder { offset: 10 }));
}

#[test]
fn a_stretch_without_records_comes_off_when_it_is_the_first() {
    let mut lane = lane(1);
    lane.push(Parcel::passed(14));
    assert_eq!(ends(&mut lane), [0_i64; 0]);
    send(&mut lane);
    lane.answered(0, Outcome::Appended(Some(0)));
    assert_eq!(ends(&mut lane), [9, 14]);
}

#[test]
fn one_record_that_is_too_large_is_named() {
    let mut lane = lane(0);
    lane.push(parcel(5, 1));
    send(&mut lane);
    lane.answered(0, Outcome::TooLarge);
    assert_eq!(lane.settle(), Err(Stuck::RecordTooLarge { offset: 5, bytes: 100 }));
}

#[test]
fn sequences_begin_again_behind_the_largest_number() {
    assert_eq!(after(i32::MAX, 1), 0);
    assert_eq!(after(i32::MAX - 1, 3), 1);
    assert!(is_at_or_before(i32::MAX, 3) && !is_at_or_before(3, i32::MAX) && is_at_or_before(5, 5));
}

/// A partition of a broker: its log, and what it remembers of the producer.
#[derive(Debug, Default)]
struct Log {
    records: Vec<(i64, i32)>,
    remembered: VecDeque<(i32, i32, i64)>,
    epoch: i16,
}

impl Log {
    /// As a broker does: duplicates among the last five are told again, anything else has to come next; who is not known may begin anywhere.
    fn append(&mut self, epoch: i16, sequence: i32, first: i64, count: i32) -> Outcome {
        if epoch > self.epoch {
            self.remembered.clear();
            self.epoch = epoch;
        }
        if let Some((.., offset)) =
            self.remembered.iter().find(|(from, length, _)| (*from, *length) == (sequence, count))
        {
            return Outcome::Appended(Some(*offset));
        }
        if self.remembered.back().is_some_and(|(from, length, _)| after(*from, *length) != sequence) {
            return Outcome::OutOfOrder;
        }
        let offset = self.records.iter().map(|(_, count)| i64::from(*count)).sum();
        self.records.push((first, count));
        self.remembered.push_back((sequence, count, offset));
        if self.remembered.len() > WINDOW {
            self.remembered.pop_front();
        }
        Outcome::Appended(Some(offset))
    }

    /// A clean start from a snapshot.
    fn restart(&mut self) {
        self.remembered.drain(..self.remembered.len().saturating_sub(1));
    }

    fn last(&self) -> Option<i32> {
        self.remembered.back().map(|(from, count, _)| before(after(*from, *count)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// Whatever a broker refuses, answers without being heard, or forgets at a clean start: the log has each record once, in order.
    #[test]
    fn each_record_is_written_once_and_in_order(faults in proptest::collection::vec(0_u8..10, 0..200), parcels in 1_i64..30) {
        let (mut lane, mut log) = (lane(0), Log::default());
        for number in 0..parcels {
            lane.push(parcel(number * 10, 10));
        }
        let (mut done, mut faults) = (Vec::new(), faults.into_iter());
        for _ in 0..10_000 {
            let mut flights = Vec::new();
            while lane.may_send(Instant::now()) {
                let identity = lane.identity().expect("set");
                if let Some((number, sequence, parcel)) = lane.send() {
                    flights.push((number, sequence, parcel.runs()[0].first, parcel.count(), identity.epoch));
                }
            }
            let mut is_cut = false;
            for (number, sequence, first, count, epoch) in flights {
                let fault = faults.next().unwrap_or(9);
                let outcome = match fault {
                    _ if is_cut => Outcome::Unknown,
                    0 => Outcome::Refused,
                    1 => { is_cut = true; Outcome::Unknown }
                    2 => { log.append(epoch, sequence, first, count); is_cut = true; Outcome::Unknown }
                    3 => { log.append(epoch, sequence, first, count); Outcome::Unknown }
                    4 => { log.append(epoch, sequence, first, count); log.restart(); is_cut = true; Outcome::Unknown }
                    _ => log.append(epoch, sequence, first, count),
                };
                lane.answered(number, outcome);
            }
            if let Ok(Some(Need::LastSequence)) = lane.settle() {
                lane.resolve(log.last());
                prop_assert!(lane.settle().is_ok());
            }
            done.extend(ends(&mut lane));
            if lane.is_empty() {
                break;
            }
        }
        let expected: Vec<(i64, i32)> = (0..parcels).map(|number| (number * 10, 10)).collect();
        prop_assert_eq!(&log.records, &expected);
        prop_assert_eq!(done, (0..parcels).map(|number| number * 10 + 9).collect::<Vec<_>>());
    }
}
