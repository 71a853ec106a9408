//! One connection to another worker.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use sluice_kafka::tls::{Tls, TlsStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the other worker may take to take the connection, and to shake hands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A connected stream.
pub(super) enum Connection {
    Plain(TcpStream),
    Encrypted(TlsStream),
}

impl Connection {
    /// Connects to the host of `url`.
    pub(super) async fn open(url: &Uri, tls: Option<&Tls>) -> io::Result<Self> {
        let host = url.host().unwrap_or_default();
        let encrypted = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        timeout(CONNECT_TIMEOUT, Self::connect(bare(host), port, encrypted.then_some(tls))).await.unwrap_or_else(|_| {
            let reason = format!("no connection to {host}:{port} within {} s", CONNECT_TIMEOUT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, reason))
        })
    }

    async fn connect(host: &str, port: u16, tls: Option<Option<&Tls>>) -> io::Result<Self> {
        let context = |error: io::Error| io::Error::new(error.kind(), format!("{host}:{port}: {error}"));
        let tcp = TcpStream::connect((host, port)).await.map_err(context)?;
        tcp.set_nodelay(true)?;
        match tls {
            None => Ok(Self::Plain(tcp)),
            Some(Some(tls)) => tls.connect(host, tcp).await.map(Self::Encrypted).map_err(context),
            Some(None) => {
                let reason = "this worker's `ssl.*` keys cannot be used, which it needs to reach https:// workers";
                Err(context(io::Error::new(io::ErrorKind::InvalidInput, reason)))
            }
        }
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
