//! The HTTP client that every part of the crate shares: one connection pool per task, with its TLS, proxy, credentials and pace.
//!
//! Called by the sink. It knows requests and answers, no records. What it guarantees: every request has a deadline, an answer is read
//! to a bound only, and no credential is in an error text (Invariant 9).

mod answer;
mod auth;
mod oauth;
mod pace;
mod retry;
mod statuses;
mod tls;

use std::time::Duration;

use reqwest::{Client, Method, Proxy, Url, redirect};
use sluice_api::config::Password;
use sluice_api::{ConnectError, Result};

pub(crate) use answer::{Answer, Failure};
pub(crate) use auth::{Auth, Authorizer};
pub(crate) use oauth::OAuth2;
pub(crate) use pace::Pace;
pub(crate) use retry::{Backoff, RetryPolicy};
pub(crate) use statuses::Statuses;
pub(crate) use tls::{Store, TlsFiles};

/// Redirects that keep method and body are followed this often.
const MAX_REDIRECTS: usize = 5;
const USER_AGENT: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// How to reach servers.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    pub(crate) connect_timeout: Duration,
    /// From the first byte out to the last byte in.
    pub(crate) request_timeout: Duration,
    pub(crate) proxy: Option<ProxySettings>,
    pub(crate) tls: TlsFiles,
    /// Idle connections that are kept.
    pub(crate) connections: usize,
}

/// A proxy for all requests.
#[derive(Clone, Debug)]
pub(crate) struct ProxySettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
}

impl ClientSettings {
    /// Reads the certificates and makes the client.
    ///
    /// # Errors
    /// `Config` naming what cannot be used.
    pub(crate) fn build(&self) -> Result<Client> {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(self.connect_timeout)
            .timeout(self.request_timeout)
            .pool_max_idle_per_host(self.connections.max(1))
            .tcp_nodelay(true)
            // What the configuration says alone: a variable of the worker's environment must not reroute a connector.
            .no_proxy()
            .redirect(redirects());
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy.build()?),
            None => builder,
        };
        let client = self.tls.apply(builder)?.build();
        client.map_err(|error| {
            ConnectError::config(format!("the HTTP client cannot be made: {error}")).with_source(error)
        })
    }
}

impl ProxySettings {
    fn build(&self) -> Result<Proxy> {
        let url = format!("http://{}:{}", self.host, self.port);
        let proxy = Proxy::all(&url).map_err(|error| {
            ConnectError::config(format!("`http.proxy.host` {}: {error}", self.host)).with_source(error)
        })?;
        Ok(match &self.user {
            Some(user) => proxy.basic_auth(user, self.password.as_ref().map_or("", |password| password.expose())),
            None => proxy,
        })
    }
}

/// 307 and 308 keep method and body and are followed; the others would turn a delivery into a GET that loses its records, so they
/// come back as answers (Invariant 3).
fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let keeps_body = matches!(attempt.status().as_u16(), 307 | 308);
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error(format!("more than {MAX_REDIRECTS} redirects"));
        }
        if keeps_body { attempt.follow() } else { attempt.stop() }
    })
}

/// An address of the configuration.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_url(text: &str) -> std::result::Result<Url, String> {
    let url =
        Url::parse(text).map_err(|error| format!("expected an address such as http://host:port/path: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(format!("expected http or https, got {scheme}")),
    }
}

/// A method that carries records.
pub(crate) fn parse_method(text: &str) -> Method {
    match text.to_ascii_uppercase().as_str() {
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        "GET" => Method::GET,
        _ => Method::POST,
    }
}
