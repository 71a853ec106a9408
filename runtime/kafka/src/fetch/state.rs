//! What the task and the driver both know: the partitions, where they go on, and what waits to be read.

use std::collections::VecDeque;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;
use uuid::Uuid;

use super::chunk::Chunk;
use super::fetcher::Start;
use super::lineage::Lineage;
use super::names::Names;
use super::request::{Answer, Asked, Trouble};
use crate::consumer::{ConsumerRecord, TopicPartition};
use crate::error::Error;

/// A replica that a broker has recommended is asked for so long.
const REPLICA_FOR: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) partitions: IndexMap<TopicPartition, Partition>,
    /// What the next poll fails with.
    failure: Option<Error>,
    generation: u64,
    /// Whose turn it is.
    turn: usize,
    names: Names,
}

#[derive(Debug)]
pub(super) struct Partition {
    /// Where the task goes on.
    position: Start,
    /// Where the next fetch goes on.
    fetch_from: i64,
    /// Answers to what was asked under an earlier one are void.
    generation: u64,
    paused: bool,
    chunks: VecDeque<Chunk>,
    pub(super) leader: Option<Leader>,
    /// Asked in the leader's place, until then.
    replica: Option<(i32, Instant)>,
    /// Not asked before.
    pub(super) retry_at: Option<Instant>,
    /// The offset that was not in the log, while another place is looked up.
    out_of_range: Option<i64>,
    /// The log that is read, and up to which epoch.
    lineage: Lineage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) node: i32,
    /// -1 when the cluster does not tell it.
    pub(super) epoch: i32,
}

impl Partition {
    fn new(start: Start, generation: u64) -> Self {
        let fetch_from = if let Start::At(offset) = start { offset } else { 0 };
        Self {
            position: start,
            fetch_from,
            generation,
            paused: false,
            chunks: VecDeque::new(),
            leader: None,
            replica: None,
            retry_at: None,
            out_of_range: None,
            lineage: Lineage::UNKNOWN,
        }
    }

    fn go_to(&mut self, start: Start, generation: u64) {
        // Of the same topic; what was read before the new place is not known.
        let lineage = Lineage { leader_epoch: -1, ..self.lineage };
        *self = Self { paused: self.paused, leader: self.leader, lineage, ..Self::new(start, generation) };
    }

    /// The broker to ask.
    fn target(&self, now: Instant) -> Option<i32> {
        let replica = self.replica.filter(|(_, until)| *until > now).map(|(node, _)| node);
        replica.or(self.leader.map(|leader| leader.node))
    }

    fn may_be_asked(&self, now: Instant) -> bool {
        !self.paused && self.retry_at.is_none_or(|at| at <= now)
    }
}

impl State {
    /// Adds partitions, or sets those that are there back to these places.
    pub(super) fn assign(&mut self, starts: impl IntoIterator<Item = (TopicPartition, Start)>) {
        for (tp, start) in starts {
            self.generation += 1;
            self.partitions.insert(tp, Partition::new(start, self.generation));
        }
    }

    /// Notes which log is read.
    pub(super) fn set_lineage(&mut self, tp: &TopicPartition, lineage: Lineage) {
        if let Some(partition) = self.partitions.get_mut(tp) {
            partition.lineage = lineage;
        }
    }

    /// Notes the id of the topic as the cluster knows it now; the one before when that is another.
    pub(super) fn found_id(&mut self, tp: &TopicPartition, id: Uuid) -> Option<Uuid> {
        let lineage = &mut self.partitions.get_mut(tp)?.lineage;
        let before = lineage.topic_id.filter(|before| *before != id);
        if before.is_none() {
            lineage.topic_id = Some(id);
        }
        before
    }

    /// Goes on in another log under the same name. Where reading the one before has ended, where that is known.
    pub(super) fn begin_again(&mut self, tp: &TopicPartition, id: Uuid, start: Start) -> Option<i64> {
        self.generation += 1;
        let partition = self.partitions.get_mut(tp)?;
        let before = if let Start::At(position) = partition.position { Some(position) } else { None };
        partition.go_to(start, self.generation);
        partition.lineage = Lineage { topic_id: Some(id), leader_epoch: -1 };
        before
    }

    /// What was read is not in the log any more from `end` on: goes on there. `false` when the partition has gone elsewhere.
    pub(super) fn go_back(&mut self, asked: &Asked, epoch: i32, end: i64) -> bool {
        let has_moved = self.reset(asked, Start::At(end.min(asked.offset)));
        if let Some(partition) = self.partitions.get_mut(&asked.tp).filter(|_| has_moved) {
            (partition.out_of_range, partition.lineage.leader_epoch) = (None, epoch);
        }
        has_moved
    }

    pub(super) fn revoke(&mut self, gone: &[TopicPartition]) {
        self.partitions.retain(|tp, _| !gone.contains(tp));
    }

    pub(super) fn clear(&mut self) {
        self.partitions.clear();
        // It was about one of them, or it comes again.
        self.failure = None;
    }

