//! The configuration: Debezium's keys, parsed once. No IO.

mod filter;
mod keys;
mod mapping;
mod unsupported;

pub(crate) use filter::{ColumnFilter, KeyColumns, TableFilter};
pub(crate) use keys::definition;
pub(crate) use mapping::ColumnMappings;
pub(crate) use unsupported::refusals;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Properties, Result};

use crate::client::{Options, SslMode, TlsFiles};
use crate::values::{BinaryMode, DecimalMode, HstoreMode, IntervalMode, Modes, Placeholder, TimeMode};

/// `snapshot.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SnapshotMode {
    /// At every start.
    Always,
    /// When there is no offset, or one of an unfinished snapshot.
    Initial,
    /// As before, then nothing more.
    InitialOnly,
    /// Never.
    NoData,
    /// When there is no offset, or its position is gone.
    WhenNeeded,
}

/// `publication.autocreate.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutocreateMode {
    Disabled,
    AllTables,
    Filtered,
    NoTables,
}

/// `snapshot.locking.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockingMode {
    None,
    Shared,
}

/// Everything that the task needs to know.
#[derive(Clone, Debug)]
pub(crate) struct PostgresConfig {
    /// `topic.prefix`: the logical name of the server.
    pub(crate) prefix: Arc<str>,
    pub(crate) topic_delimiter: String,
    /// `schema.name.adjustment.mode=avro`.
    pub(crate) avro_names: bool,
    pub(crate) options: Options,
    pub(crate) slot: String,
    pub(crate) slot_drop_on_stop: bool,
    pub(crate) slot_failover: bool,
    /// Further options of START_REPLICATION.
    pub(crate) stream_parameters: Vec<(String, String)>,
    pub(crate) publication: String,
    pub(crate) autocreate: AutocreateMode,
    pub(crate) via_partition_root: bool,
    pub(crate) status_interval: Duration,
    /// Confirm positions to the server, so that it can remove WAL.
    pub(crate) flush_lsn: bool,
    pub(crate) snapshot_mode: SnapshotMode,
    pub(crate) snapshot_locking: LockingMode,
    pub(crate) snapshot_lock_timeout_ms: i64,
    pub(crate) snapshot_delay: Duration,
    pub(crate) tables: TableFilter,
    /// Tables of the snapshot among those that are captured; empty for all.
    pub(crate) snapshot_tables: TableFilter,
    pub(crate) columns: ColumnFilter,
    /// What is masked, hashed and cut.
    pub(crate) mappings: ColumnMappings,
    /// Statements of the snapshot, by `schema.table`.
    pub(crate) select_overrides: HashMap<String, String>,
    pub(crate) key_columns: KeyColumns,
    pub(crate) modes: Modes,
    /// The topic of transactions when their metadata is wanted.
    pub(crate) transaction_topic: Option<String>,
    pub(crate) tombstones: bool,
    pub(crate) context_headers: bool,
    pub(crate) skip_inserts: bool,
    pub(crate) skip_updates: bool,
    pub(crate) skip_deletes: bool,
    pub(crate) skip_truncates: bool,
    pub(crate) skip_unchanged: bool,
    /// `None` for no heartbeat.
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) heartbeat_topic: String,
    pub(crate) heartbeat_query: Option<String>,
    /// Records of a poll at most.
    pub(crate) batch_size: usize,
    pub(crate) retry_delay: Duration,
    /// Retained WAL that is warned of.
    pub(crate) retained_warn_bytes: u64,
    /// Retained WAL at which the task fails; 0 for never.
    pub(crate) retained_fail_bytes: u64,
}

