//! Small damage to bytes that were right.

use sluice_harness::Random;

use super::Chance;

/// `bytes` with up to three bytes changed, left out, doubled or added, or cut short.
pub(in crate::oracle) fn mutated(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            3 => bytes.insert(at, random.range(0, 256) as u8),
            4 => bytes.insert(at, *random.pick(&[&b' ', &b'"', &b',', &b'0', &b'}', &b'.', &b'-'])),
            5 => bytes[at] = random.range(0, 128) as u8,
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
    bytes
}
