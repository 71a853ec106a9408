//! `sluice connect-mirror-maker`: the file of Kafka's MirrorMaker 2, and its place when it stops.

use anyhow::{Context, Result, ensure};
use sluice_harness::{Engine, Kafka, MirrorMaker, Properties, wait_until};

use super::{SOON, wait_equal};
use crate::accounting::numbered_line;

const PART: usize = 300;

/// Active and active, by turns: each goes on where the other stopped, in both directions, and copies nothing again.
#[test]
fn the_file_of_mirror_maker_runs_every_flow_and_each_takes_over_from_the_other() -> Result<()> {
    let (a, b) = (Kafka::start()?, Kafka::start()?);
    let properties = MirrorMaker::properties(&a, &b)
        .with("A->B.enabled", "true")
        .with("B->A.enabled", "true")
        .with("topics", "orders");
    let mut lines = 0;
    for (turn, engine) in [Engine::Sluice, Engine::Oracle, Engine::Sluice].into_iter().enumerate() {
        for (kafka, partitions) in [(&a, 2), (&b, 1)] {
            if turn == 0 {
                kafka.topics().create("orders", partitions, &[])?;
            }
            kafka.topics().produce("orders", (lines..lines + PART).map(numbered_line))?;
        }
        lines += PART;
        let mut mirror = MirrorMaker::start(engine, &properties)?;
        wait_equal(&a, "orders", &b, "A.orders").with_context(|| mirror.logs())?;
        wait_equal(&b, "orders", &a, "B.orders").with_context(|| mirror.logs())?;
        wait_until("heartbeats that have crossed", SOON, || -> Result<()> {
            let names = b.topics().read("A.heartbeats")?.len();
            ensure!(names > 0, "none yet");
            Ok(())
        })
        .with_context(|| mirror.logs())?;
        // Stopping stores the last offsets; nothing is repeated after it.
        let ended = mirror.stop()?;
        ensure!(engine == Engine::Oracle || ended.success(), "{ended}\n{}", mirror.logs());
    }
    for (kafka, cycle) in [(&a, "B.A.orders"), (&b, "A.B.orders")] {
        ensure!(!kafka.topics().names()?.iter().any(|name| name == cycle), "{cycle} went in a circle");
    }
    Ok(())
}

/// Two nodes with internal REST share the flow; the other goes on when one is killed.
#[test]
fn two_nodes_share_a_flow() -> Result<()> {
    let (a, b) = (Kafka::start()?, Kafka::start()?);
    a.topics().create("shared", 4, &[])?;
    let node = || -> Result<MirrorMaker> {
        let listener = format!("http://127.0.0.1:{}", sluice_harness::free_port()?);
        let properties = MirrorMaker::properties(&a, &b)
            .with("A->B.enabled", "true")
            .with("A->B.topics", "shared")
            .with("tasks.max", "2")
            .with("B.session.timeout.ms", "6000")
            .with("B.heartbeat.interval.ms", "1000")
            .with("dedicated.mode.enable.internal.rest", "true")
            .with("listeners", &listener);
        MirrorMaker::start(Engine::Sluice, &properties)
    };
    let (mut first, second) = (node()?, node()?);
    a.topics().produce("shared", (0..PART).map(numbered_line))?;
    wait_equal(&a, "shared", &b, "A.shared").with_context(|| format!("{}\n{}", first.logs(), second.logs()))?;
    first.stop()?;
    a.topics().produce("shared", (PART..2 * PART).map(numbered_line))?;
    wait_equal(&a, "shared", &b, "A.shared").with_context(|| second.logs())
}

#[test]
fn a_file_that_cannot_be_is_refused_by_name() -> Result<()> {
    for (properties, code, message) in [
        (Properties::new().with("topics", "x"), 1, "`clusters` is missing"),
        (Properties::new().with("clusters", "A, B").with("A.bootstrap.servers", "x:1"), 1, "`B.bootstrap.servers`"),
        (
            Properties::new().with("clusters", "A").with("A.bootstrap.servers", "x:1").with("A->C.enabled", "true"),
            1,
            "not among `clusters` (A)",
        ),
        (
            Properties::new().with("clusters", "A").with("A.bootstrap.servers", "x:1"),
            1,
            "No source->target replication flows.",
        ),
    ] {
        let mut mirror = MirrorMaker::start(Engine::Sluice, &properties)?;
        let ended = mirror.wait_end()?;
        ensure!(ended.code() == Some(code) && mirror.logs().contains(message), "{ended}: {}", mirror.logs());
    }
    Ok(())
}
