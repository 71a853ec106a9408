//! Where and how to connect.

use std::path::PathBuf;
use std::time::Duration;

use sluice_api::config::Password;

/// What `database.sslmode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only if the server insists.
    Allow,
    /// TLS if the server has it.
    Prefer,
    /// TLS, whoever answers.
    Require,
    /// TLS with a certificate of a known authority.
    VerifyCa,
    /// As before, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    /// The mode of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// Certificate and key files of `database.ssl*`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) key_password: Option<Password>,
    pub(crate) root_certificate: Option<PathBuf>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Catalog, snapshot, heartbeat.
    Sql,
    /// Slots and the stream of changes.
    Replication,
}

/// Everything that a connection needs.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Host and port, in the order in which they are tried.
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) user: String,
    pub(crate) password: Option<Password>,
    pub(crate) database: String,
    pub(crate) ssl_mode: SslMode,
    pub(crate) tls: TlsFiles,
    /// What `pg_stat_activity` shows.
    pub(crate) application_name: String,
    /// How long a server may take to answer a statement.
    pub(crate) query_timeout: Duration,
    /// Sent once after log-in.
    pub(crate) initial_statements: Vec<String>,
}

/// Settings that the text form of values depends on, so every session has them.
pub(super) const SESSION: [(&str, &str); 8] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    ("xmlbinary", "base64"),
];
