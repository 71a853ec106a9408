//! The server itself: root, unknown paths, methods, content types, loggers, health.

use super::words::{ask, delete, get, own, probe, send, until};
use crate::probe::step::{Probe, Step};
use crate::rest::Call;

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("D1", "GET / has exactly three fields", vec![get("/"), ask("HEAD", "/")]),
        probe("D2", "unknown path, wrong method", unknown_paths()),
        probe("D3", "OPTIONS and HEAD", options_and_head()),
        probe("D4", "bodies that are not what they should be", bad_bodies()),
        probe("X1", "an unknown connector everywhere", unknown_connector()),
        probe("X2", "odd paths", odd_paths()),
        probe("X3", "content types", content_types()),
        probe("D26", "loggers of this worker", loggers()),
        probe("D26C", "loggers of the cluster", cluster_loggers()),
        own("D29", "health while the broker is down", &[], health()),
        own("D29J", "health before the first join", &[("group.initial.rebalance.delay.ms", "20000")], joining()),
    ]
}

fn unknown_paths() -> Vec<Step> {
    vec![
        get("/nope"),
        send("PUT", "/connectors", "{}"),
        ask("PUT", "/connectors"),
        delete("/connectors"),
        ask("POST", "/connector-plugins"),
        ask("POST", "/connectors/a/status"),
        ask("GET", "/connectors/a/restart"),
        ask("GET", "/connectors/a/tasks-config"),
        get("/connectors/a/nope"),
        get("/connectors/a/tasks/x/status"),
        get("/"),
        get("/connectors/"),
        get("//"),
        ask("POST", "/"),
        get("/health"),
        ask("POST", "/health"),
    ]
}

fn options_and_head() -> Vec<Step> {
    let plain = |path: &str| Call::new("OPTIONS", path).header("Accept", "text/plain").into();
    let any = |path: &str| Call::new("OPTIONS", path).header("Accept", "*/*").into();
    vec![
        ask("OPTIONS", "/connectors"),
        plain("/connectors"),
        any("/connectors"),
        any("/"),
        any("/connectors/a"),
        any("/connectors/a/config"),
        any("/connectors/a/offsets"),
        any("/connectors/a/pause"),
        any("/connector-plugins"),
        any("/admin/loggers/x"),
        ask("OPTIONS", "/nope"),
        ask("HEAD", "/connectors"),
        ask("HEAD", "/connectors/zz"),
        ask("HEAD", "/nope"),
    ]
}

fn bad_bodies() -> Vec<Step> {
    let post = [
        "{",
        "",
        "[]",
        "\"x\"",
        "null",
        "1",
        "{}",
        "{} x",
        "nope",
        "{'name':'d4'}",
        "{\"name\":\"d4\",}",
        "{\"name\":\"d4\",\"config\":{\"x\":{}}}",
        "{\"name\":\"d4\",\"config\":{\"x\":[1]}}",
        "{\"name\":\"d4\",\"foo\":1}",
        "{\"name\":\"d4\"}",
        "{\"name\":\"d4\",\"config\":null}",
        "{\"name\":\"d4\",\"config\":[]}",
        "{\"name\":\"d4\",\"config\":\"x\"}",
        "{\"name\":[\"d4\"],\"config\":{}}",
        "{\"name\":{},\"config\":{}}",
        "{\"name\":1,\"config\":{}}",
        "{\"name\":\"d4\",\"config\":{}}",
        "{\"name\":\"d4\",\"config\":{\"a\":",
        "[{\"name\":\"d4\"}]",
        "{\"name\":\"d4\",\"config\":{},\"initial_state\":1}",
        "{\"name\":\"d4\",\"config\":{},\"initial_state\":{}}",
    ];
    let put = ["{", "", "[]", "\"x\"", "null", "{\"a\":[1]}", "{\"a\":{}}"];
    let mut steps: Vec<Step> = post.iter().map(|body| send("POST", "/connectors", body)).collect();
    steps.extend(put.iter().map(|body| send("PUT", "/connectors/d4/config", body)));
    steps.extend(put.iter().map(|body| send("PATCH", "/connectors/d4/config", body)));
    steps.extend(put.iter().map(|body| send("PUT", "/connector-plugins/FileStreamSource/config/validate", body)));
    steps.push(ask("POST", "/connectors"));
    steps.push(ask("PUT", "/connectors/d4/config"));
    steps
}

