//! Source partition and offset, with Debezium's names (postgres-cdc.md 1.7).

use std::sync::{Arc, OnceLock};

use sluice_api::{ConnectError, OffsetMap, Result, Value};

/// What the position was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    Insert,
    Update,
    Delete,
    Truncate,
    Message,
    Begin,
    Commit,
}

const NAMES: [(MessageType, &str); 7] = [
    (MessageType::Insert, "INSERT"),
    (MessageType::Update, "UPDATE"),
    (MessageType::Delete, "DELETE"),
    (MessageType::Truncate, "TRUNCATE"),
    (MessageType::Message, "MESSAGE"),
    (MessageType::Begin, "BEGIN"),
    (MessageType::Commit, "COMMIT"),
];

impl MessageType {
    fn name(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("NOOP", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, one)| *one == name).map(|(kind, _)| *kind)
    }
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotState {
    /// The record is the last one: nothing has to be read again.
    pub(crate) completed: bool,
}

/// Where the connector is, as of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The WAL position of the event.
    pub(crate) lsn: u64,
    /// The last event that was processed wholly.
    pub(crate) lsn_proc: Option<u64>,
    /// The end of the last transaction that was processed wholly.
    pub(crate) lsn_commit: Option<u64>,
    pub(crate) tx_id: Option<i64>,
    /// Microseconds since the epoch.
    pub(crate) ts_micros: i64,
    pub(crate) message_type: Option<MessageType>,
    /// How many events of this `lsn` there were so far; `None` in an offset that does not say (Debezium before 3.7).
    pub(crate) events: Option<u64>,
    pub(crate) snapshot: Option<SnapshotState>,
}

/// The names of the fields, shared by all offsets.
struct Names {
    lsn: Arc<str>,
    lsn_proc: Arc<str>,
    lsn_commit: Arc<str>,
    tx_id: Arc<str>,
    ts: Arc<str>,
    message_type: Arc<str>,
    events: Arc<str>,
    transaction: Arc<str>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| Names {
        lsn: "lsn".into(),
        lsn_proc: "lsn_proc".into(),
        lsn_commit: "lsn_commit".into(),
        tx_id: "txId".into(),
        ts: "ts_usec".into(),
        message_type: "messageType".into(),
        events: "lsn_events_processed".into(),
        transaction: "transaction_id".into(),
    })
}

/// LSNs are stored as signed numbers.
fn number(lsn: u64) -> Value {
    Value::Int64(lsn as i64)
}

impl Position {
    /// `{"server": prefix}`.
    pub(crate) fn partition(prefix: &str) -> OffsetMap {
        OffsetMap::single("server", Value::from(prefix))
    }

    /// The offset as it is stored.
    pub(crate) fn to_offset(self) -> OffsetMap {
        let names = names();
        let mut fields: Vec<(Arc<str>, Value)> = Vec::with_capacity(8);
        if let Some(tx_id) = self.tx_id {
            fields.push((names.tx_id.clone(), Value::Int64(tx_id)));
        }
        fields.push((names.lsn.clone(), number(self.lsn)));
        fields.push((names.ts.clone(), Value::Int64(self.ts_micros)));
        if let Some(lsn) = self.lsn_proc {
            fields.push((names.lsn_proc.clone(), number(lsn)));
        }
        if let Some(lsn) = self.lsn_commit {
            fields.push((names.lsn_commit.clone(), number(lsn)));
        }
        if let Some(kind) = self.message_type {
            fields.push((names.message_type.clone(), Value::from(bytestring::ByteString::from_static(kind.name()))));
        }
        if let Some(events) = self.events.filter(|events| *events > 0) {
            fields.push((names.events.clone(), number(events)));
        }
        match self.snapshot {
            Some(state) => {
                fields.push(("snapshot".into(), Value::from("INITIAL")));
                fields.push(("last_snapshot_record".into(), Value::Boolean(state.completed)));
                fields.push(("snapshot_completed".into(), Value::Boolean(state.completed)));
            }
            None => fields.push((names.transaction.clone(), Value::Null)),
        }
        OffsetMap::new(fields)
    }

    /// Reads an offset of this connector or of Debezium.
    ///
    /// # Errors
    /// When it has no position.
    pub(crate) fn from_offset(offset: &OffsetMap) -> Result<Self> {
        let long = |name: &str| match offset.get(name) {
            Some(Value::Int64(number)) => Some(*number),
            Some(Value::Int32(number)) => Some(i64::from(*number)),
            _ => None,
        };
        let lsn = |name: &str| long(name).map(|number| number as u64);
        let Some(position) = lsn("lsn").or_else(|| lsn("lsn_proc")) else {
            return Err(ConnectError::connect(
                "the stored offset has no `lsn`: alter it over REST, or delete it for a new snapshot",
            ));
        };
        let flag = |name: &str| matches!(offset.get(name), Some(Value::Boolean(true)));
        let completed = flag("last_snapshot_record") || flag("snapshot_completed");
        let in_snapshot = match offset.get("snapshot") {
            // Older versions of Debezium wrote a boolean.
            Some(Value::Boolean(running)) => *running,
            Some(Value::String(text)) => &**text != "false",
            _ => false,
        };
        let lsn_proc = lsn("lsn_proc");
        Ok(Self {
            lsn: position,
            lsn_proc,
            lsn_commit: lsn("lsn_commit").or(lsn_proc),
            tx_id: long("txId"),
            ts_micros: long("ts_usec").unwrap_or(0),
            message_type: offset.get("messageType").and_then(Value::as_str).and_then(MessageType::parse),
            events: lsn("lsn_events_processed"),
            snapshot: in_snapshot.then_some(SnapshotState { completed }),
        })
    }

    /// Where the stream begins: behind the last transaction that was processed wholly.
    pub(crate) fn start_lsn(&self) -> u64 {
        self.lsn_commit.or(self.lsn_proc).unwrap_or(self.lsn)
    }

    /// Whether a snapshot was cut off.
    pub(crate) fn is_unfinished_snapshot(&self) -> bool {
        self.snapshot.is_some_and(|state| !state.completed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_comes_back_as_it_was() {
        let streaming = Position {
            lsn: 25,
            lsn_proc: Some(25),
            lsn_commit: Some(20),
            tx_id: Some(7),
            ts_micros: 3,
            message_type: Some(MessageType::Update),
            events: Some(2),
            snapshot: None,
        };
        assert_eq!(Position::from_offset(&streaming.to_offset()).unwrap(), streaming);
        assert_eq!(streaming.start_lsn(), 20);
        let snapshot = Position { lsn: 9, snapshot: Some(SnapshotState { completed: false }), ..Position::default() };
        let read = Position::from_offset(&snapshot.to_offset()).unwrap();
        assert!(read.is_unfinished_snapshot() && read.start_lsn() == 9);
    }

    #[test]
    fn an_offset_of_debezium_is_read() {
        let offset = OffsetMap::new(vec![
            ("lsn_proc".into(), Value::Int64(25_195_000)),
            ("messageType".into(), Value::from("INSERT")),
            ("lsn".into(), Value::Int64(25_195_000)),
            ("txId".into(), Value::Int64(898)),
            ("ts_usec".into(), Value::Int64(1)),
        ]);
        let read = Position::from_offset(&offset).unwrap();
        assert_eq!((read.lsn_commit, read.events), (Some(25_195_000), None));
        assert!(Position::from_offset(&OffsetMap::default()).is_err());
    }
}
