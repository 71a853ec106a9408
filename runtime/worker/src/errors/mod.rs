//! What becomes of a record that fails (KIP-298): retried, skipped and reported, or the end of the task.
//!
//! The source and sink tasks ask [`ErrorPolicy::decide`] for every failure of a transform or converter. Keeps Invariant 3.
//! Deviation from Kafka Connect: a retriable error that outlives `errors.retry.timeout` ends the task unless
//! `errors.tolerance=all`; Kafka drops the record whatever the tolerance.

mod dead_letter_queue;
mod outbox;
mod report;
mod reports;

use std::sync::Arc;
use std::time::Duration;

use sluice_api::{ConnectError, ErrorKind};
use sluice_storage::ConnectorTaskId;
use tokio::time::Instant;

pub(crate) use dead_letter_queue::DeadLetterQueue;
pub(crate) use report::{ErrantRecords, Letters, consumed_text, place_text, source_text};
pub(crate) use reports::TaskReports;

use crate::config::{ErrorTolerance, ErrorsConfig};
use crate::metrics::TaskMetrics;

/// Where on its way a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    TaskPut,
    Transformation,
    KeyConverter,
    ValueConverter,
    HeaderConverter,
    KafkaProduce,
}

impl Stage {
    /// Kafka's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TaskPut => "TASK_PUT",
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        }
    }
}

/// A record's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    /// The class that failed, as users know it.
    pub(crate) class: String,
    pub(crate) error: ConnectError,
}

/// What to do about a [`Failure`].
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Try the record again after this pause.
    Retry(Duration),
    /// Go on without the record.
    Skip,
    /// End the task.
    Fail(ConnectError),
}

/// The tries of one record.
#[derive(Default)]
pub(crate) struct Attempts {
    made: u32,
    deadline: Option<Instant>,
}

/// `errors.*` of one task.
pub(crate) struct ErrorPolicy {
    id: ConnectorTaskId,
    config: ErrorsConfig,
    metrics: Arc<TaskMetrics>,
}

const FIRST_DELAY: Duration = Duration::from_millis(300);

impl ErrorPolicy {
    /// The policy of a task whose connector has this config.
    pub(crate) fn new(id: ConnectorTaskId, config: ErrorsConfig, metrics: Arc<TaskMetrics>) -> Self {
        Self { id, config, metrics }
    }

    /// Whether a record may be tried more than once, so that it has to be kept.
    pub(crate) fn keeps_records(&self) -> bool {
        self.config.retry_timeout != Some(Duration::ZERO)
            || (self.config.log_enable && self.config.log_include_messages)
    }

    /// Whether failed records are logged.
    pub(crate) fn logs(&self) -> bool {
        self.config.log_enable
    }

    /// Decides, counts and reports. `describe` is the record's text for the log, asked for only when it is wanted.
    ///
    /// Invariant 3: `Skip` only when the user asked for it with `errors.tolerance=all`.
    pub(crate) fn decide(
        &self,
        failure: Failure,
        attempts: &mut Attempts,
        describe: impl FnOnce() -> String,
    ) -> Verdict {
        self.metrics.errors.failure();
        let retriable = failure.error.kind() == ErrorKind::Retriable;
        if retriable && let Some(delay) = self.next_delay(attempts) {
            self.metrics.errors.retry();
            return Verdict::Retry(delay);
        }
        self.metrics.errors.error();
        if self.config.log_enable {
            let record =
                if self.config.log_include_messages { format!(", where {}", describe()) } else { String::new() };
            report::log(&self.id, &failure, &record);
            self.metrics.errors.logged();
        }
        if self.config.tolerance == ErrorTolerance::All {
            self.metrics.errors.skipped();
            return Verdict::Skip;
        }
        let text = match failure.stage {
            Stage::KafkaProduce => "Unhandled exception in error handler",
            _ => "Tolerance exceeded in error handler",
        };
        Verdict::Fail(ConnectError::connect(text).with_source(failure.error))
    }

    fn next_delay(&self, attempts: &mut Attempts) -> Option<Duration> {
        let now = Instant::now();
        let left = match self.config.retry_timeout {
            None => Duration::MAX,
            Some(timeout) => attempts.deadline.get_or_insert(now + timeout).saturating_duration_since(now),
        };
        if left.is_zero() {
            return None;
        }
        let mut delay = FIRST_DELAY.saturating_mul(1_u32 << attempts.made.min(20));
        if delay > self.config.retry_delay_max {
            delay = self.config.retry_delay_max.mul_f64(random_fraction());
        }
        attempts.made += 1;
        Some(delay.min(left))
    }
}

/// Evenly between 0 and 1, to spread retries.
fn random_fraction() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(Instant::now()) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use sluice_api::ConnectError;
    use sluice_storage::ConnectorTaskId;

    use super::{Attempts, ErrorPolicy, Failure, Stage, Verdict};
    use crate::config::{ErrorTolerance, ErrorsConfig};
    use crate::metrics::TaskMetrics;

    const CONFIG: ErrorsConfig = ErrorsConfig {
        retry_timeout: Some(Duration::ZERO),
        retry_delay_max: Duration::from_secs(60),
        tolerance: ErrorTolerance::None,
        log_enable: false,
        log_include_messages: false,
    };

    fn policy(config: ErrorsConfig) -> ErrorPolicy {
        let id = ConnectorTaskId { connector: "c".to_owned(), task: 0 };
        ErrorPolicy::new(id, config, Arc::new(TaskMetrics::for_tests()))
    }

    fn failure(error: ConnectError) -> Failure {
        Failure { stage: Stage::ValueConverter, class: "x".to_owned(), error }
    }

    fn decide(policy: &ErrorPolicy, error: ConnectError, attempts: &mut Attempts) -> Verdict {
        policy.decide(failure(error), attempts, String::new)
    }

    #[test]
    fn nothing_is_dropped_unless_the_user_tolerates_it() {
        // Invariant 3.
        let none = policy(CONFIG);
        for error in [ConnectError::data("bad"), ConnectError::retriable("later")] {
            let verdict = decide(&none, error, &mut Attempts::default());
            let Verdict::Fail(error) = verdict else { panic!("{verdict:?}") };
            assert_eq!(error.message(), "Tolerance exceeded in error handler");
            assert!(error.trace().contains("Caused by: "), "{}", error.trace());
        }
        let all = policy(ErrorsConfig { tolerance: ErrorTolerance::All, ..CONFIG });
        assert!(matches!(decide(&all, ConnectError::data("bad"), &mut Attempts::default()), Verdict::Skip));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_the_time_is_over() {
        let policy = policy(ErrorsConfig { retry_timeout: Some(Duration::from_secs(1)), ..CONFIG });
        let mut attempts = Attempts::default();
        let mut pauses = Vec::new();
        while let Verdict::Retry(pause) = decide(&policy, ConnectError::retriable("later"), &mut attempts) {
            pauses.push(pause.as_millis());
            tokio::time::advance(pause).await;
        }
        assert_eq!(pauses, [300, 600, 100]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_never_exceeds_the_maximum() {
        let policy =
            policy(ErrorsConfig { retry_timeout: None, retry_delay_max: Duration::from_millis(500), ..CONFIG });
        let mut attempts = Attempts::default();
        for _ in 0..40 {
            let verdict = decide(&policy, ConnectError::retriable("later"), &mut attempts);
            let Verdict::Retry(pause) = verdict else { panic!("{verdict:?}") };
            assert!(pause < Duration::from_millis(501), "{pause:?}");
        }
    }
}
