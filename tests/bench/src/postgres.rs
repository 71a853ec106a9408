//! Change capture from PostgreSQL, Debezium's connector on Kafka Connect beside ours: the same table and statements for each, measured
//! until the last record was seen to have arrived.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sluice_harness::{Kafka, POSTGRES_PASSWORD, POSTGRES_USER, Postgres, wait_until};

use crate::engines::{Engines, Subject};
use crate::plan::{Plan, Row};
use crate::progress::say;
use crate::report::{Figures, Measure};

const DATABASE: &str = "bench";
const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, text text, at timestamptz, amount numeric(10,2), flag bool)";
const LARGEST: u64 = 1_000_000;

/// Rows of the row, and the SQL that makes them.
fn work(row: Row, plan: &Plan) -> Result<(u64, String)> {
    let rows = plan.records.min(LARGEST);
    let insert = |rows: u64| {
        format!(
            "INSERT INTO t SELECT n, n % 1000, 'a text of row ' || n, now(), n / 100.0, n % 2 = 0 FROM generate_series(1, {rows}) n;"
        )
    };
    Ok(match row {
        Row::PostgresSnapshot | Row::PostgresTransaction => (rows, insert(rows)),
        Row::PostgresSingle => {
            let rows = rows.div_ceil(10).max(1_000);
            let updates = rows - 1;
            let loop_of_updates = format!(
                "DO $$ BEGIN FOR i IN 1..{updates} LOOP UPDATE t SET n = n + 1 WHERE id = 1; COMMIT; END LOOP; END $$;"
            );
            (rows, insert(1) + &loop_of_updates)
        }
        other => bail!("{other:?} is no job of PostgreSQL"),
    })
}

/// Runs one connector on a fresh worker and a fresh server.
pub(crate) fn measure(
    kafka: &Kafka,
    engines: &Engines<'_>,
    plan: &Plan,
    row: Row,
    subject: Subject,
    run: u32,
) -> Result<Figures> {
    let (rows, sql) = work(row, plan)?;
    let postgres = Postgres::start()?;
    postgres.create_database(DATABASE)?;
    postgres.sql(DATABASE, TABLE)?;
    if row == Row::PostgresSnapshot {
        postgres.sql(DATABASE, &sql)?;
    }
    let prefix = format!("bench_{}_{}_{run}", row.title().rsplit(' ').next().unwrap_or_default(), subject.slug());
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let config = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput", "topic.prefix": prefix, "slot.name": prefix, "publication.name": prefix,
        "database.hostname": "127.0.0.1", "database.port": postgres.port().to_string(), "database.dbname": DATABASE,
        "database.user": POSTGRES_USER, "database.password": POSTGRES_PASSWORD,
        "publication.autocreate.mode": "filtered", "table.include.list": "public.t",
        "key.converter": json, "value.converter": json,
        "key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false",
    });
    let topic = format!("{prefix}.public.t");
    let topics = kafka.topics();
    topics.create(&topic, 1, &[])?;
    let watch = topics.watch_end(&topic)?;
    let worker = engines.debezium(subject)?.start()?;
    let (mut before, mut began) = (worker.usage()?, Instant::now());
    worker.rest().put_connector(&prefix, &config)?;
    if row != Row::PostgresSnapshot {
        wait_streaming(&postgres, &prefix)?;
        (before, began) = (worker.usage()?, Instant::now());
        postgres.sql(DATABASE, &sql)?;
    }
    let wanted = i64::try_from(rows)?;
    wait_until(&format!("{rows} records in {topic}"), Duration::from_secs(120 + rows / 2_000), || {
        let end = watch.end()?;
        ensure!(end >= wanted, "{end} records");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    let (seconds, after) = (began.elapsed().as_secs_f64(), worker.usage()?);
    let mut arrived = 0;
    topics.visit(&topic, |_| arrived += 1)?;
    ensure!(arrived == rows, "{arrived} records of {rows} rows");
    topics.delete(&topic)?;
    let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    say(&format!("{rows} rows in {seconds:.2} s, {cpu_seconds:.2} CPU s, {} MB", after.peak_rss_bytes / 1_000_000));
    Ok(vec![
        (Measure::RecordsPerSecond, rows as f64 / seconds),
        (Measure::CpuSecondsPerMillion, cpu_seconds * 1e6 / rows as f64),
        (Measure::PeakRssBytes, after.peak_rss_bytes as f64),
    ])
}

fn wait_streaming(postgres: &Postgres, slot: &str) -> Result<()> {
    let sql = format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'");
    wait_until(&format!("slot {slot} to be streamed"), Duration::from_secs(120), || {
        let active = postgres.sql("postgres", &sql)?;
        ensure!(active == "t", "active: {active:?}");
        Ok(())
    })
}
