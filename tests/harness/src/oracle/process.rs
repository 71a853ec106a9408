//! The running oracle: requests go in from one thread while answers are read by another, so batches of any size flow.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::program;
use crate::process::spawn;

/// A running oracle process; it ends when its stdin closes, so with this value or with the test process.
#[derive(Debug)]
pub struct Oracle {
    pipes: Mutex<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    requests: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _child: Child,
}

impl Oracle {
    /// The oracle with Kafka's jars alone, shared by the tests of this process.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Oracle, String>> = OnceLock::new();
        let oracle = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        oracle.as_ref().map_err(|error| anyhow!(error.clone()))
    }

    /// A process of its own with Kafka's jars.
    pub fn start() -> Result<Self> {
        Self::with(&[])
    }

    /// A process of its own with further folders of jars behind Kafka's, for example [`super::debezium_jars`].
    pub fn with(further: &[&Path]) -> Result<Self> {
        let mut command = program::command(further)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = spawn(command).context("starting the oracle")?;
        let requests = BufWriter::with_capacity(1 << 16, child.stdin.take().context("the oracle's stdin")?);
        let answers = BufReader::with_capacity(1 << 16, child.stdout.take().context("the oracle's stdout")?);
        Ok(Oracle { pipes: Mutex::new(Pipes { requests, answers, _child: child }) })
    }

    /// The answers to `requests`, in their order.
    pub fn ask(&self, requests: &[Value]) -> Result<Vec<Value>> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let Pipes { requests: writer, answers, .. } = &mut *pipes;
        thread::scope(|scope| {
            let written = scope.spawn(move || write_all(writer, requests));
            let read: Result<Vec<Value>> = requests.iter().map(|_| read_one(answers)).collect();
            let written = written.join().map_err(|_| anyhow!("the thread that writes requests panicked"))?;
            read.and_then(|answers| written.map(|()| answers))
        })
    }

    /// The answer to one request.
    pub fn ask_one(&self, request: &Value) -> Result<Value> {
        self.ask(std::slice::from_ref(request))?.pop().context("one request has one answer")
    }
}

fn write_all(writer: &mut impl Write, requests: &[Value]) -> Result<()> {
    for request in requests {
        serde_json::to_writer(&mut *writer, request).context("writing a request to the oracle")?;
        writer.write_all(b"\n").context("writing a request to the oracle")?;
    }
    writer.flush().context("writing requests to the oracle")
}

fn read_one(answers: &mut impl BufRead) -> Result<Value> {
    let mut line = String::new();
    let read = answers.read_line(&mut line).context("reading an answer of the oracle")?;
    if read == 0 {
        bail!("the oracle ended before it had answered; its stderr says why");
    }
    serde_json::from_str(&line).with_context(|| format!("the oracle answered {line}"))
}
