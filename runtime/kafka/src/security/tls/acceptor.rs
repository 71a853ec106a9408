//! TLS for REST: listeners that accept it, and connections to other workers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::ssl::{Ssl, SslAcceptor, SslContext, SslMethod, SslVerifyMode};
use openssl::stack::Stack;
use openssl::x509::X509Name;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::config::Tls;
use super::connector::describe;
use super::material::Material;
use crate::error::{Error, ErrorKind, PropertyError};
use crate::security::lookup::Lookup;

/// `ssl.client.auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Clients are not asked for a certificate.
    #[default]
    None,
    /// They are asked, and may have none; one that is not trusted is refused.
    Requested,
    /// Without a trusted certificate nobody gets in.
    Required,
}

/// What a listener shakes hands with. Cheap to clone; its stores were read when it was made.
#[derive(Clone)]
pub struct Acceptor(SslContext);

/// A connection on which TLS is spoken.
#[derive(Debug)]
pub struct TlsStream(Pin<Box<SslStream<TcpStream>>>);

impl Tls {
    /// Reads `ssl.*` where `find` finds it, without the prefix that it may have there; no file is read.
    ///
    /// # Errors
    /// Everything that cannot be used, all at once.
    pub fn of_rest<'a>(find: &'a dyn Fn(&str) -> Option<&'a str>) -> Result<Self, Vec<PropertyError>> {
        let mut keys = Lookup::new(find);
        let tls = Self::parse(&mut keys);
        let errors = keys.into_errors();
        if errors.is_empty() { Ok(tls) } else { Err(errors) }
    }

    /// A listener's side, with the certificate of `ssl.keystore.*`; clients' certificates are checked against `ssl.truststore.*`.
    ///
    /// # Errors
    /// There is no key store, a store cannot be read, or OpenSSL refuses the settings.
    pub fn acceptor(&self, client_auth: ClientAuth) -> Result<Acceptor, Error> {
        let material = self.load()?;
        if material.identity.is_none() {
            let message = "`ssl.keystore.location` is not set, and a server has to have a certificate";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let refused = |error: openssl::error::ErrorStack| Error::new(ErrorKind::Config, error.to_string());
        self.server_context(&material, client_auth).map(Acceptor).map_err(refused)
    }

    fn server_context(
        &self,
        material: &Material,
        client_auth: ClientAuth,
    ) -> Result<SslContext, openssl::error::ErrorStack> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        self.apply(material, &mut builder)?;
        builder.set_verify(match client_auth {
            ClientAuth::None => SslVerifyMode::NONE,
            ClientAuth::Requested => SslVerifyMode::PEER,
            ClientAuth::Required => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        });
        if client_auth != ClientAuth::None {
            // Without it, OpenSSL refuses to resume the session of a client that has shown a certificate.
            builder.set_session_id_context(b"sluice")?;
            builder.set_client_ca_list(material.authorities()?);
        }
        Ok(builder.build().into_context())
    }

    /// Shakes hands with the server at the other end of `tcp`, which was reached as `host`. Reads the stores: one that was replaced
    /// counts from the next connection on.
    ///
    /// # Errors
    /// Why not, in words that name the certificate's trouble.
    pub async fn connect(&self, host: &str, tcp: TcpStream) -> io::Result<TlsStream> {
        let mut stream = Box::pin(SslStream::new(self.session(host)?, tcp)?);
        match stream.as_mut().connect().await {
            Ok(()) => Ok(TlsStream(stream)),
            Err(error) => Err(describe(&error, stream.ssl().verify_result(), "server")),
        }
    }
}

impl Material {
    /// The names that a client may look for among its certificates.
    fn authorities(&self) -> Result<Stack<X509Name>, openssl::error::ErrorStack> {
        let mut names = Stack::new()?;
        for authority in self.trusted.iter().flatten() {
            names.push(authority.subject_name().to_owned()?)?;
        }
        Ok(names)
    }
}

impl Acceptor {
    /// Shakes hands with the client at the other end of `tcp`.
    ///
    /// # Errors
    /// Why not; `ConnectionAborted` when the client just closed the connection.
    pub async fn accept(&self, tcp: TcpStream) -> io::Result<TlsStream> {
        let mut stream = Box::pin(SslStream::new(Ssl::new(&self.0)?, tcp)?);
        match stream.as_mut().accept().await {
            Ok(()) => Ok(TlsStream(stream)),
            Err(error) => Err(describe(&error, stream.ssl().verify_result(), "client")),
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_read(context, into)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(context)
    }
}
