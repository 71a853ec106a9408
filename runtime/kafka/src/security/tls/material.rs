//! What stores hold, read and ready for use.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use sluice_keystores::Entries;

use super::config::Tls;
use crate::error::{Error, ErrorKind};

/// What a client needs for TLS.
pub(crate) struct Material {
    /// The authorities to trust; `None` for the system's.
    pub(super) trusted: Option<Vec<X509>>,
    pub(super) identity: Option<Identity>,
}

/// The client's own certificate with its chain, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<X509>,
    pub(super) key: PKey<Private>,
}

impl Tls {
    /// Reads the stores. Blocks for as long as small files take.
    ///
    /// # Errors
    /// The property and the file, and why it cannot be used.
    pub(crate) fn load(&self) -> Result<Material, Error> {
        let trusted = match &self.trust_store {
            None => None,
            Some(store) => Some(trusted(store.read()?)?),
        };
        let identity = match &self.key_store {
            None => None,
            Some(store) => Some(identity(store.read()?)?),
        };
        Ok(Material { trusted, identity })
    }
}

fn trusted(entries: Entries) -> Result<Vec<X509>, Error> {
    if entries.certificates.is_empty() {
        return Err(unusable("there is no certificate in the trust store"));
    }
    Ok(entries.certificates)
}

fn identity(entries: Entries) -> Result<Identity, Error> {
    let Some(key) = entries.key else { return Err(unusable("there is no private key in the key store")) };
    let Some(own) = entries.certificates.first() else {
        return Err(unusable("there is no certificate in the key store"));
    };
    let fits = own.public_key().is_ok_and(|public| public.public_eq(&key));
    if !fits {
        return Err(unusable("the first certificate of the key store does not belong to its private key"));
    }
    Ok(Identity { chain: entries.certificates, key })
}

fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Config, what)
}

impl Material {
    /// librdkafka's keys with PEM texts. The last one is a secret.
    pub(crate) fn librdkafka(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut keys = Vec::new();
        if let Some(trusted) = &self.trusted {
            keys.push(("ssl.ca.pem", certificates(trusted)?));
        }
        if let Some(identity) = &self.identity {
            let key = identity.key.private_key_to_pem_pkcs8().map_err(|error| unusable(&error.to_string()))?;
            keys.push(("ssl.certificate.pem", certificates(&identity.chain)?));
            keys.push(("ssl.key.pem", text(key)?));
        }
        Ok(keys)
    }

    /// The trusted certificates as DER.
    pub(crate) fn trusted_der(&self) -> Option<Vec<Vec<u8>>> {
        let trusted = self.trusted.as_ref()?;
        Some(trusted.iter().filter_map(|certificate| certificate.to_der().ok()).collect())
    }
}

fn certificates(chain: &[X509]) -> Result<String, Error> {
    let mut all = Vec::new();
    for certificate in chain {
        all.extend(certificate.to_pem().map_err(|error| unusable(&error.to_string()))?);
    }
    text(all)
}

fn text(pem: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(pem).map_err(|error| unusable(&error.to_string()))
}
