//! Ids of producers that are no part of a transaction, and what a broker remembers of them.

use std::time::Duration;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{DescribeProducersRequest, InitProducerIdRequest, ProducerId, TopicName};

use super::api::Api;
use super::cluster::{Cluster, text};
use super::connection::Connection;
use super::error::Error;

/// A new producer id with its epoch, from any broker. Tries once.
pub(crate) async fn producer_id(cluster: &Cluster) -> Result<(i64, i16), Error> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(i32::MAX)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let mut connection = cluster.any_broker().await?;
    let answer = connection.call(&request, cluster.config().request_timeout).await?;
    Error::check(InitProducerIdRequest::NAME, "an idempotent producer", answer.error_code)?;
    Ok((answer.producer_id.0, answer.producer_epoch))
}

/// The sequence that the broker at `address` has seen last of this producer in a partition that it leads; `None` when it knows nothing of
/// it. Tries once.
pub(crate) async fn last_sequence(
    cluster: &Cluster,
    address: &str,
    (topic, partition): (&str, i32),
    (id, epoch): (i64, i16),
    patience: Duration,
) -> Result<Option<i32>, Error> {
    let opened = Connection::open(address, cluster.config()).await;
    let mut connection = opened.map_err(|reason| Error::unreachable(vec![(address.to_owned(), reason)]))?;
    let wanted = TopicRequest::default().with_name(TopicName(text(topic))).with_partition_indexes(vec![partition]);
    let request = DescribeProducersRequest::default().with_topics(vec![wanted]);
    let answer = connection.call(&request, patience).await?;
    let mut last = None;
    for found in answer.topics.into_iter().flat_map(|topic| topic.partitions) {
        Error::check(DescribeProducersRequest::NAME, &format!("{topic}-{partition}"), found.error_code)?;
        let own = found.active_producers.into_iter();
        let mut own = own.filter(|it| it.producer_id.0 == id && it.producer_epoch == i32::from(epoch));
        last = own.next().map(|it| it.last_sequence).filter(|sequence| *sequence >= 0);
    }
    Ok(last)
}
