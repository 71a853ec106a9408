//! Files of the command line, with everything that is wrong with them said at once.

use std::path::Path;

use anyhow::{Context, bail};
use sluice_api::config::ConfigDef;
use sluice_herder::CreateConnector;
use sluice_plugins::Registry;
use sluice_storage::TargetState;
use sluice_worker::config::properties::{InitialState, PropertiesFile, StartupReport, parse_connector_file};
use sluice_worker::config::{DistributedConfig, Problem, StandaloneConfig};

/// The configuration of a distributed worker with these plugins.
pub(crate) fn distributed(path: &Path, registry: &Registry) -> anyhow::Result<DistributedConfig> {
    let file = PropertiesFile::read(path)?;
    let def = DistributedConfig::config_def();
    let known = |config: DistributedConfig| refuse(config.worker.class_problems(registry, &def)).map(|()| config);
    checked(&file, &def, DistributedConfig::parse(&file.properties()).and_then(known))
}

/// The configuration of a standalone worker with these plugins.
pub(crate) fn standalone(path: &Path, registry: &Registry) -> anyhow::Result<StandaloneConfig> {
    let file = PropertiesFile::read(path)?;
    let def = StandaloneConfig::config_def();
    let known = |config: StandaloneConfig| refuse(config.worker.class_problems(registry, &def)).map(|()| config);
    checked(&file, &def, StandaloneConfig::parse(&file.properties()).and_then(known))
}

fn refuse(problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The connector of a standalone worker's connector file.
pub(crate) fn connector(path: &Path) -> anyhow::Result<CreateConnector> {
    let file = parse_connector_file(path).with_context(|| format!("reading connector file {}", path.display()))?;
    let initial_state = file.initial_state.map(|state| match state {
        InitialState::Running => TargetState::Started,
        InitialState::Paused => TargetState::Paused,
        InitialState::Stopped => TargetState::Stopped,
    });
    Ok(CreateConnector { name: file.name, config: file.config.into(), initial_state })
}

/// Warnings go out; errors end the start, all of them in one message.
fn checked<T>(file: &PropertiesFile, def: &ConfigDef, parsed: Result<T, Vec<Problem>>) -> anyhow::Result<T> {
    let problems = parsed.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let report = StartupReport::new(file, def, problems);
    for warning in report.warnings() {
        eprintln!("warning: {warning}");
    }
    match parsed {
        Ok(config) => Ok(config),
        Err(_) => bail!("the worker cannot start with these properties:\n{}", report.errors().join("\n")),
    }
}
