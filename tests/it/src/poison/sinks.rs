//! Poison for sinks: converters of values and headers, the schema registry, transforms, the queue itself, a full disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, SchemaRegistry, Scratch, Sluice, Worker, free_port, wait_until};

use super::{MODES, Mode, Outcome, Raw, committed, counter, letter_offsets, letters, produce};

const DEADLINE: Duration = Duration::from_secs(120);
const TOTAL: usize = 40;
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// One kind of poison.
struct Kind {
    name: &'static str,
    config: Value,
    record: Box<dyn Fn(usize, bool) -> Raw>,
    is_poison: fn(usize) -> bool,
    total: usize,
}

impl Kind {
    fn new(name: &'static str, config: Value, record: impl Fn(usize, bool) -> Raw + 'static) -> Self {
        Kind { name, config, record: Box::new(record), is_poison: |number| number % 10 == 3, total: TOTAL }
    }

    fn poison(&self) -> BTreeSet<usize> {
        (0..self.total).filter(|number| (self.is_poison)(*number)).collect()
    }

    fn connector(&self, mode: Mode, topic: &str, file: &Path) -> Value {
        let mut config = json!({
            "connector.class": "FileStreamSink",
            "file": file,
            "topics": topic,
            "errors.tolerance": if mode.tolerant { "all" } else { "none" },
            "errors.log.enable": true,
        });
        if mode.queue {
            config["errors.deadletterqueue.topic.name"] = json!(queue(topic, mode));
            config["errors.deadletterqueue.topic.replication.factor"] = json!(1);
            config["errors.deadletterqueue.context.headers.enable"] = json!(true);
        }
        let more = self.config.as_object().into_iter().flatten();
        more.for_each(|(key, value)| config[key] = value.clone());
        config
    }
}

fn queue(topic: &str, mode: Mode) -> String {
    format!("{topic}-letters-{}", mode.name())
}

/// The kinds that need converters and transforms alone.
fn plain_kinds() -> Vec<Kind> {
    let enveloped =
        |schema: Value, payload: Value| Raw::value(json!({"schema": schema, "payload": payload}).to_string());
    let structure = move |field: &str, number: usize| {
        let fields = json!([{"field": field, "type": "int64", "optional": false}]);
        enveloped(json!({"type": "struct", "optional": false, "fields": fields}), json!({ field: number }))
    };
    vec![
        Kind::new(
            "bad-json",
            json!({"value.converter": JSON, "value.converter.schemas.enable": false}),
            |number, bad| Raw::value(if bad { format!("{{\"record {number}") } else { format!("\"record {number}\"") }),
        ),
        Kind::new(
            "no-envelope",
            json!({"value.converter": JSON, "value.converter.schemas.enable": true}),
            move |number, bad| {
                let text = json!(format!("record {number}"));
                if bad {
                    Raw::value(text.to_string())
                } else {
                    enveloped(json!({"type": "string", "optional": false}), text)
                }
            },
        ),
        Kind::new(
            "wrong-type",
            json!({"transforms": "c", "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.c.spec": "int64"}),
            |number, bad| Raw::value(if bad { format!("x{number}") } else { number.to_string() }),
        ),
        Kind::new(
            "missing-field",
            json!({
                "value.converter": JSON,
                "value.converter.schemas.enable": true,
                "transforms": "k",
                "transforms.k.type": "org.apache.kafka.connect.transforms.ValueToKey",
                "transforms.k.fields": "id",
            }),
            move |number, bad| structure(if bad { "no" } else { "id" }, number),
        ),
        Kind::new(
            "null-key",
            json!({
                "key.converter": JSON,
                "key.converter.schemas.enable": false,
                "transforms": "h",
                "transforms.h.type": "org.apache.kafka.connect.transforms.HeaderFrom$Key",
                "transforms.h.fields": "a",
                "transforms.h.headers": "b",
                "transforms.h.operation": "copy",
            }),
            |number, bad| Raw { key: (!bad).then(|| b"{\"a\":1}".to_vec()), ..Raw::value(format!("record {number}")) },
        ),
        Kind::new(
            "bad-header",
            json!({"header.converter": JSON, "header.converter.schemas.enable": false}),
            |number, bad| {
                let header = if bad { "{\"" } else { "\"fine\"" };
                Raw { header: Some(header.into()), ..Raw::value(format!("record {number}")) }
            },
        ),
    ]
}

