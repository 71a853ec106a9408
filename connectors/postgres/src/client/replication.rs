//! The stream of changes: one owner of the socket reads, answers keepalives and reports positions, whatever the consumer does.
//!
//! Whole frames reach the consumer in chunks, nothing is copied or allocated per message. A reader that wakes for each message
//! costs the walsender a wake-up per row, so after a small read the owner waits a moment: measured 1.4 to 2.3 times the
//! throughput on one machine (postgres-cdc.md 3.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use postgres_protocol::message::backend::{Header, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::connection::message_length;
use super::error::ServerError;
use super::socket::Socket;
use super::{Error, Result};

/// The most that a chunk grows to before it is handed over, unless one message is larger.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;
/// A read below this is small: more is probably on its way.
const SMALL_READ_BYTES: usize = 8 * 1024;
const COALESCE: Duration = Duration::from_millis(1);
/// Seconds from 1970 to 2000, PostgreSQL's epoch.
const POSTGRES_EPOCH_SECONDS: u64 = 946_684_800;

/// What is reported to the server.
#[derive(Debug, Default)]
pub(crate) struct Feedback {
    /// Everything below is in Kafka with its offset (Invariant 1); the server may forget it.
    flushed: AtomicU64,
    received: AtomicU64,
    now: Notify,
}

impl Feedback {
    /// Moves what the server may forget forward, never back.
    pub(crate) fn confirm(&self, lsn: u64) {
        if self.flushed.fetch_max(lsn, Ordering::AcqRel) < lsn {
            self.now.notify_one();
        }
    }

    /// What was confirmed last.
    pub(crate) fn confirmed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }
}

/// A running stream. Dropping it closes the connection.
pub(crate) struct Replication {
    chunks: mpsc::Receiver<Result<Bytes>>,
    feedback: Arc<Feedback>,
    owner: JoinHandle<()>,
}

impl Drop for Replication {
    fn drop(&mut self) {
        self.owner.abort();
    }
}

impl Replication {
    pub(super) fn start(
        socket: Socket,
        input: BytesMut,
        status_interval: Duration,
        chunks: usize,
        confirmed: u64,
    ) -> Self {
        let (tx, rx) = mpsc::channel(chunks.max(1));
        let feedback = Arc::new(Feedback { flushed: AtomicU64::new(confirmed), ..Feedback::default() });
        let (read, write) = tokio::io::split(socket);
        let owner = Owner { read, write, input, walked: 0, reply: false, feedback: feedback.clone() };
        let owner = tokio::spawn(owner.run(tx, status_interval));
        Self { chunks: rx, feedback, owner }
    }

    /// The next chunk of whole frames; `None` when the server ended the stream. Cancel safe.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Frames>> {
        Ok(self.chunks.recv().await.transpose()?.map(Frames))
    }

    /// A chunk that is there already.
    pub(crate) fn try_chunk(&mut self) -> Result<Option<Frames>> {
        Ok(self.chunks.try_recv().ok().transpose()?.map(Frames))
    }

    /// Where confirmed positions go.
    pub(crate) fn feedback(&self) -> &Arc<Feedback> {
        &self.feedback
    }
}

/// A message of the stream.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// `XLogData`: where the message's WAL record begins (a commit: where it ends), and a message of the output plugin.
    Data { lsn: u64, payload: Bytes },
    /// The server has sent everything up to here.
    Keepalive { wal_end: u64 },
}

/// Whole frames in order.
#[derive(Debug)]
pub(crate) struct Frames(Bytes);

impl Frames {
    /// The next message.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>> {
        while let Some(header) = Header::parse(&self.0)? {
            let mut frame = self.0.split_to(message_length(&header)?.min(self.0.len()));
            frame.advance(5);
            if header.tag() == b'd' && !frame.is_empty() {
                return copy_data(frame).map(Some);
            }
        }
        Ok(None)
    }
}

fn copy_data(mut frame: Bytes) -> Result<Frame> {
    match (frame.get_u8(), frame.len()) {
        (b'w', 24..) => {
            let lsn = frame.get_u64();
            frame.advance(16);
            Ok(Frame::Data { lsn, payload: frame })
        }
        (b'k', 17..) => Ok(Frame::Keepalive { wal_end: frame.get_u64() }),
        (tag, length) => {
            Err(Error::Protocol(format!("a message {:?} of {length} bytes in the stream", char::from(tag))))
        }
    }
}

struct Owner {
    read: ReadHalf<Socket>,
    write: WriteHalf<Socket>,
    input: BytesMut,
    /// Bytes of `input` that are whole frames.
    walked: usize,
    /// The server asked for an answer.
    reply: bool,
    feedback: Arc<Feedback>,
}

impl Owner {
    async fn run(mut self, tx: mpsc::Sender<Result<Bytes>>, status_interval: Duration) {
        if let Err(error) = self.stream(&tx, status_interval).await {
            // The consumer may be gone, then nobody needs to know.
            drop(tx.send(Err(error)).await);
        }
    }

