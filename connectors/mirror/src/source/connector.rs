//! The running connector: looks at both clusters again and again and deals the partitions to tasks. It moves no records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::{ConnectError, Connector, ConnectorContext, ErrorKind, Properties, Result};
use sluice_kafka::{Admin, NewTopic, TopicPartition};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::plan::{self, Missing};
use crate::admin::{create_internal, failed};
use crate::config::{ClientRole, Side, SourceConfig};

const LOOKING: &str = "looking at the topics of both clusters";
/// Pause between two tries to begin.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// What the connector and its scheduled work both know.
type Known = Arc<Mutex<Vec<TopicPartition>>>;

/// See the module.
#[derive(Default)]
pub(super) struct MirrorSourceConnector {
    properties: Properties,
    is_enabled: bool,
    known: Known,
    schedule: Option<JoinHandle<()>>,
}

/// Both clusters, and what is done to them.
struct Clusters {
    config: SourceConfig,
    source: Admin,
    target: Admin,
    known: Known,
    context: ConnectorContext,
}

#[async_trait(?Send)]
impl Connector for MirrorSourceConnector {
    async fn start(&mut self, context: ConnectorContext, properties: &Properties) -> Result<()> {
        let config = SourceConfig::parse(properties)?;
        self.end_schedule();
        self.properties = properties.clone();
        self.is_enabled = config.flow.enabled;
        if !self.is_enabled {
            tracing::info!(connector = config.flow.name, "the flow is disabled");
            return Ok(());
        }
        let admin = |side, purpose| {
            let admin = Admin::new(&config.flow.clients.of(side, ClientRole::Admin, purpose));
            admin.map_err(|error| failed("creating an admin client", error))
        };
        let source = admin(Side::Source, "replication-source-admin")?;
        let target = admin(Side::Target, "replication-target-admin")?;
        let clusters = Clusters { source, target, known: Arc::clone(&self.known), context, config };
        let patience = clusters.config.flow.admin_timeout;
        // As in MirrorMaker: a cluster that cannot be reached now does not fail the start.
        let begun = match timeout(patience, clusters.begin()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                clusters.log(LOOKING, &error);
                false
            }
            Err(_) => {
                clusters.log(LOOKING, &"it took too long");
                false
            }
        };
        self.schedule = Some(tokio::spawn(clusters.keep_up(begun)));
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Properties>> {
        let known = lock(&self.known).clone();
        Ok(if self.is_enabled { plan::deal(&self.properties, &known, max_tasks) } else { Vec::new() })
    }

    async fn stop(&mut self) -> Result<()> {
        self.end_schedule();
        Ok(())
    }
}

impl MirrorSourceConnector {
    fn end_schedule(&mut self) {
        if let Some(schedule) = self.schedule.take() {
            schedule.abort();
        }
    }
}

impl Drop for MirrorSourceConnector {
    fn drop(&mut self) {
        self.end_schedule();
    }
}

impl Clusters {
    async fn begin(&self) -> Result<(), sluice_kafka::Error> {
        self.create_offset_syncs_topic().await?;
        self.refresh().await.map(drop)
    }

    async fn create_offset_syncs_topic(&self) -> Result<(), sluice_kafka::Error> {
        let Some((location, replication_factor)) = self.config.syncs else { return Ok(()) };
        let admin = match location {
            Side::Source => &self.source,
            Side::Target => &self.target,
        };
        for topic in [self.config.flow.offset_syncs_topic(location), self.config.flow.offset_ranges_topic(location)] {
            create_internal(admin, &topic, replication_factor, self.config.flow.admin_timeout).await?;
        }
        Ok(())
    }

    /// Repeats what is scheduled until the connector stops.
    async fn keep_up(self, mut begun: bool) {
        while !begun {
            sleep(RETRY_PAUSE).await;
            match self.begin().await {
                Ok(()) => {
                    begun = true;
                    self.context.request_task_reconfiguration();
                }
                Err(error) => self.log(LOOKING, &error),
            }
        }
        let now = Instant::now();
        let mut refresh = Due::new(self.config.refresh_topics, now + self.config.refresh_topics.unwrap_or_default());
        let mut settings = Due::new(self.config.sync_settings, now);
        let mut acls = Due::new(self.config.sync_acls, now);
        loop {
            if refresh.take() {
                match self.refresh().await {
                    Ok(true) => self.context.request_task_reconfiguration(),
                    Ok(false) => {}
                    Err(error) => self.log(LOOKING, &error),
                }
            }
            if settings.take() {
                self.sync_settings().await;
            }
            if acls.take() {
                self.sync_acls().await;
            }
            match [refresh.at, settings.at, acls.at].into_iter().flatten().min() {
                Some(next) => sleep_until(next).await,
                None => return,
            }
        }
    }

