//! What the herder's loop is doing, in Kafka's words, for answers to requests that it kept waiting (connect-worker.md 1.4).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The current and the last finished stage. Cheap to clone; one loop writes, everybody reads.
#[derive(Clone, Default)]
pub(crate) struct Stages(Arc<Mutex<Option<Stage>>>);

struct Stage {
    description: String,
    began: SystemTime,
    completed: Option<SystemTime>,
}

/// Marks the stage as completed when it is dropped.
#[must_use]
pub(crate) struct StageGuard(Stages);

impl Stages {
    /// Begins a stage; it lasts until the guard is dropped.
    pub(crate) fn begin(&self, description: impl Into<String>) -> StageGuard {
        let stage = Stage { description: description.into(), began: SystemTime::now(), completed: None };
        *self.lock() = Some(stage);
        StageGuard(self.clone())
    }

    /// The sentence about the stage, without final dot; `None` before the first one.
    pub(crate) fn describe(&self) -> Option<String> {
        let stage = self.lock();
        let Stage { description, began, completed } = stage.as_ref()?;
        let began = instant_text(*began);
        Some(match completed {
            None => format!("The worker is currently {description}, which began at {began}"),
            Some(end) => format!(
                "The last operation the worker completed was {description}, which began at {began} and completed at {}",
                instant_text(*end)
            ),
        })
    }

    /// The message of a request whose time was up.
    pub(crate) fn timeout_message(&self) -> String {
        match self.describe() {
            Some(stage) => format!("Request timed out. {stage}."),
            None => "Request timed out".to_owned(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StageGuard {
    fn drop(&mut self) {
        if let Some(stage) = self.0.lock().as_mut() {
            stage.completed = Some(SystemTime::now());
        }
    }
}

/// ISO-8601 in UTC with milliseconds, as `java.time.Instant` prints.
fn instant_text(time: SystemTime) -> String {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since_epoch.as_secs(), since_epoch.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day count since 1970-01-01 (proleptic Gregorian calendar).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn instants_print_as_java_prints_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_729_797_211_123, "2024-10-24T19:13:31.123Z"),
        ] {
            assert_eq!(instant_text(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_running_and_a_finished_stage_are_told_apart() {
        let stages = Stages::default();
        assert_eq!(stages.timeout_message(), "Request timed out");
        let guard = stages.begin("stopping connector c");
        assert!(
            stages
                .timeout_message()
                .starts_with("Request timed out. The worker is currently stopping connector c, which")
        );
        drop(guard);
        assert!(stages.timeout_message().contains("The last operation the worker completed was stopping connector c"));
    }
}
