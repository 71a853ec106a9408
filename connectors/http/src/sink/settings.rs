//! What a sink does, whichever class name and keys said so.

use std::time::Duration;

use regex::Regex;
use reqwest::Method;
use reqwest::header::HeaderName;

use super::bulk::BulkSettings;
use super::report_keys::ReportSettings;
use super::template::Template;
use crate::client::{Auth, ClientSettings, RetryPolicy};
use sluice_api::data::Decimals;

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct SinkSettings {
    pub(crate) client: ClientSettings,
    pub(crate) auth: Auth,
    pub(crate) retry: RetryPolicy,
    /// Requests per second, 0 for as many as go.
    pub(crate) rate: f64,
    /// Requests at a time; records of one key never overtake each other.
    pub(crate) concurrency: usize,
    pub(crate) url: Template,
    pub(crate) method: Method,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    /// Carries a text that is the same whenever the same records come again.
    pub(crate) idempotency_header: Option<HeaderName>,
    pub(crate) body: BodySettings,
    pub(crate) batch: BatchSettings,
    pub(crate) nulls: Nulls,
    pub(crate) on_error: OnError,
    pub(crate) bulk: Option<BulkSettings>,
    pub(crate) reports: ReportSettings,
}

/// How a record becomes a body.
#[derive(Clone, Debug)]
pub(crate) struct BodySettings {
    pub(crate) format: BodyFormat,
    pub(crate) decimals: Decimals,
    /// Replaces the value when it is there.
    pub(crate) template: Option<Template>,
    /// Patterns and their replacements, in order.
    pub(crate) rewrites: Vec<(Regex, String)>,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// As Java prints it (Confluent's `string`).
    Text,
    /// JSON (Confluent's `json`).
    Json,
    /// Text and bytes as they are, structs and maps as JSON, nothing else (Aiven's).
    TextOrJson,
}

/// How records come together in a request.
#[derive(Clone, Debug)]
pub(crate) struct BatchSettings {
    /// Whether prefix, separator and suffix apply.
    pub(crate) enabled: bool,
    pub(crate) max_records: usize,
    pub(crate) max_bytes: usize,
    pub(crate) prefix: String,
    pub(crate) separator: String,
    pub(crate) suffix: String,
    /// Records with different texts never share a request.
    pub(crate) group: Option<Template>,
    /// Whether a refused batch is halved until the records that are at fault are alone.
    pub(crate) split: bool,
}

/// What a null value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// Nothing.
    Ignore,
    /// A bad record.
    Fail,
    /// A DELETE request without body.
    Delete,
}

/// What becomes of records that cannot be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnError {
    /// To the dead letter queue if there is one, else the task fails.
    Fail,
    /// Left out with a warning: the user has asked for it.
    Ignore,
}

/// How long one call of `put` may spend in pauses before it gives the worker its turn.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
