//! Who runs what after a round, as its leader computed it.

use std::collections::BTreeMap;

use sluice_storage::ConnectorTaskId;

use super::connectors_and_tasks::ConnectorsAndTasks;

/// The URLs of the owners of connector instances and tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    connectors: BTreeMap<String, String>,
    tasks: BTreeMap<ConnectorTaskId, String>,
}

impl Owners {
    /// Notes what the worker at `url` runs.
    pub fn add(&mut self, url: &str, work: &ConnectorsAndTasks) {
        self.connectors.extend(work.connectors.iter().map(|connector| (connector.clone(), url.to_owned())));
        self.tasks.extend(work.tasks.iter().map(|id| (id.clone(), url.to_owned())));
    }

    /// The URL of the worker that runs the connector's instance.
    pub fn of_connector(&self, name: &str) -> Option<&str> {
        self.connectors.get(name).map(String::as_str)
    }

    /// The URL of the worker that runs the task.
    pub fn of_task(&self, id: &ConnectorTaskId) -> Option<&str> {
        self.tasks.get(id).map(String::as_str)
    }
}
