//! The listener: what may come in, and what is answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use openssl::memcmp;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use sluice_api::{ConnectError, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_openssl::SslStream;
use tracing::{debug, warn};

use super::config::{Body, ReceiverSettings};
use super::desk::{Arrival, Desk, Fate};

type Answer = Response<Full<Bytes>>;

/// Everything that a connection needs.
pub(super) struct Listening {
    pub(super) settings: ReceiverSettings,
    pub(super) desk: Arc<Desk>,
    acceptor: Option<SslAcceptor>,
}

impl Listening {
    /// # Errors
    /// `Config` when the certificate cannot be used.
    pub(super) fn new(settings: ReceiverSettings, desk: Arc<Desk>) -> Result<Self> {
        let acceptor = acceptor(&settings)?;
        Ok(Self { settings, desk, acceptor })
    }

    /// Serves connections until it is dropped, and they with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let places = Arc::new(Semaphore::new(self.settings.max_connections));
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let listening = self.clone();
                    connections.spawn(async move {
                        listening.connection(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Too many open files, most likely: others have to end first.
                    warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(self: &Arc<Self>, stream: TcpStream) {
        let Some(acceptor) = &self.acceptor else { return self.requests(TokioIo::new(stream)).await };
        let handshake = async {
            let mut stream = SslStream::new(Ssl::new(acceptor.context()).ok()?, stream).ok()?;
            std::pin::Pin::new(&mut stream).accept().await.ok()?;
            Some(stream)
        };
        if let Ok(Some(stream)) = timeout(self.settings.request_timeout, handshake).await {
            self.requests(TokioIo::new(stream)).await;
        }
    }

    async fn requests(self: &Arc<Self>, io: impl hyper::rt::Read + hyper::rt::Write + Unpin) {
        let service = service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await) });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(self.settings.request_timeout);
        if let Err(error) = server.serve_connection(io, service).await {
            debug!(%error, "a connection broke off");
        }
    }

    /// 2xx only when Kafka has the record (Invariant 3).
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match self.take(request).await {
            Ok(Fate::Stored { partition, offset }) => {
                let text = format!("{{\"partition\":{partition},\"offset\":{offset}}}\n");
                let mut answer = Answer::new(text.into());
                answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
                answer
            }
            Ok(Fate::Dropped) => {
                let status = StatusCode::from_u16(self.settings.dropped_status);
                refusal(status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), "the record was not stored")
            }
            Err(Refused(status, why)) => {
                let mut answer = refusal(status, why);
                if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                    answer.headers_mut().insert(RETRY_AFTER, self.settings.retry_after.clone());
                }
                answer
            }
        }
    }

    async fn take(&self, request: Request<Incoming>) -> std::result::Result<Fate, Refused> {
        let settings = &self.settings;
        self.check_head(&request)?;
        let announced = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
        if announced > settings.max_body_bytes {
            return Err(TOO_LONG);
        }
        let most = request.body().size_hint().exact().map_or(settings.max_body_bytes, |_| announced);
        let room = self.desk.room(most);
        let _room = room.ok_or(Refused(StatusCode::TOO_MANY_REQUESTS, "too many requests wait for Kafka"))?;
        let (head, body) = request.into_parts();
        let body = Limited::new(body, settings.max_body_bytes).collect();
        let body = match timeout(settings.request_timeout, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(TOO_LONG),
            Ok(Err(_)) => return Err(Refused(StatusCode::BAD_REQUEST, "the body broke off")),
            Err(_) => return Err(Refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
        };
        if let Some(signature) = &settings.signature {
            let checked = signature.check(&head.headers, &body, now_s());
            checked.map_err(|why| Refused(StatusCode::UNAUTHORIZED, why))?;
        }
        if settings.body == Body::Text && std::str::from_utf8(&body).is_err() {
            return Err(Refused(StatusCode::BAD_REQUEST, "the body is not UTF-8"));
        }
        let (reply, fate) = oneshot::channel();
        let arrival = self.arrival(&head.headers, body, reply)?;
        self.desk.hand_over(arrival).ok_or(STOPPING)?;
        match timeout(settings.ack_timeout, fate).await {
            Ok(Ok(fate)) => Ok(fate),
            Ok(Err(_)) => Err(STOPPING),
            Err(_) => Err(Refused(StatusCode::SERVICE_UNAVAILABLE, "Kafka did not acknowledge the record in time")),
        }
    }

    fn check_head(&self, request: &Request<Incoming>) -> std::result::Result<(), Refused> {
        let settings = &self.settings;
        if settings.path.as_ref().is_some_and(|path| path != request.uri().path()) {
            return Err(Refused(StatusCode::NOT_FOUND, "there is nothing at this path"));
        }
        if !settings.methods.contains(request.method()) {
            return Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "this method is not taken"));
        }
        let Some(expected) = &settings.authorization else { return Ok(()) };
        let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let expected = expected.expose().as_bytes();
        match given.len() == expected.len() && memcmp::eq(given, expected) {
            true => Ok(()),
            false => Err(Refused(StatusCode::UNAUTHORIZED, "the header Authorization is not the expected one")),
        }
    }

    fn arrival(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        reply: oneshot::Sender<Fate>,
    ) -> std::result::Result<Arrival, Refused> {
        let text = |value: &hyper::header::HeaderValue| match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Refused(StatusCode::BAD_REQUEST, "a header is not UTF-8")),
        };
        let key = match &self.settings.key_header {
            Some(name) => Some(text(headers.get(name).ok_or(NO_KEY)?)?),
            None => None,
        };
        let named = self.settings.headers.iter();
        let pairs = named.flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)));
        let headers = pairs.map(|(name, value)| Ok((name.as_str().to_owned(), text(value)?)));
        Ok(Arrival { key, body, headers: headers.collect::<std::result::Result<_, Refused>>()?, reply })
    }
}

/// A request that does not become a record.
#[derive(Clone, Copy)]
struct Refused(StatusCode, &'static str);

const TOO_LONG: Refused = Refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than `max.body.bytes`");
const STOPPING: Refused = Refused(StatusCode::SERVICE_UNAVAILABLE, "the receiver is stopping");
const NO_KEY: Refused = Refused(StatusCode::BAD_REQUEST, "the header that is the key of records is not there");

fn refusal(status: StatusCode, why: &str) -> Answer {
    let mut answer = Answer::new(format!("{why}\n").into());
    *answer.status_mut() = status;
    answer
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn acceptor(settings: &ReceiverSettings) -> Result<Option<SslAcceptor>> {
    let Some(store) = &settings.keystore else { return Ok(None) };
    let (chain, key) = store.key_and_chain(settings.key_password.as_ref())?;
    let make = || {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_private_key(&key)?;
        for (at, certificate) in chain.iter().enumerate() {
            match at {
                0 => builder.set_certificate(certificate)?,
                _ => builder.add_extra_chain_cert(certificate.clone())?,
            }
        }
        Ok::<_, openssl::error::ErrorStack>(builder.build())
    };
    let made =
        make().map_err(|error| ConnectError::config(format!("`ssl.keystore.location`: {error}")).with_source(error));
    made.map(Some)
}
