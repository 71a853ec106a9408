//! What the fuzz targets `internal_topics` and `offset_file` ask.

use crate::{config, offset, status};

/// What keys begin with, so that a mutation gets past the first look.
const PREFIXES: [&str; 12] = [
    "",
    "connector-a",
    "task-a-0",
    "task-a-1",
    "commit-a",
    "target-state-a",
    "restart-connector-a",
    "session-key",
    "logger-cluster-a",
    "status-connector-a",
    "status-task-a-0",
    "status-topic-t:connector-a",
];

/// Replays the config, offset and status topics from records of anybody, a line each.
pub fn internal_topics(bytes: &[u8]) {
    let records: Vec<(Vec<u8>, Option<&[u8]>)> = bytes.split(|byte| *byte == b'\n').filter_map(record).collect();
    let keyed = || records.iter().map(|(key, value)| (key.as_slice(), *value));
    config::fuzzing::replay(keyed().map(|(key, value)| ((!key.is_empty()).then_some(key), value)));
    offset::fuzzing::replay(keyed());
    status::fuzzing::replay(keyed());
}

/// Reads the Java object stream of `offset.storage.file.filename`.
pub fn offset_file(stream: &[u8]) {
    offset::fuzzing::file(stream);
}

/// One byte chooses the beginning of the key; a tab ends the key; without a tab the record is a tombstone.
fn record(line: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    let (first, rest) = line.split_first()?;
    let tab = rest.iter().position(|byte| *byte == b'\t');
    let (key, value) = tab.map_or((rest, None), |tab| (&rest[..tab], Some(&rest[tab + 1..])));
    let mut whole = PREFIXES[usize::from(*first) % PREFIXES.len()].as_bytes().to_vec();
    whole.extend_from_slice(key);
    Some((whole, value))
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay_seeds("internal_topics", super::internal_topics);
        replay_seeds("offset_file", super::offset_file);
    }
}
