//! The three extractors: which time a record is of.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use sluice_api::{Result, SinkRecord, Value};

use super::{find, record_error};

/// `timestamp.extractor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extractor {
    /// The clock of this machine.
    Wallclock,
    /// The record's timestamp.
    Record,
    /// The field of this name.
    RecordField(String),
}

impl Extractor {
    /// Milliseconds since the epoch.
    ///
    /// # Errors
    /// `Data` when the record has no such time.
    pub(crate) fn timestamp_ms(&self, record: &SinkRecord, now_ms: i64) -> Result<i64> {
        match self {
            Self::Wallclock => Ok(now_ms),
            Self::Record => record.timestamp_ms.ok_or_else(|| record_error(record, "has no timestamp")),
            Self::RecordField(name) => of_field(record, name),
        }
    }
}

fn of_field(record: &SinkRecord, name: &str) -> Result<i64> {
    let wrong = |problem: &str| {
        record_error(record, &format!("{problem} in the field `{name}`, which `timestamp.field` names"))
    };
    let missing = || record_error(record, &format!("has no field `{name}`, which `timestamp.field` names"));
    match find(&record.value, name).ok_or_else(missing)? {
        Value::Int32(number) => Ok(i64::from(*number)),
        Value::Int64(number) | Value::Date(number) => Ok(*number),
        Value::String(text) => parse(text).ok_or_else(|| {
            wrong(&format!("has the text {text:?} instead of milliseconds or an ISO 8601 time (2026-01-31T12:00:00Z)"))
        }),
        other => Err(wrong(&format!("has a {} instead of a time", other.java_class()))),
    }
}

/// Milliseconds in digits, or an ISO 8601 date or time; without zone it is UTC.
fn parse(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.len() <= 19 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_milliseconds_or_iso_times() {
        let cases = [
            ("1427976000000", Some(1_427_976_000_000)),
            ("2015-04-02T12:00:00Z", Some(1_427_976_000_000)),
            ("2015-04-02T14:00:00.000+02:00", Some(1_427_976_000_000)),
            ("2015-04-02T12:00:00", Some(1_427_976_000_000)),
            ("2015-04-02", Some(1_427_932_800_000)),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
