//! The group calls of an admin client: describe, list, alter and delete offsets, delete the group.

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    DeleteGroupsRequest, GroupId, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, TopicName,
};
use tokio::time::Instant;

use super::api::Api;
use super::cluster::text;
use super::config::ClientConfig;
use super::coordinator::{Coordinator, Patience};
use super::description::{GroupDescription, describe};
use super::error::{Error, ErrorKind};

/// Offsets of a group by topic and partition.
pub type GroupOffsets = BTreeMap<(String, i32), i64>;

/// An offset that a group has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// What the group wrote beside it.
    pub metadata: String,
}

/// Administers groups that it is no member of. Each call opens its own connections and retries until
/// `default.api.timeout.ms`; calls do not disturb each other. A call that is dropped half-way may have taken effect.
#[derive(Debug, Clone)]
pub struct GroupAdmin {
    config: ClientConfig,
}

impl GroupAdmin {
    /// Connects to nothing yet.
    pub fn new(config: ClientConfig) -> Self {
        Self { config }
    }

    /// Describes `group`. A group that does not exist is `Dead`.
    pub async fn describe(&self, group: &str) -> Result<GroupDescription, Error> {
        let (mut coordinator, patience) = self.coordinator(group);
        describe(&mut coordinator, group, patience).await
    }

    /// The committed offsets of `group`; none when it does not exist.
    pub async fn list_offsets(&self, group: &str) -> Result<GroupOffsets, Error> {
        let request = OffsetFetchRequest::default().with_group_id(GroupId(text(group))).with_topics(None);
        let (mut coordinator, patience) = self.coordinator(group);
        let answer = coordinator.call(&request, self.config.request_timeout, patience).await?;
        let mut offsets = GroupOffsets::new();
        for topic in answer.topics {
            for partition in topic.partitions {
                let subject = subject(&topic.name, partition.partition_index);
                Error::check(OffsetFetchRequest::NAME, &subject, partition.error_code)?;
                if partition.committed_offset >= 0 {
                    offsets.insert((topic.name.to_string(), partition.partition_index), partition.committed_offset);
                }
            }
        }
        Ok(offsets)
    }

    /// Commits `offsets` for `group`, creating it when it does not exist. The group must have no members
    /// ([`Error::GroupNotEmpty`]). Fails with the first partition that the broker refused; others may have been committed.
    pub async fn alter_offsets(&self, group: &str, offsets: &GroupOffsets) -> Result<(), Error> {
        let topics = by_topic(offsets.iter().map(|((topic, partition), offset)| {
            let commit = OffsetCommitRequestPartition::default()
                .with_partition_index(*partition)
                .with_committed_offset(*offset)
                .with_committed_metadata(Some(text("")));
            (topic.as_str(), commit)
        }));
        self.send_commit(group, topics).await
    }

    async fn send_commit(
        &self,
        group: &str,
        topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>>,
    ) -> Result<(), Error> {
        let topic = |(name, partitions): (&str, Vec<OffsetCommitRequestPartition>)| {
            OffsetCommitRequestTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
        };
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(topics.into_iter().map(topic).collect());
        let (mut coordinator, patience) = self.coordinator(group);
        let answered = coordinator.call(&request, self.config.request_timeout, patience).await;
        let answer = answered.map_err(|error| unless_members(group, error))?;
        for topic in answer.topics {
            for partition in topic.partitions {
                let subject = subject(&topic.name, partition.partition_index);
                Error::check(OffsetCommitRequest::NAME, &subject, partition.error_code)
                    .map_err(|error| unless_members(group, error))?;
            }
        }
        Ok(())
    }

