//! Messages of the stream to records: the one place where positions move.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{ConnectError, Headers, OffsetMap, Result, SourceRecord, Value};

use super::resume::{Resume, Verdict};
use crate::catalog::Types;
use crate::client::Frame;
use crate::config::PostgresConfig;
use crate::events::{
    Clock, ColumnSource, ContextHeaders, LogicalMessages, MessageType, MissingValue, Operation, Position,
    SnapshotMarker, SourceBlock, Table, Transactions, record,
};
use crate::pgoutput::{Datum, Message, OldTuple, Relation, Tuple};

/// Microseconds from 1970 to 2000.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// What logical messages are counted as in a transaction.
const MESSAGES: &str = "message";
const NEW_KEY: &str = "__debezium.newkey";
const OLD_KEY: &str = "__debezium.oldkey";

/// What is the same for all records of a task.
pub(super) struct Parts {
    pub(super) config: Arc<PostgresConfig>,
    pub(super) source: SourceBlock,
    pub(super) headers: ContextHeaders,
    pub(super) messages: LogicalMessages,
    /// As it is before the first transaction, when its metadata is wanted.
    pub(super) transactions: Option<Transactions>,
    pub(super) partition: Arc<OffsetMap>,
}

/// A table of the stream.
enum Entry {
    Captured(Box<Captured>),
    /// Not in the lists.
    Filtered,
}

struct Captured {
    table: Table,
    columns: Vec<ColumnSource>,
    key: Vec<String>,
}

/// What a frame needs besides itself.
#[derive(Debug)]
pub(super) enum Step {
    Done,
    /// The catalog has to be asked about this table before the next frame.
    Relation(Relation),
}

/// The state of the stream.
pub(super) struct Changes {
    parts: Arc<Parts>,
    pub(super) types: Types,
    tables: HashMap<u32, Entry>,
    position: Position,
    /// Everything below is wholly in records that were made.
    safe_lsn: u64,
    in_transaction: bool,
    resume: Option<Resume>,
    clock: Clock,
    transactions: Option<Transactions>,
}

impl Changes {
    /// A stream that goes on from `position`.
    pub(super) fn new(parts: Arc<Parts>, position: Position) -> Self {
        Self {
            transactions: parts.transactions.clone(),
            parts,
            types: Types::default(),
            tables: HashMap::new(),
            safe_lsn: 0,
            in_transaction: false,
            resume: Resume::after(&position),
            position: Position { snapshot: None, ..position },
            clock: Clock::now(),
        }
    }

    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    /// Everything below is wholly in records that were made.
    pub(super) fn safe_lsn(&self) -> u64 {
        self.safe_lsn
    }

    /// Reads the clock for the records that follow.
    pub(super) fn tick(&mut self) {
        self.clock = Clock::now();
    }

    /// Takes a frame; records go to `out`.
    ///
    /// # Errors
    /// When the frame or a value in it cannot be read.
    pub(super) fn take(&mut self, frame: Frame, out: &mut Vec<SourceRecord>) -> Result<Step> {
        match frame {
            Frame::Data { lsn, payload } => self.message(lsn, &payload, out),
            Frame::Keepalive { wal_end } => {
                // Frames come in order: what was committed before is there already, so an idle database pins no WAL.
                if !self.in_transaction {
                    self.safe_lsn = self.safe_lsn.max(wal_end);
                }
                Ok(Step::Done)
            }
        }
    }

    fn message(&mut self, lsn: u64, payload: &Bytes, out: &mut Vec<SourceRecord>) -> Result<Step> {
        let message = Message::decode(payload.clone()).map_err(|error| ConnectError::connect(error.to_string()))?;
        match message {
            Message::Relation(relation) => return Ok(Step::Relation(relation)),
            Message::Begin { commit_micros, xid, .. } => self.begin(lsn, commit_micros, xid, out)?,
            Message::Commit { .. } => self.commit(lsn, out)?,
            Message::Type | Message::Origin { .. } => {}
            event => {
                if !self.is_delivered(lsn, payload, out)? {
                    self.event(lsn, event, out)?;
                }
            }
        }
        Ok(Step::Done)
    }

