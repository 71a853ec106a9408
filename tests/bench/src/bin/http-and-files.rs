//! What HTTP and followed files cost: our worker next to the barest loop that does the same, in one run on one machine.
//!
//! CPU is that of the worker process, or of the one thread of a bare loop. Every row says how many records or requests were counted at the
//! far end; a run with another count fails. `--small` shows only that it works.

use std::convert::Infallible;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sluice_harness::{Engine, Kafka, Properties, Scratch, Setup, Worker, free_port, wait_until};

const DEADLINE: Duration = Duration::from_secs(600);
const LINE_BYTES: usize = 100;
/// Requests at a time, of the sink, the bare client and the senders alike.
const CONCURRENCY: usize = 16;
const FILES: u64 = 1_000;

/// What HTTP and followed files cost.
#[derive(Parser)]
struct Arguments {
    /// A size that only shows that it works.
    #[arg(long)]
    small: bool,
    /// Where to write the figures.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

/// A line of the table.
struct Row {
    what: &'static str,
    count: u64,
    seconds: f64,
    cpu_seconds: f64,
    /// Sorted, in milliseconds; of requests that were timed.
    latencies_ms: Vec<f64>,
}

impl Row {
    fn percentile(&self, part: f64) -> Option<f64> {
        let at = (self.latencies_ms.len() as f64 * part) as usize;
        self.latencies_ms.get(at.min(self.latencies_ms.len().saturating_sub(1))).copied()
    }

    fn line(&self) -> String {
        let per_second = self.count as f64 / self.seconds;
        let per_million = self.cpu_seconds * 1e6 / self.count as f64;
        let latency = |part| self.percentile(part).map_or("–".to_owned(), |ms| format!("{ms:.2} ms"));
        let [middle, late] = [latency(0.5), latency(0.99)];
        format!("| {} | {} | {per_second:.0} | {per_million:.2} | {middle} | {late} |", self.what, self.count)
    }

    fn json(&self) -> Value {
        let percentiles: Vec<Value> =
            [0.5, 0.9, 0.99, 0.999].into_iter().map(|part| json!([part, self.percentile(part)])).collect();
        json!({"what": self.what, "count": self.count, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds,
               "latency_ms": percentiles})
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let requests: u64 = if arguments.small { 2_000 } else { 200_000 };
    let lines: u64 = if arguments.small { 20_000 } else { 2_000_000 };
    let kafka = Kafka::start()?;
    let mut rows = vec![file_source(&kafka, lines)?, followed_files(&kafka, lines)?];
    rows.push(bare_client(requests)?);
    rows.push(sink(&kafka, "HTTP sink, one record a request", requests, 1)?);
    rows.push(sink(&kafka, "HTTP sink, 500 records a request", requests * 5, 500)?);
    rows.push(bare_server(requests)?);
    rows.push(receiver(&kafka, requests)?);
    println!(
        "| | records or requests | per second | CPU seconds per million | p50 | p99 |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    rows.iter().for_each(|row| println!("{}", row.line()));
    if let Some(path) = &arguments.json {
        let all: Vec<Value> = rows.iter().map(Row::json).collect();
        fs::write(path, serde_json::to_string_pretty(&all)? + "\n")?;
    }
    Ok(())
}

fn line(number: u64) -> String {
    format!("{number:012} {:x<width$}", "", width = LINE_BYTES - 13)
}

fn worker(kafka: &Kafka) -> Result<Worker> {
    let properties = Properties::distributed(kafka, "bench").with("offset.flush.interval.ms", "10000");
    Setup::distributed(Engine::Sluice, &properties).start()
}

/// Creates the connector and measures until `count` arrived.
fn measured(
    worker: &Worker,
    what: &'static str,
    config: &Value,
    count: u64,
    arrived: impl Fn() -> Result<u64>,
) -> Result<Row> {
    let (before, began) = (worker.usage()?.cpu_seconds, Instant::now());
    worker.rest().put_connector("bench", config)?.expect(201)?;
    wait_until(what, DEADLINE, || -> Result<()> {
        let arrived = arrived()?;
        ensure!(arrived >= count, "{arrived} of {count}");
        Ok(())
    })?;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), worker.usage()?.cpu_seconds - before);
    ensure!(arrived()? == count, "{} arrived instead of {count}", arrived()?);
    Ok(Row { what, count, seconds, cpu_seconds, latencies_ms: Vec::new() })
}

fn to_topic(kafka: &Kafka, what: &'static str, topic: &str, mut config: Value, count: u64) -> Result<Row> {
    kafka.topics().create(topic, 1, &[])?;
    config["topic"] = topic.into();
    config["value.converter"] = "org.apache.kafka.connect.storage.StringConverter".into();
    let watch = kafka.topics().watch_end(topic)?;
    measured(&worker(kafka)?, what, &config, count, || Ok(u64::try_from(watch.end()?)?))
}

fn file_source(kafka: &Kafka, lines: u64) -> Result<Row> {
    let scratch = Scratch::new("bench-file")?;
    let path = scratch.path().join("lines");
    fs::write(&path, (0..lines).map(|number| line(number) + "\n").collect::<String>())?;
    let class = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    to_topic(kafka, "FileStreamSource, one file", "one", json!({"connector.class": class, "file": path}), lines)
}

fn followed_files(kafka: &Kafka, lines: u64) -> Result<Row> {
    let scratch = Scratch::new("bench-files")?;
    let of_file = lines / FILES;
    for file in 0..FILES {
        let text: String = (file * of_file..(file + 1) * of_file).map(|number| line(number) + "\n").collect();
        fs::write(scratch.path().join(format!("{file}.log")), text)?;
    }
    let config = json!({"connector.class": "sluice.FileSource", "paths": scratch.path().join("*.log")});
    to_topic(kafka, "sluice.FileSource, 1,000 files", "many", config, of_file * FILES)
}

/// An HTTP server in one thread of its own that counts lines of bodies.
struct Server {
    address: SocketAddr,
    lines: Arc<AtomicU64>,
    cpu: std::path::PathBuf,
}

impl Server {
    fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let (address, lines) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
        let (told, thread_path) = std::sync::mpsc::channel();
        let of_thread = lines.clone();
        thread::spawn(move || -> Result<()> {
            told.send(fs::canonicalize("/proc/thread-self")?)?;
            runtime()?.block_on(serve(tokio::net::TcpListener::from_std(listener)?, of_thread))
        });
        Ok(Self { address, lines, cpu: thread_path.recv().context("the server did not start")? })
    }

