//! The Fetch request, served from the broker's SQLite file.
//!
//! Takes the place of the library's: that one sorts all the rest of a partition for every request, sleeps half of
//! `max_wait_ms` even when there are records, gives a record's headers to nobody after compaction, and asks for the
//! headers of each record one by one. Kept: a request ends as soon as `min_bytes` are there, at the latest after
//! `max_wait_ms`; an answer holds at most `max_bytes` and four megabytes, except that the first record always fits.

use std::{sync::Arc, time::Duration};

use rama::{Context, Service};
use tansu_broker::Error;
use tansu_sans_io::{
    ErrorCode, FetchRequest, FetchResponse, Frame,
    fetch_request::{FetchPartition, FetchTopic},
    fetch_response::{FetchableTopicResponse, PartitionData},
    record::{Header as RecordHeader, Record, deflated, inflated},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    database::{Database, Partition, Stored, TopicRef},
    routes::{Reporter, answer},
};

const MAX_BYTES: usize = 4 << 20;
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Serves Fetch; woken by `appended` whenever records were written.
pub(crate) struct FetchRoute {
    pub(crate) database: Arc<Database>,
    pub(crate) appended: watch::Receiver<u64>,
    pub(crate) reporter: Reporter,
}

/// What one pass over the requested partitions has found.
#[derive(Default)]
struct Pass {
    responses: Vec<FetchableTopicResponse>,
    bytes: usize,
    failed: bool,
}

impl Service<(), Frame> for FetchRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, _ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        let correlation_id = frame.correlation_id()?;
        let request = FetchRequest::try_from(frame.body)?;
        let response = FetchResponse::default()
            .throttle_time_ms(Some(0))
            .error_code(Some(ErrorCode::None.into()))
            .session_id(Some(0))
            .responses(Some(self.wait(&request).await?));
        Ok(answer(correlation_id, response))
    }
}

impl FetchRoute {
    async fn wait(&self, request: &FetchRequest) -> Result<Vec<FetchableTopicResponse>, Error> {
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let deadline = Instant::now() + wait.min(MAX_WAIT);
        let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0);
        let mut appended = self.appended.clone();
        loop {
            appended.mark_unchanged();
            let pass = self.pass(request).await?;
            if pass.failed || pass.bytes >= min_bytes {
                return Ok(pass.responses);
            }
            match timeout_at(deadline, appended.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(pass.responses),
            }
        }
    }

    async fn pass(&self, request: &FetchRequest) -> Result<Pass, Error> {
        let limit = request.max_bytes.and_then(|max| usize::try_from(max).ok());
        let limit = limit.unwrap_or(MAX_BYTES).min(MAX_BYTES);
        let mut pass = Pass::default();
        for topic in request.topics.iter().flatten() {
            let mut partitions = Vec::new();
            for partition in topic.partitions.iter().flatten() {
                partitions.push(self.partition(topic, partition, limit, &mut pass).await?);
            }
            pass.responses.push(
                FetchableTopicResponse::default()
                    .topic(topic.topic.clone())
                    .topic_id(topic.topic_id)
                    .partitions(Some(partitions)),
            );
        }
        Ok(pass)
    }

    async fn partition(
        &self,
        topic: &FetchTopic,
        wanted: &FetchPartition,
        limit: usize,
        pass: &mut Pass,
    ) -> Result<PartitionData, Error> {
        let (partition, records) = match self.read(topic, wanted, limit, pass.bytes).await {
            Ok(found) => found,
            Err(code) => {
                pass.failed = true;
                return Ok(partition_data(wanted.partition, code, None));
            }
        };
        pass.bytes += records.iter().map(size).sum::<usize>();
        let records = batch(records)?.map(|batch| deflated::Frame { batches: vec![batch] });
        Ok(partition_data(wanted.partition, ErrorCode::None, Some(&partition)).records(records))
    }

    async fn read(
        &self,
        topic: &FetchTopic,
        wanted: &FetchPartition,
        limit: usize,
        taken: usize,
    ) -> Result<(Partition, Vec<Stored>), ErrorCode> {
        let (name, missing) = match (&topic.topic, topic.topic_id) {
            (Some(name), _) => (TopicRef::Name(name), ErrorCode::UnknownTopicOrPartition),
            (None, Some(id)) => (TopicRef::Id(id), ErrorCode::UnknownTopicId),
            (None, None) => return Err(ErrorCode::InvalidRequest),
        };
        let failed = |error| self.reporter.storage_failed("reading records", &error);
        let partition = self.database.partition(&name, wanted.partition).await.map_err(failed)?;
        let partition = partition.ok_or(missing)?;
        if !(partition.low..=partition.high).contains(&wanted.fetch_offset) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let max = usize::try_from(wanted.partition_max_bytes).unwrap_or(0);
        let max = max.min(limit.saturating_sub(taken));
        if wanted.fetch_offset == partition.high || (max == 0 && taken > 0) {
            return Ok((partition, Vec::new()));
        }
        let records = self.database.read(&partition, wanted.fetch_offset, max, taken == 0).await;
        Ok((partition, records.map_err(failed)?))
    }
}

fn size(record: &Stored) -> usize {
    let bytes = |field: &Option<bytes::Bytes>| field.as_ref().map_or(0, bytes::Bytes::len);
    1 + bytes(&record.key) + bytes(&record.value)
}

fn partition_data(index: i32, code: ErrorCode, partition: Option<&Partition>) -> PartitionData {
    let (low, high) = partition.map_or((-1, -1), |partition| (partition.low, partition.high));
    PartitionData::default()
        .partition_index(index)
        .error_code(code.into())
        .high_watermark(high)
        .last_stable_offset(Some(high))
        .log_start_offset(Some(low))
        .aborted_transactions(Some(Vec::new()))
        .preferred_read_replica(Some(-1))
}

/// One uncompressed batch of all the records. Offsets may have gaps, as in any compacted log.
fn batch(records: Vec<Stored>) -> Result<Option<deflated::Batch>, Error> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else {
        return Ok(None);
    };
    let (base_offset, base_timestamp) = (first.offset, first.timestamp_ms);
    let max_timestamp = records.iter().map(|record| record.timestamp_ms).max();
    let mut batch = inflated::Batch::builder()
        .base_offset(base_offset)
        .base_timestamp(base_timestamp)
        .max_timestamp(max_timestamp.unwrap_or(base_timestamp))
        .last_offset_delta(delta(last.offset, base_offset)?)
        .producer_epoch(-1)
        .base_sequence(-1);
    for record in records {
        let mut builder = Record::builder()
            .offset_delta(delta(record.offset, base_offset)?)
            .timestamp_delta(record.timestamp_ms - base_timestamp)
            .key(record.key)
            .value(record.value);
        for (key, value) in record.headers {
            let header = RecordHeader::builder().key(key);
            builder = builder.header(match value {
                Some(value) => header.value(value),
                None => header,
            });
        }
        batch = batch.record(builder);
    }
    Ok(Some(deflated::Batch::try_from(batch.build()?)?))
}

fn delta(offset: i64, base: i64) -> Result<i32, Error> {
    Ok(i32::try_from(offset - base)?)
}
