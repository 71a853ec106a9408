//! The receiver as senders see it.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::{Client, RequestBuilder};
use sluice_api::ConnectorPlugin;
use sluice_api::testkit::SourceDriver;

use super::*;
use crate::receiver::ReceiverPlugin;

struct Place {
    address: SocketAddr,
    config: Properties,
    client: Client,
}

/// Status, body and `Retry-After`.
type Heard = (u16, String, Option<String>);

impl Place {
    fn new(more: &[(&str, &str)]) -> Self {
        let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        let listen = address.to_string();
        let own = [("listen", &*listen), ("topic", "hooks")];
        let config = own.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { address, config, client: Client::builder().no_proxy().build().unwrap() }
    }

    async fn start(&self) -> SourceDriver {
        SourceDriver::start(Box::<ReceiverTask>::default(), &self.config, Arc::default()).await.unwrap()
    }

    fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client.post(format!("http://{}/hook", self.address)).body(body)
    }
}

fn send(request: RequestBuilder) -> JoinHandle<Heard> {
    tokio::spawn(async move {
        let answer = request.send().await.unwrap();
        let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), answer.text().await.unwrap(), retry)
    })
}

/// Polls until the answer is there.
async fn heard(driver: &mut SourceDriver, mut answer: JoinHandle<Heard>) -> Heard {
    loop {
        tokio::select! {
            heard = &mut answer => return heard.unwrap(),
            records = driver.poll() => assert!(records.unwrap().is_empty()),
        }
    }
}

/// Invariant 3: success is told after the acknowledgement, not before.
#[tokio::test]
async fn a_sender_hears_of_success_only_after_the_acknowledgement() {
    let place = Place::new(&[("key.header", "X-GitHub-Delivery"), ("headers", "X-GitHub-Event")]);
    let mut driver = place.start().await;
    let request = place.post("{}").header("X-GitHub-Delivery", "id 1").header("X-GitHub-Event", "push");
    let answer = send(request);
    let records = driver.poll_until(1).await.unwrap();
    for _ in 0..20 {
        assert!(driver.poll().await.unwrap().is_empty() && !answer.is_finished());
    }
    driver.acknowledge(1).await.unwrap();
    assert_eq!(heard(&mut driver, answer).await, (200, "{\"partition\":0,\"offset\":0}\n".to_owned(), None));
    let record = &records[0];
    assert_eq!((&*record.topic, &record.key, &record.value), ("hooks", &"id 1".into(), &"{}".into()));
    assert_eq!(record.headers.last_with_name("x-github-event").unwrap().value, "push".into());
}

#[tokio::test]
async fn a_record_that_was_dropped_or_is_not_acknowledged_is_no_success() {
    let place = Place::new(&[("ack.timeout.ms", "200"), ("retry.after.seconds", "7")]);
    let mut driver = place.start().await;
    let answer = send(place.post("late"));
    let (status, text, retry) = loop {
        driver.poll().await.unwrap();
        if answer.is_finished() {
            break answer.await.unwrap();
        }
    };
    let expected = "Kafka did not acknowledge the record in time\n";
    assert_eq!((status, text.as_str(), retry.as_deref()), (503, expected, Some("7")));
    // What is acknowledged too late disturbs nobody.
    driver.acknowledge(1).await.unwrap();

    let mut task = ReceiverTask::default();
    let (desk, arrivals) = Desk::new(sluice_api::connector::MemoryShare::new(1 << 20), 1);
    let settings = parse(&place.config, &mut Problems::default()).unwrap();
    let place = (Arc::new(OffsetMap::default()), OffsetMap::default());
    let listener = tokio::spawn(async {});
    let mut receiving = Receiving { settings, desk, arrivals, listener, waiting: HashMap::new(), next_token: 5, place };
    let (reply, fate) = oneshot::channel();
    let record = receiving.record(Arrival { key: None, body: "x".into(), headers: Vec::new(), reply });
    task.receiving = Some(receiving);
    task.commit_records(&[CommittedRecord { token: record.token, position: None }]).await.unwrap();
    assert_eq!(fate.await.unwrap(), Fate::Dropped);
}

