//! Dates and times from PostgreSQL's ISO texts, to numbers since the epoch and to ISO 8601.

use sluice_api::data::civil_from_days;

use super::Unreadable;

pub(super) const DAY_MICROS: i64 = 86_400_000_000;
/// What `infinity` becomes; the numbers are pgjdbc's.
const POSITIVE_INFINITY_MICROS: i64 = 9_223_372_036_825_200_000;
const NEGATIVE_INFINITY_MICROS: i64 = -9_223_372_036_832_400_000;

/// A moment, or what lies beyond all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Days since 1970-01-01 and microseconds of the day; both in UTC.
    At {
        days: i64,
        micros: i64,
    },
    Infinity,
    NegativeInfinity,
}

impl Moment {
    /// Microseconds since the epoch; a moment that is too far away becomes the last one that fits.
    pub(super) fn epoch_micros(self) -> i64 {
        match self {
            Self::At { days, micros } => days.saturating_mul(DAY_MICROS).saturating_add(micros),
            Self::Infinity => POSITIVE_INFINITY_MICROS,
            Self::NegativeInfinity => NEGATIVE_INFINITY_MICROS,
        }
    }

    /// Milliseconds since the epoch.
    pub(super) fn epoch_millis(self) -> i64 {
        match self {
            Self::At { days, micros } => days.saturating_mul(86_400_000).saturating_add(micros.div_euclid(1000)),
            infinite => infinite.epoch_micros() / 1000,
        }
    }

    /// Nanoseconds since the epoch.
    pub(super) fn epoch_nanos(self) -> i64 {
        self.epoch_micros().saturating_mul(1000)
    }
}

/// `2024-01-15`, `0044-03-15 BC`, `infinity`: days since the epoch.
pub(super) fn date(text: &[u8]) -> Result<Moment, Unreadable> {
    moment(text)
}

/// `2024-01-15 10:11:12.123456[+00][ BC]`, a date alone, `infinity` or `-infinity`.
pub(super) fn moment(text: &[u8]) -> Result<Moment, Unreadable> {
    match text {
        b"infinity" => return Ok(Moment::Infinity),
        b"-infinity" => return Ok(Moment::NegativeInfinity),
        _ => {}
    }
    read_moment(text).ok_or_else(|| Unreadable::new(text, "date or time stamp"))
}

fn read_moment(text: &[u8]) -> Option<Moment> {
    let (text, before_christ) = match text.strip_suffix(b" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, rest) = match text.iter().position(|byte| matches!(byte, b' ' | b'T')) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.splitn(3, |byte| *byte == b'-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 10_000_000 {
        return None;
    }
    let year = if before_christ { 1 - year } else { year };
    let days = days_from_civil(year, month, day);
    let micros = match rest {
        Some(rest) => {
            let (micros, offset_seconds) = time_with_offset(rest)?;
            micros - offset_seconds.unwrap_or(0) * 1_000_000
        }
        None => 0,
    };
    Some(Moment::At { days: days + micros.div_euclid(DAY_MICROS), micros: micros.rem_euclid(DAY_MICROS) })
}

/// Microseconds of the day in `10:11:12.123456`; `24:00:00` is the end of the day.
pub(super) fn time(text: &[u8]) -> Result<i64, Unreadable> {
    match time_with_offset(text) {
        Some((micros, None)) => Ok(micros),
        _ => Err(Unreadable::new(text, "time")),
    }
}

/// Microseconds of the day and the offset from UTC in seconds.
fn time_with_offset(text: &[u8]) -> Option<(i64, Option<i64>)> {
    let at = text.iter().position(|byte| matches!(byte, b'+' | b'-'));
    let (time, offset) = at.map_or((text, None), |at| (&text[..at], Some(&text[at..])));
    let (clock, fraction) = match time.iter().position(|byte| *byte == b'.') {
        Some(at) => (&time[..at], micros_of_fraction(&time[at + 1..])?),
        None => (time, 0),
    };
    let offset = match offset {
        Some(offset) => Some(signed_offset(offset)?),
        None => None,
    };
    Some((seconds(clock)? * 1_000_000 + fraction, offset))
}

