//! Keeps the requests going: one at a time to each broker that leads a partition, and a look at the cluster when one moves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::fetcher::{FetchConfig, Shared, Start};
use super::request::{self, Answer, Asked, Trouble};
use super::state::{Leader, State};
use crate::client_log::{lock, remind};
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::wire::{self, ClientConfig, Cluster, Connection, FetchById, LookUp, Metadata, TopicAdmin, backoff};

/// Longest look for the offsets of one topic, before others have their turn.
const LOOK_UP: Duration = Duration::from_secs(5);

pub(super) struct Driver {
    client: ClientConfig,
    config: FetchConfig,
    shared: Arc<Shared>,
    cluster: Cluster,
    addresses: HashMap<i32, String>,
    links: HashMap<i32, Link>,
    under_way: JoinSet<Landing>,
    metadata: LookUp,
    offsets: LookUp,
}

/// The way to one broker.
enum Link {
    /// Not to be used before then: the broker throttles this client.
    Idle(Connection, Instant),
    Busy,
    /// Not before then, after so many failures.
    Broken(Instant, u32),
}

/// What a broker has answered.
struct Fetched {
    connection: Connection,
    /// When it wants to be asked again.
    until: Instant,
    answers: Vec<(Asked, Answer)>,
}

/// What has come back.
enum Landing {
    Fetched { node: i32, asked: Vec<Asked>, failures: u32, outcome: Result<Fetched, wire::Error> },
    Metadata { cluster: Cluster, outcome: Result<Metadata, wire::Error> },
    Offsets { looked_up: Vec<(TopicPartition, u64)>, outcome: Result<Vec<i64>, wire::Error> },
}

impl Driver {
    pub(super) fn new(client: ClientConfig, config: FetchConfig, shared: Arc<Shared>) -> Self {
        Self {
            cluster: Cluster::new(client.clone()),
            client,
            config,
            shared,
            addresses: HashMap::new(),
            links: HashMap::new(),
            under_way: JoinSet::new(),
            metadata: LookUp::default(),
            offsets: LookUp::default(),
        }
    }

