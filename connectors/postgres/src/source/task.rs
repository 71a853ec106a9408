//! The source task: snapshot, then stream, with every lost connection tried again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::CommittedRecord;
use sluice_api::{ConnectError, ErrorKind, OffsetMap, Properties, Result, SourceRecord, SourceTask, SourceTaskContext};
use tokio::time::Instant;
use tracing::{info, warn};

use super::changes::Parts;
use super::identity::Identity;
use super::ledger::Ledger;
use super::session::{Beginning, begin};
use super::snapshot::{Progress, Snapshot};
use super::stream::Stream;
use crate::catalog::{ServerFacts, drop_slot};
use crate::client::{Connection, Purpose};
use crate::config::{PostgresConfig, SnapshotMode};
use crate::events::{ContextHeaders, Heartbeat, LogicalMessages, Position, SourceBlock, Transactions};

/// How long a poll waits before it returns without records; `commit` comes between polls.
const POLL_WAIT: Duration = Duration::from_millis(500);
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// A task that captures one database.
#[derive(Default)]
pub(super) struct PostgresSourceTask {
    capture: Option<Capture>,
}

/// What the task is doing.
enum Stage {
    /// Look at the server.
    Begin,
    /// The connection was lost; look again then.
    Retry(Instant),
    Snapshot {
        snapshot: Box<Snapshot>,
        sql: Connection,
    },
    /// The snapshot is out; stream from there.
    Snapshotted {
        position: Position,
        sql: Connection,
    },
    Stream(Box<Stream>),
    /// `snapshot.mode=initial_only` has nothing more to do.
    Done,
}

struct Capture {
    parts: Arc<Parts>,
    context: SourceTaskContext,
    stage: Stage,
    /// The position after what was given out, or as it was stored.
    position: Option<Position>,
    ledger: Ledger,
    /// The server and slot of the position.
    identity: Option<Identity>,
    identity_partition: Arc<OffsetMap>,
    /// It has changed since it was given to the worker.
    identity_is_new: bool,
    heartbeat: Option<(Heartbeat, Instant)>,
    retry: Duration,
    /// `snapshot.mode=always` means once a start.
    snapshot_taken: bool,
}

