//! `schema.compatibility`: which changes of the schema complete the open objects.

use sluice_api::{Result, Schema, SinkRecord};

use crate::partitioner::record_error;

/// The mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compatibility {
    /// Every change.
    None,
}

impl Compatibility {
    /// The mode of that name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name.to_uppercase().as_str() {
            "NONE" => Ok(Self::None),
            _ => {
                Err("this mode is not supported yet: with NONE every change of the schema completes the objects".into())
            }
        }
    }

    /// Whether a record cannot go into objects of values of the schema `open`.
    ///
    /// # Errors
    /// `Data` when records with and without schema are mixed.
    #[inline]
    pub(crate) fn ends_file(self, record: &SinkRecord, open: Option<&Schema>) -> Result<bool> {
        match (&record.value_schema, open) {
            (None, None) => Ok(false),
            (Some(schema), Some(open)) => Ok(schema != open),
            _ => Err(record_error(
                record,
                "has a schema where others have none, or none where others have one: one topic holds one kind",
            )),
        }
    }
}
