//! What to start: which engine, which mode, which properties.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::{Fault, Properties, Worker};
use crate::kafka::{Kafka, java};
use crate::process::Launch;
use crate::rest::RestTls;
use crate::scratch::{Scratch, free_port};

const ORACLE_HEAP_MB: u32 = 512;

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Apache Kafka Connect.
    Oracle,
    /// The `sluice` binary.
    Sluice,
}

impl Engine {
    /// Both, for a test that runs the same steps on each.
    pub const BOTH: [Engine; 2] = [Engine::Oracle, Engine::Sluice];
}

/// How the worker is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `connect-distributed`.
    Distributed,
    /// `connect-standalone` with connector files.
    Standalone(Vec<PathBuf>),
    /// `sluice dev` on a data folder.
    Dev(PathBuf),
}

/// A worker to be started. A free REST port is chosen unless `listeners` is given.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) engine: Engine,
    pub(super) mode: Mode,
    pub(super) properties: Properties,
    heap_mb: u32,
    binary: Option<PathBuf>,
    environment: Vec<(String, String)>,
    /// How tests reach it.
    pub(super) tls: Option<RestTls>,
}

impl Setup {
    /// A distributed worker.
    #[must_use]
    pub fn distributed(engine: Engine, properties: &Properties) -> Self {
        Setup::of(engine, Mode::Distributed, properties.clone())
    }

    /// A standalone worker that starts with these connector files.
    #[must_use]
    pub fn standalone<P: AsRef<Path>>(engine: Engine, properties: &Properties, connectors: &[P]) -> Self {
        let connectors = connectors.iter().map(|path| path.as_ref().to_owned()).collect();
        Setup::of(engine, Mode::Standalone(connectors), properties.clone())
    }

    fn of(engine: Engine, mode: Mode, properties: Properties) -> Self {
        Setup { engine, mode, properties, heap_mb: ORACLE_HEAP_MB, binary: None, environment: Vec::new(), tls: None }
    }

    /// Sets a worker property.
    #[must_use]
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties = self.properties.with(key, value);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The oracle's largest heap.
    #[must_use]
    pub const fn heap_mb(mut self, heap_mb: u32) -> Self {
        self.heap_mb = heap_mb;
        self
    }

    /// Its REST interface speaks TLS, and tests reach it so; the keys of its listener are the caller's to set.
    #[must_use]
    pub fn over(mut self, tls: &RestTls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// Another binary than [`sluice_binary`] finds ([`Engine::Sluice`] only).
    #[must_use]
    pub fn binary(mut self, path: &Path) -> Self {
        self.binary = Some(path.to_owned());
        self
    }

    /// Dies at a named point ([`Engine::Sluice`] only).
    #[must_use]
    pub fn with_fault(self, fault: &Fault) -> Self {
        self.env(Fault::VARIABLE, &fault.to_string())
    }

    /// Starts the process and waits until `GET /health` is 200.
    pub fn start(self) -> Result<Worker> {
        let mut worker = self.launch()?;
        worker.wait_healthy()?;
        Ok(worker)
    }

    /// Starts the process and waits for nothing: for a start that shall fail or be measured.
    pub fn launch(mut self) -> Result<Worker> {
        let scratch = Scratch::new(match self.engine {
            Engine::Oracle => "oracle",
            Engine::Sluice => "sluice",
        })?;
        let authority = self.listen()?;
        let file = scratch.join("worker.properties");
        self.properties.write(&file)?;
        let launch = self.command(&scratch, &file, &authority)?;
        Worker::launch(self, launch, scratch, &authority)
    }

    /// `host:port` of the first listener, which is chosen if there is none.
    fn listen(&mut self) -> Result<String> {
        if let Some(listeners) = self.properties.get("listeners") {
            let first = listeners.split(',').next().unwrap_or_default().trim();
            let authority = first.split_once("://").map_or(first, |(_, authority)| authority);
            return Ok(if authority.starts_with(':') { format!("127.0.0.1{authority}") } else { authority.to_owned() });
        }
        let authority = format!("127.0.0.1:{}", free_port()?);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.properties = self.properties.clone().with("listeners", &format!("{scheme}://{authority}"));
        Ok(authority)
    }

    fn command(&self, scratch: &Scratch, file: &Path, authority: &str) -> Result<Launch> {
        let log_stem = scratch.join("worker");
        let launch = match self.engine {
            Engine::Oracle => java(self.oracle_class()?, self.heap_mb, log_stem)?,
            Engine::Sluice => {
                Launch::new(self.binary.clone().map_or_else(sluice_binary, Ok)?, log_stem).arg(self.subcommand())
            }
        };
        let port = authority.rsplit(':').next().unwrap_or_default();
        let launch = match &self.mode {
            Mode::Distributed => launch.arg(file),
            Mode::Standalone(connectors) => connectors.iter().fold(launch.arg(file), Launch::arg),
            Mode::Dev(data) => launch.arg("--data-dir").arg(data).arg("--port").arg(port),
        };
        Ok(self.environment.iter().fold(launch, |launch, (key, value)| launch.env(key, value)))
    }

    fn oracle_class(&self) -> Result<&'static str> {
        match self.mode {
            Mode::Distributed => Ok("org.apache.kafka.connect.cli.ConnectDistributed"),
            Mode::Standalone(_) => Ok("org.apache.kafka.connect.cli.ConnectStandalone"),
            Mode::Dev(_) => bail!("Apache Kafka Connect has no dev mode"),
        }
    }

