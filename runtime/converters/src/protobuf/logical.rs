//! The messages that stand for Connect's logical types, to and from the values in them. Dates before 15 October 1582 are in the
//! Julian calendar, as Java's calendar has them.

use sluice_api::data::{BigDecimal, Value, civil_from_days, logical::MILLIS_PER_DAY};
use sluice_api::{ConnectError, Result};

use super::wire::{Reader, WireType, put_tag, put_varint};

/// Days from the epoch to 15 October 1582, the first of the Gregorian calendar.
const GREGORIAN_START: i64 = -141_427;
/// 1 January of the year 1, Julian.
const FIRST_DAY: i64 = -719_164;
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// A logical type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    Decimal,
    Date,
    Time,
    Timestamp,
}

impl Logical {
    /// The word in messages.
    fn word(self) -> &'static str {
        match self {
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::Time => "Time",
            Self::Timestamp => "Timestamp",
        }
    }

    /// Appends the fields of the message.
    pub(super) fn encode(self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Decimal, Value::Decimal(decimal)) => put_decimal(out, decimal),
            (Self::Date, Value::Date(millis)) => put_date(out, *millis)?,
            (Self::Time, Value::Date(millis)) => put_time(out, *millis)?,
            (Self::Timestamp, Value::Date(millis)) => put_timestamp(out, *millis)?,
            _ => {
                let class = if self == Self::Decimal { "BigDecimal" } else { "Date" };
                let (word, found) = (self.word(), value.java_class());
                return Err(ConnectError::data(format!(
                    "Invalid type for {word}, expected {class} but was class {found}"
                )));
            }
        }
        Ok(())
    }

    /// The value in the fields of a message.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Value> {
        let mut parts = Parts::default();
        parts.read(bytes, self == Self::Decimal)?;
        match self {
            Self::Decimal => decimal(&parts),
            Self::Date => date(parts.numbers),
            Self::Time => time(parts.numbers),
            Self::Timestamp => timestamp(parts.numbers),
        }
    }
}

/// The fields that these messages have: numbers, and for decimals bytes in field 1.
#[derive(Default)]
struct Parts<'a> {
    bytes: &'a [u8],
    numbers: [i64; 4],
}

impl<'a> Parts<'a> {
    fn read(&mut self, bytes: &'a [u8], has_bytes: bool) -> Result<()> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            match reader.tag()? {
                (1, WireType::Delimited) if has_bytes => self.bytes = reader.delimited()?,
                (number @ 1..=4, WireType::Varint) => self.numbers[number as usize - 1] = reader.varint()? as i64,
                (number, wire_type) => reader.skip(number, wire_type)?,
            }
        }
        Ok(())
    }
}

fn put_number(out: &mut Vec<u8>, number: u32, value: i64) {
    if value != 0 {
        put_tag(out, number, WireType::Varint);
        put_varint(out, value as u64);
    }
}

fn put_decimal(out: &mut Vec<u8>, decimal: &BigDecimal) {
    let unscaled = decimal.to_unscaled_bytes();
    put_tag(out, 1, WireType::Delimited);
    put_varint(out, unscaled.len() as u64);
    out.extend_from_slice(&unscaled);
    put_number(out, 2, digits(decimal));
    put_number(out, 3, i64::from(decimal.scale()));
}

/// The precision: zero has one digit.
fn digits(decimal: &BigDecimal) -> i64 {
    let unscaled = decimal.unscaled();
    match i64::try_from(unscaled) {
        Ok(0) => 1,
        Ok(small) => i64::from(small.unsigned_abs().ilog10()) + 1,
        Err(_) => unscaled.magnitude().to_string().len() as i64,
    }
}

/// The precision is not looked at: it never says more than the digits do, and to round to it would lose some.
fn decimal(parts: &Parts<'_>) -> Result<Value> {
    if parts.bytes.is_empty() {
        return Err(ConnectError::data("Invalid Decimal: its value has no bytes"));
    }
    Ok(Value::Decimal(BigDecimal::from_unscaled_bytes(parts.bytes, parts.numbers[2] as i32)))
}

