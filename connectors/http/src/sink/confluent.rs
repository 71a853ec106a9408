//! The keys of `io.confluent.connect.http.HttpSinkConnector`.

use std::time::Duration;

use regex::Regex;
use reqwest::header::HeaderName;
use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, Width};

use super::extras::{self, Extras};
use super::report_keys;
use super::settings::{BatchSettings, BodyFormat, BodySettings, Nulls, OnError, SinkSettings};
use super::template::Template;
use crate::client::{
    Auth, Backoff, ClientSettings, OAuth2, ProxySettings, RetryPolicy, Statuses, TlsFiles, parse_method, parse_url,
};
use crate::problems::Problems;
use sluice_api::data::Decimals;

/// Keys of the peer that ask for something that is not there.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("oauth2.jwt.keystore.path", "use `oauth2.client.secret`"),
    ("oauth2.client.headers", "use `headers` for the requests themselves"),
];

fn string(name: &str, default: &str, order: i32, group: &str, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, Importance::Medium, text)
        .default(ParsedValue::String(default.to_owned()))
        .group(group, order, Width::Medium, name)
}

fn optional(name: &str, config_type: ConfigType, order: i32, group: &str, text: &str) -> ConfigKey {
    ConfigKey::new(name, config_type, Importance::Medium, text).optional().group(group, order, Width::Medium, name)
}

fn int(name: &str, default: i32, [least, most]: [i64; 2], order: i32, group: &str, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Int, Importance::Medium, text)
        .default(ParsedValue::Int(default))
        .validator(Validator::between(least, most))
        .group(group, order, Width::Short, name)
}

const MOST: i64 = i32::MAX as i64;

/// Every key.
pub(super) fn definition() -> ConfigDef {
    extras::define(report_keys::define(tls(auth(batching(requests())))))
}

fn requests() -> ConfigDef {
    let (connection, requests, retries) = ("Connection", "HTTP Request", "Retries");
    ConfigDef::new()
        .define(
            ConfigKey::new(
                "http.api.url",
                ConfigType::String,
                Importance::High,
                "the address, with places such as ${topic}, ${key} and fields of the value",
            )
            .validator(Validator::non_empty_string())
            .group(connection, 1, Width::Long, "http.api.url"),
        )
        .define(
            string("request.method", "POST", 2, requests, "the method of requests that carry records")
                .validator(Validator::one_of_ignoring_case(&["POST", "PUT", "PATCH", "DELETE"])),
        )
        .define(string(
            "headers",
            "",
            3,
            requests,
            "headers of every request as name:value, with places, between separators",
        ))
        .define(string("header.separator", "|", 4, requests, "what stands between headers"))
        .define(
            string("request.body.format", "string", 5, requests, "whether values are sent as text or as JSON")
                .validator(Validator::one_of_ignoring_case(&["string", "json"])),
        )
        .define(
            string(
                "behavior.on.null.values",
                "ignore",
                6,
                requests,
                "what a null value means: nothing, a DELETE, or a failure",
            )
            .validator(Validator::one_of_ignoring_case(&["ignore", "delete", "fail", "log"])),
        )
        .define(
            string("behavior.on.error", "fail", 7, requests, "what becomes of records that cannot be delivered")
                .validator(Validator::one_of_ignoring_case(&["fail", "ignore", "log"])),
        )
        .define(int("http.connect.timeout.ms", 30_000, [1, MOST], 8, connection, "how long connecting may take"))
        .define(int(
            "http.request.timeout.ms",
            30_000,
            [1, MOST],
            9,
            connection,
            "how long a request and its answer may take",
        ))
        .define(optional("http.proxy.host", ConfigType::String, 10, connection, "the proxy, if any"))
        .define(int("http.proxy.port", 0, [0, 65_535], 11, connection, "its port"))
        .define(optional("http.proxy.user", ConfigType::String, 12, connection, "the user at the proxy"))
        .define(optional("http.proxy.password", ConfigType::Password, 13, connection, "the user's password"))
        .define(int("max.retries", 10, [0, MOST], 14, retries, "how often a request is sent again"))
        .define(int("retry.backoff.ms", 3_000, [0, MOST], 15, retries, "the pause before the first retry"))
        .define(
            string("retry.backoff.policy", "EXPONENTIAL_WITH_JITTER", 16, retries, "how pauses grow")
                .validator(Validator::one_of_ignoring_case(&["EXPONENTIAL_WITH_JITTER", "CONSTANT_VALUE"])),
        )
        .define(string("retry.on.status.codes", "400-", 17, retries, "statuses after which a request is sent again"))
        .define(int(
            "concurrency.limit",
            1,
            [1, 1_000],
            18,
            requests,
            "requests at a time; records of one key stay in order",
        ))
}

