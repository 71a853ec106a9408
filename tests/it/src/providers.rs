//! Config providers: what variables stand for is used and never shown (Invariant 9), and followed when it changes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Call, Kafka, Properties, Random, Rest, Scratch, Sluice, Worker, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);
const PACKAGE: &str = "org.apache.kafka.common.config.provider.";

/// A worker whose providers `file` and `env` read what the test gives them.
fn properties(kafka: &Kafka, name: &str) -> Properties {
    Properties::distributed(kafka, name)
        .with("offset.flush.interval.ms", "200")
        .with("config.providers", "file,env")
        .with("config.providers.file.class", &format!("{PACKAGE}FileConfigProvider"))
        .with("config.providers.env.class", &format!("{PACKAGE}EnvVarConfigProvider"))
        .with("config.providers.env.param.allowlist.pattern", "TEST_.*")
}

fn variable(file: &Path, key: &str) -> String {
    format!("${{file:{}:{key}}}", file.display())
}

/// A value that occurs nowhere else.
fn sentinel(random: &mut Random, name: &str) -> String {
    format!("sentinel-{name}-{:016x}", random.next())
}

/// Everything that the worker shows to anybody.
struct Shown(Vec<(String, String)>);

impl Shown {
    fn of(worker: &Worker, kafka: &Kafka, connectors: &[&str]) -> Result<Self> {
        let rest = worker.rest();
        let mut shown = vec![("log".to_owned(), worker.logs())];
        let mut paths = vec!["/connectors?expand=info&expand=status".to_owned(), "/metrics".to_owned(), "/".to_owned()];
        for connector in connectors {
            for part in ["", "/config", "/status", "/tasks", "/topics", "/offsets"] {
                paths.push(format!("/connectors/{connector}{part}"));
            }
        }
        for path in paths {
            shown.push((path.clone(), rest.get(&path)?.body));
        }
        for topic in ["config", "offset", "status"] {
            let topic = worker.properties().get(&format!("{topic}.storage.topic")).context("a topic")?;
            let records = kafka.topics().read(topic)?;
            let text =
                records.iter().map(|record| format!("{} {}\n", record.key_text(), record.value_text())).collect();
            shown.push((topic.to_owned(), text));
        }
        Ok(Shown(shown))
    }

    fn add(&mut self, what: &str, text: &str) {
        self.0.push((what.to_owned(), text.to_owned()));
    }

    fn has_none_of(&self, secrets: &[&String]) -> Result<()> {
        for (place, text) in &self.0 {
            for secret in secrets {
                let at = text.find(secret.as_str());
                let line = at.map(|at| text[..at].rsplit('\n').next().unwrap_or_default());
                ensure!(at.is_none(), "{place} shows {secret}, behind {line:?}");
            }
        }
        Ok(())
    }

    fn says(&self, place: &str, text: &str) -> Result<()> {
        let found = self.0.iter().any(|(name, shown)| name == place && shown.contains(text));
        ensure!(found, "{place} does not say {text}");
        Ok(())
    }
}

// Invariant 9: a path is the secret here, because connectors put paths into their errors.
#[test]
fn what_a_variable_stands_for_is_used_and_never_shown() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("secrets")?;
    let mut random = Random::of("secrets");
    let [folder, gone, word, worker_word] =
        ["folder", "gone", "word", "worker"].map(|name| sentinel(&mut random, name));
    // The name of a file is part of a source's offsets; one that is never there has none.
    let input = scratch.join("in.txt");
    fs::write(&input, "one\ntwo\n")?;
    let secrets = scratch.join("secrets.properties");
    let text = format!(
        "input={}\nmissing={}\ngone={}\nword={word}\nworker.word={worker_word}\ninterval=150\n",
        input.display(),
        scratch.join(format!("{folder}/in.txt")).display(),
        scratch.join(format!("{gone}/out.txt")).display()
    );
    fs::write(&secrets, text)?;
    let properties = properties(kafka, "secrets")
        .with("offset.flush.interval.ms", &variable(&secrets, "interval"))
        .with("metrics.context.note", &variable(&secrets, "worker.word"))
        .with("producer.sasl.jaas.config", &variable(&secrets, "worker.word"));
    let worker = Sluice::distributed(&properties).env("TEST_TOPIC", "secret-lines").start()?;
    let rest = worker.rest();

    let source = json!({
        "connector.class": "FileStreamSource",
        "file": variable(&secrets, "input"),
        "topic": "${env:TEST_TOPIC}",
        "unused": format!("<{}> ${{env:PATH}} ${{vault:a:b}}", variable(&secrets, "word")),
    });
    rest.put_connector("source", &source)?;
    rest.wait_running("source", 1, DEADLINE)?;
    wait_until("both lines in the topic", DEADLINE, || {
        let lines = kafka.topics().read("secret-lines")?;
        ensure!(lines.len() == 2, "{} lines", lines.len());
        Ok(())
    })?;
    let sink = json!({
        "connector.class": "FileStreamSink",
        "file": variable(&secrets, "gone"),
        "topics": "${env:TEST_TOPIC}",
    });
    rest.put_connector("sink", &sink)?;
    rest.wait_state("sink", "FAILED", 1, DEADLINE)?;

    let mut waiting = source.clone();
    waiting["file"] = json!(variable(&secrets, "missing"));
    rest.put_connector("waiting", &waiting)?;
    rest.wait_running("waiting", 1, DEADLINE)?;

    // Written and shown alike.
    for (name, written) in [("source", &source), ("sink", &sink)] {
        let config = rest.get(&format!("/connectors/{name}/config"))?.json()?;
        let fields = written.as_object().context("an object")?;
        ensure!(fields.iter().all(|(key, value)| config[key] == *value), "{config}");
        let task = &rest.get(&format!("/connectors/{name}/tasks"))?.json()?[0]["config"];
        ensure!(fields.iter().all(|(key, value)| task[key] == *value), "{task}");
    }
    let mut shown = Shown::of(&worker, kafka, &["source", "sink", "waiting"])?;
    for (what, answer) in refusals(rest, &secrets)? {
        shown.add(&what, &answer);
    }
    shown.add("the log, later", &worker.logs());
    shown.has_none_of(&[&folder, &gone, &word, &worker_word])?;
    shown.says("/connectors/sink/status", &format!("${{file:{}:gone}}", secrets.display()))
}

