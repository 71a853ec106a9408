//! The copier: what was fetched goes into lanes, what may be sent goes out, what the target says comes back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_protocol::ResponseError;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::broker::{Broker, Brokers, Name};
use super::header::Identity;
use super::intake;
use super::lane::{Lane, Need, Outcome, Stuck};
use super::request::{self, Sent, Verdict};
use crate::client_log::remind;
use crate::consumer::{ConsumerLimits, TopicPartition};
use crate::error::{Error, ErrorKind};
use crate::fetch::{Fetcher, Lineage, LineageRules, Start};
use crate::properties::{Properties, Role, translate};
use crate::wire::{self, ClientConfig, Cluster, LookUp, Metadata, PipeEvent, backoff};

/// Bytes of the batches of one request; a larger single batch goes alone.
pub const MAX_REQUEST_BYTES: usize = 4 << 20;
/// Answers that are looked at before requests go out again.
const AT_ONCE: usize = 64;

/// What a copier may hold.
#[derive(Clone, Copy, Debug)]
pub struct CopyLimits {
    /// Bytes of answers that wait for acknowledgements of the target.
    pub held_bytes: usize,
    /// Bytes of answers that wait to be taken, and of one answer.
    pub fetch_bytes: usize,
}

/// A stretch of the source that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The source partition.
    pub partition: TopicPartition,
    /// The last source offset of the stretch: everything up to it is acknowledged, or is no record for the target.
    pub end: i64,
    /// Which offsets its records have got, in stretches without holes; empty when there are none, or the target did not say.
    pub ranges: Vec<CopiedRange>,
    /// How many records.
    pub records: u64,
    /// Bytes of their batch, compressed or not.
    pub bytes: u64,
    /// The latest timestamp of its records, -1 for none.
    pub max_timestamp_ms: i64,
    /// The log that it was read from.
    pub lineage: Lineage,
}

/// Neighbouring records, and where the first of them lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedRange {
    /// Source offset of the first record.
    pub source: i64,
    /// Target offset of the first record.
    pub target: i64,
    /// How many records.
    pub records: i64,
}

/// A partition to copy.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The partition of the source.
    pub source: TopicPartition,
    /// The topic of the target; the partition has the same number.
    pub target: Arc<str>,
    /// The offset to go on at; `None` is where `auto.offset.reset` says.
    pub offset: Option<i64>,
    /// The log that the record before that offset was read from.
    pub lineage: Lineage,
}

/// Copies partitions. See the module for what it promises.
#[derive(Debug)]
pub struct Copier {
    fetcher: Fetcher,
    fetched: Arc<Notify>,
    limits: CopyLimits,
    held: Arc<AtomicUsize>,
    client: ClientConfig,
    cluster: Cluster,
    lanes: Vec<Lane>,
    by_source: HashMap<TopicPartition, usize>,
    /// Lanes with parcels, in the order of their turns.
    active: VecDeque<usize>,
    brokers: Brokers,
    events_rx: mpsc::UnboundedReceiver<(Name, PipeEvent)>,
    under_way: JoinSet<Landing>,
    metadata: LookUp,
    producer_id: LookUp,
    identity: Option<Identity>,
    copied: Vec<Copied>,
    is_paused: bool,
}

/// What has been looked up.
#[derive(Debug)]
enum Landing {
    Metadata { cluster: Cluster, outcome: Result<Metadata, wire::Error> },
    ProducerId(Result<(i64, i16), wire::Error>),
    Opened { node: i32, outcome: Result<wire::Pipe, wire::Error> },
    LastSequence { lane: usize, outcome: Result<Option<i32>, wire::Error> },
}

