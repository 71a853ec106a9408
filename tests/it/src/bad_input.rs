//! What is wrong is said by name, nothing is lost, and the worker stays up where Kafka Connect's would (Invariant 3).

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Answer, Call, Kafka, Properties, Record, Scratch, Setup, Sluice, Worker, wait_until};

use crate::accounting::{Account, numbered_line};

const SOON: Duration = Duration::from_secs(60);

fn source(file: &Path, topic: &str) -> Value {
    json!({ "connector.class": "FileStreamSource", "file": file, "topic": topic })
}

fn sink(file: &Path, topic: &str) -> Value {
    json!({ "connector.class": "FileStreamSink", "file": file, "topics": topic })
}

/// The answer is this error, and its text has all the parts.
fn refused(answer: &Answer, status: u16, parts: &[&str]) -> Result<()> {
    let body = answer.json()?;
    let message = body["message"].as_str().unwrap_or_default();
    ensure!(answer.status == status && body["error_code"] == status, "{answer:?}");
    says(message, parts)
}

fn says(text: &str, parts: &[&str]) -> Result<()> {
    let missing: Vec<&&str> = parts.iter().filter(|part| !text.contains(**part)).collect();
    ensure!(missing.is_empty(), "{missing:?} not in: {text}");
    Ok(())
}

/// Waits for the task to fail and gives its trace.
fn trace(worker: &Worker, connector: &str) -> Result<String> {
    let status = worker.rest().wait_state(connector, "FAILED", 1, SOON)?;
    Ok(status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned())
}

fn texts(kafka: &Kafka, topic: &str) -> Result<Vec<String>> {
    Ok(kafka.topics().read(topic)?.iter().map(Record::value_text).collect())
}

fn numbered(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| numbered_line(number) + "\n").collect()
}

/// Every line of the topic is one of `0..total`, in order, and none is missing.
fn wait_in_topic(kafka: &Kafka, topic: &str, total: usize) -> Result<()> {
    wait_until(&format!("{total} lines in topic {topic}"), SOON, || {
        Account::of(texts(kafka, topic)?.iter().map(String::as_str))?.is_complete(total, 0)
    })
}

/// A start that shall fail: the exit code, and everything that was written.
fn failed_start(setup: Setup) -> Result<(Option<i32>, String)> {
    let mut worker = setup.launch()?;
    let ended = worker.wait_end(SOON).with_context(|| worker.logs())?;
    Ok((ended.code(), worker.logs()))
}

#[test]
fn a_request_that_makes_no_sense_is_refused_by_name() -> Result<()> {
    let kafka = Kafka::shared()?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, "bad-requests")).start()?;
    let rest = worker.rest();
    let malformed = rest.send(&Call::new("POST", "/connectors").json("{\"name\": \"x\", "))?;
    ensure!((400..=500).contains(&malformed.status), "{malformed:?}");
    let unknown =
        json!({ "name": "bad", "config": { "connector.class": "com.example.NoSuchConnector", "name": "bad" } });
    let parts =
        ["Failed to find any class that implements Connector and which name matches com.example.NoSuchConnector"];
    refused(&rest.post("/connectors", &unknown)?, 400, &parts)?;
    let missing = json!({ "name": "bad", "config": { "connector.class": "FileStreamSource", "batch.size": "many" } });
    let parts = [
        "Connector configuration is invalid and contains the following 2 error(s)",
        "Missing required configuration \"topic\" which has no default value.",
        "Invalid value many for configuration batch.size: Not a number of type INT",
    ];
    refused(&rest.post("/connectors", &missing)?, 400, &parts)?;
    ensure!(rest.get("/connectors")?.expect(200)?.body == "[]");
    rest.get("/health")?.expect(200)?;
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_fails_its_task_by_name_and_no_other() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("bad-files")?);
    let worker = Sluice::distributed(&Properties::distributed(kafka, "bad-files")).start()?;
    let (folder, looped, closed, good) =
        (scratch.join("folder"), scratch.join("loop"), scratch.join("closed.txt"), scratch.join("good.txt"));
    fs::create_dir(&folder)?;
    symlink(&looped, &looped)?;
    fs::write(&closed, "secret\n")?;
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000))?;
    fs::write(&good, numbered(0..100))?;

    let rest = worker.rest();
    let mut bad = vec![
        ("bad-folder", folder.as_path(), "is a directory, not a file"),
        ("bad-loop", &looped, "Too many levels of symbolic links"),
        // Readable for nobody: at its first byte no memory is mapped.
        ("bad-memory", Path::new("/proc/self/mem"), "Input/output error"),
    ];
    if fs::File::open(&closed).is_err() {
        // Not root, who may read everything.
        bad.push(("bad-closed", &closed, "Permission denied"));
    }
    for (name, file, _) in &bad {
        rest.put_connector(name, &source(file, "bad-files"))?;
    }
    rest.put_connector("good", &source(&good, "bad-files"))?;
    for (name, file, reason) in &bad {
        says(&trace(&worker, name)?, &[&file.display().to_string(), reason]).with_context(|| (*name).to_owned())?;
    }
    wait_in_topic(kafka, "bad-files", 100)?;
    rest.wait_running("good", 1, SOON)?;

    // A sink says it too, and either goes on when what was wrong is put right.
    rest.put_connector("bad-sink", &sink(&folder, "bad-files"))?;
    says(
        &trace(&worker, "bad-sink")?,
        &["Couldn't find or create file", &folder.display().to_string(), "Is a directory"],
    )?;
    fs::remove_dir(&folder)?;
    rest.post_empty("/connectors/bad-sink/restart?includeTasks=true&onlyFailed=true")?.expect(202)?;
    wait_until("the sink's file", SOON, || {
        Account::of(fs::read_to_string(&folder).unwrap_or_default().lines())?.is_complete(100, 0)
    })?;
    rest.get("/health")?.expect(200).map(drop)
}

