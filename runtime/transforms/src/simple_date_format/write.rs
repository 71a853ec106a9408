//! Dates as text.

use std::fmt::Write;

use super::calendar::{Fields, fields};
use super::names::{DAYS, ERAS, HALVES, MONTHS, short};
use super::pattern::{Item, Letter};

/// Java pads numbers to no more digits than this.
const WIDEST: usize = 309;

pub(super) fn text(items: &[Item], millis: i64) -> String {
    let fields = fields(millis);
    let mut out = String::new();
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Field(letter, count) => field(&mut out, *letter, *count, &fields),
        }
    }
    out
}

fn field(out: &mut String, letter: Letter, count: usize, fields: &Fields) {
    let hour = fields.milli_of_day / 3_600_000;
    let number = match letter {
        Letter::Era => return out.push_str(ERAS[usize::from(fields.year > 0)]),
        Letter::Month if count > 2 => return name(out, &MONTHS, fields.month, count),
        Letter::DayOfWeek => return name(out, &DAYS, fields.day_of_week - 1, count),
        Letter::AmPm => return out.push_str(HALVES[usize::from(hour >= 12)]),
        Letter::ZoneName => return out.push_str(if count < 4 { "UTC" } else { "Coordinated Universal Time" }),
        Letter::ZoneOffset => return out.push_str("+0000"),
        Letter::IsoZone => return out.push('Z'),
        Letter::Year => return year(out, if fields.year > 0 { fields.year } else { 1 - fields.year }, count),
        Letter::WeekYear => return year(out, fields.week_year(), count),
        Letter::Month => fields.month + 1,
        Letter::WeekOfYear => fields.week_of_year,
        Letter::WeekOfMonth => fields.week_of_month,
        Letter::DayOfYear => fields.day_of_year,
        Letter::DayOfMonth => fields.day_of_month,
        Letter::DayOfWeekInMonth => fields.day_of_week_in_month,
        Letter::IsoDayOfWeek => (fields.day_of_week + 5) % 7 + 1,
        Letter::HourOfDay => hour,
        Letter::HourOfDay1 => (hour + 23) % 24 + 1,
        Letter::Hour => hour % 12,
        Letter::Hour1 => (hour + 11) % 12 + 1,
        Letter::Minute => fields.milli_of_day / 60_000 % 60,
        Letter::Second => fields.milli_of_day / 1000 % 60,
        Letter::Millisecond => fields.milli_of_day % 1000,
    };
    padded(out, number, count);
}

fn name(out: &mut String, names: &[&'static str], at: i64, count: usize) {
    let name = usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default();
    out.push_str(if count > 3 { name } else { short(name) });
}

/// Two letters give the last two digits.
fn year(out: &mut String, year: i64, count: usize) {
    let digits = if count == 2 { year.unsigned_abs() % 100 } else { year.unsigned_abs() };
    signed(out, year < 0, digits, count);
}

fn padded(out: &mut String, number: i64, count: usize) {
    signed(out, number < 0, number.unsigned_abs(), count);
}

fn signed(out: &mut String, negative: bool, digits: u64, count: usize) {
    let (sign, width) = (if negative { "-" } else { "" }, count.min(WIDEST));
    write!(out, "{sign}{digits:0width$}").expect("text takes everything");
}
