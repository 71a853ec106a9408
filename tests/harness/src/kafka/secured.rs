//! A broker with one listener for each way in: SCRAM over TLS, PLAIN in clear, certificates alone, OAUTHBEARER, and one whose
//! certificate has expired. Its own traffic, and what tests read and write behind the client's back, go in clear.

use std::path::PathBuf;

use anyhow::Result;

use super::broker::{Kafka, Listener};
use super::certificates::{self, STORE_PASSWORD};
use crate::scratch::{Scratch, free_port};

/// The user of the SCRAM and PLAIN listeners.
pub const USER: &str = "alice";
/// The password of [`USER`].
pub const PASSWORD: &str = "alice-secret-1";
/// How long a session of the OAUTHBEARER listener may last before the client has to show a token again.
pub const REAUTHENTICATION_MS: u64 = 3_000;

/// A way into the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// SASL_SSL, SCRAM-SHA-256 and SCRAM-SHA-512.
    Scram,
    /// SASL_PLAINTEXT, PLAIN.
    Plain,
    /// SSL, the client has to have a certificate.
    MutualTls,
    /// SASL_PLAINTEXT, OAUTHBEARER with tokens that nobody signed.
    Bearer,
    /// SSL with a certificate that has expired.
    Expired,
}

impl Entrance {
    const ALL: [Entrance; 5] =
        [Entrance::Scram, Entrance::Plain, Entrance::MutualTls, Entrance::Bearer, Entrance::Expired];

    const fn listener(self) -> (&'static str, &'static str) {
        match self {
            Entrance::Scram => ("SCRAM", "SASL_SSL"),
            Entrance::Plain => ("PLAIN", "SASL_PLAINTEXT"),
            Entrance::MutualTls => ("MTLS", "SSL"),
            Entrance::Bearer => ("BEARER", "SASL_PLAINTEXT"),
            Entrance::Expired => ("EXPIRED", "SSL"),
        }
    }
}

/// The broker, and the certificates that fit it.
#[derive(Debug)]
pub struct SecuredKafka {
    kafka: Kafka,
    ports: Vec<(Entrance, u16)>,
    folder: Scratch,
}

impl SecuredKafka {
    /// Starts one with new certificates.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("certificates")?;
        certificates::make(folder.path())?;
        let mut ports = Vec::new();
        for entrance in Entrance::ALL {
            ports.push((entrance, free_port()?));
        }
        let listeners: Vec<Listener<'_>> = ports
            .iter()
            .map(|(entrance, port)| {
                let (name, protocol) = entrance.listener();
                Listener { name, protocol, port: *port, advertised_port: *port }
            })
            .collect();
        let settings = settings(&folder);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let users: Vec<String> = ["SCRAM-SHA-256", "SCRAM-SHA-512"]
            .map(|mechanism| format!("{mechanism}=[name={USER},password={PASSWORD}]"))
            .to_vec();
        let kafka = Kafka::start_listening(&listeners, &settings, &users)?;
        Ok(SecuredKafka { kafka, ports, folder })
    }

    /// The broker behind it, reached in clear.
    #[must_use]
    pub const fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// The broker behind it, to stop and restart it.
    pub const fn kafka_mut(&mut self) -> &mut Kafka {
        &mut self.kafka
    }

    /// `bootstrap.servers` of one way in.
    #[must_use]
    pub fn bootstrap(&self, entrance: Entrance) -> String {
        let port = self.ports.iter().find(|(found, _)| *found == entrance).map_or(0, |(_, port)| *port);
        format!("127.0.0.1:{port}")
    }

    /// A file of the certificates' folder: `ca.pem`, `other-ca.pem`, `trust.jks`, `trust.p12`, `client.jks`, `client.p12`,
    /// `client.pem`, `client-chain.pem`, `client-key.pem`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn settings(folder: &Scratch) -> Vec<(&'static str, String)> {
    let store = |name: &str| folder.join(name).display().to_string();
    let login = |module: &str, options: &str| format!("org.apache.kafka.common.security.{module} required{options};");
    vec![
        ("ssl.keystore.type", "PKCS12".to_owned()),
        ("ssl.keystore.location", store("server.p12")),
        ("ssl.keystore.password", STORE_PASSWORD.to_owned()),
        ("ssl.key.password", STORE_PASSWORD.to_owned()),
        ("ssl.truststore.type", "PKCS12".to_owned()),
        ("ssl.truststore.location", store("trust.p12")),
        ("ssl.truststore.password", STORE_PASSWORD.to_owned()),
        ("listener.name.mtls.ssl.client.auth", "required".to_owned()),
        ("listener.name.expired.ssl.keystore.type", "PKCS12".to_owned()),
        ("listener.name.expired.ssl.keystore.location", store("expired.p12")),
        ("listener.name.expired.ssl.keystore.password", STORE_PASSWORD.to_owned()),
        ("listener.name.expired.ssl.key.password", STORE_PASSWORD.to_owned()),
        ("listener.name.scram.sasl.enabled.mechanisms", "SCRAM-SHA-256,SCRAM-SHA-512".to_owned()),
        ("listener.name.scram.scram-sha-256.sasl.jaas.config", login("scram.ScramLoginModule", "")),
        ("listener.name.scram.scram-sha-512.sasl.jaas.config", login("scram.ScramLoginModule", "")),
        ("listener.name.plain.sasl.enabled.mechanisms", "PLAIN".to_owned()),
        (
            "listener.name.plain.plain.sasl.jaas.config",
            login("plain.PlainLoginModule", &format!(" user_{USER}=\"{PASSWORD}\"")),
        ),
        ("listener.name.bearer.sasl.enabled.mechanisms", "OAUTHBEARER".to_owned()),
        (
            "listener.name.bearer.oauthbearer.sasl.jaas.config",
            login("oauthbearer.OAuthBearerLoginModule", " unsecuredLoginStringClaim_sub=\"broker\""),
        ),
        ("listener.name.bearer.oauthbearer.connections.max.reauth.ms", REAUTHENTICATION_MS.to_string()),
    ]
}
