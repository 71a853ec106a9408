//! One source partition on its way to one target partition: which parcel may go now, and what an answer means for the others.
//!
//! No IO here. The rules are those of the page in `mod.rs`; the tests below play brokers that forget.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::header::Identity;
use super::parcel::{Parcel, State};
use super::rebuild;
use crate::consumer::TopicPartition;

/// So many of a producer's last batches a broker remembers of a partition.
const WINDOW: usize = 5;

/// What a broker has said of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the log, at this offset when it is known.
    Appended(Option<i64>),
    /// It is not.
    Refused,
    /// It may be.
    Unknown,
    /// The sequence is not the one that comes next.
    OutOfOrder,
    /// It is larger than the target takes.
    TooLarge,
}

/// What has to be done before the lane may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To ask the leader which sequence it has seen last: parcels may have been appended.
    LastSequence,
}

/// Why a lane cannot go on at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// A single record that the target does not take, so many bytes.
    RecordTooLarge { offset: i64, bytes: usize },
    /// A batch that cannot be parted.
    Damaged { offset: i64, reason: String },
    /// Parcels behind the first one are in the log of the target.
    OutOfOrder { offset: i64 },
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) source: TopicPartition,
    pub(super) target: TopicPartition,
    /// Who leads the target partition; `None` when that is to be looked up.
    pub(super) leader: Option<i32>,
    /// Nothing is sent before.
    pub(super) retry_at: Option<Instant>,
    pub(super) failures: u32,
    /// Whether its source partition is not fetched for now.
    pub(super) is_held_back: bool,
    /// Offset of the last record that the target has acknowledged.
    pub(super) last_target: Option<i64>,
    /// Whether it is among those that the copier looks at.
    pub(super) is_active: bool,
    identity: Option<Identity>,
    next_sequence: i32,
    next_number: u64,
    queue: VecDeque<Parcel>,
    queued_bytes: usize,
    under_way: usize,
    /// Something failed: nothing goes before everything under way was answered.
    is_broken: bool,
    lost_sequence: bool,
    /// Whether the leader has acknowledged something since it was last in doubt. Until then one parcel goes at a time: a leader that knows nothing
    /// of this producer takes any first sequence, and would take the second of five when the first is refused.
    is_proven: bool,
    /// Batches from this size on were refused.
    too_large: usize,
}

impl Lane {
    pub(super) fn new(source: TopicPartition, target: TopicPartition) -> Self {
        Self {
            source,
            target,
            leader: None,
            retry_at: None,
            failures: 0,
            is_held_back: false,
            last_target: None,
            is_active: false,
            identity: None,
            next_sequence: 0,
            next_number: 0,
            queue: VecDeque::new(),
            queued_bytes: 0,
            under_way: 0,
            is_broken: false,
            lost_sequence: false,
            is_proven: false,
            too_large: usize::MAX,
        }
    }

    pub(super) fn push(&mut self, mut parcel: Parcel) {
        parcel.number = self.next_number;
        self.next_number += 1;
        self.queued_bytes += parcel.batch().len();
        self.queue.push_back(parcel);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Source offset of the first record that is not acknowledged.
    pub(super) fn first_offset(&self) -> Option<i64> {
        self.queue.iter().find_map(|parcel| parcel.runs().first().map(|run| run.first))
    }

    /// Who it is to the target partition, once the copier has an id.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    pub(super) fn set_identity(&mut self, identity: Identity) {
        self.identity.get_or_insert(identity);
    }

    /// Whether a parcel may go to the leader now.
    pub(super) fn may_send(&self, now: Instant) -> bool {
        !self.is_broken
            && self.identity.is_some()
            && self.leader.is_some()
            && self.retry_at.is_none_or(|at| at <= now)
            && self.next().is_some()
    }

    fn next(&self) -> Option<usize> {
        let window = if self.is_proven { WINDOW } else { 1 };
        self.queue.iter().take(window).position(|parcel| parcel.state == State::Waiting)
    }

    /// How many bytes the next parcel has.
    pub(super) fn next_bytes(&self) -> usize {
        self.next().and_then(|at| self.queue.get(at)).map_or(0, |parcel| parcel.batch().len())
    }

    /// Parts the next parcel while it is as large as those that were refused.
    pub(super) fn part_what_is_too_large(&mut self) -> Result<(), Stuck> {
        while let Some(at) = self.next() {
            let Some(parcel) = self.queue.get(at) else { break };
            let is_new = parcel.sequence.is_none() && parcel.count() > 1;
            if !is_new || parcel.batch().len() < self.too_large {
                break;
            }
            self.part(at)?;
        }
        Ok(())
    }

    /// Takes the next parcel as sent: its number, its sequence and its bytes.
    pub(super) fn send(&mut self) -> Option<(u64, i32, &Parcel)> {
        let at = self.next()?;
        let parcel = self.queue.get_mut(at)?;
        let sequence = *parcel.sequence.get_or_insert(self.next_sequence);
        if sequence == self.next_sequence {
            self.next_sequence = after(sequence, parcel.count());
        }
        parcel.state = State::UnderWay;
        self.under_way += 1;
        Some((parcel.number, sequence, parcel))
    }

