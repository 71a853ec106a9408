//! Creating, replacing and patching connectors.

use super::words::{
    LINES, ask, create, delete, failed_times, get, named, probe, quietly, removed, running, send, sink, source, state,
    steps, then_removed, until,
};
use crate::probe::step::{Probe, Step};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D5", "creating trims the name and answers 201 with Location", trimmed_name()),
        probe("D6", "the name in the config must be the name", mismatching_names()),
        probe("D7", "classes that are missing or unknown", classes()),
        probe("D8", "tasks.max out of range or not a number", tasks_max()),
        probe("D9", "existing names, PUT, DELETE", existing_names()),
        probe("D10", "a sink needs topics or topics.regex, not both", sink_topics()),
        probe("D13", "initial_state", initial_state()),
        probe("D14", "PATCH of a configuration", patches()),
        probe("D15", "status right after POST", status_after_post()),
        probe("D22", "expand", expansions()),
        probe("D30", "variables without their provider stay as they are", variables()),
        probe("D31", "status right after DELETE", status_after_delete()),
        probe("D32", "numbers and booleans in a configuration", coercions()),
        probe("X4", "reads of a running connector", reads()),
        probe("X5", "a connector that cannot start, a task that fails", failures()),
        probe("X6", "names with unusual characters", unusual_names()),
    ]
}

fn trimmed_name() -> Vec<Step> {
    steps([
        vec![LINES, create(&named(" d5 ", &source("d5", ""))), state("d5", "RUNNING", 1)],
        vec![get("/connectors/d5"), get("/connectors/d5/config"), Step::Dump("created")],
        vec![delete("/connectors/d5"), until("/connectors/d5/status", 404, ""), Step::Dump("deleted")],
    ])
}

fn mismatching_names() -> Vec<Step> {
    let named_other = source("d6", ",\"name\":\"other\"");
    vec![
        create(&named("d6", &named_other)),
        create(&format!("{{\"config\":{}}}", source("d6", ""))),
        create(&named("", &source("d6", ""))),
        create(&named("  ", &source("d6", ""))),
        create(&format!("{{\"name\":null,\"config\":{}}}", source("d6", ""))),
        create(&format!("{{\"config\":{named_other}}}")),
        send("PUT", "/connectors/d6/config", &named_other),
        create(&named("d6\\u0001x", &source("d6", ""))),
    ]
}

fn classes() -> Vec<Step> {
    let class = |value: &str| format!("{{\"connector.class\":{value},\"topic\":\"d7\"}}");
    let asked = vec![
        create(&named("d7", &class("null"))),
        create(&named("d7", "{\"topic\":\"d7\"}")),
        create(&named("d7", &class("\"\""))),
        create(&named("d7", &class("\"com.example.Nope\""))),
        create(&named("d7", &class("\"org.apache.kafka.connect.storage.StringConverter\""))),
        send("PUT", "/connectors/d7/config", &class("null")),
        send("PUT", "/connectors/d7/config", &class("\"com.example.Nope\"")),
        create(&named("d7", "{\"connector.class\":\"FileStreamSource\"}")),
        create(&named("d7", "{\"connector.class\":\"FileStreamSourceConnector\",\"topic\":\"\"}")),
        create(&named("d7", "{\"connector.class\":\"FileStreamSource\",\"topic\":null}")),
    ];
    then_removed(asked, "d7")
}

fn tasks_max() -> Vec<Step> {
    let with = |value: &str| {
        let class = "\"connector.class\":\"FileStreamSource\",\"topic\":\"d8\"";
        create(&named("d8", &format!("{{{class},\"tasks.max\":{value}}}")))
    };
    let values = ["\"0\"", "\"x\"", "\"\"", "\"-1\"", "\"99999999999\"", "null", "1.5", "true", "\" x \""];
    values.iter().map(|value| with(value)).collect()
}

fn existing_names() -> Vec<Step> {
    let config = source("d9", "");
    steps([
        vec![LINES, create(&named("d9", &config)), state("d9", "RUNNING", 1), create(&named("d9", &config))],
        vec![send("PUT", "/connectors/d9/config", &config), state("d9", "RUNNING", 1)],
        vec![send("PUT", "/connectors/d9b/config", &config), state("d9b", "RUNNING", 1), Step::Dump("created")],
        vec![send("PUT", "/connectors/d9b/config", &source("d9", ",\"batch.size\":\"9\""))],
        vec![until("/connectors/d9b/tasks", 200, "\"batch.size\":\"9\""), state("d9b", "RUNNING", 1)],
        vec![delete("/connectors/d9"), until("/connectors/d9/status", 404, ""), delete("/connectors/d9")],
        removed("d9b").to_vec(),
        vec![get("/connectors"), Step::Dump("deleted")],
    ])
}