fn put_date(out: &mut Vec<u8>, millis: i64) -> Result<()> {
    if millis.rem_euclid(MILLIS_PER_DAY) != 0 {
        return Err(ConnectError::data(
            "Kafka Connect Date type should not have any time fields set to non-zero values.",
        ));
    }
    let days = millis.div_euclid(MILLIS_PER_DAY);
    if days < FIRST_DAY {
        return Err(ConnectError::data(format!("Invalid Date: {millis} milliseconds is before the year 1")));
    }
    let (year, month, day) = if days < GREGORIAN_START { julian_from_days(days) } else { civil_from_days(days) };
    put_number(out, 1, year);
    put_number(out, 2, i64::from(month));
    put_number(out, 3, i64::from(day));
    Ok(())
}

fn date([year, month, day, _]: [i64; 4]) -> Result<Value> {
    let (year, month, day) = (i64::from(year as i32), i64::from(month as i32), i64::from(day as i32));
    let wrong = || ConnectError::data(format!("Invalid Date: there is no day {year}-{month}-{day}"));
    if !(1..=292_278_993).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(wrong());
    }
    // One of the two calendars has the day, and has it again when it is asked.
    let gregorian = days_from_gregorian(year, month, day);
    let (days, again) = if gregorian < GREGORIAN_START {
        let days = days_from_julian(year, month, day);
        (days, julian_from_days(days))
    } else {
        (gregorian, civil_from_days(gregorian))
    };
    let julian_too_late = gregorian < GREGORIAN_START && days >= GREGORIAN_START;
    if julian_too_late || again != (year, month as u32, day as u32) {
        return Err(wrong());
    }
    Ok(Value::Date(days * MILLIS_PER_DAY))
}

fn days_from_gregorian(year: i64, month: i64, day: i64) -> i64 {
    let (year, day_of_year) = from_march(year, month, day);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_from_julian(year: i64, month: i64, day: i64) -> i64 {
    let (year, day_of_year) = from_march(year, month, day);
    year * 365 + year.div_euclid(4) + day_of_year - 719_470
}

/// The year that starts in March, and the day in it.
fn from_march(year: i64, month: i64, day: i64) -> (i64, i64) {
    let shifted = (month + 9) % 12;
    (year - i64::from(month <= 2), (153 * shifted + 2) / 5 + day - 1)
}

fn julian_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_470;
    let (era, day_of_era) = (days.div_euclid(1461), days.rem_euclid(1461));
    let year_of_era = (day_of_era - day_of_era / 1460) / 365;
    let day_of_year = day_of_era - year_of_era * 365;
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 4 + year_of_era + i64::from(month <= 2), month as u32, day as u32)
}

fn put_time(out: &mut Vec<u8>, millis: i64) -> Result<()> {
    if !(0..=MILLIS_PER_DAY).contains(&millis) {
        let message = "Time values must use number of millis greater than 0 and less than 86400000";
        return Err(ConnectError::data(message));
    }
    let seconds = millis / 1000;
    put_number(out, 1, seconds / 3600 % 24);
    put_number(out, 2, seconds / 60 % 60);
    put_number(out, 3, seconds % 60);
    put_number(out, 4, millis % 1000 * NANOS_PER_MILLI);
    Ok(())
}

fn time([hours, minutes, seconds, nanos]: [i64; 4]) -> Result<Value> {
    let valid = (0..24).contains(&hours)
        && (0..60).contains(&minutes)
        && (0..60).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos);
    if !valid {
        let parts = format!("{hours} hours, {minutes} minutes, {seconds} seconds, {nanos} nanoseconds");
        return Err(ConnectError::data(format!("Invalid Time: there is no time of day with {parts}")));
    }
    Ok(Value::Date((hours * 3600 + minutes * 60 + seconds) * 1000 + nanos / NANOS_PER_MILLI))
}

