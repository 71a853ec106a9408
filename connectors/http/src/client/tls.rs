//! Certificates of `https`: key and trust stores of Java clients (JKS, PKCS12) or PEM files.

use std::fs;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use reqwest::{Certificate, ClientBuilder, Identity};
use sluice_api::config::Password;
use sluice_api::{ConnectError, Result};
use sluice_keystores::Passwords;

/// Where the certificates are, as the keys say. No file is read before [`TlsFiles::apply`].
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) truststore: Option<Store>,
    pub(crate) keystore: Option<Store>,
    pub(crate) key_password: Option<Password>,
    /// Any certificate is taken: the user has asked for it.
    pub(crate) trust_all: bool,
    /// The server's name is not compared with its certificate: the user has asked for it.
    pub(crate) any_name: bool,
}

/// A file whose format its first bytes tell.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    /// The key that names the file.
    pub(crate) key: &'static str,
    pub(crate) path: String,
    pub(crate) password: Option<Password>,
}

impl TlsFiles {
    /// # Errors
    /// `Config` naming the key whose file cannot be used.
    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder> {
        if let Some(store) = &self.truststore {
            let certificates = store.read(None, false)?.certificates;
            if certificates.is_empty() {
                return Err(store.wrong("it has no certificate"));
            }
            builder = builder.tls_built_in_root_certs(false);
            for certificate in &certificates {
                let der = certificate.to_der().map_err(|error| store.wrong(&error.to_string()))?;
                let certificate = Certificate::from_der(&der).map_err(|error| store.wrong(&error.to_string()))?;
                builder = builder.add_root_certificate(certificate);
            }
        }
        if let Some(store) = &self.keystore {
            builder = builder.identity(store.identity(self.key_password.as_ref())?);
        }
        Ok(builder.danger_accept_invalid_certs(self.trust_all).danger_accept_invalid_hostnames(self.any_name))
    }
}

impl Store {
    /// The private key and its certificates, its own first.
    ///
    /// # Errors
    /// `Config` naming the key of the configuration and what is wrong with the file.
    pub(crate) fn key_and_chain(&self, key_password: Option<&Password>) -> Result<(Vec<X509>, PKey<Private>)> {
        let entries = self.read(key_password, true)?;
        let key = entries.key.ok_or_else(|| self.wrong("it has no private key"))?;
        let own = |certificate: &X509| certificate.public_key().is_ok_and(|public| public.public_eq(&key));
        if !entries.certificates.first().is_some_and(own) {
            return Err(self.wrong("its first certificate does not belong to its private key"));
        }
        Ok((entries.certificates, key))
    }

    fn identity(&self, key_password: Option<&Password>) -> Result<Identity> {
        let (chain, key) = self.key_and_chain(key_password)?;
        let chain: std::result::Result<Vec<Vec<u8>>, _> = chain.iter().map(|one| one.to_pem()).collect();
        let chain = chain.map_err(|error| self.wrong(&error.to_string()))?.concat();
        let key = key.private_key_to_pem_pkcs8().map_err(|error| self.wrong(&error.to_string()))?;
        Identity::from_pkcs8_pem(&chain, &key).map_err(|error| self.wrong(&error.to_string()))
    }

    fn read(&self, key_password: Option<&Password>, wants_key: bool) -> Result<sluice_keystores::Entries> {
        let bytes = fs::read(&self.path).map_err(|error| self.wrong(&error.to_string()).with_source(error))?;
        let exposed = |password: &'_ Option<Password>| password.as_ref().map(|password| password.expose().to_owned());
        let (store, key) = (exposed(&self.password), key_password.map(|password| password.expose()));
        let passwords = Passwords { store: store.as_deref(), key };
        sluice_keystores::read(&bytes, passwords, wants_key).map_err(|reason| self.wrong(&reason))
    }

    fn wrong(&self, reason: &str) -> ConnectError {
        ConnectError::config(format!("reading `{}` {}: {reason}", self.key, self.path))
    }
}
