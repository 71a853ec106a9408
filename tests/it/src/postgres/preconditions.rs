//! What is wrong with a server is said by the task, with the SQL that mends it; what is not supported is refused at once.

use anyhow::{Result, ensure};
use serde_json::Value;
use sluice_harness::{Engine, Kafka, Postgres, Worker, wait_until};

use super::{SOON, config, properties, start, wait_streaming, with};

fn trace(worker: &Worker, name: &str) -> Result<String> {
    wait_until(&format!("{name} to fail"), SOON, || {
        let status = worker.rest().status(name)?;
        ensure!(status["tasks"][0]["state"] == "FAILED", "{status}");
        Ok(status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned())
    })
}

#[test]
fn every_broken_precondition_has_its_remedy() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("shop")?;
    postgres.sql("shop", "CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE plain LOGIN PASSWORD 'plain-password-1'")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgwrong")?)?;
    let base = |prefix: &str| config(&postgres, "shop", prefix);
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            "wrong_role",
            with(base("wrong_role"), &[("database.user", "plain"), ("database.password", "plain-password-1")]),
            "ALTER ROLE \"plain\" WITH REPLICATION;",
        ),
        (
            "wrong_password",
            with(base("wrong_password"), &[("database.password", "other")]),
            "password authentication failed",
        ),
        (
            "wrong_database",
            with(base("wrong_database"), &[("database.dbname", "nowhere")]),
            "\"nowhere\" does not exist",
        ),
        (
            "no_publication",
            with(base("no_publication"), &[("publication.autocreate.mode", "disabled")]),
            "CREATE PUBLICATION \"no_publication\" FOR TABLE \"public\".\"t\";",
        ),
        ("no_tls", with(base("no_tls"), &[("database.sslmode", "require")]), "does not offer TLS"),
        (
            "no_tables",
            with(base("no_tables"), &[("table.include.list", "public.nothing")]),
            "no table of database \"shop\" matches",
        ),
    ];
    for (name, config, _) in &cases {
        worker.rest().put_connector(name, config)?.expect(201)?;
    }
    for (name, _, wanted) in &cases {
        let trace = trace(&worker, name)?;
        ensure!(trace.contains(wanted), "{name}: {trace}");
        ensure!(!trace.contains("plain-password-1"), "a password is in the trace");
    }
    Ok(())
}

#[test]
fn a_server_without_logical_decoding_is_named() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start_with(&[("wal_level", "replica")])?;
    let worker = start(Engine::Sluice, &properties(kafka, "pglevel")?)?;
    worker.rest().put_connector("pglevel", &config(&postgres, "postgres", "pglevel"))?.expect(201)?;
    let trace = trace(&worker, "pglevel")?;
    ensure!(trace.contains("ALTER SYSTEM SET wal_level = 'logical';"), "{trace}");
    Ok(())
}

#[test]
fn a_slot_that_is_gone_is_never_a_gap() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("shop")?;
    postgres.sql("shop", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pggone")?)?;
    let config = config(&postgres, "shop", "pggone");
    worker.rest().put_connector("pggone", &config)?.expect(201)?;
    wait_streaming(&postgres, "pggone")?;
    super::wait_records(kafka, "pggone.public.t", |records| records.len() == 1)?;
    worker.rest().stop("pggone")?;
    worker.rest().wait_state("pggone", "STOPPED", 0, SOON)?;
    wait_until("the slot to be dropped", SOON, || {
        postgres.sql("shop", "SELECT pg_drop_replication_slot('pggone')").map(drop)
    })?;
    postgres.sql("shop", "INSERT INTO t VALUES (2)")?;
    worker.rest().resume("pggone")?;
    let trace = trace(&worker, "pggone")?;
    ensure!(trace.contains("slot \"pggone\" is gone") && trace.contains("when_needed"), "{trace}");
    worker.rest().put_connector("pggone", &with(config, &[("snapshot.mode", "when_needed")]))?.expect(200)?;
    let records = super::wait_records(kafka, "pggone.public.t", |records| records.len() == 3)?;
    ensure!(super::payload(&records[2])?["after"]["id"] == 2, "{records:?}");
    Ok(())
}

#[test]
fn what_is_not_supported_is_refused_at_validation() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgrefused")?)?;
    let wrong = with(config(&postgres, "postgres", "pgrefused"), &[("column.mask.with.3.chars", "public.t.a")]);
    let answer = worker.rest().put("/connectors/pgrefused/config", &wrong)?.expect(400)?;
    ensure!(answer.body.contains("masked columns are not supported yet"), "{}", answer.body);
    Ok(())
}
