//! What was written to a log and has no answer yet.
//!
//! librdkafka's requests are for one partition each. One of them on its way at a time, as the order of records would have it, makes
//! a turn through 25 partitions take seconds over a slow network. So many are on their way, and the order is kept where it counts:
//! of one key one record is with the producer at a time, those behind it are held here. A retry can then never put an old value of a
//! key behind a newer one. A log with one partition, whose readers look at the order between keys too, has one request at a time
//! instead and holds nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::client_log::lock;
use crate::error::{Error, ErrorKind};
use crate::producer::{Ack, Producer, ProducerRecord, RecordMetadata};
use crate::tenure::Tenure;

type Answer = Result<RecordMetadata, Error>;

/// The writing side of a log. Invariant 3: every record gets exactly one answer, unless the log is stopped before.
pub(super) struct Writes {
    topic: Arc<str>,
    producer: Arc<Producer>,
    tenure: Tenure,
    hold: bool,
    limit: usize,
    state: Mutex<State>,
    /// Told when records were answered.
    answered: Notify,
}

#[derive(Default)]
struct State {
    next_index: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Behind a record of the same key that is with the producer: a key without such a record is not in here.
    held: HashMap<Option<Bytes>, VecDeque<(u64, ProducerRecord)>>,
}

struct Waiting {
    key: Option<Bytes>,
    answer: oneshot::Sender<Answer>,
}

impl Writes {
    /// `hold` is for a producer with several requests on their way; `limit` is how many records may wait.
    pub(super) fn new(topic: Arc<str>, producer: Arc<Producer>, tenure: Tenure, hold: bool, limit: usize) -> Self {
        Self { topic, producer, tenure, hold, limit, state: Mutex::default(), answered: Notify::new() }
    }

    /// Takes a record over, in the order of the calls; the answer comes when the broker has acknowledged it. Invariant 5: refused
    /// when the tenure is over, which is asked again when a held record's turn comes.
    pub(super) fn send(&self, key: Option<Bytes>, value: Option<Bytes>) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let mut state = lock(&self.state);
        let index = state.next_index;
        state.next_index += 1;
        let full = state.waiting.len() >= self.limit;
        // Before the send, because the ack may be faster than this thread.
        state.waiting.insert(index, Waiting { key: key.clone(), answer });
        if full {
            self.answer(&mut state, index, Err(self.too_many()));
            return answered;
        }
        let record = ProducerRecord {
            topic: Arc::clone(&self.topic),
            partition: None,
            timestamp_ms: None,
            key: key.clone(),
            value,
            headers: Vec::new(),
        };
        if let Some(behind) = state.held.get_mut(&key) {
            behind.push_back((index, record));
        } else if self.produce(&mut state, index, &record) && self.hold {
            state.held.insert(key, VecDeque::new());
        }
        answered
    }

    /// Hands a record to the producer. False when it was refused, and is answered.
    fn produce(&self, state: &mut State, index: u64, record: &ProducerRecord) -> bool {
        let refused = if self.tenure.is_held() {
            match self.producer.send(std::slice::from_ref(record), index) {
                Ok(1) => return true,
                Ok(_) => self.too_many(),
                Err(refused) => refused.error,
            }
        } else {
            out_of_the_group(&self.topic)
        };
        self.answer(state, index, Err(refused));
        false
    }

    /// Passes acks on, and sends what waited for them.
    pub(super) fn acknowledged(&self, acks: Vec<Ack>) {
        if acks.is_empty() {
            return;
        }
        let mut state = lock(&self.state);
        for ack in acks {
            if let Some(key) = self.answer(&mut state, ack.index, ack.result) {
                self.send_next(&mut state, &key);
            }
        }
    }

    fn send_next(&self, state: &mut State, key: &Option<Bytes>) {
        while let Some((index, record)) = state.held.get_mut(key).and_then(VecDeque::pop_front) {
            if self.produce(state, index, &record) {
                return;
            }
        }
        state.held.remove(key);
    }

    /// The key of the record, unless it had its answer before.
    fn answer(&self, state: &mut State, index: u64, answer: Answer) -> Option<Option<Bytes>> {
        let waiting = state.waiting.remove(&index)?;
        // The sender may have stopped waiting.
        drop(waiting.answer.send(answer));
        self.answered.notify_waiters();
        Some(waiting.key)
    }

    /// Gives up every record that the broker has not acknowledged; what is on the wire may still be written. Invariant 5: what is
    /// held is given up at once, so that it can never be written in a later tenure.
    pub(super) fn give_up(&self) {
        let mut state = lock(&self.state);
        let held: Vec<u64> = state.held.values_mut().flat_map(std::mem::take).map(|(index, _)| index).collect();
        for index in held {
            let message = format!("a record for topic {} was given up before it was sent", self.topic);
            self.answer(&mut state, index, Err(Error::new(ErrorKind::Purged, message)));
        }
        self.producer.purge();
    }

    /// Forgets everything: whoever waits hears that the log is stopped.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.held.clear();
        state.waiting.clear();
        self.answered.notify_waiters();
    }

    /// Waits until everything that was sent before this call has its answer. Not for more than that: where many write all the time
    /// there may never be a moment without a record on its way. Cancel safe.
    pub(super) async fn sent_before(&self) {
        let next = lock(&self.state).next_index;
        loop {
            let mut answered = std::pin::pin!(self.answered.notified());
            answered.as_mut().enable();
            if lock(&self.state).waiting.first_key_value().is_none_or(|(first, _)| *first >= next) {
                return;
            }
            answered.await;
        }
    }

    /// How many records wait for their answer, and what keeps the producer from the cluster.
    pub(super) fn late(&self) -> Error {
        let waiting = lock(&self.state).waiting.len();
        let reason = self.producer.trouble().map(|reason| format!(": {reason}")).unwrap_or_default();
        Error::new(ErrorKind::TimedOut, format!("{waiting} records are not acknowledged in time{reason}"))
    }

    fn too_many(&self) -> Error {
        Error::new(ErrorKind::Unavailable, format!("too many records wait to be written to topic {}", self.topic))
    }
}

