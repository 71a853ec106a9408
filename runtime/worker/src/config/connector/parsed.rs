//! What sources and sinks have in common, parsed.

use std::time::Duration;

use sluice_api::config::{ConfigDef, ParsedConfig};
use sluice_api::{ConnectError, ConnectorKind, Properties};
use sluice_plugins::Registry;

use super::aliases::aliases;
use super::{Enrichment, add_alias_keys, framework_config_def};
use crate::config::worker::with_prefix;

/// `errors.tolerance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorTolerance {
    /// A bad record fails the task.
    None,
    /// Bad records are passed over, and go to the dead letter queue where there is one.
    All,
}

/// `errors.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorsConfig {
    /// `errors.retry.timeout`; `None` is for ever.
    pub retry_timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`.
    pub retry_delay_max: Duration,
    /// `errors.tolerance`.
    pub tolerance: ErrorTolerance,
    /// `errors.log.enable`.
    pub log_enable: bool,
    /// `errors.log.include.messages`.
    pub log_include_messages: bool,
}

/// A predicate that a transformation refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateConfig {
    /// Its name in the connector's properties.
    pub alias: String,
    /// The class or its alias.
    pub class: String,
    /// Its properties, prefix cut off.
    pub properties: Properties,
}

/// A transformation of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransformConfig {
    /// Its name in the connector's properties.
    pub alias: String,
    /// The class or its alias.
    pub class: String,
    /// Its properties, prefix cut off.
    pub properties: Properties,
    /// What decides whether it applies, and whether the answer is turned round.
    pub predicate: Option<(PredicateConfig, bool)>,
}

/// The keys that all connectors have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorConfig {
    /// `name`.
    pub name: String,
    /// `connector.class`.
    pub class: String,
    /// `tasks.max`.
    pub tasks_max: usize,
    /// `tasks.max.enforce`.
    pub tasks_max_enforce: bool,
    /// `transforms`, in order.
    pub transforms: Vec<TransformConfig>,
    /// Whether `config.action.reload` is `restart`.
    pub reload_restarts: bool,
    /// `errors.*`.
    pub errors: ErrorsConfig,
    /// Every property as it was given, variables replaced.
    pub originals: Properties,
}

impl ConnectorConfig {
    /// Parses the keys of any connector; a sink's and a source's own keys are not looked at.
    ///
    /// # Errors
    /// `Config` with everything that is wrong.
    pub fn parse(registry: &Registry, properties: &Properties) -> Result<Self, ConnectError> {
        let def = super::shared_config_def(&Enrichment::default());
        Self::from_parsed(&with_aliases(def, registry, properties).parse(properties)?, properties)
    }

    pub(super) fn from_parsed(config: &ParsedConfig, properties: &Properties) -> Result<Self, ConnectError> {
        let transforms = aliases(properties, "transforms");
        let tolerance = match config.string("errors.tolerance") {
            "all" => ErrorTolerance::All,
            _ => ErrorTolerance::None,
        };
        Ok(Self {
            name: config.string("name").to_owned(),
            class: config.string("connector.class").to_owned(),
            tasks_max: config.int("tasks.max").unsigned_abs() as usize,
            tasks_max_enforce: config.boolean("tasks.max.enforce"),
            transforms: transforms.iter().map(|alias| transform(properties, alias)).collect::<Result<_, _>>()?,
            reload_restarts: config.string("config.action.reload") == "restart",
            errors: ErrorsConfig {
                retry_timeout: u64::try_from(config.long("errors.retry.timeout")).ok().map(Duration::from_millis),
                retry_delay_max: millis(config.long("errors.retry.delay.max.ms")),
                tolerance,
                log_enable: config.boolean("errors.log.enable"),
                log_include_messages: config.boolean("errors.log.include.messages"),
            },
            originals: properties.clone(),
        })
    }
}

pub(super) fn millis(number: i64) -> Duration {
    Duration::from_millis(number.try_into().unwrap_or(0))
}

/// The framework's definition for `kind` with the keys of this connector's aliases.
pub(super) fn full_config_def(kind: ConnectorKind, registry: &Registry, properties: &Properties) -> ConfigDef {
    with_aliases(framework_config_def(kind, &Enrichment::default()), registry, properties)
}

fn with_aliases(mut def: ConfigDef, registry: &Registry, properties: &Properties) -> ConfigDef {
    add_alias_keys(&mut def, registry, properties);
    def
}

pub(super) fn transform(connector: &Properties, alias: &str) -> Result<TransformConfig, ConnectError> {
    let (class, mut properties) = plugin(connector, &format!("transforms.{alias}."))?;
    let negate = properties.shift_remove("negate").is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    let predicate = match properties.shift_remove("predicate") {
        Some(name) => {
            let name = name.trim().to_owned();
            let (class, properties) = plugin(connector, &format!("predicates.{name}."))?;
            Some((PredicateConfig { alias: name, class, properties }, negate))
        }
        None => None,
    };
    Ok(TransformConfig { alias: alias.to_owned(), class, properties, predicate })
}

fn plugin(connector: &Properties, prefix: &str) -> Result<(String, Properties), ConnectError> {
    let properties = with_prefix(connector, prefix);
    let class = properties.get("type").map(|class| class.trim().to_owned()).ok_or_else(|| {
        ConnectError::config(format!("Missing required configuration \"{prefix}type\" which has no default value."))
    })?;
    Ok((class, properties))
}
