//! How far an object is read: source partition `{bucket, objectKey}` and offset `{recordCount, …}`, as Aiven's source has them.

use std::sync::Arc;

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, OffsetMap, Result, Value};

use super::decode::Resume;

const BUCKET: &str = "bucket";
const OBJECT: &str = "objectKey";
const RECORDS: &str = "recordCount";
const POSITION: &str = "position";
const SKIP: &str = "skip";
const DONE: &str = "done";

/// What was delivered of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) records: u64,
    /// Where to go on; `None` in offsets of Aiven's connector.
    pub(crate) resume: Option<Resume>,
    /// Whether that was all.
    pub(crate) done: bool,
}

/// The source partition of an object.
pub(crate) fn partition(bucket: &str, key: &str) -> OffsetMap {
    OffsetMap::new([(Arc::from(BUCKET), Value::from(bucket)), (Arc::from(OBJECT), Value::from(key))])
}

/// Makes offsets with shared names.
pub(crate) struct Names([Arc<str>; 4]);

impl Default for Names {
    fn default() -> Self {
        Self([RECORDS, POSITION, SKIP, DONE].map(Arc::from))
    }
}

impl Names {
    pub(crate) fn offset(&self, progress: Progress) -> OffsetMap {
        let [records, position, skip, done] = &self.0;
        let number = |number: u64| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX));
        let resume = progress.resume.unwrap_or_default();
        let mut fields = vec![(records.clone(), number(progress.records))];
        if progress.done {
            fields.push((done.clone(), Value::Boolean(true)));
        } else if progress.resume.is_some() {
            fields.push((position.clone(), number(resume.position)));
            fields.push((skip.clone(), number(resume.skip)));
        }
        OffsetMap::new(fields)
    }
}

impl Progress {
    /// What a stored offset says.
    ///
    /// # Errors
    /// `Connect` when it is none of ours.
    pub(crate) fn read(stored: Option<&OffsetMap>, key: &str) -> Result<Self> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let number = |name: &str| {
            match stored.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => integer(value).map(Some).ok_or_else(|| {
                ConnectError::connect(format!(
                    "the stored offset of the object `{key}` has {value} as `{name}`: expected a number that is not negative. \
                     Alter or reset it over REST"
                ))
            }),
        }
        };
        let resume = number(POSITION)?.zip(Some(number(SKIP)?.unwrap_or_default()));
        Ok(Self {
            records: number(RECORDS)?.unwrap_or_default(),
            resume: resume.map(|(position, skip)| Resume { position, skip }),
            done: matches!(stored.get(DONE), Some(Value::Boolean(true))),
        })
    }
}

fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Int64(number) => u64::try_from(*number).ok(),
        Value::Int32(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// Whether altered offsets make sense.
///
/// # Errors
/// `Connect` that says what is wrong.
pub(crate) fn check(offsets: &AlteredOffsets) -> Result<bool> {
    for (partition, offset) in offsets {
        let Some(offset) = offset else { continue };
        let key = partition.as_ref().and_then(|partition| partition.get(OBJECT)).and_then(Value::as_str);
        let key = key.ok_or_else(|| {
            ConnectError::connect("Partition objects should contain the keys 'bucket' and 'objectKey'")
        })?;
        if offset.get(RECORDS).is_none() {
            return Err(ConnectError::connect("Offset objects should either be null or contain the key 'recordCount'"));
        }
        Progress::read(Some(offset), key)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back_and_aivens_are_understood() {
        let names = Names::default();
        for progress in [
            Progress { records: 5, resume: Some(Resume { position: 77, skip: 2 }), done: false },
            Progress { records: 5, resume: None, done: true },
        ] {
            assert_eq!(Progress::read(Some(&names.offset(progress)), "k").unwrap(), progress);
        }
        let aivens = OffsetMap::single("recordCount", 9i64);
        assert_eq!(Progress::read(Some(&aivens), "k").unwrap(), Progress { records: 9, ..Progress::default() });
    }

    #[test]
    fn altered_offsets_are_checked() {
        let altered = |partition, offset| vec![(Some(partition), Some(offset))];
        let here = || partition("b", "k");
        assert!(check(&altered(here(), OffsetMap::single(RECORDS, 3i64))).unwrap());
        let refused = |offsets| check(&offsets).unwrap_err().to_string();
        assert!(refused(altered(here(), OffsetMap::single("x", 3i64))).contains("'recordCount'"));
        assert!(refused(altered(here(), OffsetMap::single(RECORDS, -3i64))).contains("not negative"));
        assert!(refused(altered(OffsetMap::single("x", 1i64), OffsetMap::single(RECORDS, 3i64))).contains("objectKey"));
    }
}
