//! One fault after another, and what is changed while it lasts.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use sluice_harness::{Cut, Random};

use super::fleet::Fleet;
use super::ledger::Expelled;
use super::{SESSION, WORKERS, delay};

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// kill -9 and restart of one that does not lead.
    KillFollower,
    KillLeader,
    KillBroker,
    /// SIGSTOP for longer than the session, then SIGCONT.
    Pause,
    /// The network between one worker and the broker, for longer than the session.
    CutNetwork,
    /// The connections of one worker to the broker are reset, and what it sends and gets is late from then on.
    SlowNetwork,
    RollingRestart,
    /// kill -9 of one worker while another one is paused.
    KillBesidePause,
}

/// How it went.
pub(super) struct Struck {
    pub(super) story: String,
    /// When the fault was over.
    pub(super) over: Instant,
    /// When the delay that it causes is over at the latest.
    pub(super) due: Instant,
    /// The process that was out of the group and lives.
    pub(super) expelled: Option<Expelled>,
}

impl Fault {
    const ALL: [Fault; 8] = [
        Fault::KillFollower,
        Fault::KillLeader,
        Fault::KillBroker,
        Fault::Pause,
        Fault::CutNetwork,
        Fault::SlowNetwork,
        Fault::RollingRestart,
        Fault::KillBesidePause,
    ];

    /// That many at random; every kind comes once before one comes again.
    pub(super) fn deck(rounds: usize, random: &mut Random) -> Vec<Self> {
        let mut deck = Vec::new();
        while deck.len() < rounds {
            let mut kinds = Self::ALL.to_vec();
            while !kinds.is_empty() {
                deck.push(kinds.swap_remove(random.range(0, kinds.len() as u64) as usize));
            }
        }
        deck.truncate(rounds);
        deck
    }

    pub(super) fn strike(self, fleet: &mut Fleet, random: &mut Random) -> Result<Struck> {
        let leader = fleet.leader()?;
        let follower = (leader + 1 + random.range(0, WORKERS as u64 - 1) as usize) % WORKERS;
        let any = random.range(0, WORKERS as u64) as usize;
        match self {
            Fault::KillFollower => kill(fleet, random, follower),
            Fault::KillLeader => kill(fleet, random, leader),
            Fault::KillBroker => kill_broker(fleet, random),
            Fault::Pause => pause(fleet, random, any, leader),
            Fault::CutNetwork => cut_network(fleet, random, any, leader),
            Fault::SlowNetwork => slow_network(fleet, random, any, leader),
            Fault::RollingRestart => restart_all(fleet, random),
            Fault::KillBesidePause => kill_beside_pause(fleet, random, leader, follower),
        }
    }
}

fn kill(fleet: &mut Fleet, random: &mut Random, victim: usize) -> Result<Struck> {
    let began = Instant::now();
    fleet.workers[victim].kill9()?;
    let until = match random.range(0, 3) {
        0 => "at once",
        1 => {
            fleet.dropped(victim)?;
            "when the group had dropped it"
        }
        _ => {
            fleet.settled(&fleet.without(victim))?;
            "when the others had its work"
        }
    };
    let change = fleet.change(random, &fleet.without(victim))?;
    fleet.workers[victim].relaunch()?;
    let story = format!("worker {victim} killed, restarted {until}, {change}");
    Ok(Struck { story, over: Instant::now(), due: began + SESSION + delay(), expelled: None })
}

fn kill_broker(fleet: &mut Fleet, random: &mut Random) -> Result<Struck> {
    fleet.kafka.kill9()?;
    fleet.kafka.restart()?;
    let over = Instant::now();
    let change = fleet.change(random, &fleet.all())?;
    // It counts the sessions of all members from its start on.
    Ok(Struck { story: format!("broker killed, {change}"), over, due: over + SESSION + delay(), expelled: None })
}

