//! Workers, sessions and servers are killed while rows change: replaying the topic gives the table, every time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sluice_harness::{Engine, Kafka, Postgres, Random, Scratch, Tier, count, tier, wait_until};

use super::replay::replay;
use super::{SOON, config, properties, start, wait_streaming, with};

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL, text text);
    INSERT INTO t SELECT n, 0, 'row ' || n FROM generate_series(1, 20000) n;";

/// One round of changes: upserts, a large transaction now and then, deletes, a rollback.
fn changes(random: &mut Random) -> String {
    let id = random.range(1, 20_001);
    match random.range(0, 10) {
        0 => format!("UPDATE t SET n = n + 1 WHERE id BETWEEN {id} AND {id} + 500;"),
        1 => format!("BEGIN; DELETE FROM t WHERE id > {id}; ROLLBACK;"),
        2 => format!("DELETE FROM t WHERE id BETWEEN {id} AND {id} + 5;"),
        3 => format!(
            "UPDATE t SET id = -{id} WHERE id = {id} AND NOT EXISTS (SELECT FROM t other WHERE other.id = -{id});"
        ),
        _ => format!("INSERT INTO t VALUES ({id}, 1, 'new') ON CONFLICT (id) DO UPDATE SET n = t.n + 1;"),
    }
}

fn table(postgres: &Postgres) -> Result<BTreeMap<i64, Value>> {
    let rows = postgres.sql("lost", "SELECT json_agg(t) FROM t")?;
    let rows: Vec<Value> = serde_json::from_str(&rows)?;
    rows.into_iter().map(|row| Ok((row["id"].as_i64().context("an id")?, row))).collect()
}

#[test]
fn kills_of_worker_and_walsender() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("lost")?;
    postgres.sql("lost", TABLE)?;
    let mut random = Random::of("postgres::nothing_lost");
    let mut worker = start(Engine::Sluice, &properties(kafka, "pglost")?)?;
    // Schemas would be most of the bytes.
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let plain = [("value.converter", json), ("value.converter.schemas.enable", "false")];
    worker.rest().put_connector("pglost", &with(config(&postgres, "lost", "pglost"), &plain))?.expect(201)?;
    let kills = count(4, 30);
    let done = AtomicBool::new(false);
    thread::scope(|scope| -> Result<()> {
        let (writer_random, postgres, done) = (Random::of("postgres::nothing_lost::writer"), &postgres, &done);
        let writer = scope.spawn(move || -> Result<usize> {
            let (mut random, mut rounds) = (writer_random, 0);
            while !done.load(Ordering::Relaxed) {
                let sql: String = (0..20).map(|_| changes(&mut random)).collect();
                postgres.sql("lost", &sql)?;
                rounds += 1;
            }
            Ok(rounds)
        });
        let outcome = (|| -> Result<()> {
            for _ in 0..kills {
                wait_streaming(postgres, "pglost")?;
                // The first ones come before any offset is stored: rows of that snapshot are deleted meanwhile.
                match random.range(0, 2) {
                    0 => {
                        worker.kill9()?;
                        worker.restart()?;
                    }
                    _ => {
                        postgres.sql("lost", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")?;
                    }
                }
            }
            Ok(())
        })();
        done.store(true, Ordering::Relaxed);
        let rounds = writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
        println!("{kills} kills, {rounds} rounds of changes");
        outcome
    })?;
    let wanted = table(&postgres)?;
    wait_until("the topic to tell the table", SOON, || {
        let told = replay(kafka, "pglost.public.t")?;
        let missing = wanted.iter().filter(|(id, row)| told.get(id) != Some(row)).count();
        ensure!(told == wanted, "{} rows told, {} in the table, {missing} missing or other", told.len(), wanted.len());
        Ok(())
    })
    .with_context(|| worker.logs())
}

#[test]
fn a_kill_before_the_first_offset_loses_no_delete() -> Result<()> {
    let kafka = Kafka::shared()?;
    let postgres = Postgres::start()?;
    postgres.create_database("lost")?;
    postgres.sql("lost", TABLE)?;
    let mut worker = start(Engine::Sluice, &properties(kafka, "pgfirst")?.with("offset.flush.interval.ms", "600000"))?;
    worker.rest().put_connector("pgfirst", &config(&postgres, "lost", "pgfirst"))?.expect(201)?;
    super::wait_records(kafka, "pgfirst.public.t", |records| records.len() > 100)?;
    worker.kill9()?;
    // Nothing was flushed within ten minutes, so no offset is stored.
    // Rows that the topic has already, and one that no snapshot will see.
    postgres.sql(
        "lost",
        "DELETE FROM t WHERE id <= 50; INSERT INTO t VALUES (0, 0, 'short'); DELETE FROM t WHERE id = 0",
    )?;
    postgres.sql("lost", "UPDATE t SET n = 7 WHERE id BETWEEN 51 AND 60")?;
    worker.restart()?;
    let wanted = table(&postgres)?;
    wait_until("the topic to tell the table", SOON, || {
        let told = replay(kafka, "pgfirst.public.t")?;
        ensure!(told == wanted, "{} rows told, {} in the table", told.len(), wanted.len());
        Ok(())
    })
    .with_context(|| worker.logs())
}

