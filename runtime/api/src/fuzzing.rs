//! What the fuzz target `header_values` asks.

use crate::data::{convert_to_string, parse_string};

/// Takes the text of a header apart as `SimpleHeaderConverter` does. A value that was read can be written, and what was written can
/// be read again.
pub fn header_values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let written = convert_to_string(&parse_string(text).value);
    parse_string(&written);
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_of_the_fuzzer_do_no_harm() {
        crate::testkit::replay_seeds("header_values", super::header_values);
    }
}
