//! Something that is asked now and then, one at a time, with growing pauses while it fails.

use tokio::time::Instant;

use super::config::ClientConfig;
use super::coordinator::backoff;

/// When it was asked, and how often in vain.
#[derive(Debug, Default)]
pub(crate) struct LookUp {
    under_way: bool,
    /// Not before then, after so many failures.
    not_before: Option<Instant>,
    failures: u32,
}

impl LookUp {
    /// Notes that it begins, or says when it may.
    pub(crate) fn may_begin(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        if self.under_way {
            return Err(None);
        }
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Err(Some(at));
        }
        self.under_way = true;
        Ok(())
    }

    /// Notes that it was answered.
    pub(crate) fn ended(&mut self, found: bool, now: Instant, client: &ClientConfig) {
        self.under_way = false;
        self.failures = if found { 0 } else { self.failures + 1 };
        // Also after a success: a leader that refuses at once what was just looked up must not make a busy loop.
        let failures = self.failures.saturating_sub(1);
        self.not_before = Some(now + backoff(client.retry_backoff, client.retry_backoff_max, failures));
    }

    /// Whether the last answer was none.
    pub(crate) fn has_failed(&self) -> bool {
        self.failures > 0
    }
}
