//! When a request is sent again, and after which pause.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Statuses;

/// A growing pause never gets longer than this, unless the configured one is.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How the pause grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backoff {
    /// Always the same.
    Constant,
    /// Doubles, and lies somewhere between half and all of that, so that clients do not come back together.
    ExponentialWithJitter,
}

/// What is tried again.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    /// After the first attempt.
    pub(crate) max_retries: u32,
    pub(crate) backoff: Duration,
    pub(crate) growth: Backoff,
    /// Statuses that may go away. No answer at all is always tried again.
    pub(crate) on: Statuses,
    /// A server's `Retry-After` is obeyed up to this.
    pub(crate) max_retry_after: Duration,
}

impl RetryPolicy {
    /// The pause before retry `retry` (from 1), at least what the server asks for.
    pub(crate) fn pause(&self, retry: u32, headers: Option<&HeaderMap>) -> Duration {
        let asked = headers.and_then(retry_after).unwrap_or_default().min(self.max_retry_after);
        self.backoff_before(retry).max(asked)
    }

    fn backoff_before(&self, retry: u32) -> Duration {
        if self.growth == Backoff::Constant {
            return self.backoff;
        }
        let doubled = self.backoff.saturating_mul(2u32.saturating_pow(retry.saturating_sub(1).min(16)));
        let longest = doubled.min(MAX_PAUSE.max(self.backoff));
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(growth: Backoff) -> RetryPolicy {
        RetryPolicy {
            max_retries: 10,
            backoff: Duration::from_millis(100),
            growth,
            on: Statuses::default(),
            max_retry_after: Duration::from_secs(300),
        }
    }

    #[test]
    fn pauses_double_with_jitter_up_to_a_minute() {
        let policy = policy(Backoff::ExponentialWithJitter);
        for (retry, longest_ms) in [(1, 100), (2, 200), (5, 1600), (12, 60_000), (4_000_000, 60_000)] {
            let pause = policy.pause(retry, None).as_millis();
            assert!((longest_ms / 2..=longest_ms).contains(&pause), "retry {retry}: {pause} ms");
        }
    }

    #[test]
    fn a_server_is_asked_again_when_it_says() {
        let policy = policy(Backoff::Constant);
        let with = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            policy.pause(1, Some(&headers))
        };
        assert_eq!(with("7"), Duration::from_secs(7));
        assert_eq!(with("0"), Duration::from_millis(100));
        assert_eq!(with("99999999"), Duration::from_secs(300));
        assert_eq!(with("soon"), Duration::from_millis(100));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(20));
        assert!((18..=20).contains(&with(&date).as_secs()), "{date}");
    }
}
