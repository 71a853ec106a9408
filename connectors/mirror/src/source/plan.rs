//! Who copies what, and what the target lacks.

use std::collections::HashMap;

use sluice_api::Properties;
use sluice_kafka::{TopicDescription, TopicPartition};

use crate::config::{ASSIGNED_PARTITIONS, SourceConfig, TASK_INDEX};

/// What the target lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// A topic with so many partitions.
    Topic { source: String, remote: String, partitions: i32 },
    /// Partitions, up to so many.
    Partitions { remote: String, total: i32 },
}

/// The partitions of every topic that is copied, in the order in which the cluster lists them.
pub(crate) fn partitions(config: &SourceConfig, source: &[TopicDescription]) -> Vec<TopicPartition> {
    let copied = source.iter().filter(|topic| config.copies(&topic.name));
    let each =
        copied.flat_map(|topic| (0..topic.partitions).map(|number| TopicPartition::new(topic.name.as_str(), number)));
    each.collect()
}

/// What has to be created before records can be written. A topic that is larger on the target is left alone.
pub(super) fn missing(config: &SourceConfig, source: &[TopicDescription], target: &[TopicDescription]) -> Vec<Missing> {
    let there: HashMap<&str, i32> = target.iter().map(|topic| (topic.name.as_str(), topic.partitions)).collect();
    let mut missing = Vec::new();
    for topic in source.iter().filter(|topic| config.copies(&topic.name)) {
        let remote = config.remote(&topic.name);
        match there.get(remote.as_str()) {
            None => missing.push(Missing::Topic { source: topic.name.clone(), remote, partitions: topic.partitions }),
            Some(partitions) if *partitions < topic.partitions => {
                missing.push(Missing::Partitions { remote, total: topic.partitions });
            }
            Some(_) => {}
        }
    }
    missing
}

/// Deals partitions to tasks, one after the other.
pub(super) fn deal(properties: &Properties, partitions: &[TopicPartition], max_tasks: usize) -> Vec<Properties> {
    let tasks = max_tasks.min(partitions.len());
    let task = |index: usize| {
        let own = partitions.iter().skip(index).step_by(tasks).map(ToString::to_string).collect::<Vec<_>>();
        let mut task = properties.clone();
        task.insert(ASSIGNED_PARTITIONS.to_owned(), own.join(","));
        task.insert(TASK_INDEX.to_owned(), index.to_string());
        task
    };
    (0..tasks).map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, partitions: i32) -> TopicDescription {
        TopicDescription { name: name.to_owned(), partitions, replication_factor: 1, has_leaders: true }
    }

    fn config() -> SourceConfig {
        let keys = [("source.cluster.alias", "A"), ("target.cluster.alias", "B")];
        SourceConfig::parse(&keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into()).expect("valid")
    }

    #[test]
    fn partitions_are_dealt_in_turns() {
        let topics = [topic("t0", 8), topic("t1", 2), topic("__x", 1), topic("t2", 2)];
        let dealt = deal(&Properties::new(), &partitions(&config(), &topics), 3);
        let assigned: Vec<&str> = dealt.iter().map(|task| task[ASSIGNED_PARTITIONS].as_str()).collect();
        assert_eq!(assigned, ["t0-0,t0-3,t0-6,t1-1", "t0-1,t0-4,t0-7,t2-0", "t0-2,t0-5,t1-0,t2-1"]);
        assert_eq!(dealt[2][TASK_INDEX], "2");
        assert!(deal(&Properties::new(), &[], 3).is_empty());
    }

    #[test]
    fn topics_and_partitions_that_the_target_lacks_are_created() {
        let source = [topic("new", 3), topic("grown", 4), topic("same", 2), topic("larger", 1)];
        let target = [topic("A.grown", 2), topic("A.same", 2), topic("A.larger", 5), topic("new", 3)];
        assert_eq!(
            missing(&config(), &source, &target),
            [
                Missing::Topic { source: "new".to_owned(), remote: "A.new".to_owned(), partitions: 3 },
                Missing::Partitions { remote: "A.grown".to_owned(), total: 4 },
            ]
        );
    }
}
