//! The snapshot: every table by COPY inside of one transaction, as of the beginning of the slot.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{ConnectError, Result, SourceRecord, Value};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::changes::Parts;
use super::copy_text::fields;
use crate::catalog::{CreatedSlot, TableFacts, TableName, Types, table_facts};
use crate::client::{Connection, Purpose, identifier, literal};
use crate::config::{LockingMode, PostgresConfig};
use crate::events::{
    Clock, ColumnSource, MissingValue, Operation, Position, SnapshotMarker, SnapshotState, Table, record,
};

/// A table that is read.
struct Reading {
    table: Table,
    statement: String,
}

/// A snapshot that is being read.
pub(super) struct Snapshot {
    parts: Arc<Parts>,
    connection: Connection,
    waiting: VecDeque<Reading>,
    current: Option<Reading>,
    /// Tables that were begun.
    tables: u64,
    rows_of_table: u64,
    rows: u64,
    /// The last row is known as such when no other comes.
    held: Option<SourceRecord>,
    /// It is the first row of the first table, which is told as such alone.
    held_is_first: bool,
    position: Position,
}

/// What a call gave.
pub(super) enum Progress {
    More,
    /// Every row is out.
    Finished,
}

impl Snapshot {
    /// Takes the slot's snapshot over and looks at the tables as they are in it.
    ///
    /// # Errors
    /// As the client's.
    pub(super) async fn open(
        parts: Arc<Parts>,
        slot: &CreatedSlot,
        stream_from: Option<u64>,
        exporter: Connection,
        tables: &[TableName],
    ) -> Result<Self> {
        let config = &parts.config;
        let doing = |error: crate::client::Error| error.into_connect("opening the snapshot");
        let mut connection = Connection::open(&config.options, Purpose::Sql).await.map_err(doing)?;
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; \
             SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
            literal(&slot.snapshot)
        );
        connection.query(&begin).await.map_err(doing)?;
        let rows = connection.query("SELECT txid_current()").await.map_err(doing)?;
        // The transaction has the snapshot now; nobody else needs it.
        drop(exporter);
        lock(config, &mut connection, tables).await?;
        let waiting = readings(&parts, &mut connection, tables).await?;
        let position = Position {
            lsn: slot.consistent_point,
            // A restart streams from here (`source::session`).
            lsn_commit: stream_from,
            tx_id: rows.first().and_then(|row| row.number(0)),
            snapshot: Some(SnapshotState { completed: false }),
            ..Position::default()
        };
        info!(tables = waiting.len(), lsn = position.lsn, "reading the snapshot");
        Ok(Self {
            parts,
            connection,
            waiting,
            current: None,
            tables: 0,
            rows_of_table: 0,
            rows: 0,
            held: None,
            held_is_first: false,
            position,
        })
    }

    /// The position from which to stream afterwards.
    pub(super) fn position(&self) -> Position {
        Position { snapshot: None, tx_id: None, ..self.position }
    }

    /// Adds up to `limit` rows to `out`, as many as come until `deadline`.
    ///
    /// # Errors
    /// As the client's; the snapshot has to begin anew then.
    pub(super) async fn read(
        &mut self,
        limit: usize,
        deadline: Instant,
        out: &mut Vec<SourceRecord>,
    ) -> Result<Progress> {
        let clock = Clock::now();
        self.position.ts_micros = clock.micros();
        while out.len() < limit {
            if self.current.is_none() && !self.next_table().await? {
                self.finish(out)?;
                return Ok(Progress::Finished);
            }
            let line = if self.connection.has_copied() {
                self.connection.copied().await
            } else {
                match timeout_at(deadline, self.connection.copied()).await {
                    Ok(line) => line,
                    Err(_) => return Ok(Progress::More),
                }
            };
            match line.map_err(|error| error.into_connect("reading the snapshot"))? {
                Some(line) => self.row(&line, clock, out)?,
                None => self.end_table(),
            }
        }
        Ok(Progress::More)
    }

    async fn next_table(&mut self) -> Result<bool> {
        let Some(reading) = self.waiting.pop_front() else { return Ok(false) };
        let copy = self.connection.copy_out(&reading.statement).await;
        copy.map_err(|error| error.into_connect(&format!("reading table {}", reading.table.name)))?;
        self.current = Some(reading);
        self.tables += 1;
        self.rows_of_table = 0;
        Ok(true)
    }

    fn end_table(&mut self) {
        if let Some(reading) = self.current.take() {
            info!(table = %reading.table.name, rows = self.rows_of_table, "read a table of the snapshot");
        }
    }

    fn row(&mut self, line: &Bytes, clock: Clock, out: &mut Vec<SourceRecord>) -> Result<()> {
        let Some(Reading { table, .. }) = &self.current else { return Ok(()) };
        let first_of_table = self.rows_of_table == 0;
        // As in Debezium no row is the first when the first table has none.
        let is_first = first_of_table && self.tables == 1;
        let marker = match (is_first, first_of_table) {
            (true, _) => SnapshotMarker::First,
            (_, true) => SnapshotMarker::FirstInDataCollection,
            _ => SnapshotMarker::True,
        };
        let values = values(table, line)?;
        let key = table.key(&values)?;
        let rows = (Value::Null, table.row(values)?);
        let event = table.event(rows, Operation::Read, &self.parts.source, marker, &self.position, clock)?;
        let key = (table.key_schema.clone(), key);
        let event = (table.envelope.clone(), event);
        let mut record = record(&self.parts.partition, &self.position, &table.topic, key, event);
        record.headers = self.parts.headers.headers();
        if let Some(mut held) = self.held.replace(record) {
            // The row before was the last of its table.
            if first_of_table && !self.held_is_first {
                held.value = Table::marked(held.value, SnapshotMarker::LastInDataCollection)?;
            }
            out.push(held);
        }
        self.held_is_first = is_first;
        self.rows_of_table += 1;
        self.rows += 1;
        Ok(())
    }

    /// The last row says that nothing has to be read again.
    fn finish(&mut self, out: &mut Vec<SourceRecord>) -> Result<()> {
        if let Some(mut last) = self.held.take() {
            let completed = Position { snapshot: Some(SnapshotState { completed: true }), ..self.position };
            last.value = Table::marked(last.value, SnapshotMarker::Last)?;
            last.source_offset = completed.to_offset();
            out.push(last);
        }
        info!(rows = self.rows, "the snapshot is complete");
        Ok(())
    }
}

