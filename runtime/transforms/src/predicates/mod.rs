//! The built-in predicates: whether a transformation applies to a record.

mod has_header_key;
mod record_is_tombstone;
mod topic_name_matches;

use sluice_api::{Predicate, Result, SinkRecord, SourceRecord};

use crate::plugin::BuiltInPredicate;
use crate::record::ConnectRecord;

/// Every predicate of this crate.
pub(crate) fn plugins() -> Vec<BuiltInPredicate> {
    vec![has_header_key::PLUGIN, record_is_tombstone::PLUGIN, topic_name_matches::PLUGIN]
}

/// A predicate, for records of both kinds (`Predicate<R extends ConnectRecord<R>>`).
trait Test: Send + 'static {
    fn test<R: ConnectRecord>(&self, record: &R) -> bool;
}

/// What the worker asks.
fn boxed<T: Test>(test: T) -> Box<dyn Predicate> {
    Box::new(Asked(test))
}

struct Asked<T>(T);

impl<T: Test> Predicate for Asked<T> {
    fn test_source(&mut self, record: &SourceRecord) -> Result<bool> {
        Ok(self.0.test(record))
    }

    fn test_sink(&mut self, record: &SinkRecord) -> Result<bool> {
        Ok(self.0.test(record))
    }
}

#[cfg(test)]
mod tests;
