//! TLS as `database.sslmode` asks for it, with the meanings of libpq.

use std::path::Path;
use std::pin::Pin;

use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::options::{Options, SslMode};
use super::{Error, Result};

/// Makes a socket into a TLS one; the certificate is judged by the mode.
pub(super) async fn handshake(socket: TcpStream, options: &Options, host: &str) -> Result<SslStream<TcpStream>> {
    let ssl = client(options, host).map_err(|error| Error::Tls(error.to_string()))?;
    let mut stream = SslStream::new(ssl, socket).map_err(|error| Error::Tls(error.to_string()))?;
    Pin::new(&mut stream).connect().await.map_err(|error| refused(&stream, host, &error))?;
    Ok(stream)
}

fn refused(stream: &SslStream<TcpStream>, host: &str, error: &openssl::ssl::Error) -> Error {
    let verdict = stream.ssl().verify_result();
    if verdict == openssl::x509::X509VerifyResult::OK {
        return Error::Tls(format!("handshake with {host}: {error}"));
    }
    Error::Tls(format!("the certificate of {host} is not accepted: {}", verdict.error_string()))
}

fn client(options: &Options, host: &str) -> Result<Ssl, Box<dyn std::error::Error + Send + Sync>> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    let (files, mode) = (&options.tls, options.ssl_mode);
    if let Some(root) = &files.root_certificate {
        builder.set_ca_file(root).map_err(|error| named("database.sslrootcert", root, &error))?;
    }
    // As libpq: a root certificate makes `require` verify the chain.
    let verify = mode >= SslMode::VerifyCa || (mode == SslMode::Require && files.root_certificate.is_some());
    builder.set_verify(if verify { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    if let Some(certificate) = &files.certificate {
        builder
            .set_certificate_chain_file(certificate)
            .map_err(|error| named("database.sslcert", certificate, &error))?;
    }
    if let Some(key) = &files.key {
        let bytes = std::fs::read(key).map_err(|error| named("database.sslkey", key, &error))?;
        let password = files.key_password.as_ref().map(|password| password.expose().as_bytes()).unwrap_or_default();
        let key = PKey::private_key_from_pem_passphrase(&bytes, password)
            .or_else(|_| PKey::private_key_from_der(&bytes))
            .or_else(|_| PKey::private_key_from_pkcs8_passphrase(&bytes, password))
            .map_err(|error| named("database.sslkey", key, &error))?;
        builder.set_private_key(&key)?;
    }
    let mut configuration = builder.build().configure()?;
    configuration.set_verify_hostname(mode == SslMode::VerifyFull);
    Ok(configuration.into_ssl(host)?)
}

fn named(key: &str, path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{key}: {}: {error}", path.display())
}

/// What SCRAM binds to (RFC 5929 `tls-server-end-point`): the hash of the server's certificate.
pub(super) fn server_end_point(stream: &SslStream<TcpStream>) -> Option<Vec<u8>> {
    let certificate = stream.ssl().peer_certificate()?;
    let signature = certificate.signature_algorithm().object().nid().signature_algorithms()?;
    let digest = match signature.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        nid => MessageDigest::from_nid(nid)?,
    };
    Some(certificate.digest(digest).ok()?.to_vec())
}