fn sink_topics() -> Vec<Step> {
    let with = |more: &str| create(&named("d10", &format!("{{\"connector.class\":\"FileStreamSink\"{more}}}")));
    let asked = vec![
        with(""),
        with(",\"topics\":\"a\",\"topics.regex\":\"a.*\""),
        with(",\"topics\":\"\""),
        with(",\"topics\":\" \""),
        with(",\"topics.regex\":\"\""),
        with(",\"topics.regex\":\"[\""),
        with(",\"topics\":\"a,a\""),
        with(",\"topics\":\"a,,b\""),
        with(",\"topics\":\"dlq\",\"errors.deadletterqueue.topic.name\":\"dlq\""),
        with(",\"topics.regex\":\"d.*\",\"errors.deadletterqueue.topic.name\":\"dlq\""),
        with(",\"topics\":\"a\",\"topics.regex\":\"\""),
    ];
    then_removed(asked, "d10")
}

fn initial_state() -> Vec<Step> {
    let with = |name: &str, state: &str| {
        // The state first: Jackson's messages name the column.
        create(&format!("{{\"name\":\"{name}\",\"initial_state\":{state},\"config\":{}}}", source("d13", "")))
    };
    steps([
        vec![LINES, with("d13", "\"stopped\""), until("/connectors/d13/status", 200, "STOPPED")],
        vec![get("/connectors/d13/status"), get("/connectors/d13/tasks"), get("/connectors/d13")],
        vec![
            with("d13p", "\"PAUSED\""),
            until("/connectors/d13p/status", 200, "PAUSED"),
            get("/connectors/d13p/status"),
        ],
        vec![with("d13r", "\"Running\""), state("d13r", "RUNNING", 1), get("/connectors/d13r/status")],
        vec![with("d13w", "\"weird\""), with("d13w", "\"\""), with("d13w", "\"UNASSIGNED\"")],
        vec![Step::Dump("created"), ask("PUT", "/connectors/d13/resume"), state("d13", "RUNNING", 1)],
        vec![Step::Dump("resumed")],
        removed("d13").to_vec(),
        removed("d13p").to_vec(),
        removed("d13r").to_vec(),
    ])
}

fn patches() -> Vec<Step> {
    let patch = |body: &str| send("PATCH", "/connectors/d14/config", body);
    steps([
        vec![LINES],
        running("d14", &source("d14", ",\"gone\":\"soon\"")).to_vec(),
        vec![patch("{\"k\":\"v\",\"gone\":null}"), state("d14", "RUNNING", 1), get("/connectors/d14/config")],
        vec![patch("{\"batch.size\":7}"), state("d14", "RUNNING", 1), patch("{\"tasks.max\":\"x\"}")],
        vec![patch("{\"name\":null}"), patch("{\"connector.class\":null}"), patch("{}"), state("d14", "RUNNING", 1)],
        vec![send("PATCH", "/connectors/zz/config", "{\"k\":\"v\"}")],
        vec![patch("{\"name\":\"other\"}"), get("/connectors/d14"), get("/connectors/other")],
        vec![quietly("DELETE", "/connectors/d14", 204), until("/connectors/d14/status", 404, "")],
    ])
}

fn status_after_post() -> Vec<Step> {
    steps([
        vec![LINES, create(&named("d15", &source("d15", "")))],
        vec![get("/connectors/d15/status").racy(&[404, 200]), state("d15", "RUNNING", 1)],
        vec![
            get("/connectors/d15/status"),
            get("/connectors/d15/tasks/0/status"),
            get("/connectors/d15/tasks/9/status"),
        ],
        removed("d15").to_vec(),
    ])
}

fn expansions() -> Vec<Step> {
    let list = |query: &str| get(&format!("/connectors?{query}"));
    steps([
        vec![LINES],
        running("d22", &source("d22", "")).to_vec(),
        running("d22-sink", &sink("d22", "")).to_vec(),
        vec![list("expand=info&expand=status&expand=x"), list("expand=x"), list("expand="), list("expand=status")],
        vec![list("expand=info"), list("expand=INFO"), list("other=x")],
        removed("d22").to_vec(),
        removed("d22-sink").to_vec(),
        vec![list("expand=info"), get("/connectors")],
    ])
}

