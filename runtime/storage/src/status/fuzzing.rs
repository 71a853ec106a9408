//! The status topic as the fuzz target `internal_topics` replays it.

use super::table::StatusTable;

/// Reads records (key, value) and lists what is known after them.
pub(crate) fn replay<'a>(records: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) {
    let mut table = StatusTable::default();
    for (key, value) in records {
        table.read(key, value);
    }
    for connector in table.connectors() {
        assert!(table.tasks(&connector).iter().all(|task| task.id.connector == connector));
        drop(table.topics(&connector));
    }
}
