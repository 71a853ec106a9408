//! The keys of castorm's connector, and those of ours for what it does not have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sluice_api::Properties;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};

use super::page::{Pointers, pointer};
use super::template::OffsetTemplate;
use crate::client::{Auth, ClientSettings, ProxySettings, Statuses, TlsFiles, parse_method};
use crate::problems::Problems;

/// Classes that castorm's configurations may name and that are what is done here anyway; any other is refused.
const CLASSES: &[(&str, &[&str])] = &[
    ("http.timer", &["AdaptableIntervalTimer", "FixedIntervalTimer"]),
    ("http.client", &["OkHttpClient"]),
    ("http.auth", &["ConfigurableHttpAuthenticator"]),
    ("http.request.factory", &["TemplateHttpRequestFactory"]),
    (
        "http.request.template.factory",
        &["BackwardsCompatibleFreeMarkerTemplateFactory", "FreeMarkerTemplateFactory", "NoTemplateFactory"],
    ),
    ("http.response.parser", &["PolicyHttpResponseParser"]),
    ("http.response.policy", &["StatusCodeHttpResponsePolicy"]),
    ("http.response.policy.parser", &["KvHttpResponseParser"]),
    ("http.response.record.parser", &["JacksonKvRecordHttpResponseParser"]),
    ("http.response.record.mapper", &["SchemedKvSourceRecordMapper", "StringKvSourceRecordMapper"]),
    (
        "http.response.record.timestamp.parser",
        &["EpochMillisOrDelegateTimestampParser", "EpochMillisTimestampParser", "DateTimeFormatterTimestampParser"],
    ),
    ("http.response.record.timestamp.parser.delegate", &["DateTimeFormatterTimestampParser"]),
    ("http.record.sorter", &["OrderDirectionSourceRecordSorter"]),
    (
        "http.record.filter.factory",
        &["OffsetRecordFilterFactory", "OffsetTimestampRecordFilterFactory", "PassthroughRecordFilterFactory"],
    ),
];

/// The order of items in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
    /// As the times of the first and the last item say.
    Implicit,
}

/// Which items are new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Later than the offset, or after its item.
    Offset,
    /// Later than the offset.
    Timestamp,
    /// All.
    Passthrough,
}

/// Where the next page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pages {
    /// There is one page.
    One,
    /// `Link: <…>; rel="next"`.
    LinkHeader,
    /// An address in the answer.
    Pointer(String),
}

/// What a task does.
#[derive(Clone, Debug)]
pub(super) struct SourceSettings {
    pub(super) client: ClientSettings,
    pub(super) auth: Auth,
    pub(super) url: OffsetTemplate,
    pub(super) method: Method,
    pub(super) headers: OffsetTemplate,
    pub(super) params: OffsetTemplate,
    pub(super) body: OffsetTemplate,
    pub(super) initial: BTreeMap<String, String>,
    pub(super) pointers: Pointers,
    pub(super) process: Statuses,
    pub(super) skip: Statuses,
    pub(super) direction: Direction,
    pub(super) filter: Filter,
    pub(super) plain_text: bool,
    pub(super) interval: Duration,
    pub(super) catchup: Duration,
    pub(super) topic: Arc<str>,
    pub(super) pages: Pages,
    pub(super) conditional: bool,
    pub(super) max_answer_bytes: usize,
}

fn string(name: &str, default: &str, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, Importance::Medium, text).default(ParsedValue::String(default.to_owned()))
}

fn millis(name: &str, default: i64, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::Long, Importance::Medium, text)
        .default(ParsedValue::Long(default))
        .validator(Validator::at_least(0))
}

fn optional(name: &str, text: &str) -> ConfigKey {
    ConfigKey::new(name, ConfigType::String, Importance::Medium, text).optional()
}

