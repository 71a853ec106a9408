//! One server with its folder.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::go::program;
use crate::process::{Launch, Server};
use crate::scratch::{Scratch, free_port};
use crate::wait::{Seen, wait_until};

const PACKAGE: &str = "github.com/versity/versitygw/cmd/versitygw";
const VERSION: &str = "v1.8.0";
const START_DEADLINE: Duration = Duration::from_secs(60);
const REGION: &str = "us-west-2";

/// One S3 server on 127.0.0.1 with one bucket.
#[derive(Debug)]
pub struct S3Server {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    launch: Launch,
    port: u16,
    scratch: Scratch,
}

impl S3Server {
    /// The bucket.
    pub const BUCKET: &'static str = "archive";
    /// The access key.
    pub const ACCESS_KEY: &'static str = "sluice-test-key";
    /// The secret of the access key.
    pub const SECRET_KEY: &'static str = "sluice-test-secret";

    /// A server of the caller's own.
    pub fn start() -> Result<Self> {
        let binary = program("versitygw", PACKAGE, VERSION)?;
        let (scratch, port) = (Scratch::new("s3")?, free_port()?);
        let (data, attributes) = (scratch.join("data"), scratch.join("attributes"));
        fs::create_dir_all(data.join(Self::BUCKET)).context("making the bucket")?;
        fs::create_dir_all(&attributes).context("making a folder for attributes")?;
        let launch = Launch::new(binary, scratch.join("versitygw"))
            .arg("--port")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--access")
            .arg(Self::ACCESS_KEY)
            .arg("--secret")
            .arg(Self::SECRET_KEY)
            .arg("--region")
            .arg(REGION)
            .arg("--quiet")
            .arg("posix")
            // Not every file system has extended attributes.
            .arg("--sidecar")
            .arg(&attributes)
            .arg(&data);
        let server = launch.start()?;
        let mut started = Self { server, launch, port, scratch };
        started.await_ready()?;
        Ok(started)
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The keys of a sink or source that say where the bucket is.
    #[must_use]
    pub fn connector_keys(&self) -> Value {
        json!({ "s3.bucket.name": Self::BUCKET, "s3.region": REGION, "store.url": format!("http://127.0.0.1:{}", self.port),
            "aws.access.key.id": Self::ACCESS_KEY, "aws.secret.access.key": Self::SECRET_KEY })
    }

    /// As [`S3Server::connector_keys`], under Aiven's names.
    #[must_use]
    pub fn aiven_keys(&self) -> Value {
        json!({ "aws.s3.bucket.name": Self::BUCKET, "aws.s3.region": REGION,
            "aws.s3.endpoint": format!("http://127.0.0.1:{}", self.port), "aws.access.key.id": Self::ACCESS_KEY,
            "aws.secret.access.key": Self::SECRET_KEY })
    }

    /// The process, to measure it or to send it a signal.
    pub const fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> Result<()> {
        self.server.kill9()
    }

    /// Starts it again on its folder.
    pub fn restart(&mut self) -> Result<()> {
        self.server.kill9()?;
        self.server = self.launch.start()?;
        self.await_ready()
    }

    /// Names of all objects.
    pub fn object_names(&self) -> Result<Vec<String>> {
        let bucket = self.scratch.join("data").join(Self::BUCKET);
        let mut names = Vec::new();
        walk(&bucket, &bucket, &mut |name, _| names.push(name))?;
        Ok(names)
    }

    /// Names and contents of all objects, read from the server's folder.
    pub fn objects(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let bucket = self.scratch.join("data").join(Self::BUCKET);
        let mut objects = BTreeMap::new();
        // Files that vanish while the folder is read are objects that are being replaced: the next look finds them.
        walk(&bucket, &bucket, &mut |name, path| {
            if let Ok(bytes) = fs::read(path) {
                objects.insert(name, bytes);
            }
        })?;
        Ok(objects)
    }

    fn await_ready(&mut self) -> Result<()> {
        let (server, port) = (&mut self.server, self.port);
        wait_until("the S3 server to listen", START_DEADLINE, || match server.ended() {
            Some(status) => Seen::Met(Err(anyhow!("the S3 server ended at start: {status}\n{}", server.last_words()))),
            None => match TcpStream::connect(("127.0.0.1", port)) {
                Ok(_) => Seen::Met(Ok(())),
                Err(error) => Seen::NotYet(error.to_string()),
            },
        })?
    }
}

/// Calls `found` with the name and the path of every object.
fn walk(bucket: &Path, folder: &Path, found: &mut dyn FnMut(String, &Path)) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let path: PathBuf = entry.path();
        // Where the server keeps the parts of uploads.
        if entry.file_name().to_string_lossy().starts_with(".sgwtmp") {
            continue;
        }
        if path.is_dir() {
            walk(bucket, &path, found)?;
        } else {
            let name = path.strip_prefix(bucket).context("a path below the bucket")?.to_string_lossy().into_owned();
            found(name, &path);
        }
    }
    Ok(())
}
