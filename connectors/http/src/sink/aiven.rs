//! The keys of `io.aiven.kafka.connect.http.HttpSinkConnector`.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName};
use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, Width};

use super::extras;
use super::report_keys::ReportSettings;
use super::settings::{BatchSettings, BodyFormat, BodySettings, Nulls, OnError, SinkSettings};
use super::template::{Depends, Template};
use crate::client::{
    Auth, Backoff, ClientSettings, OAuth2, ProxySettings, RetryPolicy, Statuses, Store, TlsFiles, parse_url,
};
use crate::problems::Problems;
use sluice_api::data::Decimals;

const MOST: i64 = i32::MAX as i64;

fn key(name: &str, config_type: ConfigType, group: &str, order: i32, text: &str) -> ConfigKey {
    ConfigKey::new(name, config_type, Importance::Medium, text).group(group, order, Width::Medium, name)
}

fn string(name: &str, default: &str, group: &str, order: i32, text: &str) -> ConfigKey {
    key(name, ConfigType::String, group, order, text).default(ParsedValue::String(default.to_owned()))
}

/// Every key.
pub(super) fn definition() -> ConfigDef {
    extras::define(ours(delivery(oauth(connection()))))
}

fn connection() -> ConfigDef {
    let group = "Connection";
    ConfigDef::new()
        .define(
            ConfigKey::new(
                "http.url",
                ConfigType::String,
                Importance::High,
                "the address, with places such as ${topic} and ${key}",
            )
            .validator(Validator::non_empty_string())
            .group(group, 0, Width::Long, "http.url"),
        )
        .define(key("http.proxy.host", ConfigType::String, group, 1, "the proxy, if any").optional())
        .define(
            key("http.proxy.port", ConfigType::Int, group, 2, "its port")
                .optional()
                .validator(Validator::optional_at_least(1)),
        )
        .define(
            key(
                "http.ssl.trust.all.certs",
                ConfigType::Boolean,
                group,
                3,
                "whether any certificate is taken; anyone on the way can read and change what is sent",
            )
            .default(ParsedValue::Boolean(false)),
        )
        .define(
            key(
                "http.ssl.truststore.location",
                ConfigType::String,
                group,
                4,
                "certificates to trust instead of the system's: JKS, PKCS12 or PEM",
            )
            .optional(),
        )
        .define(key("http.ssl.truststore.password", ConfigType::Password, group, 5, "its password").optional())
        .define(
            ConfigKey::new(
                "http.authorization.type",
                ConfigType::String,
                Importance::High,
                "how the server knows the connector",
            )
            .validator(Validator::one_of_ignoring_case(&["none", "oauth2", "static", "apikey"]))
            .group(group, 6, Width::Short, "http.authorization.type"),
        )
        .define(
            key("http.headers.authorization", ConfigType::Password, group, 7, "the Authorization header, with static")
                .optional(),
        )
        .define(
            key("http.headers.content.type", ConfigType::String, group, 8, "the Content-Type of requests").optional(),
        )
        .define(
            key(
                "http.headers.additional",
                ConfigType::List,
                group,
                9,
                "headers of every request as name:value, with places",
            )
            .default(ParsedValue::List(Vec::new())),
        )
}

fn oauth(def: ConfigDef) -> ConfigDef {
    let group = "Connection";
    def.define(
        key("oauth2.access.token.url", ConfigType::String, group, 10, "where tokens come from, with oauth2").optional(),
    )
    .define(string("oauth2.request.grant.type.property", "grant_type", group, 11, "the name of the form field"))
    .define(string("oauth2.grant.type", "client_credentials", group, 12, "its value"))
    .define(string("oauth2.request.client.id.property", "client_id", group, 13, "the name of the form field"))
    .define(key("oauth2.client.id", ConfigType::String, group, 14, "the client").optional())
    .define(string("oauth2.request.client.secret.property", "client_secret", group, 15, "the name of the form field"))
    .define(key("oauth2.client.secret", ConfigType::Password, group, 16, "the client's secret").optional())
    .define(
        string(
            "oauth2.client.authorization.mode",
            "HEADER",
            group,
            17,
            "whether the client's credentials go into a header or the form",
        )
        .validator(Validator::one_of_ignoring_case(&["HEADER", "URL"])),
    )
    .define(key("oauth2.client.scope", ConfigType::String, group, 18, "the scope to ask for").optional())
    .define(string(
        "oauth2.response.token.property",
        "access_token",
        group,
        19,
        "the member of the answer that holds the token",
    ))
    .define(
        key(
            "oauth2.token.renew.on.status.codes",
            ConfigType::List,
            group,
            20,
            "statuses that say that a token is no longer valid",
        )
        .default(ParsedValue::List(vec!["401".into()])),
    )
}

