//! Where a standalone worker differs.

use super::words::{LINES, alone, ask, create, delete, get, named, send, sink, source, state, steps, until};
use crate::probe::step::{Probe, Step};
use crate::rest::Call;

pub(super) fn probes() -> Vec<Probe> {
    vec![
        alone(
            "S1",
            "the worker itself",
            vec![get("/"), get("/health"), get("/connectors"), get("/connectors?expand=status")],
        ),
        alone("S2", "an unknown connector everywhere", unknown_connector()),
        alone("S3", "creating, replacing, patching, deleting", life()),
        alone("S4", "initial_state, pause, stop, resume", states()),
        alone("S5", "restarts", restarts()),
        alone("S6", "offsets", offsets()),
        alone("S7", "configurations that are refused", refused()),
        alone("S8", "loggers", loggers()),
        alone("S9", "restart of a task that is not there", phantom_task()),
    ]
}

fn gone(name: &str) -> Vec<Step> {
    let path = format!("/connectors/{name}");
    vec![Step::Do(Call::new("DELETE", &path), 204), until(&path, 404, "")]
}

fn unknown_connector() -> Vec<Step> {
    let offset = "{\"offsets\":[{\"partition\":{\"a\":1},\"offset\":{\"b\":2}}]}";
    vec![
        get("/connectors/zz"),
        get("/connectors/zz/config"),
        get("/connectors/zz/status"),
        get("/connectors/zz/tasks"),
        get("/connectors/zz/tasks-config"),
        get("/connectors/zz/tasks/0/status"),
        get("/connectors/zz/topics"),
        get("/connectors/zz/offsets"),
        ask("PUT", "/connectors/zz/topics/reset"),
        ask("PUT", "/connectors/zz/pause"),
        ask("PUT", "/connectors/zz/resume"),
        ask("PUT", "/connectors/zz/stop"),
        ask("POST", "/connectors/zz/restart"),
        ask("POST", "/connectors/zz/restart?includeTasks=true"),
        ask("POST", "/connectors/zz/tasks/0/restart"),
        send("PATCH", "/connectors/zz/config", "{\"a\":\"b\"}"),
        send("PATCH", "/connectors/zz/offsets", offset),
        delete("/connectors/zz/offsets"),
        delete("/connectors/zz"),
        send("POST", "/connectors/zz/tasks", "[]"),
        ask("PUT", "/connectors/zz/fence"),
    ]
}

fn life() -> Vec<Step> {
    let config = source("s3", "");
    steps([
        vec![LINES, create(&named(" s3 ", &config)), state("s3", "RUNNING", 1), create(&named("s3", &config))],
        vec![
            get("/connectors/s3"),
            get("/connectors/s3/config"),
            get("/connectors/s3/status"),
            get("/connectors/s3/tasks"),
        ],
        vec![send("PUT", "/connectors/s3/config", &config), state("s3", "RUNNING", 1)],
        vec![send("PUT", "/connectors/s3b/config", &config), state("s3b", "RUNNING", 1)],
        vec![send("PATCH", "/connectors/s3/config", "{\"k\":\"v\",\"batch.size\":7}"), state("s3", "RUNNING", 1)],
        vec![send("PATCH", "/connectors/s3/config", "{\"name\":null}"), get("/connectors?expand=info&expand=status")],
        vec![until("/connectors/s3/topics", 200, "[\"s3\"]"), get("/connectors/s3/topics")],
        vec![
            ask("PUT", "/connectors/s3/topics/reset"),
            delete("/connectors/s3"),
            get("/connectors/s3/status"),
            get("/connectors/s3"),
        ],
        gone("s3b"),
    ])
}

fn states() -> Vec<Step> {
    let with = |name: &str, state: &str| {
        create(&format!("{{\"name\":\"{name}\",\"initial_state\":\"{state}\",\"config\":{}}}", source("s4", "")))
    };
    let status = || get("/connectors/s4/status");
    steps([
        vec![LINES, with("s4", "stopped"), status(), get("/connectors/s4/tasks")],
        vec![ask("PUT", "/connectors/s4/resume"), state("s4", "RUNNING", 1), status()],
        vec![ask("PUT", "/connectors/s4/pause"), state("s4", "PAUSED", 1), status()],
        vec![ask("PUT", "/connectors/s4/stop"), state("s4", "STOPPED", 0), status(), ask("PUT", "/connectors/s4/stop")],
        vec![ask("PUT", "/connectors/s4/pause"), state("s4", "PAUSED", 0), status()],
        gone("s4"),
        vec![with("s4p", "paused"), until("/connectors/s4p/status", 200, "PAUSED"), get("/connectors/s4p/status")],
        gone("s4p"),
        vec![with("s4w", "weird")],
    ])
}

