//! `RecordIsTombstone`: the record has no value, whatever its schema.

use sluice_api::config::ConfigDef;

use super::{Test, boxed};
use crate::plugin::BuiltInPredicate;
use crate::record::{ConnectRecord, Part};

pub(super) const PLUGIN: BuiltInPredicate = BuiltInPredicate {
    class: "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    definition: ConfigDef::new,
    create: |_| Ok(boxed(RecordIsTombstone)),
};

struct RecordIsTombstone;

impl Test for RecordIsTombstone {
    fn test<R: ConnectRecord>(&self, record: &R) -> bool {
        record.value(Part::Value).is_null()
    }
}