impl PostgresConfig {
    /// Reads the properties.
    ///
    /// # Errors
    /// `Config`, naming every key that is wrong or asks for something that is not supported.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(properties)?;
        let refused: Vec<String> = refusals(properties).into_iter().map(|(_, message)| message).collect();
        if !refused.is_empty() {
            return Err(ConnectError::config(refused.join("; ")));
        }
        let skipped = parsed.list("skipped.operations");
        let skips = |operation: &str| skipped.iter().any(|one| one.eq_ignore_ascii_case(operation));
        let prefix = parsed.string("topic.prefix");
        let millis = |key: &str| Duration::from_millis(u64::try_from(parsed.long(key)).unwrap_or(0));
        let bytes = |key: &str| u64::try_from(parsed.long(key)).unwrap_or(0);
        let text = |key: &str| parsed.opt_string(key).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self {
            prefix: prefix.into(),
            topic_delimiter: parsed.string("topic.delimiter").to_owned(),
            avro_names: parsed.string("schema.name.adjustment.mode").eq_ignore_ascii_case("avro"),
            options: options(&parsed, properties)?,
            slot: parsed.string("slot.name").to_owned(),
            slot_drop_on_stop: parsed.boolean("slot.drop.on.stop"),
            slot_failover: parsed.boolean("slot.failover"),
            stream_parameters: stream_parameters(parsed.opt_string("slot.stream.params").unwrap_or_default()),
            publication: parsed.string("publication.name").to_owned(),
            autocreate: match parsed.string("publication.autocreate.mode").to_ascii_lowercase().as_str() {
                "disabled" => AutocreateMode::Disabled,
                "filtered" => AutocreateMode::Filtered,
                "no_tables" => AutocreateMode::NoTables,
                _ => AutocreateMode::AllTables,
            },
            via_partition_root: parsed.boolean("publish.via.partition.root"),
            status_interval: millis("status.update.interval.ms"),
            flush_lsn: parsed.boolean("flush.lsn.source") && parsed.string("lsn.flush.mode") != "manual",
            snapshot_mode: snapshot_mode(parsed.string("snapshot.mode")),
            snapshot_locking: match parsed.string("snapshot.locking.mode") {
                "shared" => LockingMode::Shared,
                _ => LockingMode::None,
            },
            snapshot_lock_timeout_ms: parsed.long("snapshot.lock.timeout.ms"),
            snapshot_delay: millis("snapshot.delay.ms"),
            tables: TableFilter::parse(properties)?,
            snapshot_tables: TableFilter::included("snapshot.include.collection.list", properties)?,
            columns: ColumnFilter::parse(properties)?,
            mappings: ColumnMappings::parse(properties)?,
            select_overrides: select_overrides(properties)?,
            key_columns: KeyColumns::parse(properties)?,
            modes: modes(&parsed)?,
            transaction_topic: parsed.boolean("provide.transaction.metadata").then(|| {
                let (delimiter, topic) = (parsed.string("topic.delimiter"), parsed.string("topic.transaction"));
                sanitized(&format!("{prefix}{delimiter}{topic}"))
            }),
            tombstones: parsed.boolean("tombstones.on.delete"),
            context_headers: parsed.boolean("extended.headers.enabled"),
            skip_inserts: skips("c"),
            skip_updates: skips("u"),
            skip_deletes: skips("d"),
            skip_truncates: skips("t"),
            skip_unchanged: parsed.boolean("skip.messages.without.change"),
            heartbeat: Some(millis("heartbeat.interval.ms")).filter(|interval| !interval.is_zero()),
            heartbeat_topic: match text("topic.heartbeat.name") {
                Some(name) => name,
                None => format!("{}.{prefix}", parsed.string("topic.heartbeat.prefix")),
            },
            heartbeat_query: text("heartbeat.action.query"),
            batch_size: usize::try_from(parsed.int("max.batch.size")).unwrap_or(1).max(1),
            retry_delay: millis("retriable.restart.connector.wait.ms"),
            retained_warn_bytes: bytes("sluice.slot.retained.warn.bytes"),
            retained_fail_bytes: bytes("sluice.slot.retained.fail.bytes"),
        })
    }

    /// `prefix.schema.table`, with what a topic cannot have replaced.
    pub(crate) fn topic(&self, schema: &str, table: &str) -> Arc<str> {
        let delimiter = &self.topic_delimiter;
        sanitized(&format!("{}{delimiter}{schema}{delimiter}{table}", self.prefix)).into()
    }

    /// The name of a schema, made one of Avro where that is asked for: what is no letter, digit or underscore becomes one, and a digit
    /// in front gets one before it.
    pub(crate) fn schema_name(&self, name: &str) -> String {
        if !self.avro_names {
            return name.to_owned();
        }
        let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '_' };
        let first = name.chars().next().filter(|first| first.is_ascii_digit() || *first == '.');
        match first {
            Some('.') => format!("_{}", name.chars().skip(1).map(keep).collect::<String>()),
            Some(_) => format!("_{}", name.chars().map(keep).collect::<String>()),
            None => name.chars().map(keep).collect(),
        }
    }

    /// The topic of logical messages.
    pub(crate) fn message_topic(&self) -> Arc<str> {
        sanitized(&format!("{}{}message", self.prefix, self.topic_delimiter)).into()
    }

    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        let sample = [
            ("topic.prefix", "server"),
            ("database.hostname", "localhost"),
            ("database.user", "capture"),
            ("database.password", "secret"),
            ("database.dbname", "shop"),
        ];
        let properties = sample.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self::parse(&properties).expect("the sample is right")
    }
}

/// Letters, digits, `.`, `_` and `-` stay, everything else becomes `_`.
pub(crate) fn sanitized(topic: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    topic.chars().map(keep).collect()
}