fn signed_offset(text: &[u8]) -> Option<i64> {
    let (sign, rest) = text.split_first()?;
    let seconds = seconds(rest)?;
    Some(if *sign == b'-' { -seconds } else { seconds })
}

/// Seconds in `hh`, `hh:mm` or `hh:mm:ss`.
fn seconds(text: &[u8]) -> Option<i64> {
    let mut total = 0;
    let mut parts = text.splitn(3, |byte| *byte == b':');
    for unit in [3600, 60, 1] {
        match parts.next() {
            Some(part) if part.len() <= 4 => total += number(part)? * unit,
            Some(_) => return None,
            None => break,
        }
    }
    Some(total)
}

fn micros_of_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    let scale = 10i64.pow(u32::try_from(6 - digits.len()).ok()?);
    Some(number(digits)? * scale)
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    digits.iter().try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `2024-01-15T10:11:12.123456Z` with `width` digits after the point, or as many as are needed when it is 0.
pub(super) fn iso_timestamp(text: &[u8], width: usize) -> Result<String, Unreadable> {
    Ok(match moment(text)? {
        Moment::Infinity => "infinity".to_owned(),
        Moment::NegativeInfinity => "-infinity".to_owned(),
        Moment::At { days, micros } => {
            let mut out = String::with_capacity(32);
            write_date(&mut out, days);
            out.push('T');
            write_time(&mut out, micros, (width > 0).then_some(width.min(6)));
            out.push('Z');
            out
        }
    })
}

/// `08:11:12.1Z`: the time of day in UTC.
pub(super) fn iso_time_in_utc(text: &[u8]) -> Result<String, Unreadable> {
    let wrong = || Unreadable::new(text, "time with time zone");
    let (micros, offset) = time_with_offset(text).ok_or_else(wrong)?;
    let offset = offset.ok_or_else(wrong)?;
    if micros == DAY_MICROS && offset == 0 {
        return Ok("24:00:00Z".to_owned());
    }
    let mut out = String::with_capacity(16);
    write_time(&mut out, (micros - offset * 1_000_000).rem_euclid(DAY_MICROS), None);
    out.push('Z');
    Ok(out)
}

/// `2024-01-15Z`.
pub(super) fn iso_date(text: &[u8]) -> Result<String, Unreadable> {
    Ok(match date(text)? {
        Moment::At { days, .. } => {
            let mut out = String::with_capacity(12);
            write_date(&mut out, days);
            out.push('Z');
            out
        }
        _ => String::from_utf8_lossy(text).into_owned(),
    })
}

/// `10:11:12.5Z`.
pub(super) fn iso_time(text: &[u8]) -> Result<String, Unreadable> {
    let mut out = String::with_capacity(16);
    write_time(&mut out, time(text)?, None);
    out.push('Z');
    Ok(out)
}

/// As Java prints a date: years past 9999 with a sign.
fn write_date(out: &mut String, days: i64) {
    let (year, month, day) = civil_from_days(days);
    let year = match year {
        10_000.. => format!("+{year}"),
        0.. => format!("{year:04}"),
        _ => format!("-{:04}", -year),
    };
    out.push_str(&year);
    for part in [month, day] {
        out.push('-');
        two_digits(out, i64::from(part));
    }
}

fn two_digits(out: &mut String, number: i64) {
    for digit in [number / 10 % 10, number % 10] {
        out.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}

/// `width` digits after the point; `None` for as many as are not zero, in Java's way.
fn write_time(out: &mut String, micros: i64, width: Option<usize>) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    two_digits(out, seconds / 3600);
    for part in [seconds / 60 % 60, seconds % 60] {
        out.push(':');
        two_digits(out, part);
    }
    if width.is_none() && fraction == 0 {
        return;
    }
    let digits = format!("{fraction:06}");
    out.push('.');
    out.push_str(width.map_or_else(|| digits.trim_end_matches('0'), |width| &digits[..width]));
}
