//! What is wrong with a server is said by validation and by the task, with the SQL that mends it; what is not supported is refused at
//! once.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Engine, Kafka, Postgres, Worker, wait_until};

use super::{CLASS, SOON, config, properties, start, wait_streaming, with};

fn trace(worker: &Worker, name: &str) -> Result<String> {
    wait_until(&format!("{name} to fail"), SOON, || {
        let status = worker.rest().status(name)?;
        ensure!(status["tasks"][0]["state"] == "FAILED", "{status}");
        Ok(status["tasks"][0]["trace"].as_str().unwrap_or_default().to_owned())
    })
}

/// What validation says of `key`.
fn said_of(worker: &Worker, name: &str, key: &str, config: &Value) -> Result<String> {
    let mut config = config.clone();
    config["name"] = json!(name);
    let answer = worker.rest().put(&format!("/connector-plugins/{CLASS}/config/validate"), &config)?.expect(200)?;
    let answer = answer.json()?;
    let configs = answer["configs"].as_array().context("configs")?;
    let entry = configs.iter().find(|entry| entry["value"]["name"] == key).with_context(|| format!("no {key}"))?;
    ensure!(answer["error_count"] != 0, "{name}: nothing is wrong with {key}");
    Ok(entry["value"]["errors"].to_string())
}

/// Something that was right when the connector was made, and is not any more.
struct Broken {
    name: &'static str,
    config: Value,
    /// As the superuser.
    sql: &'static str,
    key: &'static str,
    wanted: &'static str,
}

const SETUP: &str = "
CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE read_again (id int PRIMARY KEY); CREATE TABLE keyless (id int);
CREATE ROLE plain LOGIN REPLICATION PASSWORD 'plain-password-1'; CREATE ROLE keeper LOGIN REPLICATION PASSWORD 'plain-password-1';
CREATE ROLE reader LOGIN REPLICATION PASSWORD 'plain-password-1'; CREATE ROLE poor LOGIN REPLICATION PASSWORD 'plain-password-1';
GRANT SELECT ON TABLE t TO plain, keeper, reader, poor; GRANT SELECT ON TABLE read_again TO reader;
CREATE PUBLICATION wrong_role FOR TABLE t; CREATE PUBLICATION wrong_password FOR TABLE t; CREATE PUBLICATION no_select FOR TABLE read_again;
CREATE PUBLICATION no_publication FOR TABLE t; CREATE PUBLICATION no_owner FOR TABLE t; CREATE PUBLICATION no_superuser FOR TABLE t;
";

