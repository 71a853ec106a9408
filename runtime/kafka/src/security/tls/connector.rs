//! TLS settings for the raw-protocol client and for REST.

use std::io;

use openssl::error::ErrorStack;
use openssl::ssl::{self, Ssl, SslConnector, SslContextBuilder, SslMethod, SslVersion};
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509StoreBuilder;

use super::config::Tls;
use super::material::Material;

impl Tls {
    /// One session to `host`, with the same stores and rules as librdkafka's.
    ///
    /// # Errors
    /// A store that cannot be read, or settings that OpenSSL refuses.
    pub(crate) fn session(&self, host: &str) -> io::Result<Ssl> {
        let material = self.load().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.configure(&material, host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    fn configure(&self, material: &Material, host: &str) -> Result<Ssl, ErrorStack> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        self.apply(material, &mut builder)?;
        builder.build().configure()?.verify_hostname(self.check_host_name).into_ssl(host)
    }

    /// What both ends of a connection have: whom they trust, who they are, versions and cipher suites.
    pub(super) fn apply(&self, material: &Material, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        if let Some(trusted) = &material.trusted {
            let mut store = X509StoreBuilder::new()?;
            for certificate in trusted {
                store.add_cert(certificate.clone())?;
            }
            builder.set_cert_store(store.build());
        } else if let Some(bundle) = system_bundle() {
            // OpenSSL is linked in, so its own default folder is that of the machine it was built on.
            builder.set_ca_file(bundle)?;
        }
        if let Some(identity) = &material.identity {
            let mut chain = identity.chain.iter();
            if let Some(own) = chain.next() {
                builder.set_certificate(own)?;
            }
            for issuer in chain {
                builder.add_extra_chain_cert(issuer.clone())?;
            }
            builder.set_private_key(&identity.key)?;
        }
        let version = |allowed: bool, version| if allowed { version } else { other(version) };
        builder.set_min_proto_version(Some(version(self.versions.tls12, SslVersion::TLS1_2)))?;
        builder.set_max_proto_version(Some(version(self.versions.tls13, SslVersion::TLS1_3)))?;
        if let Some(list) = &self.ciphers.tls12 {
            builder.set_cipher_list(list)?;
        }
        if let Some(list) = &self.ciphers.tls13 {
            builder.set_ciphersuites(list)?;
        }
        Ok(())
    }
}

fn other(version: SslVersion) -> SslVersion {
    if version == SslVersion::TLS1_2 { SslVersion::TLS1_3 } else { SslVersion::TLS1_2 }
}

/// Where distributions keep the certificates of public authorities; librdkafka looks in the same places.
fn system_bundle() -> Option<&'static str> {
    const BUNDLES: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    BUNDLES.into_iter().find(|path| std::path::Path::new(path).is_file())
}

/// Why a handshake with a `peer` failed, in words that name the certificate's trouble. `PermissionDenied` when trying again is of no use.
pub(crate) fn describe(error: &ssl::Error, verified: X509VerifyResult, peer: &str) -> io::Error {
    if verified != X509VerifyResult::OK {
        // X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT to X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE.
        let unknown = (18..=21).contains(&verified.as_raw());
        let hint = if unknown { ": its authority is not in `ssl.truststore.*`" } else { "" };
        let reason = format!("the {peer}'s certificate is refused: {}{hint}", verified.error_string());
        return io::Error::new(io::ErrorKind::PermissionDenied, reason);
    }
    let Some(stack) = error.ssl_error() else {
        let reason = format!("the {peer} closed the connection in the TLS handshake");
        return io::Error::new(io::ErrorKind::ConnectionAborted, reason);
    };
    let reasons: Vec<&str> = stack.errors().iter().filter_map(openssl::error::Error::reason).collect();
    let reason = format!("the TLS handshake failed: {}", reasons.join(", "));
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}
