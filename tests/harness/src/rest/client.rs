//! A blocking HTTP/1.1 client, one connection per call.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::{Answer, RestTls};
use crate::wait::{Seen, wait_until};

/// Kafka Connect answers or gives up within 90 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// One request, sent exactly as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: String,
    /// Path and query as they go on the wire.
    pub path: String,
    /// Headers besides `Host`, `Connection` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// Body; `None` sends none.
    pub body: Option<String>,
}

impl Call {
    /// A call without a body that accepts JSON.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        Call { method: method.to_owned(), path: path.to_owned(), headers, body: None }
    }

    /// Adds a JSON body with its content type.
    #[must_use]
    pub fn json(self, body: &str) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// Adds a body and no content type.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// Sets a header, replacing one of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs the body as a worker of the group does that has this session key: `HmacSHA256` or `HmacSHA1`.
    pub fn signed(self, key: &[u8], algorithm: &str) -> Result<Self> {
        let digest = if algorithm == "HmacSHA1" { MessageDigest::sha1() } else { MessageDigest::sha256() };
        let body = self.body.clone().unwrap_or_default();
        let code = Signer::new(digest, PKey::hmac(key)?.as_ref())?.sign_oneshot_to_vec(body.as_bytes())?;
        let signed = self.header("X-Connect-Authorization", &BASE64.encode(code));
        Ok(signed.header("X-Connect-Request-Signature-Algorithm", algorithm))
    }
}

/// The REST interface of one worker.
#[derive(Clone, Debug)]
pub struct Rest {
    authority: String,
    tls: Option<RestTls>,
}

impl Rest {
    /// The interface at a base URL (`http://host:port`, with or without a slash at the end) or at `host:port`.
    #[must_use]
    pub fn at(base: &str) -> Self {
        Rest { tls: None, authority: base.trim_start_matches("http://").trim_end_matches('/').to_owned() }
    }

    /// The same, over TLS.
    #[must_use]
    pub fn over(self, tls: &RestTls) -> Self {
        Rest { tls: Some(tls.clone()), ..self }
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request and reads the whole answer.
    pub fn send(&self, call: &Call) -> Result<Answer> {
        self.exchange(call).with_context(|| format!("{} {} at {}", call.method, call.path, self.authority))
    }

    fn exchange(&self, call: &Call) -> Result<Answer> {
        let address = self.authority.to_socket_addrs()?.next().context("no address")?;
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(CALL_TIMEOUT))?;
        stream.set_write_timeout(Some(CALL_TIMEOUT))?;
        match &self.tls {
            None => self.talk(stream, call),
            Some(tls) => {
                let host = self.authority.rsplit_once(':').map_or(self.authority.as_str(), |(host, _)| host);
                self.talk(tls.connect(host, stream)?, call)
            }
        }
    }

    fn talk(&self, mut stream: impl Read + Write, call: &Call) -> Result<Answer> {
        let mut request =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", call.method, call.path, self.authority);
        for (name, value) in &call.headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &call.body {
            request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        } else {
            request.push_str("\r\n");
        }
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Answer::parse(&bytes)
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send(&Call::new("GET", path))
    }

