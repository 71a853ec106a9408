//! Why the registry did not give what it was asked for.

use std::io;

use openssl::error::Error as Reason;
use sluice_api::{ConnectError, ErrorKind};

/// Why a request failed. Addresses are shown without user and password.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the schema registry at {url} could not be asked: {source}{}", hint(.source))]
    Unreachable {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("the schema registry at {url} answered {status}, error code {code}: {message}")]
    Refused { url: String, status: u16, code: i64, message: String },
    #[error("the schema registry at {url} gave an answer that cannot be read: {reason}")]
    Malformed { url: String, reason: String },
}

impl Error {
    /// Whether the same request may succeed later or at another address.
    pub(super) fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !is_setup(source),
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Malformed { .. } => false,
        }
    }

    /// The error of a converter that was `doing` something. The registry's explanation is the cause.
    pub(super) fn into_connect(self, doing: String) -> ConnectError {
        let kind = match &self {
            _ if self.is_retriable() => ErrorKind::Retriable,
            // Credentials and certificates are configuration: no record is at fault.
            Self::Unreachable { .. } | Self::Refused { status: 401 | 403, .. } => ErrorKind::Config,
            Self::Refused { .. } | Self::Malformed { .. } => ErrorKind::Data,
        };
        ConnectError::new(kind, doing).with_source(self)
    }

    /// Whether the registry says that it does not have the thing.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// Certificates and addresses that will be wrong next time too.
fn is_setup(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => is_refused_certificate(error),
        _ => matches!(
            error,
            ureq::Error::NativeTls(_)
                | ureq::Error::Tls(_)
                | ureq::Error::Der(_)
                | ureq::Error::Pem(_)
                | ureq::Error::BadUri(_)
                | ureq::Error::Http(_)
        ),
    }
}

/// Since TLS 1.3 a server says after the handshake, in place of an answer, that it wants another certificate.
fn is_refused_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>());
    let stack = inner.and_then(openssl::ssl::Error::ssl_error);
    stack.is_some_and(|stack| stack.errors().iter().filter_map(Reason::reason).any(|reason| reason.contains("alert")))
}

/// What to look at, when the TLS library's own words do not say it.
fn hint(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Io(error) if is_refused_certificate(error) => {
            ": the registry does not take the certificate in `schema.registry.ssl.keystore.*`, or wants one"
        }
        ureq::Error::NativeTls(error) => {
            let text = error.to_string();
            let unknown = ["local issuer certificate", "self-signed certificate", "verify the first certificate"];
            if unknown.iter().any(|words| text.contains(words)) {
                ": its authority is not in `schema.registry.ssl.truststore.*`"
            } else {
                ""
            }
        }
        _ => "",
    }
}
