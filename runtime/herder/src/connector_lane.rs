//! Jobs on one connector instance, one after the other, beside the herder's loop.
//!
//! Starting, stopping and asking for task configs run connector code, which may take long. The herder's loop puts such a job
//! into the connector's lane and goes on (Invariant 8); the lane keeps the order (Invariant 5: a stop is finished before the
//! start behind it). A stop does not wait for what it makes pointless: a start that hangs is given up when a stop comes.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Job {
    work: Work,
    /// The number of stops before it, when the next one makes it pointless; `None` when it must be done.
    before: Option<u64>,
}

struct Lane {
    jobs: mpsc::UnboundedSender<Job>,
    stops: watch::Sender<u64>,
    /// Jobs that are not done.
    pending: Arc<AtomicUsize>,
    driver: JoinHandle<()>,
}

/// The lanes of all connectors.
#[derive(Default)]
pub(crate) struct ConnectorLanes {
    lanes: BTreeMap<String, Lane>,
}

impl ConnectorLanes {
    /// Runs `job` after all earlier ones of `connector`. It is dropped, wherever it is, when a stop comes behind it.
    pub(crate) fn run(&mut self, connector: &str, job: impl Future<Output = ()> + Send + 'static) {
        let lane = self.lane(connector);
        let before = Some(*lane.stops.borrow());
        lane.push(Job { work: Box::pin(job), before });
    }

    /// Runs `job`, which stops the instance, as soon as earlier stops are finished; everything else before it is given up.
    pub(crate) fn stop(&mut self, connector: &str, job: impl Future<Output = ()> + Send + 'static) {
        let lane = self.lane(connector);
        lane.stops.send_modify(|stops| *stops += 1);
        lane.push(Job { work: Box::pin(job), before: None });
    }

    /// Gives up everything but stops, and waits for those.
    pub(crate) async fn close(&mut self) {
        let lanes: Vec<Lane> = std::mem::take(&mut self.lanes).into_values().collect();
        for lane in &lanes {
            lane.stops.send_modify(|stops| *stops += 1);
        }
        for Lane { jobs, driver, .. } in lanes {
            drop(jobs);
            if let Err(error) = driver.await {
                tracing::error!(%error, "a connector's lane ended unexpectedly");
            }
        }
    }

    /// Gives everything up, stops included: whatever they would do is of no use any more.
    pub(crate) fn abandon(&mut self) {
        for (_, lane) in std::mem::take(&mut self.lanes) {
            lane.driver.abort();
        }
    }

    fn lane(&mut self, connector: &str) -> &Lane {
        if !self.lanes.contains_key(connector) {
            // Idle lanes go when another connector comes, so that lanes of deleted connectors do not pile up.
            self.lanes.retain(|_, lane| lane.pending.load(Ordering::Acquire) > 0);
        }
        self.lanes.entry(connector.to_owned()).or_insert_with(Lane::open)
    }
}

impl Lane {
    fn open() -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let (stops, stops_rx) = watch::channel(0);
        let pending = Arc::new(AtomicUsize::new(0));
        let driver = tokio::spawn(drive(queue, stops_rx, pending.clone()));
        Self { jobs, stops, pending, driver }
    }

    fn push(&self, job: Job) {
        self.pending.fetch_add(1, Ordering::AcqRel);
        // The driver ends only when this sender is gone.
        drop(self.jobs.send(job));
    }
}

async fn drive(mut jobs: mpsc::UnboundedReceiver<Job>, mut stops: watch::Receiver<u64>, pending: Arc<AtomicUsize>) {
    while let Some(Job { work, before }) = jobs.recv().await {
        match before {
            None => work.await,
            Some(before) => tokio::select! {
                biased;
                Ok(_) = stops.wait_for(|stops| *stops > before) => {}
                () = work => {}
            },
        }
        pending.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    type Log = Arc<Mutex<Vec<&'static str>>>;

    fn job(log: &Log, name: &'static str, seconds: u64) -> impl Future<Output = ()> + Send + 'static {
        let log = log.clone();
        async move {
            sleep(Duration::from_secs(seconds)).await;
            log.lock().unwrap().push(name);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_of_one_connector_keep_their_order_and_do_not_hold_up_another() {
        let (log, mut lanes) = (Log::default(), ConnectorLanes::default());
        lanes.run("slow", job(&log, "first", 10));
        lanes.run("slow", job(&log, "second", 0));
        lanes.run("quick", job(&log, "other", 1));
        sleep(Duration::from_secs(11)).await;
        assert_eq!(*log.lock().unwrap(), ["other", "first", "second"]);
    }

    // Invariants 5 and 8.
    #[tokio::test(start_paused = true)]
    async fn a_stop_gives_up_a_hanging_start_and_is_itself_finished_before_the_next_start() {
        let (log, mut lanes, began) = (Log::default(), ConnectorLanes::default(), Instant::now());
        lanes.run("c", job(&log, "start that hangs", 90));
        lanes.run("c", job(&log, "start that waits", 0));
        sleep(Duration::from_secs(1)).await;
        lanes.stop("c", job(&log, "stop", 5));
        lanes.stop("c", job(&log, "another stop", 5));
        lanes.run("c", job(&log, "start", 0));
        lanes.run("d", job(&log, "other", 0));
        sleep(Duration::from_secs(11)).await;
        assert_eq!(*log.lock().unwrap(), ["other", "stop", "another stop", "start"]);
        assert!(began.elapsed() < Duration::from_secs(13));
    }

    #[tokio::test(start_paused = true)]
    async fn closing_waits_for_stops_and_starts_nothing_more() {
        let (log, mut lanes) = (Log::default(), ConnectorLanes::default());
        lanes.stop("c", job(&log, "stop", 5));
        lanes.run("c", job(&log, "start", 0));
        sleep(Duration::from_secs(1)).await;
        lanes.close().await;
        assert_eq!(*log.lock().unwrap(), ["stop"]);
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_of_connectors_that_are_gone_do_not_pile_up() {
        let (log, mut lanes) = (Log::default(), ConnectorLanes::default());
        for name in ["a", "b", "c"] {
            lanes.stop(name, job(&log, "stop", 0));
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(lanes.lanes.len(), 1);
    }
}
