//! The broker that coordinates one group or transactional id: found when needed, found again when it moves.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::api::Api;
use super::cluster::{Cluster, Coordinated};
use super::config::ClientConfig;
use super::connection::Connection;
use super::error::{Error, ErrorKind};
use super::reachability::{Reachability, ReachabilityReport};

/// How long a call keeps trying.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// One look-up and one request.
    Once,
    /// Until this moment.
    Until(Instant),
    /// Until it works or can never work.
    Forever,
}

/// A link to a coordinator.
#[derive(Debug)]
pub(super) struct Coordinator {
    cluster: Cluster,
    of: Coordinated,
    link: Option<Connection>,
    report: ReachabilityReport,
}

impl Coordinator {
    /// Of a group.
    pub(super) fn new(config: ClientConfig, group: &str) -> Self {
        Self::of(config, Coordinated::Group(group.to_owned()))
    }

    /// Of a transactional id.
    pub(super) fn of_transactional_id(config: ClientConfig, id: &str) -> Self {
        Self::of(config, Coordinated::TransactionalId(id.to_owned()))
    }

    fn of(config: ClientConfig, of: Coordinated) -> Self {
        Self { cluster: Cluster::new(config), of, link: None, report: ReachabilityReport::new() }
    }

    pub(super) fn config(&self) -> &ClientConfig {
        self.cluster.config()
    }

    pub(super) fn reachability(&self) -> watch::Receiver<Reachability> {
        self.report.subscribe()
    }

    /// Finds the coordinator and connects to it unless that is done. Cancel safe.
    pub(super) async fn find(&mut self, patience: Patience) -> Result<(), Error> {
        let mut failures = 0;
        while let Err(error) = self.link().await {
            self.pause(error, failures, patience).await?;
            failures += 1;
        }
        Ok(())
    }

    /// Sends `request` until the answer has no error code that a repetition may heal, or patience ends. Waits
    /// `answer_timeout` for each answer. When dropped, the broker may have acted on the request; the next call works.
    pub(super) async fn call<A: Api>(
        &mut self,
        request: &A,
        answer_timeout: Duration,
        patience: Patience,
    ) -> Result<A::Answer, Error> {
        let mut failures = 0;
        loop {
            match self.attempt(request, answer_timeout).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause(error, failures, patience).await?,
            }
            failures += 1;
        }
    }

    async fn attempt<A: Api>(&mut self, request: &A, answer_timeout: Duration) -> Result<A::Answer, Error> {
        let answered = self.link().await?.call(request, answer_timeout).await;
        let answer = answered.inspect_err(|error| {
            self.link = None;
            self.report.failed(error);
        })?;
        let checked = Error::check(A::NAME, &self.of.to_string(), A::code(&answer));
        checked.inspect_err(|error| self.forget_if_moved(error))?;
        Ok(answer)
    }

    /// Drops the link when `error` says that the coordinator is elsewhere, so that the next call looks it up.
    pub(super) fn forget_if_moved(&mut self, error: &Error) {
        if error.kind() == ErrorKind::CoordinatorMoved {
            self.link = None;
        }
    }

    async fn link(&mut self) -> Result<&mut Connection, Error> {
        match self.link.take().filter(|link| !link.is_closed()) {
            Some(link) => Ok(self.link.insert(link)),
            None => {
                let found = self.cluster.coordinator(&self.of).await;
                let link = found.inspect_err(|error| self.report.failed(error))?;
                self.report.reached();
                tracing::debug!(of = %self.of, coordinator = link.address(), "found the coordinator");
                Ok(self.link.insert(link))
            }
        }
    }

    /// Waits before the next attempt, or gives `error` back when there must be none.
    async fn pause(&self, error: Error, failures: u32, patience: Patience) -> Result<(), Error> {
        if !error.is_retriable() {
            return Err(error);
        }
        let config = self.config();
        let (first, longest) = match error.kind() {
            ErrorKind::Unreachable => (config.reconnect_backoff, config.reconnect_backoff_max),
            _ => (config.retry_backoff, config.retry_backoff_max),
        };
        let pause = backoff(first, longest, failures);
        match patience {
            Patience::Once => return Err(error),
            Patience::Until(end) if Instant::now() + pause >= end => return Err(error),
            Patience::Until(_) | Patience::Forever => {}
        }
        tracing::debug!(of = %self.of, %error, pause_ms = pause.as_millis(), "trying again");
        sleep(pause).await;
        Ok(())
    }
}

/// Doubles from `first` to `longest`, then takes up to a fifth off or on so that workers do not march in step.
pub(crate) fn backoff(first: Duration, longest: Duration, failures: u32) -> Duration {
    let base = first.saturating_mul(1_u32.checked_shl(failures.min(20)).unwrap_or(u32::MAX)).min(longest.max(first));
    let spread = (RandomState::new().hash_one(failures) % 401) as u32;
    base * (800 + spread) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_stay_within_a_fifth() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        for (failures, middle) in [(0, 100), (1, 200), (2, 400), (3, 800), (4, 1_000), (40, 1_000)] {
            let pause = backoff(first, longest, failures).as_millis();
            assert!((middle * 8 / 10..=middle * 12 / 10).contains(&pause), "{failures} failures: {pause} ms");
        }
    }
}
