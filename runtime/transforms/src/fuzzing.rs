//! Patterns that users write, for the fuzz targets `java_regex` and `simple_date_format`.

use crate::java_regex::JavaRegex;
use crate::simple_date_format::SimpleDateFormat;

/// Reads a regular expression, and matches and replaces with it. The answer does not matter, only that there is one.
pub fn java_regex(pattern: &str, text: &str, replacement: &str) {
    if let Ok(regex) = JavaRegex::new(pattern) {
        drop(regex.matches(text));
        drop(regex.replace_first(text, replacement));
    }
}

/// Reads a pattern, and reads and writes dates with it.
pub fn simple_date_format(pattern: &str, text: &str, millis: i64) {
    if let Ok(format) = SimpleDateFormat::new(pattern) {
        let written = format.format(format.parse(text).unwrap_or(millis));
        // What was written may be ambiguous, so what it is read as is no question.
        format.parse(&written).ok();
    }
}
