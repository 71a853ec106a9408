//! A source whose records are there exactly once, also when its owner was paused while others took over (Invariant 5).

use sluice_harness::test_worker_binary;

use super::*;

const TASKS: usize = 4;
const COUNTER: &str = "counted-once";

/// The worker of each task of the counter, as one worker tells; an error when something is not RUNNING.
fn owners(asked: &Worker) -> Result<Vec<String>> {
    let status = asked.rest().status(COUNTER)?;
    let tasks = status["tasks"].as_array().context("a list of tasks")?;
    ensure!(tasks.len() == TASKS && tasks.iter().all(|task| task["state"] == "RUNNING"), "{status}");
    Ok(tasks.iter().map(|task| task["worker_id"].as_str().unwrap_or_default().to_owned()).collect())
}

/// Every task's records that are committed: its numbers in order, each once.
fn counted(kafka: &Kafka) -> Result<Vec<usize>> {
    let mut next = vec![0; TASKS];
    for record in kafka.topics().read(COUNTER)? {
        let (task, text) = (usize::try_from(record.partition)?, record.value_text());
        ensure!(text == format!("task {task} number {}.", next[task]), "{text} where number {} belongs", next[task]);
        next[task] += 1;
    }
    Ok(next)
}

/// Waits until every task has committed that many more.
fn counted_on(kafka: &Kafka, more: usize) -> Result<()> {
    let before = counted(kafka)?;
    wait_until("all tasks to count on", SETTLED, || {
        let now = counted(kafka)?;
        ensure!(before.iter().zip(&now).all(|(before, now)| *now >= before + more), "from {before:?} to {now:?}");
        Ok(())
    })
}

#[test]
fn a_paused_owner_adds_nothing_when_it_goes_on() -> Result<()> {
    let kafka = Kafka::start()?;
    let properties = Properties::distributed(&kafka, "once")
        .with("exactly.once.source.support", "enabled")
        .with("offset.flush.interval.ms", "300")
        .with("session.timeout.ms", "6000")
        .with("heartbeat.interval.ms", "1500");
    let binary = test_worker_binary()?;
    let workers: Vec<Worker> =
        (0..2).map(|_| Sluice::distributed(&properties).binary(&binary).start()).collect::<Result<_>>()?;
    kafka.topics().create(COUNTER, i32::try_from(TASKS)?, &[])?;
    let config = json!({
        "connector.class": "CounterSource", "topic": COUNTER, "tasks.max": TASKS, "batch.size": 10, "interval.ms": 50,
    });
    workers[0].rest().put_connector(COUNTER, &config)?.expect(201)?;
    workers[0].rest().wait_running(COUNTER, TASKS, SETTLED)?;
    for round in 0..count(2, 6) {
        let (victim, other) = (&workers[round % 2], &workers[(round + 1) % 2]);
        wait_until("both workers to have tasks", SETTLED, || {
            let owners = owners(other)?;
            ensure!(workers.iter().all(|worker| owners.iter().any(|owner| owner == worker.id())), "{owners:?}");
            Ok(())
        })?;
        counted_on(&kafka, 100)?;
        victim.server().signal("STOP")?;
        let taken = wait_until("the other worker to have all tasks", SETTLED, || {
            let owners = owners(other)?;
            ensure!(owners.iter().all(|owner| owner == other.id()), "{owners:?}");
            Ok(())
        });
        // Its open transactions are aborted by the successors, and what it goes on to send is fenced.
        let taken = taken.and_then(|()| counted_on(&kafka, 100));
        victim.server().signal("CONT")?;
        taken.with_context(|| other.logs())?;
        counted_on(&kafka, 100).with_context(|| victim.logs())?;
    }
    workers[0].rest().stop(COUNTER)?;
    workers[0].rest().wait_state(COUNTER, "STOPPED", 0, SETTLED)?;
    counted(&kafka).map(drop)
}
