//! For tests of the source: objects of the sink.

use sluice_api::testkit::{Delivery, SinkDriver};
use sluice_api::{SinkRecord, TopicPartition};

use super::task::S3SinkTask;
use crate::testing::{FakeStore, sink_properties};

/// Writes `records` with the sink under Confluent's names.
pub(crate) async fn written_by_the_sink(store: &FakeStore, more: &[(&str, &str)], records: &[SinkRecord]) {
    let mut driver = SinkDriver::start(Box::<S3SinkTask>::default(), &sink_properties(store, more)).await.unwrap();
    driver.open(&[TopicPartition::new("t", 0), TopicPartition::new("t", 1)]).await.unwrap();
    assert!(matches!(driver.put(records).await.unwrap(), Delivery::Taken));
    driver.commit().await.unwrap();
}
