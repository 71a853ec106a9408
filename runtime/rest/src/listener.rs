//! One listening socket and the connections that come in on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sluice_worker::config::{Listener, Scheme};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

use crate::Error;
use crate::server::Decoration;

/// A bound socket.
pub(crate) struct BoundListener {
    pub(crate) listener: Listener,
    pub(crate) address: SocketAddr,
    socket: TcpListener,
}

impl BoundListener {
    /// Binds; an empty host means all interfaces.
    pub(crate) async fn bind(listener: Listener, key: &'static str) -> Result<Self, Error> {
        if listener.scheme == Scheme::Https {
            let text = format!("https://{}:{}", listener.host, listener.port);
            return Err(Error::Https { key, listener: text });
        }
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        let refused = |source| Error::Bind { address: format!("{host}:{}", listener.port), key, source };
        let socket = TcpListener::bind((host, listener.port)).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self { address, socket, listener })
    }

    /// Serves until `stop` is true, then lets open connections finish their requests.
    pub(crate) async fn serve(self, router: Router, decoration: Arc<Decoration>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, router.clone(), decoration.clone(), stop.clone()));
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

async fn connection(stream: TcpStream, router: Router, decoration: Arc<Decoration>, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (router, decoration) = (router.clone(), decoration.clone());
        async move {
            let request: Request = request.map(Body::new);
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