/// Every key.
pub(super) fn definition() -> ConfigDef {
    let required = |name, text| {
        ConfigKey::new(name, ConfigType::String, Importance::High, text).validator(Validator::non_empty_string())
    };
    let password = |name, text| ConfigKey::new(name, ConfigType::Password, Importance::Medium, text).optional();
    let def = ConfigDef::new()
        .define(required("http.request.url", "the address; may have ${offset.NAME}"))
        .define(required("kafka.topic", "the topic to write to"))
        .define(
            string("http.request.method", "GET", "the method")
                .validator(Validator::one_of_ignoring_case(&["GET", "POST", "PUT"])),
        )
        .define(string("http.request.headers", "", "headers as name: value, between commas; may have ${offset.NAME}"))
        .define(string("http.request.params", "", "parameters as name=value, between &; may have ${offset.NAME}"))
        .define(string("http.request.body", "", "the body; may have ${offset.NAME}"))
        .define(string("http.offset.initial", "", "the first offset as name=value, between commas"))
        .define(string("http.response.list.pointer", "/", "where the list of items is"))
        .define(string("http.response.record.pointer", "/", "where the value is in an item"))
        .define(string(
            "http.response.record.offset.pointer",
            "",
            "where fields of the offset are in an item, as name=pointer, between commas",
        ))
        .define(optional(
            "http.response.record.key.pointer",
            "where the key is in an item; several pointers between commas are joined",
        ))
        .define(optional("http.response.record.timestamp.pointer", "where the time is in an item"))
        .define(
            string(
                "http.response.record.timestamp.parser.pattern",
                "yyyy-MM-dd'T'HH:mm:ss[.SSS]X",
                "the form of times",
            )
            .validator(Validator::one_of(&["yyyy-MM-dd'T'HH:mm:ss[.SSS]X"])),
        )
        .define(
            string("http.response.record.timestamp.parser.zone", "UTC", "the zone of times without one")
                .validator(Validator::one_of(&["UTC"])),
        )
        .define(string("http.response.policy.codes.process", "200..299", "statuses of answers with items"))
        .define(string(
            "http.response.policy.codes.skip",
            "300..399",
            "statuses of answers without items; any other is a failure",
        ))
        .define(
            string("http.response.list.order.direction", "IMPLICIT", "the order of items")
                .validator(Validator::one_of_ignoring_case(&["ASC", "DESC", "IMPLICIT"])),
        )
        .define(millis("http.timer.interval.millis", 60_000, "the pause between polls"))
        .define(millis(
            "http.timer.catchup.interval.millis",
            30_000,
            "the pause while the last items are older than the interval and new ones come",
        ))
        .define(
            string("http.auth.type", "None", "how the server knows the connector")
                .validator(Validator::one_of_ignoring_case(&["None", "Basic"])),
        )
        .define(string("http.auth.user", "", "the user, with Basic"))
        .define(password("http.auth.password", "the user's password"))
        .define(millis("http.client.connection.timeout.millis", 2_000, "how long connecting may take"))
        .define(millis("http.client.read.timeout.millis", 2_000, "how long an answer may take, 0 for an hour"))
        .define(millis("http.client.ttl.millis", 300_000, "taken, and left to the client"))
        .define(
            ConfigKey::new("http.client.max-idle", ConfigType::Int, Importance::Low, "idle connections that are kept")
                .default(ParsedValue::Int(1)),
        )
        .define(string("http.client.proxy.host", "", "the proxy, if any"))
        .define(
            ConfigKey::new("http.client.proxy.port", ConfigType::Int, Importance::Low, "its port")
                .default(ParsedValue::Int(3128))
                .validator(Validator::between(1, 65_535)),
        )
        .define(string("http.client.proxy.username", "", "the user at the proxy"))
        .define(password("http.client.proxy.password", "the user's password"));
    let def = CLASSES.iter().fold(def, |def, (name, classes)| {
        let text = format!("one of {}", classes.join(", "));
        def.define(
            ConfigKey::new(*name, ConfigType::String, Importance::Low, &text)
                .default(ParsedValue::String(classes[0].to_owned())),
        )
    });
    def.define(
        string("sluice.pages", "none", "whether an answer has a next page: none, link (the header Link), or pointer")
            .validator(Validator::one_of(&["none", "link", "pointer"])),
    )
    .define(optional("sluice.pages.pointer", "where the address of the next page is in an answer, with pointer"))
    .define(
        ConfigKey::new(
            "sluice.conditional.requests",
            ConfigType::Boolean,
            Importance::Low,
            "whether a request that is the same as the last one asks for changes alone (ETag, Last-Modified)",
        )
        .default(ParsedValue::Boolean(false)),
    )
    .define(
        ConfigKey::new(
            "sluice.max.answer.bytes",
            ConfigType::Int,
            Importance::Low,
            "an answer that is longer is a failure",
        )
        .default(ParsedValue::Int(16_777_216))
        .validator(Validator::at_least(1)),
    )
}