fn restarts() -> Vec<Step> {
    let restart = |query: &str| ask("POST", &format!("/connectors/s5/restart{query}"));
    steps([
        vec![LINES, create(&named("s5", &source("s5", ""))), state("s5", "RUNNING", 1)],
        vec![restart(""), state("s5", "RUNNING", 1), restart("?onlyFailed=true"), restart("?includeTasks=true")],
        vec![state("s5", "RUNNING", 1), ask("POST", "/connectors/s5/tasks/0/restart"), state("s5", "RUNNING", 1)],
        vec![ask("POST", "/connectors/s5/tasks/x/restart")],
        vec![ask("PUT", "/connectors/s5/stop"), state("s5", "STOPPED", 0), restart(""), get("/connectors/s5/status")],
        vec![ask("POST", "/connectors/s5/tasks/0/restart")],
        gone("s5"),
    ])
}

/// Restarting a task that was never there leaves a FAILED task behind: nothing may come after it.
fn phantom_task() -> Vec<Step> {
    steps([
        vec![LINES, create(&named("s9", &source("s9", ""))), state("s9", "RUNNING", 1)],
        vec![
            ask("POST", "/connectors/s9/tasks/99/restart"),
            get("/connectors/s9/tasks/99/status"),
            get("/connectors/s9/status"),
        ],
        gone("s9"),
    ])
}

fn offsets() -> Vec<Step> {
    let patch = |body: &str| send("PATCH", "/connectors/s6/offsets", body);
    let four = "{\"offsets\":[{\"partition\":{\"filename\":\"{dir}/lines.txt\"},\"offset\":{\"position\":4}}]}";
    steps([
        vec![LINES, create(&named("s6", &source("s6", ""))), state("s6", "RUNNING", 1)],
        vec![until("/connectors/s6/offsets", 200, "position\":14"), get("/connectors/s6/offsets")],
        vec![create(&named("s6-sink", &sink("s6", ""))), until("/connectors/s6-sink/offsets", 200, "kafka_offset\":3")],
        vec![get("/connectors/s6-sink/offsets"), delete("/connectors/s6/offsets"), patch(four)],
        vec![
            ask("PUT", "/connectors/s6/stop"),
            state("s6", "STOPPED", 0),
            patch("{}"),
            patch("{\"offsets\":[]}"),
            patch(four),
        ],
        vec![get("/connectors/s6/offsets"), delete("/connectors/s6/offsets"), delete("/connectors/s6/offsets")],
        vec![get("/connectors/s6/offsets"), ask("PUT", "/connectors/s6-sink/stop"), state("s6-sink", "STOPPED", 0)],
        vec![delete("/connectors/s6-sink/offsets"), get("/connectors/s6-sink/offsets")],
        gone("s6"),
        gone("s6-sink"),
    ])
}

fn refused() -> Vec<Step> {
    let asked = vec![
        create("{"),
        create("{\"name\":\"s7\"}"),
        create(&named("s7", "{\"topic\":\"s7\"}")),
        create(&named("s7", "{\"connector.class\":\"com.example.Nope\"}")),
        create(&named("s7", "{\"connector.class\":\"FileStreamSink\"}")),
        create(&named(
            "s7",
            "{\"connector.class\":\"FileStreamSource\",\"topic\":\"s7\",\"exactly.once.support\":\"required\"}",
        )),
        create(&named("s7", &source("s7", ",\"name\":\"other\""))),
        get("/connectors"),
    ];
    steps([asked, gone("s7")])
}

fn loggers() -> Vec<Step> {
    vec![
        send("PUT", "/admin/loggers/s8", "{\"level\":\"debug\"}"),
        send("PUT", "/admin/loggers/s8?scope=cluster", "{\"level\":\"warn\"}"),
        get("/admin/loggers/s8"),
    ]
}