fn unknown_connector() -> Vec<Step> {
    vec![
        get("/connectors/zz"),
        get("/connectors/zz/config"),
        get("/connectors/zz/status"),
        get("/connectors/zz/tasks"),
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
        send("PATCH", "/connectors/zz/offsets", "{\"offsets\":[{\"partition\":{\"a\":1},\"offset\":{\"b\":2}}]}"),
        delete("/connectors/zz/offsets"),
        delete("/connectors/zz"),
    ]
}

fn odd_paths() -> Vec<Step> {
    vec![
        get("/connectors/a%2Fb"),
        ask("PUT", "/connectors/a%2Fb/pause"),
        delete("/connectors/a%2Fb"),
        get("/connectors/a%25b"),
        get("/connectors/a%5Cb"),
        get("/connectors/a%00b"),
        get("/connectors/..%2Fb"),
        get("/connectors//status"),
        get("/connectors/a;b=c"),
        get("/connectors/a%3Bb"),
        get("/connectors/a+b"),
        get("/connectors/a%20b"),
        get("/connectors/%C3%A9"),
        get("/connectors/zz/"),
        get("/connectors/zz/status/"),
    ]
}

fn content_types() -> Vec<Step> {
    let body = "{\"name\":\"x3\",\"config\":{}}";
    let post = || Call::new("POST", "/connectors");
    vec![
        post().header("Content-Type", "text/plain").body(body).into(),
        post().header("Content-Type", "application/x-www-form-urlencoded").body(body).into(),
        post().body(body).into(),
        post().header("Content-Type", "application/json; charset=utf-8").body(body).into(),
        post().header("Content-Type", "application/vnd.api+json").body(body).into(),
        Call::new("GET", "/connectors").header("Accept", "text/html").into(),
        Call::new("GET", "/connectors").header("Accept", "*/*").into(),
        Call::new("GET", "/connectors").header("Accept", "application/*").into(),
        Call::new("GET", "/connectors").header("Accept", "text/html, application/json;q=0.5").into(),
        Call::new("GET", "/connectors/zz").header("Accept", "text/html").into(),
        Call::new("PUT", "/admin/loggers/x3").header("Content-Type", "text/plain").body("{}").into(),
    ]
}

fn loggers() -> Vec<Step> {
    let put = |body: &str| send("PUT", "/admin/loggers/d26", body);
    vec![
        get("/admin/loggers/d26"),
        put("{\"level\":\"debug\"}"),
        put("{\"level\":\"debug\"}"),
        get("/admin/loggers/d26"),
        put("{\"level\":\"zzz\"}"),
        put("{\"level\":\"\"}"),
        put("{}"),
        put("{\"level\":null}"),
        put("{\"level\":1}"),
        put("{\"level\":\"INFO\",\"other\":\"x\"}"),
        put("{"),
        put("[]"),
        send("PUT", "/admin/loggers/d26?scope=worker", "{\"level\":\"WARN\"}"),
        send("PUT", "/admin/loggers/d26?scope=WORKER", "{\"level\":\"ERROR\"}"),
        send("PUT", "/admin/loggers/d26?scope=nope", "{\"level\":\"TRACE\"}"),
        get("/admin/loggers/d26"),
        get("/admin/loggers/root"),
        get("/admin/loggers/ROOT"),
        get("/admin/loggers/d26.not.there"),
        delete("/admin/loggers/d26"),
        get("/admin/nope"),
    ]
}

fn cluster_loggers() -> Vec<Step> {
    vec![
        send("PUT", "/admin/loggers/d26c?scope=cluster", "{\"level\":\"debug\"}"),
        until("/admin/loggers/d26c", 200, "DEBUG"),
        get("/admin/loggers/d26c"),
        send("PUT", "/admin/loggers/d26c?scope=cluster", "{\"level\":\"zzz\"}"),
        Step::Dump("after"),
    ]
}

fn health() -> Vec<Step> {
    vec![
        until("/health", 200, ""),
        get("/health"),
        Step::KillBroker,
        until("/health", 500, ""),
        get("/health"),
        get("/connectors"),
        Step::RestartBroker,
        until("/health", 200, ""),
    ]
}

/// The group's first join takes 20 s on this broker.
fn joining() -> Vec<Step> {
    vec![
        until("/connectors", 200, ""),
        get("/health"),
        get("/connectors"),
        get("/connectors/zz/status"),
        until("/health", 200, ""),
    ]
}
