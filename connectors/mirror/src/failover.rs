//! What would become of the consumer groups of a flow if its target took over now: `sluice mirror status` and `failover-check`.
//!
//! Reads only: ends of logs, committed offsets, offset syncs and ranges, checkpoints. A source that does not answer is no error, since that
//! is when one asks; groups are then known by their checkpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use sluice_api::{ConnectError, Result};
use sluice_kafka::wire::Committed;
use sluice_kafka::{Admin, OffsetSpec, TopicPartition};
use tokio::time::timeout;

use crate::admin::failed;
use crate::checkpoint::{Topic, group_admin, lock};
use crate::config::{CheckpointConfig, ClientRole, Side, SourceConfig};
use crate::dedicated::Flow;
use crate::offset_syncs::{OffsetSyncStore, Translation};
use crate::source::partitions;

/// How long a cluster may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(15);

/// A flow as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct FlowReport {
    /// `A->B`.
    pub flow: String,
    /// Why the source said nothing.
    pub source_is_away: Option<String>,
    /// What is copied.
    pub partitions: Vec<PartitionReport>,
    /// Who reads it.
    pub groups: Vec<GroupReport>,
}

/// How far a partition is copied.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionReport {
    /// The topic of the source.
    pub topic: String,
    /// Its number on both sides.
    pub partition: i32,
    /// The topic of the target.
    pub remote: String,
    /// Where the source's log ends, of what is committed.
    pub source_end: i64,
    /// Up to where the target is known to have it; `None` when nothing is known.
    pub copied_to: Option<i64>,
    /// Offsets that the target lacks. Markers of transactions count, which are never copied.
    pub behind: Option<i64>,
}

/// Where a group would go on.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReport {
    /// The group.
    pub group: String,
    /// The topic of the target.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// What the group has committed in the source.
    pub committed: i64,
    /// Which offset of the target that is: not beyond what was copied.
    pub translated: Option<i64>,
    /// What is committed for it on the target, where it goes on.
    pub resumes_at: Option<i64>,
    /// Records that it has read and would read again.
    pub repeats: Option<i64>,
    /// Why it must not be moved now, if so.
    pub problem: Option<&'static str>,
}

impl FlowReport {
    /// Whether every group finds its place.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.groups.iter().all(|group| group.problem.is_none())
    }
}

/// Looks at both clusters of a flow.
///
/// # Errors
/// The flow's configuration is wrong, or the target does not answer.
pub async fn examine(flow: &Flow) -> Result<FlowReport> {
    let config = |class: &str| {
        let found = flow
            .connectors
            .iter()
            .find(|(_, config)| config.get("connector.class").is_some_and(|found| found.ends_with(class)));
        found.map(|(_, config)| config).ok_or_else(|| ConnectError::config(format!("{} has no {class}", flow.name())))
    };
    let look = Look {
        source: SourceConfig::parse(config("MirrorSourceConnector")?)?,
        checkpoint: CheckpointConfig::parse(config("MirrorCheckpointConnector")?)?,
    };
    look.examine(flow).await
}

struct Look {
    source: SourceConfig,
    checkpoint: CheckpointConfig,
}

impl Look {
    async fn examine(&self, flow: &Flow) -> Result<FlowReport> {
        let admin = |side| {
            let properties = self.source.flow.clients.of(side, ClientRole::Admin, "status-admin");
            Admin::new(&properties).map_err(|error| failed("creating an admin client", error))
        };
        let (source, target) = (admin(Side::Source)?, admin(Side::Target)?);
        let there = target.list_topics(PATIENCE).await.map_err(|error| failed("looking at the target", error))?;
        let there: Vec<&str> = there.iter().map(|topic| topic.name.as_str()).collect();
        let here = match timeout(PATIENCE, source.list_topics(PATIENCE)).await {
            Ok(Ok(topics)) => Ok(topics),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        };
        let names = here.as_ref().map(|topics| topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>());
        let syncs = match (self.checkpoint.syncs_location, &names) {
            (Side::Source, Ok(names)) => self.syncs(names).await,
            (Side::Target, _) => self.syncs(&there).await,
            (Side::Source, Err(_)) => OffsetSyncStore::new(false),
        };
        let mut report =
            FlowReport { flow: flow.name(), source_is_away: None, partitions: Vec::new(), groups: Vec::new() };
        match &here {
            Ok(topics) => {
                let copied = partitions(&self.source, topics);
                report.partitions = self.partitions(&source, &copied, &syncs).await?;
                report.groups = self.groups(&source, &syncs, &there).await?;
            }
            Err(error) => {
                report.source_is_away = Some(error.clone());
                report.groups = self.groups_by_checkpoints(&there).await?;
            }
        }
        Ok(report)
    }

    /// The syncs and ranges, as far as their topics are there. Creates none.
    async fn syncs(&self, topics: &[&str]) -> OffsetSyncStore {
        let location = self.checkpoint.syncs_location;
        let store = Arc::new(Mutex::new(OffsetSyncStore::new(false)));
        let flow = &self.checkpoint.flow;
        let topic = |name: String| Topic {
            name,
            replication_factor: self.checkpoint.replication_factor,
            properties: flow.clients.of(location, ClientRole::Consumer, "status-consumer"),
        };
        let syncs = topic(flow.offset_syncs_topic(location));
        let mut logs = Vec::new();
        if topics.contains(&syncs.name.as_str()) {
            match syncs.follow_syncs(&store).await {
                Ok(log) => logs.push(log),
                Err(error) => tracing::warn!(topic = syncs.name, %error, "offset syncs were not read"),
            }
        }
        let ranges = topic(flow.offset_ranges_topic(location));
        if topics.contains(&ranges.name.as_str()) {
            match ranges.follow_ranges(&store).await {
                Ok(log) => logs.push(log),
                Err(error) => tracing::warn!(topic = ranges.name, %error, "offset ranges were not read"),
            }
        }
        let mut read = std::mem::replace(&mut *lock(&store), OffsetSyncStore::new(false));
        read.is_read();
        read
    }

