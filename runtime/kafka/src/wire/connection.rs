//! One connection to one broker, encrypted and authenticated as configured: requests go out one at a time, each waits for its
//! answer.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::ApiVersionsRequest;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use super::api::Api;
use super::authentication;
use super::config::ClientConfig;
use super::error::Error;
use super::frame::{decode_answer, encode_request, read_frame};
use super::stream::Stream;
use crate::security::Security;

/// A connection that knows which requests its broker offers.
///
/// A call that fails or is dropped half-way closes the connection, because an answer to it may still be on its way; every
/// later call then fails with `NotConnected`.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    client_id: String,
    stream: Option<Stream>,
    next_correlation_id: i32,
    offered: HashMap<i16, (i16, i16)>,
    security: Arc<Security>,
    /// When the broker wants to see the credentials again (KIP-368).
    renew_at: Option<Instant>,
}

impl Connection {
    /// Connects, asks for the versions that the broker offers, and authenticates. A failure to connect is an I/O error of the
    /// caller to name, `PermissionDenied` when trying again is of no use.
    pub(crate) async fn open(address: &str, config: &ClientConfig) -> io::Result<Self> {
        let setup = config.connection_setup_timeout;
        let connecting = timeout(setup, Stream::open(address, config.security.tls.as_ref())).await;
        let stream = connecting.map_err(|_| timed_out("no connection", setup))??;
        let mut connection = Self {
            address: address.to_owned(),
            client_id: config.client_id.clone(),
            stream: Some(stream),
            next_correlation_id: 0,
            offered: HashMap::from([(
                ApiVersionsRequest::KEY,
                (ApiVersionsRequest::VERSION, ApiVersionsRequest::VERSION),
            )]),
            security: Arc::clone(&config.security),
            renew_at: None,
        };
        let answer = connection.exchange(&ApiVersionsRequest::default(), config.request_timeout).await;
        let answer = answer.map_err(as_io)?;
        connection.offered.extend(answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))));
        connection.authenticate(config.request_timeout).await?;
        Ok(connection)
    }

    /// Does nothing without SASL.
    async fn authenticate(&mut self, patience: Duration) -> io::Result<()> {
        let security = Arc::clone(&self.security);
        if let Some(sasl) = &security.sasl {
            self.renew_at = authentication::run(self, sasl, patience).await?.map(|life| Instant::now() + life);
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// True when the next call cannot work because an earlier one broke the connection.
    pub(super) fn is_closed(&self) -> bool {
        self.stream.is_none()
    }

    /// Sends `request` and waits at most `patience` for the answer, whatever error code is in it. Dropping the future
    /// closes the connection; the broker may have acted on the request.
    pub(crate) async fn call<A: Api>(&mut self, request: &A, patience: Duration) -> Result<A::Answer, Error> {
        if self.renew_at.is_some_and(|at| Instant::now() >= at) && !self.is_closed() {
            let renewed = self.authenticate(patience).await;
            renewed.map_err(|reason| Error::unreachable(vec![(self.address.clone(), reason)]))?;
        }
        self.exchange(request, patience).await
    }

    /// One request without a look at the credentials.
    pub(super) async fn exchange<A: Api>(&mut self, request: &A, patience: Duration) -> Result<A::Answer, Error> {
        self.check_offered::<A>()?;
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1);
        let bytes = encode_request(request, &self.client_id, correlation_id)
            .map_err(|reason| Error::Unencodable { api: A::NAME, reason })?;
        let mut stream =
            self.stream.take().ok_or_else(|| self.disconnected::<A>(io::ErrorKind::NotConnected.into()))?;
        let exchange = async {
            stream.write_all(&bytes).await?;
            read_frame(&mut stream, A::LONGEST).await
        };
        let frame = match timeout(patience, exchange).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(self.malformed::<A>(error.to_string()));
            }
            Ok(Err(error)) => return Err(self.disconnected::<A>(error)),
            Err(_) => return Err(self.disconnected::<A>(timed_out("no answer", patience))),
        };
        let answer = decode_answer::<A>(frame, correlation_id).map_err(|reason| self.malformed::<A>(reason))?;
        self.stream = Some(stream);
        Ok(answer)
    }

    /// Whether the broker knows the request in the version that is spoken.
    pub(crate) fn speaks<A: Api>(&self) -> bool {
        self.check_offered::<A>().is_ok()
    }

    /// Whether the broker knows the request with this number.
    pub(super) fn offers(&self, key: i16) -> bool {
        self.offered.contains_key(&key)
    }

    /// The correlation id of the next request.
    pub(super) fn next_correlation_id(&self) -> i32 {
        self.next_correlation_id
    }

    /// When the broker wants to see the credentials again.
    pub(super) fn renew_at(&self) -> Option<Instant> {
        self.renew_at
    }

    /// The bytes below; `None` when the connection is closed.
    pub(super) fn into_stream(self) -> Option<Stream> {
        self.stream
    }

    pub(super) fn check_offered<A: Api>(&self) -> Result<(), Error> {
        let offered = match self.offered.get(&A::KEY) {
            Some((min, max)) if (*min..=*max).contains(&A::VERSION) => return Ok(()),
            Some((min, max)) => format!("it offers versions {min} to {max}"),
            None => "it does not offer this request".to_owned(),
        };
        Err(Error::UnsupportedVersion { address: self.address.clone(), api: A::NAME, spoken: A::VERSION, offered })
    }

    fn disconnected<A: Api>(&self, source: io::Error) -> Error {
        Error::Disconnected { address: self.address.clone(), api: A::NAME, source }
    }

    fn malformed<A: Api>(&self, reason: String) -> Error {
        Error::Malformed { address: self.address.clone(), api: A::NAME, reason }
    }
}

/// A broker that wants a certificate of the client says so only after the handshake of TLS 1.3.
fn as_io(error: Error) -> io::Error {
    match &error {
        Error::Disconnected { source, .. } if source.to_string().contains(" alert ") => {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("the broker ends the TLS session: {source}"))
        }
        _ => io::Error::other(error),
    }
}

fn timed_out(what: &str, after: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} ms", after.as_millis()))
}