#[test]
fn corrupt_records_in_the_internal_topics_leave_the_good_state_intact() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("corrupt")?);
    let input = scratch.join("in.txt");
    fs::write(&input, numbered(0..200))?;
    let properties = Properties::distributed(kafka, "corrupt");
    let mut worker = Sluice::distributed(&properties).start()?;
    worker.rest().put_connector("corrupt-in", &source(&input, "corrupt-in"))?;
    worker.rest().create_connector("corrupt-rests", &source(&input, "corrupt-rests"), "PAUSED")?;
    wait_in_topic(kafka, "corrupt-in", 200)?;
    ensure!(worker.stop()?.success(), "{}", worker.logs());

    let garbage: [(&[u8], &[u8]); 2] = [(b"unknown-key", b"{}"), (&[0xff, 0x00, 0xfe], &[0x80, 0x81])];
    let own: [(&str, Vec<(&str, &str)>); 3] = [
        (
            "config.storage.topic",
            vec![
                ("connector-corrupt-in", "{\"properties\": "),
                ("connector-corrupt-new", "{\"properties\": 7}"),
                ("task-corrupt-in-0", "[]"),
                ("task-corrupt-in-x", "{\"properties\":{}}"),
                ("commit-corrupt-in", "{\"tasks\":\"many\"}"),
                ("target-state-corrupt-rests", "{\"state\":\"SIDEWAYS\"}"),
                ("session-key", "{\"key\":1}"),
            ],
        ),
        (
            "offset.storage.topic",
            vec![("[\"corrupt-in\"", "{\"position\":0}"), ("[\"corrupt-in\",7]", "nothing"), ("{}", "{}")],
        ),
        (
            "status.storage.topic",
            vec![
                ("status-connector-corrupt-rests", "{\"state\":"),
                ("status-task-corrupt-in-x", "{}"),
                ("status-topic-x", "[]"),
            ],
        ),
    ];
    for (property, records) in &own {
        let topic = properties.get(property).context("an internal topic")?;
        kafka.topics().produce_keyed(topic, Some(0), garbage.map(|(key, value)| (Some(key), Some(value))))?;
        let records = records.iter().map(|(key, value)| (Some(*key), Some(*value)));
        kafka.topics().produce_keyed(topic, Some(0), records)?;
    }

    worker.restart()?;
    let connectors: Vec<String> = serde_json::from_str(&worker.rest().get("/connectors")?.expect(200)?.body)?;
    let mut sorted = connectors.clone();
    sorted.sort();
    ensure!(sorted == ["corrupt-in", "corrupt-rests"], "{connectors:?}");
    worker.rest().wait_running("corrupt-in", 1, SOON)?;
    worker.rest().wait_state("corrupt-rests", "PAUSED", 0, SOON)?;
    fs::OpenOptions::new().append(true).open(&input)?.write_all(numbered(200..300).as_bytes())?;
    wait_in_topic(kafka, "corrupt-in", 300)?;
    ensure!(texts(kafka, "corrupt-in")?.len() == 300, "the stored offset was used");
    let log = worker.logs();
    says(
        &log,
        &[
            "record of the config topic skipped",
            "connector-corrupt-in",
            "record of the status topic",
            "ignoring offset partition key",
        ],
    )
}

