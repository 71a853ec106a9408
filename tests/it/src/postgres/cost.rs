//! What a million rows cost: CPU seconds of the worker process, rows per second, peak memory. The drill runs Debezium beside it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use sluice_harness::{Engine, Kafka, Postgres, Tier, count, tier, wait_until};

use super::{SOON, config, properties, start, wait_streaming, with};

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, text text, at timestamptz, amount numeric(10,2), flag bool)";
const ROWS: &str =
    "SELECT n, n % 1000, 'a text of row ' || n, now(), n / 100.0, n % 2 = 0 FROM generate_series(1, ROWS) n";

/// One worker's figures of one job.
struct Cost {
    cpu_seconds_per_million: f64,
    rows_per_second: f64,
    peak_rss_bytes: u64,
}

/// A connector that reads what `work` makes; with `before` it is there for the snapshot.
fn cost(engine: Engine, name: &str, rows: usize, work: &str, before: bool) -> Result<Cost> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("cost")?;
    postgres.sql("cost", TABLE)?;
    if before {
        postgres.sql("cost", work)?;
    }
    let name = format!("{name}_{}", if engine == Engine::Oracle { "jvm" } else { "own" });
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let plain = [
        ("key.converter", json),
        ("value.converter", json),
        ("key.converter.schemas.enable", "false"),
        ("value.converter.schemas.enable", "false"),
    ];
    let topic = format!("{name}.public.t");
    kafka.topics().create(&topic, 1, &[])?;
    let worker = start(engine, &properties(kafka, &name)?)?;
    let mut usage = worker.usage()?;
    let mut began = Instant::now();
    worker.rest().put_connector(&name, &with(config(&postgres, "cost", &name), &plain))?.expect(201)?;
    if !before {
        wait_streaming(&postgres, &name)?;
        usage = worker.usage()?;
        began = Instant::now();
        postgres.sql("cost", work)?;
    }
    let watch = kafka.topics().watch_end(&topic)?;
    wait_until(&format!("{rows} records in {topic}"), SOON * 5, || {
        let end = watch.end()?;
        ensure!(end >= rows as i64, "{end} records");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    let (seconds, after) = (began.elapsed().as_secs_f64(), worker.usage()?);
    let cost = Cost {
        cpu_seconds_per_million: (after.cpu_seconds - usage.cpu_seconds) * 1e6 / rows as f64,
        rows_per_second: rows as f64 / seconds,
        peak_rss_bytes: after.peak_rss_bytes,
    };
    println!(
        "{name}: {rows} rows, {:.1} CPU s per million, {:.0} rows/s, {} MB",
        cost.cpu_seconds_per_million,
        cost.rows_per_second,
        cost.peak_rss_bytes / 1_000_000
    );
    Ok(cost)
}

/// Ours alone, or beside Debezium, at least so many times better.
fn check(name: &str, rows: usize, work: &str, before: bool, (cpu, speed): (f64, f64)) -> Result<()> {
    let ours = cost(Engine::Sluice, name, rows, work, before)?;
    ensure!(ours.peak_rss_bytes <= 100_000_000, "{} bytes at the peak", ours.peak_rss_bytes);
    if tier() == Tier::Drill {
        let theirs = cost(Engine::Oracle, name, rows, work, before)?;
        let ratios = (
            theirs.cpu_seconds_per_million / ours.cpu_seconds_per_million,
            ours.rows_per_second / theirs.rows_per_second,
        );
        println!("{name}: {:.1} times less CPU, {:.1} times the rows per second", ratios.0, ratios.1);
        ensure!(ratios.0 >= cpu && ratios.1 >= speed, "aimed at {cpu} and {speed}");
    }
    Ok(())
}

#[test]
fn of_a_snapshot() -> Result<()> {
    let rows = count(100_000, 1_000_000);
    let work = format!("INSERT INTO t {}", ROWS.replace("ROWS", &rows.to_string()));
    check("cost_snapshot", rows, &work, true, (12.0, 8.0))
}

#[test]
fn of_one_large_transaction() -> Result<()> {
    let rows = count(100_000, 1_000_000);
    let work = format!("INSERT INTO t {}", ROWS.replace("ROWS", &rows.to_string()));
    check("cost_transaction", rows, &work, false, (8.0, 5.0))
}

#[test]
fn of_transactions_of_one_row() -> Result<()> {
    let rows = count(20_000, 100_000);
    let work = format!(
        "INSERT INTO t {}; DO $$ BEGIN FOR i IN 1..{} LOOP UPDATE t SET n = n + 1 WHERE id = 1; COMMIT; END LOOP; END $$",
        ROWS.replace("ROWS", "1"),
        rows - 1
    );
    check("cost_single", rows, &work, false, (8.0, 4.0))
}
