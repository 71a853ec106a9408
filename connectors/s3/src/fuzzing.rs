//! The decoders of bytes that we did not write, for fuzz targets.

use sluice_api::Properties;

use crate::source::{Decoded, InputFormat, decode_all};

/// Decodes an object: the first byte chooses the format, the second one in what pieces it comes.
///
/// # Panics
/// When the records depend on the pieces, or a place to go on at is behind the end.
pub fn object(bytes: &[u8]) {
    let Some(([choice, step], object)) = bytes.split_first_chunk::<2>() else { return };
    let formats = [
        InputFormat::Avro { options: Properties::new() },
        InputFormat::Json,
        InputFormat::Text,
        InputFormat::Bytes { separator: b"\r\n".to_vec() },
        InputFormat::Chunks { bytes: 7 },
    ];
    let format = &formats[usize::from(*choice) % formats.len()];
    let whole = decode_all(format, object, object.len());
    let pieces = decode_all(format, object, usize::from(*step) + 1);
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            // As text: a number that is none equals nothing.
            let texts =
                |all: &[Decoded]| all.iter().map(|one| format!("{} {:?}", one.value, one.resume)).collect::<Vec<_>>();
            assert_eq!(texts(&whole), texts(&pieces), "the records depend on the pieces");
            assert!(whole.iter().all(|decoded| decoded.resume.position <= object.len() as u64));
        }
        (whole, pieces) => assert_eq!(whole.is_err(), pieces.is_err(), "an error depends on the pieces"),
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_objects() {
        replay_seeds("s3_objects", super::object);
    }

    /// A short run without a fuzzer: seeds with bytes changed, cut and repeated.
    #[test]
    fn broken_objects_are_errors() {
        let seeds = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/s3_objects"));
        let seeds = std::fs::read_dir(seeds).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize % below.max(1)
        };
        for seed in seeds {
            for _ in 0..3_000 {
                let mut bytes = seed.clone();
                for _ in 0..=random(3) {
                    let at = random(bytes.len());
                    match random(3) {
                        0 => bytes[at] = random(256) as u8,
                        1 => bytes.truncate(at.max(3)),
                        _ => bytes.insert(at, random(256) as u8),
                    }
                }
                super::object(&bytes);
            }
        }
    }
}