fn options(parsed: &ParsedConfig, properties: &Properties) -> Result<Options> {
    let port = parsed.int("database.port");
    let port = u16::try_from(port).map_err(|_| {
        ConnectError::config(format!(
            "Invalid value {port} for configuration database.port: a port from 0 to 65535 is expected"
        ))
    })?;
    let hosts = parsed.string("database.hostname").split(',').map(str::trim).filter(|host| !host.is_empty());
    let hosts = hosts.map(|host| host_and_port(host, port)).collect();
    let path = |key: &str| parsed.opt_string(key).filter(|path| !path.is_empty()).map(PathBuf::from);
    let verifies = !parsed.opt_string("database.sslfactory").unwrap_or_default().ends_with("NonValidatingFactory");
    let mode = SslMode::parse(parsed.string("database.sslmode")).unwrap_or(SslMode::Prefer);
    Ok(Options {
        hosts,
        user: parsed.string("database.user").to_owned(),
        password: parsed.password("database.password").cloned(),
        database: parsed.string("database.dbname").to_owned(),
        ssl_mode: if verifies { mode } else { mode.min(SslMode::Require) },
        tls: TlsFiles {
            certificate: path("database.sslcert"),
            key: path("database.sslkey"),
            key_password: parsed.password("database.sslpassword").cloned(),
            root_certificate: path("database.sslrootcert").filter(|_| verifies),
        },
        application_name: format!(
            "sluice {}",
            properties.get("name").map_or_else(|| parsed.string("topic.prefix"), String::as_str)
        ),
        query_timeout: Duration::from_millis(u64::try_from(parsed.int("database.query.timeout.ms")).unwrap_or(600_000)),
        initial_statements: initial_statements(parsed.opt_string("database.initial.statements").unwrap_or_default()),
    })
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn host_and_port(text: &str, default: u16) -> (String, u16) {
    if let Some(rest) = text.strip_prefix('[')
        && let Some((host, port)) = rest.split_once(']')
    {
        return (host.to_owned(), port.strip_prefix(':').and_then(|port| port.parse().ok()).unwrap_or(default));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host.to_owned(), port.parse().unwrap_or(default)),
        _ => (text.to_owned(), default),
    }
}

/// Statements of the tables that `snapshot.select.statement.overrides` lists; the semicolon at an end is left out.
fn select_overrides(properties: &Properties) -> Result<HashMap<String, String>> {
    const KEY: &str = "snapshot.select.statement.overrides";
    let tables = properties.get(KEY).map_or("", String::as_str).split(',').map(str::trim);
    let statement = |table: &str| {
        let statement = properties.get(&format!("{KEY}.{table}")).map(|sql| sql.trim().trim_end_matches(';').trim());
        statement.filter(|sql| !sql.is_empty()).map(|sql| (table.to_owned(), sql.to_owned())).ok_or_else(|| {
            ConnectError::config(format!(
                "Invalid value {table} for configuration {KEY}: its statement is expected in `{KEY}.{table}`"
            ))
        })
    };
    tables.filter(|table| !table.is_empty()).map(statement).collect()
}

/// Statements between semicolons; a double one stands for itself.
fn initial_statements(text: &str) -> Vec<String> {
    let parts = text.replace(";;", "\u{1}");
    let parts = parts.split(';').map(|part| part.replace('\u{1}', ";").trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

fn stream_parameters(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

fn snapshot_mode(name: &str) -> SnapshotMode {
    match name.to_ascii_lowercase().as_str() {
        "always" => SnapshotMode::Always,
        "initial_only" => SnapshotMode::InitialOnly,
        "no_data" | "never" => SnapshotMode::NoData,
        "when_needed" => SnapshotMode::WhenNeeded,
        _ => SnapshotMode::Initial,
    }
}

fn modes(parsed: &ParsedConfig) -> Result<Modes> {
    let name = |key: &str| parsed.string(key).to_ascii_lowercase();
    let placeholder = parsed.string("unavailable.value.placeholder");
    Ok(Modes {
        decimal: match name("decimal.handling.mode").as_str() {
            "double" => DecimalMode::Double,
            "string" => DecimalMode::String,
            _ => DecimalMode::Precise,
        },
        time: match name("time.precision.mode").as_str() {
            "adaptive_time_microseconds" => TimeMode::AdaptiveTimeMicroseconds,
            "connect" => TimeMode::Connect,
            "isostring" => TimeMode::IsoString,
            "microseconds" => TimeMode::Microseconds,
            "nanoseconds" => TimeMode::Nanoseconds,
            _ => TimeMode::Adaptive,
        },
        binary: match name("binary.handling.mode").as_str() {
            "base64" => BinaryMode::Base64,
            "base64-url-safe" => BinaryMode::Base64UrlSafe,
            "hex" => BinaryMode::Hex,
            _ => BinaryMode::Bytes,
        },
        hstore: if name("hstore.handling.mode") == "map" { HstoreMode::Map } else { HstoreMode::Json },
        interval: match name("interval.handling.mode").as_str() {
            "string" => IntervalMode::String,
            _ => IntervalMode::Numeric,
        },
        money_digits: parsed.int("money.fraction.digits"),
        include_unknown: parsed.boolean("include.unknown.datatypes"),
        placeholder: Placeholder::parse(placeholder).ok_or_else(|| {
            ConnectError::config(format!(
                "Invalid value {placeholder} for configuration unavailable.value.placeholder: hex digits are expected behind `hex:`"
            ))
        })?,
    })
}

#[cfg(test)]
mod tests;
