//! Java's `GregorianCalendar`: days to fields and back, with the Julian calendar before 1582-10-15. Day 0 is 1970-01-01.

use sluice_api::data::civil_from_days;

pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;
/// 1582-10-15, the first day of the Gregorian calendar.
const CUTOVER: i64 = -141_427;
const CUTOVER_YEAR: i64 = 1582;
/// Weeks begin on Sunday, the first of the week's days.
pub(super) const SUNDAY: i64 = 1;

/// The fields of a moment.
#[derive(Debug)]
pub(super) struct Fields {
    /// 0 is the year before year 1.
    pub(super) year: i64,
    /// From 0.
    pub(super) month: i64,
    pub(super) day_of_month: i64,
    pub(super) day_of_year: i64,
    /// 1 is Sunday.
    pub(super) day_of_week: i64,
    pub(super) day_of_week_in_month: i64,
    pub(super) week_of_month: i64,
    pub(super) week_of_year: i64,
    pub(super) milli_of_day: i64,
}

impl Fields {
    /// The year that the week belongs to.
    pub(super) fn week_year(&self) -> i64 {
        match (self.month, self.week_of_year) {
            (0, 52..) => self.year - 1,
            (1.., 1) => self.year + 1,
            _ => self.year,
        }
    }
}

/// The fields of a moment in UTC.
pub(super) fn fields(millis: i64) -> Fields {
    let days = millis.div_euclid(MILLIS_PER_DAY);
    let (year, month, day_of_month) = date(days);
    let (first_of_year, first_of_month) = starts(days, year, month, day_of_month);
    Fields {
        year,
        month,
        day_of_month,
        day_of_year: days - first_of_year + 1,
        day_of_week: day_of_week(days),
        day_of_week_in_month: (days - first_of_month) / 7 + 1,
        week_of_month: week(first_of_month, days),
        week_of_year: week_of_year(first_of_year, year, days),
        milli_of_day: millis.rem_euclid(MILLIS_PER_DAY),
    }
}

/// Year, month from 0, day of month.
fn date(days: i64) -> (i64, i64, i64) {
    if days >= CUTOVER {
        let (year, month, day) = civil_from_days(days);
        return (year, i64::from(month) - 1, i64::from(day));
    }
    // Years that start in March, in periods of four years (1,461 days); day 0 of them is 1 March of year 0.
    let shifted = days + 719_470;
    let (period, of_period) = (shifted.div_euclid(1461), shifted.rem_euclid(1461));
    let of_four = (of_period / 365).min(3);
    let day_of_year = of_period - of_four * 365;
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12;
    (period * 4 + of_four + i64::from(month < 2), month, day)
}

/// The days on which year and month begin. The rest of the year 1582 counts on from its Julian beginning.
fn starts(days: i64, year: i64, month: i64, day_of_month: i64) -> (i64, i64) {
    if days < CUTOVER {
        return (julian(year, 0, 1), days - day_of_month + 1);
    }
    match (year, month) {
        (CUTOVER_YEAR, 9) => (julian(year, 0, 1), julian(year, 9, 1)),
        (CUTOVER_YEAR, _) => (julian(year, 0, 1), days - day_of_month + 1),
        _ => (gregorian(year, 0, 1), days - day_of_month + 1),
    }
}

/// The day of a Gregorian date; month and day may be out of range.
pub(super) fn gregorian(year: i64, month: i64, day: i64) -> i64 {
    let (year, march_days) = march(year, month);
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + march_days + day - 719_469
}

/// The day of a Julian date; month and day may be out of range.
pub(super) fn julian(year: i64, month: i64, day: i64) -> i64 {
    let (year, march_days) = march(year, month);
    365 * year + year.div_euclid(4) + march_days + day - 719_471
}

/// The year that starts in March, and the days of it before the month.
fn march(year: i64, month: i64) -> (i64, i64) {
    let months = year * 12 + month;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    (year, (153 * month + 2) / 5)
}

/// The day of a date that two calendars disagree about, of which `at` gives the day by calendar ([`gregorian`] or [`julian`]).
/// `from_year` says that `at` counts from the beginning of the year.
pub(super) fn across_cutover(year: i64, from_year: bool, at: impl Fn(fn(i64, i64, i64) -> i64) -> i64) -> i64 {
    let new = at(gregorian);
    if year > CUTOVER_YEAR && new >= CUTOVER {
        return new;
    }
    if year < CUTOVER_YEAR || from_year || new < CUTOVER { at(julian) } else { new }
}

pub(super) fn day_of_week(days: i64) -> i64 {
    (days + 4).rem_euclid(7) + 1
}

/// The latest day that is no later than `days` and has that day of the week.
pub(super) fn on_or_before(days: i64, day_of_week: i64) -> i64 {
    days - (days + 4 - (day_of_week - 1)).rem_euclid(7)
}

/// The Sunday of the week that `first` is in.
pub(super) fn first_week(first: i64) -> i64 {
    on_or_before(first, SUNDAY)
}

fn week(first: i64, days: i64) -> i64 {
    (days - first_week(first)).div_euclid(7) + 1
}

fn week_of_year(first_of_year: i64, year: i64, days: i64) -> i64 {
    let week = week(first_of_year, days);
    if week < 52 {
        return week;
    }
    let next = across_cutover(year + 1, true, |day| day(year + 1, 0, 1));
    if days >= first_week(next) { 1 } else { week }
}

/// The same time of the same date so many years before; February 29 becomes the 28th.
pub(super) fn years_before(millis: i64, years: i64) -> i64 {
    let now = fields(millis);
    let year = now.year - years;
    let last = gregorian(year, now.month + 1, 1) - gregorian(year, now.month, 1);
    gregorian(year, now.month, now.day_of_month.min(last)) * MILLIS_PER_DAY + now.milli_of_day
}
