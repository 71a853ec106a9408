//! Dedicated mirrors: Apache Kafka's MirrorMaker 2 and `sluice connect-mirror-maker`, started from the same file.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;

use crate::kafka::{Kafka, java};
use crate::process::{Launch, Server};
use crate::scratch::Scratch;
use crate::worker::{Engine, Properties, sluice_binary};

const HEAP_MB: u32 = 512;
const FILE: &str = "mm2.properties";
const STOP_DEADLINE: Duration = Duration::from_secs(90);

/// A running mirror. Ends with this value.
#[derive(Debug)]
pub struct MirrorMaker {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    launch: Launch,
    scratch: Scratch,
}

impl MirrorMaker {
    /// Two clusters, `A` and `B`, with one replica of everything and short intervals; flows are for the caller to enable.
    #[must_use]
    pub fn properties(a: &Kafka, b: &Kafka) -> Properties {
        let ones =
            ["replication.factor", "offset-syncs.topic.replication.factor", "checkpoints.topic.replication.factor"];
        let more = ["heartbeats.topic.replication.factor", "config.storage.replication.factor"];
        let stores = ["offset.storage.replication.factor", "status.storage.replication.factor"];
        let intervals = ["refresh.topics", "refresh.groups", "emit.checkpoints", "sync.group.offsets"];
        let mut properties = Properties::new()
            .with("clusters", "A, B")
            .with("A.bootstrap.servers", &a.bootstrap())
            .with("B.bootstrap.servers", &b.bootstrap())
            .with("sync.topic.acls.enabled", "false");
        for key in ones.iter().chain(&more).chain(&stores) {
            properties = properties.with(key, "1");
        }
        for name in intervals {
            properties = properties.with(&format!("{name}.interval.seconds"), "1");
        }
        for cluster in ["A", "B"] {
            properties = properties
                .with(&format!("{cluster}.offset.flush.interval.ms"), "500")
                .with(&format!("{cluster}.scheduled.rebalance.max.delay.ms"), "0");
        }
        properties
    }

    /// Starts a mirror with this file.
    pub fn start(engine: Engine, properties: &Properties) -> Result<Self> {
        let scratch = Scratch::new("mirror")?;
        let file = scratch.join(FILE);
        properties.write(&file)?;
        let log_stem = scratch.join("mirror");
        let launch = match engine {
            Engine::Oracle => java("org.apache.kafka.connect.mirror.MirrorMaker", HEAP_MB, log_stem)?,
            Engine::Sluice => Launch::new(sluice_binary()?, log_stem).arg("connect-mirror-maker"),
        };
        let launch = launch.arg(&file);
        Ok(Self { server: launch.start()?, launch, scratch })
    }

    /// Its properties file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.scratch.join(FILE)
    }

    /// The process, to measure it.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Graceful stop.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.server.terminate(STOP_DEADLINE)
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> Result<()> {
        self.server.kill9()
    }

    /// Waits until it ends by itself.
    pub fn wait_end(&mut self) -> Result<ExitStatus> {
        self.server.wait_end(STOP_DEADLINE)
    }

    /// Starts it again; it must have ended.
    pub fn restart(&mut self) -> Result<()> {
        self.server = self.launch.start()?;
        Ok(())
    }

    /// The end of what it has said.
    #[must_use]
    pub fn logs(&self) -> String {
        self.server.last_words()
    }
}