impl Copier {
    /// Reads as a consumer with the properties `source` and writes as a producer with the properties `target` (Java names). Connects to
    /// nothing before it has partitions.
    ///
    /// # Errors
    /// Properties that cannot be used.
    pub fn new(
        source: &Properties,
        target: &Properties,
        limits: CopyLimits,
        rules: LineageRules,
    ) -> Result<Self, Error> {
        let reading = translate(Role::Consumer, source)?;
        let writing = translate(Role::Producer, target)?;
        writing.security().check_stores()?;
        let fetched = Arc::new(Notify::new());
        let fetch = ConsumerLimits {
            queued_kbytes: limits.fetch_bytes / 1024,
            fetch_bytes: limits.fetch_bytes,
            batch_bytes: limits.fetch_bytes,
        };
        let fetcher = Fetcher::new(&reading, source, fetch, Arc::clone(&fetched))?.with_lineage(rules);
        let given = target.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let client = ClientConfig::parse(given).map_err(|error| Error::from_wire("creating a copier", &error))?;
        let (events_tx, events_rx) = mpsc::unbounded_channel();
        Ok(Self {
            fetcher,
            fetched,
            limits,
            held: Arc::default(),
            cluster: Cluster::new(client.clone()),
            brokers: Brokers::new(events_tx),
            client,
            lanes: Vec::new(),
            by_source: HashMap::new(),
            active: VecDeque::new(),
            events_rx,
            under_way: JoinSet::new(),
            metadata: LookUp::default(),
            producer_id: LookUp::default(),
            identity: None,
            copied: Vec::new(),
            is_paused: false,
        })
    }

    /// Adds partitions.
    ///
    /// # Errors
    /// Called outside of a runtime; no offset, and `auto.offset.reset` is none.
    pub fn assign(&mut self, partitions: Vec<Assignment>) -> Result<(), Error> {
        let mut starts = Vec::with_capacity(partitions.len());
        for Assignment { source, target: topic, offset, lineage } in partitions {
            let start = offset.map(Start::At).or(self.fetcher.reset()).ok_or_else(|| {
                let message =
                    format!("copying {source}: there is no offset to go on at, and `auto.offset.reset` is none");
                Error::new(ErrorKind::NoOffset, message)
            })?;
            let target = TopicPartition::new(topic, source.partition);
            self.by_source.insert(source.clone(), self.lanes.len());
            self.lanes.push(Lane::new(source.clone(), target));
            starts.push((source, start, lineage));
        }
        self.fetcher.assign_known(starts)
    }

    /// Stops, or goes on, taking and sending. What is under way is still answered: call [`Copier::next`] while there
    /// [is something](Self::is_under_way).
    pub fn set_paused(&mut self, paused: bool) {
        self.is_paused = paused;
    }

    /// Whether a request has no answer yet.
    pub fn is_under_way(&self) -> bool {
        self.lanes.iter().any(Lane::is_under_way)
    }

    /// What the target has acknowledged since the last call, in the order of each source log. Waits until there is something; paused,
    /// until nothing is under way any more. Cancel safe.
    ///
    /// # Errors
    /// What no retry can mend, on either side. The copier is of no use then.
    pub async fn next(&mut self) -> Result<Vec<Copied>, Error> {
        loop {
            let now = Instant::now();
            // What has come is looked at before anybody's time is judged to be over.
            self.take_events(now)?;
            if !self.is_paused {
                self.take_fetched()?;
            }
            let due = self.launch(now)?;
            self.collect();
            if !self.copied.is_empty() || (self.is_paused && !self.is_under_way()) {
                return Ok(std::mem::take(&mut self.copied));
            }
            self.wait(due).await?;
        }
    }

    async fn wait(&mut self, due: Option<Instant>) -> Result<(), Error> {
        let timer = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let has_room = !self.is_paused && self.has_room();
        let landed = tokio::select! {
            () = self.fetched.notified(), if has_room => None,
            Some((name, event)) = self.events_rx.recv() => {
                return self.event(name, event, Instant::now());
            }
            landing = self.under_way.join_next(), if !self.under_way.is_empty() => landing,
            () = timer => None,
        };
        match landed {
            Some(Ok(landing)) => self.land(landing, Instant::now()),
            Some(Err(error)) => Err(Error::new(ErrorKind::Closed, format!("a look-up has ended: {error}"))),
            None => Ok(()),
        }
    }

    fn has_room(&self) -> bool {
        self.held.load(Ordering::Relaxed) < self.limits.held_bytes
    }