fn delivery(def: ConfigDef) -> ConfigDef {
    let (batching, delivery) = ("Batching", "Delivery");
    def.define(
        key("batching.enabled", ConfigType::Boolean, batching, 0, "whether records share requests")
            .default(ParsedValue::Boolean(false)),
    )
    .define(
        key("batch.max.size", ConfigType::Int, batching, 1, "records of a request at most")
            .default(ParsedValue::Int(500))
            .validator(Validator::between(1, 1_000_000)),
    )
    .define(string("batch.prefix", "", batching, 2, "before the first record; may have escapes such as \\n"))
    .define(
        key("batch.suffix", ConfigType::String, batching, 3, "after the last record, a line end when it is not set")
            .optional(),
    )
    .define(
        key("batch.separator", ConfigType::String, batching, 4, "between records, a line end when it is not set")
            .optional(),
    )
    .define(
        key(
            "kafka.retry.backoff.ms",
            ConfigType::Long,
            delivery,
            0,
            "the pause before records that could not be delivered come again from the worker",
        )
        .optional()
        .validator(Validator::optional_at_least(0)),
    )
    .define(
        key("max.retries", ConfigType::Int, delivery, 1, "how often a request is sent again")
            .default(ParsedValue::Int(1))
            .validator(Validator::between(0, MOST)),
    )
    .define(
        key("retry.backoff.ms", ConfigType::Int, delivery, 2, "the pause before the first retry")
            .default(ParsedValue::Int(3000))
            .validator(Validator::between(0, MOST)),
    )
    .define(
        key("http.timeout", ConfigType::Int, "Timeout", 0, "how long a request and its answer may take, in seconds")
            .default(ParsedValue::Int(30))
            .validator(Validator::between(1, 86_400)),
    )
    .define(
        string("decimal.format", "BASE64", "Format", 0, "how decimals are written")
            .validator(Validator::one_of_ignoring_case(&["BASE64", "NUMERIC"])),
    )
}

/// What Aiven's sink has no key for.
fn ours(def: ConfigDef) -> ConfigDef {
    let group = "Sluice";
    def.define(
        key(
            "sluice.concurrency.limit",
            ConfigType::Int,
            group,
            20,
            "requests at a time; records of one key stay in order",
        )
        .default(ParsedValue::Int(1))
        .validator(Validator::between(1, 1_000)),
    )
    .define(
        string("sluice.request.method", "POST", group, 21, "the method of requests that carry records")
            .validator(Validator::one_of_ignoring_case(&["POST", "PUT", "PATCH"])),
    )
    .define(
        key(
            "sluice.ssl.keystore.location",
            ConfigType::String,
            group,
            22,
            "the client's certificate and key: JKS, PKCS12 or PEM",
        )
        .optional(),
    )
    .define(key("sluice.ssl.keystore.password", ConfigType::Password, group, 23, "its password").optional())
    .define(key("sluice.ssl.key.password", ConfigType::Password, group, 24, "the password of the key in it").optional())
}

