//! The stream: frames to batches, the catalog where a table is new, and the watch over the slot.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::{ConnectError, Result, SourceRecord};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::changes::{Changes, Parts, Step};
use crate::catalog::{ServerFacts, TableName, find_slot, table_facts};
use crate::client::{Connection, Error, Frames, Purpose, Replication, identifier, literal};
use crate::config::PostgresConfig;
use crate::events::{ColumnSource, Position};
use crate::pgoutput::Relation;

/// How often the slot is looked at.
const WATCH: Duration = Duration::from_secs(30);
/// How much may wait between the socket and the task, in chunks of 256 KiB.
const MAX_CHUNKS: usize = 8;

/// A running stream.
pub(super) struct Stream {
    parts: Arc<Parts>,
    replication: Replication,
    sql: Connection,
    changes: Changes,
    frames: Option<Frames>,
    /// What ended the stream after records that are still to be given out.
    failed: Option<ConnectError>,
    next_watch: Instant,
    warned: bool,
}

impl Stream {
    /// Starts the stream at a position, or at the slot's when there is none.
    ///
    /// # Errors
    /// As the client's.
    pub(super) async fn open(
        parts: Arc<Parts>,
        sql: Connection,
        server: &ServerFacts,
        position: Option<Position>,
        memory_bytes: u64,
    ) -> Result<Self> {
        let config = &parts.config;
        let doing = |error: Error| error.into_connect(&format!("starting the stream of slot \"{}\"", config.slot));
        let connection = Connection::open(&config.options, Purpose::Replication).await.map_err(doing)?;
        let start = position.as_ref().map_or(0, Position::start_lsn);
        let chunks = usize::try_from(memory_bytes / 8).unwrap_or(usize::MAX) / crate::client::CHUNK_BYTES;
        let statement = start_statement(config, server, start);
        // Nothing is confirmed that this task has not seen stored; the server keeps what it knows.
        let replication = connection
            .replicate(&statement, config.status_interval, chunks.clamp(1, MAX_CHUNKS), 0)
            .await
            .map_err(doing)?;
        info!(slot = %config.slot, lsn = start, "streaming changes");
        Ok(Self {
            changes: Changes::new(parts.clone(), position.unwrap_or_default()),
            parts: parts.clone(),
            replication,
            sql,
            frames: None,
            failed: None,
            next_watch: Instant::now(),
            warned: false,
        })
    }

    /// The position after everything that was given out.
    pub(super) fn position(&self) -> &Position {
        self.changes.position()
    }

    /// Everything below is wholly in records that were given out.
    pub(super) fn safe_lsn(&self) -> u64 {
        self.changes.safe_lsn()
    }

    /// Lets the server forget what is below `lsn`.
    pub(super) fn confirm(&self, lsn: u64) {
        if self.parts.config.flush_lsn && lsn > 0 {
            self.replication.feedback().confirm(lsn);
        }
    }

    /// The session for statements besides the stream.
    pub(super) fn sql(&mut self) -> &mut Connection {
        &mut self.sql
    }

