//! Writing what other workers read.

use std::collections::BTreeMap;

use bytes::BufMut;

use super::bytes_in::CONNECTOR_TASK;
use super::connectors_and_tasks::ConnectorsAndTasks;

/// A text with a 16-bit length. Longer text cannot be said in this protocol and is cut at a character; the names of
/// connectors never are, see [`ConnectorsAndTasks::configured`].
pub(super) fn put_text(out: &mut impl BufMut, text: &str) {
    let text = &text[..text.floor_char_boundary(i16::MAX as usize)];
    out.put_i16(text.len() as i16);
    out.put_slice(text.as_bytes());
}

/// Entries by connector: the instance first, then the task numbers in ascending order.
pub(super) fn put_connectors_and_tasks(out: &mut impl BufMut, work: &ConnectorsAndTasks) {
    let mut entries = BTreeMap::<&str, Vec<i32>>::new();
    for connector in &work.connectors {
        entries.entry(connector).or_default().push(CONNECTOR_TASK);
    }
    for id in &work.tasks {
        // Invariant of the config topic: task numbers count from 0 to far below 2^31.
        entries.entry(&id.connector).or_default().push(id.task as i32);
    }
    out.put_i32(entries.len() as i32);
    for (connector, numbers) in entries {
        put_text(out, connector);
        out.put_i32(numbers.len() as i32);
        for number in numbers {
            out.put_i32(number);
        }
    }
}