    fn take_events(&mut self, now: Instant) -> Result<(), Error> {
        for _ in 0..AT_ONCE {
            match self.events_rx.try_recv() {
                Ok((name, event)) => self.event(name, event, now)?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn take_fetched(&mut self) -> Result<(), Error> {
        let mut taken = Vec::new();
        while self.has_room() {
            self.fetcher.take(self.limits.fetch_bytes, &mut taken)?;
            if taken.is_empty() {
                return Ok(());
            }
            for (source, position, chunk) in taken.drain(..) {
                let Some(index) = self.by_source.get(&source).copied() else { continue };
                let Some(lane) = self.lanes.get_mut(index) else { continue };
                intake::take(lane, position, chunk, &self.held)?;
                if let Some(identity) = self.identity {
                    lane.set_identity(identity);
                }
                if !lane.is_active {
                    lane.is_active = true;
                    self.active.push_back(index);
                }
            }
            self.hold_back()?;
        }
        Ok(())
    }

    /// A partition whose target takes nothing must not fill the memory that others need.
    fn hold_back(&mut self) -> Result<(), Error> {
        let share = self.limits.held_bytes / 2 / self.active.len().max(1);
        let share = share.max(self.limits.held_bytes / 8);
        for index in &self.active {
            let Some(lane) = self.lanes.get_mut(*index) else { continue };
            let is_over = lane.queued_bytes() > if lane.is_held_back { share / 2 } else { share };
            if is_over != lane.is_held_back {
                lane.is_held_back = is_over;
                self.fetcher.set_paused(std::slice::from_ref(&lane.source), is_over)?;
            }
        }
        Ok(())
    }

    /// Sends what may be sent and asks what has to be known; when to look again, if at some time.
    fn launch(&mut self, now: Instant) -> Result<Option<Instant>, Error> {
        let mut due: Vec<Instant> = Vec::new();
        for node in self.brokers.overdue(now, self.client.request_timeout) {
            self.lost(node, &format!("no answer within {} ms", self.client.request_timeout.as_millis()), now);
        }
        due.extend(self.brokers.next_deadline(self.client.request_timeout));
        if self.active.is_empty() {
            return Ok(due.into_iter().min());
        }
        if self.identity.is_none() {
            match self.producer_id.may_begin(now) {
                Ok(()) => {
                    let cluster = self.cluster.clone();
                    self.under_way.spawn(async move { Landing::ProducerId(wire::producer_id(&cluster).await) });
                }
                Err(later) => due.extend(later),
            }
        }
        self.look_up_leaders(now, &mut due);
        if !self.is_paused {
            self.send(now, &mut due)?;
        }
        Ok(due.into_iter().min())
    }

    fn look_up_leaders(&mut self, now: Instant, due: &mut Vec<Instant>) {
        let without = |lane: &&Lane| lane.leader.is_none() && !lane.is_under_way();
        let lanes = self.active.iter().filter_map(|index| self.lanes.get(*index));
        let mut topics: Vec<Arc<str>> = lanes.filter(without).map(|lane| Arc::clone(&lane.target.topic)).collect();
        topics.sort_unstable();
        topics.dedup();
        if topics.is_empty() {
            return;
        }
        match self.metadata.may_begin(now) {
            Ok(()) => {
                let mut cluster = self.cluster.clone();
                self.under_way.spawn(async move {
                    let names: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
                    let outcome = cluster.metadata(&names).await;
                    Landing::Metadata { cluster, outcome }
                });
            }
            Err(later) => due.extend(later),
        }
    }

    fn send(&mut self, now: Instant, due: &mut Vec<Instant>) -> Result<(), Error> {
        let mut by_broker: HashMap<i32, Vec<usize>> = HashMap::new();
        for _ in 0..self.active.len() {
            let Some(index) = self.active.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(index) else { continue };
            if lane.is_empty() {
                lane.is_active = false;
                continue;
            }
            self.active.push_back(index);
            due.extend(lane.retry_at.filter(|at| *at > now));
            if lane.may_send(now)
                && let Some(node) = lane.leader
            {
                by_broker.entry(node).or_default().push(index);
            }
        }
        for (node, mut lanes) in by_broker {
            match self.brokers.get(node, now) {
                Broker::Ready => {
                    while self.brokers.has_room(node, now) && !lanes.is_empty() {
                        self.request(node, &mut lanes, now)?;
                    }
                }
                Broker::To(address) => {
                    let (client, name, events_tx) =
                        (self.client.clone(), self.brokers.name(node), self.brokers.events());
                    self.under_way.spawn(async move {
                        let opening = wire::Pipe::open::<kafka_protocol::messages::ProduceRequest, _>(
                            &address, &client, name, events_tx,
                        );
                        Landing::Opened { node, outcome: opening.await }
                    });
                }
                Broker::NotBefore(at) => due.push(at),
                Broker::Waiting => {}
                Broker::Unknown => lanes.iter().for_each(|index| self.lanes[*index].leader = None),
            }
        }
        Ok(())
    }

    /// Sends one request with one batch of each of these lanes, as many as fit; those that have more to send stay in the list.
    fn request(&mut self, node: i32, lanes: &mut Vec<usize>, now: Instant) -> Result<(), Error> {
        let mut chosen: Vec<usize> = Vec::new();
        let mut bytes = 0;
        for index in lanes.iter() {
            let lane = &mut self.lanes[*index];
            lane.part_what_is_too_large().map_err(|stuck| stuck_error(lane, &stuck))?;
            let more = lane.next_bytes();
            if chosen.is_empty() || bytes + more <= MAX_REQUEST_BYTES {
                chosen.push(*index);
                bytes += more;
            }
        }
        chosen.sort_by(|one, other| self.lanes[*one].target.topic.cmp(&self.lanes[*other].target.topic));
        let mut flights = Vec::with_capacity(chosen.len());
        let mut batches = Vec::with_capacity(chosen.len());
        for index in &chosen {
            let lane = &mut self.lanes[*index];
            let (Some(identity), target) = (lane.identity(), lane.target.clone()) else { continue };
            if let Some((number, sequence, parcel)) = lane.send() {
                flights.push((*index, number));
                batches.push((target, parcel.batch().clone(), identity, sequence));
            }
        }
        let sent: Vec<Sent<'_>> = batches
            .iter()
            .map(|(target, batch, identity, sequence)| Sent {
                target,
                batch: batch.clone(),
                identity: *identity,
                sequence: *sequence,
            })
            .collect();
        let timeout_ms = i32::try_from(self.client.request_timeout.as_millis() * 3 / 4).unwrap_or(i32::MAX);
        self.brokers.send(node, flights, now, |id, client_id| request::encode(id, client_id, timeout_ms, &sent));
        lanes.retain(|index| self.lanes[*index].may_send(now));
        Ok(())
    }

    fn event(&mut self, name: Name, event: PipeEvent, now: Instant) -> Result<(), Error> {
        if !self.brokers.is_current(name) {
            return Ok(());
        }
        match event {
            PipeEvent::Written => self.brokers.written(name.node, now),
            PipeEvent::Lost(error) => self.lost(name.node, &error, now),
            PipeEvent::Answer(frame) => match self.brokers.answered(name.node, frame, now) {
                Ok((flights, answer)) => self.answered(&flights, &answer, now)?,
                Err(reason) => self.lost(name.node, &reason, now),
            },
        }
        Ok(())
    }

    fn answered(
        &mut self,
        flights: &[(usize, u64)],
        answer: &kafka_protocol::messages::ProduceResponse,
        now: Instant,
    ) -> Result<(), Error> {
        let mut answers = HashMap::new();
        for topic in &answer.responses {
            for partition in &topic.partition_responses {
                answers.insert((topic.name.as_str(), partition.index), partition);
            }
        }
        for (index, number) in flights {
            let Some(lane) = self.lanes.get_mut(*index) else { continue };
            let Some(answer) = answers.get(&(&*lane.target.topic, lane.target.partition)) else {
                lane.answered(*number, Outcome::Unknown);
                continue;
            };
            match request::read(answer) {
                Verdict::Outcome(outcome) => {
                    if matches!(outcome, Outcome::Refused | Outcome::Unknown) {
                        let pause = backoff(self.client.retry_backoff, self.client.retry_backoff_max, lane.failures);
                        lane.retry_at = Some(now + pause);
                        lane.failures += 1;
                        let bootstrap = self.client.bootstrap.join(",");
                        remind(&bootstrap, &format!("writing {}", lane.target), &code(answer.error_code));
                    }
                    lane.answered(*number, outcome);
                }
                Verdict::LeaderMoved => {
                    lane.leader = None;
                    lane.answered(*number, Outcome::Unknown);
                }
                Verdict::Refused(code) => {
                    let action = format!(
                        "copying {} at offset {} to {}",
                        lane.source,
                        lane.first_offset().unwrap_or(-1),
                        lane.target
                    );
                    return Err(Error::from_broker(&action, code).with_broker_message(Some(&request::detail(answer))));
                }
            }
            self.settle(*index, now)?;
        }
        Ok(())
    }

    /// Makes a lane whose parcels were all answered ready to go on.
    fn settle(&mut self, index: usize, now: Instant) -> Result<(), Error> {
        let Some(lane) = self.lanes.get_mut(index) else { return Ok(()) };
        let before = lane.identity();
        match lane.settle().map_err(|stuck| stuck_error(lane, &stuck))? {
            None => {
                if before != lane.identity() {
                    tracing::warn!(
                        partition = %lane.target,
                        "the target has forgotten what was written last, as after an unclean election: a new epoch begins there"
                    );
                }
            }
            Some(Need::LastSequence) => {
                let address = lane.leader.and_then(|node| self.brokers.address(node));
                let (Some(address), Some(identity)) = (address, lane.identity()) else {
                    // The leader is looked up first, and asked then.
                    lane.leader = None;
                    lane.retry_at = Some(now + self.client.retry_backoff);
                    return Ok(());
                };
                let (cluster, target) = (self.cluster.clone(), lane.target.clone());
                let patience = self.client.request_timeout;
                self.under_way.spawn(async move {
                    let of = (&*target.topic, target.partition);
                    let producer = (identity.id, identity.epoch);
                    let outcome = wire::last_sequence(&cluster, &address, of, producer, patience).await;
                    Landing::LastSequence { lane: index, outcome }
                });
            }
        }
        Ok(())
    }

    /// The connection to a broker is gone, with everything under way on it.
    fn lost(&mut self, node: i32, reason: &dyn std::fmt::Display, now: Instant) {
        let flights = self.brokers.lose(node, now, &self.client);
        // A broker closes connections on which nothing goes: no news.
        if !flights.is_empty() {
            remind(&self.client.bootstrap.join(","), &format!("writing to broker {node}"), reason);
        }
        for (index, number) in flights {
            if let Some(lane) = self.lanes.get_mut(index) {
                lane.leader = None;
                lane.answered(number, Outcome::Unknown);
                // It has not been refused anything yet: nothing needs to be asked.
                drop(lane.settle());
            }
        }
    }

    fn land(&mut self, landing: Landing, now: Instant) -> Result<(), Error> {
        match landing {
            Landing::Metadata { cluster, outcome } => {
                self.cluster = cluster;
                let found = match outcome {
                    Ok(metadata) => self.take_leaders(&metadata),
                    Err(error) => {
                        self.failed("looking up the leaders of partitions", &error)?;
                        false
                    }
                };
                self.metadata.ended(found, now, &self.client);
            }
            Landing::ProducerId(outcome) => {
                self.producer_id.ended(outcome.is_ok(), now, &self.client);
                match outcome {
                    Ok((id, epoch)) => {
                        let identity = Identity { id, epoch };
                        self.identity = Some(identity);
                        self.lanes.iter_mut().for_each(|lane| lane.set_identity(identity));
                    }
                    Err(error) => self.failed("asking for a producer id", &error)?,
                }
            }
            Landing::Opened { node, outcome } => {
                if let Err(error) = self.brokers.opened(node, outcome, now, &self.client) {
                    for lane in self.lanes.iter_mut().filter(|lane| lane.leader == Some(node)) {
                        lane.leader = None;
                    }
                    self.failed(&format!("connecting to broker {node}"), &error)?;
                }
            }
            Landing::LastSequence { lane: index, outcome } => {
                let Some(lane) = self.lanes.get_mut(index) else { return Ok(()) };
                match outcome {
                    Ok(last) => lane.resolve(last),
                    Err(error) if error.is_retriable() => {
                        let pause = self.client.retry_backoff_max;
                        lane.retry_at = Some(now + pause);
                        lane.leader = None;
                        self.failed("asking which batches were written", &error)?;
                        return Ok(());
                    }
                    Err(error) => {
                        let records = lane.records_in_doubt();
                        tracing::warn!(
                            partition = %lane.target, records, %error,
                            "the target does not say which batches it has: so many records may be there twice"
                        );
                        lane.resolve(None);
                    }
                }
                self.settle(index, now)?;
            }
        }
        Ok(())
    }

    /// Whether every partition that was looked for has a leader.
    fn take_leaders(&mut self, metadata: &Metadata) -> bool {
        self.brokers.learn(metadata);
        let leaders: HashMap<(&str, i32), Option<i32>> = metadata
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|it| ((topic.name.as_str(), it.partition), it.leader)))
            .collect();
        let asked: Vec<&str> = metadata.topics.iter().map(|topic| topic.name.as_str()).collect();
        let mut again = Vec::new();
        let mut missing = None;
        for index in &self.active {
            let Some(lane) = self.lanes.get_mut(*index).filter(|lane| lane.leader.is_none()) else { continue };
            if !asked.contains(&&*lane.target.topic) {
                continue;
            }
            lane.leader = leaders.get(&(&*lane.target.topic, lane.target.partition)).copied().flatten();
            match lane.leader {
                Some(_) => again.push(*index),
                None => missing = Some(lane.target.clone()),
            }
        }
        if let Some(missing) = &missing {
            let reason = "it is not there, or has no leader";
            remind(&self.client.bootstrap.join(","), &format!("looking for the leader of {missing}"), &reason);
        }
        for index in again {
            // One that had to ask its leader first may do so now.
            if let Err(error) = self.settle(index, Instant::now()) {
                self.fetcher.fail(error);
            }
        }
        missing.is_none()
    }

    /// Takes what is done off the lanes.
    fn collect(&mut self) {
        for index in &self.active {
            let Some(lane) = self.lanes.get_mut(*index) else { continue };
            while let Some((parcel, offset)) = lane.take_done() {
                let mut target = offset;
                let ranges = parcel.runs().iter().filter_map(|run| {
                    let first = target?;
                    target = Some(first + i64::from(run.count));
                    Some(CopiedRange { source: run.first, target: first, records: run.count.into() })
                });
                let ranges = ranges.collect();
                if let Some(first) = offset {
                    if let Some(last) = lane.last_target.filter(|last| first <= *last) {
                        tracing::warn!(
                            partition = %lane.target, written_before = last, written_now = first,
                            "the target's log is shorter than it was: the topic was created again, or has lost records"
                        );
                    }
                    lane.last_target = Some(first + i64::from(parcel.count()) - 1);
                }
                self.copied.push(Copied {
                    partition: lane.source.clone(),
                    end: parcel.end(),
                    ranges,
                    records: u64::try_from(parcel.count()).unwrap_or(0),
                    bytes: parcel.batch().len() as u64,
                    max_timestamp_ms: parcel.max_timestamp(),
                    lineage: parcel.lineage,
                });
            }
            let share = self.limits.held_bytes / 16;
            if lane.is_held_back && lane.queued_bytes() <= share {
                lane.is_held_back = false;
                drop(self.fetcher.set_paused(std::slice::from_ref(&lane.source), false));
            }
        }
    }

    fn failed(&self, action: &str, error: &wire::Error) -> Result<(), Error> {
        let is_lasting = match error {
            wire::Error::Broker { code, .. } => !code.is_retriable(),
            wire::Error::Refused { .. } | wire::Error::UnsupportedVersion { .. } => true,
            _ => false,
        };
        if is_lasting {
            return Err(Error::from_wire(action, error));
        }
        remind(&self.client.bootstrap.join(","), action, error);
        Ok(())
    }
}

fn code(code: i16) -> String {
    ResponseError::try_from_code(code).map(|code| code.to_string()).unwrap_or_default()
}

fn stuck_error(lane: &Lane, stuck: &Stuck) -> Error {
    let (source, target) = (&lane.source, &lane.target);
    match stuck {
        Stuck::RecordTooLarge { offset, bytes } => Error::new(
            ErrorKind::RecordTooLarge,
            format!(
                "copying {source} at offset {offset} to {target}: the record takes {bytes} bytes, more than `max.message.bytes` of \
                 topic {} allows. Raise that setting on the target",
                target.topic
            ),
        ),
        Stuck::Damaged { offset, reason } => {
            Error::new(ErrorKind::CorruptRecord, format!("copying {source} at offset {offset}: {reason}"))
        }
        Stuck::OutOfOrder { offset } => Error::new(
            ErrorKind::Other,
            format!(
                "copying {source} at offset {offset} to {target}: the target has lost what it acknowledged of the batches before. \
                 Start the task again to go on from the last offset that is stored"
            ),
        ),
    }
}