    fn begin(&mut self, lsn: u64, commit_micros: i64, xid: u32, out: &mut Vec<SourceRecord>) -> Result<()> {
        self.in_transaction = true;
        self.position = Position {
            lsn,
            lsn_proc: Some(lsn),
            tx_id: Some(i64::from(xid)),
            ts_micros: commit_micros.saturating_add(POSTGRES_EPOCH_MICROS),
            message_type: Some(MessageType::Begin),
            events: Some(0),
            ..self.position
        };
        if let Some(transactions) = &mut self.transactions {
            let record = transactions.begin(&self.parts.partition, &self.position)?;
            // One that was cut off has had its record.
            if !self.resume.as_ref().is_some_and(|resume| resume.is_in(i64::from(xid))) {
                out.push(record);
            }
        }
        Ok(())
    }

    /// A commit's position is its end.
    fn commit(&mut self, lsn: u64, out: &mut Vec<SourceRecord>) -> Result<()> {
        self.in_transaction = false;
        if let (Some(resume), Some(xid)) = (&self.resume, self.position.tx_id)
            && resume.is_in(xid)
        {
            self.resume = None;
        }
        self.safe_lsn = self.safe_lsn.max(lsn);
        self.position = Position {
            lsn,
            lsn_proc: Some(lsn),
            lsn_commit: Some(lsn),
            message_type: Some(MessageType::Commit),
            events: Some(0),
            ..self.position
        };
        if let Some(transactions) = &mut self.transactions {
            out.push(transactions.end(&self.parts.partition, &self.position)?);
        }
        Ok(())
    }

    /// Whether an earlier run delivered the event; one that was held back is delivered on the way.
    fn is_delivered(&mut self, lsn: u64, payload: &Bytes, out: &mut Vec<SourceRecord>) -> Result<bool> {
        let in_transaction = self.in_transaction;
        let xid = self.position.tx_id.unwrap_or(-1);
        let Some(resume) = self.resume.as_mut().filter(|resume| in_transaction && resume.is_in(xid)) else {
            return Ok(false);
        };
        let kind = match payload.first() {
            Some(b'U') => MessageType::Update,
            Some(b'D') => MessageType::Delete,
            _ => MessageType::Insert,
        };
        match resume.judge(lsn, payload) {
            Verdict::Deliver => Ok(false),
            Verdict::PassOver if self.transactions.is_some() => {
                // It counts in its transaction, and goes nowhere.
                let message =
                    Message::decode(payload.clone()).map_err(|error| ConnectError::connect(error.to_string()))?;
                self.event(lsn, message, &mut Vec::new())?;
                Ok(true)
            }
            Verdict::PassOver => {
                self.advance(lsn, kind);
                Ok(true)
            }
            Verdict::DeliverBoth(held_lsn, held) => {
                // It was counted when it was held back.
                self.position.events = Some(0);
                let held = Message::decode(held).map_err(|error| ConnectError::connect(error.to_string()))?;
                self.event(held_lsn, held, out)?;
                Ok(false)
            }
        }
    }

    /// Moves the position to an event.
    fn advance(&mut self, lsn: u64, kind: MessageType) {
        let same = self.position.lsn == lsn && self.position.message_type != Some(MessageType::Begin);
        let before = if same { self.position.events.unwrap_or(0) } else { 0 };
        self.position.lsn = lsn;
        self.position.lsn_proc = Some(lsn);
        self.position.message_type = Some(kind);
        self.position.events = Some(before + 1);
    }

