//! The pace of requests: at most so many per second, evenly spaced, over all concurrent requests of a task.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// Gives out moments at which a request may begin.
pub(crate) struct Pace {
    /// `None` without limit.
    interval: Option<Duration>,
    next: Cell<Option<Instant>>,
}

impl Pace {
    /// Zero requests per second stand for no limit.
    pub(crate) fn per_second(requests: f64) -> Self {
        let interval = (requests > 0.0).then(|| Duration::from_secs_f64((1.0 / requests).min(3600.0)));
        Self { interval, next: Cell::new(None) }
    }

    /// Waits for the turn of this request. A turn that is given up is lost.
    pub(crate) async fn turn(&self) {
        let Some(interval) = self.interval else { return };
        let now = Instant::now();
        let at = self.next.get().map_or(now, |next| next.max(now));
        self.next.set(Some(at + interval));
        if at > now {
            tokio::time::sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_evenly() {
        let pace = Pace::per_second(4.0);
        let began = Instant::now();
        for _ in 0..9 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed().as_millis(), 2000);
    }
}