/// The settings; mistakes over several keys go to `problems`.
pub(super) fn parse(properties: &Properties, problems: &mut Problems) -> Option<SinkSettings> {
    let parsed = match definition().parse(properties) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add("http.url", error.to_string());
            return None;
        }
    };
    let extras = extras::parse(&parsed, problems);
    let url = problems.take("http.url", Template::parse(parsed.string("http.url")));
    if url.as_ref().is_some_and(|url| url.depends() == Depends::Nothing) {
        problems.take("http.url", parse_url(parsed.string("http.url")));
    }
    let (headers, auth, proxy) = (headers(&parsed, problems), parse_auth(&parsed, problems), proxy(&parsed, problems));
    let extras = extras?;
    let batching = parsed.boolean("batching.enabled") || extras.bulk.is_some();
    let concurrency = usize::try_from(parsed.int("sluice.concurrency.limit")).unwrap_or(1);
    let timeout = Duration::from_secs(u64::try_from(parsed.int("http.timeout")).unwrap_or(30));
    let numeric = parsed.string("decimal.format").eq_ignore_ascii_case("NUMERIC");
    Some(SinkSettings {
        client: ClientSettings {
            connect_timeout: timeout,
            request_timeout: timeout,
            proxy: proxy?,
            tls: tls(&parsed),
            connections: concurrency,
        },
        auth: auth?,
        retry: RetryPolicy {
            max_retries: u32::try_from(parsed.int("max.retries")).unwrap_or(0),
            backoff: Duration::from_millis(u64::try_from(parsed.int("retry.backoff.ms")).unwrap_or(0)),
            growth: Backoff::Constant,
            on: Statuses::parse("400-").unwrap_or_default(),
            max_retry_after: extras.max_retry_after,
        },
        rate: extras.rate,
        concurrency,
        url: url?,
        method: method(parsed.string("sluice.request.method")),
        headers: headers?,
        idempotency_header: extras.idempotency_header,
        body: BodySettings {
            format: BodyFormat::TextOrJson,
            decimals: if numeric { Decimals::Numeric } else { Decimals::Base64 },
            template: extras.body_template,
            rewrites: Vec::new(),
        },
        batch: BatchSettings {
            enabled: batching,
            max_records: if batching { usize::try_from(parsed.int("batch.max.size")).unwrap_or(1) } else { 1 },
            max_bytes: extras.batch_max_bytes,
            prefix: escaped(properties, "batch.prefix", ""),
            separator: escaped(properties, "batch.separator", "\n"),
            suffix: escaped(properties, "batch.suffix", "\n"),
            group: None,
            split: extras.batch_split,
        },
        nulls: if extras.bulk.is_some() { Nulls::Delete } else { Nulls::Fail },
        on_error: OnError::Fail,
        bulk: extras.bulk,
        reports: ReportSettings::default(),
    })
}

fn method(text: &str) -> Method {
    crate::client::parse_method(text)
}

/// As the user wrote it, blanks included, with the escapes that Aiven's sink knows.
fn escaped(properties: &Properties, key: &str, default: &str) -> String {
    let Some(raw) = properties.get(key) else { return default.to_owned() };
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(one) = chars.next() {
        match (one, one == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('\\') | None => out.push('\\'),
                Some(other) => out.extend(['\\', other]),
            },
            (plain, false) => out.push(plain),
        }
    }
    out
}

fn headers(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Vec<(HeaderName, Template)>> {
    let name = "http.headers.additional";
    let mut headers: Vec<(HeaderName, Template)> =
        problems.take(name, parsed.list(name).iter().map(|text| extras::header(text)).collect())?;
    let mut seen: Vec<HeaderName> = headers.iter().map(|(name, _)| name.clone()).collect();
    seen.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    if let Some(twice) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
        problems.add(
            name,
            format!(
                "Invalid value for configuration {name}: Duplicate keys are not allowed (case-insensitive): {}",
                twice[0]
            ),
        );
        return None;
    }
    if let Some(text) = parsed.opt_string("http.headers.content.type").filter(|text| !text.is_empty()) {
        headers.push((CONTENT_TYPE, problems.take("http.headers.content.type", Template::parse(text))?));
    }
    Some(headers)
}

