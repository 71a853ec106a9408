//! The error of the plugin border: a kind that policy is decided on, a message for people, and the cause.
//!
//! Exactly one `match` on [`ErrorKind`] decides task policy (in the worker) and exactly one decides the HTTP status (in
//! the REST crate).

use std::error::Error as StdError;
use std::fmt;

/// A result across the plugin border.
pub type Result<T, E = ConnectError> = std::result::Result<T, E>;

/// What an error means for policy. The names are those of Kafka Connect's exceptions without their suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operation may succeed when it is tried again (`RetriableException`).
    Retriable,
    /// A record or schema cannot be converted or does not fit (`DataException`).
    Data,
    /// A configuration value is wrong (`ConfigException`).
    Config,
    /// The thing that was named does not exist (`NotFoundException`).
    NotFound,
    /// The thing that was named exists already (`AlreadyExistsException`).
    AlreadyExists,
    /// The request itself is wrong (`BadRequestException`).
    BadRequest,
    /// Right now another operation stands in the way; the caller may try later (HTTP 409).
    Conflict,
    /// The operation did not finish in the time it was given.
    Timeout,
    /// A newer owner has taken over; this one must stop without writing anything more.
    Fenced,
    /// The operation is not offered (`UnsupportedOperationException`).
    Unsupported,
    /// Anything else that ends a task (`ConnectException`).
    Connect,
}

impl ErrorKind {
    /// The Java exception class that a Kafka Connect user knows for this kind; it opens every trace in a status.
    pub fn java_class(self) -> &'static str {
        match self {
            Self::Retriable => "org.apache.kafka.connect.errors.RetriableException",
            Self::Data => "org.apache.kafka.connect.errors.DataException",
            Self::Config => "org.apache.kafka.common.config.ConfigException",
            Self::NotFound => "org.apache.kafka.connect.errors.NotFoundException",
            Self::AlreadyExists => "org.apache.kafka.connect.errors.AlreadyExistsException",
            Self::BadRequest => "org.apache.kafka.connect.runtime.rest.errors.BadRequestException",
            Self::Timeout => "org.apache.kafka.common.errors.TimeoutException",
            Self::Fenced => "org.apache.kafka.common.errors.ProducerFencedException",
            Self::Unsupported => "java.lang.UnsupportedOperationException",
            Self::Conflict | Self::Connect => "org.apache.kafka.connect.errors.ConnectException",
        }
    }
}

/// An error over the plugin border.
///
/// `Display` prints the message alone; [`ConnectError::trace`] prints the chain of causes as it goes into a status.
#[derive(Debug)]
pub struct ConnectError {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

impl ConnectError {
    /// An error of `kind` whose message is `context`.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// A [`ErrorKind::Connect`] error: it ends the task.
    pub fn connect(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Connect, context)
    }

    /// A [`ErrorKind::Data`] error: the record, not the task, is at fault.
    pub fn data(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, context)
    }

    /// A [`ErrorKind::Config`] error.
    pub fn config(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, context)
    }

    /// A [`ErrorKind::Retriable`] error.
    pub fn retriable(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Retriable, context)
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the error means for policy.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.context
    }

    /// The text of a status: class and message, then a `Caused by:` line per cause.
    pub fn trace(&self) -> String {
        let mut text = format!("{}: {}", self.kind.java_class(), self.context);
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str("\nCaused by: ");
            if let Some(inner) = error.downcast_ref::<ConnectError>() {
                text.push_str(inner.kind.java_class());
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text.push('\n');
        text
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
