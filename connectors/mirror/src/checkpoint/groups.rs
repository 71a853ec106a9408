//! Which groups are followed, and who follows which.

use sluice_api::Properties;
use sluice_kafka::Admin;
use sluice_kafka::wire::GroupAdmin;

use crate::config::{ASSIGNED_GROUPS, CheckpointConfig, TASK_INDEX};

/// Groups of the source that are selected and have committed something of a topic that is copied, in order.
///
/// # Errors
/// The source did not answer.
pub(super) async fn followed(
    config: &CheckpointConfig,
    admin: &Admin,
    groups: &GroupAdmin,
) -> Result<Vec<String>, String> {
    let listed = admin.consumer_groups(config.flow.admin_timeout).await.map_err(|error| error.to_string())?;
    let mut followed = Vec::new();
    for group in listed.into_iter().filter(|group| config.groups.accepts(group)) {
        let committed = groups.committed(&group).await.map_err(|error| error.to_string())?;
        if committed.iter().any(|committed| config.topics.accepts(&committed.topic)) {
            followed.push(group);
        }
    }
    Ok(followed)
}

/// Deals groups to tasks in stretches, the first ones longer by one.
pub(super) fn deal(properties: &Properties, groups: &[String], max_tasks: usize) -> Vec<Properties> {
    let tasks = max_tasks.min(groups.len());
    let mut rest = groups;
    let task = |index: usize| {
        let length = groups.len() / tasks + usize::from(index < groups.len() % tasks);
        let (own, others) = rest.split_at(length);
        rest = others;
        let mut task = properties.clone();
        task.insert(ASSIGNED_GROUPS.to_owned(), own.join(","));
        task.insert(TASK_INDEX.to_owned(), index.to_string());
        task
    };
    (0..tasks).map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_dealt_in_stretches() {
        let groups: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let dealt = deal(&Properties::new(), &groups, 3);
        assert_eq!(dealt.iter().map(|task| task[ASSIGNED_GROUPS].as_str()).collect::<Vec<_>>(), ["a,b", "c,d", "e"]);
        assert!(deal(&Properties::new(), &[], 3).is_empty());
    }
}
