//! The topic of a log: created when it is missing, checked when it is there.

use std::time::Duration;

use super::options::LogOptions;
use crate::admin::Admin;
use crate::error::{Error, ErrorKind};

const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// One try to make sure that the topic is there and fit; its partition count.
///
/// # Errors
/// Retriable ones, and those that no retry can mend: a topic that is not compacted, or has too many partitions.
pub(super) async fn ensure(admin: &Admin, options: &LogOptions) -> Result<i32, Error> {
    if partitions(admin, options).await?.is_none() {
        create(admin, options).await?;
    } else {
        check_cleanup_policy(admin, options).await?;
    }
    match partitions(admin, options).await? {
        Some(count) if count > 1 && options.single_partition => Err(mismatch(
            options,
            &format!("must have exactly one partition, but has {count}: records of one key must stay in order"),
        )),
        Some(count) => Ok(count),
        None => Err(Error::new(ErrorKind::Unavailable, format!("topic {} has no leader yet", options.topic))),
    }
}

/// `None` while the topic, or a leader of it, is missing.
async fn partitions(admin: &Admin, options: &LogOptions) -> Result<Option<i32>, Error> {
    let found = admin.describe_topics(&[&options.topic], CALL_TIMEOUT).await?;
    Ok(found.first().filter(|topic| topic.has_leaders).map(|topic| topic.partitions))
}

async fn create(admin: &Admin, options: &LogOptions) -> Result<(), Error> {
    match admin.create_topic(&options.new_topic(), CALL_TIMEOUT).await {
        Ok(()) => {
            tracing::info!(topic = options.topic, "created an internal topic");
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::TopicExists => check_cleanup_policy(admin, options).await,
        // Whoever may not create topics relies on somebody who made it.
        Err(error) if matches!(error.kind(), ErrorKind::Authorization | ErrorKind::UnsupportedByBroker) => {
            tracing::info!(topic = options.topic, %error, "the topic must exist: it cannot be created from here");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn check_cleanup_policy(admin: &Admin, options: &LogOptions) -> Result<(), Error> {
    match admin.topic_settings(&options.topic, CALL_TIMEOUT).await {
        Ok(settings) => match settings.get("cleanup.policy").map(String::as_str) {
            Some("compact") | None => Ok(()),
            Some(policy) => Err(mismatch(
                options,
                &format!(
                    "must have `cleanup.policy=compact`, but has `cleanup.policy={policy}`: old records in it would be lost"
                ),
            )),
        },
        Err(error) if matches!(error.kind(), ErrorKind::Authorization | ErrorKind::UnsupportedByBroker) => {
            tracing::info!(topic = options.topic, %error, "cannot check the cleanup policy of an internal topic");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn mismatch(options: &LogOptions, what: &str) -> Error {
    Error::new(ErrorKind::TopicMismatch, format!("topic {} (`{}`) {what}", options.topic, options.topic_property))
}

/// Whether waiting can mend it. A replication factor becomes possible when brokers come up.
pub(super) fn is_worth_waiting(error: &Error) -> bool {
    error.is_retriable() || error.kind() == ErrorKind::InvalidReplication
}
