//! What can go wrong in a store.

use sluice_api::ErrorKind;

/// The error of a store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The topic or file has a property that makes it unusable; nothing was started. The text names all.
    #[error("{0}")]
    Unusable(String),
    /// A write or a read to the end did not finish in time; it may still happen.
    #[error("{0}")]
    Timeout(String),
    /// This worker may not write to the config topic any more: another leader took over.
    #[error("{0}")]
    Fenced(String),
    /// The store was stopped, or the reader was closed because its task was cancelled.
    #[error("{0}")]
    Closed(String),
    /// A value that the store cannot hold (offset fields that are not primitive, …).
    #[error("{0}")]
    Invalid(String),
    /// The file could not be read or written.
    #[error("{context}")]
    Io {
        /// What was done to which file.
        context: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The Kafka client.
    #[error("{context}")]
    Kafka {
        /// What was done to which topic.
        context: String,
        /// Why it failed.
        source: sluice_kafka::Error,
    },
}

impl Error {
    /// What the error means for policy.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unusable(_) => ErrorKind::Config,
            Self::Timeout(_) => ErrorKind::Timeout,
            Self::Fenced(_) => ErrorKind::Fenced,
            Self::Invalid(_) => ErrorKind::Data,
            Self::Closed(_) | Self::Io { .. } | Self::Kafka { .. } => ErrorKind::Connect,
        }
    }
}
