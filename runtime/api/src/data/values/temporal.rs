//! ISO dates, times and timestamps, read as Java's lenient `SimpleDateFormat` does (month 13 is January of the next year),
//! in UTC.

use super::super::{Schema, SchemaAndValue, Value, civil_from_days, logical};

/// The first day of the Gregorian calendar, 1582-10-15; what is before counts in the Julian one, as in Java.
const GREGORIAN_START: i64 = -141_427;

/// A date (10 characters), a time (13) or a timestamp (24), with `\:` for `:` if one likes; the whole text has to fit.
pub(super) fn parse_temporal(text: &str) -> Option<SchemaAndValue> {
    let text = text.replace("\\:", ":");
    let mut fields = Fields(&text);
    let (schema, millis): (fn() -> Schema, i64) = match text.encode_utf16().count() {
        10 => (logical::date, fields.date()?),
        13 => (logical::time, fields.time()?),
        24 => {
            let date = fields.date()?;
            fields.literal('T')?;
            (logical::timestamp, date.checked_add(fields.time()?)?)
        }
        _ => return None,
    };
    fields.0.is_empty().then(|| SchemaAndValue::new(schema(), Value::Date(millis)))
}

/// What is still to be read.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        let day = self.number()?;
        days_from_civil(year, month, day)?.checked_mul(logical::MILLIS_PER_DAY)
    }

    fn time(&mut self) -> Option<i64> {
        let hours = self.number()?;
        self.literal(':')?;
        let minutes = self.number()?;
        self.literal(':')?;
        let seconds = self.number()?;
        self.literal('.')?;
        let millis = self.number()?;
        self.literal('Z')?;
        Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
    }

    fn literal(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Digits, with blanks and a sign before them; at most nine, which no format of these lengths exceeds sensibly.
    fn number(&mut self) -> Option<i64> {
        let text = self.0.trim_start_matches([' ', '\t']);
        let digits = text.strip_prefix('-').unwrap_or(text);
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&length) {
            return None;
        }
        let end = text.len() - digits.len() + length;
        let number = text[..end].parse().ok();
        self.0 = &text[end..];
        number
    }
}

/// Days since 1970-01-01; month and day may be out of range.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let months = year.checked_mul(12)?.checked_add(month - 1)?;
    // Years that start in March, so that the leap day is the last one.
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4);
    let julian = 365 * year + leap_days + day_of_year - 719_470;
    let gregorian = julian - year.div_euclid(100) + year.div_euclid(400) + 2;
    Some(if gregorian >= GREGORIAN_START { gregorian } else { julian })
}

/// The text of a date: as a time before 1970-01-02, as a date at midnight, else as a timestamp.
pub(super) fn temporal_text(millis: i64) -> String {
    let days = millis.div_euclid(logical::MILLIS_PER_DAY);
    let of_day = millis.rem_euclid(logical::MILLIS_PER_DAY);
    if millis < logical::MILLIS_PER_DAY {
        return time_text(of_day);
    }
    let (year, month, day) = civil_from_days(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if of_day == 0 { date } else { format!("{date}T{}", time_text(of_day)) }
}

fn time_text(millis: i64) -> String {
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}.{fraction:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
