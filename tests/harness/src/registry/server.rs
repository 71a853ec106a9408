//! Apicurio Registry: fetched once per machine by Maven, started on a free port, ready when it answers.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;

use crate::kafka::{JDK, cached, emptied, maven, needs};
use crate::process::{Launch, Server};
use crate::rest::Rest;
use crate::scratch::{Scratch, free_port};
use crate::wait::{Seen, wait_until};

const VERSION: &str = "2.6.13.Final";
/// Up in 7 to 14 s on an idle machine; a busy one gets its time.
const START_DEADLINE: Duration = Duration::from_secs(240);

/// One registry, in memory, on 127.0.0.1.
#[derive(Debug)]
pub struct SchemaRegistry {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    base: String,
    _scratch: Scratch,
}

impl SchemaRegistry {
    /// The registry that all tests of this process share. Subjects have names of the test's own; never stop it.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<SchemaRegistry, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("the shared schema registry did not start: {error}"))
    }

    /// A registry of the caller's own.
    pub fn start() -> Result<Self> {
        needs("java", "-version", JDK)?;
        let (jar, scratch, port) = (jar()?, Scratch::new("registry")?, free_port()?);
        let server = Launch::new("java", scratch.join("registry"))
            .env("QUARKUS_HTTP_HOST", "127.0.0.1")
            .env("QUARKUS_HTTP_PORT", &port.to_string())
            .env("QUARKUS_PROFILE", "prod")
            .arg("-Xmx384m")
            .arg("-XX:+UseSerialGC")
            .arg("-jar")
            .arg(jar)
            .start()?;
        let mut registry = Self { server, base: format!("http://127.0.0.1:{port}"), _scratch: scratch };
        registry.await_ready()?;
        Ok(registry)
    }

    /// The address for `schema.registry.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/apis/ccompat/v7", self.base)
    }

    /// The address of Apicurio's own interface, which its converters speak.
    #[must_use]
    pub fn own_url(&self) -> String {
        format!("{}/apis/registry/v2", self.base)
    }

    /// A client of Confluent's interface: paths start behind [`SchemaRegistry::url`].
    #[must_use]
    pub fn path(path: &str) -> String {
        format!("/apis/ccompat/v7{path}")
    }

    /// A client; see [`SchemaRegistry::path`].
    #[must_use]
    pub fn rest(&self) -> Rest {
        Rest::at(&self.base)
    }

    /// The process, to measure it or to send it a signal.
    pub const fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// Sets what new versions of `subject` must be compatible with: `NONE`, `BACKWARD`, …
    pub fn set_compatibility(&self, subject: &str, level: &str) -> Result<()> {
        let path = Self::path(&format!("/config/{subject}"));
        self.rest().put(&path, &json!({"compatibility": level}))?.expect(200).map(drop)
    }

    fn await_ready(&mut self) -> Result<()> {
        let rest = self.rest();
        let server = &mut self.server;
        wait_until("the schema registry to answer", START_DEADLINE, || match server.ended() {
            Some(status) => Seen::Met(Err(anyhow!("the registry ended at start: {status}\n{}", server.last_words()))),
            None => match rest.get(&Self::path("/subjects")).and_then(|answer| answer.expect(200)) {
                Ok(_) => Seen::Met(Ok(())),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            },
        })?
    }
}

/// The server's jar, beside the folder with its libraries.
fn jar() -> Result<PathBuf> {
    let home = cached(&format!("apicurio-registry-{VERSION}"), VERSION, |home| {
        emptied(&home.join("app"))?;
        let artifact = format!("-Dartifact=io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all");
        maven(&["dependency:copy", &artifact, &format!("-DoutputDirectory={}", home.display())])?;
        let archive = home.join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
        let mut tar = Command::new("tar");
        let unpacked = tar.arg("-xzf").arg(&archive).arg("-C").arg(home.join("app")).output().context("running tar")?;
        ensure!(unpacked.status.success(), "tar -xzf {}: {}", archive.display(), unpacked.status);
        Ok(())
    })?;
    Ok(home.join(format!("app/apicurio-registry-app-{VERSION}-runner.jar")))
}
