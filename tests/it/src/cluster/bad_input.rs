//! What does not belong into the group: a member that speaks garbage, as a follower and as the leader, and workers that read another
//! config topic. Each is named, and nothing is lost (Invariants 1, 4 and 5). Requests that nobody has signed: see `forwarding`.

use std::thread::{self, JoinHandle};

use anyhow::anyhow;
use bytes::Bytes;
use sluice_kafka::wire::{GroupConfig, GroupMember, HeartbeatOutcome};
use tokio::sync::watch;

use super::*;

/// What no worker sends: nothing at all, a version alone, lengths without what they are the lengths of, text, and a connector that
/// is no text.
const GARBAGE: [&[u8]; 6] = [
    b"",
    b"\0\x01",
    b"\0\x02\x7f\xff\xff",
    b"\0\x02\0\0\0\x01m\0\0\0\0\0\0\0\0\0\x7f\xff\xff\xff",
    b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n",
    b"\0\x01\0\0\0\x01m\0\x01u\0\0\0\0\0\0\0\x09\0\0\0\x01\0\x02\xff\xfe\0\0\0\x01\0\0\0\0",
];

/// A member of the workers' group that is no worker.
struct Intruder {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Result<Seen>>,
}

/// What the group did with it.
#[derive(Default)]
struct Seen {
    joins: usize,
    led: usize,
    /// What it was told to run.
    assigned: Vec<Bytes>,
}

impl Intruder {
    fn join(cluster: &Cluster) -> Result<Self> {
        let group = cluster.workers[0].properties().get("group.id").context("a group")?;
        let bootstrap = cluster.kafka.bootstrap();
        let config = GroupConfig::parse([
            ("bootstrap.servers", bootstrap.as_str()),
            ("group.id", group),
            ("client.id", "intruder"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
        ])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, mut stopped) = watch::channel(false);
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let (mut member, mut seen) = (GroupMember::new(config), Seen::default());
                let ended = tokio::select! {
                    ended = disturb(&mut member, &mut seen) => ended,
                    _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
                };
                member.leave().await?;
                ended.map(|()| seen)
            })
        });
        Ok(Self { stop, thread })
    }

    fn leave(self) -> Result<Seen> {
        self.stop.send_replace(true);
        self.thread.join().map_err(|_| anyhow!("the thread of the intruder panicked"))?
    }
}

/// Joins with one sort of garbage after another, and hands another sort to each member when it leads.
async fn disturb(member: &mut GroupMember, seen: &mut Seen) -> Result<()> {
    let garbage = |number: usize| Bytes::from_static(GARBAGE[number % GARBAGE.len()]);
    let mut beats = tokio::time::interval(member.config().heartbeat_interval);
    loop {
        let metadata = garbage(seen.joins);
        let protocols = ["sessioned", "compatible", "default"].map(|name| (name.to_owned(), metadata.clone()));
        let joined = member.join(&protocols).await?;
        seen.joins += 1;
        let mut assignments = Vec::new();
        if joined.is_leader() {
            seen.led += 1;
            // Nothing at all would be an assignment that the coordinator lost.
            let others = joined.members.iter().enumerate();
            assignments = others.map(|(number, (id, _))| (id.clone(), garbage(1 + (seen.led + number) % 5))).collect();
        }
        match member.sync(assignments).await {
            Ok(bytes) if !joined.is_leader() => seen.assigned.push(bytes),
            Ok(_) => {}
            Err(error) if error.wants_rejoin() => continue,
            Err(error) => return Err(error.into()),
        }
        // A leader that joins again makes all join again, and hands out other garbage then.
        for _ in 0..if joined.is_leader() { 4 } else { 0 } {
            beats.tick().await;
        }
        // A follower comes back with every sort, then it stays as it is.
        while seen.joins >= GARBAGE.len() && !joined.is_leader() {
            beats.tick().await;
            if member.heartbeat().await? != HeartbeatOutcome::Ok {
                break;
            }
        }
    }
}