    /// Takes what a broker said, or that it says nothing more. What is done at the front of the queue comes out by [`Lane::take_done`].
    pub(super) fn answered(&mut self, number: u64, outcome: Outcome) {
        let Some(at) = self.queue.iter().position(|parcel| parcel.number == number) else { return };
        let parcel = &mut self.queue[at];
        if parcel.state != State::UnderWay {
            return;
        }
        self.under_way -= 1;
        match outcome {
            Outcome::Appended(offset) => {
                parcel.state = State::Done(offset);
                parcel.is_unresolved = false;
                (self.failures, self.retry_at) = (0, None);
                self.is_proven |= !self.is_broken;
                return;
            }
            Outcome::Unknown => parcel.is_unresolved = true,
            Outcome::Refused => {}
            Outcome::TooLarge => {
                parcel.is_too_large = true;
                self.too_large = self.too_large.min(parcel.batch().len());
            }
            Outcome::OutOfOrder => self.lost_sequence |= at == 0,
        }
        parcel.state = State::Waiting;
        (self.is_broken, self.is_proven) = (true, false);
    }

    /// The front of the queue, when it is done.
    pub(super) fn take_done(&mut self) -> Option<(Parcel, Option<i64>)> {
        let State::Done(offset) = self.queue.front()?.state else { return None };
        let parcel = self.queue.pop_front()?;
        self.queued_bytes -= parcel.batch().len();
        // By the time more comes, the broker may have forgotten this producer.
        self.is_proven &= !self.queue.is_empty();
        Some((parcel, offset))
    }

    /// Once nothing is under way: makes the lane ready to go on, or says what that takes.
    ///
    /// # Errors
    /// It cannot go on.
    pub(super) fn settle(&mut self) -> Result<Option<Need>, Stuck> {
        if !self.is_broken || self.under_way > 0 {
            return Ok(None);
        }
        let in_doubt = self.queue.iter().any(|parcel| parcel.is_unresolved);
        let too_large = self.queue.iter().position(|parcel| parcel.is_too_large);
        if in_doubt && (self.lost_sequence || too_large.is_some()) {
            return Ok(Some(Need::LastSequence));
        }
        if self.lost_sequence {
            self.begin_anew()?;
        }
        if let Some(at) = too_large {
            self.part(at)?;
        }
        self.is_broken = false;
        Ok(None)
    }

    /// Takes the last sequence that the leader has seen of this producer, `None` when it has seen none: everything up to it is in the log.
    pub(super) fn resolve(&mut self, last: Option<i32>) {
        for parcel in &mut self.queue {
            let Some(sequence) = parcel.sequence.filter(|_| parcel.state == State::Waiting) else { continue };
            let end = before(after(sequence, parcel.count()));
            if parcel.is_unresolved && last.is_some_and(|last| is_at_or_before(end, last)) {
                parcel.state = State::Done(None);
                parcel.is_too_large = false;
            }
            parcel.is_unresolved = false;
        }
        // What comes next is then what the leader expects; otherwise it says so again, and nothing is in doubt any more.
        if last.is_some() {
            self.lost_sequence = false;
        }
    }

    /// How many records may be in the log twice when the lane begins anew without knowing better.
    pub(super) fn records_in_doubt(&self) -> i64 {
        self.queue.iter().filter(|parcel| parcel.is_unresolved).map(|parcel| i64::from(parcel.count())).sum()
    }

    /// Under the next epoch, which the broker takes in place of the earlier one and of what may still arrive from it.
    fn begin_anew(&mut self) -> Result<(), Stuck> {
        if self.queue.iter().any(|parcel| matches!(parcel.state, State::Done(_)) && parcel.count() > 0) {
            return Err(Stuck::OutOfOrder { offset: self.first_offset().unwrap_or(-1) });
        }
        for parcel in &mut self.queue {
            parcel.sequence = None;
        }
        if let Some(identity) = &mut self.identity {
            let exhausted = Stuck::OutOfOrder { offset: self.queue.front().map_or(-1, Parcel::end) };
            identity.epoch = identity.epoch.checked_add(1).ok_or(exhausted)?;
        }
        (self.next_sequence, self.lost_sequence) = (0, false);
        Ok(())
    }

    /// Puts two halves in the place of a parcel. They continue its sequence.
    fn part(&mut self, at: usize) -> Result<(), Stuck> {
        let Some(parcel) = self.queue.get(at) else { return Ok(()) };
        let offset = parcel.runs().first().map_or(-1, |run| run.first);
        if parcel.count() < 2 {
            return Err(Stuck::RecordTooLarge { offset, bytes: parcel.batch().len() });
        }
        let parted = rebuild::halves(parcel).map_err(|reason| Stuck::Damaged { offset, reason })?;
        let (mut first, mut second) = parted;
        first.sequence = parcel.sequence;
        second.sequence = parcel.sequence.map(|sequence| after(sequence, first.count()));
        (first.lineage, second.lineage) = (parcel.lineage, parcel.lineage);
        (first.held, second.held) = (parcel.held.clone(), parcel.held.clone());
        self.queued_bytes -= parcel.batch().len();
        self.queued_bytes += first.batch().len() + second.batch().len();
        (first.number, second.number) = (self.next_number, self.next_number + 1);
        self.next_number += 2;
        self.queue[at] = second;
        self.queue.insert(at, first);
        Ok(())
    }
}

/// As brokers count: 0 comes behind the largest number.
fn after(sequence: i32, count: i32) -> i32 {
    (sequence.wrapping_add(count)) & i32::MAX
}

fn before(sequence: i32) -> i32 {
    sequence.wrapping_sub(1) & i32::MAX
}

/// Of two that are near each other.
fn is_at_or_before(one: i32, other: i32) -> bool {
    (other.wrapping_sub(one) & i32::MAX) < i32::MAX / 2
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
