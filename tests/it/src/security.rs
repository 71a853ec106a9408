//! Secured clusters: every way in works for both Kafka clients with the same properties, and every refusal is one clear error.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::json;
use sluice_harness::{
    Entrance, PASSWORD, Properties as WorkerProperties, REAUTHENTICATION_MS, STORE_PASSWORD, Scratch, SecuredKafka,
    Sluice, USER, count, wait_until,
};
use sluice_kafka::wire::{ClientConfig, GroupAdmin, GroupConfig, GroupMember, HeartbeatOutcome};
use sluice_kafka::{
    Ack, Admin, Consumer, ConsumerLimits, Error, ErrorKind, NewTopic, Producer, ProducerLimits, ProducerRecord,
    Properties, TopicPartition,
};

use crate::stores::{DEADLINE, blocking, within};

const PLAIN_MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM_MODULE: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
const BEARER_MODULE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
const BEARER_HANDLER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";

type Settings = Vec<(&'static str, String)>;

fn shared() -> Result<&'static SecuredKafka> {
    static SHARED: OnceLock<Result<SecuredKafka, String>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| SecuredKafka::start().map_err(|error| format!("{error:#}")));
    shared.as_ref().map_err(|error| anyhow!("the secured broker did not start: {error}"))
}

fn login(module: &str, user: &str, password: &str) -> String {
    format!("{module} required username=\"{user}\" password=\"{password}\";")
}

fn path(kafka: &SecuredKafka, name: &str) -> String {
    kafka.file(name).display().to_string()
}

fn pem(kafka: &SecuredKafka, name: &str) -> Result<String> {
    fs::read_to_string(kafka.file(name)).with_context(|| format!("reading {name}"))
}

/// Trusts the broker's authority, from a store of this kind.
fn trust(kafka: &SecuredKafka, kind: &str) -> Result<Settings> {
    Ok(match kind {
        "JKS" | "PKCS12" => vec![
            ("ssl.truststore.type", kind.to_owned()),
            ("ssl.truststore.location", path(kafka, if kind == "JKS" { "trust.jks" } else { "trust.p12" })),
            ("ssl.truststore.password", STORE_PASSWORD.to_owned()),
        ],
        "PEM file" => {
            vec![("ssl.truststore.type", "PEM".to_owned()), ("ssl.truststore.location", path(kafka, "ca.pem"))]
        }
        _ => vec![("ssl.truststore.type", "PEM".to_owned()), ("ssl.truststore.certificates", pem(kafka, "ca.pem")?)],
    })
}

/// The client's own certificate, from a store of this kind.
fn identity(kafka: &SecuredKafka, kind: &str) -> Result<Settings> {
    let password = STORE_PASSWORD.to_owned();
    Ok(match kind {
        "JKS" | "PKCS12" => vec![
            ("ssl.keystore.type", kind.to_owned()),
            ("ssl.keystore.location", path(kafka, if kind == "JKS" { "client.jks" } else { "client.p12" })),
            ("ssl.keystore.password", password.clone()),
            ("ssl.key.password", password),
        ],
        "PEM file" => vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", path(kafka, "client.pem")),
            ("ssl.key.password", password),
        ],
        _ => vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.certificate.chain", pem(kafka, "client-chain.pem")?),
            ("ssl.keystore.key", pem(kafka, "client-key.pem")?),
            ("ssl.key.password", password),
        ],
    })
}

fn scram(kafka: &SecuredKafka, mechanism: &str, password: &str, trusted: &str) -> Result<Settings> {
    let mut settings = trust(kafka, trusted)?;
    settings.extend([
        ("bootstrap.servers", kafka.bootstrap(Entrance::Scram)),
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", mechanism.to_owned()),
        ("sasl.jaas.config", login(SCRAM_MODULE, USER, password)),
    ]);
    Ok(settings)
}

fn plain(kafka: &SecuredKafka, password: &str) -> Settings {
    vec![
        ("bootstrap.servers", kafka.bootstrap(Entrance::Plain)),
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "PLAIN".to_owned()),
        ("sasl.jaas.config", login(PLAIN_MODULE, USER, password)),
    ]
}

fn mutual_tls(kafka: &SecuredKafka, store: &str) -> Result<Settings> {
    let mut settings = trust(kafka, store)?;
    settings.extend(identity(kafka, store)?);
    settings.push(("bootstrap.servers", kafka.bootstrap(Entrance::MutualTls)));
    settings.push(("security.protocol", "SSL".to_owned()));
    Ok(settings)
}