/// Configurations that are wrong in what their variables stand for.
fn refusals(rest: &Rest, secrets: &Path) -> Result<Vec<(String, String)>> {
    let word = variable(secrets, "word");
    let mut answers = Vec::new();
    for (key, value) in [
        ("tasks.max", word.clone()),
        ("batch.size", format!("1{word}")),
        ("errors.tolerance", word.clone()),
        ("value.converter", word.clone()),
        ("header.converter", word.clone()),
        ("producer.override.batch.size", word.clone()),
        ("producer.override.client.rack", word.clone()),
        ("connector.class", word.clone()),
    ] {
        let mut config =
            json!({ "connector.class": "FileStreamSource", "name": "refused", "topic": "t", "file": word });
        config[key] = json!(value);
        let validate =
            Call::new("PUT", "/connector-plugins/FileStreamSource/config/validate").json(&config.to_string());
        let validated = rest.send(&validate)?;
        answers.push((format!("validate of {key}"), validated.body.clone()));
        if let Ok(Value::Array(entries)) = validated.json().map(|mut body| body["configs"].take()) {
            let entry = entries.iter().map(|entry| &entry["value"]).find(|entry| entry["name"] == key);
            ensure!(entry.is_some_and(|entry| entry["value"].is_null() || entry["value"] == value), "{key}: {entry:?}");
        }
        if key != "producer.override.client.rack" {
            let refused = rest.put("/connectors/refused/config", &config)?;
            ensure!(refused.status >= 400, "{key}: {refused:?}");
            answers.push((format!("PUT with {key}"), refused.body));
        }
    }
    Ok(answers)
}

// Invariant 9.
#[test]
fn a_worker_that_cannot_start_names_the_variable_and_not_its_value() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("bad-worker")?;
    let secret = sentinel(&mut Random::of("bad-worker"), "worker");
    let secrets = scratch.join("secrets.properties");
    fs::write(&secrets, format!("word={secret}\nshort=x1\n"))?;
    let word = variable(&secrets, "word");
    for (key, value, shown) in [
        ("offset.flush.interval.ms", word.clone(), word.clone()),
        ("task.shutdown.graceful.timeout.ms", variable(&secrets, "short"), variable(&secrets, "short")),
        ("key.converter", word.clone(), word.clone()),
        ("listeners", word.clone(), word),
        (
            "config.providers.file.param.allowed.paths",
            "relative".to_owned(),
            "Path relative is not absolute".to_owned(),
        ),
        (
            "config.providers.file.class",
            "com.example.Vault".to_owned(),
            "Could not load config provider class".to_owned(),
        ),
        (
            "plugin.path",
            "${file:/no/such/file:x}".to_owned(),
            "Could not read properties from file /no/such/file".to_owned(),
        ),
    ] {
        let mut setup = Sluice::distributed(&properties(kafka, "bad-worker")).property(key, &value);
        if key != "listeners" {
            setup = setup.property("listeners", "http://127.0.0.1:0");
        }
        let mut worker = setup.launch()?;
        let ended = worker.wait_end(DEADLINE)?;
        let log = worker.logs();
        ensure!(ended.code() == Some(2), "{key}: {ended}\n{log}");
        ensure!(log.contains(&shown), "{key}: the log does not say {shown}:\n{log}");
        ensure!(!log.contains(&secret), "{key}: the log shows the secret:\n{log}");
    }
    Ok(())
}

