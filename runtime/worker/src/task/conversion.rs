//! Between Connect records and Kafka records: transforms and converters in Kafka's order.
//!
//! Plain functions on one record; what becomes of a failure is decided elsewhere. Without transforms and with converters that
//! pass bytes through, nothing is copied.

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, HeaderConverter, Headers, OffsetMap, SinkRecord, SourceRecord};
use sluice_kafka::{ConsumerRecord, ProducerRecord};

use crate::errors::{Failure, Stage};
use crate::transformation_chain::TransformationChain;

/// A converter with the name of its class.
pub(crate) struct Named<T: ?Sized> {
    pub(crate) class: &'static str,
    pub(crate) converter: Box<T>,
}

/// Transforms and converters of one task.
pub(crate) struct Conversion {
    pub(crate) chain: TransformationChain,
    pub(crate) key: Named<dyn Converter>,
    pub(crate) value: Named<dyn Converter>,
    pub(crate) header: Named<dyn HeaderConverter>,
}

/// Headers as Kafka has them.
type RawHeaders = Vec<(Arc<str>, Option<Bytes>)>;

/// A source record that is ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) record: ProducerRecord,
    pub(crate) source_partition: Arc<OffsetMap>,
    pub(crate) source_offset: OffsetMap,
    pub(crate) token: u64,
}

impl Conversion {
    /// Transforms, then converts headers, key and value; `None` when a transform dropped the record.
    pub(crate) fn outgoing(&mut self, mut record: SourceRecord) -> Result<Option<Outgoing>, Failure> {
        for step in &mut self.chain.steps {
            match step.apply_source(record) {
                Ok(Some(changed)) => record = changed,
                Ok(None) => return Ok(None),
                Err(error) => return Err(Failure { stage: Stage::Transformation, class: step.class.clone(), error }),
            }
        }
        let headers = self.outgoing_headers(&record.topic, &record.headers)?;
        let key = self.key.converter.from_connect_data(&record.topic, record.key_schema.as_ref(), &record.key);
        let key = key.map_err(|error| failure(Stage::KeyConverter, self.key.class, error))?;
        let value = self.value.converter.from_connect_data(&record.topic, record.value_schema.as_ref(), &record.value);
        let value = value.map_err(|error| failure(Stage::ValueConverter, self.value.class, error))?;
        let SourceRecord { topic, partition, timestamp_ms, source_partition, source_offset, token, .. } = record;
        let record = ProducerRecord { topic, partition, timestamp_ms, key, value, headers };
        Ok(Some(Outgoing { record, source_partition, source_offset, token }))
    }

    /// Converts key, value and headers, then transforms; `None` when a transform dropped the record.
    pub(crate) fn incoming(&mut self, raw: &ConsumerRecord) -> Result<Option<SinkRecord>, Failure> {
        let key = self.key.converter.to_connect_data(&raw.topic, raw.key.as_ref());
        let key = key.map_err(|error| failure(Stage::KeyConverter, self.key.class, error))?;
        let value = self.value.converter.to_connect_data(&raw.topic, raw.value.as_ref());
        let value = value.map_err(|error| failure(Stage::ValueConverter, self.value.class, error))?;
        let headers = self.incoming_headers(raw)?;
        let mut record = SinkRecord {
            topic: raw.topic.clone(),
            partition: raw.partition,
            offset: raw.offset,
            key_schema: key.schema,
            key: key.value,
            value_schema: value.schema,
            value: value.value,
            timestamp_ms: raw.timestamp_ms,
            timestamp_type: timestamp_type(raw.timestamp_type),
            headers,
            original: None,
        };
        if self.chain.is_empty() {
            return Ok(Some(record));
        }
        for step in &mut self.chain.steps {
            match step.apply_sink(record) {
                Ok(Some(changed)) => record = changed,
                Ok(None) => return Ok(None),
                Err(error) => return Err(Failure { stage: Stage::Transformation, class: step.class.clone(), error }),
            }
        }
        if record.topic != raw.topic || record.partition != raw.partition {
            record.original = Some(Box::new(sluice_api::TopicPartition::new(raw.topic.clone(), raw.partition)));
        }
        Ok(Some(record))
    }

    /// A record of a sink task's own making as it would stand in a topic; the offset is the one that it names.
    pub(crate) fn written(&mut self, record: &SinkRecord) -> Result<ConsumerRecord, Failure> {
        let SinkRecord { topic, key_schema, key, value_schema, value, headers, .. } = record;
        let headers = self.outgoing_headers(topic, headers)?;
        let key = self.key.converter.from_connect_data(topic, key_schema.as_ref(), key);
        let key = key.map_err(|error| failure(Stage::KeyConverter, self.key.class, error))?;
        let value = self.value.converter.from_connect_data(topic, value_schema.as_ref(), value);
        let value = value.map_err(|error| failure(Stage::ValueConverter, self.value.class, error))?;
        Ok(ConsumerRecord {
            topic: record.original_topic().clone(),
            partition: record.original_partition(),
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            timestamp_type: sluice_kafka::TimestampType::CreateTime,
            key,
            value,
            headers,
        })
    }

    fn outgoing_headers(&mut self, topic: &str, headers: &Headers) -> Result<RawHeaders, Failure> {
        let Named { class, converter } = &mut self.header;
        let convert = |header: &sluice_api::Header| {
            let bytes = converter.from_connect_header(topic, &header.key, header.schema.as_ref(), &header.value);
            Ok((header.key.clone(), bytes.map_err(|error| failure(Stage::HeaderConverter, class, error))?))
        };
        headers.iter().map(convert).collect()
    }

    fn incoming_headers(&mut self, raw: &ConsumerRecord) -> Result<Headers, Failure> {
        let Named { class, converter } = &mut self.header;
        let mut headers = Headers::new();
        for (key, bytes) in &raw.headers {
            let converted = converter.to_connect_header(&raw.topic, key, bytes.as_ref());
            converted
                .and_then(|header| headers.add(key.clone(), header.schema, header.value))
                .map_err(|error| failure(Stage::HeaderConverter, class, error))?;
        }
        Ok(headers)
    }
}

fn failure(stage: Stage, class: &str, error: ConnectError) -> Failure {
    Failure { stage, class: class.to_owned(), error }
}

fn timestamp_type(kind: sluice_kafka::TimestampType) -> sluice_api::TimestampType {
    match kind {
        sluice_kafka::TimestampType::None => sluice_api::TimestampType::NoTimestampType,
        sluice_kafka::TimestampType::CreateTime => sluice_api::TimestampType::CreateTime,
        sluice_kafka::TimestampType::LogAppendTime => sluice_api::TimestampType::LogAppendTime,
    }
}