    async fn stream(&mut self, tx: &mpsc::Sender<Result<Bytes>>, status_interval: Duration) -> Result<()> {
        let mut status = interval_at(Instant::now(), status_interval.max(Duration::from_millis(100)));
        status.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let feedback = self.feedback.clone();
        loop {
            let ended = self.walk()?;
            if self.reply {
                self.send_status().await?;
            }
            if self.walked > 0 {
                // While the consumer is busy the server still hears from us, and nothing more is read.
                let permit = loop {
                    tokio::select! {
                        permit = tx.reserve() => break permit,
                        _ = status.tick() => self.send_status().await?,
                        () = feedback.now.notified() => self.send_status().await?,
                    }
                };
                let Ok(permit) = permit else { return Ok(()) };
                permit.send(Ok(self.input.split_to(self.walked).freeze()));
                self.walked = 0;
                // Whole frames may be left that did not fit into the chunk.
                if !ended {
                    continue;
                }
            }
            if ended {
                return Ok(());
            }
            self.input.reserve(CHUNK_BYTES / 4);
            tokio::select! {
                read = self.read.read_buf(&mut self.input) => match read? {
                    0 => return Err(Error::Io(std::io::ErrorKind::UnexpectedEof.into())),
                    bytes if bytes < SMALL_READ_BYTES => tokio::time::sleep(COALESCE).await,
                    _ => {}
                },
                _ = status.tick() => self.send_status().await?,
                () = feedback.now.notified() => self.send_status().await?,
            }
        }
    }

    /// Looks at every whole frame that came; `true` when the stream is at its end.
    fn walk(&mut self) -> Result<bool> {
        while self.walked < CHUNK_BYTES {
            let rest = &self.input[self.walked..];
            let Some(header) = Header::parse(rest)? else { break };
            let length = message_length(&header)?;
            if rest.len() < length {
                self.input.reserve(length - rest.len());
                break;
            }
            match header.tag() {
                b'd' => self.look(self.walked + 5, length - 5),
                b'c' => return Ok(true),
                b'E' => return Err(self.refusal()),
                _ => {}
            }
            self.walked += length;
        }
        Ok(false)
    }

    /// Notes positions and requests for an answer.
    fn look(&mut self, at: usize, length: usize) {
        let Some(body) = self.input.get(at..at + length) else { return };
        if body.len() < 9 {
            return;
        }
        let lsn = (&body[1..9]).get_u64();
        match body[0] {
            b'w' | b'k' => {
                self.feedback.received.fetch_max(lsn, Ordering::Relaxed);
            }
            _ => {}
        }
        if body[0] == b'k' && body.get(17) == Some(&1) {
            self.reply = true;
        }
    }

    fn refusal(&mut self) -> Error {
        self.input.advance(self.walked);
        match Message::parse(&mut self.input) {
            Ok(Some(Message::ErrorResponse(body))) => Error::Server(Box::new(ServerError::read(body.fields()))),
            _ => Error::Protocol("an error that cannot be read".to_owned()),
        }
    }

    async fn send_status(&mut self) -> Result<()> {
        self.reply = false;
        let flushed = self.feedback.confirmed();
        let received = self.feedback.received.load(Ordering::Relaxed).max(flushed);
        let status = status(received, flushed, postgres_micros());
        self.write.write_all(&status).await?;
        Ok(self.write.flush().await?)
    }
}

fn status(received: u64, flushed: u64, now_micros: i64) -> BytesMut {
    let mut out = BytesMut::with_capacity(39);
    out.put_u8(b'd');
    out.put_u32(4 + 34);
    out.put_u8(b'r');
    out.put_u64(received);
    out.put_u64(flushed);
    out.put_u64(flushed);
    out.put_i64(now_micros);
    out.put_u8(0);
    out
}

fn postgres_micros() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = since_epoch.saturating_sub(Duration::from_secs(POSTGRES_EPOCH_SECONDS)).as_micros();
    i64::try_from(micros).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut out = vec![b'd'];
        out.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn frames_are_walked_in_place() {
        let mut data = vec![b'w'];
        data.extend(7u64.to_be_bytes());
        data.extend([0; 16]);
        data.extend(b"payload");
        let mut keepalive = vec![b'k'];
        keepalive.extend(9u64.to_be_bytes());
        keepalive.extend([0; 9]);
        let bytes = [frame(&data), frame(&keepalive)].concat();
        let mut frames = Frames(Bytes::from(bytes));
        match frames.next().unwrap() {
            Some(Frame::Data { lsn: 7, payload }) => assert_eq!(&payload[..], b"payload"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(frames.next().unwrap(), Some(Frame::Keepalive { wal_end: 9 })));
        assert!(frames.next().unwrap().is_none());
    }

    #[test]
    fn a_frame_that_is_too_short_is_an_error() {
        let mut frames = Frames(Bytes::from(frame(b"w1")));
        assert!(frames.next().is_err());
    }

    #[test]
    fn a_confirmed_position_never_moves_back() {
        let feedback = Feedback::default();
        feedback.confirm(5);
        feedback.confirm(3);
        assert_eq!(feedback.confirmed(), 5);
        let status = status(8, 5, 0);
        assert_eq!((status.len(), status[5], status[13], status[21]), (39, b'r', 8, 5));
    }
}