/// The kinds that need a schema registry, or one that is not there.
fn registry_kinds() -> Result<Vec<Kind>> {
    const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
    let registry = SchemaRegistry::shared()?;
    let body = json!({"schema": "\"string\""});
    let registered = registry.rest().post(&SchemaRegistry::path("/subjects/poison-value/versions"), &body)?;
    let id = registered.json()?["id"].as_i64().with_context(|| format!("an id in {registered:?}"))? as i32;
    let avro = move |number: usize, id: i32| {
        let text = format!("record {number}");
        let mut bytes = vec![0];
        bytes.extend(id.to_be_bytes());
        bytes.push(u8::try_from(text.len() * 2).expect("a short text"));
        bytes.extend(text.into_bytes());
        Raw::value(bytes)
    };
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let unknown = Kind::new(
        "unknown-schema-id",
        json!({"value.converter": AVRO, "value.converter.schema.registry.url": registry.url()}),
        move |number, bad| avro(number, if bad { 999_999 } else { id }),
    );
    // Nothing can be read without the registry. Tried for a while first: the error is one that may pass.
    let down = Kind::new(
        "registry-down",
        json!({
            "value.converter": AVRO,
            "value.converter.schema.registry.url": nobody,
            "value.converter.max.retries": 0,
            "errors.retry.timeout": 500,
        }),
        move |number, _| avro(number, id),
    );
    Ok(vec![unknown, Kind { is_poison: |_| true, total: 3, ..down }])
}

struct Stage {
    kafka: &'static Kafka,
    worker: Worker,
    scratch: Scratch,
}

impl Stage {
    fn open(name: &str) -> Result<Self> {
        let kafka = Kafka::shared()?;
        let properties = Properties::distributed(kafka, name).with("offset.flush.interval.ms", "200");
        let worker = Sluice::distributed(&properties).start()?;
        Ok(Stage { kafka, worker, scratch: Scratch::new(name)? })
    }

    /// Puts one kind through all modes at once.
    fn put(&self, kind: &Kind) -> Result<()> {
        let topic = format!("poison-{}", kind.name);
        self.kafka.topics().create(&topic, 1, &[])?;
        let is_poison = kind.is_poison;
        produce(self.kafka, &topic, (0..kind.total).map(|number| (kind.record)(number, is_poison(number))))?;
        for mode in MODES {
            let config = kind.connector(mode, &topic, &self.file(kind, mode));
            self.worker.rest().put_connector(&connector(kind, mode), &config)?;
        }
        for mode in MODES {
            self.settles(kind, mode, &topic).with_context(|| format!("{} {}", kind.name, mode.name()))?;
            self.worker.rest().remove_connector(&connector(kind, mode), DEADLINE)?;
        }
        Ok(())
    }

    fn settles(&self, kind: &Kind, mode: Mode, topic: &str) -> Result<()> {
        let rest = self.worker.rest();
        if mode.tolerant {
            return wait_until("every record to be delivered, queued or skipped", DEADLINE, || {
                self.outcome(kind, mode, topic)?.is_complete(mode.queue)
            });
        }
        let status = rest.wait_state(&connector(kind, mode), "FAILED", 1, DEADLINE)?;
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
        ensure!(trace.contains("Tolerance exceeded in error handler"), "{trace}");
        self.outcome(kind, mode, topic)?.stopped_at_the_first(mode.queue)
    }

    fn outcome(&self, kind: &Kind, mode: Mode, topic: &str) -> Result<Outcome> {
        let connector = connector(kind, mode);
        let letters = letters(self.kafka, &queue(topic, mode))?;
        let metrics = self.worker.rest().get("/metrics")?.body;
        let lines = fs::read_to_string(self.file(kind, mode)).unwrap_or_default();
        Ok(Outcome {
            total: kind.total,
            poison: kind.poison(),
            delivered: lines.lines().filter_map(last_number).collect(),
            letters: letter_offsets(&letters),
            skipped: counter(&metrics, "total_records_skipped", &connector),
            committed: committed(self.kafka, &connector, topic)?,
        })
    }

