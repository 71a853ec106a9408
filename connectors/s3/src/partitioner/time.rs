//! The folder of a time: floored to `partition.duration.ms` in local time, printed with `path.format`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Extractor, Pattern};

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Since then every zone is whole quarters of an hour from UTC and changes at a whole quarter.
const REGULAR_SINCE_MS: i64 = 94_694_400_000;
const QUARTER_MS: i64 = 900_000;

/// Folders by time.
#[derive(Debug)]
pub(crate) struct TimeFolders {
    pub(crate) extractor: Extractor,
    duration_ms: i64,
    pattern: Pattern,
    zone: TimeZone,
    /// Times of one such interval have one folder.
    quantum_ms: i64,
    last: Option<(i64, String)>,
}

impl TimeFolders {
    /// `duration_ms` is positive.
    pub(crate) fn new(extractor: Extractor, duration_ms: i64, pattern: Pattern, zone: TimeZone) -> Self {
        Self { extractor, duration_ms, pattern, zone, quantum_ms: gcd(duration_ms, QUARTER_MS), last: None }
    }

    /// Appends the folder of a time.
    pub(crate) fn encode(&mut self, timestamp_ms: i64, out: &mut String) {
        let quantum = timestamp_ms.div_euclid(self.quantum_ms);
        if let Some((of, folder)) = &self.last
            && *of == quantum
        {
            out.push_str(folder);
            return;
        }
        let start = out.len();
        let offset_ms = self.offset_ms(timestamp_ms);
        let local_ms = timestamp_ms.saturating_add(offset_ms);
        // Java's division, which rounds towards zero before the epoch.
        let floored_ms = local_ms / self.duration_ms * self.duration_ms;
        self.pattern.print(floored_ms, offset_ms, out);
        if timestamp_ms >= REGULAR_SINCE_MS {
            self.last = Some((quantum, out[start..].to_owned()));
        }
    }

    /// Local time minus UTC.
    fn offset_ms(&self, timestamp_ms: i64) -> i64 {
        let instant = Timestamp::from_millisecond(timestamp_ms).unwrap_or(if timestamp_ms < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        i64::from(self.zone.to_offset(instant).seconds()) * 1000
    }
}

fn gcd(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { gcd(other, one % other) }
}
