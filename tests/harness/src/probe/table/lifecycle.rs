//! Pause, resume, stop, restart, topics.

use super::words::{LINES, ask, get, probe, quietly, removed, running, send, source, starts, state, steps, until};
use crate::probe::step::{Probe, Step};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D16", "pause, stop, resume", pause_stop_resume()),
        probe("D17", "restart of a connector", restarts()),
        probe("D18", "restart of a task", task_restarts()),
        probe("D19", "active topics", topics()),
    ]
}

fn pause_stop_resume() -> Vec<Step> {
    let status = || get("/connectors/d16/status");
    steps([
        vec![LINES],
        running("d16", &source("d16", "")).to_vec(),
        vec![
            ask("PUT", "/connectors/d16/pause"),
            state("d16", "PAUSED", 1),
            status(),
            ask("PUT", "/connectors/d16/pause"),
        ],
        vec![ask("PUT", "/connectors/zz/pause"), Step::Dump("paused")],
        vec![ask("PUT", "/connectors/d16/stop"), state("d16", "STOPPED", 0), status(), get("/connectors/d16/tasks")],
        vec![
            get("/connectors/d16"),
            ask("PUT", "/connectors/d16/stop"),
            ask("PUT", "/connectors/zz/stop"),
            Step::Dump("stopped"),
        ],
        vec![ask("PUT", "/connectors/d16/pause"), state("d16", "PAUSED", 0), status()],
        vec![ask("PUT", "/connectors/d16/stop"), state("d16", "STOPPED", 0)],
        vec![send("PUT", "/connectors/d16/config", &source("d16", ",\"batch.size\":\"9\"")), status().racy(&[200])],
        vec![ask("PUT", "/connectors/d16/resume"), state("d16", "RUNNING", 1), status(), Step::Dump("resumed")],
        removed("d16").to_vec(),
    ])
}

fn restarts() -> Vec<Step> {
    let restart = |query: &str| ask("POST", &format!("/connectors/d17/restart{query}"));
    // How often the connector and its task have started so far.
    let started = |instance, task| vec![starts("d17", instance, task), state("d17", "RUNNING", 1)];
    steps([
        vec![LINES],
        running("d17", &source("d17", "")).to_vec(),
        vec![restart("")],
        started(2, 1),
        vec![restart("?onlyFailed=true"), restart("?onlyFailed=true&includeTasks=true")],
        vec![restart("?includeTasks=true")],
        started(3, 2),
        vec![restart("?includeTasks=banana&onlyFailed=")],
        started(4, 2),
        vec![ask("POST", "/connectors/zz/restart"), ask("POST", "/connectors/zz/restart?includeTasks=true")],
        vec![Step::Dump("restarted"), ask("PUT", "/connectors/d17/stop"), state("d17", "STOPPED", 0)],
        vec![restart(""), get("/connectors/d17/status"), restart("?includeTasks=true"), state("d17", "STOPPED", 0)],
        removed("d17").to_vec(),
    ])
}

fn task_restarts() -> Vec<Step> {
    steps([
        vec![LINES],
        running("d18", &source("d18", "")).to_vec(),
        vec![ask("POST", "/connectors/d18/tasks/99/restart"), ask("POST", "/connectors/d18/tasks/x/restart")],
        vec![ask("POST", "/connectors/d18/tasks/-1/restart"), ask("POST", "/connectors/zz/tasks/0/restart")],
        vec![
            ask("POST", "/connectors/d18/tasks/0/restart"),
            state("d18", "RUNNING", 1),
            get("/connectors/d18/tasks/99/status"),
        ],
        removed("d18").to_vec(),
    ])
}

fn topics() -> Vec<Step> {
    steps([
        vec![get("/connectors/zz/topics"), ask("PUT", "/connectors/zz/topics/reset"), LINES],
        running("d19", &source("d19", "")).to_vec(),
        vec![until("/connectors/d19/topics", 200, "[\"d19\"]"), get("/connectors/d19/topics")],
        vec![ask("PUT", "/connectors/d19/topics/reset"), until("/connectors/d19/topics", 200, "[]")],
        vec![get("/connectors/d19/topics"), Step::Dump("reset")],
        vec![quietly("DELETE", "/connectors/d19", 204), until("/connectors/d19/status", 404, "")],
    ])
}
