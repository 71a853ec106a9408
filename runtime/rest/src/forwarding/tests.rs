use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use sluice_herder::HerderError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::*;
use crate::answer::{Refusal, refused};

/// A worker that takes one request and gives one answer.
struct Other {
    url: String,
    asked: JoinHandle<String>,
}

async fn other(answer: &'static str) -> Other {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", socket.local_addr().expect("an address"));
    let asked = tokio::spawn(async move {
        let (mut stream, _) = socket.accept().await.expect("a connection");
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        while !is_whole(&bytes) {
            let read = stream.read(&mut chunk).await.expect("a request");
            bytes.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(answer.as_bytes()).await.expect("an answer");
        String::from_utf8(bytes).expect("text")
    });
    Other { url, asked }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Asks a worker whose herder names `target` for everything.
async fn ask(target: Option<&str>, path: &str, body: &'static str) -> Answer {
    let target = target.map(str::to_owned);
    let answer = move || std::future::ready(refused(Refusal::Herder(HerderError::Forward(target.clone()))));
    let client = Arc::new(RestClient::new(None, Duration::from_secs(10)));
    let router: Router = Router::new().fallback(any(answer)).layer(from_fn_with_state(client, forward));
    let request = axum::http::Request::post(path).header("Host", "here:1").header("Authorization", "Basic x");
    let request = request.header(RequestSignature::HEADER, "c2ln").header("X-Other", "stays");
    router.oneshot(request.body(Body::from(body)).expect("a request")).await.unwrap_or_else(|never| match never {})
}

async fn text(answer: Answer) -> String {
    String::from_utf8(read(answer.into_body()).await.expect("a body").to_vec()).expect("text")
}

#[tokio::test]
async fn a_forwarded_answer_keeps_status_body_and_gets_our_location() {
    let created = "{\"name\":\"a b\", \"config\":{}}";
    let leader = other("HTTP/1.1 201 Created\r\nLocation: http://leader/x\r\nContent-Length: 28\r\n\r\n{\"name\":\"a b\", \"config\":{}}\n").await;
    let answer = ask(Some(&leader.url), "/connectors", "{\"name\":\"a b\"}").await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["location"], "http://here:1/connectors/a%20b");
    assert_eq!(text(answer).await.trim_end(), created);
    let asked = leader.asked.await.expect("asked");
    assert!(asked.starts_with("POST /connectors?forward=true HTTP/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n{\"name\":\"a b\"}"), "{asked}");
    let asked = asked.to_lowercase();
    for header in [
        "authorization: basic x",
        "x-connect-authorization: c2ln",
        "accept: application/json",
        "user-agent: kafka-connect",
    ] {
        assert!(asked.contains(&format!("{header}\r\n")), "{header} in {asked}");
    }
    assert!(!asked.contains("x-other") && !asked.contains("here:1"), "{asked}");
}

#[tokio::test]
async fn a_refusal_goes_through_as_it_came() {
    let body = "{\"error_code\":404, \"message\":\"Unknown connector: c\"}";
    let leader = other(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 52\r\n\r\n{\"error_code\":404, \"message\":\"Unknown connector: c\"}",
    );
    let leader = leader.await;
    let answer =
        ask(Some(&leader.url), "/connectors/c%2Fd/restart?includeTasks=true&forward=TRUE&onlyFailed=a%20b", "").await;
    assert_eq!((answer.status(), text(answer).await.as_str()), (StatusCode::NOT_FOUND, body));
    let asked = leader.asked.await.expect("asked");
    let path = "POST /connectors/c%2Fd/restart?forward=false&includeTasks=true&onlyFailed=a%20b HTTP/1.1\r\n";
    assert!(asked.starts_with(path) && !asked.to_lowercase().contains("content-type"), "{asked}");
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    for (answer, expected) in [
        (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
            "Unexpected status code when handling forwarded request: 302",
        ),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", "answered 500 without an error message"),
        ("", "IO Error trying to forward REST request: "),
    ] {
        let leader = other(answer).await;
        let answer = ask(Some(&leader.url), "/connectors", "{}").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let said = text(answer).await;
        assert!(said.contains(expected), "{said}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let said = text(ask(Some(&format!("http://{nobody}/")), "/connectors", "{}").await).await;
    assert!(said.contains("IO Error trying to forward REST request: 127.0.0.1:"), "{said}");
}

#[tokio::test]
async fn hops_end_after_two() {
    let answer = ask(Some("http://127.0.0.1:1/"), "/connectors?forward=false", "{}").await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(text(answer).await.contains(TWO_HOPS));
}

#[tokio::test]
async fn without_a_target_there_is_a_conflict() {
    let answer = ask(None, "/connectors", "{}").await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert!(text(answer).await.contains("no known leader URL"));
}

#[tokio::test]
async fn no_tls_reaches_no_https_worker() {
    let leader = other("").await;
    let said = text(ask(Some(&leader.url.replace("http:", "https:")), "/connectors", "{}").await).await;
    assert!(said.contains("`ssl.*` keys cannot be used"), "{said}");
    leader.asked.abort();
}