#[test]
fn every_broken_precondition_has_its_remedy_at_validation_and_at_run_time() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("shop")?;
    postgres.create_database("gone")?;
    postgres.sql("shop", SETUP)?;
    postgres.sql("gone", "CREATE TABLE t (id int PRIMARY KEY)")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgwrong")?)?;
    let base = |name: &str| with(config(&postgres, "shop", name), &[("table.include.list", "public.t")]);
    let role = |name: &str, role: &str, more: &[(&str, &str)]| {
        let role = [("database.user", role), ("database.password", "plain-password-1")];
        with(with(base(name), &role), more)
    };
    let disabled = [("publication.autocreate.mode", "disabled")];
    let broken = [
        Broken {
            name: "wrong_role",
            config: role("wrong_role", "plain", &disabled),
            sql: "ALTER ROLE plain NOREPLICATION",
            key: "database.user",
            wanted: "ALTER ROLE \"plain\" WITH REPLICATION;",
        },
        Broken {
            name: "wrong_password",
            config: role("wrong_password", "keeper", &disabled),
            sql: "ALTER ROLE keeper PASSWORD 'another'",
            key: "database.password",
            wanted: "password authentication failed",
        },
        Broken {
            name: "no_select",
            config: role(
                "no_select",
                "reader",
                &[
                    ("table.include.list", "public.read_again"),
                    ("snapshot.mode", "always"),
                    ("publication.autocreate.mode", "disabled"),
                ],
            ),
            sql: "REVOKE SELECT ON TABLE read_again FROM reader",
            key: "database.user",
            wanted: "GRANT SELECT ON TABLE \"public\".\"read_again\" TO \"reader\";",
        },
        Broken {
            name: "no_publication",
            config: with(base("no_publication"), &disabled),
            sql: "DROP PUBLICATION no_publication",
            key: "publication.name",
            wanted: "CREATE PUBLICATION \"no_publication\" FOR TABLE \"public\".\"t\";",
        },
        Broken {
            name: "no_owner",
            config: role("no_owner", "poor", &[]),
            sql: "DROP PUBLICATION no_owner",
            key: "publication.name",
            wanted: "CREATE PUBLICATION \"no_owner\" FOR TABLE \"public\".\"t\";",
        },
        Broken {
            name: "no_superuser",
            config: role("no_superuser", "poor", &[("publication.autocreate.mode", "all_tables")]),
            sql: "DROP PUBLICATION no_superuser",
            key: "publication.name",
            wanted: "CREATE PUBLICATION \"no_superuser\" FOR ",
        },
        Broken {
            name: "all_tables",
            config: base("all_tables"),
            sql: "DROP PUBLICATION all_tables; CREATE PUBLICATION all_tables FOR ALL TABLES",
            key: "publication.autocreate.mode",
            wanted: "DROP PUBLICATION \"all_tables\"",
        },
        Broken {
            name: "other_plugin",
            config: base("other_plugin"),
            sql: "SELECT pg_drop_replication_slot('other_plugin');
                  SELECT pg_create_logical_replication_slot('other_plugin', 'test_decoding')",
            key: "slot.name",
            wanted: "is of the plugin \"test_decoding\"",
        },
        Broken {
            name: "other_database",
            config: with(config(&postgres, "gone", "other_database"), &[("table.include.list", "public.t")]),
            sql: "SELECT pg_drop_replication_slot('other_database');
                  SELECT pg_create_logical_replication_slot('other_database', 'pgoutput')",
            key: "slot.name",
            wanted: "belongs to database \"shop\"",
        },
        Broken {
            name: "wrong_database",
            config: config(&postgres, "gone", "wrong_database"),
            sql: "SELECT pg_drop_replication_slot('wrong_database'); ALTER DATABASE gone RENAME TO found",
            key: "database.dbname",
            wanted: "\"gone\" does not exist",
        },
    ];
    for Broken { name, config, .. } in &broken {
        worker.rest().put_connector(name, config)?.expect(201)?;
    }
    for Broken { name, .. } in &broken {
        wait_streaming(&postgres, name).with_context(|| worker.logs())?;
        worker.rest().stop(name)?;
    }
    for Broken { name, sql, .. } in &broken {
        worker.rest().wait_state(name, "STOPPED", 0, SOON)?;
        wait_until(&format!("{name} to be broken"), SOON, || postgres.sql("shop", sql))?;
    }
    for Broken { name, config, key, wanted, .. } in &broken {
        // What it says of a database that is gone is not what it says of a slot that belongs to another.
        if *name != "other_database" {
            let said = said_of(&worker, name, key, config)?.replace("\\\"", "\"");
            ensure!(said.contains(wanted), "{name}: {said}");
            ensure!(!said.contains("plain-password-1"), "a password is in the answer");
            let answer = worker.rest().put(&format!("/connectors/{name}/config"), config)?.expect(400)?;
            ensure!(answer.body.replace("\\\"", "\"").contains(wanted), "{name}: {}", answer.body);
        }
        worker.rest().resume(name)?;
    }
    for Broken { name, wanted, .. } in broken.iter().filter(|broken| broken.name != "other_database") {
        let trace = trace(&worker, name)?;
        ensure!(trace.contains(wanted), "{name}: {trace}");
        ensure!(!trace.contains("plain-password-1"), "a password is in the trace");
    }
    Ok(())
}

