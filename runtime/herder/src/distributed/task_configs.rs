//! From a connector to a committed set of task configs.

use std::collections::HashMap;
use std::time::Duration;

use sluice_api::{ConnectError, Properties};
use sluice_storage::{ClusterConfigState, TargetState};
use sluice_worker::TaskConfigs;
use tracing::{debug, error, warn};

use super::fencing::write_failed;
use super::reconcile::{answer, deadline};
use super::service::{Reply, Report, Service};
use super::to_leader::Attempts;
use crate::{HerderError, PeerError};

/// The pauses between attempts to get a connector's task configs: 250 ms, doubling to 60 s.
#[derive(Default)]
pub(super) struct TaskConfigRetries(HashMap<String, Retry>);

#[derive(Default)]
struct Retry {
    attempts: Attempts,
    /// An attempt will follow.
    scheduled: bool,
}

impl TaskConfigRetries {
    /// How long to pause before the next attempt; `None` when one is scheduled already.
    fn schedule(&mut self, connector: &str) -> Option<Duration> {
        let retry = self.0.entry(connector.to_owned()).or_default();
        if std::mem::replace(&mut retry.scheduled, true) {
            return None;
        }
        Some(retry.attempts.next_pause())
    }

    /// Whether the leader refused a signature because the session key is being replaced.
    fn is_rotation(&mut self, connector: &str, error: &PeerError) -> bool {
        self.0.entry(connector.to_owned()).or_default().attempts.is_rotation(error)
    }

    /// The attempt is being made.
    fn begin(&mut self, connector: &str) {
        if let Some(retry) = self.0.get_mut(connector) {
            retry.scheduled = false;
        }
    }

    /// The next failure pauses shortly again.
    pub(super) fn forget(&mut self, connector: &str) {
        self.0.remove(connector);
    }
}

impl Service {
    /// Asks the instance, beside the loop, for the configs of its tasks; a [`Report::TaskConfigs`] follows. One that does not run
    /// is asked when it has started.
    pub(super) fn request_task_configs(&mut self, connector: &str, reply: Option<Reply<()>>) {
        let Some(instance) = self.instances.get(connector) else { return answer(reply, Ok(())) };
        if instance.target != TargetState::Started || !self.options.worker.is_connector_running(connector) {
            return answer(reply, Ok(()));
        }
        let (worker, reports, config) = (self.options.worker.clone(), self.reports.clone(), instance.config.clone());
        let connector = connector.to_owned();
        self.lanes.run(&connector.clone(), async move {
            let configs = worker.connector_task_configs(&connector, &config, deadline()).await;
            drop(reports.send(Report::TaskConfigs { connector, config, configs, reply }));
        });
    }

    /// Lets the configs be written when it is their turn, or asks again later: whatever was in the way may pass.
    pub(super) fn task_configs_came(
        &mut self,
        connector: String,
        config: Properties,
        configs: Result<TaskConfigs, ConnectError>,
        reply: Option<Reply<()>>,
    ) {
        match configs {
            Ok(configs) => self.do_later(|service| Box::pin(service.commit(connector, config, configs, reply))),
            Err(error) => {
                error!(connector, error = %error, "cannot get the connector's task configs");
                answer(reply, Err(HerderError::Internal(error.to_string())));
                self.retry_task_configs(connector);
            }
        }
    }

    /// Has the configs written when they differ from what is committed; the topic brings them back (Invariant 4). Those of a config
    /// that was replaced meanwhile are dropped: the restart that follows gives new ones.
    async fn commit(&mut self, connector: String, config: Properties, configs: TaskConfigs, reply: Option<Reply<()>>) {
        let current = self.snapshot().connector_configs.get(&connector) == Some(&config);
        if !current || !self.instances.contains_key(&connector) {
            return answer(reply, Ok(()));
        }
        if !self.is_news(&connector, &configs) {
            return self.published(connector, configs.fingerprint, Ok(()), reply);
        }
        match self.require_leader() {
            Ok(()) => {
                let written = self.write_task_configs(&connector, &configs.configs).await;
                self.published(connector, configs.fingerprint, written, reply);
            }
            Err(HerderError::Forward(Some(leader))) => self.send_task_configs(leader, connector, &configs, reply),
            Err(error) => self.published(connector, configs.fingerprint, Err(error), reply),
        }
    }

