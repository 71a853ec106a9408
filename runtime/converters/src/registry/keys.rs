//! The keys that all converters with a registry have, under Confluent's names.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator};

use Importance::{High, Low, Medium};

/// The shared keys; a converter adds its own to them.
pub(crate) fn definition() -> ConfigDef {
    tls_keys(client_keys(authentication_keys(writing_keys(ConfigDef::new()))))
}

fn writing_keys(definition: ConfigDef) -> ConfigDef {
    let strategy = |key| {
        text(
            key,
            "TopicNameStrategy",
            Medium,
            "How the subject of a schema is named: TopicNameStrategy (topic and -key or -value), RecordNameStrategy, TopicRecordNameStrategy.",
        )
    };
    definition
        .define(
            ConfigKey::new("schema.registry.url", ConfigType::List, High, "Addresses of the schema registry, tried in turn.")
                .validator(Validator::list_without_duplicates(false, false)),
        )
        .define(flag("auto.register.schemas", true, Medium, "Whether schemas are registered when they are first written."))
        .define(flag("normalize.schemas", false, Medium, "Whether the registry normalizes schemas before it compares them."))
        .define(number("use.schema.id", -1, Low, "The id of the schema to write with, when schemas are not registered."))
        .define(flag("id.compatibility.strict", true, Low, "Whether the schema of use.schema.id must be able to read what was given."))
        .define(flag("use.latest.version", false, Low, "Whether records are written and read with the newest schema of the subject, when schemas are not registered."))
        .define(flag("latest.compatibility.strict", true, Low, "Whether the newest schema must be able to read what was given."))
        .define(number("latest.cache.size", 1000, Low, "How many newest schemas are kept."))
        .define(number("latest.cache.ttl.sec", -1, Low, "How long a newest schema is kept, -1 for as long as the converter lives."))
        .define(number("max.schemas.per.subject", 1000, Low, "How many schemas are kept."))
        .define(strategy("key.subject.name.strategy"))
        .define(strategy("value.subject.name.strategy"))
}

fn authentication_keys(definition: ConfigDef) -> ConfigDef {
    definition
        .define(
            text(
                "basic.auth.credentials.source",
                "URL",
                Medium,
                "Where user and password come from: URL or USER_INFO.",
            )
            .validator(Validator::one_of(&["URL", "USER_INFO", "SASL_INHERIT"])),
        )
        .define(secret("basic.auth.user.info", "User and password, with a colon between them."))
        .define(optional("bearer.auth.credentials.source", Medium, "Where the bearer token comes from: STATIC_TOKEN."))
        .define(secret("bearer.auth.token", "The bearer token."))
        .define(optional("bearer.auth.logical.cluster", Low, "Sent along as target-sr-cluster."))
        .define(optional("bearer.auth.identity.pool.id", Low, "Sent along as Confluent-Identity-Pool-Id."))
}

fn client_keys(definition: ConfigDef) -> ConfigDef {
    definition
        .define(number("http.connect.timeout.ms", 60_000, Low, "How long a connection may take."))
        .define(number("http.read.timeout.ms", 60_000, Low, "How long an answer may take."))
        .define(number(
            "max.retries",
            3,
            Low,
            "How often a request is tried again when the registry is away or in trouble.",
        ))
        .define(number("retries.wait.ms", 1000, Low, "The pause before the first retry, doubled for each further one."))
        .define(number("retries.max.wait.ms", 20_000, Low, "The longest pause before a retry."))
        .define(optional("proxy.host", Low, "The host of an HTTP proxy."))
        .define(number("proxy.port", -1, Low, "The port of the HTTP proxy."))
}

fn tls_keys(definition: ConfigDef) -> ConfigDef {
    let key = |name: &str| format!("schema.registry.ssl.{name}");
    definition
        .define(text(key("truststore.type"), "JKS", Medium, "The form of the trust store: JKS, PKCS12 or PEM."))
        .define(optional(key("truststore.location"), High, "The file with the authorities that are trusted."))
        .define(secret(key("truststore.password"), "The password of the trust store."))
        .define(secret(key("truststore.certificates"), "The authorities that are trusted, as PEM."))
        .define(text(key("keystore.type"), "JKS", Medium, "The form of the key store: JKS, PKCS12 or PEM."))
        .define(optional(key("keystore.location"), High, "The file with the client's certificate and key."))
        .define(secret(key("keystore.password"), "The password of the key store."))
        .define(secret(key("keystore.certificate.chain"), "The client's certificates, as PEM."))
        .define(secret(key("keystore.key"), "The client's key, as PEM."))
        .define(secret(key("key.password"), "The password of the client's key."))
        .define(text(
            key("endpoint.identification.algorithm"),
            "https",
            Low,
            "Whether the server's name is checked: it always is, another value than https is refused.",
        ))
}

/// A key that is `true` or `false`.
fn flag(name: &str, default: bool, importance: Importance, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Boolean, importance, documentation).default(ParsedValue::Boolean(default))
}

fn number(name: &str, default: i32, importance: Importance, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Int, importance, documentation).default(ParsedValue::Int(default))
}

fn text(name: impl Into<String>, default: &str, importance: Importance, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, importance, documentation).default(ParsedValue::String(default.to_owned()))
}

fn optional(name: impl Into<String>, importance: Importance, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, importance, documentation).optional()
}

/// A key whose value is never shown (Invariant 9).
fn secret(name: impl Into<String>, documentation: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Password, Medium, documentation).optional()
}