#[tokio::test]
async fn requests_that_are_not_right_are_refused_by_name() {
    let more = [
        ("path", "/hook"),
        ("max.body.bytes", "10"),
        ("authorization", "Bearer secret"),
        ("key.header", "X-Id"),
        ("methods", "POST, PUT"),
    ];
    let place = Place::new(&more);
    let mut driver = place.start().await;
    let url = format!("http://{}/hook", place.address);
    let signed = |request: RequestBuilder| request.header("authorization", "Bearer secret").header("X-Id", "1");
    let streamed = reqwest::Body::from("01234567890");
    let cases = [
        (signed(place.client.post(format!("{url}s"))), 404),
        (signed(place.client.get(&url)), 405),
        (place.post("x").header("X-Id", "1"), 401),
        (place.post("x").header("X-Id", "1").header("authorization", "Bearer secreT"), 401),
        (place.post("x").header("authorization", "Bearer secret"), 400),
        (signed(place.post(streamed)), 413),
        (signed(place.post(&b"\xff\xfe"[..])), 400),
    ];
    for (request, status) in cases {
        let (heard, text, _) = heard(&mut driver, send(request)).await;
        assert_eq!(heard, status, "{text}");
    }
    let answer = send(signed(place.client.put(&url).body("0123456789")));
    assert_eq!(driver.poll_until(1).await.unwrap()[0].value, "0123456789".into());
    driver.acknowledge(1).await.unwrap();
    assert_eq!(heard(&mut driver, answer).await.0, 200);
}

#[tokio::test]
async fn unsigned_bodies_are_refused() {
    let place = Place::new(&[("signature.type", "github"), ("signature.secret", "It's a Secret to Everybody")]);
    let mut driver = place.start().await;
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let forged = place.post("Hello, World?").header("X-Hub-Signature-256", signature);
    assert_eq!(heard(&mut driver, send(forged)).await.1, "the signature is not that of the body\n");
    let answer = send(place.post("Hello, World!").header("X-Hub-Signature-256", signature));
    assert_eq!(driver.poll_until(1).await.unwrap().len(), 1);
    driver.acknowledge(1).await.unwrap();
    assert_eq!(heard(&mut driver, answer).await.0, 200);
}

/// Back-pressure: what Kafka does not take in time is not taken from senders either.
#[tokio::test]
async fn more_requests_than_may_wait_are_asked_to_come_again() {
    let place = Place::new(&[("max.pending.requests", "3")]);
    let mut driver = place.start().await;
    let waiting: Vec<_> = (0..3).map(|number| send(place.post(number.to_string()))).collect();
    assert_eq!(driver.poll_until(3).await.unwrap().len(), 3);
    let refused = heard(&mut driver, send(place.post("4"))).await;
    assert_eq!((refused.0, refused.2.as_deref()), (429, Some("1")));
    driver.acknowledge(3).await.unwrap();
    for answer in waiting {
        assert_eq!(heard(&mut driver, answer).await.0, 200);
    }
    let answer = send(place.post("5"));
    assert_eq!(driver.poll_until(1).await.unwrap().len(), 1);
    driver.acknowledge(1).await.unwrap();
    assert_eq!(heard(&mut driver, answer).await.0, 200);
}

#[tokio::test]
async fn who_waits_when_the_task_stops_is_asked_to_come_again() {
    let place = Place::new(&[]);
    let mut driver = place.start().await;
    let answer = send(place.post("x"));
    driver.poll_until(1).await.unwrap();
    driver.stop().await.unwrap();
    let (status, text, retry) = answer.await.unwrap();
    assert_eq!((status, text.as_str(), retry.as_deref()), (503, "the receiver is stopping\n", Some("1")));
    assert!(place.post("y").send().await.is_err(), "nobody listens any more");
    // The address is free again.
    place.start().await.stop().await.unwrap();
}

#[test]
fn mistakes_are_shown_at_their_keys() {
    let wrong = |config: &[(&str, &str)]| {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let values = ReceiverPlugin.validate(&config).into_iter();
        values.filter(|value| !value.error_messages.is_empty()).map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&[]), ["listen", "topic"]);
    assert_eq!(wrong(&[("listen", "127.0.0.1:1"), ("topic", "t")]), [""; 0]);
    let all = [
        ("listen", "here"),
        ("topic", "t"),
        ("path", "hook"),
        ("methods", "GET"),
        ("key.header", "a b"),
        ("signature.type", "stripe"),
    ];
    assert_eq!(wrong(&all), ["listen", "path", "methods", "signature.secret", "key.header"]);
}
