//! One KRaft broker: formatted, started, killed and started again on the same ports and data.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::jars::{jars, java};
use super::topics::Topics;
use crate::process::{Launch, Server};
use crate::scratch::{Scratch, free_port};
use crate::wait::{Seen, wait_until};

const HEAP_MB: u32 = 512;
/// A broker is up in 5 s on an idle machine; a busy one gets its time.
const START_DEADLINE: Duration = Duration::from_secs(180);
const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// One real broker with its controller, plaintext, on 127.0.0.1.
#[derive(Debug)]
pub struct Kafka {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    launch: Launch,
    port: u16,
    scratch: Scratch,
}

/// A further listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener<'a> {
    pub(super) name: &'a str,
    /// Its security protocol.
    pub(super) protocol: &'a str,
    pub(super) port: u16,
    /// Where clients are told to go.
    pub(super) advertised_port: u16,
}

impl Kafka {
    /// The broker that all tests of this process share. Never stop it.
    pub fn shared() -> Result<&'static Kafka> {
        static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Kafka::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("the shared broker did not start: {error}"))
    }

    /// A broker of the caller's own.
    pub fn start() -> Result<Kafka> {
        Kafka::start_with(&[])
    }

    /// A broker of the caller's own with broker properties that win over the harness's.
    pub fn start_with(overrides: &[(&str, &str)]) -> Result<Kafka> {
        Kafka::start_listening(&[], overrides, &[])
    }

    /// A broker with further listeners, broker properties, and SCRAM users as the storage tool takes them.
    pub(super) fn start_listening(
        listeners: &[Listener<'_>],
        overrides: &[(&str, &str)],
        users: &[String],
    ) -> Result<Kafka> {
        let scratch = Scratch::new("kafka")?;
        let port = free_port()?;
        let properties = properties((port, free_port()?), &scratch.join("data"), listeners, overrides);
        let file = scratch.join("server.properties");
        fs::write(&file, properties).context("writing the broker's properties")?;
        format_storage(&file, users)?;
        let launch = java("kafka.Kafka", HEAP_MB, scratch.join("kafka"))?.arg(&file);
        let mut server = launch.start()?;
        await_listening(&mut server, port)?;
        let kafka = Kafka { server, launch, port, scratch };
        kafka.topics().await_broker(START_DEADLINE)?;
        Ok(kafka)
    }

    /// `host:port` for `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What tests do with topics.
    #[must_use]
    pub fn topics(&self) -> Topics {
        Topics::at(&self.bootstrap())
    }

    /// The process, to measure it or to send it a signal.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The broker's temporary folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// `kill -9`: what was not synced to the disk cache by then stays unsaid, what was acknowledged is there after [`Kafka::restart`].
    pub fn kill9(&mut self) -> Result<()> {
        self.server.kill9()
    }

    /// Graceful stop.
    pub fn stop(&mut self) -> Result<()> {
        self.server.terminate(STOP_DEADLINE).map(drop)
    }

    /// Starts the broker again on the same ports and data; stops it first if it runs.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.server = self.launch.start()?;
        await_listening(&mut self.server, self.port)?;
        self.topics().await_broker(START_DEADLINE)
    }
}

fn await_listening(server: &mut Server, port: u16) -> Result<()> {
    wait_until(&format!("the broker to listen on port {port}"), START_DEADLINE, || match server.ended() {
        Some(status) => Seen::Met(Err(anyhow!("the broker ended at start: {status}\n{}", server.last_words()))),
        None => match TcpStream::connect(("127.0.0.1", port)) {
            Ok(_) => Seen::Met(Ok(())),
            Err(error) => Seen::NotYet(error.to_string()),
        },
    })?
}

fn properties(
    (port, controller_port): (u16, u16),
    data: &Path,
    further: &[Listener<'_>],
    overrides: &[(&str, &str)],
) -> String {
    let data = data.display().to_string();
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{port}");
    let mut advertised = listeners.clone();
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    for Listener { name, protocol, port, advertised_port } in further {
        listeners += &format!(",{name}://127.0.0.1:{port}");
        advertised += &format!(",{name}://127.0.0.1:{advertised_port}");
        protocols += &format!(",{name}:{protocol}");
    }
    listeners += &format!(",CONTROLLER://127.0.0.1:{controller_port}");
    let voters = format!("1@127.0.0.1:{controller_port}");
    let mut properties = BTreeMap::from([
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", &voters),
        ("listeners", &listeners),
        ("advertised.listeners", &advertised),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", &protocols),
        ("log.dirs", &data),
        ("auto.create.topics.enable", "true"),
        ("num.partitions", "1"),
        ("default.replication.factor", "1"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "1"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        // Compaction must not take away what a test wants to read.
        ("log.cleaner.enable", "false"),
    ]);
    properties.extend(overrides.iter().copied());
    properties.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

fn format_storage(file: &Path, users: &[String]) -> Result<()> {
    let formatted = Command::new("java")
        .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars()?.join("*"))
        // The cluster id is 16 bytes in URL-safe base64: any will do, each broker is a cluster of its own.
        .args(["kafka.tools.StorageTool", "format", "-t", "c2x1aWNlLXRlc3QtMDAwMQ", "-c"])
        .arg(file)
        .args(users.iter().flat_map(|user| ["--add-scram", user]))
        .output()
        .context("running kafka.tools.StorageTool")?;
    if formatted.status.success() {
        return Ok(());
    }
    bail!("formatting the broker's folder failed: {}", String::from_utf8_lossy(&formatted.stderr))
}