#[test]
fn what_can_never_work_is_refused_by_validation() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start_with(&[("max_replication_slots", "1")])?;
    postgres.create_database("shop")?;
    postgres.sql("shop", SETUP)?;
    postgres.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgnever")?)?;
    let base = |database: &str| with(config(&postgres, database, "never"), &[("table.include.list", "public.t")]);
    let closed = sluice_harness::free_port()?.to_string();
    let cases = [
        (with(base("shop"), &[("database.sslmode", "require")]), "database.sslmode", "does not offer TLS"),
        (with(base("shop"), &[("database.port", &closed)]), "database.hostname", "connecting to database"),
        (with(base("shop"), &[("table.include.list", "public.none")]), "table.include.list", "no table of database"),
        (
            with(base("shop"), &[("table.include.list", "public.keyless")]),
            "table.include.list",
            "ALTER TABLE \"public\".\"keyless\" REPLICA IDENTITY FULL;",
        ),
        (base("latin"), "database.dbname", "encoded in LATIN1"),
        (with(base("shop"), &[("slot.failover", "true")]), "slot.failover", "needs PostgreSQL 17"),
    ];
    for (config, key, wanted) in &cases {
        let said = said_of(&worker, "never", key, config)?.replace("\\\"", "\"");
        ensure!(said.contains(wanted), "{key}: {said}");
    }
    postgres.sql("shop", "SELECT pg_create_logical_replication_slot('full', 'pgoutput')")?;
    let said = said_of(&worker, "never", "database.hostname", &base("shop"))?;
    ensure!(said.contains("ALTER SYSTEM SET max_replication_slots = 11;"), "{said}");
    Ok(())
}

#[test]
fn a_server_that_loses_logical_decoding_or_the_slot_is_named() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut postgres = Postgres::start_with(&[("max_slot_wal_keep_size", "1MB")])?;
    postgres.sql("postgres", "CREATE TABLE t (id int PRIMARY KEY)")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pglevel")?)?;
    let config = with(config(&postgres, "postgres", "pglevel"), &[("table.include.list", "public.t")]);
    worker.rest().put_connector("pglevel", &config)?.expect(201)?;
    wait_streaming(&postgres, "pglevel")?;
    worker.rest().stop("pglevel")?;
    worker.rest().wait_state("pglevel", "STOPPED", 0, SOON)?;
    for id in 0..6 {
        postgres.sql("postgres", &format!("INSERT INTO t VALUES ({id}); SELECT pg_switch_wal()"))?;
    }
    postgres.sql("postgres", "CHECKPOINT")?;
    let lost = "SELECT pg_drop_replication_slot('pglevel'); and start the connector with `snapshot.mode=when_needed`";
    let said = said_of(&worker, "pglevel", "slot.name", &config)?;
    ensure!(said.contains(lost), "{said}");
    worker.rest().resume("pglevel")?;
    let failed = trace(&worker, "pglevel")?;
    ensure!(failed.contains(lost), "{failed}");
    // A server with a logical slot would not start.
    postgres.sql("postgres", "SELECT pg_drop_replication_slot('pglevel')")?;
    postgres.restart_with(&[("wal_level", "replica")])?;
    let remedy = "ALTER SYSTEM SET wal_level = 'logical';";
    let said = said_of(&worker, "pglevel", "database.hostname", &config)?;
    ensure!(said.contains(remedy), "{said}");
    worker.rest().post_empty("/connectors/pglevel/tasks/0/restart")?;
    wait_until("the task to name wal_level", SOON, || {
        let failed = trace(&worker, "pglevel")?;
        ensure!(failed.contains(remedy), "{failed}");
        Ok(())
    })
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
    // Somebody makes the slot again: what is before its beginning is missing all the same.
    postgres.sql("shop", "SELECT pg_create_logical_replication_slot('pggone', 'pgoutput')")?;
    worker.rest().post_empty("/connectors/pggone/tasks/0/restart")?;
    wait_until("the task to see that the slot is another", SOON, || {
        let trace = self::trace(&worker, "pggone")?;
        ensure!(trace.contains("it was made anew or moved"), "{trace}");
        Ok(())
    })?;
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
    let wrong = with(config(&postgres, "postgres", "pgrefused"), &[("signal.data.collection", "public.signals")]);
    let answer = worker.rest().put("/connectors/pgrefused/config", &wrong)?.expect(400)?;
    ensure!(answer.body.contains("signals and incremental snapshots are not supported yet"), "{}", answer.body);
    Ok(())
}
