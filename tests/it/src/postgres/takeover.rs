//! A connector goes from Apache Kafka Connect with Debezium to Sluice and back: no gap, no second snapshot.

use anyhow::{Result, ensure};
use sluice_harness::{Engine, Kafka, Postgres, free_port};

use super::replay::duplicates;
use super::{SOON, config, payload, properties, start, wait_records, wait_streaming};

#[test]
fn debeziums_offset_is_taken_over_and_given_back() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("takeover")?;
    postgres.sql("takeover", "CREATE TABLE t (id int PRIMARY KEY, by text); INSERT INTO t VALUES (0, 'snapshot')")?;
    let properties = properties(kafka, "pgtakeover")?.with("listeners", &format!("http://127.0.0.1:{}", free_port()?));
    let topic = "pgtakeover.public.t";
    let config = config(&postgres, "takeover", "pgtakeover");
    let mut rows = 1;
    for (at, engine) in [Engine::Oracle, Engine::Sluice, Engine::Oracle].into_iter().enumerate() {
        let mut worker = start(engine, &properties)?;
        if at == 0 {
            worker.rest().put_connector("pgtakeover", &config)?.expect(201)?;
        }
        worker.rest().wait_running("pgtakeover", 1, SOON)?;
        wait_streaming(&postgres, "pgtakeover")?;
        // Rows while it runs, of one transaction and of several.
        for id in rows..rows + 20 {
            postgres.sql("takeover", &format!("INSERT INTO t VALUES ({id}, '{engine:?}')"))?;
        }
        postgres.sql(
            "takeover",
            &format!("INSERT INTO t SELECT n, 'bulk' FROM generate_series({}, {}) n", rows + 20, rows + 39),
        )?;
        rows += 40;
        wait_records(kafka, topic, |records| records.len() >= rows)?;
        ensure!(worker.stop()?.success() || engine == Engine::Oracle, "{}", worker.logs());
        // And while none does.
        postgres.sql("takeover", &format!("INSERT INTO t VALUES ({rows}, 'nobody')"))?;
        rows += 1;
    }
    let worker = start(Engine::Sluice, &properties)?;
    worker.rest().wait_running("pgtakeover", 1, SOON)?;
    let records = wait_records(kafka, topic, |records| records.len() >= rows)?;
    let mut snapshots = 0;
    let mut ids = Vec::new();
    for record in &records {
        let event = payload(record)?;
        snapshots += usize::from(event["op"] == "r");
        ids.push(event["after"]["id"].as_i64().unwrap_or(-1));
    }
    ensure!(snapshots == 1, "{snapshots} rows were read in a snapshot");
    ids.dedup();
    ensure!(ids == (0..rows as i64).collect::<Vec<_>>(), "{ids:?}");
    ensure!(duplicates(&records)? == 0, "rows came twice");
    Ok(())
}
