//! `path.format`: date patterns of Joda-Time (`'year'=YYYY/'month'=MM`), printed in English.

use std::fmt::Write;

use sluice_api::data::civil_from_days;

use super::written;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DAY_MS: i64 = 86_400_000;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    /// A letter and how often it stands there.
    Field(char, usize),
}

impl Pattern {
    /// Compiles `pattern`; a delimiter at its end is dropped.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(pattern: &str, delimiter: &str) -> Result<Self, String> {
        let pattern = pattern.strip_suffix(delimiter).filter(|_| !delimiter.is_empty()).unwrap_or(pattern);
        let mut tokens = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(first) = rest.next() {
            match first {
                '\'' => tokens.push(Token::Text(quoted(&mut rest)?)),
                letter if letter.is_ascii_alphabetic() => {
                    let mut count = 1;
                    while rest.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    if !"CYyxMwDdEeaHkKhmsSZGz".contains(letter) {
                        return Err(format!("`{letter}` is no letter of a date pattern: put text into single quotes"));
                    }
                    if letter == 'z' {
                        return Err(
                            "the name of the time zone (`z`) is not supported yet: write its offset (`Z`)".into()
                        );
                    }
                    tokens.push(Token::Field(letter, count));
                }
                other => tokens.push(Token::Text(other.to_string())),
            }
        }
        if tokens.is_empty() {
            return Err("the pattern is empty".into());
        }
        Ok(Self(tokens))
    }

    /// Whether it prints names of months or days, which depend on the language.
    pub(crate) fn has_names(&self) -> bool {
        self.0.iter().any(|token| match token {
            Token::Field('M', count) => *count > 2,
            Token::Field(letter, _) => matches!(letter, 'E' | 'a' | 'G'),
            Token::Text(_) => false,
        })
    }

    /// Prints a local time that is `offset_ms` ahead of UTC.
    pub(crate) fn print(&self, local_ms: i64, offset_ms: i64, out: &mut String) {
        let days = local_ms.div_euclid(DAY_MS);
        let of_day = local_ms.rem_euclid(DAY_MS);
        let (year, month, day) = civil_from_days(days);
        for token in &self.0 {
            match token {
                Token::Text(text) => out.push_str(text),
                Token::Field(letter, count) => {
                    print_field(*letter, *count, Moment { days, year, month, day, of_day, offset_ms }, out);
                }
            }
        }
    }
}

fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    // Two quotes are one, inside of a text and outside.
    if rest.next_if_eq(&'\'').is_some() {
        return Ok("'".into());
    }
    let mut text = String::new();
    loop {
        match rest.next() {
            None => return Err("a single quote is not closed".into()),
            Some('\'') if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            Some('\'') => return Ok(text),
            Some(other) => text.push(other),
        }
    }
}

#[derive(Clone, Copy)]
struct Moment {
    /// Since the epoch.
    days: i64,
    year: i64,
    month: u32,
    day: u32,
    /// Milliseconds since midnight.
    of_day: i64,
    offset_ms: i64,
}

fn print_field(letter: char, count: usize, at: Moment, out: &mut String) {
    let hour = at.of_day / 3_600_000;
    let weekday = (at.days + 3).rem_euclid(7);
    let number = match letter {
        'C' => at.year / 100,
        // Two letters are the year of the century.
        'Y' | 'y' if count == 2 => at.year.rem_euclid(100),
        'Y' | 'y' => at.year,
        'x' if count == 2 => week_of(at).0.rem_euclid(100),
        'x' => week_of(at).0,
        'w' => week_of(at).1,
        'M' if count > 2 => return name(MONTHS[at.month as usize - 1], count > 3, out),
        'M' => i64::from(at.month),
        'D' => day_of_year(at),
        'd' => i64::from(at.day),
        'E' => return name(DAYS[weekday as usize], count > 3, out),
        'e' => weekday + 1,
        'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'G' => return out.push_str(if at.year > 0 { "AD" } else { "BC" }),
        'H' => hour,
        'k' => {
            if hour == 0 {
                24
            } else {
                hour
            }
        }
        'K' => hour % 12,
        'h' => {
            if hour % 12 == 0 {
                12
            } else {
                hour % 12
            }
        }
        'm' => at.of_day / 60_000 % 60,
        's' => at.of_day / 1000 % 60,
        'S' => return fraction(at.of_day % 1000, count, out),
        _ => return offset(at.offset_ms, count, out),
    };
    written(write!(out, "{number:0count$}"));
}

fn name(name: &str, whole: bool, out: &mut String) {
    out.push_str(if whole { name } else { &name[..3] });
}

/// Digits of the fraction of a second, as many as there are letters.
fn fraction(millis: i64, count: usize, out: &mut String) {
    let digits = format!("{millis:03}");
    out.extend(digits.chars().chain(std::iter::repeat('0')).take(count));
}

fn offset(offset_ms: i64, count: usize, out: &mut String) {
    let minutes = offset_ms.abs() / 60_000;
    let sign = if offset_ms < 0 { '-' } else { '+' };
    let colon = if count == 1 { "" } else { ":" };
    written(write!(out, "{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60));
}

fn day_of_year(at: Moment) -> i64 {
    at.days - days_before(at.year) + 1
}

/// Days from the epoch to the first day of a year.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) - 719_162
}

/// Year and week of ISO 8601: the week of a day is that of its Thursday.
fn week_of(at: Moment) -> (i64, i64) {
    let thursday = at.days - (at.days + 3).rem_euclid(7) + 3;
    let (year, _, _) = civil_from_days(thursday);
    (year, (thursday - days_before(year)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pattern: &str, local_ms: i64) -> String {
        let mut out = String::new();
        Pattern::parse(pattern, "/").unwrap().print(local_ms, 7_200_000, &mut out);
        out
    }

    #[test]
    fn every_letter_is_jodas() {
        // 2015-04-02T13:04:05.006, a Thursday.
        let at = 1_427_979_845_006;
        let cases = [
            ("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH/", "year=2015/month=04/day=02/hour=13"),
            ("yyyy-M-d", "2015-4-2"),
            ("yy", "15"),
            ("YYYYMMdd_HHmmss.SSS", "20150402_130405.006"),
            ("S SS SSSS", "0 00 0060"),
            ("MMM MMMM E EEEE a h K k", "Apr April Thu Thursday PM 1 1 13"),
            ("xxxx-'W'ww-e", "2015-W14-4"),
            ("DDD C", "092 20"),
            ("Z ZZ", "+0200 +02:00"),
            ("'it''s' ''", "it's '"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(printed(pattern, at), expected, "{pattern}");
        }
        // 2016-01-01 belongs to the last week of 2015.
        assert_eq!(printed("xxxx ww", 1_451_606_400_000), "2015 53");
    }

    #[test]
    fn patterns_that_are_none_say_why() {
        for (pattern, part) in
            [("YYYY/q", "`q` is no letter"), ("'open", "not closed"), ("", "empty"), ("z", "not supported yet")]
        {
            let error = Pattern::parse(pattern, "/").unwrap_err();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }
}