pub(super) fn out_of_the_group(topic: &str) -> Error {
    Error::new(ErrorKind::StaleMember, format!("this worker is out of its group and writes nothing to topic {topic}"))
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::task::Poll;

    use super::*;
    use crate::producer::ProducerLimits;
    use crate::properties::Properties;

    /// Nobody listens there: what is sent stays with the producer.
    fn writes(tenure: &Tenure, hold: bool, limit: usize) -> (Writes, Arc<Producer>) {
        let properties = Properties::from([("bootstrap.servers".to_owned(), "127.0.0.1:1".to_owned())]);
        let producer = Producer::new(&properties, ProducerLimits::default()).expect("a producer");
        let producer = Arc::new(producer);
        (Writes::new("topic".into(), Arc::clone(&producer), tenure.clone(), hold, limit), producer)
    }

    fn send(writes: &Writes, key: &'static str) -> oneshot::Receiver<Answer> {
        writes.send(Some(Bytes::from_static(key.as_bytes())), Some(Bytes::from_static(b"value")))
    }

    /// Passes acks on until `count` have arrived: purged records take librdkafka a moment.
    async fn pass_on(writes: &Writes, producer: &Producer, count: usize) {
        let mut acks = Vec::new();
        while acks.len() < count {
            producer.acks_ready().await;
            producer.take_acks(&mut acks);
        }
        writes.acknowledged(acks);
    }

    fn kind(mut answer: oneshot::Receiver<Answer>) -> ErrorKind {
        answer.try_recv().expect("an answer").expect_err("not written").kind()
    }

    #[tokio::test]
    async fn of_one_key_one_record_is_with_the_producer() {
        let (writes, producer) = writes(&Tenure::forever(), true, 100);
        let answers = ["a", "a", "b", "a", "b"].map(|key| send(&writes, key));
        assert_eq!(producer.in_flight(), 2);
        producer.purge();
        pass_on(&writes, &producer, 2).await;
        assert_eq!(producer.in_flight(), 2, "the next of each key");
        writes.give_up();
        pass_on(&writes, &producer, 2).await;
        assert!(answers.into_iter().all(|answer| kind(answer) == ErrorKind::Purged));
        writes.sent_before().await;
    }

    #[tokio::test]
    async fn a_producer_that_keeps_the_order_gets_everything() {
        let (writes, producer) = writes(&Tenure::forever(), false, 2);
        let answers = ["a", "a", "b"].map(|key| send(&writes, key));
        assert_eq!(producer.in_flight(), 2);
        let [_, _, third] = answers;
        assert_eq!(kind(third), ErrorKind::Unavailable);
    }

    /// Invariant 5: also what was accepted while the worker was in the group.
    #[tokio::test]
    async fn a_held_record_is_refused_when_the_tenure_is_over() {
        let tenure = Tenure::forever();
        let (writes, producer) = writes(&tenure, true, 100);
        let [first, held] = ["a", "a"].map(|key| send(&writes, key));
        tenure.end();
        producer.purge();
        pass_on(&writes, &producer, 1).await;
        assert_eq!((kind(first), kind(held)), (ErrorKind::Purged, ErrorKind::StaleMember));
        assert_eq!(kind(send(&writes, "b")), ErrorKind::StaleMember);
    }

    /// What is sent afterwards is not waited for.
    #[tokio::test]
    async fn only_what_was_sent_before_is_waited_for() {
        let (writes, producer) = writes(&Tenure::forever(), true, 100);
        let first = send(&writes, "a");
        let mut waiting = Box::pin(writes.sent_before());
        let is_ready = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_ready())).await;
        assert!(!is_ready);
        let _second = send(&writes, "b");
        writes.acknowledged(vec![Ack { index: 0, result: Err(Error::new(ErrorKind::Purged, "in this test")) }]);
        waiting.await;
        assert_eq!(kind(first), ErrorKind::Purged);
        assert_eq!(producer.in_flight(), 2);
    }
}
