//! The task against a server that misbehaves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sluice_api::connector::{ErrantRecordReporter, MemoryShare, Report, ReportTopic, Reports};

use super::*;
use crate::http_server::{HttpRequest, HttpServer, Reply};
use crate::sink::doubles::record;
use crate::sink::{aiven, confluent};

/// Keeps what was reported.
#[derive(Default)]
struct Reported(Mutex<Vec<(i64, String)>>);

#[async_trait]
impl ErrantRecordReporter for Reported {
    fn report(&self, record: &SinkRecord, error: ConnectError) -> Result<()> {
        self.0.lock().unwrap().push((record.offset, error.to_string()));
        Ok(())
    }
}

impl Reported {
    fn offsets(&self) -> Vec<i64> {
        self.0.lock().unwrap().iter().map(|(offset, _)| *offset).collect()
    }
}

/// Keeps what was told.
#[derive(Default)]
struct Told {
    topics: Mutex<Vec<ReportTopic>>,
    clients: Mutex<[Properties; 2]>,
    reports: Mutex<Vec<Report>>,
}

#[async_trait]
impl Reports for Told {
    async fn open(&self, topics: &[ReportTopic], producer: &Properties, admin: &Properties) -> Result<()> {
        *self.topics.lock().unwrap() = topics.to_vec();
        *self.clients.lock().unwrap() = [producer.clone(), admin.clone()];
        Ok(())
    }

    fn send(&self, report: Report) -> Result<()> {
        self.reports.lock().unwrap().push(report);
        Ok(())
    }

    async fn settled(&self) -> Result<()> {
        Ok(())
    }
}

impl Told {
    /// Topic, key and value of every report.
    fn texts(&self) -> Vec<[String; 3]> {
        let text = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or("-".to_owned(), utf8);
        let reports = self.reports.lock().unwrap();
        reports.iter().map(|one| [one.topic.to_string(), text(&one.key), text(&one.value)]).collect()
    }

    fn headers(&self, at: usize) -> Vec<(String, String)> {
        let headers = self.reports.lock().unwrap()[at].headers.clone();
        headers.iter().map(|(name, value)| (name.to_string(), utf8(value.as_ref().unwrap()))).collect()
    }
}

fn utf8(bytes: &bytes::Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A task as the worker has it.
struct Life {
    task: HttpSinkTask,
    context: SinkTaskContext,
    reported: Arc<Reported>,
    told: Arc<Told>,
}

impl Life {
    async fn start(config: &[(&str, &str)], reporting: bool) -> Result<Self> {
        let aiven = config.iter().any(|(key, _)| *key == "http.url");
        let mut task = HttpSinkTask::new(if aiven { aiven::parse } else { confluent::parse });
        let reported = Arc::new(Reported::default());
        let reporter = reporting.then(|| reported.clone() as Arc<dyn ErrantRecordReporter>);
        let told = Arc::new(Told::default());
        let context = SinkTaskContext::new("sink".into(), 0, MemoryShare::new(1 << 24), reporter);
        let context = context.with_reports(told.clone());
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        task.start(context.clone(), &config).await?;
        Ok(Self { task, context, reported, told })
    }

    /// Delivers as the worker does: again, after the pause that the task asked for. Says how often the worker had its turn.
    async fn deliver(&mut self, records: &[SinkRecord]) -> Result<usize> {
        let mut turns = 0;
        loop {
            match self.task.put(records).await {
                Err(error) if error.kind() == sluice_api::ErrorKind::Retriable => {
                    turns += 1;
                    let pause = self.context.take_requests().timeout;
                    tokio::time::sleep(pause.expect("a pause is asked for")).await;
                }
                outcome => return outcome.map(|()| turns),
            }
        }
    }
}

fn records(count: i64) -> Vec<SinkRecord> {
    (0..count).map(|offset| record("t", offset, format!("k{}", offset % 20), format!("v{offset}"))).collect()
}

fn quick<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut config = vec![("http.api.url", url), ("retry.backoff.ms", "5"), ("http.request.timeout.ms", "400")];
    config.extend_from_slice(more);
    config
}

fn bodies(server: &HttpServer) -> Vec<String> {
    server.requests().iter().map(HttpRequest::text).collect()
}

