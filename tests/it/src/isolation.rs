//! A connector that hangs holds up nothing but itself (Invariants 5, 7 and 8).
//!
//! A sink that opens a FIFO without a reader hangs in `start`, one whose reader does not read hangs in `put`: both in a system call
//! that nothing can interrupt, as connector code may.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sluice_harness::{Answer, Kafka, Properties, Record, Scratch, Sluice, Worker, wait_until};

use crate::accounting::{Account, numbered_line};

const SOON: Duration = Duration::from_secs(60);
const GRACEFUL_MS: u64 = 2_000;
/// What a request may take while somebody hangs: a busy machine gets its time.
const PROMPT: Duration = Duration::from_secs(5);
/// What it may take when it waits for the hung task to stop.
const AFTER_GRACE: Duration = Duration::from_millis(GRACEFUL_MS + 5_000);
/// More than a pipe takes.
const LINES: usize = 3_000;

struct Stage {
    kafka: &'static Kafka,
    scratch: Scratch,
    topic: String,
    worker: Worker,
}

impl Stage {
    fn open(topic: &str) -> Result<Self> {
        let kafka = Kafka::shared()?;
        kafka.topics().create(topic, 1, &[])?;
        kafka.topics().produce(topic, (0..LINES).map(numbered_line))?;
        let properties = Properties::distributed(kafka, topic)
            .with("task.shutdown.graceful.timeout.ms", &GRACEFUL_MS.to_string())
            .with("offset.flush.interval.ms", "300")
            // A process that ends with a hung task leaves its group without a word.
            .with("consumer.session.timeout.ms", "6000");
        let worker = Sluice::distributed(&properties).start()?;
        Ok(Stage { kafka, scratch: Scratch::new(topic)?, topic: topic.to_owned(), worker })
    }

    fn fifo(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.join(name);
        let made = Command::new("mkfifo").arg(&path).status().context("running mkfifo")?;
        ensure!(made.success(), "mkfifo {}: {made}", path.display());
        Ok(path)
    }

    fn put_sink(&self, name: &str, file: &Path) -> Result<Answer> {
        let config = json!({ "connector.class": "FileStreamSink", "file": file, "topics": self.topic });
        self.worker.rest().put_connector(name, &config)
    }

    /// A sink that hangs when it opens its file.
    fn hang_in_start(&self, name: &str) -> Result<()> {
        self.put_sink(name, &self.fifo(name)?)?;
        self.wait_thread(name)
    }

    /// A sink that hangs when it writes to its file, whose reader is given.
    fn hang_in_put(&self, name: &str) -> Result<File> {
        let fifo = self.fifo(name)?;
        self.put_sink(name, &fifo)?;
        self.wait_thread(name)?;
        // Opening the other end lets the task start; it fills the pipe and waits.
        let reader = File::open(fifo)?;
        self.worker.rest().wait_running(name, 1, SOON)?;
        Ok(reader)
    }

    /// The task's thread is there: connector code is about to run. A task that has not started has no status, as in Kafka Connect.
    fn wait_thread(&self, name: &str) -> Result<()> {
        // The kernel keeps 15 bytes of a thread's name.
        let thread: String = format!("task-thread-{name}").chars().take(15).collect();
        let folder = PathBuf::from(format!("/proc/{}/task", self.worker.server().id()));
        wait_until(&format!("thread {thread}"), SOON, || {
            let threads = fs::read_dir(&folder)?.flatten();
            let names: Vec<String> =
                threads.filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok()).collect();
            ensure!(names.iter().any(|found| found.trim_end() == thread), "{names:?}");
            Ok(())
        })
    }

    /// A source and a sink copy new lines from file to file.
    fn still_copies(&self, round: usize) -> Result<()> {
        let (input, output) = (self.scratch.join(format!("in-{round}")), self.scratch.join(format!("out-{round}")));
        let (source, sink) = (format!("{}-in-{round}", self.topic), format!("{}-out-{round}", self.topic));
        let text: String = (0..500).map(|number| numbered_line(number) + "\n").collect();
        fs::write(&input, &text)?;
        let config = json!({ "connector.class": "FileStreamSource", "file": input, "topic": source });
        prompt("creating a connector", || self.worker.rest().put_connector(&source, &config))?;
        let config = json!({ "connector.class": "FileStreamSink", "file": output, "topics": source });
        prompt("creating a connector", || self.worker.rest().put_connector(&sink, &config))?;
        wait_until("the copy of the file", SOON, || {
            let copied = fs::read_to_string(&output).unwrap_or_default();
            ensure!(copied == text, "{} of {} bytes", copied.len(), text.len());
            Ok(())
        })?;
        wait_until("the offset of what was copied", SOON, || {
            let offsets = self.worker.rest().offsets(&source)?;
            ensure!(offsets[0]["offset"]["position"] == text.len(), "{offsets}");
            Ok(())
        })
    }

    /// Every record of the topic is in the file.
    fn wait_complete(&self, file: &Path) -> Result<()> {
        wait_until("every record in the file", SOON, || {
            Account::of(fs::read_to_string(file).unwrap_or_default().lines())?.is_complete(LINES, 0)
        })
    }
}

