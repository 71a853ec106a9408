//! Records between connectors and the worker, their headers, and the maps that source offsets are made of.

mod headers;
mod offset_map;
mod sink;
mod source;

pub use headers::{Header, Headers};
pub use offset_map::OffsetMap;
pub use sink::{SinkRecord, TimestampType, TopicPartition};
pub use source::SourceRecord;