    fn taken(&self) -> u64 {
        self.lines.load(Ordering::SeqCst)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn serve(listener: tokio::net::TcpListener, lines: Arc<AtomicU64>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let lines = lines.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let lines = lines.clone();
            async move {
                let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let count = body.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
                lines.fetch_add(count, Ordering::SeqCst);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// CPU seconds of a thread, by its folder in `/proc`.
fn thread_cpu(path: &std::path::Path) -> Result<f64> {
    let text = fs::read_to_string(path.join("schedstat"))?;
    Ok(text.split(' ').next().context("schedstat")?.parse::<f64>()? / 1e9)
}

fn bare_client(requests: u64) -> Result<Row> {
    let server = Server::start()?;
    let own = fs::canonicalize("/proc/thread-self")?;
    let url = format!("http://{}/", server.address);
    let (before, began) = (thread_cpu(&own)?, Instant::now());
    runtime()?.block_on(async {
        let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..CONCURRENCY as u64 {
            let (client, url) = (client.clone(), url.clone());
            senders.spawn(async move {
                for number in (sender..requests).step_by(CONCURRENCY) {
                    client.post(&url).body(line(number)).send().await?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), thread_cpu(&own)? - before);
    ensure!(server.taken() == requests, "{} requests were taken", server.taken());
    Ok(Row {
        what: "bare reqwest, one record a request",
        count: requests,
        seconds,
        cpu_seconds,
        latencies_ms: Vec::new(),
    })
}

fn sink(kafka: &Kafka, what: &'static str, records: u64, batch: u32) -> Result<Row> {
    let topic = format!("sink-{batch}");
    kafka.topics().create(&topic, 1, &[])?;
    kafka.topics().produce(&topic, (0..records).map(line))?;
    let server = Server::start()?;
    let config = json!({
        "connector.class": "io.confluent.connect.http.HttpSinkConnector",
        "topics": topic,
        "http.api.url": format!("http://{}/", server.address),
        "concurrency.limit": CONCURRENCY,
        "batch.max.size": batch,
        "batch.separator": "\n",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    measured(&worker(kafka)?, what, &config, records, || Ok(server.taken()))
}

/// Sends requests over connections that stay open, and says how long each took, in milliseconds.
fn send_all(address: SocketAddr, requests: u64) -> Result<Vec<f64>> {
    let senders: Vec<_> = (0..CONCURRENCY as u64)
        .map(|sender| thread::spawn(move || send(address, (sender..requests).step_by(CONCURRENCY))))
        .collect();
    let mut latencies = Vec::new();
    for sender in senders {
        latencies.extend(sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

fn send(address: SocketAddr, numbers: impl Iterator<Item = u64>) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let (mut latencies, mut text) = (Vec::new(), String::new());
    for number in numbers {
        let body = line(number);
        let began = Instant::now();
        stream.write_all(
            format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes(),
        )?;
        let mut length = 0;
        for at in 0.. {
            text.clear();
            ensure!(answers.read_line(&mut text)? > 0, "the connection ended");
            ensure!(at > 0 || text.starts_with("HTTP/1.1 200"), "an answer that is no success: {text}");
            if let Some(value) = text.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if text == "\r\n" {
                break;
            }
        }
        answers.read_exact(&mut vec![0; length])?;
        latencies.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(latencies)
}

fn bare_server(requests: u64) -> Result<Row> {
    let server = Server::start()?;
    let (before, began) = (thread_cpu(&server.cpu)?, Instant::now());
    let latencies_ms = send_all(server.address, requests)?;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), thread_cpu(&server.cpu)? - before);
    ensure!(server.taken() == requests, "{} requests were taken", server.taken());
    Ok(Row { what: "bare hyper", count: requests, seconds, cpu_seconds, latencies_ms })
}

fn receiver(kafka: &Kafka, requests: u64) -> Result<Row> {
    kafka.topics().create("received", 1, &[])?;
    let worker = worker(kafka)?;
    let address: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
    let config = json!({
        "connector.class": "sluice.HttpReceiverSource",
        "listen": address.to_string(),
        "topic": "received",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    worker.rest().put_connector("bench", &config)?.expect(201)?;
    wait_until("the receiver to listen", DEADLINE, || TcpStream::connect(address).is_ok().then_some(()))?;
    let watch = kafka.topics().watch_end("received")?;
    let (before, began) = (worker.usage()?.cpu_seconds, Instant::now());
    let latencies_ms = send_all(address, requests)?;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), worker.usage()?.cpu_seconds - before);
    // Every answer was a success, so Kafka has all of them.
    ensure!(u64::try_from(watch.end()?)? == requests, "{} records in the topic", watch.end()?);
    Ok(Row { what: "sluice.HttpReceiverSource", count: requests, seconds, cpu_seconds, latencies_ms })
}