    /// Until it is dropped.
    pub(super) async fn run(mut self) {
        let _end = End(Arc::clone(&self.shared));
        loop {
            let due = self.launch();
            let timer = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                landing = self.under_way.join_next(), if !self.under_way.is_empty() => match landing {
                    Some(Ok(landing)) => self.land(landing),
                    // It has panicked, or the runtime is ending.
                    Some(Err(_)) => return,
                    None => {}
                },
                () = self.shared.changed.notified() => {}
                () = timer => {}
            }
        }
    }

    /// Asks whatever can be asked now; when to look again, if at some time.
    fn launch(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let shared = Arc::clone(&self.shared);
        let mut state = lock(&shared.state);
        let mut due: Vec<Instant> = state.next_retry(now).into_iter().collect();
        let topics = state.topics_to_look_up();
        if !topics.is_empty() {
            match self.metadata.may_begin(now) {
                Ok(()) => self.look_up_leaders(topics.into_iter().map(str::to_owned).collect()),
                Err(later) => due.extend(later),
            }
        }
        let starts = state.starts_to_look_up(now);
        if !starts.is_empty() {
            match self.offsets.may_begin(now) {
                Ok(()) => self.look_up_starts(&starts),
                Err(later) => due.extend(later),
            }
        }
        if state.waiting_bytes() < self.config.queued_bytes {
            for node in state.targets(now) {
                due.extend(self.fetch(node, &mut state, now));
            }
        }
        due.into_iter().min()
    }

    /// Asks this broker for its partitions, unless it is being asked; when to try again, if it is not to be reached now.
    fn fetch(&mut self, node: i32, state: &mut State, now: Instant) -> Option<Instant> {
        let Some(address) = self.addresses.get(&node).cloned() else {
            // A replica that the cluster has named, and not where it is.
            state.forget_broker(node);
            return Some(now);
        };
        let (connection, failures) = match self.links.remove(&node) {
            Some(Link::Busy) => {
                self.links.insert(node, Link::Busy);
                return None;
            }
            Some(Link::Idle(connection, until)) if until > now => {
                self.links.insert(node, Link::Idle(connection, until));
                return Some(until);
            }
            Some(Link::Broken(until, failures)) if until > now => {
                self.links.insert(node, Link::Broken(until, failures));
                return Some(until);
            }
            Some(Link::Broken(_, failures)) => (None, failures),
            Some(Link::Idle(connection, _)) => (Some(connection), 0),
            None => (None, 0),
        };
        self.links.insert(node, Link::Busy);
        let asked = state.ask(node, now);
        // Without any id there are older brokers, or readers that are content with any log under the name.
        let by_id = asked.iter().all(|asked| asked.lineage.topic_id.is_some());
        let by_id = by_id.then(|| request::request_by_id(&self.config, &asked));
        let request = request::request(&self.config, &asked);
        let patience = request::patience(&self.config, self.client.request_timeout);
        let client = self.client.clone();
        self.under_way.spawn(async move {
            let exchange = async {
                let mut connection = match connection.filter(|connection| connection.address() == address) {
                    Some(connection) => connection,
                    None => Connection::open(&address, &client)
                        .await
                        .map_err(|reason| wire::Error::unreachable(vec![(address, reason)]))?,
                };
                let answer = match by_id.filter(|_| connection.speaks::<FetchById>()) {
                    Some(request) => connection.call(&request, patience).await?,
                    None => connection.call(&request, patience).await?,
                };
                wire::Error::check("Fetch", connection.address(), answer.error_code)?;
                let throttled = Duration::from_millis(u64::try_from(answer.throttle_time_ms).unwrap_or(0));
                Ok(Fetched { connection, until: Instant::now() + throttled, answers: request::sort(&asked, answer) })
            };
            let outcome = exchange.await;
            Landing::Fetched { node, outcome, asked, failures }
        });
        None
    }

    fn look_up_leaders(&mut self, topics: Vec<String>) {
        let (mut cluster, with_ids) = (self.cluster.clone(), self.config.lineage.is_some());
        self.under_way.spawn(async move {
            let names: Vec<&str> = topics.iter().map(String::as_str).collect();
            let outcome = match with_ids {
                true => cluster.metadata_with_ids(&names).await,
                false => cluster.metadata(&names).await,
            };
            Landing::Metadata { cluster, outcome }
        });
    }

    /// One topic at a time, and the earliest and the latest are different questions; those that are left are asked next time.
    fn look_up_starts(&mut self, starts: &[(TopicPartition, Start, u64)]) {
        let Some((of, first, _)) = starts.first() else { return };
        let timestamp = if *first == Start::Earliest { -2 } else { -1 };
        let same = starts.iter().filter(|(tp, start, _)| tp.topic == of.topic && start == first);
        let looked_up: Vec<(TopicPartition, u64)> = same.map(|(tp, _, generation)| (tp.clone(), *generation)).collect();
        let (admin, isolation) = (TopicAdmin::new(self.client.clone()), i8::from(self.config.read_committed));
        self.under_way.spawn(async move {
            let partitions: Vec<(&str, i32)> = looked_up.iter().map(|(tp, _)| (&*tp.topic, tp.partition)).collect();
            let outcome = admin.offsets(&partitions, timestamp, isolation, LOOK_UP).await;
            Landing::Offsets { looked_up, outcome }
        });
    }

    fn land(&mut self, landing: Landing) {
        let now = Instant::now();
        match landing {
            Landing::Fetched { node, asked, failures, outcome } => self.fetched(node, &asked, failures, outcome, now),
            Landing::Metadata { cluster, outcome } => {
                self.cluster = cluster;
                match outcome {
                    Ok(metadata) => {
                        let missing = self.take_leaders(&metadata);
                        if let (Some(topic), true) = (&missing, self.metadata.has_failed()) {
                            let action = "looking up the leaders of partitions";
                            remind(&self.client.bootstrap.join(","), action, &format!("topic {topic} has none"));
                        }
                        self.metadata.ended(missing.is_none(), now, &self.client);
                    }
                    Err(error) => {
                        self.metadata.ended(false, now, &self.client);
                        self.failed("looking up the leaders of partitions", &error);
                    }
                }
            }
            Landing::Offsets { looked_up, outcome } => {
                self.offsets.ended(outcome.is_ok(), now, &self.client);
                match outcome {
                    Ok(offsets) => {
                        let mut state = lock(&self.shared.state);
                        for ((tp, generation), offset) in looked_up.iter().zip(offsets) {
                            let lost = state.found_start(tp, *generation, offset);
                            if let Some(lost) = lost.filter(|_| self.config.lineage.is_some()) {
                                state.fail(beyond_the_end(tp, lost));
                            }
                        }
                    }
                    Err(error) => {
                        lock(&self.shared.state).put_off(&looked_up, now + self.client.retry_backoff_max);
                        self.failed("looking up where partitions begin and end", &error);
                    }
                }
            }
        }
        if lock(&self.shared.state).is_ready() {
            self.shared.ready.notify_one();
        }
    }

    fn fetched(
        &mut self,
        node: i32,
        asked: &[Asked],
        failures: u32,
        outcome: Result<Fetched, wire::Error>,
        now: Instant,
    ) {
        match outcome {
            Ok(Fetched { connection, until, answers }) => {
                self.links.insert(node, Link::Idle(connection, until));
                let pause = self.client.retry_backoff;
                for (asked, answer) in answers {
                    let trouble = lock(&self.shared.state).answered(&asked, answer, now, pause);
                    if let Some(trouble) = trouble {
                        self.trouble(&asked, trouble);
                    }
                }
            }
            Err(error) => {
                let pause = backoff(self.client.reconnect_backoff, self.client.reconnect_backoff_max, failures);
                self.links.insert(node, Link::Broken(now + pause, failures + 1));
                lock(&self.shared.state).lost_broker(asked);
                // An idle connection that a broker has closed, or one that died with it: the first is no news.
                if failures > 0 || is_lasting(&error) {
                    self.failed(&format!("fetching from broker {node}"), &error);
                }
            }
        }
    }

    fn trouble(&self, asked: &Asked, trouble: Trouble) {
        let bootstrap = self.client.bootstrap.join(",");
        let fetching = || format!("fetching {} at offset {}", asked.tp, asked.offset);
        match trouble {
            Trouble::LeaderMoved => {}
            Trouble::Passing(code) => remind(&bootstrap, &fetching(), &code),
            Trouble::Lasting(error) => lock(&self.shared.state).fail(error),
            Trouble::Diverged { epoch, end } => {
                let mut state = lock(&self.shared.state);
                if !self.config.lineage.unwrap_or_default().goes_on_when_truncated {
                    state.fail(truncated(asked, end));
                } else if state.go_back(asked, epoch, end) {
                    // Invariant 3: what was read there and is gone stays with whoever has it, and this is where one hears of it.
                    let (partition, read_to) = (&asked.tp, asked.offset);
                    tracing::warn!(%partition, read_to, goes_on_at = end, "the log has lost records that were read, and has others in their place");
                }
            }
            Trouble::OutOfRange => {
                let mut state = lock(&self.shared.state);
                match self.config.reset {
                    None => {
                        let message = format!("{}: it is not in the log, and `auto.offset.reset` is none", fetching());
                        state.fail(Error::new(ErrorKind::NoOffset, message));
                    }
                    Some(start) if state.reset(asked, start) => {
                        let (partition, offset) = (&asked.tp, asked.offset);
                        // Invariant 3: what lies between is gone, and this is where one hears of it.
                        tracing::warn!(%partition, offset, goes_on_at = ?start, "the offset is not in the log any more");
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// A topic of which a partition is left without a leader, if there is one.
    fn take_leaders(&mut self, metadata: &Metadata) -> Option<String> {
        self.addresses = metadata.brokers.iter().map(|broker| (broker.node_id, broker.address.clone())).collect();
        self.links.retain(|node, link| self.addresses.contains_key(node) || matches!(link, Link::Busy));
        let mut state = lock(&self.shared.state);
        for topic in &metadata.topics {
            for found in &topic.partitions {
                let tp = TopicPartition::new(topic.name.as_str(), found.partition);
                if let Some(id) = topic.id {
                    self.take_id(&mut state, &tp, id);
                }
                let Some(partition) = state.partitions.get_mut(&tp) else { continue };
                let leader = found.leader.filter(|node| self.addresses.contains_key(node));
                partition.leader = leader.map(|node| Leader { node, epoch: found.leader_epoch });
            }
        }
        state.topics_to_look_up().first().map(|topic| (*topic).to_owned())
    }

    /// A topic of the same name may be another one.
    fn take_id(&self, state: &mut State, tp: &TopicPartition, id: Uuid) {
        let Some(rules) = self.config.lineage else { return };
        let Some(before) = state.found_id(tp, id) else { return };
        if !rules.goes_on_when_recreated {
            state.fail(created_again(tp, before, id));
            return;
        }
        let read_to = state.begin_again(tp, id, Start::Earliest);
        tracing::warn!(partition = %tp, read_to, "the topic was deleted and created again: it is read from its start");
    }

    fn failed(&self, action: &str, error: &wire::Error) {
        if is_lasting(error) {
            lock(&self.shared.state).fail(Error::from_wire(action, error));
            self.shared.ready.notify_one();
        }
        remind(&self.client.bootstrap.join(","), action, error);
    }
}

/// Nothing can be read from there on without mixing two logs.
fn beyond_the_end(tp: &TopicPartition, offset: i64) -> Error {
    let message = format!(
        "fetching {tp} at offset {offset}: the log ends before it. The topic was deleted and created again, or has lost records"
    );
    Error::new(ErrorKind::NoOffset, message)
}

fn truncated(asked: &Asked, end: i64) -> Error {
    let message = format!(
        "fetching {} at offset {}: the log has lost the records from offset {end} on that were read, as after an unclean election, and has \
         others in their place",
        asked.tp, asked.offset
    );
    Error::new(ErrorKind::LogTruncated, message)
}

fn created_again(tp: &TopicPartition, before: Uuid, now: Uuid) -> Error {
    let message = format!("topic {} was deleted and created again: its id was {before:x}, it is {now:x}", tp.topic);
    Error::new(ErrorKind::TopicRecreated, message)
}

/// However the driver ends, whoever reads hears of it, and may begin another one.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.0.state).fail(Error::new(ErrorKind::Closed, "fetching has ended"));
        self.0.ready.notify_one();
    }
}

/// Whether somebody has to change something first.
fn is_lasting(error: &wire::Error) -> bool {
    let forbidden = ResponseError::TopicAuthorizationFailed;
    matches!(error, wire::Error::Refused { .. })
        || matches!(error, wire::Error::Broker { code, .. } if *code == forbidden)
}
