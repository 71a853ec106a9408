//! An identity provider, and the tokens that it gives.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

/// An identity provider that knows one client.
pub(super) struct TokenEndpoint {
    pub(super) port: u16,
    asked: Arc<AtomicUsize>,
}

impl TokenEndpoint {
    pub(super) fn start() -> Result<Self> {
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

    pub(super) fn asked(&self) -> usize {
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

/// A token that nobody signed, for ten minutes.
pub(super) fn jwt(subject: &str) -> Result<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let claims = BTreeMap::from([("sub", json!(subject)), ("iat", json!(now)), ("exp", json!(now + 600))]);
    let claims = serde_json::to_string(&claims)?;
    Ok(format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims)))
}
