//! Writes a heartbeat each interval.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use sluice_api::{OffsetMap, Properties, Result, Schema, SourceRecord, SourceTask, SourceTaskContext, Value};
use tokio::time::{Instant, sleep_until};

use crate::config::HeartbeatConfig;
use crate::formats::Heartbeat;

/// Longest wait within a poll, so that offsets are flushed in between.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The task.
#[derive(Default)]
pub(super) struct MirrorHeartbeatTask {
    flow: Option<Flow>,
}

struct Flow {
    source: String,
    target: String,
    topic: Arc<str>,
    interval: Duration,
    partition: Arc<OffsetMap>,
    due: Instant,
}

#[async_trait(?Send)]
impl SourceTask for MirrorHeartbeatTask {
    async fn start(&mut self, _context: SourceTaskContext, properties: &Properties) -> Result<()> {
        let config = HeartbeatConfig::parse(properties)?;
        let interval = config.interval.unwrap_or(Duration::MAX).max(Duration::from_millis(100));
        let (source, target) = (config.flow.source, config.flow.target);
        let partition = OffsetMap::new([
            ("sourceClusterAlias".into(), Value::from(source.as_str())),
            ("targetClusterAlias".into(), Value::from(target.as_str())),
        ]);
        self.flow = Some(Flow {
            topic: config.flow.policy.heartbeats_topic().into(),
            due: Instant::now() + interval.min(Duration::from_secs(u32::MAX.into())),
            partition: Arc::new(partition),
            source,
            target,
            interval,
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let Some(flow) = &mut self.flow else { return Ok(Vec::new()) };
        let turn = Instant::now() + LONGEST_WAIT;
        sleep_until(flow.due.min(turn)).await;
        if Instant::now() < flow.due {
            return Ok(Vec::new());
        }
        flow.due = Instant::now() + flow.interval;
        Ok(vec![flow.heartbeat(now_ms())])
    }
}

impl Flow {
    fn heartbeat(&self, now_ms: i64) -> SourceRecord {
        let heartbeat = Heartbeat { source: self.source.clone(), target: self.target.clone(), timestamp_ms: now_ms };
        let offset = OffsetMap::single("offset", Value::Int64(0));
        let mut record = SourceRecord::new(
            self.partition.clone(),
            offset,
            self.topic.clone(),
            Some(Schema::BYTES),
            Value::from(heartbeat.value()),
        );
        record.key_schema = Some(Schema::BYTES);
        record.key = Value::from(heartbeat.key());
        record.partition = Some(0);
        record.timestamp_ms = Some(now_ms);
        record
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