fn batching(def: ConfigDef) -> ConfigDef {
    let group = "Batching";
    def.define(int("batch.max.size", 1, [1, 1_000_000], 1, group, "records of a request at most"))
        .define(string(
            "batch.key.pattern",
            "someKey",
            2,
            group,
            "records whose texts differ never share a request; with places",
        ))
        .define(string("batch.prefix", "", 3, group, "before the first record"))
        .define(string("batch.suffix", "", 4, group, "after the last record"))
        .define(string("batch.separator", ",", 5, group, "between records"))
        .define(
            ConfigKey::new(
                "batch.json.as.array",
                ConfigType::Boolean,
                Importance::Medium,
                "whether a batch is a JSON array",
            )
            .default(ParsedValue::Boolean(false))
            .group(group, 6, Width::Short, "batch.json.as.array"),
        )
        .define(string("regex.patterns", "", 7, group, "patterns that are replaced in bodies"))
        .define(string("regex.replacements", "", 8, group, "what they are replaced with"))
        .define(string("regex.separator", "~", 9, group, "what stands between patterns and between replacements"))
}

fn auth(def: ConfigDef) -> ConfigDef {
    let group = "Authentication";
    def.define(
        string("auth.type", "NONE", 1, group, "how the server knows the connector")
            .validator(Validator::one_of_ignoring_case(&["NONE", "BASIC", "OAUTH2", "BEARER", "API_KEY"])),
    )
    .define(optional("connection.user", ConfigType::String, 2, group, "the user, with BASIC"))
    .define(optional("connection.password", ConfigType::Password, 3, group, "the user's password"))
    .define(optional("bearer.token", ConfigType::Password, 4, group, "the token, with BEARER"))
    .define(optional("api.key.name", ConfigType::String, 5, group, "the header or parameter, with API_KEY"))
    .define(optional("api.key.value", ConfigType::Password, 6, group, "the key itself"))
    .define(
        string("api.key.location", "HEADER", 7, group, "where the key goes")
            .validator(Validator::one_of_ignoring_case(&["HEADER", "QUERY"])),
    )
    .define(optional("oauth2.token.url", ConfigType::String, 8, group, "where tokens come from, with OAUTH2"))
    .define(optional("oauth2.client.id", ConfigType::String, 9, group, "the client"))
    .define(optional("oauth2.client.secret", ConfigType::Password, 10, group, "the client's secret"))
    .define(string("oauth2.client.scope", "any", 11, group, "the scope to ask for"))
    .define(
        string(
            "oauth2.client.auth.mode",
            "header",
            12,
            group,
            "whether the client's credentials go into a header or the form",
        )
        .validator(Validator::one_of_ignoring_case(&["header", "url"])),
    )
    .define(string(
        "oauth2.token.property",
        "access_token",
        13,
        group,
        "the member of the answer that holds the token",
    ))
}

fn tls(def: ConfigDef) -> ConfigDef {
    let group = "TLS";
    def.define(optional(
        "https.ssl.truststore.location",
        ConfigType::String,
        1,
        group,
        "certificates to trust instead of the system's: JKS, PKCS12 or PEM",
    ))
    .define(optional("https.ssl.truststore.password", ConfigType::Password, 2, group, "its password"))
    .define(optional(
        "https.ssl.keystore.location",
        ConfigType::String,
        3,
        group,
        "the client's certificate and key: JKS, PKCS12 or PEM",
    ))
    .define(optional("https.ssl.keystore.password", ConfigType::Password, 4, group, "its password"))
    .define(optional("https.ssl.key.password", ConfigType::Password, 5, group, "the password of the key in it"))
    .define(string(
        "https.ssl.endpoint.identification.algorithm",
        "https",
        6,
        group,
        "empty: the server's name is not checked",
    ))
}

