//! The records of one set of objects: values with the keys and headers that were stored beside them.

use std::sync::Arc;

use sluice_api::{ConnectError, Headers, OffsetMap, Result, Schema, SourceRecord, Value};

use super::config::{RecordKey, SourceConfig};
use super::decode::{Decoded, InputFormat};
use super::listing::Job;
use super::offsets::{Names, Progress, partition};
use super::place::compression_of;
use super::stream::ObjectStream;
use crate::client::{Failure, Found, Store};

/// Objects that are being read.
pub(crate) struct Reading {
    job: Job,
    source_partition: Arc<OffsetMap>,
    values: Option<ObjectStream>,
    keys: Option<ObjectStream>,
    headers: Option<ObjectStream>,
    /// Records that were delivered, those before a restart included.
    records: u64,
}

impl Reading {
    /// Goes on where the job's progress says.
    ///
    /// # Errors
    /// `Connect`.
    pub(crate) fn open(job: Job, config: &SourceConfig, range_bytes: u64) -> Result<Self> {
        let progress = job.progress;
        let open = |found: &Option<Found>, format: &dyn Fn(&str) -> InputFormat, place| match found {
            None => Ok(None),
            Some(found) => {
                let (plain, by_name) = compression_of(&found.key);
                let compression = config.compression.unwrap_or(by_name);
                ObjectStream::open(found.clone(), &format(plain), compression, place, progress.records, range_bytes)
                    .map(Some)
            }
        };
        let beside = |plain: &str| match plain {
            plain if plain.ends_with(".json") => InputFormat::Json,
            plain if plain.ends_with(".avro") => InputFormat::Avro { options: config.avro.clone() },
            _ => InputFormat::Bytes { separator: config.separator.clone() },
        };
        let lead = job.values.is_some();
        Ok(Self {
            source_partition: Arc::new(partition(&config.store.bucket, &job.named.key)),
            values: open(&job.values, &|_| config.format.clone(), progress.resume)?,
            keys: open(&job.keys, &beside, progress.resume.filter(|_| !lead))?,
            headers: open(&job.headers, &beside, None)?,
            records: progress.records,
            job,
        })
    }

    pub(crate) fn key(&self) -> &str {
        &self.job.named.key
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Up to `limit` records; none at the end.
    ///
    /// # Errors
    /// The store's, and `Fatal` when the objects do not hold what they should.
    pub(crate) async fn batch(
        &mut self,
        store: &Store,
        config: &SourceConfig,
        names: &Names,
        limit: usize,
    ) -> Result<Vec<SourceRecord>, Failure> {
        let mut records = Vec::with_capacity(limit.min(1024));
        while records.len() < limit {
            // What is there goes first; the next range can wait for the next batch.
            if !records.is_empty() && self.streams().any(|stream| stream.ready() == 0) {
                break;
            }
            for stream in self.streams() {
                stream.fill(store).await?;
            }
            let ended = self.streams().filter(|stream| stream.is_done()).count();
            if ended > 0 {
                self.ends_together(ended)?;
                break;
            }
            records.push(self.record(config, names)?);
        }
        Ok(records)
    }

    fn streams(&mut self) -> impl Iterator<Item = &mut ObjectStream> {
        [&mut self.values, &mut self.keys, &mut self.headers].into_iter().flatten()
    }

    /// A record without its key would be another record (Invariant 3).
    fn ends_together(&mut self, ended: usize) -> Result<(), Failure> {
        let records = self.records;
        let all = self.streams().count();
        if ended == all {
            return Ok(());
        }
        let shorter = self.streams().find(|stream| stream.is_done()).map(|stream| stream.key().to_owned());
        Err(Failure::fatal(ConnectError::data(format!(
            "the object `{}` has only {records} records, and the objects of the same records beside it have more: they do not \
             belong together, restore the missing one",
            shorter.unwrap_or_default()
        ))))
    }

    fn record(&mut self, config: &SourceConfig, names: &Names) -> Result<SourceRecord, Failure> {
        let take = |stream: &mut Option<ObjectStream>| stream.as_mut().and_then(ObjectStream::take);
        let (value, key, headers) = (take(&mut self.values), take(&mut self.keys), take(&mut self.headers));
        self.records += 1;
        let resume = value.as_ref().or(key.as_ref()).map(|decoded| decoded.resume);
        let done = self.streams().all(|stream| stream.is_done());
        let offset = names.offset(Progress { records: self.records, resume, done });
        let (value_schema, value) = value.map_or((None, Value::Null), |decoded| (decoded.schema, decoded.value));
        let mut record =
            SourceRecord::new(self.source_partition.clone(), offset, self.job.topic.clone(), value_schema, value);
        record.partition = self.job.partition.filter(|_| config.keeps_partitions);
        (record.key_schema, record.key) = match (key, config.key) {
            (Some(decoded), _) => (decoded.schema, decoded.value),
            (None, RecordKey::None) => (None, Value::Null),
            (None, RecordKey::ObjectName) => {
                let name = self.job.named.key.clone().into_bytes();
                (Some(Schema::OPTIONAL_BYTES), Value::Bytes(name.into()))
            }
        };
        if let Some(decoded) = headers {
            record.headers = as_headers(&decoded).map_err(|problem| {
                let key = self.job.headers.as_ref().map_or("", |found| &found.key);
                Failure::fatal(ConnectError::data(format!("the object `{key}` {problem}")))
            })?;
        }
        Ok(record)
    }
}

/// `{"headers": [{"key": …, "value": …}]}`, as the sink writes them.
fn as_headers(decoded: &Decoded) -> std::result::Result<Headers, String> {
    let wrong = || "has a record without `headers`, a list of `key` and `value`".to_owned();
    let Value::Map(map) = &decoded.value else { return Err(wrong()) };
    let Some(Value::Array(items)) = map.get("headers") else { return Err(wrong()) };
    let mut headers = Headers::new();
    for item in items {
        let Value::Map(item) = item else { return Err(wrong()) };
        let Some(key) = item.get("key").and_then(Value::as_str) else { return Err(wrong()) };
        let value = item.get("value").cloned().unwrap_or_default();
        headers.add(key, schema_of(&value), value).map_err(|error| error.to_string())?;
    }
    Ok(headers)
}

fn schema_of(value: &Value) -> Option<Schema> {
    match value {
        Value::String(_) => Some(Schema::STRING),
        Value::Int64(_) => Some(Schema::INT64),
        Value::Float64(_) => Some(Schema::FLOAT64),
        Value::Boolean(_) => Some(Schema::BOOLEAN),
        _ => None,
    }
}
