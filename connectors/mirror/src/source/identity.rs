//! Notices a source topic that was deleted and created again: its new records must not follow the old ones as if nothing had been.
//!
//! The id of each topic is stored beside the offsets, under a partition of its own that MirrorMaker does not look at. It is compared when a
//! task starts, and every half minute after that. What was copied of the new topic in between is named by the error, not taken back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::{CarrierContext, ConnectError, OffsetMap, Result, Value};
use sluice_kafka::Admin;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::admin::failed;
use crate::config::{ClientRole, Side, SourceConfig};

const INTERVAL: Duration = Duration::from_secs(30);
/// What tells this partition from those with offsets.
const MARK: (&str, &str) = ("sluice", "topic.id");

/// Topics by name, with their ids where the cluster tells them.
pub(super) type Ids = HashMap<Arc<str>, String>;

/// What was found out at the start.
pub(super) struct Identities {
    pub(super) ids: Ids,
    /// Topics that were created again since their offsets were stored.
    pub(super) recreated: Vec<Arc<str>>,
}

/// Compares ids with those that are stored.
///
/// # Errors
/// A topic that was created again, unless the configuration says to go on; the stored ids cannot be read.
pub(super) async fn compare(
    context: &CarrierContext,
    config: &SourceConfig,
    topics: &[Arc<str>],
) -> Result<Identities> {
    let ids = ask(config, topics).await?;
    let partitions: Vec<OffsetMap> = topics.iter().map(|topic| partition(config, topic)).collect();
    let stored = context.offsets.offsets(&partitions).await?;
    let mut recreated = Vec::new();
    for (topic, stored) in topics.iter().zip(stored) {
        let before = stored.as_ref().and_then(|stored| stored.get(MARK.1));
        if let (Some(Value::String(before)), Some(now)) = (before, ids.get(topic))
            && &**before != now.as_str()
        {
            if !config.goes_on_when_recreated {
                return Err(was_recreated(config, topic, before, now));
            }
            let connector = &config.flow.name;
            tracing::warn!(connector, topic = &**topic, "the topic was created again and is copied from its start");
            recreated.push(Arc::clone(topic));
        }
    }
    Ok(Identities { ids, recreated })
}

/// Where the id of a topic is stored, and as what.
pub(super) fn stored_as(config: &SourceConfig, topic: &str, id: &str) -> (OffsetMap, OffsetMap) {
    (partition(config, topic), OffsetMap::single(MARK.1, Value::from(id)))
}

/// Goes on comparing until it is aborted; what comes out of the channel is that a topic was created again.
pub(super) fn watch(config: SourceConfig, ids: Ids) -> (JoinHandle<()>, oneshot::Receiver<ConnectError>) {
    let (found_tx, found_rx) = oneshot::channel();
    let watching = tokio::spawn(async move {
        let topics: Vec<Arc<str>> = ids.keys().cloned().collect();
        loop {
            sleep(INTERVAL).await;
            let Ok(now) = ask(&config, &topics).await else { continue };
            let differs = ids.iter().find_map(|(topic, before)| {
                let now = now.get(topic).filter(|now| *now != before)?;
                Some(was_recreated(&config, topic, before, now))
            });
            if let Some(error) = differs {
                // Nobody waits any more when the task has ended.
                drop(found_tx.send(error));
                return;
            }
        }
    });
    (watching, found_rx)
}

/// A cluster that does not tell ids, or cannot be reached now, gives none: the copier waits for it.
async fn ask(config: &SourceConfig, topics: &[Arc<str>]) -> Result<Ids> {
    let admin = Admin::new(&config.flow.clients.of(Side::Source, ClientRole::Admin, "replication-source-admin"));
    let admin = admin.map_err(|error| failed("creating an admin client", error))?;
    let names: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
    match admin.topic_ids(&names, config.flow.admin_timeout).await {
        Ok(ids) => Ok(topics.iter().cloned().zip(ids).filter_map(|(topic, id)| Some((topic, id?))).collect()),
        Err(error) => {
            let connector = &config.flow.name;
            tracing::warn!(connector, %error, "topics that are created again cannot be noticed for now");
            Ok(Ids::new())
        }
    }
}

fn partition(config: &SourceConfig, topic: &str) -> OffsetMap {
    OffsetMap::new([
        ("cluster".into(), Value::from(config.flow.source.as_str())),
        (MARK.0.into(), Value::from(MARK.1)),
        ("topic".into(), Value::from(topic)),
    ])
}

fn was_recreated(config: &SourceConfig, topic: &str, before: &str, now: &str) -> ConnectError {
    ConnectError::connect(format!(
        "topic {topic} of cluster {} was deleted and created again (its id was {before}, it is {now}): its records would follow those of \
         the old topic in {}. Set topic.recreated=continue to copy it from its start all the same, or delete the target topic and the \
         connector's offsets first",
        config.flow.source,
        config.remote(topic)
    ))
}
