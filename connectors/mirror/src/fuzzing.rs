//! What the fuzz target `mirror_records` asks.

use crate::formats::{Checkpoint, Heartbeat, OffsetRange, OffsetSync};

/// Reads bytes as the records of internal topics; what could be read is written as the same fields again.
///
/// # Panics
/// When it is not.
pub fn mirror_records(bytes: &[u8]) {
    let Some((at, bytes)) = bytes.split_first() else { return };
    let (key, value) = bytes.split_at(usize::from(*at).saturating_sub(1).min(bytes.len()));
    if let Ok(sync) = OffsetSync::read(key, value) {
        assert_eq!(OffsetSync::read(&sync.key(), &sync.value()), Ok(sync));
    }
    if let Ok(range) = OffsetRange::read(key, value) {
        assert_eq!(OffsetRange::read(&range.key(), &range.value()), Ok(range));
    }
    if let Ok(checkpoint) = Checkpoint::read(key, value) {
        assert_eq!(Checkpoint::read(&checkpoint.key(), &checkpoint.value()), Ok(checkpoint));
    }
    if let Ok(heartbeat) = Heartbeat::read(key, value) {
        assert_eq!(Heartbeat::read(&heartbeat.key(), &heartbeat.value()), Ok(heartbeat));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        sluice_api::testkit::replay_seeds("mirror_records", super::mirror_records);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            super::mirror_records(&bytes);
        }
    }
}
