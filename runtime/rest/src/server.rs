//! The server: sockets first, then resources; headers that go on every answer.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::Request;
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use sluice_herder::Herder;
use sluice_worker::config::{Listener, RestConfig, RestTls};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tracing::debug;

use crate::answer::Answer;
use crate::cors::Cors;
use crate::framework::{finished, normalized};
use crate::listener::BoundListener;
use crate::resources::{admin_router, flows_router, main_router};
use crate::{Error, RestClient};

/// How long open requests may take to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(60);

/// Sockets that are bound; clients can connect and wait.
pub struct BoundServer {
    config: RestConfig,
    main: Vec<BoundListener>,
    admin: Vec<BoundListener>,
}

/// A server that answers.
pub struct RunningServer {
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl BoundServer {
    /// Binds all listeners of the configuration.
    ///
    /// # Errors
    /// Naming the address or listener and the property; a store that cannot be read is one.
    pub async fn bind(config: RestConfig) -> Result<Self, Error> {
        let main = bind_all(&config.listeners, "listeners", config.tls.as_ref()).await?;
        let admin = config.admin_listeners.as_deref().unwrap_or_default();
        let admin = bind_all(admin, "admin.listeners", config.admin_tls.as_ref()).await?;
        Ok(Self { config, main, admin })
    }

    /// The URL under which this worker is known, ending in `/`.
    pub fn advertised_url(&self) -> String {
        self.config.advertised_url(|listener| self.bound_port(listener), &self.local_address())
    }

    /// `host:port` of that URL.
    pub fn worker_id(&self) -> String {
        self.config.worker_id(|listener| self.bound_port(listener), &self.local_address())
    }

    /// The port of the first listener.
    pub fn port(&self) -> u16 {
        self.main.first().map_or(0, |listener| listener.address.port())
    }

    /// The way to other workers, with the keys of these listeners. `request_timeout` is how long a request may take at a worker.
    pub fn client(&self, request_timeout: Duration) -> Arc<RestClient> {
        Arc::new(RestClient::new(self.config.tls.as_ref(), request_timeout))
    }

    fn bound_port(&self, listener: &Listener) -> Option<u16> {
        self.main.iter().find(|bound| bound.listener == *listener).map(|bound| bound.address.port())
    }

    /// This machine's address for listeners on all interfaces.
    fn local_address(&self) -> String {
        let outward = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
            // Connecting a datagram socket sends nothing; it only picks the interface.
            socket.connect("192.0.2.1:9")?;
            socket.local_addr()
        });
        outward.map_or_else(|_| "127.0.0.1".to_owned(), |address| address.ip().to_string())
    }

    /// Starts to answer what the nodes of a mirror ask of one another, for each flow by its source and its target.
    pub fn serve_flows(self, flows: Vec<((String, String), Arc<dyn Herder>)>) -> RunningServer {
        let (stop, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let router = flows_router(flows);
        let decoration = Arc::new(Decoration::new(&self.config));
        for listener in self.main {
            listeners.spawn(listener.serve(router.clone(), decoration.clone(), stopped.clone()));
        }
        RunningServer { stop, listeners }
    }

    /// Starts to answer. With a client, requests for other workers are forwarded.
    pub fn serve(self, herder: Arc<dyn Herder>, client: Option<&Arc<RestClient>>) -> RunningServer {
        let (stop, stopped) = watch::channel(false);
        let mut listeners = JoinSet::new();
        let with_admin = self.config.admin_listeners.is_none();
        let main = main_router(herder.clone(), client, with_admin);
        let decoration = Arc::new(Decoration::new(&self.config));
        for listener in self.main {
            listeners.spawn(listener.serve(main.clone(), decoration.clone(), stopped.clone()));
        }
        let admin = admin_router(herder);
        let plain = Arc::new(Decoration::plain());
        for listener in self.admin {
            listeners.spawn(listener.serve(admin.clone(), plain.clone(), stopped.clone()));
        }
        RunningServer { stop, listeners }
    }
}

impl RunningServer {
    /// Takes no more connections, lets open requests finish for a minute, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let drained = tokio::time::timeout(DRAIN, async { while self.listeners.join_next().await.is_some() {} });
        if drained.await.is_err() {
            debug!("requests were cut off after {} s", DRAIN.as_secs());
        }
    }
}

async fn bind_all(
    listeners: &[Listener],
    key: &'static str,
    tls: Option<&RestTls>,
) -> Result<Vec<BoundListener>, Error> {
    let mut bound = Vec::new();
    for listener in listeners {
        bound.push(BoundListener::bind(listener.clone(), key, tls).await?);
    }
    Ok(bound)
}

/// What goes on every answer of a listener.
pub(crate) struct Decoration {
    server: HeaderValue,
    config: Option<RestConfig>,
    cors: Option<Cors>,
}

impl Decoration {
    fn new(config: &RestConfig) -> Self {
        let cors = config.allow_origin.as_deref().map(|origins| Cors::new(origins, config.allow_methods.as_deref()));
        Self { config: Some(config.clone()), cors, ..Self::plain() }
    }

    fn plain() -> Self {
        Self {
            server: HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION"))),
            config: None,
            cors: None,
        }
    }

    /// Routes the request and finishes the answer.
    pub(crate) async fn answer(&self, router: Router, mut request: Request) -> Answer {
        let began = Instant::now();
        *request.uri_mut() = normalized(request.uri());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let cors = self.cors.as_ref().map(|cors| cors.headers(&method, request.headers())).unwrap_or_default();
        let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
        let mut answer = finished(answer, &self.server, http_date(SystemTime::now()));
        answer.headers_mut().extend(cors);
        self.add_configured_headers(answer.headers_mut());
        debug!(%method, path, status = answer.status().as_u16(), micros = began.elapsed().as_micros(), "request");
        answer
    }

    fn add_configured_headers(&self, headers: &mut HeaderMap) {
        for rule in self.config.iter().flat_map(|config| &config.response_headers) {
            let Ok(name) = HeaderName::try_from(rule.name.as_str()) else { continue };
            let value = if rule.date { date_of(&rule.value) } else { HeaderValue::from_str(&rule.value).ok() };
            let Some(value) = value else { continue };
            if rule.add {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
            }
        }
    }
}

fn date_of(millis: &str) -> Option<HeaderValue> {
    Some(http_date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis.parse().ok()?)))
}

fn http_date(time: SystemTime) -> HeaderValue {
    HeaderValue::from_str(&httpdate::fmt_http_date(time)).expect("an HTTP date is ASCII")
}
