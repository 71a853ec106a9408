//! Without a fault: the work is shared, every worker takes every request, and nothing is sent twice.

use super::*;

#[test]
fn three_workers_share_connectors_and_tasks() -> Result<()> {
    let mut cluster = Cluster::start("shared", 0)?;
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    // A worker that goes gives its share to the others, and gets one when it comes back.
    cluster.workers[1].stop()?;
    cluster.settled_among(&[0, 2])?;
    cluster.grow()?;
    cluster.workers[1].restart()?;
    cluster.settled()?;
    cluster.grow()?;
    ensure!(cluster.all_arrived(0)? == 0, "lines were sent twice");
    Ok(())
}

#[test]
fn a_connector_is_changed_through_any_worker() -> Result<()> {
    let cluster = Cluster::start("changed", 0)?;
    let name = "feed-0-source";
    let states = [("pause", "PAUSED", 1), ("resume", "RUNNING", 1), ("stop", "STOPPED", 0), ("resume", "RUNNING", 1)];
    for (number, (verb, state, tasks)) in states.into_iter().enumerate() {
        let asked = &cluster.workers[number % WORKERS];
        asked.rest().put_empty(&format!("/connectors/{name}/{verb}"))?;
        for worker in &cluster.workers {
            worker.rest().wait_state(name, state, tasks, SETTLED).with_context(|| cluster.logs())?;
        }
    }
    for asked in &cluster.workers {
        asked.rest().post_empty(&format!("/connectors/{name}/restart"))?;
        asked.rest().post_empty(&format!("/connectors/{name}/tasks/0/restart"))?;
    }
    cluster.settled()?;
    cluster.all_arrived(0)?;
    Ok(())
}
