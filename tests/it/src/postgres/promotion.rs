//! A standby is promoted on a server that does not carry slots over: never a silent gap, and equality once the tables are read again.

use anyhow::{Context, Result, ensure};
use sluice_harness::{Engine, Kafka, Postgres, wait_until};

use super::replay::replay;
use super::{SOON, config, properties, start, wait_streaming, with};

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, text text);
    INSERT INTO t SELECT n, 'before' FROM generate_series(1, 100) n;";

fn wait_caught_up(primary: &Postgres) -> Result<()> {
    wait_until("the standby to have everything", SOON, || {
        let sql =
            "SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication WHERE application_name = 'walreceiver'";
        ensure!(primary.sql("postgres", sql)? == "t", "not yet");
        Ok(())
    })
}

fn wait_told(kafka: &Kafka, postgres: &Postgres, topic: &str, more: &[i64]) -> Result<()> {
    wait_until("the topic to tell the table", SOON, || {
        let mut told: Vec<i64> = replay(kafka, topic)?.into_keys().collect();
        told.retain(|id| !more.contains(id));
        let wanted = postgres.sql("shop", "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")?;
        let told: Vec<String> = told.iter().map(i64::to_string).collect();
        ensure!(told.join(",") == wanted, "{} rows told", told.len());
        Ok(())
    })
}

#[test]
fn a_promoted_standby_is_never_streamed_on_silently() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut primary = Postgres::start()?;
    primary.create_database("shop")?;
    primary.sql("shop", TABLE)?;
    let standby = primary.standby()?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgpromoted")?.with("offset.flush.interval.ms", "500"))?;
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    let config = with(config(&primary, "shop", "pgpromoted"), &[("database.hostname", &hosts)]);
    worker.rest().put_connector("pgpromoted", &config)?.expect(201)?;
    wait_streaming(&primary, "pgpromoted").with_context(|| worker.logs())?;
    primary.sql("shop", "UPDATE t SET text = 'streamed' WHERE id <= 10; DELETE FROM t WHERE id = 11")?;
    let topic = "pgpromoted.public.t";
    wait_told(kafka, &primary, topic, &[])?;
    wait_until("the identity to be stored", SOON, || {
        let offsets = worker.rest().offsets("pgpromoted")?.to_string();
        ensure!(offsets.contains("system_id") && offsets.contains("lsn_commit"), "{offsets}");
        Ok(())
    })?;
    wait_caught_up(&primary)?;
    primary.kill9()?;
    standby.promote()?;
    standby.sql(
        "shop",
        "INSERT INTO t SELECT n, 'in the gap' FROM generate_series(200, 220) n; DELETE FROM t WHERE id = 12",
    )?;
    let failed = |wanted: &str| {
        wait_until(&format!("the task to say: {wanted}"), SOON, || {
            let status = worker.rest().status("pgpromoted")?;
            let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned();
            ensure!(status["tasks"][0]["state"] == "FAILED" && trace.contains(wanted), "{status}");
            ensure!(trace.contains("snapshot.mode=when_needed"), "{trace}");
            Ok(())
        })
        .with_context(|| worker.logs())
    };
    failed("a standby was promoted (timeline 1 to 2) and does not have slot")?;
    // An operator makes the slot again, which looks right and is not.
    standby.sql("shop", "SELECT pg_create_logical_replication_slot('pgpromoted', 'pgoutput')")?;
    standby.sql("shop", "INSERT INTO t VALUES (300, 'after the slot')")?;
    worker.rest().post_empty("/connectors/pgpromoted/tasks/0/restart")?;
    failed("the changes in between are gone").or_else(|_| failed("did not have everything"))?;
    let again = with(config, &[("snapshot.mode", "when_needed")]);
    worker.rest().put_connector("pgpromoted", &again)?.expect(200)?;
    wait_streaming(&standby, "pgpromoted").with_context(|| worker.logs())?;
    standby.sql(
        "shop",
        "UPDATE t SET text = 'after' WHERE id < 50; DELETE FROM t WHERE id = 13; INSERT INTO t VALUES (301, 'new')",
    )?;
    // The one row that was deleted in the gap is the documented limit.
    wait_told(kafka, &standby, topic, &[12]).with_context(|| worker.logs())?;
    worker.rest().wait_running("pgpromoted", 1, SOON).map(drop)
}

#[test]
fn another_server_at_the_same_address_is_refused() -> Result<()> {
    let kafka = Kafka::shared()?;
    let (first, second) = (Postgres::start()?, Postgres::start()?);
    for postgres in [&first, &second] {
        postgres.create_database("shop")?;
        postgres.sql("shop", TABLE)?;
        postgres.sql("shop", "SELECT pg_create_logical_replication_slot('pgother', 'pgoutput')")?;
    }
    let worker = start(Engine::Sluice, &properties(kafka, "pgother")?.with("offset.flush.interval.ms", "500"))?;
    worker.rest().put_connector("pgother", &config(&first, "shop", "pgother"))?.expect(201)?;
    wait_streaming(&first, "pgother")?;
    wait_until("the identity to be stored", SOON, || {
        let offsets = worker.rest().offsets("pgother")?.to_string();
        ensure!(offsets.contains("system_id") && offsets.contains("\"lsn\""), "{offsets}");
        Ok(())
    })?;
    worker.rest().put_connector("pgother", &config(&second, "shop", "pgother"))?.expect(200)?;
    wait_until("the task to name the system identifier", SOON, || {
        let status = worker.rest().status("pgother")?;
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
        ensure!(trace.contains("the position is of another server (system identifier"), "{status}");
        Ok(())
    })
}
