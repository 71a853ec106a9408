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
    /// HTTPS is not there yet.
    #[error(
        "`{key}` has the listener {listener}: https is not supported yet, use http:// (behind a proxy that speaks TLS \
         where that is needed)"
    )]
    Https {
        /// The property.
        key: &'static str,
        /// The listener.
        listener: String,
    },
}
