//! What clients are given for each way into the broker.

use std::fs;

use anyhow::{Context, Result};
use sluice_harness::{Entrance, STORE_PASSWORD, SecuredKafka, USER};
use sluice_kafka::Properties;

const PLAIN_MODULE: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
pub(super) const SCRAM_MODULE: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
const BEARER_MODULE: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
pub(super) const BEARER_HANDLER: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler";

pub(super) type Settings = Vec<(&'static str, String)>;

pub(super) fn login(module: &str, user: &str, password: &str) -> String {
    format!("{module} required username=\"{user}\" password=\"{password}\";")
}

fn path(kafka: &SecuredKafka, name: &str) -> String {
    kafka.file(name).display().to_string()
}

pub(super) fn pem(kafka: &SecuredKafka, name: &str) -> Result<String> {
    fs::read_to_string(kafka.file(name)).with_context(|| format!("reading {name}"))
}

/// Trusts the broker's authority, from a store of this kind.
pub(super) fn trust(kafka: &SecuredKafka, kind: &str) -> Result<Settings> {
    Ok(match kind {
        "JKS" | "PKCS12" => vec![
            ("ssl.truststore.type", kind.to_owned()),
            ("ssl.truststore.location", path(kafka, if kind == "JKS" { "trust.jks" } else { "trust.p12" })),
            ("ssl.truststore.password", STORE_PASSWORD.to_owned()),
        ],
        "PEM file" => {
            vec![("ssl.truststore.type", "PEM".to_owned()), ("ssl.truststore.location", path(kafka, "ca.pem"))]
        }
        _ => vec![("ssl.truststore.type", "PEM".to_owned()), ("ssl.truststore.certificates", pem(kafka, "ca.pem")?)],
    })
}

/// The client's own certificate, from a store of this kind.
fn identity(kafka: &SecuredKafka, kind: &str) -> Result<Settings> {
    let password = STORE_PASSWORD.to_owned();
    Ok(match kind {
        "JKS" | "PKCS12" => vec![
            ("ssl.keystore.type", kind.to_owned()),
            ("ssl.keystore.location", path(kafka, if kind == "JKS" { "client.jks" } else { "client.p12" })),
            ("ssl.keystore.password", password.clone()),
            ("ssl.key.password", password),
        ],
        "PEM file" => vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", path(kafka, "client.pem")),
            ("ssl.key.password", password),
        ],
        _ => vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.certificate.chain", pem(kafka, "client-chain.pem")?),
            ("ssl.keystore.key", pem(kafka, "client-key.pem")?),
            ("ssl.key.password", password),
        ],
    })
}

pub(super) fn scram(kafka: &SecuredKafka, mechanism: &str, password: &str, trusted: &str) -> Result<Settings> {
    let mut settings = trust(kafka, trusted)?;
    settings.extend([
        ("bootstrap.servers", kafka.bootstrap(Entrance::Scram)),
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", mechanism.to_owned()),
        ("sasl.jaas.config", login(SCRAM_MODULE, USER, password)),
    ]);
    Ok(settings)
}

pub(super) fn plain(kafka: &SecuredKafka, password: &str) -> Settings {
    vec![
        ("bootstrap.servers", kafka.bootstrap(Entrance::Plain)),
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "PLAIN".to_owned()),
        ("sasl.jaas.config", login(PLAIN_MODULE, USER, password)),
    ]
}

pub(super) fn mutual_tls(kafka: &SecuredKafka, store: &str) -> Result<Settings> {
    let mut settings = trust(kafka, store)?;
    settings.extend(identity(kafka, store)?);
    settings.push(("bootstrap.servers", kafka.bootstrap(Entrance::MutualTls)));
    settings.push(("security.protocol", "SSL".to_owned()));
    Ok(settings)
}

pub(super) fn bearer(kafka: &SecuredKafka, options: &str, more: &[(&'static str, &str)]) -> Settings {
    let mut settings = vec![
        ("bootstrap.servers", kafka.bootstrap(Entrance::Bearer)),
        ("security.protocol", "SASL_PLAINTEXT".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("sasl.jaas.config", format!("{BEARER_MODULE} required{options};")),
    ];
    settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    settings
}

/// The properties of a client: `settings` and what is its own.
pub(super) fn client(settings: &Settings, more: &[(&str, &str)]) -> Properties {
    let given = settings.iter().map(|(key, value)| (*key, value.as_str()));
    given.chain(more.iter().copied()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
