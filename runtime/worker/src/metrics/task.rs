//! The counters of one task.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sluice_storage::State;

use super::text::Text;
use super::window::Window;

/// Which groups a task has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    Source,
    Sink,
}

/// The counters of one task; a restarted task gets new ones, as in Kafka Connect.
pub(crate) struct TaskMetrics {
    kind: TaskKind,
    state: Mutex<StateTimes>,
    commits: Commits,
    batch_size: Window,
    pub(crate) errors: ErrorCounters,
    /// Source: polled and written. Sink: read and sent.
    taken: AtomicU64,
    taken_window: Window,
    given: AtomicU64,
    given_window: Window,
    /// Poll (source) or put (sink).
    batch_time: Window,
    active: AtomicI64,
    active_window: Window,
    /// Records per committed transaction; `None` for a task without transactions.
    transaction_size: Option<Window>,
    partitions: AtomicU64,
    sequence: AtomicU64,
    completions: AtomicU64,
    skips: AtomicU64,
}

#[derive(Default)]
struct Commits {
    succeeded: AtomicU64,
    failed: AtomicU64,
    time: Window,
}

struct StateTimes {
    state: State,
    was_running: bool,
    since: Instant,
    born: Instant,
    running: Duration,
    paused: Duration,
}

/// Group `task-error-metrics`.
#[derive(Default)]
pub(crate) struct ErrorCounters {
    failures: AtomicU64,
    errors: AtomicU64,
    skipped: AtomicU64,
    retries: AtomicU64,
    logged: AtomicU64,
    dead_letter_requests: AtomicU64,
    dead_letter_failures: AtomicU64,
    last_error_ms: AtomicU64,
}

impl ErrorCounters {
    pub(crate) fn failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_error_ms.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn logged(&self) {
        self.logged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dead_letter(&self, failed: bool) {
        let counter = if failed { &self.dead_letter_failures } else { &self.dead_letter_requests };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn render(&self, text: &mut Text, labels: &[(&str, &str)]) {
        let counters = [
            ("total-record-failures", &self.failures),
            ("total-record-errors", &self.errors),
            ("total-records-skipped", &self.skipped),
            ("total-retries", &self.retries),
            ("total-errors-logged", &self.logged),
            ("deadletterqueue-produce-requests", &self.dead_letter_requests),
            ("deadletterqueue-produce-failures", &self.dead_letter_failures),
            ("last-error-timestamp", &self.last_error_ms),
        ];
        for (name, counter) in counters {
            text.sample("task-error-metrics", name, labels, counter.load(Ordering::Relaxed) as f64);
        }
    }
}

impl TaskMetrics {
    pub(crate) fn new(kind: TaskKind) -> Self {
        let now = Instant::now();
        let times = StateTimes {
            state: State::Unassigned,
            was_running: false,
            since: now,
            born: now,
            running: Duration::ZERO,
            paused: Duration::ZERO,
        };
        Self {
            kind,
            state: Mutex::new(times),
            commits: Commits::default(),
            batch_size: Window::default(),
            errors: ErrorCounters::default(),
            taken: AtomicU64::default(),
            taken_window: Window::default(),
            given: AtomicU64::default(),
            given_window: Window::default(),
            batch_time: Window::default(),
            active: AtomicI64::default(),
            active_window: Window::default(),
            transaction_size: None,
            partitions: AtomicU64::default(),
            sequence: AtomicU64::default(),
            completions: AtomicU64::default(),
            skips: AtomicU64::default(),
        }
    }

    /// Of a source task that writes in transactions.
    #[must_use]
    pub(crate) fn with_transactions(self) -> Self {
        Self { transaction_size: Some(Window::default()), ..self }
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(TaskKind::Source)
    }

    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).state
    }

