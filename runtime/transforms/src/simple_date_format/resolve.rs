//! The fields that a text gave to a moment, by the rules of Java's lenient `GregorianCalendar`: of fields that contradict each
//! other, those that were read last count.

use super::calendar::{MILLIS_PER_DAY, SUNDAY, across_cutover, fields, first_week, on_or_before};

/// A field of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    WeekYear,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    DayOfWeekInMonth,
    AmPm,
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
    /// Milliseconds east of UTC.
    Offset,
}

const FIELDS: usize = Field::Offset as usize + 1;

/// What was read so far: of each field its value and, as a stamp, when it was set; stamp 0 is never.
#[derive(Debug, Default)]
pub(super) struct Read {
    values: [i64; FIELDS],
    stamps: [u32; FIELDS],
    last: u32,
}

/// What a date is counted from.
enum Base {
    Month(InMonth),
    Year(InYear),
}

enum InMonth {
    Day,
    Week { with_day: bool },
    CountedDay { with_day: bool, with_count: bool },
}

enum InYear {
    Day,
    Week { with_day: bool },
}

impl Read {
    pub(super) fn set(&mut self, field: Field, value: i64) {
        self.last += 1;
        self.stamps[field as usize] = self.last;
        self.values[field as usize] = value;
    }

    /// Moves a year of two digits a century on.
    pub(super) fn add_years(&mut self, years: i64) {
        self.values[Field::Year as usize] += years;
        self.values[Field::WeekYear as usize] += years;
    }

    fn stamp(&self, field: Field) -> u32 {
        self.stamps[field as usize]
    }

    pub(super) fn is_set(&self, field: Field) -> bool {
        self.stamp(field) > 0
    }

    /// Fields that were not set are 0.
    fn value(&self, field: Field) -> i64 {
        self.values[field as usize]
    }

    /// When both were set.
    fn both(&self, one: Field, other: Field) -> u32 {
        let (one, other) = (self.stamp(one), self.stamp(other));
        if one == 0 || other == 0 { 0 } else { one.max(other) }
    }

    /// The moment, in milliseconds since the epoch. What overflows wraps, as in Java.
    pub(super) fn millis(&self) -> i64 {
        let milli_of_day = self.milli_of_day();
        let days_more = milli_of_day.div_euclid(MILLIS_PER_DAY);
        let at = |day: i64| {
            let of_day = milli_of_day.rem_euclid(MILLIS_PER_DAY) - self.value(Field::Offset);
            day.wrapping_mul(MILLIS_PER_DAY).wrapping_add(of_day)
        };
        let day = self.day(days_more);
        if self.stamp(Field::WeekYear) <= self.stamp(Field::Year) {
            return at(day);
        }
        // The era is that of the other fields, where the clocks are those of the text.
        let is_before_year_1 = fields(at(day).wrapping_add(self.value(Field::Offset))).year <= 0;
        // The week gives a date, and the date the day.
        let date = fields(self.day_of_week_date(is_before_year_1).wrapping_mul(MILLIS_PER_DAY));
        at(across_cutover(date.year, false, |day| days_more + day(date.year, date.month, date.day_of_month)))
    }

    fn milli_of_day(&self) -> i64 {
        let of_day = self.stamp(Field::HourOfDay);
        let mut of_half = self.both(Field::Hour, Field::AmPm);
        if of_half.max(of_day) == 0 {
            of_half = self.stamp(Field::Hour).max(self.stamp(Field::AmPm));
        }
        let hours = if of_half > of_day {
            self.value(Field::Hour) + 12 * self.value(Field::AmPm)
        } else {
            self.value(Field::HourOfDay)
        };
        ((hours * 60 + self.value(Field::Minute)) * 60 + self.value(Field::Second)) * 1000
            + self.value(Field::Millisecond)
    }

    fn year(&self) -> i64 {
        let year = if self.is_set(Field::Year) { self.value(Field::Year) } else { 1970 };
        if self.is_set(Field::Era) && self.value(Field::Era) == 0 { 1 - year } else { year }
    }

    /// The day, moved by the days that the time of day is too long.
    fn day(&self, days_more: i64) -> i64 {
        let (year, base) = (self.year(), self.base());
        match base {
            Base::Month(base) => across_cutover(year, false, |day| days_more + self.in_month(year, &base, day)),
            Base::Year(base) => across_cutover(year, true, |day| days_more + self.in_year(day(year, 0, 1), &base)),
        }
    }