#[test]
fn a_changed_value_with_a_time_to_live_reaches_the_tasks_unless_that_is_switched_off() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("reload")?;
    let values = scratch.join("values.properties");
    let [first, second] = ["first.txt", "second.txt"].map(|name| scratch.join(name));
    fs::write(&first, "first\n")?;
    fs::write(&second, "second\n")?;
    fs::write(&values, format!("input={}\n", first.display()))?;
    let properties = properties(kafka, "reload").with("config.providers.file.param.sluice.ttl.ms", "400");
    let worker = Sluice::distributed(&properties).start()?;
    for (name, action) in [("follows", "restart"), ("stays", "none")] {
        let config = json!({
            "connector.class": "FileStreamSource",
            "file": variable(&values, "input"),
            "topic": name,
            "config.action.reload": action,
        });
        worker.rest().put_connector(name, &config)?;
        worker.rest().wait_running(name, 1, DEADLINE)?;
        has_lines(kafka, name, &["first"])?;
    }
    // While nothing changes, only the instance restarts.
    let restarts = |worker: &Worker| worker.logs().matches("have lived their time").count();
    wait_until("three restarts", DEADLINE, || {
        let seen = restarts(&worker);
        ensure!(seen >= 3, "{seen} restarts");
        Ok(())
    })?;
    ensure!(task_starts(kafka, &worker, "follows")? == 1, "the task was restarted without a reason");
    fs::write(&values, format!("input={}\n", second.display()))?;
    has_lines(kafka, "follows", &["first", "second"])?;
    worker.rest().wait_running("follows", 1, DEADLINE)?;
    ensure!(task_starts(kafka, &worker, "follows")? >= 2, "the task was not restarted");
    ensure!(task_starts(kafka, &worker, "stays")? == 1, "a task was restarted against `config.action.reload`");
    ensure!(kafka.topics().read("stays")?.len() == 1, "`none` followed the value");
    let log = worker.logs();
    let wrong = log.lines().find(|line| line.contains("have lived their time") && line.contains("stays"));
    ensure!(wrong.is_none(), "{wrong:?}");
    Ok(())
}

fn has_lines(kafka: &Kafka, topic: &str, lines: &[&str]) -> Result<()> {
    wait_until(&format!("{lines:?} in topic {topic}"), DEADLINE, || {
        let records = kafka.topics().read(topic)?;
        let found: Vec<String> = records.iter().map(sluice_harness::Record::value_text).collect();
        ensure!(found == lines, "{found:?}");
        Ok(())
    })
}

/// How often the connector's first task has reported RUNNING.
fn task_starts(kafka: &Kafka, worker: &Worker, connector: &str) -> Result<usize> {
    let topic = worker.properties().get("status.storage.topic").context("a status topic")?;
    let key = format!("status-task-{connector}-0");
    let records = kafka.topics().read(topic)?;
    let running = |record: &&sluice_harness::Record| {
        record.key_text() == key && record.value_text().contains("\"state\":\"RUNNING\"")
    };
    Ok(records.iter().filter(running).count())
}

#[test]
fn a_standalone_worker_resolves_its_own_file_and_its_connectors() -> Result<()> {
    let kafka = Kafka::shared()?;
    let scratch = Scratch::new("alone")?;
    let (input, values) = (scratch.join("in.txt"), scratch.join("values.properties"));
    fs::write(&input, "alone\n")?;
    fs::write(&values, format!("input={}\ntopic=alone-lines\n", input.display()))?;
    let connector = scratch.join("connector.properties");
    let text = format!(
        "name=alone\nconnector.class=FileStreamSource\nfile={}\ntopic={}\n",
        variable(&values, "input"),
        variable(&values, "topic")
    );
    fs::write(&connector, text)?;
    let properties = Properties::standalone(kafka, &scratch.join("offsets"))
        .with("bootstrap.servers", "${env:TEST_BROKERS}")
        .with("config.providers", "file,env")
        .with("config.providers.file.class", "FileConfigProvider")
        .with("config.providers.env.class", "EnvVar");
    let worker = Sluice::standalone(&properties, &[&connector]).env("TEST_BROKERS", &kafka.bootstrap()).start()?;
    has_lines(kafka, "alone-lines", &["alone"])?;
    let config = worker.rest().get("/connectors/alone/config")?.json()?;
    ensure!(config["file"] == variable(&values, "input") && config["topic"] == variable(&values, "topic"), "{config}");
    Ok(())
}
