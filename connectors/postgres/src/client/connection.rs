//! A session: statements, their rows, and what COPY gives.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use postgres_protocol::message::backend::{Header, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::ServerError;
use super::options::{Options, Purpose};
use super::replication::Replication;
use super::rows::Row;
use super::socket::Socket;
use super::{Error, Result};

const READ_BYTES: usize = 64 * 1024;
/// PostgreSQL's own limit of a message is 1 GB.
const MAX_MESSAGE_BYTES: usize = 0x4000_0000;

/// An open session.
pub(crate) struct Connection {
    pub(super) socket: Socket,
    pub(super) input: BytesMut,
    output: BytesMut,
    query_timeout: Duration,
}

impl Connection {
    /// Opens a session.
    pub(crate) async fn open(options: &Options, purpose: Purpose) -> Result<Self> {
        super::connect::connect(options, purpose).await
    }

    pub(super) fn new(socket: Socket, query_timeout: Duration) -> Self {
        Self { socket, input: BytesMut::with_capacity(READ_BYTES), output: BytesMut::new(), query_timeout }
    }

    pub(super) fn out(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    pub(super) async fn flush(&mut self) -> Result<()> {
        self.socket.write_all(&self.output).await?;
        self.output.clear();
        Ok(self.socket.flush().await?)
    }

    /// The next message, whatever it is.
    pub(super) async fn message(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.input)? {
                return Ok(message);
            }
            self.read().await?;
        }
    }

    /// The tag of the next message, which is wholly there then.
    async fn peek(&mut self) -> Result<u8> {
        loop {
            if let Some(header) = Header::parse(&self.input)? {
                let length = message_length(&header)?;
                if self.input.len() >= length {
                    return Ok(header.tag());
                }
                self.input.reserve(length - self.input.len());
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<()> {
        self.input.reserve(READ_BYTES);
        if self.socket.read_buf(&mut self.input).await? == 0 {
            return Err(Error::Io(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )));
        }
        Ok(())
    }

    /// Reads on until the session takes a statement.
    pub(super) async fn wait_ready(&mut self) -> Result<()> {
        let mut refused = None;
        loop {
            match self.message().await? {
                Message::ReadyForQuery(_) => return refused.map_or(Ok(()), Err),
                Message::ErrorResponse(body) => {
                    let error = ServerError::read(body.fields());
                    let fatal = error.severity == "FATAL" || error.severity == "PANIC";
                    refused = Some(Error::Server(Box::new(error)));
                    if fatal {
                        return refused.map_or(Ok(()), Err);
                    }
                }
                _ => {}
            }
        }
    }

    /// Runs `sql`, which may be several statements; the rows are those of all of them.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<Row>> {
        let limit = self.query_timeout;
        tokio::time::timeout(limit, self.run(sql)).await.map_err(|_| Error::Timeout(limit.as_millis()))?
    }

    async fn run(&mut self, sql: &str) -> Result<Vec<Row>> {
        frontend::query(sql, &mut self.output)?;
        self.flush().await?;
        let (mut rows, mut refused) = (Vec::new(), None);
        loop {
            match self.message().await? {
                Message::DataRow(body) => rows.push(Row::read(&body)?),
                Message::ReadyForQuery(_) => return refused.map_or(Ok(rows), Err),
                Message::ErrorResponse(body) => {
                    let error = ServerError::read(body.fields());
                    let fatal = error.severity == "FATAL" || error.severity == "PANIC";
                    let error = Error::Server(Box::new(error));
                    if fatal {
                        return Err(error);
                    }
                    refused = Some(error);
                }
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                    return Err(Error::Protocol("COPY where rows were expected".to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Starts `COPY … TO STDOUT`; [`Connection::copied`] gives what comes.
    pub(crate) async fn copy_out(&mut self, sql: &str) -> Result<()> {
        frontend::query(sql, &mut self.output)?;
        self.flush().await?;
        loop {
            match self.message().await? {
                Message::CopyOutResponse(_) => return Ok(()),
                Message::ErrorResponse(body) => {
                    let error = Error::Server(Box::new(ServerError::read(body.fields())));
                    self.wait_ready().await?;
                    return Err(error);
                }
                _ => {}
            }
        }
    }

    /// The next line of a COPY without its newline, `None` at the end. Cancel safe.
    pub(crate) async fn copied(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.peek().await? == b'd' {
                let header = Header::parse(&self.input)?.ok_or_else(|| Error::Protocol("no header".to_owned()))?;
                let mut frame = self.input.split_to(message_length(&header)?).freeze();
                frame.advance(5);
                if frame.last() == Some(&b'\n') {
                    frame.truncate(frame.len() - 1);
                }
                return Ok(Some(frame));
            }
            match self.message().await? {
                Message::ReadyForQuery(_) => return Ok(None),
                Message::ErrorResponse(body) => {
                    return Err(Error::Server(Box::new(ServerError::read(body.fields()))));
                }
                _ => {}
            }
        }
    }

    /// Whether a whole line of a COPY is there already.
    pub(crate) fn has_copied(&self) -> bool {
        let Ok(Some(header)) = Header::parse(&self.input) else { return false };
        message_length(&header).is_ok_and(|length| self.input.len() >= length) && header.tag() == b'd'
    }

    /// Starts the stream of changes; the session does nothing else from then on.
    pub(crate) async fn replicate(
        mut self,
        sql: &str,
        status_interval: Duration,
        chunks: usize,
        confirmed: u64,
    ) -> Result<Replication> {
        frontend::query(sql, &mut self.output)?;
        self.flush().await?;
        loop {
            // `CopyBothResponse` is the one message that the library does not know.
            if self.peek().await? == b'W' {
                let header = Header::parse(&self.input)?.ok_or_else(|| Error::Protocol("no header".to_owned()))?;
                self.input.advance(message_length(&header)?);
                return Ok(Replication::start(self.socket, self.input, status_interval, chunks, confirmed));
            }
            if let Message::ErrorResponse(body) = self.message().await? {
                return Err(Error::Server(Box::new(ServerError::read(body.fields()))));
            }
        }
    }
}

/// The bytes of a message with its header.
pub(super) fn message_length(header: &Header) -> Result<usize> {
    let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE_BYTES {
        return Err(Error::Protocol(format!("a message of {length} bytes")));
    }
    Ok(length + 1)
}
