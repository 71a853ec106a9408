//! A connection on which several requests are under way at once: written in order, answered in order.
//!
//! A task of its own writes and another one reads, so nothing of a request or an answer is lost when whoever waits for it is
//! dropped. Both end with the [`Pipe`]. What comes goes to the channel that the pipe was opened with, under the pipe's name.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::api::Api;
use super::config::ClientConfig;
use super::connection::Connection;
use super::error::Error;
use super::frame::read_frame;
use super::stream::Stream;

/// Pieces below this are put together before they are written.
const TOGETHER: usize = 16 << 10;
/// Bytes that have to be taken within one time-out: a slow network is none that stands still.
const STRIDE: usize = 64 << 10;

/// What comes of a pipe.
#[derive(Debug)]
pub(crate) enum PipeEvent {
    /// The oldest request that was not said so of is written.
    Written,
    /// The answer to the oldest request without one.
    Answer(Bytes),
    /// The end, with everything under way.
    Lost(io::Error),
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Pipe {
    requests_tx: mpsc::UnboundedSender<Vec<Bytes>>,
    next_correlation_id: i32,
    client_id: String,
    address: String,
    /// When its broker wants to see the credentials again: it is to be closed before, once nothing is under way.
    renew_at: Option<Instant>,
    tasks: [AbortHandle; 2],
}

impl Pipe {
    /// Connects to a broker that speaks `A`. Whoever opens it bounds how much is under way. `name` comes with every event.
    pub(crate) async fn open<A: Api, N: Copy + Send + 'static>(
        address: &str,
        config: &ClientConfig,
        name: N,
        events_tx: mpsc::UnboundedSender<(N, PipeEvent)>,
    ) -> Result<Self, Error> {
        let opened = Connection::open(address, config).await;
        let connection = opened.map_err(|reason| Error::unreachable(vec![(address.to_owned(), reason)]))?;
        connection.check_offered::<A>()?;
        let (next_correlation_id, renew_at) = (connection.next_correlation_id(), connection.renew_at());
        let stream = connection
            .into_stream()
            .ok_or_else(|| Error::unreachable(vec![(address.to_owned(), io::ErrorKind::NotConnected.into())]))?;
        let (read, write) = split(stream);
        let (requests_tx, requests_rx) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write_all(write, requests_rx, config.request_timeout, name, events_tx.clone()));
        let reader = tokio::spawn(read_all(read, A::LONGEST, name, events_tx));
        Ok(Self {
            requests_tx,
            next_correlation_id,
            client_id: config.client_id.clone(),
            address: address.to_owned(),
            renew_at,
            tasks: [writer.abort_handle(), reader.abort_handle()],
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it is to be closed as soon as nothing is under way.
    pub(crate) fn is_to_be_renewed(&self, now: Instant) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }

    /// The correlation id of the next request.
    pub(crate) fn next_correlation_id(&mut self) -> i32 {
        let id = self.next_correlation_id;
        self.next_correlation_id = id.wrapping_add(1);
        id
    }

    /// Sends a whole request, its length in front, in pieces.
    pub(crate) fn send(&self, request: Vec<Bytes>) {
        // A pipe that has ended has said so.
        drop(self.requests_tx.send(request));
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn write_all<N: Copy>(
    mut stream: WriteHalf<Stream>,
    mut requests_rx: mpsc::UnboundedReceiver<Vec<Bytes>>,
    patience: Duration,
    name: N,
    events_tx: mpsc::UnboundedSender<(N, PipeEvent)>,
) {
    while let Some(request) = requests_rx.recv().await {
        let event = match write(&mut stream, request, patience).await {
            Ok(()) => PipeEvent::Written,
            Err(error) => PipeEvent::Lost(error),
        };
        let is_lost = matches!(event, PipeEvent::Lost(_));
        if events_tx.send((name, event)).is_err() || is_lost {
            return;
        }
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), request: Vec<Bytes>, patience: Duration) -> io::Result<()> {
    let mut together = BytesMut::new();
    for piece in request {
        if piece.len() < TOGETHER {
            together.extend_from_slice(&piece);
            continue;
        }
        in_strides(stream, &together.split(), patience).await?;
        in_strides(stream, &piece, patience).await?;
    }
    in_strides(stream, &together, patience).await?;
    within(patience, stream.flush()).await
}

async fn in_strides(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8], patience: Duration) -> io::Result<()> {
    for stride in bytes.chunks(STRIDE) {
        within(patience, stream.write_all(stride)).await?;
    }
    Ok(())
}

async fn within(patience: Duration, writing: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let stalled = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing written in {} ms", patience.as_millis()));
    timeout(patience, writing).await.map_err(|_| stalled())?
}

async fn read_all<N: Copy>(
    mut stream: ReadHalf<Stream>,
    longest: usize,
    name: N,
    events_tx: mpsc::UnboundedSender<(N, PipeEvent)>,
) {
    loop {
        let event = match read_frame(&mut stream, longest).await {
            Ok(answer) => PipeEvent::Answer(answer),
            Err(error) => PipeEvent::Lost(error),
        };
        let is_lost = matches!(event, PipeEvent::Lost(_));
        if events_tx.send((name, event)).is_err() || is_lost {
            return;
        }
    }
}
