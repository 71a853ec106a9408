//! What the connectors do to topics of their own, and how an error of Kafka becomes one of a task.

use std::time::Duration;

use sluice_api::{ConnectError, ErrorKind};
use sluice_kafka::{Admin, NewTopic};

/// Creates an internal topic with one partition, compacted, unless it is there. As in MirrorMaker, a cluster that does not allow it is left
/// alone: the topic may be created by somebody else.
///
/// # Errors
/// The cluster did not do it for another reason.
pub(crate) async fn create_internal(
    admin: &Admin,
    topic: &str,
    replication_factor: i16,
    timeout: Duration,
) -> Result<(), sluice_kafka::Error> {
    let topic = NewTopic {
        name: topic.to_owned(),
        partitions: 1,
        replication_factor: replication_factor.into(),
        settings: [("cleanup.policy".to_owned(), "compact".to_owned())].into_iter().collect(),
    };
    match admin.create_topic(&topic, timeout).await {
        Err(error) if is_left_alone(&error) => {
            tracing::debug!(topic = topic.name, %error, "an internal topic was not created");
            Ok(())
        }
        outcome => outcome,
    }
}

fn is_left_alone(error: &sluice_kafka::Error) -> bool {
    use sluice_kafka::ErrorKind::{Authorization, TopicExists, UnsupportedByBroker};
    matches!(error.kind(), TopicExists | Authorization | UnsupportedByBroker)
}

/// An error that ends a task or a connector.
pub(crate) fn failed(what: &str, error: sluice_kafka::Error) -> ConnectError {
    let kind = match error.kind() {
        sluice_kafka::ErrorKind::Config => ErrorKind::Config,
        sluice_kafka::ErrorKind::Fenced => ErrorKind::Fenced,
        _ => ErrorKind::Connect,
    };
    ConnectError::new(kind, format!("{what}: {error}")).with_source(error)
}
