//! What can go wrong when the server starts.

/// Why the REST server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another worker running there? set `{key}` to a free address")]
    Bind {
        /// `host:port`.
        address: String,
        /// The property that names it.
        key: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// A listener cannot speak TLS.
    #[error("`{key}` has the listener {listener}: {reason}")]
    Tls {
        /// The property with the listener.
        key: &'static str,
        /// The listener.
        listener: String,
        /// The property, and why it cannot be used.
        reason: String,
    },
}