    const fn subcommand(&self) -> &'static str {
        match self.mode {
            Mode::Distributed => "connect-distributed",
            Mode::Standalone(_) => "connect-standalone",
            Mode::Dev(_) => "dev",
        }
    }

    /// How long a start may take: a JVM on a busy machine needs its time.
    pub(super) const fn start_deadline(&self) -> Duration {
        match self.engine {
            Engine::Oracle => Duration::from_secs(180),
            Engine::Sluice => Duration::from_secs(60),
        }
    }
}

/// `$SLUICE_BIN`, or `sluice` in the folder that holds this executable or one of its parents (`target/release`).
pub fn sluice_binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("SLUICE_BIN") {
        return Ok(PathBuf::from(path));
    }
    built("sluice")?.context("no `sluice` binary: run `cargo build --release` first, or set SLUICE_BIN")
}

/// The worker with connectors for tests besides the built-in ones, for [`Setup::binary`]; found as `sluice` is.
pub fn test_worker_binary() -> Result<PathBuf> {
    built("sluice-test-worker")?
        .context("no `sluice-test-worker`: run `cargo build --release --workspace --bins` first")
}

fn built(name: &str) -> Result<Option<PathBuf>> {
    let here = env::current_exe().context("the path of this executable")?;
    Ok(here.ancestors().skip(1).take(3).map(|folder| folder.join(name)).find(|path| path.is_file()))
}

/// Starts Apache Kafka Connect.
#[derive(Debug)]
pub struct ConnectOracle;

impl ConnectOracle {
    /// A distributed worker.
    #[must_use]
    pub fn distributed(properties: &Properties) -> Setup {
        Setup::distributed(Engine::Oracle, properties)
    }

    /// A standalone worker.
    #[must_use]
    pub fn standalone<P: AsRef<Path>>(properties: &Properties, connectors: &[P]) -> Setup {
        Setup::standalone(Engine::Oracle, properties, connectors)
    }

    /// The distributed worker on the shared broker that all tests of this process share: for tests that only ask. Never stop
    /// it, and use connector names of the test's own.
    pub fn shared() -> Result<&'static Worker> {
        static SHARED: OnceLock<Result<Worker, String>> = OnceLock::new();
        let start = || Setup::distributed(Engine::Oracle, &Properties::distributed(Kafka::shared()?, "shared")).start();
        let shared = SHARED.get_or_init(|| start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("the shared oracle did not start: {error}"))
    }
}

/// Starts the `sluice` binary.
#[derive(Debug)]
pub struct Sluice;

impl Sluice {
    /// `sluice connect-distributed`.
    #[must_use]
    pub fn distributed(properties: &Properties) -> Setup {
        Setup::distributed(Engine::Sluice, properties)
    }

    /// `sluice connect-standalone`.
    #[must_use]
    pub fn standalone<P: AsRef<Path>>(properties: &Properties, connectors: &[P]) -> Setup {
        Setup::standalone(Engine::Sluice, properties, connectors)
    }

    /// `sluice dev` on a data folder.
    #[must_use]
    pub fn dev(data: &Path) -> Setup {
        Setup::of(Engine::Sluice, Mode::Dev(data.to_owned()), Properties::new())
    }

    /// Any other call of the binary, for example `--version`; its output goes to files beside `log_stem`.
    pub fn command(log_stem: impl Into<PathBuf>) -> Result<Launch> {
        Ok(Launch::new(sluice_binary()?, log_stem))
    }
}
