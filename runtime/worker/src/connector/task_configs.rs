//! Task configs: what the connector gives, and what Kafka Connect adds (connect-worker.md 5.1).

use sluice_api::{ConnectError, Properties};
use sluice_plugins::Registry;
use tokio::time::Instant;

use super::RunningConnector;
use crate::config::ConnectorConfig;

/// What a connector wants its tasks to run with, as it is to be stored: no value of a config provider is in it (Invariant 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskConfigs {
    /// One per task.
    pub configs: Vec<Properties>,
    /// Another number when a value of a provider has changed, which the configs do not show; good within this process only.
    pub fingerprint: u64,
}

/// Asks the connector for at most `tasks.max` task configs.
pub(crate) async fn generate(
    connector: &RunningConnector,
    registry: &Registry,
    name: &str,
    config: &Properties,
    deadline: Instant,
) -> Result<Vec<Properties>, ConnectError> {
    let parsed = ConnectorConfig::parse(registry, config)?;
    let mut configs = connector.task_configs(parsed.tasks_max, deadline).await?;
    if let Err(error) = check_count(name, configs.len(), &parsed) {
        connector.fail(ConnectError::connect(error.message()));
        return Err(error);
    }
    let task_class = connector.plugin().task_class();
    for task_config in &mut configs {
        task_config.insert("task.class".to_owned(), task_class.clone());
        for key in ["topics", "topics.regex"] {
            if let Some(value) = config.get(key) {
                task_config.insert(key.to_owned(), value.clone());
            }
        }
    }
    Ok(configs)
}

/// Refuses more tasks than `tasks.max`, unless `tasks.max.enforce` is off.
pub(crate) fn check_count(name: &str, count: usize, config: &ConnectorConfig) -> Result<(), ConnectError> {
    let max_tasks = config.tasks_max;
    if count <= max_tasks {
        return Ok(());
    }
    if config.tasks_max_enforce {
        return Err(ConnectError::connect(format!(
            "The connector {name} has generated {count} tasks, which is greater than {max_tasks}, the maximum number of tasks it is \
             configured to create. This behavior should be considered a bug and is disallowed. If necessary, it can be permitted by \
             reconfiguring the connector with 'tasks.max.enforce' set to false; however, this option will be removed in a future \
             release of Kafka Connect."
        )));
    }
    tracing::warn!(connector = name, count, max_tasks, "the connector has more tasks than `tasks.max`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use sluice_api::Properties;
    use sluice_plugins::RegistryBuilder;

    use super::check_count;
    use crate::config::ConnectorConfig;

    fn config(enforce: &str) -> ConnectorConfig {
        let keys = [("name", "c"), ("connector.class", "x"), ("tasks.max", "2"), ("tasks.max.enforce", enforce)];
        let properties: Properties = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let registry = RegistryBuilder::new().build().expect("an empty registry");
        ConnectorConfig::parse(&registry, &properties).expect("a good config")
    }

    #[test]
    fn more_tasks_than_allowed_are_refused_unless_that_is_switched_off() {
        assert!(check_count("c", 2, &config("true")).is_ok());
        let error = check_count("c", 3, &config("true")).expect_err("too many");
        assert!(
            error.message().starts_with("The connector c has generated 3 tasks, which is greater than 2"),
            "{error}"
        );
        assert!(check_count("c", 3, &config("false")).is_ok());
    }
}
