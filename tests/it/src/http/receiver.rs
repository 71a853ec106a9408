//! The receiver in a worker that is killed again and again: what was answered with 200 is in Kafka (Invariant 3).

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use sluice_harness::{Kafka, Random, Sluice, count, free_port, wait_until};

use super::{ARRIVED, frequent_flushes};

const SENDERS: usize = 8;

/// The status of a POST, or nothing when the connection breaks.
fn post(address: SocketAddr, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = body.len();
    write!(stream, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Sends each number until it is answered with 200; returns how often another answer, or none, came.
fn send_all(address: SocketAddr, numbers: impl Iterator<Item = usize>, done: &AtomicUsize) -> Result<usize> {
    let mut again = 0;
    for number in numbers {
        let deadline = Instant::now() + ARRIVED;
        while post(address, &number.to_string()) != Some(200) {
            again += 1;
            ensure!(Instant::now() < deadline, "{number} was never taken");
            thread::park_timeout(Duration::from_millis(20));
        }
        done.fetch_add(1, Ordering::SeqCst);
    }
    Ok(again)
}

#[test]
fn what_was_answered_with_success_is_in_kafka_whatever_is_killed() -> Result<()> {
    let kafka = Kafka::start()?;
    kafka.topics().create("hooks", 1, &[])?;
    let mut worker = Sluice::distributed(&frequent_flushes(&kafka, "http-receiver")).start()?;
    let address: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
    let config = json!({
        "connector.class": "sluice.HttpReceiverSource",
        "listen": address.to_string(),
        "topic": "hooks",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    worker.rest().put_connector("in", &config)?.expect(201)?;
    let (kills, total) = (count(2, 10), count(1_000, 200_000));
    let done = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let done = done.clone();
            thread::spawn(move || send_all(address, (sender..total).step_by(SENDERS), &done))
        })
        .collect();
    let mut random = Random::of("http-receiver");
    for kill in 0..kills {
        // Each time while requests come in.
        let goal = total * (kill + 1) / (kills + 1);
        wait_until("requests", ARRIVED, || -> Result<()> {
            let taken = done.load(Ordering::SeqCst);
            ensure!(taken >= goal, "{taken} of {goal}");
            Ok(())
        })?;
        thread::park_timeout(Duration::from_millis(random.range(0, 50)));
        worker.kill9()?;
        worker.restart()?;
    }
    let mut again = 0;
    for sender in senders {
        again += sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??;
    }
    let records = kafka.topics().read("hooks")?;
    let stored: BTreeSet<usize> = records.iter().filter_map(|record| record.value_text().parse().ok()).collect();
    ensure!(stored.len() == total, "{} of {total} that were answered with 200 are in Kafka", stored.len());
    eprintln!("{total} requests, {kills} kills, {again} attempts failed, {} records came again", records.len() - total);
    Ok(())
}