    fn event(&mut self, lsn: u64, message: Message, out: &mut Vec<SourceRecord>) -> Result<()> {
        let before = self.position;
        match message {
            Message::Insert { relation, new } => {
                self.advance(lsn, MessageType::Insert);
                self.row(relation, before, None, Some(&new), out)
            }
            Message::Update { relation, old, new } => {
                self.advance(lsn, MessageType::Update);
                self.row(relation, before, old.as_ref(), Some(&new), out)
            }
            Message::Delete { relation, old } => {
                self.advance(lsn, MessageType::Delete);
                self.row(relation, before, Some(&old), None, out)
            }
            Message::Truncate { relations } => {
                self.advance(lsn, MessageType::Truncate);
                self.truncate(before, &relations, out)
            }
            Message::Logical { transactional, prefix, content, .. } => {
                self.logical(lsn, transactional, &prefix, &content, out)
            }
            _ => Ok(()),
        }
    }

    fn logical(
        &mut self,
        lsn: u64,
        transactional: bool,
        prefix: &str,
        content: &Bytes,
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        let parts = self.parts.clone();
        if transactional {
            self.advance(lsn, MessageType::Message);
        } else {
            // It stands alone, and nothing commits it.
            self.position = Position {
                lsn,
                lsn_proc: Some(lsn),
                lsn_commit: Some(lsn),
                tx_id: None,
                ts_micros: self.clock.micros(),
                message_type: Some(MessageType::Message),
                events: Some(0),
                snapshot: None,
            };
        }
        out.push(parts.messages.record(&parts.partition, &self.position, &parts.source, prefix, content)?);
        if !transactional {
            return Ok(());
        }
        let start = out.len() - 1;
        match &mut self.transactions {
            Some(transactions) => transactions.note(&MESSAGES.into(), &self.position, &mut out[start..]),
            None => Ok(()),
        }
    }

    /// One record per table; the message counts as delivered with the last.
    fn truncate(&mut self, before: Position, relations: &[u32], out: &mut Vec<SourceRecord>) -> Result<()> {
        if self.parts.config.skip_truncates {
            return Ok(());
        }
        let start = out.len();
        for relation in relations {
            let Some(Entry::Captured(captured)) = self.tables.get(relation) else { continue };
            let maker = Maker { parts: &self.parts, table: &captured.table, clock: self.clock };
            let event = maker.event((Value::Null, Value::Null), Operation::Truncate, &self.position)?;
            let mut record = maker.record(Value::Null, event, &before, maker.headers());
            // Debezium gives a key schema to keyed records alone.
            record.key_schema = None;
            if let Some(transactions) = &mut self.transactions {
                transactions.note(&captured.table.id, &self.position, std::slice::from_mut(&mut record))?;
            }
            out.push(record);
        }
        if let Some(last) = out.get_mut(start..).and_then(<[_]>::last_mut) {
            last.source_offset = self.position.to_offset();
        }
        Ok(())
    }

    /// A row that was inserted, updated or deleted.
    fn row(
        &mut self,
        relation: u32,
        before: Position,
        old: Option<&OldTuple>,
        new: Option<&Tuple>,
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        loop {
            let Some(entry) = self.tables.get_mut(&relation) else {
                return Err(ConnectError::connect(format!("a row of table {relation}, which was not announced")));
            };
            let Entry::Captured(captured) = entry else { return Ok(()) };
            let maker = Maker { parts: &self.parts, table: &captured.table, clock: self.clock };
            let start = out.len();
            match maker.row((before, self.position), old, new, out) {
                Ok(()) => {
                    return match &mut self.transactions {
                        Some(transactions) => transactions.note(&captured.table.id, &self.position, &mut out[start..]),
                        None => Ok(()),
                    };
                }
                Err(MissingValue::Error(error)) => return Err(error),
                // The row is older or newer than what the catalog says now: the stream is right.
                Err(MissingValue::Null(column)) => captured.allow_null(&column, &self.parts, &self.types)?,
            }
        }
    }

