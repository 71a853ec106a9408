//! Server processes: started with their output in files, measured from `/proc`, ended by their own id.
//!
//! Invariant of this module: no server outlives the test process. Every child is started by one thread that lives as long as
//! the process, under `setpriv --pdeathsig KILL`: the kernel kills the child when that thread is gone, however the process ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::wait::wait_until;

type Request = (Command, Sender<std::io::Result<Child>>);

/// Starts the child from the long-lived thread: the kernel ties the child to the *thread* that started it.
pub(crate) fn spawn(command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Request>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (request_tx, request_rx) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer_tx) in request_rx {
                if answer_tx.send(command.spawn()).is_err() {
                    return;
                }
            }
        });
        Mutex::new(request_tx)
    });
    let (answer_tx, answer_rx) = mpsc::channel();
    spawner
        .lock()
        .map_err(|_| anyhow!("the thread that starts processes is gone"))?
        .send((command, answer_tx))
        .context("asking for a process")?;
    answer_rx.recv().context("the thread that starts processes is gone")?.context("starting a process")
}

/// What to run: program, arguments, environment, and where its output goes.
#[derive(Clone, Debug)]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    log_stem: PathBuf,
}

impl Launch {
    /// `log_stem` is the path of the output files without `.out` and `.err`.
    pub fn new(program: impl AsRef<OsStr>, log_stem: impl Into<PathBuf>) -> Self {
        Launch {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log_stem: log_stem.into(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Takes an environment variable away that [`Launch::env`] added.
    #[must_use]
    pub fn without_env(mut self, key: &str) -> Self {
        self.environment.retain(|(found, _)| found != key);
        self
    }

    /// Starts the process; its output is appended to the files of earlier starts.
    pub fn start(&self) -> Result<Server> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(append(&self.log_stem.with_extension("out"))?)
            .stderr(append(&self.log_stem.with_extension("err"))?);
        let child = spawn(command).with_context(|| {
            format!("starting {} (setpriv is in the Debian package util-linux)", self.program.to_string_lossy())
        })?;
        Ok(Server { child, log_stem: self.log_stem.clone(), ended: None })
    }
}

fn append(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("opening {}", path.display()))
}

/// One running server process. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log_stem: PathBuf,
    ended: Option<ExitStatus>,
}

/// What a process used since its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// User plus system time in seconds.
    pub cpu_seconds: f64,
    /// Largest resident set so far in bytes.
    pub peak_rss_bytes: u64,
    /// Resident set now in bytes.
    pub rss_bytes: u64,
    /// Threads now.
    pub threads: u64,
}

impl Server {
    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill9(&mut self) -> Result<()> {
        if self.ended().is_none() {
            self.child.kill().context("killing a process")?;
            self.ended = Some(self.child.wait().context("waiting for a killed process")?);
        }
        Ok(())
    }

    /// Sends a signal by name, for example `STOP` or `CONT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent =
            Command::new("kill").args(["-s", name, "--", &self.id().to_string()]).status().context("running kill")?;
        if sent.success() { Ok(()) } else { bail!("kill -s {name} {} failed: {sent}", self.id()) }
    }

    /// SIGTERM, then waits for the end.
    pub fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus> {
        if self.ended().is_none() {
            self.signal("TERM")?;
        }
        self.wait_end(deadline)
    }

    /// Waits until the process has ended by itself.
    pub fn wait_end(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let id = self.id();
        wait_until(&format!("process {id} to end"), deadline, || self.ended())
    }

    /// Standard output of all starts so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        text(&self.log_stem.with_extension("out"))
    }

    /// Standard error of all starts so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        text(&self.log_stem.with_extension("err"))
    }

    /// The last lines of the output, for an error message.
    #[must_use]
    pub fn last_words(&self) -> String {
        let all = self.stdout() + &self.stderr();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// What the process used so far, from `/proc`.
    pub fn usage(&self) -> Result<Usage> {
        usage(self.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.kill9() {
            eprintln!("process {} was not killed: {error:#}", self.id());
        }
    }
}

fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Clock ticks per second of `/proc/PID/stat`: 100 on every Linux that Rust supports (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

fn usage(id: u32) -> Result<Usage> {
    let stat =
        fs::read_to_string(format!("/proc/{id}/stat")).with_context(|| format!("process {id} has no /proc entry"))?;
    // The command name in parentheses may hold blanks: fields are counted from behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    Ok(Usage {
        cpu_seconds: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        peak_rss_bytes: status_number(&status, "VmHWM:") * 1024,
        rss_bytes: status_number(&status, "VmRSS:") * 1024,
        threads: status_number(&status, "Threads:"),
    })
}

fn status_number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_server_is_measured_and_killed_by_its_id() {
        let scratch = Scratch::new("process").expect("a folder");
        let mut server = Launch::new("sleep", scratch.join("sleep")).arg("600").start().expect("sleep starts");
        let usage = server.usage().expect("it runs");
        assert!(usage.threads == 1 && usage.rss_bytes > 0, "{usage:?}");
        server.kill9().expect("it can be killed");
        assert!(server.ended().is_some() && server.usage().is_err());
    }

    #[test]
    fn output_goes_to_files() {
        let scratch = Scratch::new("process").expect("a folder");
        let mut server = Launch::new("echo", scratch.join("echo")).arg("hello").start().expect("echo starts");
        assert!(server.wait_end(Duration::from_secs(10)).expect("it ends").success());
        assert_eq!(server.stdout(), "hello\n");
    }
}