#[test]
fn an_internal_topic_that_would_lose_records_stops_the_start() -> Result<()> {
    let kafka = Kafka::shared()?;
    for property in ["config.storage.topic", "offset.storage.topic", "status.storage.topic"] {
        let properties = Properties::distributed(kafka, "uncompacted");
        let topic = properties.get(property).context("an internal topic")?;
        kafka.topics().create(topic, 1, &[("cleanup.policy", "delete")])?;
        let (code, log) = failed_start(Sluice::distributed(&properties))?;
        // As Kafka Connect, whose herder finds it out.
        ensure!(code == Some(1), "exit code {code:?}: {log}");
        says(&log, &[topic, property, "`cleanup.policy=compact`", "`cleanup.policy=delete`"])?;
    }
    Ok(())
}

#[test]
fn a_port_in_use_is_named_with_its_property() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let properties = Properties::distributed(Kafka::shared()?, "port").with("listeners", &format!("http://{address}"));
    let (code, log) = failed_start(Sluice::distributed(&properties))?;
    ensure!(code == Some(2), "exit code {code:?}: {log}");
    says(&log, &[&format!("cannot listen on {address}: Address already in use"), "set `listeners` to a free address"])
}

#[test]
fn everything_that_is_wrong_in_a_worker_file_is_said_at_once() -> Result<()> {
    let properties = Properties::distributed(Kafka::shared()?, "wrong")
        .with("listeners", "ftp://localhost:8083")
        .with("offset.flush.interval.ms", "soon")
        .with("session.timeout.ms", "1e3")
        .without("group.id")
        .with("gruop.id", "wrong");
    let text = properties.text();
    let line = |key: &str| text.lines().position(|line| line.starts_with(key)).map_or(0, |at| at + 1);
    let (code, log) = failed_start(Sluice::distributed(&properties))?;
    ensure!(code == Some(2), "exit code {code:?}: {log}");
    let place = |key: &str, value: &str| format!("worker.properties:{}: {key} = \"{value}\"", line(key));
    says(
        &log,
        &[
            "the worker cannot start with these properties",
            &place("listeners", "ftp://localhost:8083"),
            &place("offset.flush.interval.ms", "soon"),
            &place("session.timeout.ms", "1e3"),
            "expected: an integer (64 bit)",
            "Missing required configuration \"group.id\" which has no default value.",
            &format!("line {} has `gruop.id`: was `group.id` meant?", line("gruop.id")),
        ],
    )
}

#[test]
fn a_standalone_worker_ends_when_a_connector_cannot_be_created() -> Result<()> {
    let scratch = Scratch::new("bad-standalone")?;
    let properties = Properties::standalone(Kafka::shared()?, &scratch.join("offsets"));
    let file = scratch.join("connector.properties");
    fs::write(&file, "name=bad\nconnector.class=com.example.NoSuchConnector\n")?;
    let (code, log) = failed_start(Sluice::standalone(&properties, &[&file]))?;
    ensure!(code == Some(3), "exit code {code:?}: {log}");
    says(&log, &[&file.display().to_string(), "connector bad", "com.example.NoSuchConnector"])
}

#[test]
fn an_offset_file_that_is_cut_stops_the_start() -> Result<()> {
    let scratch = Scratch::new("cut-offsets")?;
    let offsets = scratch.join("offsets");
    // A Java object stream that ends in its first object.
    let cut = [0xac, 0xed, 0x00, 0x05, 0x73, 0x72];
    fs::write(&offsets, cut)?;
    let properties = Properties::standalone(Kafka::shared()?, &offsets);
    let (code, log) = failed_start(Sluice::standalone::<&Path>(&properties, &[]))?;
    ensure!(code == Some(2), "exit code {code:?}: {log}");
    says(&log, &[&offsets.display().to_string()])?;
    ensure!(fs::read(&offsets)? == cut, "the file is left as it was");
    Ok(())
}

#[test]
fn a_cluster_that_is_not_there_yet_is_waited_for() -> Result<()> {
    let mut kafka = Kafka::start()?;
    kafka.stop()?;
    let worker = Sluice::distributed(&Properties::distributed(&kafka, "waits")).launch()?;
    wait_until("/health to say that the worker is starting", SOON, || {
        let health = worker.rest().get("/health")?.expect(503)?.json()?;
        ensure!(health["status"] == "starting", "{health}");
        says(health["message"].as_str().unwrap_or_default(), &["Worker is still starting up."])
    })?;
    wait_until("the log to name the address and the reason", SOON, || {
        says(&worker.logs(), &["Kafka cannot be reached; trying again", &kafka.bootstrap(), "refused"])
    })?;
    worker.rest().get("/connector-plugins")?.expect(200)?;
    kafka.restart()?;
    worker.rest().wait_healthy(SOON).with_context(|| worker.logs())
}