fn bearer(kafka: &SecuredKafka, options: &str, more: &[(&'static str, &str)]) -> Settings {
    let mut settings = vec![
        ("bootstrap.servers", kafka.bootstrap(Entrance::Bearer)),
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("sasl.jaas.config", format!("{BEARER_MODULE} required{options};")),
    ];
    settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    settings
}

fn client(settings: &Settings, more: &[(&str, &str)]) -> Properties {
    let given = settings.iter().map(|(key, value)| (*key, value.as_str()));
    given.chain(more.iter().copied()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A record through librdkafka and back, and the calls of the raw-protocol client: all with the same properties.
async fn works(name: &str, settings: &Settings) -> Result<()> {
    let topic = format!("secured-{name}");
    let admin = Admin::new(&client(settings, &[]))?;
    within("the cluster id", admin.cluster_id(DEADLINE)).await??;
    let new = NewTopic { name: topic.clone(), partitions: 1, replication_factor: 1, settings: Properties::new() };
    within("the topic", admin.create_topic(&new, DEADLINE)).await??;
    let producer = Producer::new(&client(settings, &[]), ProducerLimits::default())?;
    ensure!(producer.send(&[record(&topic, name)], 0)? == 1, "not accepted");
    within("the ack", producer.flush(DEADLINE)).await??;
    ensure!(acks(&producer).iter().all(|ack| ack.result.is_ok()), "the record was not written");
    let consumer = Consumer::new(&client(settings, &[("group.id", &topic)]), ConsumerLimits::default())?;
    consumer.assign_from_beginning(&[TopicPartition::new(topic.as_str(), 0)])?;
    let values = within("the record", async {
        loop {
            let polled = consumer.poll_batch(10, Duration::from_millis(50))?;
            if !polled.records.is_empty() {
                return Ok::<_, Error>(polled.records);
            }
            tokio::task::yield_now().await;
        }
    });
    let values = values.await??;
    ensure!(values[0].value.as_deref() == Some(name.as_bytes()), "{values:?}");
    let group = format!("group-{name}");
    let mut member = member(settings, &group)?;
    join(&mut member).await?;
    ensure!(within("a heartbeat", member.heartbeat()).await?? == HeartbeatOutcome::Ok, "the member is not alive");
    let properties = client(settings, &[]);
    let config = ClientConfig::parse(properties.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
    let described = within("the group", GroupAdmin::new(config).describe(&group)).await??;
    ensure!(described.members.len() == 1, "{described:?}");
    within("leaving", member.leave()).await??;
    Ok(())
}

fn member(settings: &Settings, group: &str) -> Result<GroupMember> {
    let properties = client(settings, &[("group.id", group), ("session.timeout.ms", "30000")]);
    Ok(GroupMember::new(GroupConfig::parse(properties.iter().map(|(key, value)| (key.as_str(), value.as_str())))?))
}

async fn join(member: &mut GroupMember) -> Result<()> {
    let offer = [("compatible".to_owned(), Bytes::from_static(b"metadata"))];
    let joined = within("joining", member.join(&offer)).await??;
    within("the assignment", member.sync(vec![(joined.member_id, Bytes::from_static(b"work"))])).await??;
    Ok(())
}

fn record(topic: &str, value: &str) -> ProducerRecord {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    ProducerRecord { topic: topic.into(), partition: None, timestamp_ms: None, key: None, value, headers: Vec::new() }
}

fn acks(producer: &Producer) -> Vec<Ack> {
    let mut acks = Vec::new();
    producer.poll();
    producer.take_acks(&mut acks);
    acks
}

#[tokio::test(flavor = "multi_thread")]
async fn scram_over_tls_works_with_every_kind_of_trust_store() -> Result<()> {
    let kafka = blocking(shared)?;
    for (name, mechanism, trusted) in [
        ("scram-256-jks", "SCRAM-SHA-256", "JKS"),
        ("scram-512-pkcs12", "SCRAM-SHA-512", "PKCS12"),
        ("scram-512-pem-file", "SCRAM-SHA-512", "PEM file"),
        ("scram-256-pem", "SCRAM-SHA-256", "PEM"),
    ] {
        works(name, &scram(kafka, mechanism, PASSWORD, trusted)?).await.context(name)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_works() -> Result<()> {
    let kafka = blocking(shared)?;
    works("plain", &plain(kafka, PASSWORD)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_works_from_every_kind_of_store() -> Result<()> {
    let kafka = blocking(shared)?;
    for (name, store) in [("jks", "JKS"), ("pkcs12", "PKCS12"), ("pem-file", "PEM file"), ("pem", "PEM")] {
        works(&format!("mutual-{name}"), &mutual_tls(kafka, store)?).await.context(name)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bearer_tokens_work_from_every_source() -> Result<()> {
    let kafka = blocking(shared)?;
    let unsecured = bearer(kafka, " unsecuredLoginStringClaim_sub=\"me\"", &[]);
    works("bearer-unsecured", &unsecured).await.context("unsecured")?;
    let endpoint = TokenEndpoint::start()?;
    let url = format!("http://127.0.0.1:{}/token", endpoint.port);
    let handler = ("sasl.login.callback.handler.class", BEARER_HANDLER);
    let asked = bearer(
        kafka,
        "",
        &[
            handler,
            ("sasl.oauthbearer.token.endpoint.url", &url),
            ("sasl.oauthbearer.client.credentials.client.id", "the-client"),
            ("sasl.oauthbearer.client.credentials.client.secret", "the-secret"),
            ("sasl.oauthbearer.scope", "kafka"),
        ],
    );
    works("bearer-endpoint", &asked).await.context("token endpoint")?;
    ensure!(endpoint.asked() == 1, "one token serves all clients, but {} were asked for", endpoint.asked());
    let scratch = Scratch::new("token")?;
    fs::write(scratch.join("token"), jwt("from-a-file")?)?;
    let url = format!("file://{}", scratch.join("token").display());
    let file = bearer(kafka, "", &[handler, ("sasl.oauthbearer.token.endpoint.url", &url)]);
    works("bearer-file", &file).await.context("token file")
}

/// KIP-368: the broker closes a connection that does not show a token again in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renewed_before_it_ends() -> Result<()> {
    let kafka = blocking(shared)?;
    let settings = bearer(kafka, " unsecuredLoginStringClaim_sub=\"me\"", &[]);
    let mut member = member(&settings, "renewed")?;
    join(&mut member).await?;
    blocking(|| kafka.kafka().topics().create("renewed", 1, &[]))?;
    let producer = Producer::new(&client(&settings, &[]), ProducerLimits::default())?;
    let (began, mut beats, mut ticks) = (Instant::now(), 0, tokio::time::interval(Duration::from_millis(100)));
    while began.elapsed() < Duration::from_millis(REAUTHENTICATION_MS * 3) {
        ticks.tick().await;
        let outcome = within("a heartbeat", member.heartbeat()).await??;
        ensure!(outcome == HeartbeatOutcome::Ok, "{outcome:?} after {} ms", began.elapsed().as_millis());
        ensure!(producer.send(&[record("renewed", "x")], beats)? == 1, "not accepted");
        within("the ack", producer.flush(DEADLINE)).await??;
        beats += 1;
    }
    let acks = acks(&producer);
    ensure!(acks.len() as u64 == beats && acks.iter().all(|ack| ack.result.is_ok()), "{} of {beats} acks", acks.len());
    Ok(())
}

/// What a client with these properties is told, by each client, and how often the broker was tried meanwhile.
async fn refused(name: &str, settings: &Settings, expected: [&str; 2]) -> Result<()> {
    let address = settings.iter().find(|(key, _)| *key == "bootstrap.servers").map(|(_, value)| value.clone());
    let proxy = CountingProxy::start(address.context("an address")?)?;
    let bootstrap = format!("127.0.0.1:{}", proxy.port);
    let properties = client(settings, &[("bootstrap.servers", &bootstrap)]);
    let error = match Admin::new(&properties)?.cluster_id(DEADLINE).await {
        Err(error) => error,
        Ok(id) => bail!("{name}: let in, to cluster {id}"),
    };
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[0]), "{name}: {error}");
    ensure!(proxy.connections() == 1, "{name}: the raw-protocol client connected {} times", proxy.connections());
    let began = Instant::now();
    let producer = Producer::new(&properties, ProducerLimits::default())?;
    ensure!(producer.send(&[record("nowhere", name)], 0)? == 1, "not accepted");
    within("the refusal", producer.flush(DEADLINE)).await?.context("the record is given up")?;
    let error = match acks(&producer).pop().map(|ack| ack.result) {
        Some(Err(error)) => error,
        other => bail!("{name}: {other:?} instead of an error"),
    };
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[1]), "{name}: {error}");
    let consumer =
        Consumer::new(&client(&properties_of(&properties), &[("group.id", name)]), ConsumerLimits::default())?;
    consumer.subscribe(&["nowhere"])?;
    let error = within("the consumer's refusal", async {
        loop {
            match consumer.poll_batch(1, Duration::from_millis(50)) {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    });
    let error = error.await?;
    ensure!(error.kind() == ErrorKind::Authentication && error.to_string().contains(expected[1]), "{name}: {error}");
    // Two clients that try again after 50 ms, then 100, up to a second.
    let most = 1 + 2 * (6 + usize::try_from(began.elapsed().as_secs())?);
    ensure!(proxy.connections() <= most, "{name}: {} connections, at most {most} expected", proxy.connections());
    let error = error.to_string();
    ensure!(!error.contains("alice-secret") && !error.contains("wrong-secret"), "{name}: {error}");
    Ok(())
}

fn properties_of(properties: &Properties) -> Settings {
    const KEYS: [&str; 9] = [
        "bootstrap.servers",
        "security.protocol",
        "sasl.mechanism",
        "sasl.jaas.config",
        "ssl.truststore.type",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.certificates",
        "ssl.endpoint.identification.algorithm",
    ];
    KEYS.iter().filter_map(|key| Some((*key, properties.get(*key)?.clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let scram = scram(kafka, "SCRAM-SHA-256", "wrong-secret", "PEM")?;
    let reason = "invalid credentials with SASL mechanism SCRAM-SHA-256";
    refused("wrong-scram", &scram, [reason, reason]).await?;
    let reason = "Authentication failed: Invalid username or password";
    refused("wrong-plain", &plain(kafka, "wrong-secret"), [reason, reason]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let mut settings = trust(kafka, "PEM")?;
    settings.push(("security.protocol", "SSL".to_owned()));
    settings.push(("bootstrap.servers", kafka.bootstrap(Entrance::Expired)));
    refused("expired", &settings, ["certificate has expired", "certificate is refused: it has expired"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_one_clear_error() -> Result<()> {
    let kafka = blocking(shared)?;
    let mut settings = scram(kafka, "SCRAM-SHA-512", PASSWORD, "PEM")?;
    let other = pem(kafka, "other-ca.pem")?;
    settings.retain(|(key, _)| *key != "ssl.truststore.certificates");
    settings.push(("ssl.truststore.certificates", other));
    let reason = "its authority is not in `ssl.truststore.*`";
    refused("unknown", &settings, [reason, reason]).await
}

/// The worker's own clients, the group membership, and the clients of both connectors.
#[test]
fn the_main_job_runs_over_tls_and_scram() -> Result<()> {
    let kafka = shared()?;
    let scratch = Scratch::new("secured-job")?;
    let (input, output) = (scratch.join("in.txt"), scratch.join("out.txt"));
    let lines = count(2_000, 200_000);
    let text: String = (0..lines).map(|number| format!("line {number}\n")).collect();
    fs::write(&input, &text)?;
    let worker = Sluice::distributed(&worker_properties(kafka, "secured-job", PASSWORD)?).start()?;
    kafka.kafka().topics().create("secured-job", 1, &[])?;
    let source = json!({ "connector.class": "FileStreamSource", "file": input, "topic": "secured-job" });
    worker.rest().put_connector("in", &source)?.expect(201)?;
    let sink = json!({ "connector.class": "FileStreamSink", "file": output, "topics": "secured-job" });
    worker.rest().put_connector("out", &sink)?.expect(201)?;
    wait_until("the same file at the other end", Duration::from_secs(180), || {
        let written = fs::read_to_string(&output).unwrap_or_default();
        if written == text { Ok(()) } else { Err(anyhow!("{} of {} bytes", written.len(), text.len())) }
    })?;
    // A connector that brings a user of its own: the policy allows it, the broker does not.
    let jaas = login(SCRAM_MODULE, USER, "wrong-secret");
    let wrong = json!({
        "connector.class": "FileStreamSink", "file": scratch.join("none.txt"), "topics": "secured-job",
        "consumer.override.sasl.jaas.config": jaas,
    });
    worker.rest().put_connector("wrong", &wrong)?.expect(201)?;
    let trace = wait_until("the task to fail", Duration::from_secs(60), || {
        let status = worker.rest().status("wrong")?;
        match status["tasks"][0]["trace"].as_str() {
            Some(trace) => Ok(trace.to_owned()),
            None => Err(anyhow!("{status}")),
        }
    })?;
    ensure!(trace.contains("invalid credentials with SASL mechanism SCRAM-SHA-512"), "{trace}");
    // Invariant 9.
    let said = worker.logs() + &trace;
    ensure!(!said.contains(PASSWORD) && !said.contains("wrong-secret") && !said.contains(STORE_PASSWORD), "{said}");
    Ok(())
}

#[test]
fn a_worker_with_a_wrong_password_says_so_once_and_ends() -> Result<()> {
    let kafka = shared()?;
    let proxy = CountingProxy::start(kafka.bootstrap(Entrance::Scram))?;
    let bootstrap = format!("127.0.0.1:{}", proxy.port);
    let properties = worker_properties(kafka, "secured-wrong", "wrong-secret")?.with("bootstrap.servers", &bootstrap);
    let mut worker = Sluice::distributed(&properties).launch()?;
    let ended = worker.wait_end(Duration::from_secs(60))?;
    let said = worker.logs();
    ensure!(!ended.success(), "the worker ended with {ended}");
    ensure!(said.contains("invalid credentials with SASL mechanism SCRAM-SHA-512"), "{said}");
    ensure!(!said.contains("wrong-secret") && !said.contains(STORE_PASSWORD), "{said}");
    ensure!(proxy.connections() <= 30, "{} connections", proxy.connections());
    Ok(())
}

/// As for Kafka Connect: the worker's own clients take the properties as they are, connectors' clients those with a prefix.
fn worker_properties(kafka: &SecuredKafka, name: &str, password: &str) -> Result<WorkerProperties> {
    let settings = scram(kafka, "SCRAM-SHA-512", password, "JKS")?;
    let mut properties = WorkerProperties::distributed(kafka.kafka(), name);
    for (key, value) in &settings {
        properties = properties.with(key, value);
        if *key != "bootstrap.servers" {
            for prefix in ["producer", "consumer", "admin"] {
                properties = properties.with(&format!("{prefix}.{key}"), value);
            }
        }
    }
    Ok(properties)
}

/// Passes connections on and counts them.
struct CountingProxy {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl CountingProxy {
    fn start(target: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::AcqRel);
                if let Ok(server) = TcpStream::connect(&target) {
                    pass_on(&client, &server);
                    pass_on(&server, &client);
                }
            }
        });
        Ok(Self { port, connections })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }
}

fn pass_on(from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        // However it ends, both sides hear of it.
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(std::net::Shutdown::Both));
    });
}

/// An identity provider that knows one client.
struct TokenEndpoint {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl TokenEndpoint {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::AcqRel);
                let answer = answer_to(&request(&mut stream).unwrap_or_default());
                // A client that is gone needs no answer.
                drop(stream.write_all(answer.as_bytes()));
            }
        });
        Ok(Self { port, asked })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }
}

fn request(stream: &mut TcpStream) -> Result<String> {
    let (mut text, mut buffer) = (String::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer)?;
        text += &String::from_utf8_lossy(&buffer[..read]);
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if read == 0 || complete {
            return Ok(text);
        }
    }
}

fn answer_to(request: &str) -> String {
    let known = format!("Basic {}", STANDARD.encode("the-client:the-secret"));
    let asks = request.contains("grant_type=client_credentials") && request.contains("scope=kafka");
    let (status, body) = match jwt("from-an-endpoint") {
        Ok(token) if request.contains(&known) && asks => {
            ("200 OK", json!({ "access_token": token, "expires_in": 600 }))
        }
        _ => ("401 Unauthorized", json!({ "error": "invalid_client" })),
    };
    let body = body.to_string();
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn jwt(subject: &str) -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let claims = BTreeMap::from([("sub", json!(subject)), ("iat", json!(now)), ("exp", json!(now + 600))]);
    let claims = serde_json::to_string(&claims)?;
    Ok(format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims)))
}
