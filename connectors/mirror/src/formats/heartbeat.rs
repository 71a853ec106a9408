//! A sign of life of one flow.

use bytes::Bytes;

use super::Malformed;
use super::primitive::{Reader, Writer};

const VERSION: i16 = 0;

/// What MirrorHeartbeat says on the heartbeats topic, key and value together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Alias of the source.
    pub source: String,
    /// Alias of the target.
    pub target: String,
    /// Milliseconds since the epoch.
    pub timestamp_ms: i64,
}

impl Heartbeat {
    /// The record's key.
    pub fn key(&self) -> Bytes {
        Writer::default().string(&self.source).string(&self.target).done()
    }

    /// The record's value.
    pub fn value(&self) -> Bytes {
        Writer::default().int16(VERSION).int64(self.timestamp_ms).done()
    }

    /// Reads key and value. A version other than 0 is read as 0, as Kafka does.
    ///
    /// # Errors
    /// Bytes that end early, texts that are not UTF-8.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let (mut key, mut value) = (Reader(key), Reader(value));
        let source = key.string("sourceClusterAlias")?;
        let target = key.string("targetClusterAlias")?;
        value.int16("version")?;
        Ok(Self { source, target, timestamp_ms: value.int64("timestamp")? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::hex;
    use super::*;

    #[test]
    fn the_bytes_are_those_of_kafka() {
        let heartbeat = Heartbeat { source: "A".to_owned(), target: "B".to_owned(), timestamp_ms: 1_700_000_000_000 };
        assert_eq!(heartbeat.key(), hex("000141000142"));
        assert_eq!(heartbeat.value(), hex("00000000018bcfe56800"));
        assert_eq!(Heartbeat::read(&heartbeat.key(), &heartbeat.value()), Ok(heartbeat));
    }
}
