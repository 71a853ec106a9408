//! One worker process that was started.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::{Engine, Properties, Setup};
use crate::process::{Launch, Server, Usage};
use crate::rest::Rest;
use crate::scratch::Scratch;
use crate::wait::{Seen, wait_until};

/// A graceful stop takes at most 5 s for the tasks; a busy machine gets its time.
const STOP_DEADLINE: Duration = Duration::from_secs(90);
/// Java adds up to 60 s for REST, 23 s for the herder, 10 s for each of three pools, and then what its producers and logs need.
const JVM_STOP_DEADLINE: Duration = Duration::from_secs(180);
/// The JVM writes where its threads are as soon as none of them runs.
const DUMP_DEADLINE: Duration = Duration::from_secs(10);

/// A worker: oracle or ours. Dropping it kills the process and removes its folder.
#[derive(Debug)]
pub struct Worker {
    // Before the folder: the process ends first when the value is dropped.
    server: Server,
    setup: Setup,
    launch: Launch,
    scratch: Scratch,
    rest: Rest,
}

impl Worker {
    pub(super) fn launch(setup: Setup, launch: Launch, scratch: Scratch, authority: &str) -> Result<Self> {
        let rest = Rest::at(authority);
        let rest = setup.tls.as_ref().map_or(rest.clone(), |tls| rest.over(tls));
        Ok(Worker { server: launch.start()?, setup, launch, scratch, rest })
    }

    /// Which of the two it is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.setup.engine
    }

    /// Its REST interface.
    #[must_use]
    pub const fn rest(&self) -> &Rest {
        &self.rest
    }

    /// `host:port`, as in `worker_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.rest.authority()
    }

    /// The worker's properties.
    #[must_use]
    pub const fn properties(&self) -> &Properties {
        &self.setup.properties
    }

    /// The worker's temporary folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The process.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// CPU time and memory so far.
    pub fn usage(&self) -> Result<Usage> {
        self.server.usage()
    }

    /// Everything the process wrote so far, standard output first.
    #[must_use]
    pub fn logs(&self) -> String {
        self.server.stdout() + &self.server.stderr()
    }

    /// `kill -9`.
    pub fn kill9(&mut self) -> Result<()> {
        self.server.kill9()
    }

    /// SIGTERM, then waits for the end. The error of a worker that does not end tells what it was doing.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let deadline = if self.setup.engine == Engine::Oracle { JVM_STOP_DEADLINE } else { STOP_DEADLINE };
        self.server.terminate(deadline).with_context(|| self.what_it_does())
    }

    /// The last words; from a JVM, first where its threads are.
    fn what_it_does(&self) -> String {
        let before = self.server.stdout().len();
        if self.setup.engine == Engine::Oracle && self.server.signal("QUIT").is_ok() {
            let dumped = wait_until("a thread dump", DUMP_DEADLINE, || {
                let dump = self.server.stdout().split_off(before);
                if dump.contains("Heap") { Seen::Met(dump) } else { Seen::NotYet(String::new()) }
            });
            return dumped.unwrap_or_else(|_| self.server.last_words());
        }
        self.server.last_words()
    }

    /// Waits until the process has ended by itself, for example at a fault point.
    pub fn wait_end(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.server.wait_end(deadline)
    }

    /// Starts the process again with the same files and port, after killing it if it still runs, and waits for `/health`.
    pub fn restart(&mut self) -> Result<()> {
        self.relaunch()?;
        self.wait_healthy()
    }

    /// As [`Worker::restart`], waiting for nothing.
    pub fn relaunch(&mut self) -> Result<()> {
        self.server.kill9()?;
        self.server = self.launch.start()?;
        Ok(())
    }

    /// As [`Worker::restart`] without the fault points of the first start.
    pub fn restart_without_faults(&mut self) -> Result<()> {
        self.launch = self.launch.clone().without_env(super::Fault::VARIABLE);
        self.restart()
    }

    /// Waits until `GET /health` is 200; a process that ended first ends the wait with its last words.
    pub fn wait_healthy(&mut self) -> Result<()> {
        let what = format!("{:?} at {} to be healthy", self.setup.engine, self.rest.authority());
        let rest = self.rest.clone();
        wait_until(&what, self.setup.start_deadline(), || {
            if let Some(status) = self.server.ended() {
                let words = self.server.last_words();
                return Seen::Met(Err(anyhow!("the worker ended at start: {status}\n{words}")));
            }
            match rest.get("/health").and_then(|answer| answer.expect(200)) {
                Ok(_) => Seen::Met(Ok(())),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            }
        })?
    }
}