#[test]
fn a_line_over_max_request_size_fails_by_name_and_nothing_is_skipped() -> Result<()> {
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("too-long")?);
    let input = scratch.join("in.txt");
    let long = "x".repeat(2_000_000);
    let before = numbered(0..50);
    fs::write(&input, format!("{before}{long}\n{}", numbered(50..100)))?;
    kafka.topics().create("too-long", 1, &[])?;
    let worker = Sluice::distributed(&Properties::distributed(kafka, "too-long")).start()?;
    let rest = worker.rest();
    let mut config = source(&input, "too-long");
    rest.put_connector("too-long", &config)?;
    let failed = trace(&worker, "too-long")?;
    // File, the position behind the line, its size, and what to raise.
    let position = before.len() + long.len() + 1;
    let file = input.display().to_string();
    let named = [
        file.as_str(),
        &format!("position={position}"),
        "2000088 bytes",
        "(1048576)",
        "producer.override.max.request.size",
    ];
    says(&failed, &named)?;
    wait_until("the lines before it", SOON, || {
        let found = texts(kafka, "too-long")?;
        Account::of(found.iter().map(String::as_str))?.is_complete(50, 0)
    })?;

    // The producer lets it through now, the topic does not.
    config["producer.override.max.request.size"] = json!("4000000");
    rest.put_connector("too-long", &config)?;
    wait_until("the topic's limit to be named", SOON, || {
        says(
            &trace(&worker, "too-long")?,
            &[
                file.as_str(),
                "topic too-long: the batch with this record is larger than the topic's `max.message.bytes`",
            ],
        )
    })?;
    kafka.topics().alter("too-long", &[("max.message.bytes", "4000000")])?;
    rest.post_empty("/connectors/too-long/restart?includeTasks=true&onlyFailed=true")?.expect(202)?;
    wait_until("every line and the long one", SOON, || {
        let found = texts(kafka, "too-long")?;
        ensure!(found.contains(&long), "the long line is missing");
        Account::of(found.iter().filter(|text| **text != long).map(String::as_str))?.is_complete(100, 0)
    })?;
    rest.wait_running("too-long", 1, SOON).map(drop)
}

/// A file system with little space where that may be mounted; it goes when the value does.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Result<Option<Self>> {
        fs::create_dir(&at)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&at).output();
        Ok(mounted.is_ok_and(|mounted| mounted.status.success()).then_some(SmallDisk(at)))
    }

    fn grow(&self) -> Result<()> {
        let grown = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&self.0).status()?;
        ensure!(grown.success(), "remounting {}: {grown}", self.0.display());
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = Command::new("umount").arg("-l").arg(&self.0).status() {
            eprintln!("{} is still mounted: {error}", self.0.display());
        }
    }
}

#[test]
fn a_full_disk_fails_the_sink_and_loses_nothing() -> Result<()> {
    const LINES: usize = 3_000;
    let (kafka, scratch) = (Kafka::shared()?, Scratch::new("full-disk")?);
    kafka.topics().create("full-disk", 1, &[])?;
    kafka.topics().produce("full-disk", (0..LINES).map(numbered_line))?;
    let properties = Properties::distributed(kafka, "full-disk").with("offset.flush.interval.ms", "200");
    let worker = Sluice::distributed(&properties).start()?;
    let disk = SmallDisk::mount(scratch.join("disk"))?;
    let full = disk.as_ref().map_or(PathBuf::from("/dev/full"), |disk| disk.0.join("out.txt"));
    worker.rest().put_connector("full-disk", &sink(&full, "full-disk"))?;
    let parts = [&format!("cannot write to {}", full.display()), "No space left on device", "will be delivered again"];
    says(&trace(&worker, "full-disk")?, &parts)?;

    let Some(disk) = disk else {
        // Another file instead of more space.
        let output = scratch.join("out.txt");
        worker.rest().put_connector("full-disk", &sink(&output, "full-disk"))?;
        return wait_in_file(&output, LINES);
    };
    let text = fs::read_to_string(&full)?;
    ensure!(text.is_empty() || text.ends_with('\n'), "no line is cut");
    let committed = kafka.topics().group_offsets("connect-full-disk", "full-disk")?.get(&0).copied().unwrap_or(0);
    let missing = Account::of(text.lines())?.missing_below(usize::try_from(committed.max(0))?);
    ensure!(missing.is_none(), "the group's offset is {committed}, but line {missing:?} is not in the file");
    disk.grow()?;
    worker.rest().post_empty("/connectors/full-disk/restart?includeTasks=true&onlyFailed=true")?.expect(202)?;
    wait_in_file(&full, LINES)
}

fn wait_in_file(file: &Path, total: usize) -> Result<()> {
    wait_until("every record in the file", SOON, || {
        Account::of(fs::read_to_string(file).unwrap_or_default().lines())?.is_complete(total, 0)
    })
}
