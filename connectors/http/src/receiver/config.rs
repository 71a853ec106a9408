//! The keys of `sluice.HttpReceiverSource`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use sluice_api::Properties;
use sluice_api::config::{
    ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Password, Validator,
};

use super::signature::{Scheme, Signature};
use crate::client::Store;
use crate::problems::Problems;

/// What a receiver does.
#[derive(Clone, Debug)]
pub(super) struct ReceiverSettings {
    pub(super) listen: SocketAddr,
    pub(super) topic: Arc<str>,
    /// The one path that is taken; `None` for all.
    pub(super) path: Option<String>,
    pub(super) methods: Vec<Method>,
    /// The whole `Authorization` header that a request must have.
    pub(super) authorization: Option<Password>,
    pub(super) signature: Option<Signature>,
    pub(super) body: Body,
    /// The header whose text is the key of the record.
    pub(super) key_header: Option<HeaderName>,
    /// Headers that become headers of the record.
    pub(super) headers: Vec<HeaderName>,
    pub(super) max_body_bytes: usize,
    /// Requests that wait for their acknowledgement, at most.
    pub(super) max_pending: usize,
    pub(super) max_connections: usize,
    /// In whole seconds, as the header `Retry-After` has it.
    pub(super) retry_after: HeaderValue,
    pub(super) request_timeout: Duration,
    pub(super) ack_timeout: Duration,
    /// The status for a request whose record a transform or an error policy has dropped.
    pub(super) dropped_status: u16,
    pub(super) keystore: Option<Store>,
    pub(super) key_password: Option<Password>,
}

/// What the body becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Text,
    Bytes,
}

/// Every key.
pub(super) fn definition() -> ConfigDef {
    use ConfigType::{Int, List, Password, String};
    use Importance::{High, Low, Medium};
    let key = |name, config_type, importance, text| ConfigKey::new(name, config_type, importance, text);
    let text = |name, default: &str, importance, text| {
        key(name, String, importance, text).default(ParsedValue::String(default.to_owned()))
    };
    let number = |name, default, [least, most]: [i64; 2], text| {
        key(name, Int, Low, text).default(ParsedValue::Int(default)).validator(Validator::between(least, most))
    };
    const MOST: i64 = i32::MAX as i64;
    ConfigDef::new()
        .define(
            key("listen", String, High, "address and port to listen on, such as 0.0.0.0:8090")
                .validator(Validator::non_empty_string()),
        )
        .define(key("topic", String, High, "the topic to write to").validator(Validator::non_empty_string()))
        .define(
            key(
                "path",
                String,
                Medium,
                "the path of requests; others are answered with 404. Any path when it is not set",
            )
            .optional(),
        )
        .define(text("methods", "POST", Medium, "methods of requests, between commas; others are answered with 405"))
        .define(
            key(
                "authorization",
                Password,
                Medium,
                "the header Authorization that requests must have, such as Bearer secret",
            )
            .optional(),
        )
        .define(
            text(
                "signature.type",
                "none",
                Medium,
                "how bodies are signed: none, github (X-Hub-Signature-256) or stripe (Stripe-Signature)",
            )
            .validator(Validator::one_of(&["none", "github", "stripe"])),
        )
        .define(key("signature.secret", Password, Medium, "the secret that signatures are made with").optional())
        .define(number("signature.tolerance.seconds", 300, [1, MOST], "how old a signature of stripe may be"))
        .define(
            text(
                "body.format",
                "string",
                Medium,
                "whether a body is a string, and one that is not UTF-8 is refused, or bytes",
            )
            .validator(Validator::one_of(&["string", "bytes"])),
        )
        .define(
            key(
                "key.header",
                String,
                Medium,
                "the header whose text is the key of the record, such as X-GitHub-Delivery",
            )
            .optional(),
        )
        .define(
            key(
                "headers",
                List,
                Medium,
                "headers of requests that become headers of records, under their names in lower case",
            )
            .default(ParsedValue::List(Vec::new())),
        )
        .define(number("max.body.bytes", 1_048_576, [1, MOST], "a request that is longer is answered with 413"))
        .define(number(
            "max.pending.requests",
            1_000,
            [1, 1_000_000],
            "requests that wait for Kafka at most; more are answered with 429",
        ))
        .define(number("max.connections", 1_000, [1, 1_000_000], "connections at most; more wait"))
        .define(number("retry.after.seconds", 1, [0, 86_400], "what 429 and 503 tell in Retry-After"))
        .define(number("request.timeout.ms", 30_000, [1, MOST], "how long a request may take to arrive"))
        .define(number("ack.timeout.ms", 30_000, [1, MOST], "how long Kafka may take before the answer is 503"))
        .define(number(
            "dropped.status",
            422,
            [200, 599],
            "the answer when a transform or an error policy dropped the record",
        ))
        .define(
            key(
                "ssl.keystore.location",
                String,
                Medium,
                "certificate and key of the listener (JKS, PKCS12 or PEM), which makes it https",
            )
            .optional(),
        )
        .define(key("ssl.keystore.password", Password, Medium, "the password of the store").optional())
        .define(key("ssl.key.password", Password, Medium, "the password of the key in it").optional())
}