/// The values of a line of COPY.
fn values(table: &Table, line: &Bytes) -> Result<Vec<Value>> {
    let mut values = table.values();
    let mut at = 0;
    let mut outcome = Ok(());
    fields(line, |text, owner| {
        if outcome.is_ok() {
            match table.read(at, text, owner) {
                Ok(value) => values.extend(value),
                Err(error) => outcome = Err(error),
            }
        }
        at += 1;
    });
    match outcome {
        Ok(()) => Ok(values),
        Err(MissingValue::Error(error)) => Err(error),
        Err(MissingValue::Null(column)) => {
            Err(ConnectError::data(format!("column `{column}` of table {} is NOT NULL and null", table.name)))
        }
    }
}

async fn lock(config: &PostgresConfig, connection: &mut Connection, tables: &[TableName]) -> Result<()> {
    if config.snapshot_locking == LockingMode::None || tables.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = tables.iter().map(TableName::quoted).collect();
    let sql = format!(
        "SET LOCAL lock_timeout = {}; LOCK TABLE {} IN ACCESS SHARE MODE",
        config.snapshot_lock_timeout_ms,
        list.join(", ")
    );
    connection.query(&sql).await.map(drop).map_err(|error| error.into_connect("locking the tables of the snapshot"))
}

/// What to read of every table.
async fn readings(parts: &Arc<Parts>, connection: &mut Connection, tables: &[TableName]) -> Result<VecDeque<Reading>> {
    let mut types = Types::default();
    let mut readings = VecDeque::new();
    for name in tables {
        let doing =
            |error: crate::client::Error| error.into_connect(&format!("reading the definition of table {name}"));
        let facts = table_facts(connection, name).await.map_err(doing)?;
        let oids: Vec<u32> = facts.columns.iter().map(|column| column.type_oid).collect();
        types.load(connection, &oids).await.map_err(doing)?;
        readings.extend(reading(parts, &types, name, &facts)?);
    }
    Ok(readings)
}

/// The statement for a table; `None` when no column can be read.
fn reading(parts: &Arc<Parts>, types: &Types, name: &TableName, facts: &TableFacts) -> Result<Option<Reading>> {
    let has_form = |oid, modifier| crate::values::form(types, oid, modifier, &parts.config.modes).is_some();
    let mut columns = Vec::new();
    for column in &facts.columns {
        if !parts.config.columns.matches(name, &column.name) {
            continue;
        }
        if !has_form(column.type_oid, column.type_modifier) {
            warn!(table = %name, column = %column.name, "left out: its type is not known");
            continue;
        }
        columns.push(ColumnSource {
            name: column.name.clone(),
            type_oid: column.type_oid,
            type_modifier: column.type_modifier,
            optional: !column.not_null,
            default: column.default.clone(),
        });
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let list: Vec<String> = columns.iter().map(|column| identifier(&column.name)).collect();
    // Children of a table are tables of their own, unless the root stands for its partitions.
    let only = if parts.config.via_partition_root { "" } else { "ONLY " };
    let from = match parts.config.select_overrides.get(&name.to_string()) {
        Some(statement) => format!("({statement}) AS overridden"),
        None => format!("{only}{}", name.quoted()),
    };
    let statement = format!("COPY (SELECT {} FROM {from}) TO STDOUT", list.join(", "));
    let table = Table::new(&parts.config, &parts.source, types, name, &columns, &facts.key)?;
    Ok(Some(Reading { table, statement }))
}
