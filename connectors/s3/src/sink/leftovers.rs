//! Uploads that an earlier owner of a partition began and never completed: they cost storage and nobody sees them, so they are
//! named.

use sluice_api::TopicPartition;
use tracing::{debug, warn};

use super::names::Naming;
use super::partition::Shared;

/// How many are named; the rest is counted.
const NAMED: usize = 10;

/// Looks for them beside the task's work.
pub(super) fn report(shared: &Shared, partitions: &[TopicPartition]) {
    // Names by a template do not say whose they are.
    let Naming::Confluent(names) = &shared.config.names else { return };
    let mut by_topic = indexmap::IndexMap::<_, Vec<String>>::new();
    for TopicPartition { topic, partition } in partitions {
        let delimiter = &names.file_delimiter;
        by_topic.entry(topic.clone()).or_default().push(format!("{topic}{delimiter}{partition}{delimiter}"));
    }
    for (topic, files) in by_topic {
        let (store, prefix) = (shared.uploader.store().clone(), names.prefix(&topic));
        let delimiter = names.directory_delimiter.clone();
        tokio::spawn(async move {
            match store.unfinished(&prefix).await {
                // A right that is needed for nothing else.
                Err(failure) => debug!(prefix, error = %failure.error, "unfinished uploads cannot be listed"),
                Ok(uploads) => {
                    let ours = |key: &String| {
                        let file = key.rsplit_once(&delimiter).map_or(key.as_str(), |(_, file)| file);
                        files.iter().any(|start| file.starts_with(start))
                    };
                    let left: Vec<String> = uploads.into_iter().map(|(key, _)| key).filter(ours).collect();
                    if !left.is_empty() {
                        let (count, named) = (left.len(), left[..left.len().min(NAMED)].join(", "));
                        warn!(
                            count,
                            keys = named,
                            "uploads of an earlier run were never completed: their records are \
                            written again, and their parts are stored until a lifecycle rule aborts them"
                        );
                    }
                }
            }
        });
    }
}
