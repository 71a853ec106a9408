//! Certificates for `https`: PEM in keys, and stores in files: JKS, PKCS12 or PEM.

use std::fs;

use openssl::x509::X509;
use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Result};
use sluice_keystores::{Entries, Passwords, pem};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// Where the certificates are, as the keys say.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    trust: Option<Source>,
    identity: Option<Source>,
    key_pem: Option<Secret>,
    key_password: Option<Secret>,
}

type Secret = sluice_api::config::Password;

#[derive(Clone, Debug)]
enum Source {
    Pem {
        key: String,
        text: Secret,
    },
    /// A file whose format its first bytes tell.
    File {
        key: String,
        path: String,
        password: Option<Secret>,
    },
}

impl TlsFiles {
    /// Parses `schema.registry.ssl.*`; no file is read yet.
    ///
    /// # Errors
    /// `Config` when the check of the server's name is switched off.
    pub(super) fn parse(parsed: &ParsedConfig) -> Result<Self> {
        let algorithm = named("endpoint.identification.algorithm");
        if !parsed.opt_string(&algorithm).unwrap_or_default().eq_ignore_ascii_case("https") {
            let message = "expected https: the server's name is always checked";
            let value = parsed.opt_string(&algorithm).unwrap_or_default();
            return Err(ConnectError::config(format!(
                "Invalid value {value} for configuration {algorithm}: {message}"
            )));
        }
        Ok(Self {
            trust: Source::parse(parsed, "truststore", "truststore.certificates"),
            identity: Source::parse(parsed, "keystore", "keystore.certificate.chain"),
            key_pem: parsed.password(&named("keystore.key")).cloned(),
            key_password: parsed.password(&named("key.password")).cloned(),
        })
    }

    /// The configuration of the HTTP client.
    ///
    /// # Errors
    /// `Config` naming the key whose certificates cannot be read.
    pub(super) fn load(&self) -> Result<TlsConfig> {
        let roots = match &self.trust {
            None => RootCerts::PlatformVerifier,
            Some(source) => {
                let certificates = source.contents(None, false)?.certificates;
                if certificates.is_empty() {
                    return Err(ConnectError::config(format!("`{}` has no certificate", source.key())));
                }
                RootCerts::from(certificates.iter().map(certificate).collect::<Result<Vec<_>>>()?)
            }
        };
        let identity = self.identity.as_ref().map(|source| self.client_certificate(source)).transpose()?;
        Ok(TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots).client_cert(identity).build())
    }

    fn client_certificate(&self, source: &Source) -> Result<ClientCert> {
        let password = self.key_password.as_ref();
        let Entries { certificates, mut key } = source.contents(password, true)?;
        if let Some(text) = &self.key_pem {
            let property = named("keystore.key");
            key = pem::read(text.expose(), exposed(password)).map_err(|reason| unreadable(&property, &reason))?.key;
        }
        let key = key.ok_or_else(|| ConnectError::config(format!("`{}` has no private key", source.key())))?;
        let fits = certificates.first().is_some_and(|own| own.public_key().is_ok_and(|public| public.public_eq(&key)));
        if !fits {
            let reason = "its first certificate does not belong to its private key";
            return Err(unreadable(source.key(), reason));
        }
        let pem = key.private_key_to_pem_pkcs8().map_err(|error| unreadable(source.key(), &error.to_string()))?;
        let key = PrivateKey::from_pem(&pem).map_err(|error| unreadable(source.key(), &error.to_string()))?;
        let chain = certificates.iter().map(certificate).collect::<Result<Vec<_>>>()?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }
}

impl Source {
    fn parse(parsed: &ParsedConfig, store: &str, inline: &str) -> Option<Self> {
        if let Some(text) = parsed.password(&named(inline)) {
            return Some(Self::Pem { key: named(inline), text: text.clone() });
        }
        let key = named(&format!("{store}.location"));
        let path = parsed.opt_string(&key).filter(|path| !path.is_empty())?.to_owned();
        let password = parsed.password(&named(&format!("{store}.password"))).cloned();
        Some(Self::File { key, path, password })
    }

    fn key(&self) -> &str {
        match self {
            Self::Pem { key, .. } | Self::File { key, .. } => key,
        }
    }

    /// What is in it: the private key with its chain when `wants_key`, else the certificates to trust.
    fn contents(&self, key_password: Option<&Secret>, wants_key: bool) -> Result<Entries> {
        match self {
            Self::Pem { key, text } => {
                pem::read(text.expose(), exposed(key_password)).map_err(|reason| unreadable(key, &reason))
            }
            Self::File { key, path, password } => {
                let bytes = fs::read(path).map_err(|error| {
                    ConnectError::config(format!("reading `{key}` {path}: {error}")).with_source(error)
                })?;
                let passwords = Passwords { store: exposed(password.as_ref()), key: exposed(key_password) };
                sluice_keystores::read(&bytes, passwords, wants_key)
                    .map_err(|reason| ConnectError::config(format!("reading `{key}` {path}: {reason}")))
            }
        }
    }
}

fn exposed(password: Option<&Secret>) -> Option<&str> {
    password.map(|password| password.expose())
}

fn named(name: &str) -> String {
    format!("schema.registry.ssl.{name}")
}

fn unreadable(key: &str, reason: &str) -> ConnectError {
    ConnectError::config(format!("`{key}` cannot be read: {reason}"))
}

fn certificate(certificate: &X509) -> Result<Certificate<'static>> {
    let der = certificate.to_der().map_err(|error| unreadable("certificate", &error.to_string()))?;
    Ok(Certificate::from_der(&der).to_owned())
}