    /// As [`GroupAdmin::list_offsets`], with what was committed beside each offset.
    pub async fn committed(&self, group: &str) -> Result<Vec<Committed>, Error> {
        let request = OffsetFetchRequest::default().with_group_id(GroupId(text(group))).with_topics(None);
        let (mut coordinator, patience) = self.coordinator(group);
        let answer = coordinator.call(&request, self.config.request_timeout, patience).await?;
        let mut committed = Vec::new();
        for topic in answer.topics {
            for partition in topic.partitions.into_iter().filter(|partition| partition.committed_offset >= 0) {
                let subject = subject(&topic.name, partition.partition_index);
                Error::check(OffsetFetchRequest::NAME, &subject, partition.error_code)?;
                committed.push(Committed {
                    topic: topic.name.to_string(),
                    partition: partition.partition_index,
                    offset: partition.committed_offset,
                    metadata: partition.metadata.map(|metadata| metadata.to_string()).unwrap_or_default(),
                });
            }
        }
        Ok(committed)
    }

    /// As [`GroupAdmin::alter_offsets`], with metadata.
    pub async fn commit(&self, group: &str, offsets: &[Committed]) -> Result<(), Error> {
        let topics = by_topic(offsets.iter().map(|committed| {
            let commit = OffsetCommitRequestPartition::default()
                .with_partition_index(committed.partition)
                .with_committed_offset(committed.offset)
                .with_committed_metadata(Some(text(&committed.metadata)));
            (committed.topic.as_str(), commit)
        }));
        self.send_commit(group, topics).await
    }

    /// Forgets the offsets of `partitions`. The group must exist ([`ErrorKind::GroupMissing`]) and have no member that is
    /// subscribed to them ([`Error::GroupNotEmpty`]). A partition without an offset is no error. Fails with the first
    /// partition that the broker refused; others may have been deleted.
    pub async fn delete_offsets(&self, group: &str, partitions: &[(String, i32)]) -> Result<(), Error> {
        let topics = by_topic(partitions.iter().map(|(topic, partition)| {
            (topic.as_str(), OffsetDeleteRequestPartition::default().with_partition_index(*partition))
        }));
        let topic = |(name, partitions): (&str, Vec<OffsetDeleteRequestPartition>)| {
            OffsetDeleteRequestTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
        };
        let request = OffsetDeleteRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_topics(topics.into_iter().map(topic).collect());
        let (mut coordinator, patience) = self.coordinator(group);
        let answered = coordinator.call(&request, self.config.request_timeout, patience).await;
        let answer = answered.map_err(|error| unless_members(group, error))?;
        for topic in answer.topics {
            for partition in topic.partitions {
                let subject = subject(&topic.name, partition.partition_index);
                Error::check(OffsetDeleteRequest::NAME, &subject, partition.error_code)
                    .map_err(|error| unless_members(group, error))?;
            }
        }
        Ok(())
    }

    /// Deletes `group` with all its offsets. It must exist ([`ErrorKind::GroupMissing`]) and have no members
    /// ([`Error::GroupNotEmpty`]).
    pub async fn delete_group(&self, group: &str) -> Result<(), Error> {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(group))]);
        let (mut coordinator, patience) = self.coordinator(group);
        let answered = coordinator.call(&request, self.config.request_timeout, patience).await;
        answered.map(drop).map_err(|error| unless_members(group, error))
    }

    fn coordinator(&self, group: &str) -> (Coordinator, Patience) {
        (Coordinator::new(self.config.clone(), group), Patience::Until(Instant::now() + self.config.api_timeout))
    }
}

/// The ways in which a broker says that a group still has members: it takes a commit from outside for one of a member
/// that it does not know.
fn unless_members(group: &str, error: Error) -> Error {
    match error {
        Error::Broker { code, .. }
            if matches!(
                error.kind(),
                ErrorKind::UnknownMember | ErrorKind::RebalanceInProgress | ErrorKind::GroupNotEmpty
            ) =>
        {
            Error::GroupNotEmpty { group: group.to_owned(), code }
        }
        other => other,
    }
}

fn by_topic<'a, P>(partitions: impl Iterator<Item = (&'a str, P)>) -> BTreeMap<&'a str, Vec<P>> {
    let mut topics = BTreeMap::<&str, Vec<P>>::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(partition);
    }
    topics
}

fn subject(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}
