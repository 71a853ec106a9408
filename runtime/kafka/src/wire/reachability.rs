//! What a caller shows while the cluster cannot be reached.

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Error;

/// Whether the cluster answered last time. The client keeps retrying whatever this says; the caller decides how often
/// to tell its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reachability {
    /// Nothing was tried yet.
    Untried,
    /// A broker answered.
    Reachable,
    /// No broker answers.
    Unreachable {
        /// Every address that was tried, each with its reason; or the request that failed.
        reason: String,
        /// Since when.
        since: Instant,
    },
}

/// The writing side of [`Reachability`].
#[derive(Debug)]
pub(super) struct ReachabilityReport(watch::Sender<Reachability>);

impl ReachabilityReport {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Reachability::Untried))
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Reachability> {
        self.0.subscribe()
    }

    pub(super) fn reached(&self) {
        self.0.send_if_modified(|state| {
            let changed = *state != Reachability::Reachable;
            *state = Reachability::Reachable;
            changed
        });
    }

    /// Keeps the time of the first failure, so that the caller can say for how long.
    pub(super) fn failed(&self, error: &Error) {
        self.0.send_modify(|state| {
            let since = match state {
                Reachability::Unreachable { since, .. } => *since,
                _ => Instant::now(),
            };
            *state = Reachability::Unreachable { reason: error.to_string(), since };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lasting_outage_keeps_its_beginning_and_names_the_newest_reason() {
        let report = ReachabilityReport::new();
        let seen = report.subscribe();
        let error = |text: &str| Error::Unreachable { tried: vec![("a:1".into(), std::io::Error::other(text))] };
        report.failed(&error("first"));
        let began = Instant::now();
        tokio::time::advance(std::time::Duration::from_secs(90)).await;
        report.failed(&error("second"));
        let expected = "cannot reach Kafka at a:1 (second)".to_owned();
        assert_eq!(*seen.borrow(), Reachability::Unreachable { reason: expected, since: began });
        report.reached();
        assert_eq!(*seen.borrow(), Reachability::Reachable);
    }
}