/// The settings; mistakes go to `problems`.
pub(super) fn parse(properties: &Properties, problems: &mut Problems) -> Option<SourceSettings> {
    problems.refuse(properties, &[("http.client.keystore", "client certificates are there in the HTTP sink alone")]);
    let parsed = match definition().parse(properties) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add("http.request.url", error.to_string());
            return None;
        }
    };
    classes(&parsed, problems);
    let mut template = |key: &str| problems.take(key, OffsetTemplate::parse(parsed.string(key)));
    let (url, headers) = (template("http.request.url"), template("http.request.headers"));
    let (params, body) = (template("http.request.params"), template("http.request.body"));
    let mut statuses = |key: &str| problems.take(key, Statuses::parse(parsed.string(key)));
    let (process, skip) = (statuses("http.response.policy.codes.process"), statuses("http.response.policy.codes.skip"));
    let initial = problems.take("http.offset.initial", pairs(parsed.string("http.offset.initial")));
    let (pointers, pages) = (pointers(&parsed, problems), pages(&parsed, problems));
    let duration = |key: &str| Duration::from_millis(parsed.long(key).unsigned_abs());
    let never = |timeout: Duration| if timeout.is_zero() { Duration::from_secs(3_600) } else { timeout };
    let filter = parsed.string("http.record.filter.factory");
    let direction = match parsed.string("http.response.list.order.direction").to_ascii_uppercase().as_str() {
        "ASC" => Direction::Ascending,
        "DESC" => Direction::Descending,
        _ => Direction::Implicit,
    };
    if direction == Direction::Descending && pages.as_ref().is_some_and(|pages| *pages != Pages::One) {
        problems
            .add("sluice.pages", "pages must be in ascending order: after a crash the older ones would be left out");
    }
    Some(SourceSettings {
        client: ClientSettings {
            connect_timeout: never(duration("http.client.connection.timeout.millis")),
            request_timeout: never(duration("http.client.read.timeout.millis")),
            proxy: proxy(&parsed),
            tls: TlsFiles::default(),
            connections: usize::try_from(parsed.int("http.client.max-idle")).unwrap_or(1),
        },
        auth: match parsed.string("http.auth.type").eq_ignore_ascii_case("basic") {
            true => Auth::Basic {
                user: parsed.string("http.auth.user").to_owned(),
                password: parsed
                    .password("http.auth.password")
                    .cloned()
                    .unwrap_or_else(|| sluice_api::config::Password::new("")),
            },
            false => Auth::None,
        },
        url: url?,
        method: parse_method(parsed.string("http.request.method")),
        headers: headers?,
        params: params?,
        body: body?,
        initial: initial?,
        pointers: pointers?,
        process: process?,
        skip: skip?,
        direction,
        filter: match filter {
            _ if filter.ends_with("PassthroughRecordFilterFactory") => Filter::Passthrough,
            _ if filter.ends_with("OffsetTimestampRecordFilterFactory") => Filter::Timestamp,
            _ => Filter::Offset,
        },
        plain_text: parsed.string("http.response.record.mapper").ends_with("StringKvSourceRecordMapper"),
        interval: duration("http.timer.interval.millis"),
        catchup: match parsed.string("http.timer").ends_with("FixedIntervalTimer") {
            true => duration("http.timer.interval.millis"),
            false => duration("http.timer.catchup.interval.millis"),
        },
        topic: parsed.string("kafka.topic").into(),
        pages: pages?,
        conditional: parsed.boolean("sluice.conditional.requests"),
        max_answer_bytes: usize::try_from(parsed.int("sluice.max.answer.bytes")).unwrap_or(1),
    })
}

