//! One store of certificates: where it is, in which format, and what opens it.

use std::fs;

use sluice_keystores::{Entries, Passwords, pem};

use crate::error::{Error, ErrorKind};
use crate::security::lookup::Lookup;
use crate::security::secret::Secret;

/// `ssl.keystore.*` or `ssl.truststore.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Store {
    keys: &'static StoreKeys,
    pub(super) source: Source,
    password: Option<Secret>,
    key_password: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A file whose format its first bytes tell.
    File(String),
    /// PEM in the properties themselves.
    Text { certificates: Secret, key: Option<Secret> },
}

/// The properties of one kind of store.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoreKeys {
    kind: &'static str,
    location: &'static str,
    password: &'static str,
    certificates: &'static str,
    key: Option<&'static str>,
}

pub(super) static KEY_STORE: StoreKeys = StoreKeys {
    kind: "ssl.keystore.type",
    location: "ssl.keystore.location",
    password: "ssl.keystore.password",
    certificates: "ssl.keystore.certificate.chain",
    key: Some("ssl.keystore.key"),
};

pub(super) static TRUST_STORE: StoreKeys = StoreKeys {
    kind: "ssl.truststore.type",
    location: "ssl.truststore.location",
    password: "ssl.truststore.password",
    certificates: "ssl.truststore.certificates",
    key: None,
};

impl Store {
    /// Reads the keys of one store; `None` when there is none. The rules between the keys are those of Kafka's clients.
    pub(super) fn parse(keys: &mut Lookup<'_>, names: &'static StoreKeys) -> Option<Self> {
        let kind = keys.text(names.kind).unwrap_or("JKS").to_ascii_uppercase();
        if !["JKS", "PKCS12", "PEM"].contains(&kind.as_str()) {
            keys.wrong(names.kind, &kind, "JKS, PKCS12 or PEM");
        }
        let certificates = keys.secret(names.certificates);
        let key = names.key.and_then(|name| keys.secret(name));
        let location = keys.text(names.location);
        let inline = if certificates.is_some() { names.certificates } else { names.key.unwrap_or(names.certificates) };
        let password = keys.secret(names.password);
        let key_password = names.key.and_then(|_| keys.secret("ssl.key.password"));
        let source = match (location, certificates, key) {
            (None, None, None) => return None,
            (Some(path), None, None) => Source::File(path.to_owned()),
            (Some(_), ..) => {
                keys.wrong_secret(inline, format!("nothing, because `{}` is set", names.location));
                return None;
            }
            (None, Some(certificates), None) if names.key.is_none() => Source::Text { certificates, key: None },
            (None, Some(certificates), Some(key)) => Source::Text { certificates, key: Some(key) },
            (None, ..) => {
                let missing =
                    if inline == names.certificates { names.key.unwrap_or_default() } else { names.certificates };
                keys.wrong_secret(missing, format!("PEM, because `{inline}` is set"));
                return None;
            }
        };
        if kind != "PEM" && matches!(source, Source::Text { .. }) {
            keys.wrong(names.kind, &kind, format!("PEM, because `{inline}` is set"));
        }
        if kind == "PEM" && password.is_some() {
            keys.wrong_secret(names.password, "nothing: `ssl.key.password` opens a key in PEM");
        }
        Some(Self { keys: names, source, password, key_password })
    }

    /// Everything in the store.
    ///
    /// # Errors
    /// The property and the file, and why it cannot be read. Never contents.
    pub(super) fn read(&self) -> Result<Entries, Error> {
        let key_password = self.key_password.as_ref().map(Secret::expose);
        match &self.source {
            Source::Text { certificates, key } => {
                let mut entries = pem::read(certificates.expose(), key_password)
                    .map_err(|reason| wrong(self.keys.certificates, "", &reason))?;
                if let (Some(text), Some(name)) = (key, self.keys.key) {
                    let keys = pem::read(text.expose(), key_password).map_err(|reason| wrong(name, "", &reason))?;
                    entries.key = Some(keys.key.ok_or_else(|| wrong(name, "", "there is no private key in it"))?);
                }
                Ok(entries)
            }
            Source::File(path) => {
                let at = format!(" ({path})");
                let bytes = fs::read(path).map_err(|error| wrong(self.keys.location, &at, &error.to_string()))?;
                self.read_bytes(&bytes).map_err(|reason| wrong(self.keys.location, &at, &reason))
            }
        }
    }

    fn read_bytes(&self, bytes: &[u8]) -> Result<Entries, String> {
        let passwords = Passwords {
            store: self.password.as_ref().map(Secret::expose),
            key: self.key_password.as_ref().map(Secret::expose),
        };
        sluice_keystores::read(bytes, passwords, self.keys.key.is_some())
    }
}

fn wrong(property: &str, at: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Config, format!("reading `{property}`{at}: {reason}"))
}