#[test]
fn a_member_that_speaks_garbage_is_named_and_nothing_is_lost() -> Result<()> {
    let mut cluster = Cluster::start("garbage", 0)?;
    let leader = cluster.leader(0)?;
    let intruder = Intruder::join(&cluster)?;
    cluster.grow()?;
    wait_until("the leader to name the intruder", SETTLED, || {
        let logs = cluster.workers[leader].logs();
        let named =
            logs.lines().filter(|line| line.contains("intruder-") && line.contains("it is no worker of this group"));
        let named = named.count();
        ensure!(named >= GARBAGE.len(), "named {named} times: {}", cluster.logs());
        Ok(())
    })?;
    cluster.settled()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    let seen = intruder.leave()?;
    ensure!(seen.led == 0 && seen.assigned.iter().all(Bytes::is_empty), "it was given work: {:?}", seen.assigned);
    cluster.settled()
}

#[test]
fn a_leader_that_speaks_garbage_is_named_and_nothing_is_lost() -> Result<()> {
    let mut cluster = Cluster::start("garbage-leads", 0)?;
    let intruder = Intruder::join(&cluster)?;
    for worker in &mut cluster.workers {
        worker.stop()?;
    }
    cluster.grow()?;
    let before: Vec<usize> = cluster.workers.iter().map(|worker| worker.logs().len()).collect();
    for worker in &mut cluster.workers {
        worker.relaunch()?;
    }
    wait_until("every worker to name what is wrong with three assignments", SETTLED, || {
        for (worker, before) in cluster.workers.iter().zip(&before) {
            let logs = worker.logs();
            let refused = logs[*before..].lines().filter(|line| line.contains("the assignment cannot be read"));
            let reasons: BTreeSet<&str> = refused.filter_map(|line| line.split("error").last()).collect();
            ensure!(reasons.len() >= 3, "{} says {reasons:?}: {logs}", worker.id());
        }
        Ok(())
    })?;
    let seen = intruder.leave()?;
    ensure!(seen.led >= 3, "it led {} times", seen.led);
    cluster.settled()?;
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    Ok(())
}

/// A further worker of the group that reads that config topic.
fn stray(cluster: &Cluster, topic: &str) -> Result<Worker> {
    let properties = cluster.workers[0].properties().clone().without("listeners");
    Sluice::distributed(&properties.with("config.storage.topic", topic)).launch()
}

#[test]
fn a_worker_whose_config_topic_ends_before_the_leaders_says_so_and_leaves() -> Result<()> {
    let mut cluster = Cluster::start("behind", 0)?;
    let mut stray = stray(&cluster, "behind-other-configs")?;
    let named = "does it read another config topic?";
    wait_until("the stray worker to be out of the group", SETTLED, || {
        let health = stray.rest().get("/health")?;
        ensure!(health.status == 503 && health.body.contains(named), "{} {}", health.status, health.body);
        ensure!(health.body.contains("behind-other-configs"), "{}", health.body);
        let logs = stray.logs();
        ensure!(logs.contains(named) && logs.contains("leaving the group until"), "{logs}");
        Ok(())
    })?;
    // Whatever was meant for it is with the others, and stays there.
    cluster.grow()?;
    cluster.settled()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    ensure!(stray.stop()?.success(), "{}", stray.logs());
    Ok(())
}

#[test]
fn a_worker_whose_config_topic_goes_on_behind_the_leaders_stops_nothing_that_runs() -> Result<()> {
    let mut cluster = Cluster::start("ahead", 0)?;
    let leader = cluster.leader(0)?;
    let topic = "ahead-other-configs";
    cluster.kafka.topics().create(topic, 1, &[("cleanup.policy", "compact")])?;
    // Deletions of connectors that never were.
    let records = (0..500).map(|number| (Some(format!("connector-{number}")), None::<String>));
    cluster.kafka.topics().produce_keyed(topic, Some(0), records)?;
    let mut stray = stray(&cluster, topic)?;
    wait_until("the leader to name the stray worker", SETTLED, || {
        let logs = cluster.workers[leader].logs();
        let named = |line: &str| {
            line.contains(stray.id()) && line.contains("has read further than the end of the config topic")
        };
        ensure!(logs.lines().any(named), "{logs}");
        Ok(())
    })?;
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    cluster.settled()?;
    ensure!(stray.stop()?.success(), "{}", stray.logs());
    // The group works again.
    let rest = cluster.workers[(leader + 1) % WORKERS].rest();
    rest.stop("feed-0-sink")?;
    for worker in &cluster.workers {
        worker.rest().wait_state("feed-0-sink", "STOPPED", 0, SETTLED).with_context(|| cluster.logs())?;
    }
    rest.resume("feed-0-sink")?;
    cluster.settled()?;
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    Ok(())
}
