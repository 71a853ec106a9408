//! A registry for unit tests: real HTTP on 127.0.0.1, answers from a function, requests remembered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sluice_api::Properties;

/// What a client asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `POST /subjects/t-value/versions?normalize=false`.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

type Requests = Arc<Mutex<Vec<Request>>>;

/// A server that goes with the test process.
pub(crate) struct FakeRegistry {
    pub(crate) url: String,
    requests: Requests,
}

impl FakeRegistry {
    /// Starts a server that answers with status and body.
    pub(crate) fn start(answer: impl Fn(&Request) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Requests::default();
        let seen = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let Some(request) = read(&stream) else { continue };
                let (status, body) = answer(&request);
                seen.lock().unwrap().push(request);
                write(&stream, status, &body);
            }
        });
        Self { url, requests }
    }

    /// A registry that gives ids from 1 in the order of registration and remembers schemas by id.
    pub(crate) fn remembering() -> Self {
        let schemas: Mutex<Vec<String>> = Mutex::new(Vec::new());
        Self::start(move |request| {
            let mut schemas = schemas.lock().unwrap();
            if let Some(id) = request.line.strip_prefix("GET /schemas/ids/") {
                let id: usize = id.split(['?', ' ']).next().unwrap().parse().unwrap();
                return match schemas.get(id - 1) {
                    Some(body) => (200, body.clone()),
                    None => (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned()),
                };
            }
            let at = schemas.iter().position(|body| *body == request.body).unwrap_or_else(|| {
                schemas.push(request.body.clone());
                schemas.len() - 1
            });
            (200, format!(r#"{{"id":{},"version":1}}"#, at + 1))
        })
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first lines of the requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// Properties with this registry and short pauses, and these on top.
    pub(crate) fn properties(&self, more: &[(&str, &str)]) -> Properties {
        properties(&self.url, more)
    }
}

/// Properties with a registry at `url` and short pauses, and these on top.
pub(crate) fn properties(url: &str, more: &[(&str, &str)]) -> Properties {
    let mut all: Properties = [("schema.registry.url", url), ("retries.wait.ms", "1"), ("max.retries", "1")]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    all.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    all
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body: String::from_utf8(body).ok()? })
}

fn write(mut stream: &TcpStream, status: u16, body: &str) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    if stream.write_all(answer.as_bytes()).is_err() {
        // The client gave up: its test will say so.
    }
}