    /// Creates what the target lacks and takes note of what there is; whether that has changed.
    async fn refresh(&self) -> Result<bool, sluice_kafka::Error> {
        let timeout = self.config.flow.admin_timeout;
        let source = self.source.list_topics(timeout).await?;
        let target = self.target.list_topics(timeout).await?;
        for missing in plan::missing(&self.config, &source, &target) {
            if let Err(error) = self.create(&missing).await {
                self.log("creating what the target lacks", &error);
            }
        }
        let partitions = plan::partitions(&self.config, &source);
        let mut known = lock(&self.known);
        let has_changed = *known != partitions;
        *known = partitions;
        Ok(has_changed)
    }

    async fn create(&self, missing: &Missing) -> Result<(), sluice_kafka::Error> {
        let timeout = self.config.flow.admin_timeout;
        match missing {
            Missing::Topic { source, remote, partitions } => {
                let settings = self.source.described_settings(source, timeout).await?;
                let topic = NewTopic {
                    name: remote.clone(),
                    partitions: *partitions,
                    replication_factor: self.config.replication_factor,
                    settings: self.config.settings_of_new(&settings),
                };
                match self.target.create_topic(&topic, timeout).await {
                    Err(error) if error.kind() == sluice_kafka::ErrorKind::TopicExists => Ok(()),
                    outcome => outcome,
                }
            }
            Missing::Partitions { remote, total } => self.target.create_partitions(remote, *total, timeout).await,
        }
    }

    async fn sync_settings(&self) {
        let timeout = self.config.flow.admin_timeout;
        for topic in self.topics() {
            let synced = async {
                let settings = self.source.described_settings(&topic, timeout).await?;
                let changes = self.config.changes(&settings);
                self.target.alter_topic_settings(&self.config.remote(&topic), &changes, timeout).await
            };
            match synced.await {
                Ok(()) => {}
                Err(error) if error.kind() == sluice_kafka::ErrorKind::UnsupportedByBroker => {
                    let flow = &self.config.flow;
                    let message = format!(
                        "the target cluster '{}' is not compatible with IncrementalAlterConfigs API",
                        flow.target
                    );
                    self.context.raise_error(ConnectError::new(ErrorKind::Connect, message).with_source(error));
                    return;
                }
                Err(error) => self.log(&format!("copying the settings of topic {topic}"), &error),
            }
        }
    }

    async fn sync_acls(&self) {
        let timeout = self.config.flow.admin_timeout;
        let rules = match self.source.topic_acls(timeout).await {
            Ok(rules) => self.config.remote_acls(&rules),
            Err(error) => {
                // A cluster without access rules has none to copy.
                tracing::debug!(connector = self.config.flow.name, %error, "no access rules are copied");
                return;
            }
        };
        if rules.is_empty() {
            return;
        }
        if let Err(error) = self.target.create_acls(&rules, timeout).await {
            self.log("copying access rules", &error);
        }
    }

    /// Topics that are copied, in order.
    fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = lock(&self.known).iter().map(|tp| tp.topic.to_string()).collect();
        topics.dedup();
        topics
    }

    fn log(&self, action: &str, error: &dyn std::fmt::Display) {
        tracing::warn!(connector = self.config.flow.name, %error, "{action} failed; it is tried again");
    }
}

/// Something that is done every so often.
struct Due {
    interval: Option<Duration>,
    at: Option<Instant>,
}

impl Due {
    fn new(interval: Option<Duration>, first: Instant) -> Self {
        Self { interval, at: interval.map(|_| first) }
    }

    /// Whether it is time, and when it is the next time.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.at.is_some_and(|at| at <= now);
        if is_due {
            // Never more than once a second, whatever the configuration says.
            self.at = self.interval.map(|interval| now + interval.max(Duration::from_secs(1)));
        }
        is_due
    }
}

fn lock(known: &Mutex<Vec<TopicPartition>>) -> std::sync::MutexGuard<'_, Vec<TopicPartition>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