fn pause(fleet: &mut Fleet, random: &mut Random, victim: usize, leader: usize) -> Result<Struck> {
    let began = Instant::now();
    fleet.workers[victim].server().signal("STOP")?;
    let (until, change, expelled) = match outlast(fleet, random, victim) {
        Ok(outlasted) => outlasted,
        Err(error) => {
            fleet.workers[victim].server().signal("CONT")?;
            return Err(error);
        }
    };
    fleet.workers[victim].server().signal("CONT")?;
    let story = format!("worker {victim}{} paused until {until}, {change}", title(victim, leader));
    Ok(Struck { story, over: Instant::now(), due: began + SESSION + delay(), expelled: Some(expelled) })
}

fn cut_network(fleet: &mut Fleet, random: &mut Random, victim: usize, leader: usize) -> Result<Struck> {
    let began = Instant::now();
    let cut = if random.range(0, 2) == 0 { Cut::Silent } else { Cut::Reset };
    fleet.proxies[victim].cut(cut);
    let (until, change, expelled) = outlast(fleet, random, victim)?;
    fleet.proxies[victim].heal();
    let story = format!("worker {victim}{} cut off ({cut:?}) until {until}, {change}", title(victim, leader));
    Ok(Struck { story, over: Instant::now(), due: began + SESSION + delay(), expelled: Some(expelled) })
}

fn slow_network(fleet: &mut Fleet, random: &mut Random, victim: usize, leader: usize) -> Result<Struck> {
    let began = Instant::now();
    fleet.proxies[victim].delay(Duration::from_millis(100));
    fleet.proxies[victim].cut(Cut::Reset);
    fleet.proxies[victim].heal();
    let change = fleet.change(random, &fleet.all())?;
    fleet.settled(&fleet.all())?;
    fleet.proxies[victim].delay(Duration::ZERO);
    let story = format!("network of worker {victim}{} slow, {change}", title(victim, leader));
    Ok(Struck { story, over: Instant::now(), due: began, expelled: None })
}

/// One of the two leads.
fn kill_beside_pause(fleet: &mut Fleet, random: &mut Random, leader: usize, follower: usize) -> Result<Struck> {
    let began = Instant::now();
    let (killed, paused) = if random.range(0, 2) == 0 { (leader, follower) } else { (follower, leader) };
    fleet.workers[paused].server().signal("STOP")?;
    let killed_too = fleet.workers[killed].kill9().and_then(|()| fleet.dropped(paused));
    let expelled = Expelled { process: fleet.workers[paused].server().id(), since_ms: now_ms() };
    fleet.workers[paused].server().signal("CONT")?;
    killed_too?;
    let change = fleet.change(random, &fleet.without(killed))?;
    fleet.workers[killed].relaunch()?;
    let story = format!("worker {killed}{} killed while worker {paused} was paused, {change}", title(killed, leader));
    Ok(Struck { story, over: Instant::now(), due: began + SESSION + delay(), expelled: Some(expelled) })
}

/// Until the victim is out of the group, or its work is done by the others.
fn outlast(fleet: &mut Fleet, random: &mut Random, victim: usize) -> Result<(&'static str, String, Expelled)> {
    fleet.dropped(victim)?;
    let expelled = Expelled { process: fleet.workers[victim].server().id(), since_ms: now_ms() };
    let taken_over = random.range(0, 2) == 0;
    let change = fleet.change(random, &fleet.without(victim))?;
    if !taken_over {
        return Ok(("the group had dropped it", change, expelled));
    }
    fleet.settled(&fleet.without(victim))?;
    Ok(("the others had its work", change, expelled))
}

fn restart_all(fleet: &mut Fleet, random: &mut Random) -> Result<Struck> {
    let mut change = String::new();
    for worker in 0..WORKERS {
        let ended = fleet.workers[worker].stop()?;
        ensure!(ended.success(), "worker {worker} ended with {ended}");
        if worker == 1 {
            change = fleet.change(random, &fleet.without(worker))?;
        }
        fleet.workers[worker].restart()?;
    }
    let over = Instant::now();
    Ok(Struck { story: format!("rolling restart, {change}"), over, due: over + delay(), expelled: None })
}

const fn title(worker: usize, leader: usize) -> &'static str {
    if worker == leader { " (leader)" } else { "" }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
