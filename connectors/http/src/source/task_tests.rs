//! Polling a server: what is new, pages, and answers that are wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_api::ConnectorPlugin;
use sluice_api::testkit::{MemoryOffsets, SourceDriver, Violation, check_source_resumes};

use super::*;
use crate::http_server::{HttpServer, Reply};
use crate::source::SourcePlugin;

/// castorm's own sample, but for the address.
fn sample(url: &str, more: &[(&str, &str)]) -> Properties {
    let mut config: Properties = [
        ("http.request.params", "updated=${offset.timestamp}"),
        ("http.request.headers", "Accept: application/json"),
        ("http.auth.type", "Basic"),
        ("http.auth.user", "user"),
        ("http.auth.password", "password"),
        ("http.offset.initial", "key=TICKT-0001, timestamp=2020-01-01T00:00:01Z"),
        ("http.response.list.pointer", "/issues"),
        ("http.response.record.offset.pointer", "key=/key, timestamp=/fields/updated"),
        ("kafka.topic", "topic-name"),
        ("http.timer.interval.millis", "0"),
        ("http.timer.catchup.interval.millis", "0"),
        ("http.client.read.timeout.millis", "0"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    config.insert("http.request.url".into(), url.into());
    config.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    config
}

fn issue(number: i64) -> String {
    let updated = timestamp::print(1_577_836_801_000 + number / 2 * 1000);
    format!(r#"{{"key":"K-{number}","fields":{{"updated":"{updated}"}}}}"#)
}

fn issues(numbers: std::ops::Range<i64>) -> String {
    format!(r#"{{"issues":[{}]}}"#, numbers.map(issue).collect::<Vec<_>>().join(","))
}

/// Issues that were updated at or after the time asked for, four at a time; two of them share every second.
fn tracker(total: i64) -> HttpServer {
    HttpServer::start(move |request, _| {
        let since = Url::parse(&format!("http://h{}", request.target)).unwrap();
        let since = since.query_pairs().find(|(name, _)| name == "updated").unwrap().1.into_owned();
        let first = (timestamp::parse(&since).unwrap() - 1_577_836_801_000) / 1000 * 2;
        Reply::with(200, &[], issues(first..(first + 4).min(total).max(first)))
    })
    .unwrap()
}

async fn start(config: &Properties) -> SourceDriver {
    SourceDriver::start(Box::<HttpSourceTask>::default(), config, Arc::new(MemoryOffsets::new())).await.unwrap()
}

fn keys(records: &[SourceRecord]) -> Vec<String> {
    records
        .iter()
        .map(|record| record.source_offset.get("key").and_then(Value::as_str).unwrap_or("-").to_owned())
        .collect()
}

async fn error_of(driver: &mut SourceDriver) -> String {
    match driver.poll().await {
        Err(Violation::Task(_, error)) => error.to_string(),
        other => panic!("no error: {:?}", other.map(|records| records.len())),
    }
}

#[tokio::test]
async fn castorms_sample_loads_unchanged_and_gives_every_item_once() {
    let server = tracker(20);
    let config = sample(&server.url("/rest/api"), &[]);
    assert!(SourcePlugin.validate(&config).iter().all(|value| value.error_messages.is_empty()));
    let mut driver = start(&config).await;
    let mut seen = Vec::new();
    for _ in 0..15 {
        seen.extend(driver.poll().await.unwrap());
    }
    // Nothing is acknowledged, and yet nothing comes twice. The two of the first second are not later than the first offset.
    assert_eq!(keys(&seen), (2..20).map(|number| format!("K-{number}")).collect::<Vec<_>>());
    let request = &server.requests()[0];
    assert_eq!(request.target, "/rest/api?updated=2020-01-01T00%3A00%3A01Z");
    assert_eq!(
        (request.header("accept"), request.header("authorization")),
        (Some("application/json"), Some("Basic dXNlcjpwYXNzd29yZA=="))
    );
    let Value::Struct(value) = &seen[0].value else { panic!("no struct") };
    assert_eq!(*value.get("value").unwrap(), issue(2).into());
    assert_eq!(seen[0].timestamp_ms, Some(1_577_836_802_000));
}

#[tokio::test]
async fn a_crash_anywhere_goes_on_after_the_last_acknowledged_item() {
    let server = tracker(14);
    let config = sample(&server.url("/"), &[]);
    check_source_resumes(|| Box::<HttpSourceTask>::default(), &config, 12).await.unwrap();
}

#[tokio::test]
async fn pages_are_followed_and_a_circle_is_an_error() {
    for (pages, pointer) in [("link", "/-"), ("pointer", "/next")] {
        let server = HttpServer::start(|request, _| {
            let page: i64 = request.target.rsplit("page=").next().and_then(|text| text.parse().ok()).unwrap_or(0);
            // The fourth page leads back to the second.
            let next = format!("/?page={}", if page == 3 { 1 } else { page + 1 });
            let list = issues(page * 2 + 2..page * 2 + 4);
            let body = format!(r#"{},"next":"{next}"}}"#, &list[..list.len() - 1]);
            Reply::with(200, &[("Link", &format!("<{next}>; rel=\"next\", </>; rel=first"))], body)
        });
        let server = server.unwrap();
        let config = sample(&server.url("/"), &[("sluice.pages", pages), ("sluice.pages.pointer", pointer)]);
        let mut driver = start(&config).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(driver.poll().await.unwrap());
        }
        assert_eq!(keys(&seen), (2..8).map(|number| format!("K-{number}")).collect::<Vec<_>>(), "{pages}");
        assert!(error_of(&mut driver).await.contains("goes round in circles after 4 pages"));
    }
}

#[tokio::test]
async fn an_answer_that_did_not_change_is_asked_for_changes_alone() {
    let server = HttpServer::start(|request, _| match request.header("if-none-match") {
        Some("\"v1\"") => Reply::status(304),
        _ => Reply::with(200, &[("ETag", "\"v1\"")], r#"["a","b"]"#),
    });
    let server = server.unwrap();
    let more = [
        ("sluice.conditional.requests", "true"),
        ("http.request.params", ""),
        ("http.response.list.pointer", "/"),
        ("http.response.record.offset.pointer", ""),
        ("http.offset.initial", ""),
        ("http.response.record.mapper", "com.github.castorm.kafka.connect.http.record.StringKvSourceRecordMapper"),
    ];
    let mut driver = start(&sample(&server.url("/"), &more)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(driver.poll().await.unwrap());
    }
    assert_eq!(seen.iter().filter_map(|record| record.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn servers_that_fail_for_a_while_are_asked_again_and_wrong_answers_are_named() {
    let failures = AtomicUsize::new(0);
    let server = HttpServer::start(move |_, _| match failures.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(503),
        1 => Reply::Half,
        _ => Reply::with(200, &[], issues(2..4)),
    });
    let server = server.unwrap();
    let mut driver = start(&sample(&server.url("/"), &[])).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.extend(driver.poll().await.unwrap());
        if !seen.is_empty() {
            break;
        }
    }
    assert_eq!(keys(&seen), ["K-2", "K-3"]);
    for (reply, more, expected) in [
        (Reply::with(200, &[], "<html>"), [("kafka.topic", "t")], "it is no JSON"),
        (Reply::with(200, &[], "{}"), [("kafka.topic", "t")], "it has nothing at /issues"),
        (Reply::status(403), [("kafka.topic", "t")], "status 403"),
        (Reply::with(200, &[], issues(0..90)), [("sluice.max.answer.bytes", "1000")], "longer than 1000 bytes"),
    ] {
        let server = HttpServer::start(move |_, _| reply.clone()).unwrap();
        let mut driver = start(&sample(&server.url("/"), &more)).await;
        let error = error_of(&mut driver).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_is_not_there_yet_is_refused_at_its_key() {
    let wrong = |key: &str, value: &str| {
        let values = SourcePlugin.validate(&sample("http://h/", &[(key, value)]));
        values.into_iter().filter(|value| !value.error_messages.is_empty()).map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(wrong("kafka.topic", "t"), [""; 0]);
    for (key, value) in [
        ("http.request.params", "a=${offset.timestamp?datetime.iso?string['yyyy']}"),
        (
            "http.response.record.timestamp.parser",
            "com.github.castorm.kafka.connect.http.response.timestamp.NattyTimestampParser",
        ),
        ("http.response.record.timestamp.parser.pattern", "yyyy"),
        ("http.client.keystore", "/k"),
        ("http.response.list.pointer", "issues"),
        ("http.offset.initial", "x"),
        ("sluice.pages", "pointer"),
    ] {
        let key_of_mistake = if key == "sluice.pages" { "sluice.pages.pointer" } else { key };
        assert_eq!(wrong(key, value), [key_of_mistake]);
    }
}
