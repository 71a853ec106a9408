//! What goes wrong between the client and a server, and what it means for the task.

use std::io;

use postgres_protocol::message::backend::ErrorFields;
use sluice_api::ConnectError;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The connection broke or could not be made.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server refused.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// The server said something that the protocol does not allow.
    #[error("unexpected answer of the server: {0}")]
    Protocol(String),
    /// TLS could not be set up as `database.sslmode` asks.
    #[error("TLS: {0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u128),
}

/// An `ErrorResponse`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerError {
    pub(crate) severity: String,
    /// Five characters, see PostgreSQL's appendix A.
    pub(crate) sql_state: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} (SQLSTATE {})", self.severity, self.message, self.sql_state)?;
        self.detail.iter().try_for_each(|detail| write!(f, "; {detail}"))?;
        self.hint.iter().try_for_each(|hint| write!(f, "; hint: {hint}"))
    }
}

impl ServerError {
    pub(super) fn read(mut fields: ErrorFields<'_>) -> Self {
        use postgres_protocol::message::backend::ErrorField;
        let mut error = Self::default();
        while let Ok(Some(field)) = next(&mut fields) {
            let text = String::from_utf8_lossy(ErrorField::value_bytes(&field)).into_owned();
            match field.type_() {
                b'S' => error.severity = text,
                b'C' => error.sql_state = text,
                b'M' => error.message = text,
                b'D' => error.detail = Some(text),
                b'H' => error.hint = Some(text),
                _ => {}
            }
        }
        error
    }
}

fn next<'a>(fields: &mut ErrorFields<'a>) -> io::Result<Option<postgres_protocol::message::backend::ErrorField<'a>>> {
    fallible_iterator::FallibleIterator::next(fields)
}

impl Error {
    /// The SQLSTATE of a refusal.
    pub(crate) fn sql_state(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.sql_state),
            _ => None,
        }
    }

    /// Whether a new connection may help: the server went away, is starting or stopping, or has no room right now.
    pub(crate) fn is_connection_error(&self) -> bool {
        match self {
            Self::Io(_) | Self::Timeout(_) => true,
            Self::Server(error) => {
                let state = error.sql_state.as_str();
                state.starts_with("08") || state.starts_with("57P") || state.starts_with("53") || state == "55006"
            }
            Self::Protocol(_) | Self::Tls(_) => false,
        }
    }

    /// The error of the plugin border; `doing` says what was tried.
    pub(crate) fn into_connect(self, doing: &str) -> ConnectError {
        let message = format!("{doing}: {self}");
        if self.is_connection_error() { ConnectError::retriable(message) } else { ConnectError::connect(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(state: &str) -> Error {
        Error::Server(Box::new(ServerError { sql_state: state.to_owned(), ..ServerError::default() }))
    }

    #[test]
    fn a_server_that_goes_away_is_tried_again_and_a_wrong_password_is_not() {
        assert!(server("57P01").is_connection_error());
        assert!(server("57P03").is_connection_error());
        assert!(server("55006").is_connection_error(), "a slot that another connection holds");
        assert!(Error::from(io::Error::from(io::ErrorKind::ConnectionReset)).is_connection_error());
        assert!(!server("28P01").is_connection_error());
        assert!(!server("42704").is_connection_error());
    }
}
