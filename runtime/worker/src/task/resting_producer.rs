//! A producer that is given up while its task has nothing to send.
//!
//! Each one costs three threads, a tenth of a megabyte and more of memory, and a connection; a worker with hundreds of connectors has
//! hundreds that send a record a day. After `sluice.producer.idle.ms` without one the producer is closed, and the next record makes
//! another. There is nothing in flight at that moment, so no order and no answer is at stake. Only for tasks without transactions: a
//! transactional producer's identity is what fences older ones.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sluice_kafka::{Ack, Error, Producer, ProducerLimits, ProducerRecord, Properties, SendError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::record_producer::RecordProducer;
use crate::worker::lock;

/// Makes a producer when there is something to send.
pub(super) struct RestingProducer {
    properties: Properties,
    limits: ProducerLimits,
    /// `None`: it never rests.
    rests_after: Option<Duration>,
    state: Mutex<State>,
    woken: Notify,
}

struct State {
    /// `None` while it rests.
    producer: Option<Arc<Producer>>,
    last_sent: Instant,
}

impl RestingProducer {
    /// With a producer at once, so that properties that cannot be used fail the task at its start.
    ///
    /// # Errors
    /// Those of [`Producer::new`].
    pub(super) fn new(
        properties: Properties,
        limits: ProducerLimits,
        rests_after: Option<Duration>,
    ) -> Result<Self, Error> {
        let producer = Some(Arc::new(Producer::new(&properties, limits)?));
        let state = Mutex::new(State { producer, last_sent: Instant::now() });
        Ok(Self { properties, limits, rests_after, state, woken: Notify::new() })
    }

    fn current(&self) -> Option<Arc<Producer>> {
        lock(&self.state).producer.clone()
    }

    /// The producer, made if need be: by the task's own thread, and without the lock, for [`purge`](RecordProducer::purge) comes from
    /// outside.
    fn awake(&self) -> Result<Arc<Producer>, Error> {
        if let Some(producer) = self.current() {
            return Ok(producer);
        }
        let producer = Arc::new(Producer::new(&self.properties, self.limits)?);
        *lock(&self.state) = State { producer: Some(Arc::clone(&producer)), last_sent: Instant::now() };
        self.woken.notify_one();
        Ok(producer)
    }

    /// Closes the producer if nothing was sent for long enough and every answer was taken.
    fn rest(&self) {
        let Some(rests_after) = self.rests_after else { return };
        let mut state = lock(&self.state);
        let is_due = state.last_sent.elapsed() >= rests_after;
        let rested = state.producer.take_if(|producer| is_due && producer.is_idle());
        drop(state);
        // Its threads end here.
        drop(rested);
    }

    async fn idle_for_long(&self) {
        match self.rests_after {
            Some(rests_after) => {
                let due = lock(&self.state).last_sent + rests_after;
                tokio::time::sleep_until(due).await;
            }
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl RecordProducer for RestingProducer {
    fn wake(&self) -> Result<(), Error> {
        self.awake().map(drop)
    }

    fn send(&self, records: &[ProducerRecord], first_index: u64) -> Result<usize, SendError> {
        let producer = self.awake().map_err(|error| SendError { position: 0, error })?;
        lock(&self.state).last_sent = Instant::now();
        producer.send(records, first_index)
    }

    fn take_acks(&self, into: &mut Vec<Ack>) {
        if let Some(producer) = self.current() {
            RecordProducer::take_acks(&*producer, into);
        }
    }

    fn in_flight(&self) -> usize {
        self.current().map_or(0, |producer| producer.in_flight())
    }

    async fn acks_ready(&self) {
        loop {
            let Some(producer) = self.current() else {
                self.woken.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                () = producer.acks_ready() => return,
                () = self.idle_for_long(), if producer.in_flight() == 0 => {}
            }
            drop(producer);
            self.rest();
        }
    }

    fn purge(&self) {
        if let Some(producer) = self.current() {
            producer.purge();
        }
    }

    async fn close(&self, timeout: Duration) {
        if let Some(producer) = self.current() {
            RecordProducer::close(&*producer, timeout).await;
        }
    }

    async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        match self.current() {
            Some(producer) => RecordProducer::flush(&*producer, timeout).await,
            None => Ok(()),
        }
    }

    async fn init_transactions(&self, timeout: Duration) -> Result<(), Error> {
        self.awake()?.init_transactions(timeout).await
    }

    fn begin_transaction(&self) -> Result<(), Error> {
        self.awake()?.begin_transaction()
    }

    async fn commit_transaction(&self, timeout: Duration) -> Result<(), Error> {
        self.awake()?.commit_transaction(timeout).await
    }

    async fn abort_transaction(&self, timeout: Duration) -> Result<(), Error> {
        self.awake()?.abort_transaction(timeout).await
    }

    fn failure(&self) -> Option<Error> {
        self.current().and_then(|producer| producer.failure())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(60);

    /// Nobody listens there: what is sent stays in flight.
    fn producer(rests_after: Option<Duration>) -> RestingProducer {
        let properties = [("bootstrap.servers", "127.0.0.1:1"), ("delivery.timeout.ms", "120000")];
        let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        RestingProducer::new(properties, ProducerLimits::default(), rests_after).expect("a producer")
    }

    fn record() -> ProducerRecord {
        ProducerRecord {
            topic: "topic".into(),
            partition: None,
            timestamp_ms: None,
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    async fn waits(producer: &RestingProducer, time: Duration) {
        assert!(tokio::time::timeout(time, producer.acks_ready()).await.is_err(), "there was nothing to wait for");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_closed_when_nothing_was_sent_for_long_and_made_again_for_the_next_record() {
        let producer = producer(Some(REST));
        waits(&producer, REST / 2).await;
        assert!(producer.current().is_some());
        waits(&producer, REST).await;
        assert!(producer.current().is_none());
        assert_eq!(producer.in_flight(), 0);
        producer.send(&[record()], 0).expect("accepted");
        assert_eq!(producer.in_flight(), 1);
    }

    /// Invariant 3: its answer would be lost.
    #[tokio::test(start_paused = true)]
    async fn it_is_never_closed_while_a_record_or_an_answer_is_on_its_way() {
        let producer = producer(Some(REST));
        producer.send(&[record()], 7).expect("accepted");
        waits(&producer, REST * 3).await;
        assert_eq!(producer.in_flight(), 1);
        producer.purge();
        tokio::time::advance(REST * 2).await;
        producer.acks_ready().await;
        producer.rest();
        let mut acks = Vec::new();
        producer.take_acks(&mut acks);
        assert_eq!(acks.iter().map(|ack| ack.index).collect::<Vec<_>>(), [7]);
        producer.rest();
        assert!(producer.current().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_be_told_never_to_rest() {
        let producer = producer(None);
        waits(&producer, REST * 100).await;
        assert!(producer.current().is_some());
    }
}