#[tokio::test]
async fn methods_headers_and_addresses_are_as_configured() {
    let server = HttpServer::start(|_, _| Reply::status(200)).unwrap();
    let url = server.url("/${topic}/${key}");
    let config = quick(
        &url,
        &[
            ("request.method", "PUT"),
            ("headers", "X-Offset:${offset}|Accept:text/plain"),
            ("behavior.on.null.values", "delete"),
            ("sluice.idempotency.key.header", "Idempotency-Key"),
            ("auth.type", "BASIC"),
            ("connection.user", "me"),
            ("connection.password", "secret"),
        ],
    );
    let mut life = Life::start(&config, false).await.unwrap();
    let records = [record("t", 7, "a b", "v"), record("t", 8, "k", ())];
    assert_eq!(life.deliver(&records).await.unwrap(), 0);
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].target.as_str()), ("PUT", "/t/a%20b"));
    assert_eq!(requests[0].header("x-offset"), Some("7"));
    assert_eq!(requests[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(requests[0].header("idempotency-key"), Some("t-0-7"));
    assert_eq!(requests[0].text(), "v");
    assert_eq!((requests[1].method.as_str(), requests[1].target.as_str()), ("DELETE", "/t/k"));
}

#[tokio::test]
async fn batches_have_the_forms_of_both_classes() {
    let server = HttpServer::start(|_, _| Reply::status(200)).unwrap();
    let url = server.url("/");
    for more in [
        &[("batch.max.size", "10"), ("batch.json.as.array", "true")][..],
        &[("batch.max.size", "10"), ("batch.prefix", "<"), ("batch.separator", " ; "), ("batch.suffix", ">")],
        &[("regex.patterns", "v(\\d)~x"), ("regex.replacements", "w$1~y")],
    ] {
        let mut life = Life::start(&quick(&url, more), false).await.unwrap();
        life.deliver(&records(2)).await.unwrap();
    }
    let aiven = [
        ("http.url", &*url),
        ("http.authorization.type", "none"),
        ("batching.enabled", "true"),
        ("batch.separator", "\\n--\\t"),
    ];
    Life::start(&aiven, false).await.unwrap().deliver(&records(2)).await.unwrap();
    let expected = [r#"["v0","v1"]"#, "<v0 ; v1>", "w0", "w1", "v0\n--\tv1\n"];
    assert_eq!(bodies(&server), expected);
}

/// Invariant 3: whatever the server does, every record arrives, and in order per key.
#[tokio::test]
async fn every_misbehaviour_is_outlived_in_order() {
    type Misbehaviour = (&'static str, fn() -> Reply);
    let misbehaviours: [Misbehaviour; 8] = [
        ("500", || Reply::status(500)),
        ("429", || Reply::status(429)),
        ("429 with Retry-After", || Reply::with(429, &[("Retry-After", "0")], "slow down")),
        ("503", || Reply::with(503, &[("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")], "")),
        ("reset", || Reply::Reset),
        ("half", || Reply::Half),
        ("garbage", || Reply::Garbage),
        ("slow", || Reply::Slow(Duration::from_millis(700), Box::new(Reply::status(200)))),
    ];
    for (name, misbehave) in misbehaviours {
        let server = HttpServer::start(move |_, number| match number % 3 {
            1 if number < 40 => misbehave(),
            _ => Reply::status(200),
        });
        let server = server.unwrap();
        let url = server.url("/");
        let mut life = Life::start(&quick(&url, &[("concurrency.limit", "16")]), false).await.unwrap();
        let records = records(60);
        life.deliver(&records).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut by_key: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for body in bodies(&server) {
            let number: u64 = body[1..].parse().unwrap();
            let seen = by_key.entry(number % 20).or_default();
            // A record may come twice in a row, never after a later one of its key.
            assert!(seen.last().is_none_or(|last| *last <= number), "{name}: {number} after {seen:?}");
            seen.push(number);
        }
        let delivered: usize = by_key
            .values_mut()
            .map(|seen| {
                seen.dedup();
                seen.len()
            })
            .sum();
        assert_eq!(delivered, 60, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_gets_its_time_while_the_worker_has_its_turn() {
    let server = HttpServer::start(|_, number| match number {
        1 => Reply::with(429, &[("Retry-After", "3")], "later"),
        _ => Reply::status(204),
    });
    let server = server.unwrap();
    let url = server.url("/");
    let mut life = Life::start(&quick(&url, &[]), false).await.unwrap();
    let began = Instant::now();
    assert_eq!(life.deliver(&records(4)).await.unwrap(), 1);
    assert!(began.elapsed() >= Duration::from_secs(3));
    // What had arrived before is not sent again.
    assert_eq!(bodies(&server), ["v0", "v1", "v1", "v2", "v3"]);
}

#[tokio::test]
async fn records_are_reported_when_attempts_are_used_up_and_the_others_go_on() {
    let server = HttpServer::start(|request, _| Reply::status(if request.text() == "v1" { 500 } else { 200 })).unwrap();
    let url = server.url("/");
    let mut life = Life::start(&quick(&url, &[("max.retries", "2")]), true).await.unwrap();
    life.deliver(&records(3)).await.unwrap();
    assert_eq!(bodies(&server), ["v0", "v1", "v1", "v1", "v2"]);
    let reported = life.reported.0.lock().unwrap().clone();
    let expected = format!("the record at offset 1 of t-0 was not delivered: POST {url}: status 500: 500 (3 attempts)");
    assert_eq!(reported, [(1, expected)]);
}

#[tokio::test]
async fn without_a_queue_the_task_fails_and_with_ignore_it_goes_on() {
    let server = HttpServer::start(|_, number| Reply::status(if number == 0 { 404 } else { 200 })).unwrap();
    let url = server.url("/");
    let mut life = Life::start(&quick(&url, &[("retry.on.status.codes", "500-")]), false).await.unwrap();
    let error = life.deliver(&records(1)).await.unwrap_err();
    assert!(error.to_string().contains("status 404"), "{error}");
    let server = HttpServer::start(|_, _| Reply::status(404)).unwrap();
    let url = server.url("/");
    let more = [("retry.on.status.codes", "500-"), ("behavior.on.error", "ignore")];
    let mut life = Life::start(&quick(&url, &more), false).await.unwrap();
    life.deliver(&records(2)).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_bad_record_in_a_batch_is_found_and_reported_alone() {
    let server = HttpServer::start(|request, _| {
        let bad = request.text().split(',').any(|value| value == "v13" || value == "v40");
        Reply::status(if bad { 422 } else { 200 })
    });
    let server = server.unwrap();
    let url = server.url("/");
    let more = [("batch.max.size", "50"), ("retry.on.status.codes", "500-")];
    let mut life = Life::start(&quick(&url, &more), true).await.unwrap();
    life.deliver(&records(50)).await.unwrap();
    assert_eq!(life.reported.offsets(), [13, 40]);
    let taken = server.requests();
    let taken: Vec<String> = taken
        .iter()
        .map(HttpRequest::text)
        .filter(|body| !body.split(',').any(|value| value == "v13" || value == "v40"))
        .collect();
    let expected: Vec<String> =
        (0..50).filter(|number| ![13, 40].contains(number)).map(|number| format!("v{number}")).collect();
    assert_eq!(taken.join(","), expected.join(","));
}

#[tokio::test]
async fn redirects_keep_the_body_or_are_failures() {
    let target = HttpServer::start(|_, _| Reply::status(200)).unwrap();
    let there = target.url("/there");
    let server = HttpServer::start(move |request, _| {
        let status = if request.target == "/keeps" { 307 } else { 302 };
        Reply::with(status, &[("Location", &there)], "")
    });
    let server = server.unwrap();
    let more = [("retry.on.status.codes", "500-")];
    let url = server.url("/keeps");
    Life::start(&quick(&url, &more), false).await.unwrap().deliver(&records(1)).await.unwrap();
    assert_eq!(bodies(&target), ["v0"]);
    let url = server.url("/loses");
    let error = Life::start(&quick(&url, &more), false).await.unwrap().deliver(&records(1)).await.unwrap_err();
    assert!(error.to_string().contains("which would lose the body and is not followed"), "{error}");
    assert_eq!(target.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_redirect_ends() {
    let server = HttpServer::start(|_, _| Reply::with(308, &[("Location", "/again")], "")).unwrap();
    let url = server.url("/");
    let mut life = Life::start(&quick(&url, &[("max.retries", "0")]), false).await.unwrap();
    let error = life.deliver(&records(1)).await.unwrap_err();
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let tokens = HttpServer::start(|_, number| {
        Reply::with(200, &[], format!(r#"{{"access_token":"token{number}","expires_in":3600}}"#))
    });
    let tokens = tokens.unwrap();
    let refusals = AtomicUsize::new(0);
    let server = HttpServer::start(move |request, _| {
        let expired = request.text() == "v5" && refusals.fetch_add(1, Ordering::SeqCst) == 0;
        Reply::status(if expired { 401 } else { 200 })
    });
    let server = server.unwrap();
    let (url, token_url) = (server.url("/"), tokens.url("/token"));
    let more = [
        ("auth.type", "OAUTH2"),
        ("oauth2.token.url", &*token_url),
        ("oauth2.client.id", "me"),
        ("oauth2.client.secret", "s3cret"),
        ("oauth2.client.auth.mode", "url"),
        ("concurrency.limit", "4"),
    ];
    Life::start(&quick(&url, &more), false).await.unwrap().deliver(&records(20)).await.unwrap();
    let asked = bodies(&tokens);
    assert_eq!(asked, ["grant_type=client_credentials&scope=any&client_id=me&client_secret=s3cret"; 2]);
    let requests = server.requests();
    assert_eq!(requests.len(), 21);
    let with = |token: &str| requests.iter().filter(|request| request.header("authorization") == Some(token)).count();
    assert!(with("Bearer token0") > 0 && with("Bearer token1") > 0);
    assert_eq!(with("Bearer token0") + with("Bearer token1"), 21);
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_is_named_without_its_secret() {
    let tokens = HttpServer::start(|_, _| Reply::with(400, &[], r#"{"error":"invalid_client"}"#)).unwrap();
    let (url, token_url) = (tokens.url("/never"), tokens.url("/token"));
    let more = [
        ("auth.type", "OAUTH2"),
        ("oauth2.token.url", &*token_url),
        ("oauth2.client.id", "me"),
        ("oauth2.client.secret", "s3cret"),
        ("max.retries", "1"),
    ];
    let error = Life::start(&quick(&url, &more), false).await.unwrap().deliver(&records(1)).await.unwrap_err().trace();
    assert!(error.contains("no OAuth2 token from") && error.contains("invalid_client"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn the_pace_is_kept() {
    let server = HttpServer::start(|_, _| Reply::status(200)).unwrap();
    let url = server.url("/");
    let more = [("sluice.rate.limit.per.second", "50"), ("concurrency.limit", "8")];
    let mut life = Life::start(&quick(&url, &more), false).await.unwrap();
    let began = Instant::now();
    life.deliver(&records(26)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_proxy_gets_the_whole_address_and_its_own_password() {
    let proxy = HttpServer::start(|_, _| Reply::status(200)).unwrap();
    let port = proxy.port().to_string();
    let more = [
        ("http.proxy.host", "127.0.0.1"),
        ("http.proxy.port", &*port),
        ("http.proxy.user", "u"),
        ("http.proxy.password", "p"),
    ];
    Life::start(&quick("http://nowhere.test/x", &more), false).await.unwrap().deliver(&records(1)).await.unwrap();
    let requests = proxy.requests();
    assert_eq!(requests[0].target, "http://nowhere.test/x");
    assert_eq!(requests[0].header("proxy-authorization"), Some("Basic dTpw"));
}

/// Documents by id, as the server would have them.
#[tokio::test]
async fn bulk_results_are_per_record() {
    let rejected_once = AtomicUsize::new(0);
    let server = HttpServer::start(move |request, _| {
        let text = request.text();
        let items = text.lines().step_by(2).map(|action| {
            let status = match action {
                action if action.contains("\"k3\"") => 400,
                action if action.contains("\"k5\"") && rejected_once.fetch_add(1, Ordering::SeqCst) < 2 => 429,
                action if action.contains("\"k6\"") => 409,
                _ => 201,
            };
            format!(r#"{{"index":{{"status":{status},"error":{{"type":"mapper_parsing_exception","reason":"no"}}}}}}"#)
        });
        let items: Vec<String> = items.collect();
        Reply::with(
            200,
            &[("Content-Type", "application/json")],
            format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(",")),
        )
    });
    let server = server.unwrap();
    let url = server.url("/_bulk");
    let mut life = Life::start(&quick(&url, &[("sluice.preset", "bulk")]), true).await.unwrap();
    let records: Vec<SinkRecord> = (0..8).map(|offset| record("t", offset, format!("k{offset}"), "{}")).collect();
    life.deliver(&records).await.unwrap();
    assert_eq!(life.reported.offsets(), [3]);
    assert!(life.reported.0.lock().unwrap()[0].1.contains("mapper_parsing_exception"));
    let requests = server.requests();
    assert_eq!(requests[0].header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<usize> = requests.iter().map(|request| request.text().lines().count()).collect();
    // Once all of it, then the one that was to come later, twice.
    assert_eq!(lines, [16, 2, 2]);
}

#[tokio::test]
async fn mistakes_are_shown_at_their_keys() {
    use sluice_api::ConnectorPlugin;
    let validate = |class: &crate::sink::SinkPlugin, config: &[(&str, &str)]| {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let wrong = class.validate(&config).into_iter().filter(|value| !value.error_messages.is_empty());
        wrong.map(|value| (value.name, value.error_messages.join("|"))).collect::<Vec<_>>()
    };
    let keys = |class: &crate::sink::SinkPlugin, config: &[(&str, &str)]| {
        validate(class, config).into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let (confluent, aiven) = (crate::sink::CONFLUENT, crate::sink::AIVEN);
    assert_eq!(keys(&confluent, &[]), ["http.api.url"]);
    assert_eq!(keys(&confluent, &[("http.api.url", "ftp://x")]), ["http.api.url"]);
    assert_eq!(keys(&confluent, &[("http.api.url", "http://x/${a")]), ["http.api.url"]);
    let basic =
        [("http.api.url", "http://x"), ("auth.type", "BASIC"), ("retry.on.status.codes", "x"), ("headers", "no")];
    assert_eq!(
        keys(&confluent, &basic),
        ["headers", "retry.on.status.codes", "connection.user", "connection.password"]
    );
    let reporter = validate(&confluent, &[("http.api.url", "http://x"), ("reporter.error.topic.partitions", "0")]);
    assert_eq!(reporter[0].0, "reporter.error.topic.partitions");
    assert_eq!(keys(&confluent, &[("http.api.url", "http://x")]), [""; 0]);
    assert_eq!(keys(&aiven, &[("http.url", "http://x")]), ["http.authorization.type"]);
    let aiven_keys = [("http.url", "http://x"), ("http.authorization.type", "oauth2")];
    assert_eq!(keys(&aiven, &aiven_keys), ["oauth2.access.token.url", "oauth2.client.id", "oauth2.client.secret"]);
    let twice = [("http.url", "http://x"), ("http.authorization.type", "none"), ("http.headers.additional", "a:1,A:2")];
    assert_eq!(keys(&aiven, &twice), ["http.headers.additional"]);
}

mod tls {
    //! Certificates: whose are taken, and whose are shown.

    use std::fs;

    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
    use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
    use openssl::x509::{X509, X509Name};

    use super::*;

    struct Pair {
        certificate: X509,
        key: PKey<Private>,
    }

    fn issue(name: &str, issuer: Option<&Pair>, ends_in_s: i64) -> Pair {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.certificate.subject_name())).unwrap();
        builder.set_pubkey(&key).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        builder.set_not_before(&Asn1Time::from_unix(now - 86_400).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(now + ends_in_s).unwrap()).unwrap();
        match issuer {
            None => builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap(),
            Some(issuer) => {
                let context = builder.x509v3_context(Some(&issuer.certificate), None);
                let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
                builder.append_extension(names).unwrap();
            }
        }
        builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
        Pair { certificate: builder.build(), key }
    }

    fn acceptor(server: &Pair, clients_of: Option<&Pair>) -> SslAcceptor {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        builder.set_private_key(&server.key).unwrap();
        builder.set_certificate(&server.certificate).unwrap();
        if let Some(authority) = clients_of {
            builder.cert_store_mut().add_cert(authority.certificate.clone()).unwrap();
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        builder.build()
    }

    #[tokio::test]
    async fn only_valid_certificates_are_taken_and_a_client_shows_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let authority = issue("authority", None, 86_400);
        let client = issue("client", Some(&authority), 86_400);
        let (trust, identity) = (path("trust.pem"), path("client.pem"));
        fs::write(&trust, authority.certificate.to_pem().unwrap()).unwrap();
        let client = [client.key.private_key_to_pem_pkcs8().unwrap(), client.certificate.to_pem().unwrap()].concat();
        fs::write(&identity, client).unwrap();
        let trusting = [("https.ssl.truststore.location", &*trust), ("max.retries", "0")];
        let showing = [trusting[0], trusting[1], ("https.ssl.keystore.location", &*identity)];
        type Config<'a> = &'a [(&'a str, &'a str)];
        type Case<'a> = (&'a str, i64, bool, Config<'a>, Option<&'a str>);
        let cases: [Case<'_>; 5] = [
            ("trusted", 86_400, false, &trusting, None),
            ("expired", -3_600, false, &trusting, Some("certificate has expired")),
            ("of an unknown authority", 86_400, false, &trusting[1..], Some("certificate verify failed")),
            ("wants a client's", 86_400, true, &trusting, Some("certificate required")),
            ("gets a client's", 86_400, true, &showing, None),
        ];
        for (name, ends_in_s, mutual, config, refusal) in cases {
            let acceptor = acceptor(&issue("server", Some(&authority), ends_in_s), mutual.then_some(&authority));
            let server = HttpServer::start_tls(acceptor, |_, _| Reply::status(200)).unwrap();
            let url = server.url("/");
            let outcome = Life::start(&quick(&url, config), false).await.unwrap().deliver(&records(1)).await;
            match (outcome, refusal) {
                (Ok(_), None) => assert_eq!(server.requests().len(), 1, "{name}"),
                (Err(error), Some(refusal)) => assert!(error.to_string().contains(refusal), "{name}: {error}"),
                (outcome, _) => panic!("{name}: {outcome:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_read_is_named() {
        let missing = [("http.api.url", "https://h"), ("https.ssl.keystore.location", "/no/such.p12")];
        let error = Life::start(&missing, false).await.err().unwrap().to_string();
        assert!(error.starts_with("reading `https.ssl.keystore.location` /no/such.p12: No such file"), "{error}");
    }
}

/// Invariant 3: the topics of `reporter.*` have every record once, in the form that Confluent's sink gives it.
#[tokio::test]
async fn result_and_error_topics_are_told_what_became_of_each_record() {
    let server = HttpServer::start(|request, number| match (request.text().as_str(), number) {
        (_, 0) => Reply::status(503),
        ("v1", _) => Reply::with(400, &[], "no \"v1\""),
        ("v2", _) => Reply::Reset,
        (text, _) => Reply::with(200, &[], format!("took {text}")),
    });
    let server = server.unwrap();
    let url = server.url("/in");
    let more = [
        ("reporter.bootstrap.servers", "broker:9092"),
        ("reporter.producer.security.protocol", "SSL"),
        ("reporter.error.topic.name", "errors-of-${connector}"),
        ("reporter.error.topic.replication.factor", "1"),
        ("reporter.error.topic.value.format", "string"),
        ("max.retries", "1"),
        ("behavior.on.error", "log"),
    ];
    let mut life = Life::start(&quick(&url, &more), false).await.unwrap();
    assert_eq!(life.deliver(&records(4)).await.unwrap(), 0);
    let topics = life.told.topics.lock().unwrap().clone();
    let names: Vec<_> = topics.iter().map(|topic| (topic.name.as_str(), topic.replication_factor)).collect();
    assert_eq!(names, [("sink-success", 3), ("errors-of-sink", 1)]);
    let [producer, admin] = life.told.clients.lock().unwrap().clone();
    assert_eq!(
        (producer["bootstrap.servers"].as_str(), producer["security.protocol"].as_str()),
        ("broker:9092", "SSL")
    );
    assert_eq!(admin.len(), 1);

    let sentence =
        |rest: &str| format!("Retry time lapsed, unable to process HTTP request. HTTP Response code: {rest}");
    let told = life.told.texts();
    assert_eq!(told[0], ["sink-success", "\"k0\"", "\"took v0\""]);
    let refused = format!(
        "400, Reason phrase: Bad Request, Url: {url}, Response content: no \"v1\", Exception: null, Error message: null"
    );
    assert_eq!(told[1], ["errors-of-sink", "\"k1\"", &sentence(&refused)]);
    let lost = format!(
        "null, Reason phrase: , Url: {url}, Response content: , Exception: java.io.IOException, Error message: "
    );
    assert!(told[2][2].starts_with(&sentence(&lost)), "{:?}", told[2]);
    assert_eq!(told[3], ["sink-success", "\"k3\"", "\"took v3\""]);
    assert_eq!(told.len(), 4);
    let place = [("offset", "1"), ("timestamp", "0"), ("partition", "0"), ("topic", "t")];
    let place = place.map(|(name, value)| (format!("input_record_{name}"), value.to_owned()));
    let answer = [
        ("error_message", "null"),
        ("exception", "null"),
        ("response_content", "no \"v1\""),
        ("status_code", "400"),
        ("payload", "[v1]"),
        ("reason_phrase", "Bad Request"),
        ("url", &url),
    ];
    let answer = answer.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(life.told.headers(1), [&place[..], &answer[..]].concat());

    // Nobody asked for reports: there are no topics.
    let mut quiet = Life::start(&quick(&url, &[]), false).await.unwrap();
    quiet.deliver(&records(1)).await.unwrap();
    assert!(quiet.told.topics.lock().unwrap().is_empty() && quiet.told.texts().is_empty());
}