    async fn partitions(
        &self,
        source: &Admin,
        copied: &[TopicPartition],
        syncs: &OffsetSyncStore,
    ) -> Result<Vec<PartitionReport>> {
        let ends = source.list_offsets(copied, OffsetSpec::LastStable, PATIENCE).await;
        let ends = ends.map_err(|error| failed("looking at the source", error))?;
        let partition = |(tp, source_end): (TopicPartition, i64)| {
            let copied_to = syncs.known_to(&tp);
            PartitionReport {
                remote: self.source.remote(&tp.topic),
                topic: tp.topic.to_string(),
                partition: tp.partition,
                source_end,
                copied_to,
                behind: copied_to.map(|copied_to| (source_end - copied_to).max(0)),
            }
        };
        Ok(ends.into_iter().map(partition).collect())
    }

    async fn groups(&self, source: &Admin, syncs: &OffsetSyncStore, there: &[&str]) -> Result<Vec<GroupReport>> {
        let client = |side| group_admin(&self.source.flow.clients.of(side, ClientRole::Admin, "status-admin"));
        let (here, target) = (client(Side::Source)?, client(Side::Target)?);
        let listed = source.consumer_groups(PATIENCE).await.map_err(|error| failed("listing groups", error))?;
        let mut reports = Vec::new();
        for group in listed.into_iter().filter(|group| self.checkpoint.groups.accepts(group)) {
            let asked = |error| ConnectError::connect(format!("reading the offsets of {group}: {error}"));
            let committed = here.committed(&group).await.map_err(asked)?;
            let on_target = by_partition(target.committed(&group).await.map_err(asked)?);
            for committed in committed.iter().filter(|committed| self.source.copies(&committed.topic)) {
                let source = TopicPartition::new(committed.topic.as_str(), committed.partition);
                let remote = TopicPartition::new(self.source.remote(&committed.topic), committed.partition);
                if !there.contains(&&*remote.topic) {
                    continue;
                }
                let translated = match syncs.translate(&source, committed.offset) {
                    Translation::At(offset) => Some(offset),
                    Translation::TooOld | Translation::Unknown => None,
                };
                let resumes_at = on_target.get(&remote).copied();
                reports.push(report(&group, &remote, committed.offset, translated, resumes_at));
            }
        }
        Ok(reports)
    }

    /// What the last checkpoints say.
    async fn groups_by_checkpoints(&self, there: &[&str]) -> Result<Vec<GroupReport>> {
        let flow = &self.checkpoint.flow;
        let topic = Topic {
            name: flow.checkpoints_topic(),
            replication_factor: self.checkpoint.replication_factor,
            properties: flow.clients.of(Side::Target, ClientRole::Consumer, "status-consumer"),
        };
        if !there.contains(&topic.name.as_str()) {
            return Ok(Vec::new());
        }
        let target = group_admin(&flow.clients.of(Side::Target, ClientRole::Admin, "status-admin"))?;
        let checkpoints = topic.read_checkpoints(None).await.map_err(|error| failed("reading checkpoints", error))?;
        let mut reports = Vec::new();
        for (group, checkpoints) in checkpoints.iter().filter(|(group, _)| self.checkpoint.groups.accepts(group)) {
            let asked = |error| ConnectError::connect(format!("reading the offsets of {group}: {error}"));
            let on_target = by_partition(target.committed(group).await.map_err(asked)?);
            reports.extend(checkpoints.values().map(|checkpoint| {
                let resumes_at = on_target.get(&checkpoint.partition).copied();
                report(group, &checkpoint.partition, checkpoint.upstream, Some(checkpoint.downstream), resumes_at)
            }));
        }
        Ok(reports)
    }
}

fn by_partition(committed: Vec<Committed>) -> HashMap<TopicPartition, i64> {
    committed.into_iter().map(|it| (TopicPartition::new(it.topic.as_str(), it.partition), it.offset)).collect()
}

fn report(
    group: &str,
    remote: &TopicPartition,
    committed: i64,
    translated: Option<i64>,
    resumes_at: Option<i64>,
) -> GroupReport {
    let problem = match (translated, resumes_at) {
        (_, None) => Some("nothing is committed on the target: it would begin where its auto.offset.reset says"),
        (Some(translated), Some(resumes_at)) if resumes_at > translated => Some(
            "it stands farther on the target than what it has read in the source: records between would be left out",
        ),
        _ => None,
    };
    GroupReport {
        group: group.to_owned(),
        topic: remote.topic.to_string(),
        partition: remote.partition,
        committed,
        translated,
        resumes_at,
        repeats: translated.zip(resumes_at).map(|(translated, resumes_at)| (translated - resumes_at).max(0)),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_ready_when_it_repeats_at_most() {
        let remote = TopicPartition::new("A.t", 0);
        for (translated, resumes_at, repeats, is_ready) in [
            (Some(10), Some(10), Some(0), true),
            (Some(10), Some(7), Some(3), true),
            (None, Some(7), None, true),
            (Some(10), Some(11), Some(0), false),
            (Some(10), None, None, false),
        ] {
            let report = report("g", &remote, 5, translated, resumes_at);
            assert_eq!((report.repeats, report.problem.is_none()), (repeats, is_ready), "{report:?}");
        }
    }
}
