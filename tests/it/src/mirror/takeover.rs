//! A JVM MirrorMaker is replaced by ours and goes on from its offsets and syncs, and back (Invariants 1 and 6).

use anyhow::{Context, Result};
use serde_json::json;
use sluice_harness::{Engine, Kafka, Setup, Worker};

use super::{SOON, flow, put, wait_equal, worker_properties};
use crate::accounting::numbered_line;

const PART: usize = 500;

#[test]
fn each_goes_on_where_the_other_stopped_and_copies_nothing_again() -> Result<()> {
    let (source, target) = (Kafka::start()?, Kafka::shared()?);
    source.topics().create("taken", 2, &[])?;
    let properties = worker_properties(target, "mirror-takeover");
    let mut lines = 0;
    for (turn, engine) in [Engine::Oracle, Engine::Sluice, Engine::Oracle, Engine::Sluice].into_iter().enumerate() {
        source.topics().produce("taken", (lines..lines + PART).map(numbered_line))?;
        lines += PART;
        let mut worker = Setup::distributed(engine, &properties).start()?;
        if turn == 0 {
            let config = flow("MirrorSource", &source, target, &json!({ "topics": "taken", "tasks.max": "2" }));
            put(&worker, "mirror", &config)?;
        }
        worker.rest().wait_running("mirror", 2, SOON)?;
        copied_once(&source, target, &worker)?;
        // Stopping stores the last offsets; nothing is repeated after it.
        worker.stop()?;
    }
    Ok(())
}

fn copied_once(source: &Kafka, target: &Kafka, worker: &Worker) -> Result<()> {
    wait_equal(source, "taken", target, "A.taken").with_context(|| worker.logs())
}
