//! One fault at a time: every line arrives, the group settles, all workers tell the same.

use super::*;

/// Longer than the session, and than the delay that follows.
const DELAY_MS: u32 = 2_000;

/// Lines that wait in a producer when it dies are sent by its successor; those between its last offset flush and its death twice.
fn after_kill9(victim: impl Fn(&Cluster) -> Result<usize>, name: &str) -> Result<()> {
    let mut cluster = Cluster::start(name, DELAY_MS)?;
    let victim = victim(&cluster)?;
    cluster.grow()?;
    cluster.workers[victim].kill9()?;
    cluster.grow()?;
    let alive: Vec<usize> = (0..WORKERS).filter(|worker| *worker != victim).collect();
    cluster.settled_among(&alive)?;
    ensure!(alive.contains(&cluster.leader(alive[0])?), "the dead worker leads");
    cluster.grow()?;
    cluster.workers[victim].restart()?;
    cluster.settled()?;
    cluster.grow()?;
    cluster.all_arrived(1)?;
    Ok(())
}

#[test]
fn kill9_of_a_worker() -> Result<()> {
    after_kill9(|cluster| Ok((cluster.leader(0)? + 1) % WORKERS), "killed-worker")
}

#[test]
fn kill9_of_the_leader() -> Result<()> {
    after_kill9(|cluster| cluster.leader(0), "killed-leader")
}

// Invariant 5.
#[test]
fn a_paused_worker_sends_nothing_of_what_others_own_by_then() -> Result<()> {
    let mut cluster = Cluster::start("paused", 0)?;
    for victim in [cluster.leader(0)?, (cluster.leader(0)? + 1) % WORKERS] {
        cluster.grow()?;
        cluster.workers[victim].server().signal("STOP")?;
        cluster.grow()?;
        let alive: Vec<usize> = (0..WORKERS).filter(|worker| *worker != victim).collect();
        let taken = cluster.settled_among(&alive);
        cluster.workers[victim].server().signal("CONT")?;
        taken?;
        cluster.grow()?;
        cluster.settled()?;
        let words = cluster.workers[victim].logs();
        ensure!(words.contains("this worker is out of the group"), "{words}");
    }
    cluster.all_arrived(0)?;
    Ok(())
}

#[test]
fn a_broker_that_restarts_costs_nobody_more_than_its_session() -> Result<()> {
    let mut cluster = Cluster::start("restarted-broker", 0)?;
    for _ in 0..count(1, 5) {
        cluster.grow()?;
        cluster.kafka.kill9()?;
        cluster.kafka.restart()?;
        cluster.grow()?;
        cluster.settled()?;
    }
    cluster.all_arrived(0)?;
    Ok(())
}

#[test]
fn a_rolling_restart_loses_and_repeats_nothing() -> Result<()> {
    let mut cluster = Cluster::start("rolling", DELAY_MS)?;
    for worker in 0..WORKERS {
        cluster.grow()?;
        cluster.workers[worker].stop()?;
        cluster.workers[worker].restart()?;
    }
    cluster.settled()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    Ok(())
}

/// A group speaks what all its members offer, so every change of the protocol goes through groups of both kinds.
#[test]
fn a_rolling_change_of_the_protocol_loses_and_repeats_nothing() -> Result<()> {
    let mut cluster = Cluster::start("protocols", 0)?;
    for protocol in ["compatible", "eager", "sessioned"] {
        for worker in 0..WORKERS {
            cluster.grow()?;
            cluster.workers[worker].stop()?;
            let changed = cluster.workers[worker].properties().clone().with("connect.protocol", protocol);
            fs::write(cluster.workers[worker].folder().join("worker.properties"), changed.text())?;
            cluster.workers[worker].restart()?;
        }
        cluster.settled().with_context(|| format!("all speak {protocol}"))?;
    }
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    Ok(())
}
