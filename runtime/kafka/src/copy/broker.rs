//! The ways to the target's brokers: what is under way on each, and until when.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::wire::{self, ClientConfig, Metadata, Pipe, PipeEvent, backoff, decode_answer};

/// Requests under way at one broker.
const AT_ONCE: usize = 5;

/// One connection to one broker: what comes of an earlier one does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) node: i32,
    generation: u64,
}

/// Whether a broker can be written to.
#[derive(Debug)]
pub(super) enum Broker {
    /// Now.
    Ready,
    /// Once a connection to this address is open; nobody opens one yet.
    To(String),
    /// Not before then.
    NotBefore(Instant),
    /// When something has come of it.
    Waiting,
    /// Nobody knows where it is.
    Unknown,
}

/// Parcels by lane and number.
type Flights = Vec<(usize, u64)>;

#[derive(Debug)]
enum Link {
    Opening,
    Open { pipe: Pipe, requests: VecDeque<Request>, not_before: Instant },
    Broken { until: Instant },
}

/// One request that has no answer yet.
#[derive(Debug)]
struct Request {
    correlation_id: i32,
    flights: Flights,
    /// When the broker could begin with it: it is written, and those before it are answered.
    since: Option<Instant>,
    is_written: bool,
}

#[derive(Debug)]
pub(super) struct Brokers {
    links: HashMap<i32, Link>,
    generations: HashMap<i32, u64>,
    failures: HashMap<i32, u32>,
    addresses: HashMap<i32, String>,
    events_tx: mpsc::UnboundedSender<(Name, PipeEvent)>,
}

impl Brokers {
    pub(super) fn new(events_tx: mpsc::UnboundedSender<(Name, PipeEvent)>) -> Self {
        Self {
            links: HashMap::new(),
            generations: HashMap::new(),
            failures: HashMap::new(),
            addresses: HashMap::new(),
            events_tx,
        }
    }

    pub(super) fn events(&self) -> mpsc::UnboundedSender<(Name, PipeEvent)> {
        self.events_tx.clone()
    }

    pub(super) fn learn(&mut self, metadata: &Metadata) {
        self.addresses = metadata.brokers.iter().map(|broker| (broker.node_id, broker.address.clone())).collect();
    }

    pub(super) fn address(&self, node: i32) -> Option<String> {
        self.addresses.get(&node).cloned()
    }

    /// The name of the connection that is open, or opened next.
    pub(super) fn name(&self, node: i32) -> Name {
        Name { node, generation: self.generations.get(&node).copied().unwrap_or(0) }
    }

    pub(super) fn is_current(&self, name: Name) -> bool {
        self.name(name.node) == name
    }

    /// Whether the broker can be written to. Whoever is given an address opens a connection there.
    pub(super) fn get(&mut self, node: i32, now: Instant) -> Broker {
        let Some(address) = self.addresses.get(&node).cloned() else { return Broker::Unknown };
        match self.links.get(&node) {
            Some(Link::Opening) => return Broker::Waiting,
            Some(Link::Broken { until }) if *until > now => return Broker::NotBefore(*until),
            Some(Link::Open { pipe, requests, not_before }) => {
                // A broker that moved, or wants to see the credentials again: what is under way ends first.
                let is_to_end = pipe.address() != address || pipe.is_to_be_renewed(now);
                match (is_to_end, requests.is_empty()) {
                    (true, false) => return Broker::Waiting,
                    (false, _) if *not_before > now => return Broker::NotBefore(*not_before),
                    (false, _) => return Broker::Ready,
                    (true, true) => {}
                }
            }
            Some(Link::Broken { .. }) | None => {}
        }
        *self.generations.entry(node).or_default() += 1;
        self.links.insert(node, Link::Opening);
        Broker::To(address)
    }

    /// Takes a connection, or gives the reason back why there is none.
    pub(super) fn opened(
        &mut self,
        node: i32,
        outcome: Result<Pipe, wire::Error>,
        now: Instant,
        client: &ClientConfig,
    ) -> Result<(), wire::Error> {
        match outcome {
            Ok(pipe) => {
                self.links.insert(node, Link::Open { pipe, requests: VecDeque::new(), not_before: now });
                Ok(())
            }
            Err(error) => {
                self.break_off(node, now, client);
                Err(error)
            }
        }
    }

