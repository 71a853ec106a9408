//! The shared keys, parsed. After this nobody sees a property map.

use std::time::Duration;

use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Properties, Result};

use super::auth::{self, Credentials};
use super::keys;
use super::subjects::SubjectNameStrategy;
use super::tls::TlsFiles;

/// Keys with this prefix are headers of every request.
const HEADER_PREFIX: &str = "request.header.";
/// Keys of the client may also be given with this prefix, as Confluent's client allows.
const CLIENT_PREFIX: &str = "schema.registry.";
/// Keys that change what is written or read and are not there: silence would be a lie.
const REFUSED: [&str; 4] = ["use.latest.with.metadata", "use.schema.guid", "context.name.strategy", "rule.executors"];
/// When the checks that schemas hold are executed; only never.
const RULES_IN_SCHEMAS: &str = "validation.rules.execution";

/// Where ids go.
const ID_SERIALIZERS: [&str; 2] = ["key.schema.id.serializer", "value.schema.id.serializer"];

/// Everything that the shared keys say.
#[derive(Clone, Debug)]
pub(crate) struct RegistryConfig {
    pub(super) client: ClientConfig,
    pub(super) write_policy: WritePolicy,
    pub(super) use_latest_version: bool,
    pub(super) normalize: bool,
    pub(super) latest_cache_size: usize,
    pub(super) latest_cache_ttl: Option<Duration>,
    pub(super) max_schemas: usize,
    pub(super) key_strategy: SubjectNameStrategy,
    pub(super) value_strategy: SubjectNameStrategy,
}

/// Where the registry is and how it is asked.
#[derive(Clone, Debug)]
pub(super) struct ClientConfig {
    pub(super) urls: Vec<String>,
    pub(super) credentials: Credentials,
    pub(super) headers: Vec<(String, String)>,
    pub(super) tls: TlsFiles,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) max_retries: u32,
    pub(super) retry_wait: Duration,
    pub(super) retry_max_wait: Duration,
    pub(super) proxy: Option<String>,
}

/// Which schema a record is written with, in the order in which the keys win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WritePolicy {
    /// Its own, registered when it is not there yet.
    Register,
    /// The one with this id.
    Id { id: i32, strict: bool },
    /// The newest of the subject.
    Latest { strict: bool },
    /// Its own, which must be there.
    LookUp,
}

impl RegistryConfig {
    /// Parses the shared keys out of `properties`, which have no prefix.
    ///
    /// # Errors
    /// `Config` naming the key and the value.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let properties = with_client_keys(properties);
        if let Some(key) = REFUSED.iter().find(|key| properties.get(**key).is_some_and(|value| !value.is_empty())) {
            let expected = "not supported by this converter, leave it out";
            return Err(ConnectError::config(format!(
                "Invalid value {} for configuration {key}: {expected}",
                properties[*key]
            )));
        }
        if let Some(when) =
            properties.get(RULES_IN_SCHEMAS).filter(|when| !when.trim().eq_ignore_ascii_case("DISABLED"))
        {
            let expected = "expected DISABLED: rules inside of schemas are not executed";
            return Err(ConnectError::config(format!(
                "Invalid value {when} for configuration {RULES_IN_SCHEMAS}: {expected}"
            )));
        }
        for key in ID_SERIALIZERS {
            if let Some(class) = properties.get(key).filter(|class| !class.ends_with("PrefixSchemaIdSerializer")) {
                let expected = "expected PrefixSchemaIdSerializer: ids stand in front of the data";
                return Err(ConnectError::config(format!("Invalid value {class} for configuration {key}: {expected}")));
            }
        }
        let parsed = keys::definition().parse(&properties)?;
        let size = |key: &str| usize::try_from(parsed.int(key)).unwrap_or(0);
        let strategy = |key: &str| SubjectNameStrategy::from_class(key, parsed.string(key));
        Ok(Self {
            client: ClientConfig::parse(&properties, &parsed)?,
            write_policy: WritePolicy::parse(&parsed),
            use_latest_version: parsed.boolean("use.latest.version"),
            normalize: parsed.boolean("normalize.schemas"),
            latest_cache_size: size("latest.cache.size"),
            latest_cache_ttl: u64::try_from(parsed.int("latest.cache.ttl.sec")).ok().map(Duration::from_secs),
            max_schemas: size("max.schemas.per.subject"),
            key_strategy: strategy("key.subject.name.strategy")?,
            value_strategy: strategy("value.subject.name.strategy")?,
        })
    }
}

/// Adds every `schema.registry.x` as `x` unless that is there.
fn with_client_keys(properties: &Properties) -> Properties {
    let mut all = properties.clone();
    for (key, value) in properties {
        if let Some(name) = key.strip_prefix(CLIENT_PREFIX)
            && !all.contains_key(name)
        {
            all.insert(name.to_owned(), value.clone());
        }
    }
    all
}

impl WritePolicy {
    fn parse(parsed: &ParsedConfig) -> Self {
        if parsed.boolean("auto.register.schemas") {
            Self::Register
        } else if parsed.int("use.schema.id") >= 0 {
            Self::Id { id: parsed.int("use.schema.id"), strict: parsed.boolean("id.compatibility.strict") }
        } else if parsed.boolean("use.latest.version") {
            Self::Latest { strict: parsed.boolean("latest.compatibility.strict") }
        } else {
            Self::LookUp
        }
    }
}

impl ClientConfig {
    fn parse(properties: &Properties, parsed: &ParsedConfig) -> Result<Self> {
        let millis = |key: &str| Duration::from_millis(u64::try_from(parsed.int(key)).unwrap_or(0));
        let urls =
            parsed.list("schema.registry.url").iter().map(|url| auth::checked_url(url)).collect::<Result<_>>()?;
        let proxy = parsed.opt_string("proxy.host").filter(|host| !host.is_empty() && parsed.int("proxy.port") > 0);
        Ok(Self {
            urls,
            credentials: Credentials::parse(properties, parsed)?,
            headers: headers(properties, parsed),
            tls: TlsFiles::parse(parsed)?,
            connect_timeout: millis("http.connect.timeout.ms"),
            read_timeout: millis("http.read.timeout.ms"),
            max_retries: u32::try_from(parsed.int("max.retries")).unwrap_or(0),
            retry_wait: millis("retries.wait.ms"),
            retry_max_wait: millis("retries.max.wait.ms"),
            proxy: proxy.map(|host| format!("http://{host}:{}", parsed.int("proxy.port"))),
        })
    }
}

fn headers(properties: &Properties, parsed: &ParsedConfig) -> Vec<(String, String)> {
    let own =
        properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(HEADER_PREFIX)?.to_owned(), value.clone())));
    let routing = [
        ("target-sr-cluster", "bearer.auth.logical.cluster"),
        ("Confluent-Identity-Pool-Id", "bearer.auth.identity.pool.id"),
    ];
    let routing =
        routing.iter().filter_map(|(name, key)| Some(((*name).to_owned(), parsed.opt_string(key)?.to_owned())));
    own.chain(routing).collect()
}