    /// `false` when the partition is not assigned.
    pub(super) fn seek(&mut self, tp: &TopicPartition, start: Start) -> bool {
        self.generation += 1;
        let found = self.partitions.get_mut(tp);
        found.map(|partition| partition.go_to(start, self.generation)).is_some()
    }

    /// `false` when the partition is not assigned.
    pub(super) fn set_paused(&mut self, tp: &TopicPartition, paused: bool) -> bool {
        self.partitions.get_mut(tp).map(|partition| partition.paused = paused).is_some()
    }

    /// The offset of the next record to be read, where it is known.
    pub(super) fn positions(&self) -> Vec<(TopicPartition, i64)> {
        let known = self.partitions.iter().filter_map(|(tp, partition)| match partition.position {
            Start::At(offset) => Some((tp.clone(), offset)),
            Start::Earliest | Start::Latest => None,
        });
        known.collect()
    }

    /// Reads up to `max` records, or so many that they have `max_bytes`; `true` when more wait.
    pub(super) fn read(
        &mut self,
        max: usize,
        max_bytes: usize,
        records: &mut Vec<ConsumerRecord>,
    ) -> Result<bool, Error> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let (mut bytes, mut empty) = (0, 0);
        while empty < self.partitions.len() {
            self.turn %= self.partitions.len();
            let Some((tp, partition)) = self.partitions.get_index_mut(self.turn) else { break };
            let (Some(chunk), Start::At(position), false) =
                (partition.chunks.front_mut(), &mut partition.position, partition.paused)
            else {
                (self.turn, empty) = (self.turn + 1, empty + 1);
                continue;
            };
            empty = 0;
            loop {
                if records.len() >= max || bytes >= max_bytes {
                    return Ok(true);
                }
                match chunk.next(tp, position, &mut self.names) {
                    Ok(Some(record)) => {
                        bytes += record.key.as_ref().map_or(0, |key| key.len());
                        bytes += record.value.as_ref().map_or(0, |value| value.len());
                        records.push(record);
                    }
                    Ok(None) => {
                        partition.chunks.pop_front();
                        self.turn += 1;
                        break;
                    }
                    Err(error) => {
                        // Fetched again, in case it was damaged on its way.
                        let start = partition.position;
                        self.generation += 1;
                        partition.go_to(start, self.generation);
                        if records.is_empty() {
                            return Err(error);
                        }
                        self.fail(error);
                        return Ok(true);
                    }
                }
            }
        }
        Ok(self.failure.is_some())
    }

    /// Takes whole answers until they have `max_bytes`, each with where the reader goes on in it.
    pub(super) fn take(
        &mut self,
        max_bytes: usize,
        taken: &mut Vec<(TopicPartition, i64, Chunk)>,
    ) -> Result<(), Error> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut bytes = 0;
        for _ in 0..self.partitions.len() {
            self.turn %= self.partitions.len();
            let Some((tp, partition)) = self.partitions.get_index_mut(self.turn) else { break };
            self.turn += 1;
            while let (Some(_), Start::At(position), false) =
                (partition.chunks.front(), partition.position, partition.paused)
            {
                if bytes >= max_bytes {
                    return Ok(());
                }
                let Some(chunk) = partition.chunks.pop_front() else { break };
                bytes += chunk.len();
                partition.position = Start::At(chunk.end().map_or(position, |end| end.max(position)));
                taken.push((tp.clone(), position, chunk));
            }
        }
        Ok(())
    }

    /// Makes the next poll fail, with the first reason of several.
    pub(super) fn fail(&mut self, failure: Error) {
        self.failure.get_or_insert(failure);
    }

    /// Whether a poll would bring something.
    pub(super) fn is_ready(&self) -> bool {
        let waits = |partition: &Partition| !partition.paused && !partition.chunks.is_empty();
        self.failure.is_some() || self.partitions.values().any(waits)
    }

    /// Bytes that wait to be read; those of paused partitions do not count, as nobody asks for more of them.
    pub(super) fn waiting_bytes(&self) -> usize {
        let waiting = self.partitions.values().filter(|partition| !partition.paused);
        waiting.flat_map(|partition| &partition.chunks).map(Chunk::len).sum()
    }

    /// Topics of which a partition has no leader that is known.
    pub(super) fn topics_to_look_up(&self) -> Vec<&str> {
        let mut topics: Vec<&str> = Vec::new();
        for (tp, _) in self.partitions.iter().filter(|(_, partition)| partition.leader.is_none()) {
            if !topics.contains(&&*tp.topic) {
                topics.push(&tp.topic);
            }
        }
        topics
    }

    /// These partitions are left alone until then.
    pub(super) fn put_off(&mut self, partitions: &[(TopicPartition, u64)], until: Instant) {
        for (tp, generation) in partitions {
            if let Some(partition) = self.partitions.get_mut(tp).filter(|it| it.generation == *generation) {
                partition.retry_at = Some(until);
            }
        }
    }

    /// Partitions whose place is to be looked up, with their generations.
    pub(super) fn starts_to_look_up(&self, now: Instant) -> Vec<(TopicPartition, Start, u64)> {
        let unknown = self.partitions.iter().filter(|(_, partition)| {
            !matches!(partition.position, Start::At(_)) && partition.retry_at.is_none_or(|at| at <= now)
        });
        unknown.map(|(tp, partition)| (tp.clone(), partition.position, partition.generation)).collect()
    }

    /// Brokers that could be asked now.
    pub(super) fn targets(&self, now: Instant) -> Vec<i32> {
        let mut nodes: Vec<i32> = self
            .partitions
            .values()
            .filter(|partition| is_due(partition, now))
            .filter_map(|it| it.target(now))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// What to ask this broker for.
    pub(super) fn ask(&self, node: i32, now: Instant) -> Vec<Asked> {
        let due = self.partitions.iter().filter(|(_, it)| is_due(it, now) && it.target(now) == Some(node));
        let ask = |(tp, partition): (&TopicPartition, &Partition)| Asked {
            tp: tp.clone(),
            offset: partition.fetch_from,
            leader_epoch: partition.leader.map_or(-1, |leader| leader.epoch),
            lineage: partition.lineage,
            generation: partition.generation,
            from_replica: partition.leader.is_none_or(|leader| leader.node != node),
        };
        due.map(ask).collect()
    }

    /// When a partition that was refused may be asked again, the first of them.
    pub(super) fn next_retry(&self, now: Instant) -> Option<Instant> {
        self.partitions.values().filter_map(|partition| partition.retry_at).filter(|at| *at > now).min()
    }

    /// Takes what a broker answered for a partition. What it means for the driver, if anything.
    pub(super) fn answered(&mut self, asked: &Asked, answer: Answer, now: Instant, pause: Duration) -> Option<Trouble> {
        let (index, _, partition) = self.partitions.get_full_mut(&asked.tp)?;
        // Two brokers may have been asked the same when the leader moved.
        if partition.generation != asked.generation || partition.fetch_from != asked.offset {
            return None;
        }
        partition.retry_at = None;
        match answer {
            Answer::Records { chunk, next } => {
                if let Some((next, epoch)) = next {
                    partition.lineage.leader_epoch = epoch;
                    partition.fetch_from = partition.fetch_from.max(next);
                    partition.chunks.push_back(*chunk);
                    // Others come first in the next request, which the broker fills from the front.
                    let last = self.partitions.len() - 1;
                    self.partitions.move_index(index, last);
                }
                None
            }
            Answer::AskReplica(node) => {
                partition.replica = Some((node, now + REPLICA_FOR));
                None
            }
            Answer::Trouble(trouble) => {
                partition.retry_at = Some(now + pause);
                partition.replica = None;
                match trouble {
                    // Whoever was asked in the leader's place may lag behind: the leader knows.
                    Trouble::LeaderMoved | Trouble::OutOfRange | Trouble::Diverged { .. } if asked.from_replica => None,
                    trouble => {
                        if matches!(trouble, Trouble::LeaderMoved) {
                            partition.leader = None;
                        }
                        Some(trouble)
                    }
                }
            }
        }
    }

    /// An offset was looked up for a partition that has not been sent elsewhere since. Gives back the offset that was not in the log
    /// when that lies behind what was found: the log is shorter than it was.
    pub(super) fn found_start(&mut self, tp: &TopicPartition, generation: u64, offset: i64) -> Option<i64> {
        let partition = self.partitions.get_mut(tp).filter(|partition| partition.generation == generation)?;
        let lost = partition.out_of_range.filter(|lost| *lost > offset);
        partition.go_to(Start::At(offset), generation);
        lost
    }

    /// The offset that was asked for is not there: goes on at one that is. `false` when the partition has gone elsewhere.
    pub(super) fn reset(&mut self, asked: &Asked, start: Start) -> bool {
        let current = self.partitions.get_mut(&asked.tp).filter(|partition| partition.generation == asked.generation);
        let Some(partition) = current else { return false };
        // What was fetched before is read first.
        if !partition.chunks.is_empty() {
            return false;
        }
        self.generation += 1;
        partition.go_to(start, self.generation);
        partition.out_of_range = Some(asked.offset);
        true
    }

    /// Nobody knows where this broker is.
    pub(super) fn forget_broker(&mut self, node: i32) {
        for partition in self.partitions.values_mut() {
            if partition.replica.take_if(|(replica, _)| *replica == node).is_some() {
                partition.leader = None;
            }
            partition.leader.take_if(|leader| leader.node == node);
        }
    }

    /// The connection to the broker that was asked is broken.
    pub(super) fn lost_broker(&mut self, asked: &[Asked]) {
        for asked in asked {
            if let Some(partition) = self.partitions.get_mut(&asked.tp) {
                (partition.leader, partition.replica) = (None, None);
            }
        }
    }
}

fn is_due(partition: &Partition, now: Instant) -> bool {
    partition.may_be_asked(now) && matches!(partition.position, Start::At(_))
}