#[async_trait(?Send)]
impl SourceTask for PostgresSourceTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let config = Arc::new(PostgresConfig::parse(config)?);
        let partition = Position::partition(&config.prefix);
        let identity_partition = Identity::partition(&config.prefix);
        let stored = context.offsets.offsets(&[partition.clone(), identity_partition.clone()]).await?;
        let stored = |at: usize| stored.get(at).and_then(Option::as_ref);
        let identity = stored(1).map(Identity::from_offset).transpose()?;
        let stored = stored(0).map(Position::from_offset).transpose()?;
        let source = SourceBlock::new(&config.prefix, &config.options.database)?;
        let headers = if config.context_headers {
            ContextHeaders::new(&config.prefix, context.task)?
        } else {
            Default::default()
        };
        let messages = LogicalMessages::new(config.message_topic(), config.modes.binary, &source)?;
        let transactions = config.transaction_topic.as_deref().map(Transactions::new).transpose()?;
        let heartbeat = match config.heartbeat {
            Some(interval) => {
                Some((Heartbeat::new(&config.heartbeat_topic, &config.prefix)?, Instant::now() + interval))
            }
            None => None,
        };
        self.capture = Some(Capture {
            parts: Arc::new(Parts { config, source, headers, messages, transactions, partition: Arc::new(partition) }),
            context,
            stage: Stage::Begin,
            position: stored,
            ledger: Ledger::default(),
            identity,
            identity_partition: Arc::new(identity_partition),
            identity_is_new: false,
            heartbeat,
            retry: FIRST_RETRY,
            snapshot_taken: false,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let capture = self.capture.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        capture.poll().await
    }

    fn wants_committed_records(&self) -> bool {
        true
    }

    async fn commit_records(&mut self, records: &[CommittedRecord]) -> Result<()> {
        if let Some(capture) = &mut self.capture {
            capture.ledger.done(records);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        if let Some(capture) = &mut self.capture {
            capture.commit();
        }
        Ok(())
    }

    fn take_offsets(&mut self) -> Vec<(Arc<OffsetMap>, OffsetMap)> {
        let Some(capture) = &mut self.capture else { return Vec::new() };
        let fresh = capture.identity.as_ref().filter(|_| std::mem::take(&mut capture.identity_is_new));
        fresh.map(|identity| (capture.identity_partition.clone(), identity.to_offset())).into_iter().collect()
    }

    async fn stop(&mut self) -> Result<()> {
        let Some(capture) = self.capture.take() else { return Ok(()) };
        let config = capture.parts.config.clone();
        drop(capture);
        if config.slot_drop_on_stop {
            let doing = |error: crate::client::Error| error.into_connect("dropping the slot");
            let mut sql = Connection::open(&config.options, Purpose::Sql).await.map_err(doing)?;
            drop_slot(&mut sql, &config.slot).await.map_err(doing)?;
            info!(slot = %config.slot, "dropped the slot, as slot.drop.on.stop says");
        }
        Ok(())
    }
}

impl Capture {
    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let deadline = Instant::now() + POLL_WAIT;
        let mut records = Vec::new();
        // The heartbeat comes first: once records of changes are there, nothing may fail before they are given out.
        let outcome = match self.beat(&mut records).await {
            Ok(()) => self.step(deadline, &mut records).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => self.retry = if matches!(self.stage, Stage::Retry(_)) { self.retry } else { FIRST_RETRY },
            Err(error) if error.kind() == ErrorKind::Retriable => self.lost(&error),
            Err(error) => return Err(error),
        }
        let token = self.ledger.token();
        for record in &mut records {
            record.token = token;
        }
        let safe_lsn = match &self.stage {
            Stage::Stream(stream) => stream.safe_lsn(),
            _ => 0,
        };
        self.ledger.add(records.len(), safe_lsn);
        Ok(records)
    }

    /// Offsets were flushed. Invariant 1: only what is stored is confirmed, and not before the identity says so.
    fn commit(&mut self) {
        let (confirmed, next) = self.ledger.flushed();
        let Stage::Stream(stream) = &self.stage else { return };
        stream.confirm(confirmed);
        let Some(identity) = &mut self.identity else { return };
        // What is stored of the stream comes after all that a snapshot gave.
        let snapshot_due = identity.snapshot_due && confirmed == 0;
        if next > identity.confirmed || snapshot_due != identity.snapshot_due {
            identity.confirmed = identity.confirmed.max(next);
            identity.snapshot_due = snapshot_due;
            self.identity_is_new = true;
        }
    }

    /// The connection is tried again after a pause that grows.
    fn lost(&mut self, error: &ConnectError) {
        let (connector, task) = (&*self.context.connector, self.context.task);
        warn!(connector, task, %error, "lost the server, trying again");
        self.stage = Stage::Retry(Instant::now() + self.retry);
        self.retry = (self.retry * 2).min(self.parts.config.retry_delay.max(FIRST_RETRY));
    }

    async fn step(&mut self, deadline: Instant, records: &mut Vec<SourceRecord>) -> Result<()> {
        let limit = self.parts.config.batch_size;
        match &mut self.stage {
            Stage::Begin => return self.begin().await,
            Stage::Retry(at) if *at > deadline => tokio::time::sleep_until(deadline).await,
            Stage::Retry(at) => {
                tokio::time::sleep_until(*at).await;
                self.stage = Stage::Begin;
            }
            Stage::Done => tokio::time::sleep_until(deadline).await,
            Stage::Snapshot { snapshot, .. } => {
                if let Progress::Finished = snapshot.read(limit, deadline, records).await? {
                    self.snapshot_finished();
                }
            }
            Stage::Snapshotted { .. } => {
                if let Stage::Snapshotted { position, sql } = std::mem::replace(&mut self.stage, Stage::Begin) {
                    return self.stream(sql, None, Some(position)).await;
                }
            }
            Stage::Stream(stream) => {
                let outcome = stream.read(limit, deadline, records).await;
                self.position = Some(*stream.position());
                outcome?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        let mut config = (*self.parts.config).clone();
        if self.snapshot_taken && config.snapshot_mode == SnapshotMode::Always {
            config.snapshot_mode = SnapshotMode::Initial;
        }
        let (beginning, identity) = begin(&config, self.position, self.identity.as_ref()).await?;
        self.identity_is_new |= self.identity.as_ref() != Some(&identity);
        self.identity = Some(identity);
        match beginning {
            Beginning::Stream { sql, server, position } => {
                if config.snapshot_mode == SnapshotMode::InitialOnly {
                    self.stage = Stage::Done;
                    return Ok(());
                }
                self.stream(sql, Some(server), position).await
            }
            Beginning::Snapshot { slot, stream_from, exporter, sql, tables } => {
                // A snapshot that is cut off begins anew.
                self.position = None;
                self.ledger.forget_positions();
                let snapshot = Snapshot::open(self.parts.clone(), &slot, stream_from, exporter, &tables).await?;
                self.stage = Stage::Snapshot { snapshot: Box::new(snapshot), sql };
                Ok(())
            }
        }
    }

    fn snapshot_finished(&mut self) {
        self.snapshot_taken = true;
        let Stage::Snapshot { snapshot, sql } = std::mem::replace(&mut self.stage, Stage::Done) else { return };
        let position = snapshot.position();
        self.position = Some(position);
        if self.parts.config.snapshot_mode != SnapshotMode::InitialOnly {
            self.stage = Stage::Snapshotted { position, sql };
        }
    }

    async fn stream(
        &mut self,
        mut sql: Connection,
        server: Option<ServerFacts>,
        position: Option<Position>,
    ) -> Result<()> {
        let server = match server {
            Some(server) => server,
            None => {
                let facts = ServerFacts::read(&mut sql).await;
                facts.map_err(|error| error.into_connect("reading the server's settings"))?
            }
        };
        let memory = self.context.memory.bytes();
        let stream = Stream::open(self.parts.clone(), sql, &server, position, memory).await?;
        self.stage = Stage::Stream(Box::new(stream));
        Ok(())
    }

    /// Sends a heartbeat when it is time, and runs its statement.
    async fn beat(&mut self, records: &mut Vec<SourceRecord>) -> Result<()> {
        let Some((heartbeat, next)) = &mut self.heartbeat else { return Ok(()) };
        let Stage::Stream(stream) = &mut self.stage else { return Ok(()) };
        let config = &self.parts.config;
        if Instant::now() < *next {
            return Ok(());
        }
        *next = Instant::now() + config.heartbeat.unwrap_or(POLL_WAIT);
        // Without a position there is nothing to carry on.
        if stream.position().lsn > 0 {
            records.push(heartbeat.record(&self.parts.partition, stream.position())?);
        }
        if let Some(query) = &config.heartbeat_query
            && let Err(error) = stream.sql().query(query).await
        {
            if error.is_connection_error() {
                return Err(error.into_connect("running the statement of the heartbeat"));
            }
            let (connector, task) = (&*self.context.connector, self.context.task);
            warn!(connector, task, %error, "the statement of the heartbeat failed");
        }
        Ok(())
    }
}
