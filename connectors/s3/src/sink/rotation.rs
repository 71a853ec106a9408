//! When the objects of a topic partition are complete: by count, size, record time, clock or silence.
//!
//! Count, size, record time and schema changes depend on the records alone: after a crash the same records give the same objects
//! (Invariant 2 and the names do the rest: exactly once). The clock and silence do not: they give at least once.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The triggers that are set.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    /// `flush.size`, at least 1.
    pub(crate) records: u64,
    /// `sluice.rotate.size.bytes`: bytes before compression.
    pub(crate) bytes: Option<u64>,
    /// `rotate.interval.ms`.
    pub(crate) interval_ms: Option<i64>,
    /// `rotate.file.on.partition.change`: with an interval, another folder ends the objects too.
    pub(crate) on_folder_change: bool,
    /// `rotate.schedule.interval.ms` and `timezone`.
    pub(crate) schedule: Option<Schedule>,
    /// `sluice.rotate.idle.ms`.
    pub(crate) idle_ms: Option<i64>,
    /// `file.max.records` of Aiven's sink: records of one object.
    pub(crate) file_records: Option<u64>,
    /// Whether every commit completes the objects, as in Aiven's sink.
    pub(crate) at_commit: bool,
    /// `partitioner.max.open.files`.
    pub(crate) open_files: Option<usize>,
}

/// Moments of the clock: every so many milliseconds since midnight.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) interval_ms: i64,
    pub(crate) zone: TimeZone,
}

impl Rotation {
    /// Whether a replay of the same records gives the same objects.
    pub(crate) fn is_deterministic(&self) -> bool {
        self.schedule.is_none() && self.idle_ms.is_none() && !self.at_commit
    }
}

impl Schedule {
    /// The first moment after `now_ms`.
    pub(crate) fn next_ms(&self, now_ms: i64) -> i64 {
        let midnight_ms = self.midnight_ms(now_ms).unwrap_or(0);
        let passed = (now_ms - midnight_ms).div_euclid(self.interval_ms);
        midnight_ms + (passed + 1) * self.interval_ms
    }

    fn midnight_ms(&self, now_ms: i64) -> Option<i64> {
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(self.zone.clone());
        // A day that begins at 01:00, where summer time begins at midnight, is taken from there.
        now.start_of_day().ok().map(|midnight| midnight.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_counts_from_local_midnight() {
        let schedule = |zone| Schedule { interval_ms: 7 * 3_600_000, zone: TimeZone::get(zone).unwrap() };
        // 2015-04-02T13:04:05Z: after 00:00 and 07:00 comes 14:00.
        let now = 1_427_979_845_000;
        assert_eq!(schedule("UTC").next_ms(now), 1_427_932_800_000 + 14 * 3_600_000);
        // 06:04 in Los Angeles, whose midnight is 07:00Z: next at 07:00, 14:00Z.
        assert_eq!(schedule("America/Los_Angeles").next_ms(now), 1_427_932_800_000 + 14 * 3_600_000);
        // Exactly at a moment the next one counts.
        assert_eq!(schedule("UTC").next_ms(1_427_932_800_000), 1_427_932_800_000 + 7 * 3_600_000);
    }
}