fn parse_auth(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Auth> {
    let header = parsed.password("http.headers.authorization").cloned();
    let kind = parsed.string("http.authorization.type").to_ascii_lowercase();
    match (kind.as_str(), header) {
        ("static" | "apikey", Some(header)) => Some(Auth::Static(header)),
        ("static" | "apikey", None) => {
            let key = "http.headers.authorization";
            problems.add(
                key,
                format!(
                    "Invalid value null for configuration {key}: Must be present when http.authorization.type = {kind}"
                ),
            );
            None
        }
        (_, Some(_)) => {
            let key = "http.headers.authorization";
            problems.add(key, format!("Invalid value [hidden] for configuration {key}: Must not be present when http.authorization.type != static"));
            None
        }
        ("oauth2", None) => oauth2(parsed, problems),
        _ => Some(Auth::None),
    }
}

fn oauth2(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Auth> {
    let missing = |key: &str| {
        (
            key.to_owned(),
            format!(
                "Invalid value null for configuration {key}: Must be present when http.headers.authorization = OAUTH2"
            ),
        )
    };
    let absent: Vec<(String, String)> = ["oauth2.access.token.url", "oauth2.client.id"]
        .into_iter()
        .filter(|key| parsed.opt_string(key).is_none_or(str::is_empty))
        .map(missing)
        .chain(parsed.password("oauth2.client.secret").is_none().then(|| missing("oauth2.client.secret")))
        .collect();
    for (key, message) in absent {
        problems.add(&key, message);
    }
    let token_url =
        problems.take("oauth2.access.token.url", parse_url(parsed.opt_string("oauth2.access.token.url")?))?;
    let statuses = parsed.list("oauth2.token.renew.on.status.codes").iter();
    let renew_on =
        statuses.map(|text| text.parse().map_err(|_| format!("must be a list of numbers, got {text}"))).collect();
    Some(Auth::OAuth2(Box::new(OAuth2 {
        token_url,
        client_id: parsed.opt_string("oauth2.client.id")?.to_owned(),
        client_secret: parsed.password("oauth2.client.secret")?.clone(),
        scope: parsed.opt_string("oauth2.client.scope").map(str::to_owned),
        in_form: parsed.string("oauth2.client.authorization.mode").eq_ignore_ascii_case("URL"),
        token_property: parsed.string("oauth2.response.token.property").to_owned(),
        grant_type: (
            parsed.string("oauth2.request.grant.type.property").to_owned(),
            parsed.string("oauth2.grant.type").to_owned(),
        ),
        client_id_field: parsed.string("oauth2.request.client.id.property").to_owned(),
        client_secret_field: parsed.string("oauth2.request.client.secret.property").to_owned(),
        renew_on: problems.take("oauth2.token.renew.on.status.codes", renew_on)?,
    })))
}

fn proxy(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Option<ProxySettings>> {
    let port = parsed.opt_int("http.proxy.port").and_then(|port| u16::try_from(port).ok());
    match (parsed.opt_string("http.proxy.host").filter(|host| !host.is_empty()), port) {
        (None, None) => Some(None),
        (Some(host), Some(port)) => {
            Some(Some(ProxySettings { host: host.to_owned(), port, user: None, password: None }))
        }
        _ => {
            problems.add("http.proxy.host", "Proxy host and port must be defined together");
            None
        }
    }
}

fn tls(parsed: &ParsedConfig) -> TlsFiles {
    let store = |key: &'static str, password: &str| {
        let path = parsed.opt_string(key).filter(|path| !path.is_empty())?.to_owned();
        Some(Store { key, path, password: parsed.password(password).cloned() })
    };
    let trust_all = parsed.boolean("http.ssl.trust.all.certs");
    TlsFiles {
        truststore: store("http.ssl.truststore.location", "http.ssl.truststore.password"),
        keystore: store("sluice.ssl.keystore.location", "sluice.ssl.keystore.password"),
        key_password: parsed.password("sluice.ssl.key.password").cloned(),
        trust_all,
        any_name: trust_all,
    }
}
