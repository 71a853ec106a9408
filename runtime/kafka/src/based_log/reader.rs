//! The thread of a log: sets the topic up, reads it, hands records to the callback and acks to the senders.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::handle::OnRecord;
use super::options::{LogOptions, LogRecord};
use super::positions::{Offsets, Waiters};
use super::topic;
use super::writes::Writes;
use crate::admin::{Admin, OffsetSpec};
use crate::client_log::remind;
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::fetch::{Fetcher, Start};
use crate::producer::Producer;

/// Records between two looks at the commands.
const BATCH: usize = 500;
/// A new topic has its leaders after some tenths of a second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Asked of the reader. Dropping the sending side stops it.
pub(super) enum Command {
    /// Answer when the positions have reached these offsets.
    Reach(Offsets, oneshot::Sender<()>),
}

/// Everything that lives on the thread.
pub(super) struct Reader {
    pub(super) options: LogOptions,
    pub(super) admin: Admin,
    pub(super) fetcher: Fetcher,
    /// Told when the fetcher has something to give.
    pub(super) ready: Arc<Notify>,
    pub(super) read_committed: bool,
    pub(super) producer: Arc<Producer>,
    pub(super) writes: Arc<Writes>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) on_record: OnRecord,
}

impl Reader {
    /// Runs until the handle is gone. `started` gets where each partition ends for this reader, or why there will never be any.
    pub(super) async fn run(mut self, started: oneshot::Sender<Result<Offsets, Error>>) {
        let (starts, ends) = match self.start().await {
            Some(Ok(found)) => found,
            // Nobody may be waiting any more: then there is nobody to tell.
            Some(Err(error)) => return drop(started.send(Err(error))),
            None => return,
        };
        if started.send(Ok(ends)).is_ok() {
            self.tail(starts).await;
        }
        self.give_up_sends();
    }

    /// Sets the topic up and takes its partitions over, from the beginning. `None` when the handle is gone.
    async fn start(&mut self) -> Option<Result<(Offsets, Offsets), Error>> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_start().await {
                Ok(found) => return Some(Ok(found)),
                Err(error) if !topic::is_worth_waiting(&error) => return Some(Err(error)),
                Err(error) => {
                    // Without records to send the producer has only lines about why it cannot connect.
                    self.producer.poll();
                    remind(self.admin.bootstrap(), &format!("preparing topic {}", self.options.topic), &error);
                }
            }
            tokio::select! {
                command = self.commands.recv() => drop(command?),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(RETRY_PAUSE),
            }
        }
    }

    /// Where the partitions start, and where they end for this reader.
    async fn try_start(&mut self) -> Result<(Offsets, Offsets), Error> {
        let count = topic::ensure(&self.admin, &self.options).await?;
        let partitions: Vec<TopicPartition> =
            (0..count).map(|partition| TopicPartition::new(self.options.topic.as_str(), partition)).collect();
        let starts = self.admin.list_offsets(&partitions, OffsetSpec::Earliest, CALL_TIMEOUT).await?;
        self.look_up().await?;
        let end = if self.read_committed { OffsetSpec::LastStable } else { OffsetSpec::Latest };
        let ends = self.admin.list_offsets(&partitions, end, CALL_TIMEOUT).await?;
        self.fetcher.assign(starts.iter().map(|(tp, start)| (tp.clone(), Start::At(*start))))?;
        Ok((by_partition(starts), by_partition(ends)))
    }

    /// The producer would find its partitions by itself, a second later.
    async fn look_up(&self) -> Result<(), Error> {
        let (producer, topic) = (Arc::clone(&self.producer), self.options.topic.clone());
        let looked_up = tokio::task::spawn_blocking(move || producer.look_up(&topic, CALL_TIMEOUT));
        looked_up.await.map_err(|_| Error::new(ErrorKind::Closed, "the runtime is shutting down"))?
    }

    async fn tail(&mut self, starts: Offsets) {
        let mut positions = starts;
        let mut waiters = Waiters::default();
        loop {
            self.read(&mut positions).await;
            self.answer_sends();
            waiters.arrive(&positions);
            let producer = Arc::clone(&self.producer);
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Reach(ends, arrived)) => waiters.add(ends, arrived),
                    None => return,
                },
                () = self.ready.notified() => {}
                () = producer.acks_ready() => {}
            }
        }
    }

    /// Hands on what is there.
    async fn read(&mut self, positions: &mut Offsets) {
        let mut records = Vec::new();
        loop {
            let polled = self.fetcher.poll(BATCH, usize::MAX, &mut records);
            let more = records.len() == BATCH;
            for record in records.drain(..) {
                (self.on_record)(LogRecord {
                    partition: record.partition,
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                    key: record.key,
                    value: record.value,
                });
            }
            if let Err(error) = polled {
                remind(self.admin.bootstrap(), &format!("reading topic {}", self.options.topic), &error);
                tokio::time::sleep(RETRY_PAUSE).await;
                break;
            }
            if !more {
                break;
            }
        }
        // They count control records too, which never come out of a poll.
        positions.extend(self.fetcher.positions().into_iter().map(|(tp, offset)| (tp.partition, offset)));
    }

    fn answer_sends(&self) {
        let mut acks = Vec::new();
        self.producer.poll();
        self.producer.take_acks(&mut acks);
        self.writes.acknowledged(acks);
    }

    fn give_up_sends(&self) {
        self.writes.give_up();
        self.answer_sends();
        self.writes.close();
    }
}

fn by_partition(offsets: Vec<(TopicPartition, i64)>) -> Offsets {
    offsets.into_iter().map(|(tp, offset)| (tp.partition, offset)).collect()
}
