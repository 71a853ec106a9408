//! MirrorHeartbeat: a sign of life on the target, which other flows copy on.

mod task;

use async_trait::async_trait;
use sluice_api::config::{ConfigDef, ConfigValue};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{
    Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Properties, Result, TaskFactory, TaskHandle,
};
use sluice_kafka::Admin;

use crate::admin::create_internal;
use crate::config::{ClientRole, HeartbeatConfig, Side, TASK_INDEX, heartbeat_definition, refuse};
use crate::offsets;

pub(crate) use task::now_ms;

/// `org.apache.kafka.connect.mirror.MirrorHeartbeatConnector`.
pub(crate) struct MirrorHeartbeatPlugin;

impl ConnectorPlugin for MirrorHeartbeatPlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["MirrorHeartbeatConnector", "MirrorHeartbeat"]
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn version(&self) -> &str {
        crate::VERSION
    }

    fn config_def(&self) -> ConfigDef {
        heartbeat_definition()
    }

    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        let mut values = self.config_def().validate(config);
        refuse(config, &mut values, false);
        values
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::<MirrorHeartbeatConnector>::default()
    }

    fn task(&self) -> TaskFactory {
        Box::new(|| TaskHandle::Source(Box::<task::MirrorHeartbeatTask>::default()))
    }

    fn alter_offsets(&self, _config: &Properties, altered: &AlteredOffsets) -> Result<bool> {
        offsets::check(altered, &["sourceClusterAlias", "targetClusterAlias"], false, true)
    }
}

/// A running connector: one task, or none when there are to be no heartbeats.
#[derive(Default)]
struct MirrorHeartbeatConnector {
    properties: Properties,
    emits: bool,
}

#[async_trait(?Send)]
impl Connector for MirrorHeartbeatConnector {
    async fn start(&mut self, _context: ConnectorContext, properties: &Properties) -> Result<()> {
        let config = HeartbeatConfig::parse(properties)?;
        self.properties = properties.clone();
        self.emits = config.interval.is_some();
        let flow = &config.flow;
        let topic = flow.policy.heartbeats_topic();
        let admin = Admin::new(&flow.clients.of(Side::Target, ClientRole::Admin, "heartbeats-target-admin"));
        let created = match admin {
            Ok(admin) => create_internal(&admin, topic, config.replication_factor, flow.admin_timeout).await,
            Err(error) => Err(error),
        };
        if let Err(error) = created {
            // As in MirrorMaker: what cannot be created now may be there when the task writes.
            tracing::warn!(connector = flow.name, topic, %error, "the heartbeats topic was not created");
        }
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Properties>> {
        let mut task = self.properties.clone();
        task.insert(TASK_INDEX.to_owned(), "0".to_owned());
        Ok(if self.emits { vec![task] } else { Vec::new() })
    }
}