/// The settings; mistakes over several keys go to `problems`.
pub(super) fn parse(properties: &Properties, problems: &mut Problems) -> Option<SinkSettings> {
    problems.refuse(properties, UNSUPPORTED);
    let parsed = match definition().parse(properties) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add("http.api.url", error.to_string());
            return None;
        }
    };
    let extras = extras::parse(&parsed, problems);
    let url = url(&parsed, problems);
    let (headers, rewrites) = (headers(&parsed, problems), rewrites(&parsed, problems));
    let statuses = problems.take("retry.on.status.codes", Statuses::parse(parsed.string("retry.on.status.codes")));
    let group = problems.take("batch.key.pattern", Template::parse(parsed.string("batch.key.pattern")));
    let (auth, proxy) = (parse_auth(&parsed, problems), proxy(&parsed, problems));
    let extras = extras?;
    let concurrency = number(&parsed, "concurrency.limit");
    Some(SinkSettings {
        client: ClientSettings {
            connect_timeout: millis(&parsed, "http.connect.timeout.ms"),
            request_timeout: millis(&parsed, "http.request.timeout.ms"),
            proxy: proxy?,
            tls: parse_tls(&parsed),
            connections: concurrency,
        },
        auth: auth?,
        retry: RetryPolicy {
            max_retries: number(&parsed, "max.retries") as u32,
            backoff: millis(&parsed, "retry.backoff.ms"),
            growth: match is(&parsed, "retry.backoff.policy", "CONSTANT_VALUE") {
                true => Backoff::Constant,
                false => Backoff::ExponentialWithJitter,
            },
            on: statuses?,
            max_retry_after: extras.max_retry_after,
        },
        rate: extras.rate,
        concurrency,
        url: url?,
        method: parse_method(parsed.string("request.method")),
        headers: headers?,
        idempotency_header: extras.idempotency_header.clone(),
        body: body(&parsed, &extras, rewrites?),
        batch: batch(&parsed, properties, &extras, group?),
        nulls: match parsed.string("behavior.on.null.values").to_ascii_lowercase().as_str() {
            "delete" => Nulls::Delete,
            "fail" => Nulls::Fail,
            _ => Nulls::Ignore,
        },
        on_error: if is(&parsed, "behavior.on.error", "fail") { OnError::Fail } else { OnError::Ignore },
        bulk: extras.bulk,
        reports: report_keys::parse(&parsed, properties),
    })
}

fn url(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Template> {
    let text = parsed.string("http.api.url");
    let template = problems.take("http.api.url", Template::parse(text))?;
    if template.depends() == super::template::Depends::Nothing {
        problems.take("http.api.url", parse_url(text))?;
    }
    Some(template)
}

fn headers(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Vec<(HeaderName, Template)>> {
    let text = parsed.string("headers");
    let separator = Some(parsed.string("header.separator")).filter(|separator| !separator.is_empty()).unwrap_or("|");
    let parts = text.split(separator).filter(|part| !part.trim().is_empty());
    problems.take("headers", parts.map(extras::header).collect())
}

fn rewrites(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Vec<(Regex, String)>> {
    let separator = Some(parsed.string("regex.separator")).filter(|separator| !separator.is_empty()).unwrap_or("~");
    let patterns = parsed.string("regex.patterns");
    if patterns.is_empty() {
        return Some(Vec::new());
    }
    let patterns: Vec<&str> = patterns.split(separator).collect();
    let replacements: Vec<&str> = parsed.string("regex.replacements").split(separator).collect();
    if patterns.len() != replacements.len() {
        let message = format!("expected as many as `regex.patterns`: {}, got {}", patterns.len(), replacements.len());
        problems.take::<()>("regex.replacements", Err(message));
        return None;
    }
    let group = Regex::new(r"\$(\d)").ok()?;
    let rewrite = |(pattern, replacement): (&str, &str)| {
        let pattern = Regex::new(pattern).map_err(|error| format!("pattern {pattern} cannot be used here: {error}"))?;
        // Java takes the longest number that is a group, this library the longest word: say which.
        Ok((pattern, group.replace_all(replacement, "$${$1}").into_owned()))
    };
    problems.take("regex.patterns", patterns.into_iter().zip(replacements).map(rewrite).collect())
}

fn body(parsed: &ParsedConfig, extras: &Extras, rewrites: Vec<(Regex, String)>) -> BodySettings {
    let json = is(parsed, "request.body.format", "json") || parsed.boolean("batch.json.as.array");
    BodySettings {
        format: match (&extras.bulk, json) {
            (Some(_), _) => BodyFormat::TextOrJson,
            (None, true) => BodyFormat::Json,
            (None, false) => BodyFormat::Text,
        },
        decimals: Decimals::Base64,
        template: extras.body_template.clone(),
        rewrites,
    }
}

fn batch(parsed: &ParsedConfig, properties: &Properties, extras: &Extras, group: Template) -> BatchSettings {
    let array = parsed.boolean("batch.json.as.array");
    // Blanks around these are part of them, and parsing trims.
    let raw = |key: &str, default: &str| properties.get(key).map_or(default, String::as_str).to_owned();
    let part = |key: &str, in_array: &str, default: &str| if array { in_array.to_owned() } else { raw(key, default) };
    let max_records = match (&extras.bulk, properties.contains_key("batch.max.size")) {
        (Some(_), false) => 500,
        _ => number(parsed, "batch.max.size"),
    };
    BatchSettings {
        enabled: true,
        max_records,
        max_bytes: extras.batch_max_bytes,
        prefix: part("batch.prefix", "[", ""),
        separator: part("batch.separator", ",", ","),
        suffix: part("batch.suffix", "]", ""),
        group: Some(group),
        split: extras.batch_split,
    }
}

fn parse_auth(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Auth> {
    let mut needed = Needed { parsed, problems, of: parsed.string("auth.type").to_ascii_uppercase() };
    match needed.of.clone().as_str() {
        "BASIC" => {
            let (user, password) = (needed.text("connection.user"), needed.secret("connection.password"));
            Some(Auth::Basic { user: user?, password: password? })
        }
        "BEARER" => Some(Auth::Bearer(needed.secret("bearer.token")?)),
        "API_KEY" => {
            let (name, value) = (needed.text("api.key.name"), needed.secret("api.key.value"));
            Some(Auth::ApiKey { name: name?, value: value?, in_query: is(parsed, "api.key.location", "QUERY") })
        }
        "OAUTH2" => {
            let (url, id) = (needed.text("oauth2.token.url"), needed.text("oauth2.client.id"));
            let secret = needed.secret("oauth2.client.secret");
            let token_url = problems.take("oauth2.token.url", parse_url(&url?))?;
            Some(Auth::OAuth2(Box::new(OAuth2 {
                token_url,
                client_id: id?,
                client_secret: secret?,
                scope: Some(parsed.string("oauth2.client.scope").to_owned()).filter(|scope| !scope.is_empty()),
                in_form: is(parsed, "oauth2.client.auth.mode", "url"),
                token_property: parsed.string("oauth2.token.property").to_owned(),
                grant_type: ("grant_type".into(), "client_credentials".into()),
                client_id_field: "client_id".into(),
                client_secret_field: "client_secret".into(),
                renew_on: vec![401],
            })))
        }
        _ => Some(Auth::None),
    }
}

/// Keys that a kind of authentication cannot do without.
struct Needed<'a> {
    parsed: &'a ParsedConfig,
    problems: &'a mut Problems,
    of: String,
}

impl Needed<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
        self.found(key, value)
    }

    fn secret(&mut self, key: &str) -> Option<sluice_api::config::Password> {
        self.found(key, self.parsed.password(key).cloned())
    }

    fn found<T>(&mut self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.problems.add(key, format!("`{key}` is needed when `auth.type` is {}", self.of));
        }
        value
    }
}

