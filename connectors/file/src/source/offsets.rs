//! Source partition and offset of a file, and whether altered ones make sense.

use std::sync::Arc;

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, OffsetMap, Result, Value};

use crate::config::SourceConfig;

const FILENAME: &str = "filename";
const POSITION: &str = "position";

/// `{"filename": file}`; null for the standard input.
pub(super) fn partition(file: Option<&str>) -> OffsetMap {
    OffsetMap::single(FILENAME, file.map_or(Value::Null, Value::from))
}

/// Makes `{"position": bytes}` with one allocation each.
pub(super) struct Positions {
    name: Arc<str>,
    tracked: bool,
}

impl Positions {
    /// `tracked` is false for the standard input, whose position is null.
    pub(super) fn new(tracked: bool) -> Self {
        Self { name: POSITION.into(), tracked }
    }

    pub(super) fn offset(&self, position: u64) -> OffsetMap {
        let position = i64::try_from(position).ok().filter(|_| self.tracked);
        OffsetMap::single(self.name.clone(), position.map_or(Value::Null, Value::Int64))
    }
}

/// The position in a stored offset, 0 when there is none.
pub(super) fn stored_position(offset: Option<&OffsetMap>) -> Result<u64> {
    let position = offset.and_then(|offset| offset.get(POSITION));
    match position {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Int64(position)) => u64::try_from(*position)
            .map_err(|_| ConnectError::connect(format!("Offset position is negative: {position}"))),
        Some(_) => Err(ConnectError::connect("Offset position is the incorrect type")),
    }
}

/// Checks altered offsets, in Kafka's words.
pub(super) fn check(config: &SourceConfig, offsets: &AlteredOffsets) -> Result<bool> {
    if config.file.is_none() {
        return Err(ConnectError::connect(
            "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input \
             and offsets are not tracked.",
        ));
    }
    for (partition, offset) in offsets {
        if let Some(offset) = offset {
            check_offset(offset)?;
            check_partition(partition.as_ref())?;
        }
    }
    Ok(true)
}

fn check_offset(offset: &OffsetMap) -> Result<()> {
    let mistake = match offset.get(POSITION) {
        None => "Offset objects should either be null or contain the key 'position'",
        Some(Value::Int64(position)) if *position < 0 => {
            "The value for the 'position' key in the offset should be a non-negative value"
        }
        Some(Value::Int64(_)) => return Ok(()),
        Some(_) => "The value for the 'position' key in the offset is expected to be a Long value",
    };
    Err(ConnectError::connect(mistake))
}

fn check_partition(partition: Option<&OffsetMap>) -> Result<()> {
    match partition {
        None => Err(ConnectError::connect("Partition objects cannot be null")),
        Some(partition) if partition.get(FILENAME).is_none() => {
            Err(ConnectError::connect("Partition objects should contain the key 'filename'"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(file: Option<&str>) -> SourceConfig {
        SourceConfig { file: file.map(str::to_owned), topic: "t".into(), batch_size: 1, line_ends: Default::default() }
    }

    fn altered(partition: Option<OffsetMap>, position: impl Into<Value>) -> AlteredOffsets {
        vec![(partition, Some(OffsetMap::single(POSITION, position)))]
    }

    #[test]
    fn right_offsets_and_tombstones_pass() {
        let file = config(Some("/f"));
        assert!(check(&file, &altered(Some(partition(Some("/f"))), 5i64)).unwrap());
        assert!(check(&file, &altered(Some(partition(Some("/other"))), 0i64)).unwrap());
        assert!(check(&file, &vec![(None, None)]).unwrap());
    }

    #[test]
    fn wrong_offsets_are_refused_in_kafkas_words() {
        let file = config(Some("/f"));
        let refused = |config: &SourceConfig, offsets: AlteredOffsets| check(config, &offsets).unwrap_err().to_string();
        let here = || Some(partition(Some("/f")));
        assert!(refused(&config(None), vec![]).starts_with("Offsets cannot be modified if the 'file' configuration"));
        assert_eq!(
            refused(&file, vec![(here(), Some(OffsetMap::single("x", 1i64)))]),
            "Offset objects should either be null or contain the key 'position'"
        );
        assert_eq!(
            refused(&file, altered(here(), 1i32)),
            "The value for the 'position' key in the offset is expected to be a Long value"
        );
        assert_eq!(
            refused(&file, altered(here(), -1i64)),
            "The value for the 'position' key in the offset should be a non-negative value"
        );
        assert_eq!(refused(&file, altered(None, 1i64)), "Partition objects cannot be null");
        assert_eq!(
            refused(&file, altered(Some(OffsetMap::single("x", "y")), 1i64)),
            "Partition objects should contain the key 'filename'"
        );
    }

    #[test]
    fn a_stored_position_is_a_long() {
        assert_eq!(stored_position(None).unwrap(), 0);
        assert_eq!(stored_position(Some(&OffsetMap::single(POSITION, 7i64))).unwrap(), 7);
        let error = stored_position(Some(&OffsetMap::single(POSITION, "7"))).unwrap_err();
        assert_eq!(error.to_string(), "Offset position is the incorrect type");
    }
}
