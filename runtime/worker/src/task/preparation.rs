//! What comes before a source or carrier task is started: fencing and the stores of its offsets.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::ConnectError;
use sluice_kafka::ErrorKind;
use sluice_storage::OffsetBackingStore;

use super::RecordProducer;
use super::seat::TaskSeat;
use crate::events::TaskCheck;

/// How long one try to take the transactional id over waits.
const INIT_SLICE: Duration = Duration::from_secs(30);

/// The steps that the task's configs ask for.
#[derive(Default)]
pub(super) struct Preparation {
    /// Whether the task is exactly-once.
    pub(super) exactly_once: bool,
    /// The store on the connector's own offsets topic.
    pub(super) own_offsets: Option<Arc<dyn OffsetBackingStore>>,
}

impl Preparation {
    /// Fences, takes the transactional id over, makes sure that the task may go on, and reads the connector's own offsets, in this
    /// order; the page in the crate's documentation says why. `false` when told to stop first.
    ///
    /// # Errors
    /// The task must not run, or cannot.
    pub(super) async fn make(
        &self,
        seat: &mut TaskSeat,
        producer: Option<&dyn RecordProducer>,
    ) -> Result<bool, ConnectError> {
        if self.exactly_once {
            // Invariant 5.
            if !seat.check(TaskCheck::FenceZombies).await? {
                return Ok(false);
            }
            if let Some(producer) = producer
                && !take_over(seat, producer).await?
            {
                return Ok(false);
            }
            if !seat.check(TaskCheck::VerifyOwnership).await? {
                return Ok(false);
            }
        }
        let Some(store) = &self.own_offsets else { return Ok(true) };
        match seat.unless_stopped(store.start()).await {
            Some(started) => started.map(|()| true).map_err(|error| {
                ConnectError::new(error.kind(), format!("Failed to read the connector's offsets topic: {error}"))
                    .with_source(error)
            }),
            None => Ok(false),
        }
    }

    /// Closes what was opened.
    pub(super) async fn undo(&self) {
        if let Some(store) = &self.own_offsets {
            store.stop().await;
        }
    }
}

async fn take_over(seat: &mut TaskSeat, producer: &dyn RecordProducer) -> Result<bool, ConnectError> {
    loop {
        match seat.unless_stopped(producer.init_transactions(INIT_SLICE)).await {
            None => return Ok(false),
            Some(Ok(())) => return Ok(true),
            Some(Err(error)) if error.is_retriable() => {
                tracing::warn!(connector = seat.id.connector, task = seat.id.task, %error, "trying again");
            }
            Some(Err(error)) => {
                let hint = match error.kind() {
                    ErrorKind::UnsupportedByBroker => {
                        ": the Kafka cluster has no transactions, which exactly-once sources need; use Apache Kafka, or set \
                         `exactly.once.source.support` of the worker to `disabled`"
                    }
                    ErrorKind::Authorization => {
                        ": the principal of the connector's producer needs WRITE on the transactional id"
                    }
                    _ => "",
                };
                let text = format!("Failed to initialise the transactional producer of task {}{hint}", seat.id);
                return Err(ConnectError::connect(text).with_source(error));
            }
        }
    }
}
