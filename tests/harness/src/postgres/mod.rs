//! A real PostgreSQL server in a folder and on a port of its own; never the system's cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::kafka::{Certificates, STORE_PASSWORD};
use crate::process::{Launch, Server};
use crate::scratch::{Scratch, free_port};
use crate::wait::wait_until;

/// The role that owns everything, and its password (SCRAM).
pub const POSTGRES_USER: &str = "postgres";
/// See [`POSTGRES_USER`].
pub const POSTGRES_PASSWORD: &str = "postgres-password-1";

const START_DEADLINE: Duration = Duration::from_secs(60);
/// The server's own account, which Debian's package makes; a server does not run as root.
const ACCOUNT: &str = "postgres";

/// One server, `wal_level=logical`, on 127.0.0.1. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    launch: Launch,
    port: u16,
    scratch: Scratch,
}

/// The newest installed version's programs.
fn programs() -> Result<PathBuf> {
    let found = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<PathBuf> =
        found.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    folders.sort();
    folders.pop().context("no PostgreSQL server: apt-get install -y postgresql-15")
}

/// An empty folder for a server's data, of the server's account.
fn data_folder(scratch: &Scratch) -> Result<PathBuf> {
    let data = scratch.join("data");
    fs::create_dir(&data).context("creating the data folder")?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    if is_root() {
        // The account has to get through to its folder.
        for folder in [scratch.path().parent(), Some(scratch.path())].into_iter().flatten() {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        }
        run(Command::new("chown").arg(ACCOUNT).arg(&data))?;
    }
    Ok(data)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// The program, as the server's own account where this process is root.
fn as_account(program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    if !is_root() {
        return vec![program];
    }
    // The kernel forgets the wish when the account changes, so it is said again.
    let words = ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--pdeathsig", "KILL", "--"];
    words.into_iter().map(str::to_owned).chain([program]).collect()
}

impl Postgres {
    /// A server of the caller's own.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// A server with settings that win over the harness's.
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_secured(settings, None)
    }

    /// A server that offers TLS with the certificate `server` of `certificates`.
    pub fn start_tls(certificates: &Certificates) -> Result<Self> {
        Self::start_secured(&[], Some(certificates))
    }

    fn start_secured(settings: &[(&str, &str)], certificates: Option<&Certificates>) -> Result<Self> {
        let (scratch, bin) = (Scratch::new("postgres")?, programs()?);
        let data = data_folder(&scratch)?;
        let tls = certificates.map_or(Ok(Vec::new()), |certificates| tls_settings(certificates, scratch.path()))?;
        let password = scratch.join("password");
        fs::write(&password, POSTGRES_PASSWORD)?;
        let initdb = as_account(&bin.join("initdb"));
        run(Command::new(&initdb[0])
            .args(&initdb[1..])
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", POSTGRES_USER])
            .arg("--pwfile")
            .arg(&password)
            .arg("-D")
            .arg(&data))?;
        let settings: Vec<(&str, &str)> =
            settings.iter().copied().chain(tls.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        Self::launch(scratch, &settings)
    }

    /// A standby of this server that streams from it, made by `pg_basebackup`.
    pub fn standby(&self) -> Result<Self> {
        let scratch = Scratch::new("postgres")?;
        let data = data_folder(&scratch)?;
        let backup = as_account(&programs()?.join("pg_basebackup"));
        run(Command::new(&backup[0])
            .args(&backup[1..])
            .env("PGPASSWORD", POSTGRES_PASSWORD)
            .args(["-X", "stream", "-c", "fast", "--no-sync", "-h", "127.0.0.1", "-U", POSTGRES_USER])
            .args(["-p", &self.port.to_string(), "-D"])
            .arg(&data))?;
        let signal = data.join("standby.signal");
        fs::write(&signal, "")?;
        if is_root() {
            run(Command::new("chown").arg(ACCOUNT).arg(&signal))?;
        }
        let primary = format!("host=127.0.0.1 port={} user={POSTGRES_USER} password={POSTGRES_PASSWORD}", self.port);
        Self::launch(scratch, &[("primary_conninfo", &primary)])
    }

    /// Makes a standby the primary.
    pub fn promote(&self) -> Result<()> {
        self.sql("postgres", "SELECT pg_promote()").map(drop)
    }

    /// Starts a server on the data that is in the folder.
    fn launch(scratch: Scratch, settings: &[(&str, &str)]) -> Result<Self> {
        let (port, data) = (free_port()?, scratch.join("data"));
        let server = as_account(&programs()?.join("postgres"));
        let mut launch = Launch::new(&server[0], scratch.join("postgres"));
        for argument in &server[1..] {
            launch = launch.arg(argument);
        }
        let port_text = port.to_string();
        let own = [
            ("port", port_text.as_str()),
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("wal_level", "logical"),
            ("max_wal_senders", "30"),
            ("max_replication_slots", "30"),
            ("fsync", "off"),
            ("autovacuum", "off"),
        ];
        launch = launch.arg("-D").arg(&data);
        for (name, value) in own.iter().chain(settings) {
            launch = launch.arg("-c").arg(format!("{name}={value}"));
        }
        let server = launch.start()?;
        let mut postgres = Self { server, launch, port, scratch };
        postgres.await_answer()?;
        Ok(postgres)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's temporary folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs SQL in a database, each statement in a transaction of its own unless the text says otherwise; gives the rows as psql
    /// prints them without decoration.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let output = Command::new(programs()?.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", POSTGRES_USER])
            .args(["-p", &self.port.to_string(), "-d", database])
            .env("PGPASSWORD", POSTGRES_PASSWORD)
            .env("PGCONNECT_TIMEOUT", "10")
            .arg("-f")
            .arg(self.script(sql)?)
            .output()
            .context("psql")?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn script(&self, sql: &str) -> Result<PathBuf> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = self.scratch.join(format!("{}.sql", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::write(&path, sql)?;
        Ok(path)
    }

    /// A new, empty database.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.sql("postgres", &format!("CREATE DATABASE {name}")).map(drop)
    }

    /// `kill -9`, of the server and so of every session.
    pub fn kill9(&mut self) -> Result<()> {
        self.server.kill9()
    }

    /// As [`Postgres::restart`], with further settings from now on.
    pub fn restart_with(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        for (name, value) in settings {
            self.launch = self.launch.clone().arg("-c").arg(format!("{name}={value}"));
        }
        self.restart()
    }

    /// Starts it again, after killing it if it runs.
    pub fn restart(&mut self) -> Result<()> {
        self.server.kill9()?;
        // Left by a server that was killed; nobody else uses the folder.
        let pid_file = self.scratch.join("data/postmaster.pid");
        if pid_file.exists() {
            fs::remove_file(pid_file)?;
        }
        self.server = self.launch.start()?;
        self.await_answer()
    }

    fn await_answer(&mut self) -> Result<()> {
        wait_until("PostgreSQL to answer", START_DEADLINE, || {
            if let Some(status) = self.server.ended() {
                bail!("the server ended: {status}\n{}", self.server.last_words());
            }
            self.sql("postgres", "SELECT 1").map(drop)
        })
    }
}

/// Settings for TLS; the server wants a key of its own account.
fn tls_settings(certificates: &Certificates, folder: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut settings = vec![("ssl", "on".to_owned()), ("ssl_passphrase_command", format!("echo {STORE_PASSWORD}"))];
    for (setting, file) in [("ssl_cert_file", "server-chain.pem"), ("ssl_key_file", "server-key.pem")] {
        let path = folder.join(file);
        fs::copy(certificates.file(file), &path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if is_root() {
            run(Command::new("chown").arg(ACCOUNT).arg(&path))?;
        }
        settings.push((setting, path.display().to_string()));
    }
    Ok(settings)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