    /// Adds records to `out`: what is there, at most `limit` (more only where one change makes several), or what comes until
    /// `deadline`.
    ///
    /// # Errors
    /// As the client's and [`Changes::take`]'s. Records that came before are given out first.
    pub(super) async fn read(&mut self, limit: usize, deadline: Instant, out: &mut Vec<SourceRecord>) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if Instant::now() >= self.next_watch {
            self.watch().await?;
        }
        match self.fill(limit, deadline, out).await {
            Err(error) if !out.is_empty() => self.failed = Some(error),
            outcome => return outcome,
        }
        Ok(())
    }

    async fn fill(&mut self, limit: usize, deadline: Instant, out: &mut Vec<SourceRecord>) -> Result<()> {
        self.changes.tick();
        let doing = |error: Error| error.into_connect("reading the stream");
        while out.len() < limit {
            let Some(frames) = &mut self.frames else {
                self.frames = match self.replication.try_chunk().map_err(doing)? {
                    Some(frames) => Some(frames),
                    None if !out.is_empty() => return Ok(()),
                    None => match timeout_at(deadline, self.replication.chunk()).await {
                        Err(_) => return Ok(()),
                        Ok(chunk) => Some(
                            chunk
                                .map_err(doing)?
                                .ok_or_else(|| ConnectError::retriable("the server ended the stream"))?,
                        ),
                    },
                };
                continue;
            };
            match frames.next().map_err(doing)? {
                Some(frame) => {
                    if let Step::Relation(relation) = self.changes.take(frame, out)? {
                        self.learn(&relation).await?;
                    }
                }
                None => self.frames = None,
            }
        }
        Ok(())
    }

    /// Asks the catalog about a table that the stream announces. Types and columns are those of the announcement; only what it does
    /// not say (nullability, defaults, the key) is the catalog's.
    async fn learn(&mut self, relation: &Relation) -> Result<()> {
        let name = TableName { schema: relation.schema.clone(), name: relation.name.clone() };
        if !self.parts.config.tables.matches(&name) {
            return self.changes.set_table(relation, None);
        }
        let doing = |error: Error| error.into_connect(&format!("reading the definition of table {name}"));
        let facts = table_facts(&mut self.sql, &name).await.map_err(doing)?;
        let oids: Vec<u32> = relation.columns.iter().map(|column| column.type_oid).collect();
        self.changes.types.load(&mut self.sql, &oids).await.map_err(doing)?;
        let column = |column: &crate::pgoutput::Column| {
            let known = facts.column(&column.name);
            ColumnSource {
                name: column.name.clone(),
                type_oid: column.type_oid,
                type_modifier: column.type_modifier,
                optional: known.is_none_or(|known| !known.not_null),
                // A default of another type is one of another time.
                default: known
                    .filter(|known| known.type_oid == column.type_oid)
                    .and_then(|known| known.default.clone()),
            }
        };
        let columns: Vec<ColumnSource> = relation.columns.iter().map(column).collect();
        self.changes.set_table(relation, Some((columns, key(relation, &facts))))
    }

    /// Looks at the slot: what the server keeps for it, and whether it is still good.
    async fn watch(&mut self) -> Result<()> {
        self.next_watch = Instant::now() + WATCH;
        let config = self.parts.config.clone();
        let slot = find_slot(&mut self.sql, &config.slot).await;
        let Some(slot) = slot.map_err(|error| error.into_connect("looking at the slot"))? else { return Ok(()) };
        let retained = slot.retained_bytes;
        if config.retained_fail_bytes > 0 && retained > config.retained_fail_bytes {
            return Err(ConnectError::connect(format!(
                "the server keeps {retained} bytes of WAL for slot \"{0}\", more than `sluice.slot.retained.fail.bytes`: find what \
                 holds the topics back, or give the slot up with SELECT pg_drop_replication_slot('{0}');",
                config.slot
            )));
        }
        let above = config.retained_warn_bytes > 0 && retained > config.retained_warn_bytes;
        if above && !self.warned {
            warn!(slot = %config.slot, retained, wal_status = %slot.wal_status, "the server keeps much WAL for the slot");
        }
        self.warned = above;
        Ok(())
    }
}

/// The key's columns that the table has; those of the replica identity when the catalog knows none.
fn key(relation: &Relation, facts: &crate::catalog::TableFacts) -> Vec<String> {
    let has = |name: &String| relation.columns.iter().any(|column| column.name == *name);
    if facts.columns.is_empty() && relation.replica_identity != b'f' {
        return relation.columns.iter().filter(|column| column.is_key).map(|column| column.name.clone()).collect();
    }
    facts.key.iter().filter(|name| has(name)).cloned().collect()
}

fn start_statement(config: &PostgresConfig, server: &ServerFacts, start: u64) -> String {
    let publication = literal(&identifier(&config.publication));
    let mut options =
        vec![("proto_version".to_owned(), "'1'".to_owned()), ("publication_names".to_owned(), publication)];
    if server.version >= 140_000 {
        options.push(("messages".to_owned(), "'true'".to_owned()));
    }
    options.extend(config.stream_parameters.iter().map(|(name, value)| (identifier(name), literal(value))));
    let options: Vec<String> = options.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!(
        "START_REPLICATION SLOT {} LOGICAL {:X}/{:X} ({})",
        identifier(&config.slot),
        start >> 32,
        start & 0xffff_ffff,
        options.join(", ")
    )
}