    fn in_month(&self, year: i64, in_month: &InMonth, day: fn(i64, i64, i64) -> i64) -> i64 {
        let month = self.value(Field::Month);
        let first = day(year, month, 1);
        let day_of_week = |with_day: bool| if with_day { self.value(Field::DayOfWeek) } else { SUNDAY };
        match in_month {
            InMonth::Day if self.is_set(Field::DayOfMonth) => first + self.value(Field::DayOfMonth) - 1,
            InMonth::Day => first,
            InMonth::Week { with_day } => self.in_week(first, *with_day) + weeks(self.value(Field::WeekOfMonth) - 1),
            InMonth::CountedDay { with_day, with_count } => {
                let count = if *with_count { self.value(Field::DayOfWeekInMonth) } else { 1 };
                let from =
                    if count >= 0 { first + weeks(count) - 1 } else { day(year, month + 1, 1) + weeks(count + 1) - 1 };
                on_or_before(from, day_of_week(*with_day))
            }
        }
    }

    fn in_year(&self, first: i64, in_year: &InYear) -> i64 {
        match in_year {
            InYear::Day => first + self.value(Field::DayOfYear) - 1,
            InYear::Week { with_day } => self.in_week(first, *with_day) + 7 * (self.value(Field::WeekOfYear) - 1),
        }
    }

    /// The day of the week that `first` is in.
    fn in_week(&self, first: i64, with_day: bool) -> i64 {
        let sunday = first_week(first);
        if with_day { on_or_before(sunday + 6, self.value(Field::DayOfWeek)) } else { sunday }
    }

    /// A week of a week year.
    fn day_of_week_date(&self, is_before_year_1: bool) -> i64 {
        let mut week = if self.is_set(Field::WeekOfYear) { self.value(Field::WeekOfYear) } else { 1 };
        let mut day = if self.is_set(Field::DayOfWeek) { self.value(Field::DayOfWeek) } else { SUNDAY };
        if !(1..=7).contains(&day) {
            // A number out of range counts from Monday, into the weeks before and after.
            let from_monday = if day >= 8 { day - 1 } else { day };
            let iso = if day >= 8 {
                week += from_monday / 7;
                from_monday % 7 + 1
            } else {
                let weeks = (7 - day) / 7;
                week -= weeks;
                day + 7 * weeks
            };
            day = if iso == 7 { SUNDAY } else { iso + 1 };
        }
        let year = self.value(Field::WeekYear);
        let year = if is_before_year_1 { 1 - year } else { year };
        let sunday = across_cutover(year, true, |first| first_week(first(year, 0, 1)));
        sunday + day - SUNDAY + weeks(week - 1)
    }

    /// Which fields say the day: those that were set last.
    fn base(&self) -> Base {
        let day_of_week = self.stamp(Field::DayOfWeek);
        let day = self.stamp(Field::DayOfMonth);
        let mut in_week = self.both(Field::WeekOfMonth, Field::DayOfWeek);
        let mut counted = self.both(Field::DayOfWeekInMonth, Field::DayOfWeek);
        let of_year = self.stamp(Field::DayOfYear);
        let mut week_of_year = self.both(Field::WeekOfYear, Field::DayOfWeek);
        let mut best = day.max(in_week).max(counted).max(of_year).max(week_of_year);
        let mut by_day = best == day;
        if best == 0 {
            in_week = self.stamp(Field::WeekOfMonth);
            counted = self.stamp(Field::DayOfWeekInMonth).max(day_of_week);
            week_of_year = self.stamp(Field::WeekOfYear);
            best = in_week.max(counted).max(week_of_year);
            by_day = best == 0;
        }
        let not_before_week = |field| self.stamp(field) >= self.stamp(Field::WeekOfYear);
        let with_day = day_of_week > 0;
        let counts_week = best == in_week && not_before_week(Field::WeekOfMonth);
        let counts_days = best == counted && not_before_week(Field::DayOfWeekInMonth);
        if by_day {
            return Base::Month(InMonth::Day);
        }
        if !counts_week && !counts_days {
            return Base::Year(if best == of_year { InYear::Day } else { InYear::Week { with_day } });
        }
        let by_week = if in_week == counted {
            self.stamp(Field::WeekOfMonth) >= self.stamp(Field::DayOfWeekInMonth)
        } else {
            best == in_week
        };
        let with_count = self.is_set(Field::DayOfWeekInMonth);
        Base::Month(if by_week { InMonth::Week { with_day } } else { InMonth::CountedDay { with_day, with_count } })
    }
}

/// The days of so many weeks, which Java counts in 32 bit.
fn weeks(count: i64) -> i64 {
    i64::from((count as i32).wrapping_mul(7))
}
