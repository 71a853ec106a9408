//! Connections: TCP, TLS by OpenSSL over it, both through a proxy where one is configured.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod};
use sluice_api::ConnectError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;
use tower::Service;

/// From the first packet to the end of the handshakes.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// No proxy answers `CONNECT` with more.
const PROXY_ANSWER_LIMIT_BYTES: usize = 16 * 1024;

/// A proxy of HTTP.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// `host:port`.
    pub(crate) address: String,
    /// User and password.
    pub(crate) credentials: Option<(String, String)>,
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Dial {
    tls: SslConnector,
    proxy: Option<Arc<Proxy>>,
}

impl std::fmt::Debug for Dial {
    // Invariant 9: the proxy has a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").finish_non_exhaustive()
    }
}

impl Dial {
    /// Trusts the machine's certificates: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, or where Linux systems have them.
    ///
    /// # Errors
    /// `Connect` when OpenSSL cannot be set up.
    pub(super) fn new(proxy: Option<Proxy>) -> Result<Self, ConnectError> {
        let failed = |error| ConnectError::connect("cannot set TLS up for the S3 client").with_source(error);
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
        let found = openssl_probe::probe();
        if let Some(file) = &found.cert_file {
            builder.set_ca_file(file).map_err(failed)?;
        }
        builder.set_default_verify_paths().map_err(failed)?;
        Ok(Self { tls: builder.build(), proxy: proxy.map(Arc::new) })
    }

    async fn open(self, uri: Uri) -> io::Result<Stream> {
        let host = uri.host().ok_or_else(|| io::Error::other("the address has no host"))?.to_owned();
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tcp = match &self.proxy {
            Some(proxy) => TcpStream::connect(&proxy.address).await?,
            None => TcpStream::connect((bare, port)).await?,
        };
        tcp.set_nodelay(true)?;
        match (encrypted, &self.proxy) {
            (false, proxy) => Ok(Stream::Plain { tcp, proxied: proxy.is_some() }),
            (true, None) => self.encrypt(bare, tcp).await,
            (true, Some(proxy)) => {
                let tcp = tunnel(tcp, proxy, &format!("{host}:{port}")).await?;
                self.encrypt(bare, tcp).await
            }
        }
    }

    async fn encrypt(&self, host: &str, tcp: TcpStream) -> io::Result<Stream> {
        let session = self.tls.configure().and_then(|session| session.into_ssl(host))?;
        let mut stream = Box::new(SslStream::new(session, tcp)?);
        match Pin::new(&mut *stream).connect().await {
            Ok(()) => Ok(Stream::Encrypted(stream)),
            Err(error) => {
                let verdict = stream.ssl().verify_result();
                Err(io::Error::other(format!("the TLS handshake with {host} failed: {error} (certificate: {verdict})")))
            }
        }
    }
}

/// Asks the proxy for a tunnel to `target`.
async fn tunnel(mut tcp: TcpStream, proxy: &Proxy, target: &str) -> io::Result<TcpStream> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        request.push_str(&format!("Proxy-Authorization: Basic {encoded}\r\n"));
    }
    request.push_str("\r\n");
    tcp.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= PROXY_ANSWER_LIMIT_BYTES {
            return Err(io::Error::other(format!("the proxy {} sends no end of its answer", proxy.address)));
        }
        answer.push(tcp.read_u8().await?);
    }
    let first = String::from_utf8_lossy(&answer);
    let first = first.lines().next().unwrap_or_default();
    if first.split(' ').nth(1) == Some("200") {
        return Ok(tcp);
    }
    Err(io::Error::other(format!("the proxy {} refuses to connect to {target}: {first}", proxy.address)))
}

impl Service<Uri> for Dial {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move {
            let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no connection after {CONNECT_DEADLINE:?}"));
            timeout(CONNECT_DEADLINE, dial.open(uri)).await.map_err(|_| late())?.map(TokioIo::new)
        })
    }
}

/// A connected stream.
pub(super) enum Stream {
    Plain { tcp: TcpStream, proxied: bool },
    Encrypted(Box<SslStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        // A proxy of plain HTTP wants the whole address in the request line.
        Connected::new().proxy(matches!(self, Self::Plain { proxied: true, .. }))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_read(context, into),
            Self::Encrypted(stream) => Pin::new(&mut **stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    /// Without it hyper copies every body behind the head of its request.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_write_vectored(context, slices),
            Self::Encrypted(stream) => Pin::new(&mut **stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain { tcp, .. } => tcp.is_write_vectored(),
            Self::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}
