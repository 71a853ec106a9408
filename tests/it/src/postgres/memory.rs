//! However many rows there are, a worker holds little of them. What they cost beside Debezium is measured by the bench
//! (`sluice-bench --only postgres-snapshot,postgres-transaction,postgres-single`).

use anyhow::{Context, Result, ensure};
use sluice_harness::{Engine, Kafka, Postgres, count, wait_until};

use super::{SOON, config, properties, start, wait_streaming, with};

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, text text, at timestamptz)";
const MOST: u64 = 100_000_000;

/// Gives the worker's peak once `rows` rows are through; they are made before the connector or afterwards.
fn peak(name: &str, rows: usize, before: bool) -> Result<u64> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("memory")?;
    postgres.sql("memory", TABLE)?;
    let work =
        format!("INSERT INTO t SELECT n, n % 1000, 'a text of row ' || n, now() FROM generate_series(1, {rows}) n");
    if before {
        postgres.sql("memory", &work)?;
    }
    let topic = format!("{name}.public.t");
    kafka.topics().create(&topic, 1, &[])?;
    let watch = kafka.topics().watch_end(&topic)?;
    let worker = start(Engine::Sluice, &properties(kafka, name)?)?;
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let plain = [("value.converter", json), ("value.converter.schemas.enable", "false")];
    worker.rest().put_connector(name, &with(config(&postgres, "memory", name), &plain))?.expect(201)?;
    if !before {
        wait_streaming(&postgres, name)?;
        postgres.sql("memory", &work)?;
    }
    wait_until(&format!("{rows} records in {topic}"), SOON * 5, || {
        let end = watch.end()?;
        ensure!(end >= rows as i64, "{end} records");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    let peak = worker.usage()?.peak_rss_bytes;
    println!("{name}: {rows} rows, {} MB", peak / 1_000_000);
    Ok(peak)
}

#[test]
fn of_a_snapshot_is_bounded() -> Result<()> {
    let peak = peak("pgmemory_snapshot", count(50_000, 2_000_000), true)?;
    ensure!(peak <= MOST, "{peak} bytes at the peak");
    Ok(())
}

#[test]
fn of_one_large_transaction_is_bounded() -> Result<()> {
    let peak = peak("pgmemory_transaction", count(50_000, 2_000_000), false)?;
    ensure!(peak <= MOST, "{peak} bytes at the peak");
    Ok(())
}