    /// Whether it was ever RUNNING.
    pub(crate) fn was_running(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).was_running
    }

    pub(crate) fn enter(&self, state: State) {
        let mut times = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        times.settle(Instant::now());
        times.state = state;
        times.was_running |= state == State::Running;
        if matches!(state, State::Unassigned | State::Failed) {
            self.partitions.store(0, Ordering::Relaxed);
        }
    }

    /// A batch was polled from the source (records), or read from topics.
    pub(crate) fn taken(&self, records: usize) {
        self.taken.fetch_add(records as u64, Ordering::Relaxed);
        self.taken_window.record(records as f64);
        if self.kind == TaskKind::Source {
            self.batch_size.record(records as f64);
        }
    }

    /// The source's `poll` or the sink's `put` took so long.
    pub(crate) fn batch_took(&self, time: Duration) {
        self.batch_time.record_millis(time);
    }

    /// Records were written to topics, or handed to `put`.
    pub(crate) fn given(&self, records: usize) {
        if self.kind == TaskKind::Sink {
            self.batch_size.record(records as f64);
        }
        if records > 0 {
            self.given.fetch_add(records as u64, Ordering::Relaxed);
            self.given_window.record(records as f64);
        }
    }

    /// Records under way as of now.
    pub(crate) fn active(&self, records: usize) {
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        self.active.store(records, Ordering::Relaxed);
        self.active_window.record(records as f64);
    }

    pub(crate) fn committed(&self, time: Duration) {
        self.commits.succeeded.fetch_add(1, Ordering::Relaxed);
        self.completions.fetch_add(1, Ordering::Relaxed);
        self.commits.time.record_millis(time);
    }

    /// A transaction of so many records was committed.
    pub(crate) fn transaction_committed(&self, records: usize) {
        if let Some(sizes) = &self.transaction_size {
            sizes.record(records as f64);
        }
    }

    pub(crate) fn commit_failed(&self) {
        self.commits.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer to a commit that a newer one has overtaken.
    pub(crate) fn commit_skipped(&self) {
        self.skips.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn commit_sequence(&self, number: u64) {
        self.sequence.store(number, Ordering::Relaxed);
    }

    pub(crate) fn partitions(&self, count: usize) {
        self.partitions.store(count as u64, Ordering::Relaxed);
    }

    pub(super) fn render(&self, text: &mut Text, connector: &str, task: u32) {
        let task = task.to_string();
        let labels = [("connector", connector), ("task", task.as_str())];
        self.render_task(text, &labels);
        match self.kind {
            TaskKind::Source => self.render_source(text, &labels),
            TaskKind::Sink => self.render_sink(text, &labels),
        }
        self.errors.render(text, &labels);
    }

    fn render_task(&self, text: &mut Text, labels: &[(&str, &str)]) {
        const GROUP: &str = "connector-task-metrics";
        let (state, running, paused) = {
            let mut times = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            times.settle(now);
            let life = now.duration_since(times.born).as_secs_f64().max(0.001);
            (times.state, times.running.as_secs_f64() / life, times.paused.as_secs_f64() / life)
        };
        let status = state.name().to_ascii_lowercase();
        let with_status: Vec<_> = labels.iter().copied().chain([("status", status.as_str())]).collect();
        text.sample(GROUP, "status", &with_status, 1.0);
        text.sample(GROUP, "running-ratio", labels, running);
        text.sample(GROUP, "pause-ratio", labels, paused);
        let time = self.commits.time.summary();
        text.sample(GROUP, "offset-commit-max-time-ms", labels, time.max);
        text.sample(GROUP, "offset-commit-avg-time-ms", labels, time.average);
        let succeeded = self.commits.succeeded.load(Ordering::Relaxed) as f64;
        let failed = self.commits.failed.load(Ordering::Relaxed) as f64;
        let all = (succeeded + failed).max(1.0);
        text.sample(GROUP, "offset-commit-success-percentage", labels, succeeded / all);
        text.sample(GROUP, "offset-commit-failure-percentage", labels, failed / all);
        let batch = self.batch_size.summary();
        text.sample(GROUP, "batch-size-max", labels, batch.max);
        text.sample(GROUP, "batch-size-avg", labels, batch.average);
    }

    fn render_source(&self, text: &mut Text, labels: &[(&str, &str)]) {
        const GROUP: &str = "source-task-metrics";
        self.render_flow(
            text,
            GROUP,
            labels,
            ["source-record-poll", "source-record-write", "poll-batch", "source-record-active-count"],
        );
        if let Some(sizes) = &self.transaction_size {
            let sizes = sizes.summary();
            text.sample(GROUP, "transaction-size-min", labels, sizes.min);
            text.sample(GROUP, "transaction-size-max", labels, sizes.max);
            text.sample(GROUP, "transaction-size-avg", labels, sizes.average);
        }
    }

    fn render_sink(&self, text: &mut Text, labels: &[(&str, &str)]) {
        const GROUP: &str = "sink-task-metrics";
        self.render_flow(
            text,
            GROUP,
            labels,
            ["sink-record-read", "sink-record-send", "put-batch", "sink-record-active-count"],
        );
        let counters = [
            ("partition-count", &self.partitions),
            ("offset-commit-seq-no", &self.sequence),
            ("offset-commit-completion-total", &self.completions),
            ("offset-commit-skip-total", &self.skips),
        ];
        for (name, counter) in counters {
            text.sample(GROUP, name, labels, counter.load(Ordering::Relaxed) as f64);
        }
    }

    fn render_flow(&self, text: &mut Text, group: &str, labels: &[(&str, &str)], names: [&str; 4]) {
        let [taken, given, batch, active] = names;
        for (name, total, window) in
            [(taken, &self.taken, &self.taken_window), (given, &self.given, &self.given_window)]
        {
            text.sample(group, &format!("{name}-total"), labels, total.load(Ordering::Relaxed) as f64);
            text.sample(group, &format!("{name}-rate"), labels, window.summary().per_second);
        }
        let time = self.batch_time.summary();
        text.sample(group, &format!("{batch}-max-time-ms"), labels, time.max);
        text.sample(group, &format!("{batch}-avg-time-ms"), labels, time.average);
        let window = self.active_window.summary();
        text.sample(group, active, labels, self.active.load(Ordering::Relaxed) as f64);
        text.sample(group, &format!("{active}-max"), labels, window.max);
        text.sample(group, &format!("{active}-avg"), labels, window.average);
    }
}

impl StateTimes {
    fn settle(&mut self, now: Instant) {
        let passed = now.duration_since(self.since);
        match self.state {
            State::Running => self.running += passed,
            State::Paused => self.paused += passed,
            _ => {}
        }
        self.since = now;
    }
}
