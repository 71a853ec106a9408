//! Group `connect-worker-rebalance-metrics` (connect-worker.md 6).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_worker::Metrics;
use tokio::time::Instant;

use crate::group::ProtocolVersion;

const GROUP: &str = "connect-worker-rebalance-metrics";

/// `metrics.sample.window.ms` × `metrics.num.samples` with their defaults.
const WINDOW: Duration = Duration::from_secs(60);

/// What the loop notes and the handle exports. A rebalance lasts from the assignment to the start of the work.
#[derive(Clone, Default)]
pub(super) struct RebalanceMetrics(Arc<Mutex<Rebalances>>);

#[derive(Default)]
struct Rebalances {
    protocol: Option<&'static str>,
    leader_url: Option<String>,
    epoch: i32,
    began: Option<Instant>,
    completed: u32,
    last_completed: Option<Instant>,
    /// When each of the last ones was completed, and how long it took.
    recent: VecDeque<(Instant, Duration)>,
}

impl RebalanceMetrics {
    /// An assignment has come. One that comes before the last was worked off goes on with it.
    pub(super) fn assigned(&self, generation: i32, version: ProtocolVersion, leader_url: &str) {
        let mut rebalances = self.lock();
        rebalances.protocol = Some(shown(version));
        rebalances.leader_url = Some(leader_url.to_owned());
        rebalances.epoch = generation;
        rebalances.began.get_or_insert_with(Instant::now);
    }

    /// What was assigned is being started.
    pub(super) fn completed(&self) {
        let (mut rebalances, now) = (self.lock(), Instant::now());
        let Some(began) = rebalances.began.take() else { return };
        rebalances.completed += 1;
        rebalances.last_completed = Some(now);
        rebalances.forget_before(now);
        rebalances.recent.push_back((now, now - began));
    }

    /// Brings `metrics` up to date.
    pub(super) fn export(&self, metrics: &Metrics) {
        let (mut rebalances, now) = (self.lock(), Instant::now());
        rebalances.forget_before(now);
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        let times: Vec<f64> = rebalances.recent.iter().map(|(_, took)| millis(*took)).collect();
        let average = times.iter().sum::<f64>() / times.len() as f64;
        let since_last = rebalances.last_completed.map_or(f64::INFINITY, |last| millis(now - last));
        for (attribute, value) in [
            ("epoch", f64::from(rebalances.epoch)),
            ("completed-rebalances-total", f64::from(rebalances.completed)),
            ("rebalancing", f64::from(u8::from(rebalances.began.is_some()))),
            ("rebalance-max-time-ms", times.iter().copied().fold(f64::NAN, f64::max)),
            ("rebalance-avg-time-ms", average),
            ("time-since-last-rebalance-ms", since_last),
        ] {
            metrics.set(GROUP, attribute, value);
        }
        if let (Some(protocol), Some(leader)) = (rebalances.protocol, &rebalances.leader_url) {
            metrics.set_text(GROUP, "connect-protocol", protocol);
            metrics.set_text(GROUP, "leader-name", leader);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rebalances> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rebalances {
    fn forget_before(&mut self, now: Instant) {
        self.recent.retain(|(completed, _)| now - *completed < WINDOW);
    }
}

fn shown(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::V0 => "EAGER",
        ProtocolVersion::V1 => "COMPATIBLE",
        ProtocolVersion::V2 => "SESSIONED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rebalance_lasts_from_the_assignment_to_the_start_of_the_work() {
        let (rebalances, metrics) = (RebalanceMetrics::default(), Metrics::new());
        let text = |metrics: &Metrics| {
            rebalances.export(metrics);
            metrics.render().replace("kafka_connect_connect_worker_rebalance_metrics_", "")
        };
        assert!(text(&metrics).contains("\ntime_since_last_rebalance_ms +Inf\n"));
        rebalances.assigned(7, ProtocolVersion::V2, "http://a:8083/");
        tokio::time::advance(Duration::from_millis(250)).await;
        assert!(text(&metrics).contains("\nrebalancing 1\n"));
        rebalances.completed();
        tokio::time::advance(Duration::from_secs(2)).await;
        let shown = text(&metrics);
        for line in [
            "connect_protocol{connect_protocol=\"SESSIONED\"} 1",
            "leader_name{leader_name=\"http://a:8083/\"} 1",
            "epoch 7",
            "completed_rebalances_total 1",
            "rebalancing 0",
            "rebalance_max_time_ms 250",
            "rebalance_avg_time_ms 250",
            "time_since_last_rebalance_ms 2000",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
        }
        tokio::time::advance(WINDOW).await;
        assert!(text(&metrics).contains("\nrebalance_avg_time_ms NaN\n"));
    }
}
