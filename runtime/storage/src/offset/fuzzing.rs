//! Stored offsets: the fuzz target `offset_file`, and the offsets topic as `internal_topics` replays it.

use bytes::Bytes;

use super::java_serialization;
use super::key::parse_key;
use super::table::OffsetTable;

/// Reads the bytes of an offset file; what can be read is written, and must then read the same.
pub(crate) fn file(stream: &[u8]) {
    let Ok(entries) = java_serialization::read(stream) else { return };
    let entries: Vec<(Bytes, Bytes)> = entries.into_iter().filter_map(|(key, value)| Some((key?, value?))).collect();
    let written =
        java_serialization::write(entries.iter().map(|(key, value)| (key, value))).expect("shorter than 2 GiB");
    let again = java_serialization::read(&written).expect("our own stream");
    assert!(again.into_iter().eq(entries.into_iter().map(|(key, value)| (Some(key), Some(value)))));
}

/// Reads records (key, value) of the offsets topic and lists the offsets of each connector that a key names.
pub(crate) fn replay<'a>(records: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) {
    let mut table = OffsetTable::default();
    for (key, value) in records {
        table.put(Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
        if let Ok(Some((connector, _))) = parse_key(key) {
            drop(table.connector_offsets(&connector));
        }
    }
}
