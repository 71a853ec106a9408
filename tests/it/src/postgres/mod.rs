//! Change capture from PostgreSQL: side by side with Debezium, taken over and given back, and with servers that die.

mod cases;
mod events;
mod memory;
mod nothing_lost;
mod preconditions;
mod promotion;
mod replay;
mod side_by_side;
mod takeover;
mod tls;
mod types;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_harness::{
    Engine, Kafka, POSTGRES_PASSWORD, POSTGRES_USER, Postgres, Properties, Record, Setup, Worker,
    oracle::debezium_jars, wait_until,
};

/// How long a connector may take to get through what a test does.
const SOON: Duration = Duration::from_secs(120);
const CLASS: &str = "io.debezium.connector.postgresql.PostgresConnector";

/// A worker that has the connector, with JSON and schemas.
fn properties(kafka: &Kafka, name: &str) -> Result<Properties> {
    let plugins = debezium_jars()?;
    let plugins = plugins.parent().context("a folder of plugins")?;
    let json = "org.apache.kafka.connect.json.JsonConverter";
    Ok(Properties::distributed(kafka, name)
        .with("key.converter", json)
        .with("value.converter", json)
        .with("header.converter", json)
        .with("plugin.path", &plugins.display().to_string())
        .with("plugin.discovery", "hybrid_warn"))
}

fn start(engine: Engine, properties: &Properties) -> Result<Worker> {
    Setup::distributed(engine, properties).start().with_context(|| format!("starting {engine:?}"))
}

/// A configuration that captures `database` under `prefix`, with a slot and a publication of that name.
fn config(postgres: &Postgres, database: &str, prefix: &str) -> Value {
    json!({
        "connector.class": CLASS,
        "plugin.name": "pgoutput",
        "topic.prefix": prefix,
        "database.hostname": "127.0.0.1",
        "database.port": postgres.port().to_string(),
        "database.user": POSTGRES_USER,
        "database.password": POSTGRES_PASSWORD,
        "database.dbname": database,
        "slot.name": prefix,
        "publication.name": prefix,
        "publication.autocreate.mode": "filtered",
        "schema.include.list": "public",
        "poll.interval.ms": "50",
    })
}

/// `config` with further keys.
fn with(mut config: Value, more: &[(&str, &str)]) -> Value {
    for (key, value) in more {
        config[*key] = json!(value);
    }
    config
}

/// Waits until the slot has a walsender: the stream runs.
fn wait_streaming(postgres: &Postgres, slot: &str) -> Result<()> {
    let sql = format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'");
    wait_until(&format!("slot {slot} to be streamed"), SOON, || {
        let active = postgres.sql("postgres", &sql)?;
        anyhow::ensure!(active == "t", "active: {active:?}");
        Ok(())
    })
}

/// What a topic holds once `enough` says so.
fn wait_records(kafka: &Kafka, topic: &str, mut enough: impl FnMut(&[Record]) -> bool) -> Result<Vec<Record>> {
    wait_until(&format!("records in {topic}"), SOON, || {
        let records = kafka.topics().read(topic)?;
        anyhow::ensure!(enough(&records), "{} records", records.len());
        Ok(records)
    })
}

/// The value of a record without its schema, if it has one; null for a tombstone.
fn payload(record: &Record) -> Result<Value> {
    let Some(value) = &record.value else { return Ok(Value::Null) };
    let value: Value = serde_json::from_slice(value).context("a JSON value")?;
    Ok(value.get("payload").cloned().unwrap_or(value))
}
