//! Files of the command line, with everything that is wrong with them said at once.

use std::path::Path;

use anyhow::{Context, bail};
use sluice_api::Properties;
use sluice_api::config::ConfigDef;
use sluice_herder::CreateConnector;
use sluice_plugins::Registry;
use sluice_storage::TargetState;
use sluice_worker::config::properties::{InitialState, PropertiesFile, StartupReport, parse_connector_file};
use sluice_worker::config::providers::ConfigTransformer;
use sluice_worker::config::{DistributedConfig, Problem, StandaloneConfig};

/// The configuration of a distributed worker with these plugins.
pub(crate) fn distributed(path: &Path, registry: &Registry) -> anyhow::Result<DistributedConfig> {
    let file = PropertiesFile::read(path)?;
    let def = DistributedConfig::config_def();
    let known = |config: DistributedConfig| refuse(config.worker.class_problems(registry, &def)).map(|()| config);
    let resolved = resolved(&file)?;
    checked(&file, &resolved, &def, DistributedConfig::parse(&resolved).and_then(known))
}

/// The configuration of a standalone worker with these plugins.
pub(crate) fn standalone(path: &Path, registry: &Registry) -> anyhow::Result<StandaloneConfig> {
    let file = PropertiesFile::read(path)?;
    let def = StandaloneConfig::config_def();
    let known = |config: StandaloneConfig| refuse(config.worker.class_problems(registry, &def)).map(|()| config);
    let resolved = resolved(&file)?;
    checked(&file, &resolved, &def, StandaloneConfig::parse(&resolved).and_then(known))
}

/// The file's properties with the variables of its own config providers replaced.
fn resolved(file: &PropertiesFile) -> anyhow::Result<Properties> {
    let written = file.properties();
    let resolved = ConfigTransformer::new(&written).and_then(|providers| providers.transform(&written));
    Ok(resolved.with_context(|| format!("resolving the variables in {}", file.path))?.properties)
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
fn checked<T>(
    file: &PropertiesFile,
    resolved: &Properties,
    def: &ConfigDef,
    parsed: Result<T, Vec<Problem>>,
) -> anyhow::Result<T> {
    let written = file.properties();
    let problems = parsed.as_ref().err().into_iter().flatten().cloned();
    let problems: Vec<Problem> = problems.map(|problem| problem.unresolved(&written, resolved)).collect();
    let report = StartupReport::new(file, def, &problems);
    for warning in report.warnings() {
        eprintln!("warning: {warning}");
    }
    match parsed {
        Ok(config) => Ok(config),
        Err(_) => bail!("the worker cannot start with these properties:\n{}", report.errors().join("\n")),
    }
}
