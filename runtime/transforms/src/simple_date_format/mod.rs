//! Java's `SimpleDateFormat`: patterns that write and read dates, in UTC and in English (locale `en_US`), lenient as Java is by
//! default: the 32nd of January is the first of February, and what follows the part that was understood is passed over.
//!
//! The calendar is Java's too: Julian before 1582-10-15, weeks from Sunday, the first week of a year the one with January 1. Time
//! zones are a part of the text to read alone; no crate knows Java's names for them, so the usual ones are a table here.

mod calendar;
mod names;
mod parse;
mod pattern;
mod resolve;
mod write;

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_api::config::{ParsedValue, Validator, invalid};

pub(crate) use self::parse::ParseError;
use self::pattern::Item;
pub(crate) use self::pattern::PatternError;

/// A pattern that was understood.
#[derive(Debug)]
pub(crate) struct SimpleDateFormat {
    pattern: String,
    items: Vec<Item>,
    /// Where the hundred years begin that years of two digits fall into: 80 years before the format was made.
    century_start_ms: i64,
}

impl SimpleDateFormat {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with the pattern, in Java's words.
    pub(crate) fn new(pattern: &str) -> Result<Self, PatternError> {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        Self::made_at(pattern, now_ms)
    }

    fn made_at(pattern: &str, now_ms: i64) -> Result<Self, PatternError> {
        let century_start_ms = calendar::years_before(now_ms, 80);
        Ok(Self { items: pattern::compile(pattern)?, pattern: pattern.to_owned(), century_start_ms })
    }

    /// The text of the pattern.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The text of a moment, given in milliseconds since the epoch.
    pub(crate) fn format(&self, millis: i64) -> String {
        write::text(&self.items, millis)
    }

    /// The moment that `text`, or a beginning of it, says; in milliseconds since the epoch.
    ///
    /// # Errors
    /// Where the text does not fit.
    pub(crate) fn parse(&self, text: &str) -> Result<i64, ParseError> {
        parse::millis(&self.items, self.century_start_ms, text)
    }
}

/// A configuration value that is a pattern; blank is none.
pub(crate) fn valid_pattern() -> Validator {
    Validator::new("pattern of java.text.SimpleDateFormat", |name, value| match value {
        ParsedValue::String(text) => {
            pattern::compile(text).map(drop).map_err(|error| invalid(name, value, &error.to_string()))
        }
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests;