fn proxy(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Option<ProxySettings>> {
    let Some(host) = parsed.opt_string("http.proxy.host").filter(|host| !host.is_empty()) else { return Some(None) };
    let port = u16::try_from(parsed.int("http.proxy.port")).ok().filter(|port| *port > 0);
    if port.is_none() {
        problems.add("http.proxy.port", "`http.proxy.port` is needed when `http.proxy.host` is set");
    }
    Some(Some(ProxySettings {
        host: host.to_owned(),
        port: port?,
        user: parsed.opt_string("http.proxy.user").filter(|user| !user.is_empty()).map(str::to_owned),
        password: parsed.password("http.proxy.password").cloned(),
    }))
}

fn parse_tls(parsed: &ParsedConfig) -> TlsFiles {
    let store = |key: &'static str, password: &str| {
        let path = parsed.opt_string(key).filter(|path| !path.is_empty())?.to_owned();
        Some(crate::client::Store { key, path, password: parsed.password(password).cloned() })
    };
    TlsFiles {
        truststore: store("https.ssl.truststore.location", "https.ssl.truststore.password"),
        keystore: store("https.ssl.keystore.location", "https.ssl.keystore.password"),
        key_password: parsed.password("https.ssl.key.password").cloned(),
        trust_all: false,
        any_name: parsed.string("https.ssl.endpoint.identification.algorithm").is_empty(),
    }
}

fn is(parsed: &ParsedConfig, key: &str, value: &str) -> bool {
    parsed.string(key).eq_ignore_ascii_case(value)
}

fn number(parsed: &ParsedConfig, key: &str) -> usize {
    usize::try_from(parsed.int(key)).unwrap_or(0)
}

fn millis(parsed: &ParsedConfig, key: &str) -> Duration {
    Duration::from_millis(number(parsed, key) as u64)
}
