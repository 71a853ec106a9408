//! Text as dates.

use super::names::{DAYS, ERAS, HALVES, LONG_ERAS, MONTHS, begins_with, short, zone};
use super::pattern::{Item, Letter};
use super::resolve::{Field, Read};

const MILLIS_PER_MINUTE: i64 = 60_000;

/// Where a text does not fit its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unparseable date: the text does not fit at byte {at}")]
pub(crate) struct ParseError {
    at: usize,
}

/// The moment that `text` says, in milliseconds since the epoch. Years of two digits fall into the hundred years from
/// `century_start_ms` on.
pub(super) fn millis(items: &[Item], century_start_ms: i64, text: &str) -> Result<i64, ParseError> {
    let mut parser =
        Parser { text, at: 0, read: Read::default(), century_start_year: year_of(century_start_ms), ambiguous: false };
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Literal(literal) => parser.literal(literal)?,
            Item::Field(letter, count) => parser.field(*letter, *count, is_number(items.get(at + 1)))?,
        }
    }
    if parser.at == 0 {
        return Err(ParseError { at: 0 });
    }
    let millis = parser.read.millis();
    if parser.ambiguous && millis < century_start_ms {
        parser.read.add_years(100);
        return Ok(parser.read.millis());
    }
    Ok(millis)
}

fn year_of(millis: i64) -> i64 {
    super::calendar::fields(millis).year
}

/// Whether a field follows that is a number: then the one before it has only as many digits as it has letters.
fn is_number(item: Option<&Item>) -> bool {
    match item {
        Some(Item::Field(Letter::Month, count)) => *count <= 2,
        Some(Item::Field(letter, _)) => !matches!(
            letter,
            Letter::Era | Letter::DayOfWeek | Letter::AmPm | Letter::ZoneName | Letter::ZoneOffset | Letter::IsoZone
        ),
        _ => false,
    }
}

struct Parser<'a> {
    text: &'a str,
    /// The byte that is next.
    at: usize,
    read: Read,
    century_start_year: i64,
    /// Whether the two digits of the year may be of the first or the last of the hundred years.
    ambiguous: bool,
}

