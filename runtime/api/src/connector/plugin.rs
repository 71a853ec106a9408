//! A connector class and its running instance.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{CarrierTask, SinkTask, SourceTask};
use crate::Properties;
use crate::config::{ConfigDef, ConfigValue};
use crate::error::{ConnectError, Result};
use crate::record::OffsetMap;

/// How long [`ConnectorPlugin::validate_outside`] may take.
pub const OUTSIDE_DEADLINE: Duration = Duration::from_secs(15);

/// Which way a connector moves records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectorKind {
    /// Into topics.
    Source,
    /// Out of topics.
    Sink,
}

/// What a source says about exactly-once delivery with a given configuration (KIP-618).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactlyOnceSupport {
    /// Offsets say exactly where to go on.
    Supported,
    /// They do not.
    Unsupported,
}

/// Whether a source can set transaction boundaries itself (KIP-618).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionBoundarySupport {
    /// `transaction.boundary=connector` is possible.
    Supported,
    /// It is not.
    Unsupported,
}

/// Offsets that a user alters or (with `None`) deletes over REST, as (partition, offset).
pub type AlteredOffsets = Vec<(Option<OffsetMap>, Option<OffsetMap>)>;

/// Makes the task object. It runs on the task's own thread.
pub type TaskFactory = Box<dyn FnOnce() -> TaskHandle + Send>;

/// A task of one of the three contracts.
pub enum TaskHandle {
    /// Gives records to the worker, which produces them.
    Source(Box<dyn SourceTask>),
    /// Carries its data itself and reports progress.
    Carrier(Box<dyn CarrierTask>),
    /// Takes records from the worker, which consumes them.
    Sink(Box<dyn SinkTask>),
}

/// A connector class: what the registry lists, validates against and makes instances of. Stateless and shared.
pub trait ConnectorPlugin: Send + Sync {
    /// The Java class name that users have in `connector.class`.
    fn class(&self) -> &'static str;

    /// The Java class name of its tasks, which goes into every task config (`task.class`), so that a JVM worker can take over.
    /// By default the connector's class name with `Task` in place of `Connector` at the end.
    fn task_class(&self) -> String {
        let class = self.class();
        format!("{}Task", class.strip_suffix("Connector").unwrap_or(class))
    }

    /// Further class names that resolve to this plugin.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Source or sink.
    fn kind(&self) -> ConnectorKind;

    /// The version that `/connector-plugins` and the status show.
    fn version(&self) -> &str;

    /// The connector's own keys.
    fn config_def(&self) -> ConfigDef;

    /// Validates the connector's own keys; override it for rules over several keys. No IO.
    fn validate(&self, config: &Properties) -> Vec<ConfigValue> {
        self.config_def().validate(config)
    }

    /// Whether [`ConnectorPlugin::validate_outside`] has anything to look at: only then a thread is given to it.
    fn looks_outside(&self) -> bool {
        false
    }

    /// Looks at what the configuration points to (a server, a role) and gives what is wrong there, as (key, message). Called when a
    /// user validates, creates or changes a connector and [`ConnectorPlugin::validate`] found nothing, on a thread that may block.
    /// Ends by itself within [`OUTSIDE_DEADLINE`]; nobody waits longer.
    fn validate_outside(&self, _config: &Properties) -> Vec<(String, String)> {
        Vec::new()
    }

    /// A new instance, not started.
    fn connector(&self) -> Box<dyn Connector>;

    /// A factory for a new task object, not started.
    fn task(&self) -> TaskFactory;

    /// What exactly-once would give; `None` when the connector says nothing. Sources only.
    ///
    /// # Errors
    /// When the configuration cannot be judged.
    fn exactly_once_support(&self, _config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        Ok(None)
    }

    /// Whether the connector can define transaction boundaries. Sources only.
    fn transaction_boundary_support(&self, _config: &Properties) -> TransactionBoundarySupport {
        TransactionBoundarySupport::Unsupported
    }

    /// Is asked before offsets are altered or deleted over REST; `Ok(true)` says that the connector has taken note,
    /// `Ok(false)` that it may keep offsets elsewhere as well.
    ///
    /// For sinks a partition has `kafka_topic` and `kafka_partition`, an offset `kafka_offset`.
    ///
    /// # Errors
    /// A refusal with its reason; nothing is altered then.
    fn alter_offsets(&self, _config: &Properties, _offsets: &AlteredOffsets) -> Result<bool> {
        Ok(false)
    }
}

/// A running connector: decides how many tasks there are and what each does. It moves no records.
#[async_trait(?Send)]
pub trait Connector: Send {
    /// Called once before anything else and again after each [`Connector::stop`] that is followed by a resume.
    ///
    /// # Errors
    /// The connector becomes FAILED with this error; its tasks go on.
    async fn start(&mut self, context: ConnectorContext, config: &Properties) -> Result<()>;

    /// The configurations of at most `max_tasks` tasks; the order is the task number.
    ///
    /// # Errors
    /// The worker tries again with growing pauses.
    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>>;

    /// Stops monitoring the source or sink. The future may be dropped when it takes too long.
    ///
    /// # Errors
    /// Logged; the connector counts as stopped.
    async fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What a running connector can ask of the worker.
#[derive(Clone)]
pub struct ConnectorContext {
    events: Arc<dyn ConnectorEvents>,
}

/// The worker's side of [`ConnectorContext`]; none of the methods blocks.
pub trait ConnectorEvents: Send + Sync {
    /// See [`ConnectorContext::request_task_reconfiguration`].
    fn request_task_reconfiguration(&self);
    /// See [`ConnectorContext::raise_error`].
    fn raise_error(&self, error: ConnectError);
}

impl ConnectorContext {
    /// A context that hands everything to `events`.
    pub fn new(events: Arc<dyn ConnectorEvents>) -> Self {
        Self { events }
    }

    /// Asks the worker to call [`Connector::task_configs`] again soon.
    pub fn request_task_reconfiguration(&self) {
        self.events.request_task_reconfiguration();
    }

    /// Reports that the connector cannot go on: it becomes FAILED with this error.
    pub fn raise_error(&self, error: ConnectError) {
        self.events.raise_error(error);
    }
}