    /// PUT with a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(&Call::new("PUT", path).json(&body.to_string()))
    }

    /// PUT without a body.
    pub fn put_empty(&self, path: &str) -> Result<Answer> {
        self.send(&Call::new("PUT", path))
    }

    /// POST with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(&Call::new("POST", path).json(&body.to_string()))
    }

    /// POST without a body.
    pub fn post_empty(&self, path: &str) -> Result<Answer> {
        self.send(&Call::new("POST", path))
    }

    /// PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(&Call::new("PATCH", path).json(&body.to_string()))
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.send(&Call::new("DELETE", path))
    }

    /// Creates a connector with POST, or replaces its configuration with PUT; fails on any answer but 200 and 201.
    pub fn put_connector(&self, name: &str, config: &Value) -> Result<Answer> {
        let answer = self.put(&format!("/connectors/{name}/config"), config)?;
        if matches!(answer.status, 200 | 201) { Ok(answer) } else { answer.expect(201) }
    }

    /// Creates a connector in a state (`RUNNING`, `PAUSED`, `STOPPED`); fails on any answer but 201.
    pub fn create_connector(&self, name: &str, config: &Value, initial_state: &str) -> Result<Answer> {
        self.post("/connectors", &json!({"name": name, "config": config, "initial_state": initial_state}))?.expect(201)
    }

    /// Removes a connector and waits until its status is gone too.
    pub fn remove_connector(&self, name: &str, deadline: Duration) -> Result<()> {
        self.delete(&format!("/connectors/{name}"))?.expect(204)?;
        self.wait_status(name, &format!("connector {name} to be gone"), deadline, |answer| answer.status == 404)
            .map(drop)
    }

    /// Pauses a connector: 202.
    pub fn pause(&self, name: &str) -> Result<Answer> {
        self.put_empty(&format!("/connectors/{name}/pause"))?.expect(202)
    }

    /// Resumes a connector: 202.
    pub fn resume(&self, name: &str) -> Result<Answer> {
        self.put_empty(&format!("/connectors/{name}/resume"))?.expect(202)
    }

    /// Stops a connector: 204.
    pub fn stop(&self, name: &str) -> Result<Answer> {
        self.put_empty(&format!("/connectors/{name}/stop"))?.expect(204)
    }

    /// The status of a connector.
    pub fn status(&self, name: &str) -> Result<Value> {
        self.get(&format!("/connectors/{name}/status"))?.expect(200)?.json()
    }

    /// The offsets of a connector: the array inside the answer.
    pub fn offsets(&self, name: &str) -> Result<Value> {
        let mut body = self.get(&format!("/connectors/{name}/offsets"))?.expect(200)?.json()?;
        Ok(body["offsets"].take())
    }

    /// Waits until `GET /health` is 200.
    pub fn wait_healthy(&self, deadline: Duration) -> Result<()> {
        wait_until(&format!("{} to be healthy", self.authority), deadline, || {
            self.get("/health").and_then(|answer| answer.expect(200)).map(drop)
        })
    }

    /// Waits until the connector and exactly that many tasks are RUNNING. A FAILED one ends the wait with its trace.
    pub fn wait_running(&self, name: &str, tasks: usize, deadline: Duration) -> Result<Value> {
        self.wait_state(name, "RUNNING", tasks, deadline)
    }

    /// Waits until the connector and exactly that many tasks are in a state. A FAILED one ends the wait with its trace,
    /// unless FAILED is what is awaited: then one FAILED task or connector is enough.
    pub fn wait_state(&self, name: &str, state: &str, tasks: usize, deadline: Duration) -> Result<Value> {
        wait_until(&format!("connector {name} with {tasks} tasks to be {state}"), deadline, || {
            match self.status(name) {
                Err(error) => Seen::NotYet(format!("{error:#}")),
                Ok(status) => judge(status, state, tasks),
            }
        })?
    }

    fn wait_status(&self, name: &str, what: &str, deadline: Duration, met: impl Fn(&Answer) -> bool) -> Result<Answer> {
        wait_until(what, deadline, || match self.get(&format!("/connectors/{name}/status")) {
            Err(error) => Seen::NotYet(format!("{error:#}")),
            Ok(answer) if met(&answer) => Seen::Met(answer),
            Ok(answer) => Seen::NotYet(answer.body),
        })
    }
}

/// Compares one status body with what is awaited.
fn judge(status: Value, state: &str, tasks: usize) -> Seen<Result<Value>> {
    let connector = status["connector"]["state"].as_str().unwrap_or_default();
    let task_states: Vec<&str> =
        status["tasks"].as_array().into_iter().flatten().filter_map(|task| task["state"].as_str()).collect();
    let failed = connector == "FAILED" || task_states.contains(&"FAILED");
    let met = if state == "FAILED" {
        failed
    } else {
        connector == state && task_states.len() == tasks && task_states.iter().all(|found| *found == state)
    };
    if met {
        return Seen::Met(Ok(status));
    }
    if failed {
        return Seen::Met(Err(anyhow!("awaited {state}, but it failed: {status}")));
    }
    Seen::NotYet(status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_task_ends_the_wait_for_running() {
        let status =
            json!({"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "FAILED", "trace": "boom"}]});
        assert!(matches!(judge(status.clone(), "RUNNING", 1), Seen::Met(Err(_))));
        assert!(matches!(judge(status, "FAILED", 1), Seen::Met(Ok(_))));
    }

    #[test]
    fn the_number_of_tasks_counts() {
        let status = json!({"connector": {"state": "PAUSED"}, "tasks": [{"id": 0, "state": "PAUSED"}]});
        assert!(matches!(judge(status.clone(), "PAUSED", 2), Seen::NotYet(_)));
        assert!(matches!(judge(status, "PAUSED", 1), Seen::Met(Ok(_))));
    }
}
