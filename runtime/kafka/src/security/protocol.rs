//! `security.protocol`, and what belongs to it.

use super::lookup::Lookup;
use super::sasl::Sasl;
use super::tls::Tls;
use crate::error::{Error, PropertyError};

/// How a client encrypts and authenticates. Shows no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// `None` sends everything in clear.
    pub(crate) tls: Option<Tls>,
    /// `None` lets the listener decide who this is.
    pub(crate) sasl: Option<Sasl>,
}

impl Security {
    /// Reads the client properties that `find` knows; untrimmed values are fine. No file is read.
    ///
    /// # Errors
    /// Everything that cannot be used, all at once.
    pub(crate) fn parse<'a>(find: &'a dyn Fn(&str) -> Option<&'a str>) -> Result<Self, Vec<PropertyError>> {
        const KEY: &str = "security.protocol";
        let mut keys = Lookup::new(find);
        let protocol = keys.text(KEY).unwrap_or("PLAINTEXT");
        let (tls, sasl) = match protocol.to_ascii_uppercase().as_str() {
            "PLAINTEXT" => (false, false),
            "SSL" => (true, false),
            "SASL_PLAINTEXT" => (false, true),
            "SASL_SSL" => (true, true),
            _ => {
                keys.wrong(KEY, protocol, "one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
                (false, false)
            }
        };
        let tls = tls.then(|| Tls::parse(&mut keys));
        let sasl = if sasl { Sasl::parse(&mut keys) } else { None };
        let errors = keys.into_errors();
        if errors.is_empty() { Ok(Self { tls, sasl }) } else { Err(errors) }
    }

    /// Reads every store once, so that what cannot be opened is said when a client is made and not when it connects.
    ///
    /// # Errors
    /// The property and the file, and why it cannot be used.
    pub(crate) fn check_stores(&self) -> Result<(), Error> {
        match &self.tls {
            Some(tls) => tls.load().map(drop),
            None => Ok(()),
        }
    }
}