fn variables() -> Vec<Step> {
    steps([
        vec![LINES, create(&named("d30", &source("d30", ",\"note\":\"${file:/x:y}\"")))],
        vec![state("d30", "RUNNING", 1), get("/connectors/d30/config"), get("/connectors/d30/tasks")],
        removed("d30").to_vec(),
    ])
}

fn status_after_delete() -> Vec<Step> {
    steps([
        vec![LINES],
        running("d31", &source("d31", "")).to_vec(),
        vec![delete("/connectors/d31"), get("/connectors/d31/status").racy(&[200, 404]), get("/connectors/d31")],
        vec![until("/connectors/d31/status", 404, ""), get("/connectors/d31/status")],
    ])
}

fn coercions() -> Vec<Step> {
    let more = ",\"b\":true,\"n\":1.50,\"e\":1e3,\"big\":12345678901234567890,\"neg\":-0.0,\"u\":\"\u{e9}\u{1f600}\",\"empty\":\"\"";
    let config = format!(
        "{{\"connector.class\":\"FileStreamSource\",\"tasks.max\":2,\"file\":\"{{dir}}/lines.txt\",\"topic\":\"d32\"{more}}}"
    );
    steps([
        vec![LINES, create(&named("d32", &config)), state("d32", "RUNNING", 1)],
        vec![get("/connectors/d32/config"), send("PUT", "/connectors/d32/config", &config.replace("true", "null"))],
        vec![state("d32", "RUNNING", 1), get("/connectors/d32"), get("/connectors/d32/tasks"), Step::Dump("created")],
        removed("d32").to_vec(),
    ])
}

fn reads() -> Vec<Step> {
    steps([
        vec![LINES],
        running("x4", &source("x4", "")).to_vec(),
        running("x4-sink", &sink("x4", "")).to_vec(),
        vec![until("/connectors/x4/topics", 200, "[\"x4\"]"), until("/connectors/x4-sink/topics", 200, "[\"x4\"]")],
        vec![
            get("/connectors/x4"),
            get("/connectors/x4/config"),
            get("/connectors/x4/status"),
            get("/connectors/x4/tasks"),
        ],
        vec![get("/connectors/x4/tasks/0/status"), get("/connectors/x4/topics"), get("/connectors/x4-sink")],
        vec![get("/connectors/x4-sink/tasks"), get("/connectors/x4-sink/status"), get("/connectors/x4-sink/topics")],
        removed("x4").to_vec(),
        removed("x4-sink").to_vec(),
    ])
}

fn failures() -> Vec<Step> {
    let config = sink("x5", ",\"value.converter\":\"org.apache.kafka.connect.json.JsonConverter\"");
    let class = "org.apache.kafka.connect.transforms.ReplaceField$Value";
    let transform = format!(",\"transforms\":\"t\",\"transforms.t.type\":\"{class}\"");
    let failed = |name: &str| until(&format!("/connectors/{name}/status"), 200, "\"FAILED\"");
    steps([
        vec![LINES],
        running("x5-lines", &source("x5", "")).to_vec(),
        vec![
            create(&named("x5", &config)),
            failed("x5"),
            get("/connectors/x5/status"),
            get("/connectors/x5/tasks/0/status"),
        ],
        vec![ask("POST", "/connectors/x5/restart?includeTasks=true&onlyFailed=true"), failed_times("x5", 2)],
        vec![
            ask("PUT", "/connectors/x5/pause"),
            until("/connectors/x5/status", 200, "\"connector\":{\"state\":\"PAUSED\""),
            get("/connectors/x5/status"),
        ],
        removed("x5").to_vec(),
        removed("x5-lines").to_vec(),
        vec![
            create(&named("x5b", &sink("x5", &transform))),
            create(&named("x5c", &source("x5", ",\"topic.creation.groups\":\"g\""))),
        ],
    ])
}

fn unusual_names() -> Vec<Step> {
    let one = |name: &str, path: &str| {
        let path = format!("/connectors/{path}");
        let removed = [quietly("DELETE", &path, 204), until(&format!("{path}/status"), 404, "")];
        let status = format!("{path}/status");
        let there = [until(&status, 200, "RUNNING"), until(&path, 200, "\"task\":0"), get(&path)];
        let made = [vec![create(&named(name, &source("x6", "")))], there.to_vec()].concat();
        steps([made, removed.to_vec()])
    };
    steps([
        vec![LINES],
        one("x6 a", "x6%20a"),
        one("x6+a", "x6+a"),
        one("x6;a", "x6%3Ba"),
        one("x6\u{e9}", "x6%C3%A9"),
        one("x6-a-0", "x6-a-0"),
        one("x6:?#", "x6:%3F%23"),
    ])
}