fn put_timestamp(out: &mut Vec<u8>, millis: i64) -> Result<()> {
    let seconds = millis.div_euclid(1000);
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err(ConnectError::data(format!(
            "Invalid Timestamp: {millis} milliseconds is not in the years 1 to 9999"
        )));
    }
    put_number(out, 1, seconds);
    put_number(out, 2, millis.rem_euclid(1000) * NANOS_PER_MILLI);
    Ok(())
}

fn timestamp([seconds, nanos, ..]: [i64; 4]) -> Result<Value> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        let message =
            format!("Invalid Timestamp: {seconds} seconds and {nanos} nanoseconds are not in the years 1 to 9999");
        return Err(ConnectError::data(message));
    }
    Ok(Value::Date(seconds * 1000 + nanos / NANOS_PER_MILLI))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(logical: Logical, value: impl Into<Value>) -> Vec<u8> {
        let mut out = Vec::new();
        logical.encode(&mut out, &value.into()).unwrap();
        out
    }

    #[test]
    fn dates_are_javas_in_both_calendars() {
        // Days of java.util.GregorianCalendar in UTC.
        let vectors: [(i64, [i64; 3]); 6] = [
            (0, [1970, 1, 1]),
            (-1, [1969, 12, 31]),
            (19_782, [2024, 2, 29]),
            (GREGORIAN_START, [1582, 10, 15]),
            (GREGORIAN_START - 1, [1582, 10, 4]),
            (FIRST_DAY, [1, 1, 1]),
        ];
        for (days, [year, month, day]) in vectors {
            let written = bytes(Logical::Date, Value::Date(days * MILLIS_PER_DAY));
            let mut expected = Vec::new();
            put_number(&mut expected, 1, year);
            put_number(&mut expected, 2, month);
            put_number(&mut expected, 3, day);
            assert_eq!(written, expected, "{year}-{month}-{day}");
            assert_eq!(date([year, month, day, 0]).unwrap(), Value::Date(days * MILLIS_PER_DAY));
        }
        for missing in
            [[1582, 10, 5, 0], [1582, 10, 14, 0], [2023, 2, 29, 0], [0, 1, 1, 0], [2024, 13, 1, 0], [2024, 1, 32, 0]]
        {
            assert!(date(missing).is_err(), "{missing:?}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for days in (FIRST_DAY..40_000).step_by(13) {
            let written = bytes(Logical::Date, Value::Date(days * MILLIS_PER_DAY));
            assert_eq!(Logical::Date.decode(&written).unwrap(), Value::Date(days * MILLIS_PER_DAY), "{days}");
        }
    }

    #[test]
    fn times_and_timestamps_keep_their_milliseconds() {
        for millis in [0, 1, 999, 86_399_999] {
            assert_eq!(Logical::Time.decode(&bytes(Logical::Time, Value::Date(millis))).unwrap(), Value::Date(millis));
        }
        for millis in [0, -1, -1001, 1_709_210_096_789, FIRST_SECOND * 1000, LAST_SECOND * 1000 + 999] {
            let written = bytes(Logical::Timestamp, Value::Date(millis));
            assert_eq!(Logical::Timestamp.decode(&written).unwrap(), Value::Date(millis));
        }
        assert!(Logical::Timestamp.encode(&mut Vec::new(), &Value::Date(LAST_SECOND * 1000 + 1000)).is_err());
        assert!(Logical::Time.encode(&mut Vec::new(), &Value::Date(-1)).is_err());
        assert!(time([24, 0, 0, 0]).is_err());
    }

    #[test]
    fn decimals_have_their_digits_as_precision() {
        let written = bytes(Logical::Decimal, BigDecimal::new(15_600, 4));
        assert_eq!(written, [0x0a, 2, 0x3c, 0xf0, 0x10, 5, 0x18, 4]);
        assert_eq!(bytes(Logical::Decimal, BigDecimal::new(0, 0)), [0x0a, 1, 0, 0x10, 1]);
        let large: BigDecimal = "-123456789012345678901234567890.5".parse().unwrap();
        let written = bytes(Logical::Decimal, large.clone());
        assert_eq!(Logical::Decimal.decode(&written).unwrap(), Value::Decimal(large));
        assert!(Logical::Decimal.decode(&[]).is_err());
    }
}
