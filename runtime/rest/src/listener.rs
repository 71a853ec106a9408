//! One listening socket and the connections that come in on it, in clear or with TLS.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sluice_kafka::tls::{Acceptor, TlsStream};
use sluice_worker::config::{Listener, RestTls, Scheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::Error;
use crate::server::Decoration;

/// How long a client may take to shake hands.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound socket.
pub(crate) struct BoundListener {
    pub(crate) listener: Listener,
    pub(crate) address: SocketAddr,
    socket: TcpListener,
    /// For https.
    tls: Option<Acceptor>,
}

impl BoundListener {
    /// Binds; an empty host means all interfaces. The stores of an https listener are read here, once.
    pub(crate) async fn bind(listener: Listener, key: &'static str, tls: Option<&RestTls>) -> Result<Self, Error> {
        let tls = match listener.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(acceptor(&listener, key, tls)?),
        };
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        let refused = |source| Error::Bind { address: format!("{host}:{}", listener.port), key, source };
        let socket = TcpListener::bind((host, listener.port)).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { address, socket, listener, tls })
    }

    /// Serves until `stop` is true, then lets open connections finish their requests.
    pub(crate) async fn serve(self, router: Router, decoration: Arc<Decoration>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, client)) => {
                        let served = Served { router: router.clone(), decoration: decoration.clone(), stop: stop.clone() };
                        connections.spawn(connection(stream, client, self.tls.clone(), served));
                    }
                    Err(error) => debug!(%error, "a connection could not be accepted"),
                },
                Some(_) = connections.join_next() => {}
                () = stopped(&mut stop) => break,
            }
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }
}

fn acceptor(listener: &Listener, key: &'static str, tls: Option<&RestTls>) -> Result<Acceptor, Error> {
    let refused = |reason: String| {
        let listener = format!("https://{}:{}", listener.host, listener.port);
        Error::Tls { key, listener, reason }
    };
    let tls = tls.ok_or_else(|| refused("there are no usable `ssl.*` keys".to_owned()))?;
    // The error knows the keys without their prefix.
    let named = |error: sluice_kafka::Error| error.to_string().replace("`ssl.", &format!("`{}ssl.", tls.prefix));
    tls.tls.acceptor(tls.client_auth).map_err(|error| refused(named(error)))
}

/// What answers on a connection.
struct Served {
    router: Router,
    decoration: Arc<Decoration>,
    stop: watch::Receiver<bool>,
}

async fn connection(stream: TcpStream, client: SocketAddr, tls: Option<Acceptor>, mut served: Served) {
    let Some(tls) = tls else { return serve_http(stream, Scheme::Http, served).await };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)) => shaken,
        () = stopped(&mut served.stop) => return,
    };
    match shaken {
        Ok(Ok(stream)) => serve_http::<TlsStream>(stream, Scheme::Https, served).await,
        // Whoever only looks whether the port is open, a load balancer for example.
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => debug!(%client, %error, "no TLS session"),
        Ok(Err(error)) => warn!(%client, %error, "a client was refused"),
        Err(_) => debug!(%client, "no TLS session within {} s", HANDSHAKE_TIMEOUT.as_secs()),
    }
}

async fn serve_http<S>(stream: S, scheme: Scheme, served: Served)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Served { router, decoration, mut stop } = served;
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (router, decoration) = (router.clone(), decoration.clone());
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(scheme);
            Ok::<_, Infallible>(decoration.answer(router, request).await)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    drop(stop.wait_for(|stop| *stop).await);
}