fn prompt<T>(what: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    within(what, PROMPT, step)
}

fn within<T>(what: &str, limit: Duration, step: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let done = step().with_context(|| what.to_owned())?;
    ensure!(began.elapsed() < limit, "{what} took {:?}, more than {limit:?}", began.elapsed());
    Ok(done)
}

#[test]
fn a_task_that_hangs_in_start_holds_up_nothing_else() -> Result<()> {
    let stage = Stage::open("hangs-start")?;
    let rest = stage.worker.rest();
    stage.hang_in_start("hung-in-start")?;
    stage.still_copies(0)?;
    for path in ["/", "/health", "/connectors?expand=status", "/connectors/hung-in-start/status", "/connector-plugins"]
    {
        prompt(path, || rest.get(path)?.expect(200))?;
    }

    // Another file under the same name: the hung task is given up and its successor does the work (Invariant 5).
    let output = stage.scratch.join("instead.txt");
    within("a new config", AFTER_GRACE, || stage.put_sink("hung-in-start", &output))?;
    stage.wait_complete(&output)?;
    rest.wait_running("hung-in-start", 1, SOON)?;
    let log = stage.worker.logs();
    ensure!(log.contains("hung-in-start"), "the log names who hung: {log}");
    within("deleting it", AFTER_GRACE, || rest.remove_connector("hung-in-start", SOON))?;
    stage.still_copies(1)
}

#[test]
fn a_task_that_hangs_in_put_is_stopped_deleted_and_restarted_in_time() -> Result<()> {
    let mut stage = Stage::open("hangs-put")?;
    let unread =
        [stage.hang_in_put("1-hung-stop")?, stage.hang_in_put("2-hung-delete")?, stage.hang_in_put("3-hung-restart")?];
    stage.still_copies(0)?;
    let rest = stage.worker.rest();
    within("stopping", AFTER_GRACE, || {
        rest.stop("1-hung-stop")?;
        rest.wait_state("1-hung-stop", "STOPPED", 0, SOON)
    })?;
    within("deleting", AFTER_GRACE, || rest.remove_connector("2-hung-delete", SOON))?;
    stage.still_copies(1)?;
    // Invariant 2: nothing was flushed, so nothing is committed, and the next one starts at the beginning.
    let committed = stage.kafka.topics().group_offsets("connect-1-hung-stop", &stage.topic)?;
    ensure!(committed.get(&0).is_none_or(|offset| *offset == 0), "{committed:?}");
    let output = stage.scratch.join("stopped.txt");
    stage.put_sink("1-hung-stop", &output)?;
    rest.resume("1-hung-stop")?;
    stage.wait_complete(&output)?;
    within("restarting", AFTER_GRACE, || rest.post_empty("/connectors/3-hung-restart/restart?includeTasks=true"))?
        .expect(202)?;

    // Invariant 7: the end comes in time although two connectors still hang.
    stage.hang_in_start("4-hung-at-the-end")?;
    let ended = within("the end of the process", AFTER_GRACE, || stage.worker.stop())?;
    ensure!(ended.success(), "{ended}: {}", stage.worker.logs());
    drop(unread);
    Ok(())
}

#[test]
fn nothing_is_lost_when_a_hung_worker_is_replaced() -> Result<()> {
    let mut stage = Stage::open("hangs-end")?;
    let unread = stage.hang_in_put("hung-at-end")?;
    stage.still_copies(0)?;
    within("the end of the process", AFTER_GRACE, || stage.worker.stop())?;
    drop(unread);
    let output = stage.scratch.join("after.txt");
    stage.worker.restart()?;
    stage.put_sink("hung-at-end", &output)?;
    stage.wait_complete(&output)?;
    let copied: Vec<Record> = stage.kafka.topics().read("hangs-end-in-0")?;
    ensure!(copied.len() == 500, "{} records: a drained source repeats nothing", copied.len());
    Ok(())
}
