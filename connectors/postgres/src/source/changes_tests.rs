use bytes::{BufMut, BytesMut};
use sluice_api::Struct;

use super::*;
use crate::catalog::{TypeInfo, TypeKind};
use crate::events::SnapshotState;
use crate::pgoutput::Column;

const TABLE: u32 = 16_400;

fn parts(more: impl FnOnce(&mut PostgresConfig)) -> Arc<Parts> {
    let mut config = PostgresConfig::sample();
    config.context_headers = false;
    more(&mut config);
    let source = SourceBlock::new(&config.prefix, "shop").unwrap();
    let messages = LogicalMessages::new(config.message_topic(), config.modes.binary, &source).unwrap();
    let partition = Arc::new(Position::partition(&config.prefix));
    Arc::new(Parts {
        config: Arc::new(config),
        source,
        headers: ContextHeaders::default(),
        messages,
        transactions: None,
        partition,
    })
}

fn info(name: &str) -> TypeInfo {
    TypeInfo {
        schema: "pg_catalog".into(),
        name: name.into(),
        kind: TypeKind::Base,
        element: 0,
        delimiter: b',',
        base: 0,
        base_modifier: -1,
        labels: Vec::new(),
    }
}

/// A stream that knows the table `public.t (id int4 primary key, name text not null)`.
fn changes(parts: Arc<Parts>, position: Position) -> Changes {
    let mut changes = Changes::new(parts, position);
    changes.types.insert(23, info("int4"));
    changes.types.insert(25, info("text"));
    let column = |name: &str, type_oid, is_key| Column { is_key, name: name.into(), type_oid, type_modifier: -1 };
    let columns = vec![column("id", 23, true), column("name", 25, false)];
    let sources = columns.iter().map(|column| ColumnSource {
        name: column.name.clone(),
        type_oid: column.type_oid,
        type_modifier: -1,
        optional: false,
        default: None,
    });
    let sources = sources.collect();
    let relation = Relation { oid: TABLE, schema: "public".into(), name: "t".into(), replica_identity: b'd', columns };
    changes.set_table(&relation, Some((sources, vec!["id".to_owned()]))).unwrap();
    changes
}

fn tuple(out: &mut BytesMut, values: [Option<&str>; 2]) {
    out.put_u16(2);
    for value in values {
        match value {
            Some(text) => {
                out.put_u8(b't');
                out.put_u32(text.len() as u32);
                out.put_slice(text.as_bytes());
            }
            None => out.put_u8(b'n'),
        }
    }
}

fn frame(lsn: u64, write: impl FnOnce(&mut BytesMut)) -> Frame {
    let mut payload = BytesMut::new();
    write(&mut payload);
    Frame::Data { lsn, payload: payload.freeze() }
}

fn begin(lsn: u64, xid: u32) -> Frame {
    frame(lsn, |out| {
        out.put_u8(b'B');
        out.put_u64(lsn + 100);
        out.put_i64(0);
        out.put_u32(xid);
    })
}

fn commit(lsn: u64) -> Frame {
    frame(lsn, |out| {
        out.put_u8(b'C');
        out.put_u8(0);
        out.put_u64(lsn - 1);
        out.put_u64(lsn);
        out.put_i64(0);
    })
}

fn insert(lsn: u64, id: &str) -> Frame {
    frame(lsn, |out| {
        out.put_u8(b'I');
        out.put_u32(TABLE);
        out.put_u8(b'N');
        tuple(out, [Some(id), Some("a")]);
    })
}

fn update_key(lsn: u64, old: &str, new: &str) -> Frame {
    frame(lsn, |out| {
        out.put_u8(b'U');
        out.put_u32(TABLE);
        out.put_u8(b'K');
        tuple(out, [Some(old), None]);
        out.put_u8(b'N');
        tuple(out, [Some(new), Some("b")]);
    })
}

fn run(changes: &mut Changes, frames: Vec<Frame>) -> Vec<SourceRecord> {
    let mut out = Vec::new();
    for frame in frames {
        assert!(matches!(changes.take(frame, &mut out).unwrap(), Step::Done));
    }
    out
}

fn event(record: &SourceRecord) -> &Struct {
    let Value::Struct(event) = &record.value else { panic!("{record:?}") };
    event
}

fn operations(records: &[SourceRecord]) -> Vec<String> {
    let operation = |record: &SourceRecord| match &record.value {
        Value::Null => "tombstone".to_owned(),
        _ => event(record).get_string("op").unwrap().unwrap().to_string(),
    };
    records.iter().map(operation).collect()
}