impl Parser<'_> {
    fn failed(&self) -> ParseError {
        ParseError { at: self.at }
    }

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn literal(&mut self, literal: &str) -> Result<(), ParseError> {
        if !self.rest(self.at).starts_with(literal) {
            return Err(self.failed());
        }
        self.at += literal.len();
        Ok(())
    }

    fn field(&mut self, letter: Letter, count: usize, exact: bool) -> Result<(), ParseError> {
        let blanks = self.rest(self.at).bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let start = self.at + blanks;
        if start >= self.text.len() {
            return Err(self.failed());
        }
        match letter {
            // Names are not looked for behind blanks, as in Java.
            Letter::Era => self.name(Field::Era, 0, &[ERAS, LONG_ERAS]),
            Letter::Month if count > 2 => self.name(Field::Month, 0, &[MONTHS, MONTHS.map(short)]),
            Letter::DayOfWeek => self.name(Field::DayOfWeek, 1, &[DAYS, DAYS.map(short)]),
            Letter::AmPm => self.name(Field::AmPm, 0, &[HALVES]),
            Letter::ZoneName | Letter::ZoneOffset => self.zone(start),
            Letter::IsoZone => self.iso_zone(start, count),
            _ => self.number_field(letter, count, start, exact),
        }
    }

    /// The longest of the names that the text goes on with; the first of a list counts as `first`.
    fn name<const N: usize>(
        &mut self,
        field: Field,
        first: i64,
        lists: &[[&'static str; N]],
    ) -> Result<(), ParseError> {
        let rest = self.rest(self.at);
        let names = lists.iter().flat_map(|list| list.iter().zip(first..));
        let fitting = names.filter(|(name, _)| begins_with(rest, name));
        let (name, value) = fitting.max_by_key(|(name, _)| name.len()).ok_or_else(|| self.failed())?;
        self.read.set(field, value);
        self.at += name.len();
        Ok(())
    }

    fn number_field(&mut self, letter: Letter, count: usize, start: usize, exact: bool) -> Result<(), ParseError> {
        let limit = if exact { self.at.saturating_add(count) } else { self.text.len() };
        if limit > self.text.len() {
            return Err(self.failed());
        }
        let (number, end) = number(self.text.as_bytes(), start, limit).ok_or_else(|| self.failed())?;
        let two_digits = end - start == 2 && self.text.as_bytes()[start..end].iter().all(u8::is_ascii_digit);
        self.at = end;
        let number = i64::from(number);
        let (field, value) = match letter {
            Letter::Year if count <= 2 && two_digits => (Field::Year, self.in_century(number)),
            Letter::WeekYear if count <= 2 && two_digits => (Field::WeekYear, self.in_century(number)),
            Letter::Year => (Field::Year, number),
            Letter::WeekYear => (Field::WeekYear, number),
            Letter::Month => (Field::Month, i64::from((number as i32).wrapping_sub(1))),
            Letter::WeekOfYear => (Field::WeekOfYear, number),
            Letter::WeekOfMonth => (Field::WeekOfMonth, number),
            Letter::DayOfYear => (Field::DayOfYear, number),
            Letter::DayOfMonth => (Field::DayOfMonth, number),
            Letter::DayOfWeekInMonth => (Field::DayOfWeekInMonth, number),
            // Monday is 1 here and 2 in the calendar; what is out of range stays as it is.
            Letter::IsoDayOfWeek if (1..7).contains(&number) => (Field::DayOfWeek, number + 1),
            Letter::IsoDayOfWeek if number == 7 => (Field::DayOfWeek, 1),
            Letter::IsoDayOfWeek => (Field::DayOfWeek, number),
            Letter::HourOfDay1 => (Field::HourOfDay, if number == 24 { 0 } else { number }),
            Letter::HourOfDay => (Field::HourOfDay, number),
            Letter::Hour1 => (Field::Hour, if number == 12 { 0 } else { number }),
            Letter::Hour => (Field::Hour, number),
            Letter::Minute => (Field::Minute, number),
            Letter::Second => (Field::Second, number),
            Letter::Millisecond => (Field::Millisecond, number),
            _ => return Err(self.failed()),
        };
        self.read.set(field, value);
        Ok(())
    }

    fn in_century(&mut self, two_digits: i64) -> i64 {
        let ambiguous = self.century_start_year % 100;
        self.ambiguous = two_digits == ambiguous;
        let century = self.century_start_year - ambiguous;
        two_digits + century + if two_digits < ambiguous { 100 } else { 0 }
    }

    /// `+hhmm`, `GMT`, `GMT+h:mm`, or a name.
    fn zone(&mut self, start: usize) -> Result<(), ParseError> {
        if let Some(sign) = self.sign(start) {
            return self.offset(start + 1, sign, 0, false);
        }
        if begins_with(self.rest(self.at), "GMT") {
            let end = self.at + 3;
            return match self.sign(end) {
                Some(sign) => self.offset(end + 1, sign, 0, true),
                None => {
                    self.zone_read(0, end);
                    Ok(())
                }
            };
        }
        let (minutes, length, all_year) = zone(self.rest(start)).ok_or_else(|| self.failed())?;
        if all_year && self.read.is_set(Field::Offset) {
            // Such a name leaves the offset to the calendar, which has one.
            self.at = start + length;
        } else {
            self.zone_read(i64::from(minutes), start + length);
        }
        Ok(())
    }

    /// `Z`, or `+hh`, `+hhmm`, `+hh:mm` by the number of letters.
    fn iso_zone(&mut self, start: usize, count: usize) -> Result<(), ParseError> {
        if self.byte(start) == Some(b'Z') {
            self.zone_read(0, start + 1);
            return Ok(());
        }
        let sign = self.sign(start).ok_or_else(|| self.failed())?;
        self.offset(start + 1, sign, count, count == 3)
    }

    fn sign(&self, at: usize) -> Option<i64> {
        match self.byte(at) {
            Some(b'+') => Some(1),
            Some(b'-') => Some(-1),
            _ => None,
        }
    }

    fn offset(&mut self, start: usize, sign: i64, count: usize, colon: bool) -> Result<(), ParseError> {
        let (minutes, end) = offset(self.text.as_bytes(), start, count, colon).ok_or_else(|| self.failed())?;
        self.zone_read(sign * minutes, end);
        Ok(())
    }

    fn zone_read(&mut self, minutes: i64, end: usize) {
        self.read.set(Field::Offset, minutes * MILLIS_PER_MINUTE);
        self.at = end;
    }
}

/// Hours and minutes behind the sign of an offset, in minutes, and where they end. A single digit of hours is right only before
/// a colon that no letter asked for (`count` 0).
fn offset(text: &[u8], start: usize, count: usize, colon: bool) -> Option<(i64, usize)> {
    let digit = |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
    let mut hours = digit(start)?;
    let mut at = start + 1;
    match digit(at) {
        Some(second) => {
            hours = hours * 10 + second;
            at += 1;
        }
        // Java looks at the byte that is no digit, so there must be one.
        None if count > 0 || !colon || at >= text.len() => return None,
        None => {}
    }
    if hours > 23 {
        return None;
    }
    if count == 1 {
        return Some((hours * 60, at));
    }
    if colon {
        if text.get(at) != Some(&b':') {
            return None;
        }
        at += 1;
    }
    let minutes = digit(at)? * 10 + digit(at + 1)?;
    (minutes <= 59).then_some((hours * 60 + minutes, at + 2))
}

/// A number as `NumberFormat` reads it, cut to 32 bit as Java's `intValue` does, and where it ends.
fn number(text: &[u8], start: usize, limit: usize) -> Option<(i32, usize)> {
    let text = &text[..limit];
    let rest = text.get(start..)?;
    if rest.starts_with(b"NaN") {
        return Some((0, start + 3));
    }
    let negative = rest.first() == Some(&b'-');
    let from = start + usize::from(negative);
    let digits = text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = from + digits;
    if digits == 0 {
        return text[from..].starts_with("∞".as_bytes()).then_some((saturated(negative), from + 3));
    }
    let mut exponent = 0i64;
    if let Some((power, after)) = exponent_at(text, end) {
        (exponent, end) = (power, after);
    }
    let digits = &text[from..from + digits];
    Some((value(digits, negative, exponent), end))
}

/// `E3`, `E-3`: what Java's number format takes for an exponent, and where it ends.
fn exponent_at(text: &[u8], at: usize) -> Option<(i64, usize)> {
    if text.get(at) != Some(&b'E') {
        return None;
    }
    let negative = text.get(at + 1) == Some(&b'-');
    let from = at + 1 + usize::from(negative);
    let digits = text[from.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let power: i64 = std::str::from_utf8(&text[from..from + digits]).ok()?.parse().ok()?;
    // Larger ones give nothing or everything, like these.
    let power = power.min(1000);
    Some((if negative { -power } else { power }, from + digits))
}

fn value(digits: &[u8], negative: bool, exponent: i64) -> i32 {
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    let digits = &digits[zeros..];
    let length = digits.len() as i64 + exponent;
    let is_integer =
        exponent >= 0 || digits.iter().rev().take(exponent.unsigned_abs() as usize).all(|byte| *byte == b'0');
    let mut magnitude = 0i128;
    for at in 0..length.clamp(0, 20) {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or(0, |byte| i128::from(byte - b'0'));
        magnitude = magnitude * 10 + digit;
    }
    if digits.is_empty() || length <= 0 {
        return 0;
    }
    let number = if negative { -magnitude } else { magnitude };
    match i64::try_from(number) {
        // An integer that fits 64 bit loses its high half; all else is a double, which saturates.
        Ok(number) if is_integer && length <= 20 => number as i32,
        Ok(number) if length <= 20 => number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
        _ => saturated(negative),
    }
}

fn saturated(negative: bool) -> i32 {
    if negative { i32::MIN } else { i32::MAX }
}
