//! What the fuzz target `fetched_batches` asks.

use bytes::Bytes;

use super::batch;
use super::chunk::{Aborted, Chunk};
use super::names::Names;
use crate::consumer::TopicPartition;

/// Reads bytes as the batches that a broker sent of one partition, as it would with a transaction given up among them. Offsets of
/// what is read only grow, and end where the headers alone say that the next fetch goes on.
///
/// # Panics
/// When they do not.
pub fn fetched_batches(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let last = batch::last_offset(&bytes);
    let (partition, mut names, mut position) = (TopicPartition::new("t", 0), Names::default(), 0);
    let mut chunk = Chunk::new(bytes, vec![Aborted { producer_id: 1, first_offset: 0 }]);
    let mut before = -1;
    loop {
        match chunk.next(&partition, &mut position, &mut names) {
            Ok(Some(record)) => {
                if position == i64::MAX {
                    return;
                }
                assert!(record.offset > before && position > record.offset, "{before}, {}, {position}", record.offset);
                before = record.offset;
            }
            Ok(None) => break,
            Err(_) => return,
        }
    }
    // What lies before the position is passed over, so a log that goes backwards ends where it began; the largest number has none behind it.
    assert!(position == i64::MAX || last.is_ok_and(|last| last.is_none_or(|last| position > last || last < 0)));
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        sluice_api::testkit::replay_seeds("fetched_batches", super::fetched_batches);
    }
}
