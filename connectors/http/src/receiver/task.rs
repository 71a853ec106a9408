//! The task: requests to records, acknowledgements to answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytestring::ByteString;
use sluice_api::connector::CommittedRecord;
use sluice_api::{
    ConnectError, OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::{debug, info};

use super::config::{Body, ReceiverSettings, parse};
use super::desk::{Arrival, Desk, Fate};
use super::server::Listening;
use crate::problems::Problems;

/// How long a poll waits before it returns without records.
const POLL_WAIT: Duration = Duration::from_millis(500);
/// The same while somebody waits for an answer: acknowledgements are told between polls alone.
const SHORT_WAIT: Duration = Duration::from_millis(2);
const MAX_RECORDS: usize = 1_000;
/// How long answers may take on their way when the task stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// A task that listens.
#[derive(Default)]
pub(super) struct ReceiverTask {
    receiving: Option<Receiving>,
}

struct Receiving {
    settings: ReceiverSettings,
    desk: Arc<Desk>,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    listener: JoinHandle<()>,
    /// Who waits for which record, by its token.
    waiting: HashMap<u64, oneshot::Sender<Fate>>,
    next_token: u64,
    /// Partition and offset say nothing; a record has to have them.
    place: (Arc<OffsetMap>, OffsetMap),
}

#[async_trait(?Send)]
impl SourceTask for ReceiverTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let mut problems = Problems::default();
        let settings = parse(config, &mut problems);
        let settings = problems.into_result(settings)?;
        let (desk, arrivals) = Desk::new(context.memory.clone(), settings.max_pending);
        let listening = Arc::new(Listening::new(settings.clone(), desk.clone())?);
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            ConnectError::connect(format!("`listen` {}: {error}", settings.listen)).with_source(error)
        })?;
        info!(listen = %settings.listen, "receiving requests");
        let address = Value::from(settings.listen.to_string());
        self.receiving = Some(Receiving {
            desk,
            arrivals,
            listener: tokio::spawn(listening.serve(listener)),
            waiting: HashMap::new(),
            next_token: 0,
            place: (Arc::new(OffsetMap::single("listen", address)), OffsetMap::single("received", Value::Int64(0))),
            settings,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let receiving = self.receiving.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        let wait = if receiving.waiting.is_empty() { POLL_WAIT } else { SHORT_WAIT };
        let Ok(Some(first)) = timeout(wait, receiving.arrivals.recv()).await else { return Ok(Vec::new()) };
        let mut records = vec![receiving.record(first)];
        while records.len() < MAX_RECORDS
            && let Ok(arrival) = receiving.arrivals.try_recv()
        {
            records.push(receiving.record(arrival));
        }
        Ok(records)
    }

    fn wants_committed_records(&self) -> bool {
        true
    }

    async fn commit_records(&mut self, records: &[CommittedRecord]) -> Result<()> {
        let Some(receiving) = &mut self.receiving else { return Ok(()) };
        for record in records {
            let Some(reply) = receiving.waiting.remove(&record.token) else { continue };
            let stored = |(partition, offset)| Fate::Stored { partition, offset };
            if reply.send(record.position.map_or(Fate::Dropped, stored)).is_err() {
                debug!("the sender of a record has gone away, and sends it again");
            }
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        let Some(receiving) = self.receiving.take() else { return Ok(()) };
        receiving.desk.close();
        // Those who still wait are told to come again.
        drop((receiving.waiting, receiving.arrivals));
        let until = Instant::now() + FAREWELL;
        while receiving.desk.pending() > 0 && Instant::now() < until {
            tokio::time::sleep(SHORT_WAIT).await;
        }
        tokio::time::sleep(SHORT_WAIT).await;
        receiving.listener.abort();
        Ok(())
    }
}

impl Receiving {
    fn record(&mut self, arrival: Arrival) -> SourceRecord {
        let Arrival { key, body, headers, reply } = arrival;
        let text = match self.settings.body {
            Body::Text => ByteString::try_from(body.clone()).ok(),
            Body::Bytes => None,
        };
        let (schema, value) = match text {
            Some(text) => (Schema::STRING, Value::String(text)),
            None => (Schema::BYTES, Value::Bytes(body)),
        };
        let (partition, offset) = (self.place.0.clone(), self.place.1.clone());
        let mut record = SourceRecord::new(partition, offset, self.settings.topic.clone(), Some(schema), value);
        if let Some(key) = key {
            (record.key_schema, record.key) = (Some(Schema::STRING), key.into());
        }
        for (name, value) in headers {
            // A header of text without a schema always fits.
            record.headers.add(name.as_str(), None, value.into()).unwrap_or_default();
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        record.timestamp_ms = i64::try_from(since.as_millis()).ok();
        record.token = self.next_token;
        self.waiting.insert(self.next_token, reply);
        self.next_token += 1;
        record
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
