//! What the fuzz targets `java_regex`, `simple_date_format` and `outbox_payload` ask. Of patterns, which users write, the answer does
//! not matter, only that there is one.

use sluice_api::java_regex::JavaRegex;

use crate::debezium::outbox_fuzzing;
use crate::simple_date_format::SimpleDateFormat;

/// Reads a regular expression, and matches and replaces with it: pattern, replacement and text, each a line.
pub fn java_regex(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let mut lines = input.splitn(3, '\n');
    let (pattern, replacement) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let text = lines.next().unwrap_or_default();
    if let Ok(regex) = JavaRegex::new(pattern) {
        drop(regex.matches(text));
        drop(regex.replace_first(text, replacement));
    }
}

/// Reads a pattern, and reads and writes dates with it: pattern and text, each a line.
pub fn simple_date_format(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    let millis = text.bytes().take(8).fold(0i64, |millis, byte| millis << 8 | i64::from(byte));
    if let Ok(format) = SimpleDateFormat::new(pattern) {
        let written = format.format(format.parse(text).unwrap_or(millis));
        // What was written may be ambiguous, so what it is read as is no question.
        format.parse(&written).ok();
    }
}

/// Expands JSON text of an outbox table's payload.
pub fn outbox_payload(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        outbox_fuzzing::payload(text);
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_the_fuzzers_do_no_harm() {
        replay_seeds("java_regex", super::java_regex);
        replay_seeds("outbox_payload", super::outbox_payload);
        replay_seeds("simple_date_format", super::simple_date_format);
    }
}
