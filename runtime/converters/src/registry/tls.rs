//! Certificates for `https`: PEM in keys or files, and PKCS12 stores, read with OpenSSL.

use std::fs;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use sluice_api::config::ParsedConfig;
use sluice_api::{ConnectError, Result};
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
    Pem { key: String, text: Secret },
    File { key: String, path: String, pem: bool, password: Option<Secret> },
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
                let certificates = source.contents(None)?.1;
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
        let (mut key, chain) = source.contents(password)?;
        if let Some(pem) = &self.key_pem {
            key = Some(private_key(pem.expose().as_bytes(), password, &named("keystore.key"))?);
        }
        let key = key.ok_or_else(|| ConnectError::config(format!("`{}` has no private key", source.key())))?;
        let pem = key.private_key_to_pem_pkcs8().map_err(|error| unreadable(source.key(), error))?;
        let key = PrivateKey::from_pem(&pem).map_err(|error| unreadable(source.key(), error))?;
        let chain = chain.iter().map(certificate).collect::<Result<Vec<_>>>()?;
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
        let pem = parsed.string(&named(&format!("{store}.type"))).eq_ignore_ascii_case("PEM");
        let password = parsed.password(&named(&format!("{store}.password"))).cloned();
        Some(Self::File { key, path, pem, password })
    }

    fn key(&self) -> &str {
        match self {
            Self::Pem { key, .. } | Self::File { key, .. } => key,
        }
    }

    /// The private key, if there is one, and the certificates in their order.
    fn contents(&self, key_password: Option<&Secret>) -> Result<(Option<PKey<Private>>, Vec<X509>)> {
        match self {
            Self::Pem { key, text } => pem_contents(text.expose().as_bytes(), key_password, key),
            Self::File { key, path, pem, password } => {
                let bytes = fs::read(path).map_err(|error| {
                    ConnectError::config(format!("reading `{key}` {path}: {error}")).with_source(error)
                })?;
                if *pem {
                    pem_contents(&bytes, key_password, key)
                } else {
                    store_contents(&bytes, password.as_ref(), key, path)
                }
            }
        }
    }
}

fn named(name: &str) -> String {
    format!("schema.registry.ssl.{name}")
}

fn unreadable(key: &str, error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
    ConnectError::config(format!("`{key}` cannot be read: {error}")).with_source(error)
}

fn pem_contents(pem: &[u8], password: Option<&Secret>, key: &str) -> Result<(Option<PKey<Private>>, Vec<X509>)> {
    let certificates = X509::stack_from_pem(pem).map_err(|error| unreadable(key, error))?;
    let has_key = pem.windows(11).any(|window| window == b"PRIVATE KEY");
    let private = if has_key { Some(private_key(pem, password, key)?) } else { None };
    Ok((private, certificates))
}

fn private_key(pem: &[u8], password: Option<&Secret>, key: &str) -> Result<PKey<Private>> {
    // Without a password OpenSSL would ask the terminal for one.
    let password = password.map_or(&b""[..], |password| password.expose().as_bytes());
    PKey::private_key_from_pem_passphrase(pem, password).map_err(|error| unreadable(key, error))
}

/// A PKCS12 store, whatever its type is called: Java reads one as JKS too.
fn store_contents(
    bytes: &[u8],
    password: Option<&Secret>,
    key: &str,
    path: &str,
) -> Result<(Option<PKey<Private>>, Vec<X509>)> {
    const JKS_MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
    if bytes.starts_with(&JKS_MAGIC) {
        let message = "is a JKS store, which is not read here: convert it with `keytool -importkeystore -deststoretype PKCS12`, or \
                       give PEM";
        return Err(ConnectError::config(format!("`{key}` {path} {message}")));
    }
    let store = Pkcs12::from_der(bytes).map_err(|error| unreadable(key, error))?;
    let password = password.map_or("", |password| password.expose());
    let store = store.parse2(password).map_err(|error| unreadable(key, error))?;
    let others = store.ca.into_iter().flatten();
    Ok((store.pkey, store.cert.into_iter().chain(others).collect()))
}

fn certificate(certificate: &X509) -> Result<Certificate<'static>> {
    let der = certificate.to_der().map_err(|error| unreadable("certificate", error))?;
    Ok(Certificate::from_der(&der).to_owned())
}
