//! `sluice dev`: a worker on an embedded broker, in one process.

use anyhow::{Context, anyhow};
use sluice_api::ConnectorPlugin;
use sluice_worker::config::DistributedConfig;

use crate::args::DevOptions;
use crate::{Failure, distributed, logging, plugins, runtime};

/// Runs until the user ends it. The folder keeps topics, offsets and connectors for the next time.
pub(crate) fn run(options: DevOptions, further: Vec<Box<dyn ConnectorPlugin>>) -> Result<(), Failure> {
    let loggers = logging::start();
    let registry = plugins::registry(further).map_err(Failure::Startup)?;
    runtime::run(async move {
        let broker = Broker::start(&options).await.map_err(Failure::Startup)?;
        let config = config(&broker.bootstrap_servers, options.port).map_err(Failure::Startup)?;
        let bootstrap = broker.bootstrap_servers.clone();
        let ended = distributed::work(config, registry, loggers, move |port| welcome(port, &bootstrap)).await;
        broker.shutdown().await;
        ended
    })
}

/// The broker that the worker runs on: our own, or one that the user named.
struct Broker {
    bootstrap_servers: String,
    #[cfg(feature = "embedded")]
    embedded: Option<sluice_embedded::EmbeddedBroker>,
}

impl Broker {
    #[cfg(feature = "embedded")]
    async fn start(options: &DevOptions) -> anyhow::Result<Self> {
        if let Some(named) = &options.bootstrap_servers {
            return Ok(Self { bootstrap_servers: named.clone(), embedded: None });
        }
        let wanted = sluice_embedded::Options { data_dir: options.data_dir.clone(), port: options.broker_port };
        let embedded = sluice_embedded::EmbeddedBroker::start(wanted).await?;
        Ok(Self { bootstrap_servers: embedded.bootstrap_servers(), embedded: Some(embedded) })
    }

    #[cfg(not(feature = "embedded"))]
    async fn start(options: &DevOptions) -> anyhow::Result<Self> {
        let named = options.bootstrap_servers.clone();
        let missing = || anyhow!("this build has no embedded broker: name a Kafka with --bootstrap-servers HOST:PORT");
        Ok(Self { bootstrap_servers: named.ok_or_else(missing)? })
    }

    async fn shutdown(self) {
        #[cfg(feature = "embedded")]
        if let Some(broker) = self.embedded
            && let Err(error) = broker.shutdown().await
        {
            tracing::warn!(%error, "the embedded broker did not stop cleanly");
        }
    }
}

/// A worker for one machine: text as it is, offsets flushed every second.
fn config(bootstrap_servers: &str, port: u16) -> anyhow::Result<DistributedConfig> {
    let listeners = format!("http://127.0.0.1:{port}");
    let properties = [
        ("bootstrap.servers", bootstrap_servers),
        ("group.id", "sluice-dev"),
        ("config.storage.topic", "sluice-dev-configs"),
        ("offset.storage.topic", "sluice-dev-offsets"),
        ("status.storage.topic", "sluice-dev-status"),
        ("config.storage.replication.factor", "1"),
        ("offset.storage.replication.factor", "1"),
        ("offset.storage.partitions", "1"),
        ("status.storage.replication.factor", "1"),
        ("status.storage.partitions", "1"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("offset.flush.interval.ms", "1000"),
        ("listeners", &listeners),
    ];
    let properties = properties.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let parsed = DistributedConfig::parse(&properties);
    parsed
        .map_err(|problems| anyhow!("{problems:?}"))
        .context("the worker's own configuration is wrong, please report it")
}

fn welcome(port: u16, bootstrap_servers: &str) {
    println!(
        r#"
Sluice is ready: REST at http://127.0.0.1:{port}, Kafka at {bootstrap_servers}. End it with Ctrl-C; everything is kept.
Copy a file through a topic into another file:

  curl -X PUT -H 'Content-Type: application/json' http://127.0.0.1:{port}/connectors/file-in/config -d '{{"connector.class":"FileStreamSource","file":"/tmp/in.txt","topic":"lines","keep.carriage.return":true}}'
  curl -X PUT -H 'Content-Type: application/json' http://127.0.0.1:{port}/connectors/file-out/config -d '{{"connector.class":"FileStreamSink","file":"/tmp/out.txt","topics":"lines"}}'

Then write lines to /tmp/in.txt and read /tmp/out.txt.
"#
    );
}