    fn is_news(&self, connector: &str, configs: &TaskConfigs) -> bool {
        let snapshot = self.snapshot();
        // The tasks run with values of config providers that have changed since.
        let stale = self.applied.get(connector).is_some_and(|applied| *applied != configs.fingerprint);
        let stopped = snapshot.target_state(connector).is_none_or(|state| state == TargetState::Stopped);
        !stopped && (stale || differs(&snapshot, connector, &configs.configs))
    }

    /// The configs are committed, or will be asked for again.
    pub(super) fn published(
        &mut self,
        connector: String,
        fingerprint: u64,
        published: Result<(), HerderError>,
        reply: Option<Reply<()>>,
    ) {
        match published {
            Ok(()) => {
                self.retries.forget(&connector);
                self.applied.insert(connector, fingerprint);
            }
            Err(_) => self.retry_task_configs(connector),
        }
        answer(reply, published);
    }

    /// The leader has committed the configs, or not.
    pub(super) fn published_by_leader(
        &mut self,
        connector: String,
        fingerprint: u64,
        sent: Result<(), PeerError>,
        reply: Option<Reply<()>>,
    ) {
        let Err(error) = sent else { return self.published(connector, fingerprint, Ok(()), reply) };
        if self.retries.is_rotation(&connector, &error) {
            debug!(connector, %error, "the session key seems to be replaced; sending task configs again");
            // They will be committed soon: whoever restarted the connector need not know.
            answer(reply, Ok(()));
            return self.retry_task_configs(connector);
        }
        warn!(connector, %error, "the leader has not committed task configs; sending them again");
        self.published(connector, fingerprint, Err(HerderError::Internal(error.to_string())), reply);
    }

    /// Writes a set of task configs as leader.
    pub(super) async fn write_task_configs(
        &mut self,
        connector: &str,
        configs: &[Properties],
    ) -> Result<(), HerderError> {
        let stage = format!("writing {} task configs for connector {connector} to the config topic", configs.len());
        let _stage = self.stages.begin(stage);
        self.claim_write_privileges().await;
        let store = self.options.configs.clone();
        let mut written = store.put_task_configs(connector, configs).await;
        if self.may_write_again(&written).await {
            written = store.put_task_configs(connector, configs).await;
        }
        written.map_err(|error| {
            warn!(connector, %error, "cannot write task configs");
            write_failed(&error, "Error writing connector configuration to Kafka")
        })
    }

    fn retry_task_configs(&mut self, connector: String) {
        let Some(pause) = self.retries.schedule(&connector) else { return };
        let reports = self.reports.clone();
        self.beside(async move {
            tokio::time::sleep(pause).await;
            drop(reports.send(Report::RetryTaskConfigs(connector)));
        });
    }

    pub(super) fn retry_is_due(&mut self, connector: &str) {
        self.retries.begin(connector);
        self.request_task_configs(connector, None);
    }
}

/// Whether a set of task configs is news: another count, another config, or the connector's config changed since.
fn differs(snapshot: &ClusterConfigState, connector: &str, configs: &[Properties]) -> bool {
    let committed = snapshot.tasks(connector);
    if committed.len() != configs.len() || snapshot.inconsistent.contains(connector) {
        return true;
    }
    let unchanged = committed.iter().zip(configs).all(|(id, config)| snapshot.task_configs.get(id) == Some(config));
    !unchanged || snapshot.applied_configs.get(connector) != snapshot.connector_configs.get(connector)
}
