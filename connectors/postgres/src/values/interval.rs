//! Intervals from PostgreSQL's own style.

use super::Unreadable;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The parts of an interval, each with its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interval {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    /// Microseconds of the seconds.
    micros: i64,
}

impl Interval {
    /// `1 year 2 mons -3 days +04:05:06.789`.
    pub(super) fn read(text: &[u8]) -> Result<Self, Unreadable> {
        let read = std::str::from_utf8(text).ok().and_then(Self::parse);
        read.ok_or_else(|| Unreadable::new(text, "interval"))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut interval = Self::default();
        let mut words = text.split_ascii_whitespace();
        while let Some(word) = words.next() {
            if word.contains(':') {
                interval.clock(word)?;
                continue;
            }
            let number: i64 = word.parse().ok()?;
            match words.next()?.trim_end_matches('s') {
                "year" => interval.years = number,
                "mon" => interval.months = number,
                "day" => interval.days = number,
                _ => return None,
            }
        }
        Some(interval)
    }

    fn clock(&mut self, word: &str) -> Option<()> {
        let (sign, digits) = match word.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, word.strip_prefix('+').unwrap_or(word)),
        };
        let mut parts = digits.splitn(3, ':');
        let hours: i64 = parts.next()?.parse().ok()?;
        let minutes: i64 = parts.next()?.parse().ok()?;
        let (seconds, fraction) = parts.next().map_or((Some("0"), ""), |rest| match rest.split_once('.') {
            Some((seconds, fraction)) => (Some(seconds), fraction),
            None => (Some(rest), ""),
        });
        let seconds: i64 = seconds?.parse().ok()?;
        let fraction: i64 = if fraction.len() > 6 { return None } else { format!("{fraction:0<6}").parse().ok()? };
        self.hours = hours.checked_mul(sign)?;
        self.minutes = minutes.checked_mul(sign)?;
        self.micros = seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(fraction)?.checked_mul(sign)?;
        Some(())
    }

    /// Microseconds with months of a twelfth of 365.25 days, computed as Debezium does, in doubles.
    pub(super) fn micros(&self) -> i64 {
        let days = (self.years * 12 + self.months) as f64 * (365.25 / 12.0) + self.days as f64;
        let seconds =
            (((days * 24.0 + self.hours as f64) * 60.0) + self.minutes as f64) * 60.0 + self.micros as f64 / 1e6;
        (seconds * 1e6) as i64
    }

    /// `P1Y2M3DT4H5M6.789S`, every part with its own sign.
    pub(super) fn iso(&self) -> String {
        let Self { years, months, days, hours, minutes, micros } = self;
        let sign = if *micros < 0 { "-" } else { "" };
        let (whole, fraction) = (micros.abs() / MICROS_PER_SECOND, micros.abs() % MICROS_PER_SECOND);
        let mut seconds = format!("{sign}{whole}");
        if fraction != 0 {
            seconds = format!("{seconds}.{}", format!("{fraction:06}").trim_end_matches('0'));
        }
        format!("P{years}Y{months}M{days}DT{hours}H{minutes}M{seconds}S")
    }
}