fn classes(parsed: &ParsedConfig, problems: &mut Problems) {
    for (key, known) in CLASSES {
        let class = parsed.string(key);
        if !known.contains(&class.rsplit('.').next().unwrap_or(class)) {
            problems.add(key, format!("`{key}` {class} is not supported yet: expected one of {}", known.join(", ")));
        }
    }
}

fn pointers(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Pointers> {
    let list = problems.take("http.response.list.pointer", pointer(parsed.string("http.response.list.pointer")));
    let record = problems.take("http.response.record.pointer", pointer(parsed.string("http.response.record.pointer")));
    let key = "http.response.record.key.pointer";
    let keys = parsed.opt_string(key).unwrap_or_default().split(',').filter(|text| !text.trim().is_empty());
    let keys = problems.take(key, keys.map(pointer).collect());
    let key = "http.response.record.timestamp.pointer";
    let timestamp = problems.take(key, parsed.opt_string(key).map(pointer).transpose());
    let key = "http.response.record.offset.pointer";
    let offset = pairs(parsed.string(key)).and_then(|pairs| {
        pairs.into_iter().map(|(name, text)| Ok((name, pointer(&text)?))).collect::<Result<Vec<_>, String>>()
    });
    let offset = problems.take(key, offset);
    Some(Pointers { list: list?, record: record?, keys: keys?, timestamp: timestamp?, offset: offset? })
}

fn pages(parsed: &ParsedConfig, problems: &mut Problems) -> Option<Pages> {
    match (parsed.string("sluice.pages"), parsed.opt_string("sluice.pages.pointer")) {
        ("link", _) => Some(Pages::LinkHeader),
        ("pointer", Some(text)) => problems.take("sluice.pages.pointer", pointer(text)).map(Pages::Pointer),
        ("pointer", None) => {
            problems.add("sluice.pages.pointer", "`sluice.pages.pointer` is needed when `sluice.pages` is pointer");
            None
        }
        _ => Some(Pages::One),
    }
}

fn proxy(parsed: &ParsedConfig) -> Option<ProxySettings> {
    let host = Some(parsed.string("http.client.proxy.host")).filter(|host| !host.is_empty())?;
    Some(ProxySettings {
        host: host.to_owned(),
        port: u16::try_from(parsed.int("http.client.proxy.port")).unwrap_or(3128),
        user: Some(parsed.string("http.client.proxy.username")).filter(|user| !user.is_empty()).map(str::to_owned),
        password: parsed.password("http.client.proxy.password").cloned(),
    })
}

/// `a=1, b=2`.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("expected name=value, got {part}"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// Headers of a filled-in text: `Accept: application/json, X: a\,b`. The quick start of castorm's connector writes `=` for the colon.
pub(super) fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let escaped = text.replace("\\,", "\u{0}");
    for part in escaped.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part
            .split_once(':')
            .or_else(|| part.split_once('='))
            .ok_or_else(|| format!("expected name: value, got {part}"))?;
        let name =
            HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| format!("{name} is no name of a header"))?;
        let value = HeaderValue::from_str(value.replace('\u{0}', ",").trim())
            .map_err(|_| format!("the value of {name} is none of a header"))?;
        headers.append(name, value);
    }
    Ok(headers)
}
