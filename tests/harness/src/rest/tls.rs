//! TLS of the test client.

use std::fmt;
use std::fs;
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use openssl::pkcs12::Pkcs12;
use openssl::ssl::{SslConnector, SslMethod, SslStream};

use crate::kafka::STORE_PASSWORD;

/// Whom a client trusts and who it is.
#[derive(Clone)]
pub struct RestTls(SslConnector);

impl fmt::Debug for RestTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RestTls")
    }
}

impl RestTls {
    /// Trusts the authority in a PEM file; shows the certificate of a PKCS12 store of [`crate::Certificates`], if one is given.
    pub fn new(authority: &Path, identity: Option<&Path>) -> Result<Self> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        builder.set_ca_file(authority).with_context(|| authority.display().to_string())?;
        if let Some(store) = identity {
            let store = Pkcs12::from_der(&fs::read(store)?)?.parse2(STORE_PASSWORD)?;
            builder.set_certificate(&*store.cert.context("a certificate")?)?;
            builder.set_private_key(&*store.pkey.context("a key")?)?;
        }
        Ok(RestTls(builder.build()))
    }

    pub(super) fn connect(&self, host: &str, stream: TcpStream) -> Result<SslStream<TcpStream>> {
        self.0.connect(host, stream).map_err(|error| anyhow!("no TLS session: {error}"))
    }
}
