//! The topics in which a sink task tells what became of its records: clients that are made when the task asks for them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::{Report, ReportTopic, Reports};
use sluice_api::{ConnectError, Properties};
use sluice_kafka::{Admin, NewTopic, Producer, ProducerRecord};

use super::outbox::{LIMITS, Outbox, Unsettled, create_if_missing};
use crate::config::ReportClients;

/// The reports of one task.
pub(crate) struct TaskReports {
    clients: ReportClients,
    timeout: Duration,
    outbox: OnceLock<Outbox>,
}

impl TaskReports {
    /// `timeout` is how long settling may take.
    pub(crate) fn new(clients: ReportClients, timeout: Duration) -> Self {
        Self { clients, timeout, outbox: OnceLock::new() }
    }
}

fn refused(lost: &str) -> ConnectError {
    ConnectError::connect(format!("a report of the task was not written: {lost}"))
}

#[async_trait]
impl Reports for TaskReports {
    async fn open(
        &self,
        topics: &[ReportTopic],
        producer: &Properties,
        admin: &Properties,
    ) -> Result<(), ConnectError> {
        let unusable = |error: sluice_kafka::Error| {
            let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
            ConnectError::connect(format!("the topics of reports {} cannot be used: {error}", names.join(", ")))
                .with_source(error)
        };
        let admin = Admin::new(&self.clients.admin(admin)).map_err(unusable)?;
        for topic in topics {
            let new = NewTopic {
                name: topic.name.clone(),
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                settings: Properties::new(),
            };
            create_if_missing(&admin, &new).await.map_err(unusable)?;
        }
        let producer = Producer::new(&self.clients.producer(producer), LIMITS).map_err(unusable)?;
        self.outbox
            .set(Outbox::new(Arc::new(producer)))
            .map_err(|_| ConnectError::connect("the task has opened its reports twice"))
    }

    fn send(&self, report: Report) -> Result<(), ConnectError> {
        let outbox = self.outbox.get().ok_or_else(|| refused("its topics were not opened"))?;
        let Report { topic, key, value, headers } = report;
        outbox.send(ProducerRecord { topic, partition: None, timestamp_ms: None, key, value, headers });
        outbox.lost().map_or(Ok(()), |lost| Err(refused(&lost)))
    }

    async fn settled(&self) -> Result<(), ConnectError> {
        let Some(outbox) = self.outbox.get() else { return Ok(()) };
        outbox.settle(self.timeout).await.map_err(|unsettled| match unsettled {
            Unsettled::Refused(lost) => refused(&lost),
            Unsettled::TimeOver => refused("the broker did not take it in time"),
        })
    }
}
