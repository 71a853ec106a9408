//! A set of connector instances and tasks: what is configured, what a worker runs, what it gives up.

use std::collections::BTreeSet;

use sluice_storage::{ClusterConfigState, ConnectorTaskId};

/// Connector instances and tasks, each in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectorsAndTasks {
    /// Connectors whose instance is meant.
    pub connectors: BTreeSet<String>,
    /// Tasks; their connector's instance may be elsewhere.
    pub tasks: BTreeSet<ConnectorTaskId>,
}

impl ConnectorsAndTasks {
    /// Everything that the config topic asks for, whatever its target state. A connector without a consistent set of
    /// task configs has no tasks. A name that is too long for the protocol's 16-bit lengths is left out with a warning.
    pub fn configured(state: &ClusterConfigState) -> Self {
        let mut all = Self::default();
        for connector in state.connectors() {
            if i16::try_from(connector.len()).is_err() {
                tracing::warn!(bytes = connector.len(), "a connector's name is too long to be assigned to a worker");
                continue;
            }
            all.connectors.insert(connector.to_owned());
            all.tasks.extend(state.tasks(connector));
        }
        all
    }

    /// True when there is neither an instance nor a task.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.tasks.is_empty()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.connectors.extend(other.connectors.iter().cloned());
        self.tasks.extend(other.tasks.iter().cloned());
    }

    pub(crate) fn remove(&mut self, other: &Self) {
        self.connectors.retain(|connector| !other.connectors.contains(connector));
        self.tasks.retain(|task| !other.tasks.contains(task));
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.remove(other);
        rest
    }

    pub(crate) fn shared_with(&self, other: &Self) -> Self {
        Self {
            connectors: self.connectors.intersection(&other.connectors).cloned().collect(),
            tasks: self.tasks.intersection(&other.tasks).cloned().collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Connector instances by name and tasks by connector and count.
    pub(in crate::group) fn work(connectors: &[&str], tasks: &[(&str, u32)]) -> ConnectorsAndTasks {
        let numbered = |(connector, count): &(&str, u32)| {
            let connector = (*connector).to_owned();
            (0..*count).map(move |task| ConnectorTaskId { connector: connector.clone(), task })
        };
        ConnectorsAndTasks {
            connectors: connectors.iter().map(|connector| (*connector).to_owned()).collect(),
            tasks: tasks.iter().flat_map(numbered).collect(),
        }
    }

    #[test]
    fn sets_are_added_taken_away_and_intersected_by_kind() {
        let (all, part) = (work(&["a", "b"], &[("a", 2)]), work(&["a"], &[("a", 1), ("b", 1)]));
        assert_eq!(all.shared_with(&part), work(&["a"], &[("a", 1)]));
        let rest = all.without(&part);
        assert_eq!((rest.connectors.len(), rest.tasks.len()), (1, 1));
        let mut sum = rest;
        sum.add(&part);
        assert_eq!(sum.tasks, work(&[], &[("a", 2), ("b", 1)]).tasks);
    }
}
