//! The decoders of bytes that we did not write, for fuzz targets.

use crate::follow::{json_value, split_all};

/// Lines of a file that is read in chunks, with bounds that the first two bytes choose: every byte is in exactly one piece or line end.
pub fn file_lines(bytes: &[u8]) {
    let [chunk, most, content @ ..] = bytes else { return };
    split_all(content, usize::from(*chunk).max(1), usize::from(*most).max(1));
}

/// A line of JSON.
pub fn json_line(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(json_value(text));
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_lines() {
        replay_seeds("file_lines", super::file_lines);
        replay_seeds("file_json_lines", super::json_line);
    }
}
