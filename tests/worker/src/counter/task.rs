//! The task: numbers with an offset each, and the name of the one that counts.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::TransactionContext;
use sluice_api::{
    ConnectError, Header, OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value,
};
use tokio::time::{Instant, sleep_until};

use super::config::CounterConfig;

/// How long a task that has counted to its end waits in a poll.
const IDLE: Duration = Duration::from_secs(1);

/// Starts of tasks in this process.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// A task that counts.
#[derive(Default)]
pub(super) struct CounterTask {
    counting: Option<Counting>,
}

struct Counting {
    config: CounterConfig,
    task: u32,
    partition: Arc<OffsetMap>,
    owner: Header,
    next: i64,
    due: Instant,
    /// With `transaction.boundary=connector`.
    transactions: Option<TransactionContext>,
}

#[async_trait(?Send)]
impl SourceTask for CounterTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let config = CounterConfig::parse(config)?;
        let fields = [("topic", Value::from(&*config.topic)), ("task", Value::Int64(context.task.into()))];
        let partition: OffsetMap = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let stored = context.offsets.offsets(std::slice::from_ref(&partition)).await?.into_iter().next().flatten();
        let next = match stored.as_ref().map(|offset| offset.get("next")) {
            None => 0,
            Some(Some(Value::Int64(next))) => *next,
            Some(other) => return Err(ConnectError::connect(format!("the stored offset has no number: {other:?}"))),
        };
        let owner = format!("{}/{}", process::id(), STARTS.fetch_add(1, Ordering::Relaxed));
        self.counting = Some(Counting {
            config,
            task: context.task,
            partition: Arc::new(partition),
            owner: Header { key: "owner".into(), schema: Some(Schema::STRING), value: Value::from(owner) },
            next,
            due: Instant::now(),
            transactions: context.transactions,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let counting = self.counting.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        if counting.next >= counting.config.count {
            tokio::time::sleep(IDLE).await;
            return Ok(Vec::new());
        }
        sleep_until(counting.due.min(Instant::now() + IDLE)).await;
        if Instant::now() < counting.due {
            return Ok(Vec::new());
        }
        // What was missed, for example by a process that was stopped, is not made up for.
        counting.due = Instant::now() + counting.config.interval;
        counting.batch()
    }
}

impl Counting {
    fn batch(&mut self) -> Result<Vec<SourceRecord>> {
        let end = self.config.count.min(self.next + self.config.batch_size);
        let batch = (self.next..end).map(|number| self.record(number)).collect();
        if let Some(transactions) = &self.transactions {
            (self.next..end).for_each(|number| self.end_transaction(transactions, number));
        }
        self.next = end;
        batch
    }

    /// Ends the transaction of the record that is the last one in it.
    fn end_transaction(&self, transactions: &TransactionContext, number: i64) {
        let (transaction, at) = (number / self.config.transaction_size, number % self.config.transaction_size);
        if at + 1 < self.config.transaction_size {
            return;
        }
        match self.config.aborted {
            Some(every) if transaction % every == every - 1 => transactions.abort_transaction_on(number.unsigned_abs()),
            _ => transactions.commit_transaction_on(number.unsigned_abs()),
        }
    }

    fn record(&self, number: i64) -> Result<SourceRecord> {
        let mut record = SourceRecord::new(
            self.partition.clone(),
            OffsetMap::single("next", number + 1),
            self.config.topic.clone(),
            Some(Schema::STRING),
            Value::from(format!("task {} number {number}.", self.task)),
        );
        let Header { key, schema, value } = self.owner.clone();
        record.headers.add(key, schema, value)?;
        record.partition = i32::try_from(self.task).ok();
        record.token = number.unsigned_abs();
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::check_source_resumes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counting_goes_on_behind_the_stored_number() {
        let config = [("topic", "numbers"), ("count", "50")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let checked = check_source_resumes(|| Box::new(CounterTask::default()), &config.into(), 50).await;
        assert!(checked.is_ok(), "{checked:?}");
    }
}