    /// Takes what is known of a table from now on; `None` for one that is not captured.
    ///
    /// # Errors
    /// When no schema can be made of it.
    pub(super) fn set_table(
        &mut self,
        relation: &Relation,
        definition: Option<(Vec<ColumnSource>, Vec<String>)>,
    ) -> Result<()> {
        let entry = match definition {
            None => Entry::Filtered,
            Some((columns, key)) => {
                let name = crate::catalog::TableName { schema: relation.schema.clone(), name: relation.name.clone() };
                let parts = &self.parts;
                let table = Table::new(&parts.config, &parts.source, &self.types, &name, &columns, &key)?;
                Entry::Captured(Box::new(Captured { table, columns, key }))
            }
        };
        self.tables.insert(relation.oid, entry);
        Ok(())
    }
}

impl Captured {
    /// Makes a column optional, since there is a null in it.
    fn allow_null(&mut self, name: &str, parts: &Parts, types: &Types) -> Result<()> {
        for column in self.columns.iter_mut().filter(|column| column.name == name) {
            column.optional = true;
        }
        let table = &self.table.name;
        self.table = Table::new(&parts.config, &parts.source, types, table, &self.columns, &self.key)?;
        Ok(())
    }
}

/// Makes records of one table.
struct Maker<'a> {
    parts: &'a Parts,
    table: &'a Table,
    clock: Clock,
}