/// The settings; mistakes go to `problems`.
pub(super) fn parse(properties: &Properties, problems: &mut Problems) -> Option<ReceiverSettings> {
    let parsed = match definition().parse(properties) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add("listen", error.to_string());
            return None;
        }
    };
    let given = |key: &str| parsed.opt_string(key).map(str::trim).filter(|text| !text.is_empty());
    let listen = parsed.string("listen");
    let listen = problems.take("listen", listen.parse().map_err(|_| format!("expected address:port, got {listen}")));
    let name = |text: &str| {
        HeaderName::from_bytes(text.as_bytes()).map_err(|_| format!("expected the name of a header, got {text}"))
    };
    let key_header = problems.take("key.header", given("key.header").map(name).transpose());
    let headers = problems.take("headers", parsed.list("headers").iter().map(|text| name(text.trim())).collect());
    let methods = problems.take("methods", methods(parsed.string("methods")));
    let signature = signature(&parsed, problems);
    let path = given("path").map(str::to_owned);
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        problems.add("path", "Invalid value for configuration path: expected a path that begins with /");
    }
    let number = |key: &str| usize::try_from(parsed.int(key)).unwrap_or(0);
    let millis = |key: &str| Duration::from_millis(number(key) as u64);
    let store = given("ssl.keystore.location").map(|path| Store {
        key: "ssl.keystore.location",
        path: path.to_owned(),
        password: parsed.password("ssl.keystore.password").cloned(),
    });
    Some(ReceiverSettings {
        listen: listen?,
        topic: parsed.string("topic").into(),
        path,
        methods: methods?,
        authorization: parsed.password("authorization").cloned(),
        signature: signature?,
        body: if parsed.string("body.format") == "bytes" { Body::Bytes } else { Body::Text },
        key_header: key_header?,
        headers: headers?,
        max_body_bytes: number("max.body.bytes"),
        max_pending: number("max.pending.requests"),
        max_connections: number("max.connections"),
        retry_after: HeaderValue::from(number("retry.after.seconds")),
        request_timeout: millis("request.timeout.ms"),
        ack_timeout: millis("ack.timeout.ms"),
        dropped_status: u16::try_from(number("dropped.status")).unwrap_or(422),
        keystore: store,
        key_password: parsed.password("ssl.key.password").cloned(),
    })
}

fn methods(text: &str) -> Result<Vec<Method>, String> {
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let known = |name: &&str| match name.to_ascii_uppercase().as_str() {
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        _ => Err(format!("expected POST, PUT or PATCH, got {name}")),
    };
    match names.is_empty() {
        true => Err("expected at least one method".to_owned()),
        false => names.iter().map(known).collect(),
    }
}

fn signature(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Option<Signature>> {
    let scheme = match parsed.string("signature.type") {
        "github" => Scheme::GitHub,
        "stripe" => Scheme::Stripe { tolerance_s: parsed.int("signature.tolerance.seconds").into() },
        _ => return Some(None),
    };
    match parsed.password("signature.secret").filter(|secret| !secret.expose().is_empty()) {
        Some(secret) => Some(Some(Signature { scheme, secret: secret.clone() })),
        None => {
            problems.add("signature.secret", "`signature.secret` is needed when bodies are signed");
            None
        }
    }
}
