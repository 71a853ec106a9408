//! The server around the resources: CORS, response headers, admin listeners, listeners that cannot be, the API's description,
//! metrics. Where Kafka Connect has the same keys, it is asked too.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sluice_harness::{
    Answer, Call, Engine, Ignore, Kafka, Properties, Rest, Setup, Sluice, Worker, free_port, same_answer,
};

const SOON: Duration = Duration::from_secs(30);

fn start(engine: Engine, name: &str, more: &[(&str, &str)]) -> Result<Worker> {
    let properties = Properties::distributed(Kafka::shared()?, name);
    let properties = more.iter().fold(properties, |properties, (key, value)| properties.with(key, value));
    Setup::distributed(engine, &properties).start()
}

/// The same calls to both; every difference, with its call.
fn differences(name: &str, more: &[(&str, &str)], calls: &[Call]) -> Result<Vec<String>> {
    let (oracle, ours) = (start(Engine::Oracle, name, more)?, start(Engine::Sluice, name, more)?);
    let mut found = Vec::new();
    for call in calls {
        let (expected, got) = (oracle.rest().send(call)?, ours.rest().send(call)?);
        let texts = same_answer(&expected, &got, &Ignore::usual().value("kafka_cluster_id").value("last_modified"));
        found.extend(texts.into_iter().map(|text| format!("{} {}: {text}", call.method, call.path)));
    }
    Ok(found)
}

fn cross(method: &str, path: &str, origin: &str) -> Call {
    Call::new(method, path).header("Origin", origin)
}

#[test]
fn cors_and_response_headers_are_kafka_connects() -> Result<()> {
    let more = [
        ("access.control.allow.origin", "http://one.test,http://two.test"),
        ("access.control.allow.methods", "PUT"),
        (
            "response.http.headers.config",
            "set X-Frame-Options: DENY, add X-Note: a, \"set Cache-Control: no-cache, no-store\"",
        ),
    ];
    let preflight = |origin: &str, method: &str| {
        cross("OPTIONS", "/connectors", origin)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", "content-type")
    };
    let calls = [
        Call::new("GET", "/connectors"),
        cross("GET", "/connectors", "http://one.test"),
        cross("GET", "/connectors", "http://other.test"),
        preflight("http://two.test", "PUT"),
        preflight("http://two.test", "DELETE"),
        preflight("http://other.test", "PUT"),
        cross("GET", "/connectors/zz", "http://two.test"),
        Call::new("GET", "/nope"),
    ];
    let found = differences("cors", &more, &calls)?;
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

fn status(rest: &Rest, path: &str) -> Result<u16> {
    rest.get(path).map(|answer: Answer| answer.status)
}

#[test]
fn admin_resources_move_to_the_admin_listener() -> Result<()> {
    let admin = format!("127.0.0.1:{}", free_port()?);
    let worker = start(Engine::Sluice, "admin", &[("admin.listeners", &format!("http://{admin}"))])?;
    let (main, admin) = (worker.rest(), Rest::at(&admin));
    for path in ["/admin/loggers", "/metrics"] {
        assert_eq!((status(main, path)?, status(&admin, path)?), (404, 200), "{path}");
    }
    assert_eq!((status(main, "/connectors")?, status(&admin, "/connectors")?), (200, 404));
    Ok(())
}

#[test]
fn an_empty_list_of_admin_listeners_turns_admin_resources_off() -> Result<()> {
    let worker = start(Engine::Sluice, "no-admin", &[("admin.listeners", "")])?;
    for (path, expected) in [("/admin/loggers", 404), ("/metrics", 404), ("/connectors", 200)] {
        assert_eq!(status(worker.rest(), path)?, expected, "{path}");
    }
    Ok(())
}

/// Starts a worker that cannot start; its exit code and what it said.
fn refused(listeners: &str) -> Result<(Option<i32>, String)> {
    let properties = Properties::distributed(Kafka::shared()?, "refused").with("listeners", listeners);
    let mut worker = Sluice::distributed(&properties).launch()?;
    let ended = worker.wait_end(SOON)?;
    Ok((ended.code(), worker.logs()))
}

#[test]
fn a_port_in_use_is_refused_with_its_address_and_property() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let (code, said) = refused(&format!("http://{address}"))?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&address) && said.contains("`listeners`"), "{said}");
    Ok(())
}

#[test]
fn the_description_of_the_api_covers_what_answers() -> Result<()> {
    let worker = start(Engine::Sluice, "described", &[])?;
    let document: Value = worker.rest().get("/openapi.json")?.expect(200)?.json()?;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().context("no paths")?;
    for (path, operations) in paths {
        let filled = path.replace("{task}", "0").replace("{connector}", "zz").replace("{plugin}", "FileStreamSource");
        let filled = filled.replace("{logger}", "root");
        let allowed = worker.rest().send(&Call::new("OPTIONS", &filled))?;
        // Our own resources have no OPTIONS; for the others it lists every method that there is.
        let Some(allowed) = allowed.header("Allow") else { continue };
        for method in allowed.split(',').map(|method| method.trim().to_lowercase()) {
            let described = operations.get(&method).is_some() || ["options", "head"].contains(&method.as_str());
            assert!(described, "{method} {path} is served and not described");
        }
    }
    for path in ["/", "/health", "/connectors", "/connector-plugins", "/admin/loggers", "/metrics", "/openapi.json"] {
        assert!(paths.contains_key(path), "{path}");
        assert_eq!(status(worker.rest(), path)?, 200, "{path}");
    }
    Ok(())
}

/// `name{label="value",…} number`, a comment, or nothing.
fn is_prometheus(line: &str) -> bool {
    if line.is_empty() || line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
        return true;
    }
    let Some((series, value)) = line.rsplit_once(' ') else { return false };
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels));
    let well_named = name.chars().all(|char| char.is_ascii_alphanumeric() || "_:".contains(char));
    well_named
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && (labels.is_empty() || labels.ends_with("\"}"))
        && value.parse::<f64>().is_ok()
}

#[test]
fn metrics_are_prometheus_text() -> Result<()> {
    let worker = start(Engine::Sluice, "metrics", &[])?;
    let answer = worker.rest().get("/metrics")?.expect(200)?;
    assert!(answer.header("Content-Type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let wrong: Vec<&str> = answer.body.lines().filter(|line| !is_prometheus(line)).collect();
    assert!(wrong.is_empty() && answer.body.ends_with('\n'), "{wrong:?}");
    assert!(answer.body.lines().any(|line| line.starts_with("# TYPE ")), "{}", answer.body);
    Ok(())
}