#[test]
fn a_database_that_dies_is_found_again() -> Result<()> {
    let kafka = Kafka::shared()?;
    let mut postgres = Postgres::start()?;
    postgres.create_database("lost")?;
    postgres.sql("lost", "CREATE TABLE t (id bigint PRIMARY KEY, n int, text text)")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgdies")?)?;
    worker.rest().put_connector("pgdies", &config(&postgres, "lost", "pgdies"))?.expect(201)?;
    wait_streaming(&postgres, "pgdies")?;
    for round in 0..count(2, 10) {
        postgres.sql("lost", &format!("INSERT INTO t VALUES ({round}, 1, 'before')"))?;
        postgres.restart()?;
        postgres.sql("lost", &format!("UPDATE t SET text = 'after' WHERE id = {round}"))?;
        let wanted = table(&postgres)?;
        wait_until("the topic to tell the table", SOON, || {
            let told = replay(kafka, "pgdies.public.t")?;
            ensure!(told == wanted, "{told:?}");
            Ok(())
        })
        .with_context(|| worker.logs())?;
    }
    worker.rest().wait_running("pgdies", 1, SOON).map(drop)
}

/// A file system of a few megabytes where that may be mounted; it goes when the value does.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Result<Option<Self>> {
        fs::create_dir(&at)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"]).arg(&at).output();
        Ok(mounted.is_ok_and(|mounted| mounted.status.success()).then_some(SmallDisk(at)))
    }

    fn free_kib(&self) -> Result<u64> {
        let output = Command::new("df").args(["-k", "--output=avail"]).arg(&self.0).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().last().and_then(|line| line.trim().parse().ok()).context("the free space")
    }

    fn grow(&self) -> Result<()> {
        let grown = Command::new("mount").args(["-o", "remount,size=600m"]).arg(&self.0).status()?;
        ensure!(grown.success(), "remounting {}: {grown}", self.0.display());
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = Command::new("umount").arg("-l").arg(&self.0).status() {
            eprintln!("{} is still mounted: {error}", self.0.display());
        }
    }
}

#[test]
fn a_full_disk_at_the_broker_and_its_death() -> Result<()> {
    if tier() == Tier::Test {
        println!("only in the drill: it fills and reads tens of megabytes");
        return Ok(());
    }
    let scratch = Scratch::new("small-disk")?;
    let Some(disk) = SmallDisk::mount(scratch.join("disk"))? else {
        println!("no file system can be mounted here");
        return Ok(());
    };
    let folder = disk.0.join("data").display().to_string();
    let mut kafka = Kafka::start_with(&[("log.dirs", folder.as_str())])?;
    let postgres = Postgres::start()?;
    postgres.create_database("lost")?;
    postgres.sql("lost", "CREATE TABLE t (id bigint PRIMARY KEY, n int, text text)")?;
    let worker = start(Engine::Sluice, &properties(&kafka, "pgfull")?)?;
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let plain = [("value.converter", json), ("value.converter.schemas.enable", "false")];
    worker.rest().put_connector("pgfull", &with(config(&postgres, "lost", "pgfull"), &plain))?.expect(201)?;
    wait_streaming(&postgres, "pgfull")?;
    // More than the disk takes; what is deleted is told behind the point where it is full.
    postgres.sql(
        "lost",
        "INSERT INTO t SELECT n, 0, repeat('x', 900) FROM generate_series(1, 40000) n; DELETE FROM t WHERE id % 3 = 0",
    )?;
    wait_until("the broker's disk to be full", SOON, || {
        let free = disk.free_kib()?;
        ensure!(free < 300, "{free} KiB are free");
        Ok(())
    })
    .with_context(|| worker.logs())?;
    disk.grow()?;
    kafka.kill9()?;
    postgres.sql("lost", "UPDATE t SET n = 1 WHERE id < 1000")?;
    kafka.restart()?;
    let wanted = table(&postgres)?;
    wait_until("the topic to tell the table", SOON, || {
        // A task that failed while the broker was away is what an operator restarts.
        let status = worker.rest().status("pgfull")?;
        if status["tasks"][0]["state"] == "FAILED" {
            worker.rest().post_empty("/connectors/pgfull/tasks/0/restart")?;
        }
        let told = replay(&kafka, "pgfull.public.t")?;
        ensure!(told == wanted, "{} rows told, {} in the table", told.len(), wanted.len());
        Ok(())
    })
    .with_context(|| worker.logs())
}