impl Maker<'_> {
    /// The records of a row; `positions` are those before and after it.
    fn row(
        &self,
        positions: (Position, Position),
        old: Option<&OldTuple>,
        new: Option<&Tuple>,
        out: &mut Vec<SourceRecord>,
    ) -> Result<(), MissingValue> {
        let old_values = old.map(|old| self.old_values(&old.tuple)).transpose()?;
        let Some(new) = new else {
            return Ok(self.delete(positions, old_values.unwrap_or_default(), self.headers(), out)?);
        };
        let full = old.zip(old_values.as_ref()).filter(|(old, _)| !old.key_only).map(|(_, values)| values);
        let new_values = self.new_values(new, full)?;
        let config = &self.parts.config;
        match old_values {
            None if old.is_none() && matches!(positions.1.message_type, Some(MessageType::Insert)) => {
                if !config.skip_inserts {
                    self.upsert(&positions.1, None, new_values, Operation::Create, self.headers(), out)?;
                }
            }
            None => self.update(&positions.1, None, new_values, out)?,
            Some(old_values) => {
                let (old_key, new_key) = (self.table.key(&old_values)?, self.table.key(&new_values)?);
                if old_key == new_key || old_key.is_null() {
                    self.update(&positions.1, Some(old_values), new_values, out)?;
                } else {
                    self.key_change(positions, old_values, new_values, (old_key, new_key), out)?;
                }
            }
        }
        Ok(())
    }

    fn update(
        &self,
        position: &Position,
        old: Option<Vec<Value>>,
        new: Vec<Value>,
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        let config = &self.parts.config;
        if config.skip_updates || config.skip_unchanged && old.as_ref() == Some(&new) {
            return Ok(());
        }
        self.upsert(position, old, new, Operation::Update, self.headers(), out)
    }

    fn upsert(
        &self,
        position: &Position,
        old: Option<Vec<Value>>,
        new: Vec<Value>,
        operation: Operation,
        headers: Headers,
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        let key = self.table.key(&new)?;
        let old = old.map_or(Ok(Value::Null), |old| self.table.row(old))?;
        let event = self.event((old, self.table.row(new)?), operation, position)?;
        out.push(self.record(key, event, position, headers));
        Ok(())
    }

    fn delete(
        &self,
        (before, after): (Position, Position),
        old: Vec<Value>,
        headers: Headers,
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        if self.parts.config.skip_deletes {
            return Ok(());
        }
        let key = self.table.key(&old)?;
        let row = if old.is_empty() { Value::Null } else { self.table.row(old)? };
        let event = self.event((row, Value::Null), Operation::Delete, &after)?;
        if !self.parts.config.tombstones {
            out.push(self.record(key, event, &after, headers));
            return Ok(());
        }
        // Until its last record is out the event counts as not delivered, so that none of them is lost.
        out.push(self.record(key.clone(), event, &before, headers.clone()));
        out.push(self.tombstone(key, &after, headers));
        Ok(())
    }

    /// A new key is a new row: the old one is deleted, the new one created, each with the other's key in a header.
    fn key_change(
        &self,
        (before, after): (Position, Position),
        old: Vec<Value>,
        new: Vec<Value>,
        (old_key, new_key): (Value, Value),
        out: &mut Vec<SourceRecord>,
    ) -> Result<()> {
        let schema = &self.table.key_schema;
        let with = |name: &str, key: &Value| -> Result<Headers> {
            let mut headers = Headers::new();
            headers.add(name, schema.clone(), key.clone())?;
            for header in &self.headers() {
                headers.add(header.key.clone(), header.schema.clone(), header.value.clone())?;
            }
            Ok(headers)
        };
        let event = self.event((self.table.row(old)?, Value::Null), Operation::Delete, &after)?;
        let headers = with(NEW_KEY, &new_key)?;
        if !self.parts.config.skip_deletes {
            out.push(self.record(old_key.clone(), event, &before, headers.clone()));
            if self.parts.config.tombstones {
                out.push(self.tombstone(old_key.clone(), &before, headers));
            }
        }
        if !self.parts.config.skip_inserts {
            self.upsert(&after, None, new, Operation::Create, with(OLD_KEY, &old_key)?, out)?;
        }
        Ok(())
    }

    fn old_values(&self, tuple: &Tuple) -> Result<Vec<Value>> {
        self.check_width(tuple)?;
        let mut values = self.table.values();
        for (at, datum) in tuple.iter().enumerate() {
            let text = match datum {
                Datum::Text(text) => Some(text),
                Datum::Null | Datum::Unchanged => None,
            };
            values.extend(self.table.read_old(at, text, tuple.owner())?);
        }
        Ok(values)
    }

    /// A value that is stored out of line and has not changed comes from the old row if the server sent all of it.
    fn new_values(&self, tuple: &Tuple, old: Option<&Vec<Value>>) -> Result<Vec<Value>, MissingValue> {
        self.check_width(tuple)?;
        let mut values = self.table.values();
        for (at, datum) in tuple.iter().enumerate() {
            let value = match datum {
                Datum::Text(text) => self.table.read(at, Some(text), tuple.owner())?,
                Datum::Null => self.table.read(at, None, tuple.owner())?,
                Datum::Unchanged => {
                    let known = old.and_then(|old| old.get(values.len())).filter(|value| !value.is_null());
                    self.table.unavailable(at).map(|placeholder| known.cloned().unwrap_or(placeholder))
                }
            };
            values.extend(value);
        }
        Ok(values)
    }

    fn check_width(&self, tuple: &Tuple) -> Result<()> {
        if tuple.len() == self.table.width() {
            return Ok(());
        }
        Err(ConnectError::connect(format!(
            "a row of {} columns for table {}, which was announced with {}",
            tuple.len(),
            self.table.name,
            self.table.width()
        )))
    }

    fn event(&self, rows: (Value, Value), operation: Operation, position: &Position) -> Result<Value> {
        self.table.event(rows, operation, &self.parts.source, SnapshotMarker::False, position, self.clock)
    }

    fn headers(&self) -> Headers {
        self.parts.headers.headers()
    }

    fn record(&self, key: Value, event: Value, position: &Position, headers: Headers) -> SourceRecord {
        let key = (self.table.key_schema.clone(), key);
        let event = (self.table.envelope.clone(), event);
        let mut record = record(&self.parts.partition, position, &self.table.topic, key, event);
        record.headers = headers;
        record
    }

    fn tombstone(&self, key: Value, position: &Position, headers: Headers) -> SourceRecord {
        let mut record = self.record(key, Value::Null, position, headers);
        record.value_schema = None;
        record
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
