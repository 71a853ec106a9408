//! The sink task: everything that `put` is given has been delivered or reported when it returns.

use async_trait::async_trait;
use futures_util::future::join_all;
use sluice_api::{ConnectError, Properties, Result, SinkRecord, SinkTask, SinkTaskContext, TopicPartition};
use tokio::time::Instant;

use super::Parse;
use super::exchange::{Ended, Exchange, Fates};
use super::ledger::Ledger;
use super::outcomes::{Outcomes, Undelivered};
use super::rejects::Rejects;
use super::requests::Planner;
use super::settings::PATIENCE;
use crate::problems::Problems;

/// A task of either class.
pub(super) struct HttpSinkTask {
    parse: Parse,
    sending: Option<Sending>,
}

struct Sending {
    context: SinkTaskContext,
    planner: Planner,
    exchange: Exchange,
    ledger: Ledger,
    rejects: Rejects,
    outcomes: Outcomes,
}

impl HttpSinkTask {
    pub(super) fn new(parse: Parse) -> Self {
        Self { parse, sending: None }
    }

    fn sending(&mut self) -> Result<&mut Sending> {
        self.sending.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))
    }
}

#[async_trait(?Send)]
impl SinkTask for HttpSinkTask {
    async fn start(&mut self, context: SinkTaskContext, config: &Properties) -> Result<()> {
        let mut problems = Problems::default();
        let settings = (self.parse)(config, &mut problems);
        let settings = problems.into_result(settings)?;
        self.sending = Some(Sending {
            rejects: Rejects {
                on_error: settings.on_error,
                reporter: context.errant_records.clone(),
                connector: context.connector.clone(),
                task: context.task,
            },
            outcomes: Outcomes::open(settings.reports.clone(), &context).await?,
            planner: Planner::new(settings.clone())?,
            exchange: Exchange::new(settings)?,
            ledger: Ledger::default(),
            context,
        });
        Ok(())
    }

    async fn put(&mut self, records: &[SinkRecord]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let outcome = self.sending()?.put(records).await;
        // A failed task starts anew from what is committed.
        if !outcome.as_ref().is_err_and(|error| error.kind() == sluice_api::ErrorKind::Retriable) {
            self.sending()?.ledger.clear();
        }
        outcome
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.sending()?.ledger.forget(partitions);
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.sending = None;
        Ok(())
    }
}

impl Sending {
    async fn put(&self, records: &[SinkRecord]) -> Result<()> {
        let outcome = self.deliver(records).await;
        // Invariant 3: what a failed task has told of its records is there before it ends, too.
        let settled = self.outcomes.settled().await;
        outcome.and(settled)
    }

    async fn deliver(&self, records: &[SinkRecord]) -> Result<()> {
        let (ledger, rejects) = (&self.ledger, &self.rejects);
        let fates = Fates { ledger, rejects, outcomes: &self.outcomes };
        let failed = |record: &SinkRecord, error: ConnectError| {
            let reason = error.to_string();
            fates.failed(record, "", &Undelivered { url: "", payload: &[], answer: None, reason: &reason })
        };
        let lanes = self.planner.lanes(records, |record| ledger.is_done(record), failed)?;
        let patience = Instant::now() + PATIENCE;
        let running = lanes.into_iter().map(|lane| self.exchange.run(lane, records, fates, patience));
        let mut later: Option<(std::time::Duration, String)> = None;
        for ended in join_all(running).await {
            if let Ended::Later(pause, reason) = ended?
                && later.as_ref().is_none_or(|(shortest, _)| pause < *shortest)
            {
                later = Some((pause, reason));
            }
        }
        match later {
            None => Ok(()),
            Some((pause, reason)) => {
                self.context.timeout(pause);
                Err(ConnectError::retriable(format!("{reason}; the next attempt is in {} ms", pause.as_millis())))
            }
        }
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
