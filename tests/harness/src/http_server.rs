//! An HTTP server that misbehaves on command: a test says per request what comes back, and looks at what came in.
//!
//! Requests are read with `httparse`; answers are written byte by byte, since the point is to send what no HTTP library would. One thread
//! per connection; everything ends when the server is dropped. Stands alone: the tests of `connectors/http` include this very file.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use openssl::ssl::SslAcceptor;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `POST` and the like.
    pub method: String,
    /// Path and query, or the whole address when it came to a proxy.
    pub target: String,
    /// In order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What goes back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer.
    Answer {
        /// The status.
        status: u16,
        /// Headers besides `Content-Length`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The same, this much later.
    Slow(Duration, Box<Reply>),
    /// The connection is reset without an answer.
    Reset,
    /// A head that announces more than comes, then the end of the connection.
    Half,
    /// Bytes that are no HTTP.
    Garbage,
}

impl Reply {
    /// A status with a short body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::with(status, &[], format!("{status}"))
    }

    /// A whole answer.
    #[must_use]
    pub fn with(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Answer { status, headers, body: body.into() }
    }
}

type Behaviour = dyn Fn(&HttpRequest, usize) -> Reply + Send + Sync;

struct Shared {
    behaviour: Box<Behaviour>,
    requests: Mutex<Vec<HttpRequest>>,
    connections: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

/// A listening server.
pub struct HttpServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

impl HttpServer {
    /// Listens on a free port; `behaviour` is asked for every request with its number, from 0.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(behaviour: impl Fn(&HttpRequest, usize) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        Self::listen(Box::new(behaviour), None)
    }

    /// As [`HttpServer::start`], with TLS.
    ///
    /// # Errors
    /// No port is free.
    pub fn start_tls(
        acceptor: SslAcceptor,
        behaviour: impl Fn(&HttpRequest, usize) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(Box::new(behaviour), Some(acceptor))
    }

    fn listen(behaviour: Box<Behaviour>, acceptor: Option<SslAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour,
            requests: Mutex::default(),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let of_thread = shared.clone();
        thread::spawn(move || accept(&listener, &of_thread, acceptor.as_ref()));
        Ok(Self { address, scheme, shared })
    }

    /// The address of a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.address.port())
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that came in so far.
    #[must_use]
    pub fn requests(&self) -> Vec<HttpRequest> {
        lock(&self.shared.requests).clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for connection in lock(&self.shared.connections).drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, acceptor: Option<&SslAcceptor>) {
    for connection in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection else { continue };
        if let Ok(own) = connection.try_clone() {
            lock(&shared.connections).push(own);
        }
        let (shared, acceptor) = (shared.clone(), acceptor.cloned());
        thread::spawn(move || {
            // A connection that breaks is the client's business.
            drop(match acceptor {
                None => serve(connection.try_clone(), connection, &shared),
                Some(acceptor) => match acceptor.accept(connection) {
                    Ok(stream) => serve(stream.get_ref().try_clone(), stream, &shared),
                    Err(_) => Ok(()),
                },
            });
        });
    }
}

fn serve(raw: io::Result<TcpStream>, mut stream: impl Read + Write, shared: &Shared) -> io::Result<()> {
    let raw = raw?;
    raw.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer)? {
        let number = {
            let mut requests = lock(&shared.requests);
            requests.push(request.clone());
            requests.len() - 1
        };
        if !answer(&mut stream, &raw, (shared.behaviour)(&request, number))? {
            return Ok(());
        }
    }
    Ok(())
}

/// `false` when the connection is over.
fn answer(stream: &mut impl Write, raw: &TcpStream, reply: Reply) -> io::Result<bool> {
    match reply {
        Reply::Answer { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Said So\r\nContent-Length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(&[head.as_bytes(), &body].concat())?;
            stream.flush()?;
            Ok(true)
        }
        Reply::Slow(pause, reply) => {
            thread::park_timeout(pause);
            answer(stream, raw, *reply)
        }
        Reply::Reset => {
            // What was read and what was not make the kernel send a reset or an end; for a client both are no answer.
            raw.shutdown(Shutdown::Both)?;
            Ok(false)
        }
        Reply::Half => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")?;
            stream.flush()?;
            raw.shutdown(Shutdown::Both)?;
            Ok(false)
        }
        Reply::Garbage => {
            stream.write_all(b"\x00\x01\x02 not HTTP at all\r\n\r\n")?;
            stream.flush()?;
            raw.shutdown(Shutdown::Both)?;
            Ok(false)
        }
    }
}

/// `None` at the end of the connection.
fn read_request(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<HttpRequest>> {
    let (mut request, length) = loop {
        if let Some(head) = parse_head(buffer)? {
            break head;
        }
        if fill(stream, buffer)? == 0 {
            return Ok(None);
        }
    };
    while buffer.len() < length {
        if fill(stream, buffer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Some(request))
}

fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 16 * 1024];
    let count = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..count]);
    Ok(count)
}

/// The head and the length of the body, taken out of the buffer. Clients of tests announce their bodies' lengths.
fn parse_head(buffer: &mut Vec<u8>) -> io::Result<Option<(HttpRequest, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let parsed = head.parse(buffer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(end) = parsed else { return Ok(None) };
    let request = HttpRequest {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
            .collect(),
        body: Vec::new(),
    };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    buffer.drain(..end);
    Ok(Some((request, length)))
}
