//! The running connector: looks for groups again and again and deals them to tasks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{Connector, ConnectorContext, Properties, Result};
use sluice_kafka::Admin;
use sluice_kafka::wire::{ClientConfig, GroupAdmin};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::groups;
use crate::admin::{create_internal, failed};
use crate::config::{CheckpointConfig, ClientRole, Side};

/// See the module.
#[derive(Default)]
pub(super) struct MirrorCheckpointConnector {
    properties: Properties,
    emits: bool,
    known: Arc<Mutex<Vec<String>>>,
    schedule: Option<JoinHandle<()>>,
}

#[async_trait(?Send)]
impl Connector for MirrorCheckpointConnector {
    async fn start(&mut self, context: ConnectorContext, properties: &Properties) -> Result<()> {
        let config = CheckpointConfig::parse(properties)?;
        self.end_schedule();
        self.properties = properties.clone();
        self.emits = config.flow.enabled && config.emit.is_some();
        if !self.emits {
            return Ok(());
        }
        let flow = &config.flow;
        let source = flow.clients.of(Side::Source, ClientRole::Admin, "checkpoint-source-admin");
        let target = flow.clients.of(Side::Target, ClientRole::Admin, "checkpoint-target-admin");
        let source_admin = Admin::new(&source).map_err(|error| failed("creating an admin client", error))?;
        let target_admin = Admin::new(&target).map_err(|error| failed("creating an admin client", error))?;
        let groups = group_admin(&source)?;
        let topic = flow.checkpoints_topic();
        let created = create_internal(&target_admin, &topic, config.replication_factor, flow.admin_timeout).await;
        if let Err(error) = created {
            tracing::warn!(connector = flow.name, topic, %error, "the checkpoints topic was not created");
        }
        let first = look(&config, &source_admin, &groups, &self.known);
        if timeout(flow.admin_timeout, first).await.is_err() {
            tracing::warn!(connector = flow.name, "looking for groups took too long; it is tried again");
        }
        let known = Arc::clone(&self.known);
        if let Some(interval) = config.refresh_groups {
            self.schedule = Some(tokio::spawn(async move {
                loop {
                    sleep(interval.max(Duration::from_secs(1))).await;
                    if look(&config, &source_admin, &groups, &known).await {
                        context.request_task_reconfiguration();
                    }
                }
            }));
        }
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(if self.emits { groups::deal(&self.properties, &known, max_tasks) } else { Vec::new() })
    }

    async fn stop(&mut self) -> Result<()> {
        self.end_schedule();
        Ok(())
    }
}

impl MirrorCheckpointConnector {
    fn end_schedule(&mut self) {
        if let Some(schedule) = self.schedule.take() {
            schedule.abort();
        }
    }
}

impl Drop for MirrorCheckpointConnector {
    fn drop(&mut self) {
        self.end_schedule();
    }
}

/// Takes note of the groups that there are; whether they have changed.
async fn look(config: &CheckpointConfig, admin: &Admin, groups: &GroupAdmin, known: &Mutex<Vec<String>>) -> bool {
    match groups::followed(config, admin, groups).await {
        Ok(found) => {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let has_changed = *known != found;
            *known = found;
            has_changed
        }
        Err(error) => {
            tracing::warn!(connector = config.flow.name, error, "looking for groups failed; it is tried again");
            false
        }
    }
}

/// An admin client for groups.
pub(crate) fn group_admin(properties: &Properties) -> Result<GroupAdmin> {
    let given = properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let config = ClientConfig::parse(given);
    config.map(GroupAdmin::new).map_err(|error| sluice_api::ConnectError::config(error.to_string()))
}
