//! What a task needs from its config, made before its thread starts so that a wrong config fails at once.

use std::sync::Arc;

use sluice_api::connector::TaskFactory;
use sluice_api::{ConnectError, ConnectorKind, ConnectorPlugin, Converter, ConverterUse, HeaderConverter, Properties};
use sluice_plugins::Registry;
use sluice_storage::ConnectorTaskId;

use super::conversion::{Conversion, Named};
use crate::config::{ConverterChoice, SinkConnectorConfig, SourceConnectorConfig, WorkerConfig};
use crate::connector::task_configs::check_count;
use crate::errors::ErrorPolicy;
use crate::metrics::{TaskKind, TaskMetrics};
use crate::panic_trace;
use crate::transformation_chain::TransformationChain;
use crate::worker::WorkerOptions;

/// Everything about one task that its configs decide.
pub(crate) struct TaskPlan {
    pub(crate) id: ConnectorTaskId,
    pub(crate) connector_config: Properties,
    pub(crate) task_config: Properties,
    pub(crate) plugin: Arc<dyn ConnectorPlugin>,
    pub(crate) factory: TaskFactory,
    pub(crate) conversion: Conversion,
    /// The converters once more, for records that a sink task reports; with a dead letter queue only.
    pub(crate) letter_conversion: Option<Conversion>,
    pub(crate) policy: ErrorPolicy,
    pub(crate) metrics: Arc<TaskMetrics>,
    pub(crate) kind: KindPlan,
}

/// What only sources or only sinks have.
pub(crate) enum KindPlan {
    /// Topics, offsets, transactions.
    Source(Box<SourceConnectorConfig>),
    /// Topics and dead letter queue.
    Sink(Box<SinkConnectorConfig>),
}

impl TaskPlan {
    /// The plan of a task; plugin code that panics is an error.
    pub(crate) fn new(
        id: ConnectorTaskId,
        connector_config: Properties,
        task_config: Properties,
        options: &WorkerOptions,
    ) -> Result<Self, ConnectError> {
        panic_trace::catch(|| Self::build(id, connector_config, task_config, options))?
    }

    fn build(
        id: ConnectorTaskId,
        connector_config: Properties,
        task_config: Properties,
        options: &WorkerOptions,
    ) -> Result<Self, ConnectError> {
        let registry = &*options.registry;
        let missing =
            || ConnectError::config("Missing required configuration \"connector.class\" which has no default value.");
        let class = connector_config.get("connector.class").ok_or_else(missing)?;
        let plugin = registry.connector(class.trim())?.clone();
        let (metrics, common, kind) = match plugin.kind() {
            ConnectorKind::Source => {
                let parsed =
                    SourceConnectorConfig::parse(registry, &connector_config, options.config.topic_creation_enable)?;
                let metrics = TaskMetrics::new(TaskKind::Source);
                let exactly_once = options.config.exactly_once_source_enabled;
                let metrics = if exactly_once { metrics.with_transactions() } else { metrics };
                (metrics, parsed.connector.clone(), KindPlan::Source(Box::new(parsed)))
            }
            ConnectorKind::Sink => {
                let parsed = Box::new(SinkConnectorConfig::parse(registry, &connector_config)?);
                (TaskMetrics::new(TaskKind::Sink), parsed.connector.clone(), KindPlan::Sink(parsed))
            }
        };
        check_count(&id.connector, id.task as usize + 1, &common)?;
        let metrics = Arc::new(metrics);
        let has_queue = matches!(&kind, KindPlan::Sink(sink) if sink.dead_letter_queue.is_some());
        let letter_conversion = || converters(&connector_config, &options.config, registry);
        Ok(Self {
            conversion: Conversion {
                chain: TransformationChain::new(&common.transforms, registry)?,
                ..converters(&connector_config, &options.config, registry)?
            },
            letter_conversion: has_queue.then(letter_conversion).transpose()?,
            policy: ErrorPolicy::new(id.clone(), common.errors, metrics.clone()),
            kind,
            factory: plugin.task(),
            id,
            connector_config,
            task_config,
            plugin,
            metrics,
        })
    }
}

/// The converters, without transforms.
fn converters(connector: &Properties, worker: &WorkerConfig, registry: &Registry) -> Result<Conversion, ConnectError> {
    let key = ConverterChoice::key(worker, connector);
    let value = ConverterChoice::value(worker, connector);
    Ok(Conversion {
        chain: TransformationChain::default(),
        key: converter("key.converter", &key, ConverterUse::Key, registry)?,
        value: converter("value.converter", &value, ConverterUse::Value, registry)?,
        header: header_converter(&ConverterChoice::header(worker, connector), registry)?,
    })
}

fn converter(
    key: &str,
    choice: &ConverterChoice,
    used_for: ConverterUse,
    registry: &Registry,
) -> Result<Named<dyn Converter>, ConnectError> {
    let unknown = || ConnectError::config(format!("`{key}`: no converter is called {}", choice.class));
    let plugin = registry.converter(&choice.class).ok_or_else(unknown)?;
    let converter = plugin.converter(&choice.properties, used_for)?.ok_or_else(unknown)?;
    Ok(Named { class: plugin.class(), converter })
}

fn header_converter(choice: &ConverterChoice, registry: &Registry) -> Result<Named<dyn HeaderConverter>, ConnectError> {
    let unknown =
        || ConnectError::config(format!("`header.converter`: no header converter is called {}", choice.class));
    let plugin = registry.header_converter(&choice.class).ok_or_else(unknown)?;
    let converter = plugin.header_converter(&choice.properties)?.ok_or_else(unknown)?;
    Ok(Named { class: plugin.class(), converter })
}
