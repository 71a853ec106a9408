//! Requests to the registry: addresses in turn, retries with growing pauses, time-outs. Blocks the task's own thread.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use sluice_api::{ConnectError, Result as ConnectResult};
use ureq::{Agent, Proxy};

use super::answers;
use super::auth::{Credentials, basic_header, split_user_info};
use super::config::ClientConfig;
use super::error::Error;

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// A registry's answer is one schema: what is larger is no registry's.
const ANSWER_LIMIT_BYTES: u64 = 32 << 20;

/// The addresses of one registry with one connection pool.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    addresses: Vec<Address>,
    /// The address that answered last.
    current: Cell<usize>,
    headers: Vec<(String, String)>,
    max_retries: u32,
    retry_wait: Duration,
    retry_max_wait: Duration,
}

#[derive(Debug)]
struct Address {
    /// Without user and password (Invariant 9).
    url: String,
    authorization: Option<Credentials>,
}

impl Http {
    /// No connection is made yet.
    ///
    /// # Errors
    /// `Config` for certificates or a proxy that cannot be used.
    pub(super) fn new(config: &ClientConfig) -> ConnectResult<Self> {
        let proxy = config.proxy.as_deref().map(Proxy::new).transpose().map_err(|error| {
            ConnectError::config("`proxy.host` and `proxy.port` give no address").with_source(error)
        })?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(proxy)
            .timeout_connect(Some(config.connect_timeout))
            .timeout_global(Some(config.connect_timeout + config.read_timeout))
            .timeout_recv_response(Some(config.read_timeout))
            .user_agent("sluice")
            .tls_config(config.tls.load()?)
            .build()
            .into();
        Ok(Self {
            agent,
            addresses: config.urls.iter().map(|url| Address::new(url, &config.credentials)).collect(),
            current: Cell::new(0),
            headers: config.headers.clone(),
            max_retries: config.max_retries,
            retry_wait: config.retry_wait,
            retry_max_wait: config.retry_max_wait,
        })
    }

    /// GET, and what `read` makes of the answer.
    pub(super) fn get<T>(&self, path: &str, read: fn(&[u8]) -> Result<T, String>) -> Result<T, Error> {
        self.request(path, None, read)
    }

    /// POST, and what `read` makes of the answer.
    pub(super) fn post<T>(&self, path: &str, body: &[u8], read: fn(&[u8]) -> Result<T, String>) -> Result<T, Error> {
        self.request(path, Some(body), read)
    }

    fn request<T>(&self, path: &str, body: Option<&[u8]>, read: fn(&[u8]) -> Result<T, String>) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            // Another address is tried before any pause: what one registry cannot do now, its neighbour may.
            match self.each_address(path, body, read) {
                Err(error) if error.is_retriable() && attempt < self.max_retries => {
                    tracing::warn!(%error, attempt, "the schema registry is asked again");
                    thread::sleep(self.pause(attempt));
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn each_address<T>(
        &self,
        path: &str,
        body: Option<&[u8]>,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Error> {
        let first = self.current.get();
        let mut outcome = self.once(&self.addresses[first], path, body, read);
        for step in 1..self.addresses.len() {
            let Err(error) = &outcome else { break };
            if !error.is_retriable() {
                break;
            }
            let next = (first + step) % self.addresses.len();
            outcome = self.once(&self.addresses[next], path, body, read);
            self.current.set(next);
        }
        outcome
    }

    fn once<T>(
        &self,
        address: &Address,
        path: &str,
        body: Option<&[u8]>,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Error> {
        let url = &address.url;
        let unreachable = |error| Error::Unreachable { url: url.clone(), source: Box::new(error) };
        let (status, answer) = self.exchange(address, path, body).map_err(unreachable)?;
        if (200..300).contains(&status) {
            return read(&answer).map_err(|reason| Error::Malformed { url: url.clone(), reason });
        }
        let (code, message) = answers::refusal(&answer);
        Err(Error::Refused { url: url.clone(), status, code, message })
    }

    fn exchange(&self, address: &Address, path: &str, body: Option<&[u8]>) -> Result<(u16, Vec<u8>), ureq::Error> {
        let url = format!("{}{path}", address.url);
        let mut request = match body {
            Some(_) => ureq::http::Request::post(url),
            None => ureq::http::Request::get(url),
        }
        .header("Content-Type", CONTENT_TYPE)
        .header("Accept", CONTENT_TYPE);
        if let Some(Credentials::Header(value)) = &address.authorization {
            request = request.header("Authorization", value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        Ok((status, response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec()?))
    }

    /// Doubles from the first pause to the longest, and is then shortened at random so that many tasks spread out.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = self.retry_wait.saturating_mul(1 << attempt.min(20)).min(self.retry_max_wait);
        let random = RandomState::new().hash_one(Instant::now()) % 1000;
        longest.mul_f64(0.5 + random as f64 / 2000.0)
    }
}

impl Address {
    fn new(url: &str, credentials: &Credentials) -> Self {
        let (url, user_info) = split_user_info(url);
        let authorization = match credentials {
            Credentials::FromUrl => user_info.map(|user_info| Credentials::Header(basic_header(&user_info))),
            given => Some(given.clone()),
        };
        Self { url, authorization }
    }
}
