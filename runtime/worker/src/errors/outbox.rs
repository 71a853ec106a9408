//! Records that a sink task's side topics get, such as those of the dead letter queue: none is forgotten until it is acknowledged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_kafka::{Admin, NewTopic, ProducerLimits, ProducerRecord};
use tokio::time::{Instant, timeout_at};

use crate::task::RecordProducer;
use crate::worker::lock;

const CREATE_TIMEOUT: Duration = Duration::from_secs(60);
pub(super) const LIMITS: ProducerLimits = ProducerLimits { max_bytes: 4 << 20, max_messages: 10_000 };

/// What was handed over and is not acknowledged yet.
pub(super) struct Outbox {
    producer: Arc<dyn RecordProducer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Not yet taken by the producer.
    waiting: Vec<ProducerRecord>,
    next_index: u64,
    lost: Option<String>,
    failures: usize,
}

/// Why not everything has arrived.
pub(super) enum Unsettled {
    /// A record was refused.
    Refused(String),
    /// Nobody knows.
    TimeOver,
}

impl Outbox {
    pub(super) fn new(producer: Arc<dyn RecordProducer>) -> Self {
        Self { producer, state: Mutex::default() }
    }

    /// Queues a record. Whether it arrived is known after [`Outbox::settle`].
    pub(super) fn send(&self, record: ProducerRecord) {
        lock(&self.state).waiting.push(record);
        self.push();
    }

    /// Why the first record that was lost was.
    pub(super) fn lost(&self) -> Option<String> {
        lock(&self.state).lost.clone()
    }

    /// How many records failed since the last call.
    pub(super) fn take_failures(&self) -> usize {
        std::mem::take(&mut lock(&self.state).failures)
    }

    /// Waits until every record is acknowledged.
    pub(super) async fn settle(&self, timeout: Duration) -> Result<(), Unsettled> {
        let deadline = Instant::now() + timeout;
        loop {
            self.push();
            let (waiting, lost) = {
                let state = lock(&self.state);
                (!state.waiting.is_empty() || self.producer.in_flight() > 0, state.lost.clone())
            };
            if let Some(lost) = lost {
                return Err(Unsettled::Refused(lost));
            }
            if !waiting {
                return Ok(());
            }
            if timeout_at(deadline, self.producer.acks_ready()).await.is_err() {
                return Err(Unsettled::TimeOver);
            }
        }
    }

    /// Sends what there is room for and takes note of what was refused.
    fn push(&self) {
        let mut acks = Vec::new();
        self.producer.take_acks(&mut acks);
        let mut state = lock(&self.state);
        let State { waiting, next_index, lost, failures } = &mut *state;
        match self.producer.send(waiting, *next_index) {
            Ok(count) => {
                waiting.drain(..count);
                *next_index += count as u64;
            }
            // Settling ends the task now; each try counts once.
            Err(refused) if lost.is_none() => {
                *failures += 1;
                *lost = Some(refused.error.to_string());
            }
            Err(_) => {}
        }
        for error in acks.into_iter().filter_map(|ack| ack.result.err()) {
            *failures += 1;
            lost.get_or_insert_with(|| error.to_string());
        }
    }
}

/// Creates the topic unless it is there.
pub(super) async fn create_if_missing(admin: &Admin, new: &NewTopic) -> Result<(), sluice_kafka::Error> {
    if !admin.describe_topics(&[new.name.as_str()], CREATE_TIMEOUT).await?.is_empty() {
        return Ok(());
    }
    match admin.create_topic(new, CREATE_TIMEOUT).await {
        Err(error) if error.kind() == sluice_kafka::ErrorKind::TopicExists => Ok(()),
        created => created,
    }
}