    pub(super) fn has_room(&self, node: i32, now: Instant) -> bool {
        match self.links.get(&node) {
            Some(Link::Open { requests, not_before, .. }) => requests.len() < AT_ONCE && *not_before <= now,
            _ => false,
        }
    }

    /// Sends what `encode` makes of a correlation id and the client's id.
    pub(super) fn send(
        &mut self,
        node: i32,
        flights: Flights,
        now: Instant,
        encode: impl FnOnce(i32, &str) -> Vec<Bytes>,
    ) {
        let Some(Link::Open { pipe, requests, .. }) = self.links.get_mut(&node) else { return };
        let correlation_id = pipe.next_correlation_id();
        pipe.send(encode(correlation_id, pipe.client_id()));
        requests.push_back(Request { correlation_id, flights, since: None, is_written: false });
        begin_with_the_oldest(requests, now);
    }

    pub(super) fn written(&mut self, node: i32, now: Instant) {
        let Some(Link::Open { requests, .. }) = self.links.get_mut(&node) else { return };
        if let Some(request) = requests.iter_mut().find(|request| !request.is_written) {
            request.is_written = true;
        }
        begin_with_the_oldest(requests, now);
    }

    /// The answer to the oldest request, with what was in it.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn answered(
        &mut self,
        node: i32,
        frame: Bytes,
        now: Instant,
    ) -> Result<(Flights, ProduceResponse), String> {
        let Some(Link::Open { requests, not_before, .. }) = self.links.get_mut(&node) else {
            return Err("an answer to no request".to_owned());
        };
        let front = requests.front().ok_or("an answer to no request")?;
        let answer = decode_answer::<ProduceRequest>(frame, front.correlation_id)?;
        let throttled = Duration::from_millis(u64::try_from(answer.throttle_time_ms).unwrap_or(0));
        *not_before = (now + throttled).max(*not_before);
        let flights = requests.pop_front().map(|request| request.flights).unwrap_or_default();
        // While it throttles, the broker does not begin with the next one.
        begin_with_the_oldest(requests, now + throttled);
        self.failures.remove(&node);
        Ok((flights, answer))
    }

    /// Brokers that owe an answer for too long.
    pub(super) fn overdue(&self, now: Instant, patience: Duration) -> Vec<i32> {
        let is_late = |since: Instant| now.checked_duration_since(since).is_some_and(|time| time >= patience);
        self.oldest().filter(|(_, since)| is_late(*since)).map(|(node, _)| node).collect()
    }

    pub(super) fn next_deadline(&self, patience: Duration) -> Option<Instant> {
        self.oldest().map(|(_, since)| since + patience).min()
    }

    fn oldest(&self) -> impl Iterator<Item = (i32, Instant)> + '_ {
        self.links.iter().filter_map(|(node, link)| match link {
            Link::Open { requests, .. } => Some((*node, requests.front()?.since?)),
            Link::Opening | Link::Broken { .. } => None,
        })
    }

    /// Closes the connection; what was under way on it.
    pub(super) fn lose(&mut self, node: i32, now: Instant, client: &ClientConfig) -> Flights {
        let link = self.links.remove(&node);
        self.break_off(node, now, client);
        match link {
            Some(Link::Open { requests, .. }) => requests.into_iter().flat_map(|request| request.flights).collect(),
            _ => Vec::new(),
        }
    }

    fn break_off(&mut self, node: i32, now: Instant, client: &ClientConfig) {
        let failures = self.failures.entry(node).or_default();
        let pause = backoff(client.reconnect_backoff, client.reconnect_backoff_max, *failures);
        *failures += 1;
        // What may still come of the connection does not count.
        *self.generations.entry(node).or_default() += 1;
        self.links.insert(node, Link::Broken { until: now + pause });
    }
}

/// Its time runs from when the broker could begin with it.
fn begin_with_the_oldest(requests: &mut VecDeque<Request>, at: Instant) {
    if let Some(front) = requests.front_mut().filter(|front| front.is_written) {
        front.since.get_or_insert(at);
    }
}
