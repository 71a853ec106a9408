//! The Java-named properties that the wire client reads. Keys that it does not know are someone else's.

use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use crate::security::Security;

/// Where the cluster is and how patient to be. One value serves every client of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// `bootstrap.servers`: `host:port` each, IPv6 in brackets.
    pub bootstrap: Vec<String>,
    /// `security.protocol`, `ssl.*` and `sasl.*`, the same as librdkafka gets.
    pub security: Arc<Security>,
    /// `client.id`; brokers put it into member ids and logs.
    pub client_id: String,
    /// `request.timeout.ms`: how long to wait for an answer.
    pub request_timeout: Duration,
    /// `default.api.timeout.ms`: how long an admin call keeps retrying.
    pub api_timeout: Duration,
    /// `socket.connection.setup.timeout.ms`: how long to wait for a connection.
    pub connection_setup_timeout: Duration,
    /// `retry.backoff.ms`: first pause after a refused request.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`: longest such pause.
    pub retry_backoff_max: Duration,
    /// `reconnect.backoff.ms`: first pause when no address takes a connection.
    pub reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`: longest such pause.
    pub reconnect_backoff_max: Duration,
}

/// One membership of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupConfig {
    /// How to reach the cluster.
    pub client: ClientConfig,
    /// `group.id`.
    pub group_id: String,
    /// Kind of group; `connect` for workers.
    pub protocol_type: String,
    /// `session.timeout.ms`: without a heartbeat for this long, the coordinator drops the member.
    pub session_timeout: Duration,
    /// `rebalance.timeout.ms`: how long the coordinator waits for members to join again.
    pub rebalance_timeout: Duration,
    /// `heartbeat.interval.ms`: how often the owner of the membership calls `heartbeat`.
    pub heartbeat_interval: Duration,
}

impl ClientConfig {
    /// Reads the client properties with the defaults of Kafka's clients. When a key is given twice, the later one wins.
    pub fn parse<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        Self::from_given(&Given::new(properties), 30_000)
    }

    fn from_given(given: &Given<'_>, request_timeout_ms: u32) -> Result<Self, Error> {
        let security = Security::parse(&|key| given.raw(key)).map_err(Error::Security)?;
        Ok(Self {
            bootstrap: bootstrap(given)?,
            security: Arc::new(security),
            client_id: given.text("client.id").unwrap_or("connect").to_owned(),
            request_timeout: given.millis("request.timeout.ms", request_timeout_ms)?,
            api_timeout: given.millis("default.api.timeout.ms", 60_000)?,
            connection_setup_timeout: given.millis("socket.connection.setup.timeout.ms", 10_000)?,
            retry_backoff: given.millis("retry.backoff.ms", 100)?,
            retry_backoff_max: given.millis("retry.backoff.max.ms", 1_000)?,
            reconnect_backoff: given.millis("reconnect.backoff.ms", 50)?,
            reconnect_backoff_max: given.millis("reconnect.backoff.max.ms", 1_000)?,
        })
    }
}

impl GroupConfig {
    /// Reads a worker's properties with the defaults of a distributed Connect worker (connect-worker.md 4.3).
    pub fn parse<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let given = Given::new(properties);
        let group_id = given.text("group.id").ok_or_else(|| property("group.id", "", "the name of the group"))?;
        Ok(Self {
            client: ClientConfig::from_given(&given, 40_000)?,
            group_id: group_id.to_owned(),
            protocol_type: "connect".to_owned(),
            session_timeout: given.millis("session.timeout.ms", 10_000)?,
            rebalance_timeout: given.millis("rebalance.timeout.ms", 60_000)?,
            heartbeat_interval: given.millis("heartbeat.interval.ms", 3_000)?,
        })
    }
}

/// The properties as given, looked up from the back.
struct Given<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Given<'a> {
    fn new(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(properties.into_iter().collect())
    }

    /// The trimmed value, `None` when absent or empty.
    fn text(&self, key: &str) -> Option<&'a str> {
        self.raw(key).map(str::trim).filter(|value| !value.is_empty())
    }

    fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn millis(&self, key: &'static str, default: u32) -> Result<Duration, Error> {
        let Some(value) = self.text(key) else { return Ok(Duration::from_millis(default.into())) };
        match value.parse::<i32>().ok().and_then(|number| u64::try_from(number).ok()) {
            Some(millis) => Ok(Duration::from_millis(millis)),
            None => Err(property(key, value, "a number of milliseconds from 0 to 2147483647")),
        }
    }
}

fn bootstrap(given: &Given<'_>) -> Result<Vec<String>, Error> {
    const KEY: &str = "bootstrap.servers";
    const EXPECTED: &str = "host:port[,host:port...]";
    let list = given.text(KEY).ok_or_else(|| property(KEY, "", EXPECTED))?;
    let addresses: Vec<&str> = list.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    match addresses.iter().find(|address| !is_host_and_port(address)) {
        Some(bad) => Err(property(KEY, bad, EXPECTED)),
        None if addresses.is_empty() => Err(property(KEY, list, EXPECTED)),
        None => Ok(addresses.into_iter().map(str::to_owned).collect()),
    }
}

fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
    let plain = !host.is_empty() && !host.contains([':', '/', '[', ']']);
    (bracketed || plain) && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn property(key: &'static str, value: &str, expected: &'static str) -> Error {
    Error::Property { key, value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::super::error::ErrorKind;
    use super::*;

    #[test]
    fn absent_keys_take_the_defaults_of_a_distributed_worker() {
        let config = GroupConfig::parse([("bootstrap.servers", "a:9092, [::1]:9093"), ("group.id", "g")]).unwrap();
        assert_eq!(config.client.bootstrap, ["a:9092", "[::1]:9093"]);
        assert_eq!(config.protocol_type, "connect");
        assert_eq!(config.client.request_timeout, Duration::from_secs(40));
        assert_eq!(config.session_timeout, Duration::from_secs(10));
        assert_eq!(config.rebalance_timeout, Duration::from_secs(60));
        assert_eq!(config.heartbeat_interval, Duration::from_secs(3));
    }

    #[test]
    fn a_later_key_wins_and_foreign_keys_are_left_alone() {
        let given = [("bootstrap.servers", "a:1"), ("retry.backoff.ms", "7"), ("x", "y"), ("retry.backoff.ms", " 9 ")];
        assert_eq!(ClientConfig::parse(given).unwrap().retry_backoff, Duration::from_millis(9));
    }

    #[test]
    fn the_security_configuration_is_the_one_of_librdkafka() {
        let wrong = [("bootstrap.servers", "a:1"), ("security.protocol", "TLS")];
        let error = ClientConfig::parse(wrong).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Fatal);
        let expected =
            "parsing `security.protocol`: expected one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, got \"TLS\"";
        assert_eq!(error.to_string(), expected);
        let secured = ClientConfig::parse([("bootstrap.servers", "a:1"), ("security.protocol", "ssl")]).unwrap();
        assert!(secured.security.tls.is_some());
        assert_eq!(*ClientConfig::parse([("bootstrap.servers", "a:1")]).unwrap().security, Security::default());
    }

    #[test]
    fn wrong_values_are_named_with_what_is_expected() {
        for (key, value, message) in [
            ("bootstrap.servers", "nohost", "`bootstrap.servers`: expected host:port[,host:port...], got \"nohost\""),
            ("bootstrap.servers", ":9092", "`bootstrap.servers`: expected host:port[,host:port...], got \":9092\""),
            ("bootstrap.servers", "a:99999", "`bootstrap.servers`: expected host:port[,host:port...], got \"a:99999\""),
            (
                "request.timeout.ms",
                "-1",
                "`request.timeout.ms`: expected a number of milliseconds from 0 to 2147483647, got \"-1\"",
            ),
        ] {
            let error = ClientConfig::parse([("bootstrap.servers", "a:1"), (key, value)]).expect_err(key);
            assert_eq!(error.to_string(), message);
        }
    }
}
