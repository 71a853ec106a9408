//! What is left of connectors and tasks that are gone: the leader removes their statuses.
//!
//! A status may be shown long after it was written, when its partition of the topic has no leader for a while, and one that was not
//! seen would stay for ever. So the leader reads to the end of what was written, beside the loop, before it looks.

use sluice_storage::State;
use tokio::time::timeout;
use tracing::debug;

use super::service::{Report, Service};

/// Where the leader's look at the statuses stands.
#[derive(Default, PartialEq)]
pub(super) enum StaleStatuses {
    #[default]
    Unasked,
    /// The status topic is being read to its end.
    Reading,
    /// It is, and something has stopped since: it will be read once more.
    ReadingAgain,
}

impl Service {
    /// Something is gone or has stopped: looks at the statuses as soon as all are shown that were written by now.
    pub(super) fn look_for_stale_statuses(&mut self) {
        if !self.resolved || self.require_leader().is_err() {
            return;
        }
        if self.stale_statuses != StaleStatuses::Unasked {
            self.stale_statuses = StaleStatuses::ReadingAgain;
            return;
        }
        self.stale_statuses = StaleStatuses::Reading;
        let (statuses, limit, reports) =
            (self.options.statuses.clone(), self.options.sync_timeout, self.reports.clone());
        self.beside(async move {
            if timeout(limit, statuses.settle()).await.is_err() {
                debug!("the status topic is not read to its end; looking at what is shown");
            }
            // Nobody receives when the worker is shutting down.
            drop(reports.send(Report::StatusesShown));
        });
    }

    /// What was written is shown.
    pub(super) fn statuses_shown(&mut self) {
        self.remove_stale_statuses();
        if std::mem::take(&mut self.stale_statuses) == StaleStatuses::ReadingAgain {
            self.look_for_stale_statuses();
        }
    }

    /// What has not stopped yet is left alone: its last status would come after the removal.
    fn remove_stale_statuses(&self) {
        if !self.resolved || self.require_leader().is_err() {
            return;
        }
        let snapshot = self.snapshot();
        for connector in self.options.statuses.connectors() {
            let known = snapshot.contains(&connector);
            let stopping = self.instances.contains_key(&connector)
                || self.stopping_instances.contains(&connector)
                || self.stopping.iter().any(|id| id.connector == connector);
            if !known && stopping {
                continue;
            }
            let count = if known { snapshot.task_counts.get(&connector).copied().unwrap_or(0) } else { 0 };
            let stale = self.options.statuses.tasks(&connector).into_iter();
            let stale = stale.filter(|task| task.id.task >= count && !self.stopping.contains(&task.id));
            stale.for_each(|task| self.options.reporter.task(&task.id, State::Destroyed, None, None));
            if !known {
                self.options.reporter.connector(&connector, State::Destroyed, None, None);
            }
        }
    }
}