#[test]
fn a_transaction_becomes_records_with_their_positions() {
    let mut changes = changes(parts(|_| {}), Position::default());
    let records = run(&mut changes, vec![begin(10, 7), insert(20, "1"), insert(20, "2"), commit(40)]);
    assert_eq!(operations(&records), ["c", "c"]);
    assert_eq!(&*records[0].topic, "server.public.t");
    let position = Position::from_offset(&records[1].source_offset).unwrap();
    assert_eq!((position.lsn, position.events, position.tx_id), (20, Some(2), Some(7)));
    assert_eq!((changes.safe_lsn(), changes.position().lsn_commit), (40, Some(40)));
    let source = event(&records[0]).get_struct("source").unwrap().unwrap();
    assert_eq!(source.get_string("sequence").unwrap().unwrap(), "[null,\"20\"]");
    assert_eq!(source.get_int64("ts_ms").unwrap(), Some(&946_684_800_000));
}

#[test]
fn a_cut_off_transaction_goes_on_where_it_was() {
    let start = Position { lsn: 5, lsn_proc: Some(5), lsn_commit: Some(5), ..Position::default() };
    let mut first = changes(parts(|_| {}), start);
    let all = || vec![begin(10, 7), insert(20, "1"), insert(20, "2"), insert(30, "3"), commit(40)];
    let records = run(&mut first, all());
    for delivered in 0..3 {
        let stored = Position::from_offset(&records[delivered].source_offset).unwrap();
        let mut second = changes(parts(|_| {}), stored);
        let rest = run(&mut second, all());
        assert_eq!(rest.len(), 2 - delivered, "after record {delivered}");
        assert_eq!(rest, records[delivered + 1..].iter().cloned().map(|r| same_clock(r, &rest)).collect::<Vec<_>>());
        // The next transaction is whole, whatever its positions are.
        assert_eq!(run(&mut second, vec![begin(5, 8), insert(15, "4"), commit(50)]).len(), 1);
    }
}

/// The record with the times of processing that those of `others` have.
fn same_clock(mut record: SourceRecord, others: &[SourceRecord]) -> SourceRecord {
    let Some(other) = others.first() else { return record };
    let mut values = event(&record).values().to_vec();
    values[5..].clone_from_slice(&event(other).values()[5..]);
    let schema = event(&record).schema().clone();
    record.value = Value::Struct(Struct::from_checked(schema, values).unwrap());
    record
}

#[test]
fn a_new_key_is_a_delete_and_a_create_that_are_not_parted_by_a_restart() {
    let mut changes = changes(parts(|_| {}), Position::default());
    let records = run(&mut changes, vec![begin(10, 7), insert(20, "1"), update_key(30, "1", "2"), commit(40)]);
    assert_eq!(operations(&records), ["c", "d", "tombstone", "c"]);
    assert!(records[1].headers.last_with_name(NEW_KEY).is_some());
    assert!(records[3].headers.last_with_name(OLD_KEY).is_some());
    let lsn = |at: usize| Position::from_offset(&records[at].source_offset).unwrap().lsn;
    assert_eq!([lsn(1), lsn(2), lsn(3)], [20, 20, 30], "until the last of them the update counts as not delivered");
}

#[test]
fn a_null_that_the_catalog_forbids_makes_the_column_optional() {
    let mut changes = changes(parts(|_| {}), Position::default());
    let with_null = frame(20, |out| {
        out.put_u8(b'I');
        out.put_u32(TABLE);
        out.put_u8(b'N');
        tuple(out, [Some("1"), None]);
    });
    let records = run(&mut changes, vec![begin(10, 7), with_null]);
    let after = event(&records[0]).get_struct("after").unwrap().unwrap();
    assert_eq!(after.get("name").unwrap(), &Value::Null);
}

#[test]
fn a_keepalive_moves_the_position_between_transactions_alone() {
    let mut changes = changes(parts(|_| {}), Position::default());
    run(&mut changes, vec![Frame::Keepalive { wal_end: 9 }, begin(10, 7), Frame::Keepalive { wal_end: 90 }]);
    assert_eq!(changes.safe_lsn(), 9);
    run(&mut changes, vec![commit(40), Frame::Keepalive { wal_end: 95 }]);
    assert_eq!(changes.safe_lsn(), 95);
}

#[test]
fn a_row_of_another_width_is_an_error_and_no_panic() {
    let mut changes = changes(parts(|_| {}), Position::default());
    let narrow = frame(20, |out| {
        out.put_slice(b"I");
        out.put_u32(TABLE);
        out.put_slice(b"N\0\x01n");
    });
    let error = changes.take(narrow, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("announced with 2"), "{error}");
    let unknown = frame(20, |out| {
        out.put_slice(b"I\0\0\0\x01N\0\0");
    });
    assert!(changes.take(unknown, &mut Vec::new()).is_err());
}

#[test]
fn a_position_of_a_finished_snapshot_is_streamed_from() {
    let position = Position { lsn: 30, snapshot: Some(SnapshotState { completed: true }), ..Position::default() };
    let mut changes = changes(parts(|_| {}), position);
    assert_eq!(run(&mut changes, vec![begin(35, 7), insert(36, "1"), commit(40)]).len(), 1);
}