    fn file(&self, kind: &Kind, mode: Mode) -> std::path::PathBuf {
        self.scratch.join(format!("{}-{}.txt", kind.name, mode.name()))
    }
}

fn connector(kind: &Kind, mode: Mode) -> String {
    format!("{}-{}", kind.name, mode.name())
}

/// The last run of digits of a line: every good value ends with its number.
fn last_number(line: &str) -> Option<usize> {
    let digits = |c: char| c.is_ascii_digit();
    let end = line.rfind(digits)? + 1;
    let start = line[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    line[start..end].parse().ok()
}

#[test]
fn records_that_converters_and_transforms_refuse_are_all_accounted_for() -> Result<()> {
    let stage = Stage::open("poison-plain")?;
    plain_kinds().iter().try_for_each(|kind| stage.put(kind))
}

#[test]
fn records_without_their_schema_are_all_accounted_for() -> Result<()> {
    let stage = Stage::open("poison-registry")?;
    registry_kinds()?.iter().try_for_each(|kind| stage.put(kind))
}

// Invariants 2 and 3: Kafka Connect logs such a letter and goes on.
#[test]
fn a_letter_that_the_queue_refuses_fails_the_task_also_when_errors_are_tolerated() -> Result<()> {
    let stage = Stage::open("poison-letter")?;
    let topics = stage.kafka.topics();
    topics.create("big-letters", 1, &[])?;
    topics.create("small-queue", 1, &[("max.message.bytes", "1000")])?;
    let value = |number: usize| match number {
        7 => format!("{{{}", "x".repeat(3_000)),
        _ => format!("\"record {number}\""),
    };
    topics.produce("big-letters", (0..20).map(value))?;
    let file = stage.scratch.join("out.txt");
    let config = json!({
        "connector.class": "FileStreamSink",
        "file": file,
        "topics": "big-letters",
        "value.converter": JSON,
        "value.converter.schemas.enable": false,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": "small-queue",
    });
    stage.worker.rest().put_connector("big-letters", &config)?;
    let status = stage.worker.rest().wait_state("big-letters", "FAILED", 1, DEADLINE)?;
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    ensure!(trace.contains("Could not produce message to dead letter queue. topic=small-queue"), "{trace}");
    let offset = committed(stage.kafka, "big-letters", "big-letters")?;
    ensure!(offset <= 7, "offset {offset} is past a record that is nowhere");
    ensure!(letters(stage.kafka, "small-queue")?.is_empty(), "the queue took it");
    let metrics = stage.worker.rest().get("/metrics")?.body;
    ensure!(counter(&metrics, "deadletterqueue_produce_failures", "big-letters") == 1, "not counted");
    Ok(())
}

// Invariants 2 and 3: what `put` refuses for good is no matter of `errors.tolerance`.
#[test]
fn a_batch_that_the_task_cannot_write_fails_it_and_moves_no_offset() -> Result<()> {
    let stage = Stage::open("poison-full")?;
    stage.kafka.topics().create("poison-full-disk", 1, &[])?;
    stage.kafka.topics().produce("poison-full-disk", (0..TOTAL).map(|number| format!("record {number}")))?;
    for mode in MODES {
        let kind = Kind::new("poison-full-disk", json!({}), |number, _| Raw::value(number.to_string()));
        let config = kind.connector(mode, "poison-full-disk", Path::new("/dev/full"));
        let name = connector(&kind, mode);
        stage.worker.rest().put_connector(&name, &config)?;
        stage.worker.rest().wait_state(&name, "FAILED", 1, DEADLINE)?;
        ensure!(committed(stage.kafka, &name, "poison-full-disk")? == 0, "{name}: an offset moved");
        ensure!(letters(stage.kafka, &queue("poison-full-disk", mode))?.is_empty(), "{name}: letters of good records");
    }
    Ok(())
}
