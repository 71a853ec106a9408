//! A TCP proxy that can fail: between a worker and the broker it cuts the network, in silence or with resets, delays it, and heals it.
//!
//! Started by [`crate::Kafka::start_behind_proxies`]. Invariant: its threads end with the value, whatever they wait for.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::SockRef;

const CHUNK_BYTES: usize = 64 * 1024;

/// How a network can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing arrives, nobody hears of it. What was on its way arrives when the network is healed, as with TCP.
    Silent,
    /// Every connection is reset, new ones too.
    Reset,
}

/// One way between a client and a server on this machine. It passes everything on until it is told otherwise.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    link: Arc<Link>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Link {
    upstream: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    cut: Option<Cut>,
    delay: Duration,
    ended: bool,
    /// Open sockets of both sides, by connection.
    sockets: BTreeMap<u64, Vec<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
    next: u64,
}

impl Proxy {
    /// Listens on a free port and passes connections on to a port of this machine.
    pub fn start(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("a port for a proxy")?;
        let port = listener.local_addr()?.port();
        let link = Arc::new(Link { upstream, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&link);
        let acceptor = thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !accepting.accept(client) {
                    return;
                }
            }
        });
        Ok(Self { port, link, acceptor: Some(acceptor) })
    }

    /// The port that clients connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `host:port` for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Cuts the network until [`Proxy::heal`].
    pub fn cut(&self, cut: Cut) {
        self.link.change(|state| {
            state.cut = Some(cut);
            if cut == Cut::Reset {
                state.sockets.values().flatten().for_each(reset);
            }
        });
    }

    /// Passes everything on again.
    pub fn heal(&self) {
        self.link.change(|state| state.cut = None);
    }

    /// From now on, what is sent arrives that much later.
    pub fn delay(&self, delay: Duration) {
        self.link.change(|state| state.delay = delay);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.link.change(|state| {
            state.ended = true;
            state.sockets.values().flatten().for_each(reset);
        });
        // Wakes the acceptor, which looks at the state.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        let acceptor = self.acceptor.take();
        let threads = std::mem::take(&mut self.link.state().threads);
        for thread in acceptor.into_iter().chain(threads) {
            if thread.join().is_err() {
                eprintln!("a thread of the proxy on port {} panicked", self.port);
            }
        }
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// False when the proxy has ended.
    fn accept(self: &Arc<Self>, client: TcpStream) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        if state.cut == Some(Cut::Reset) {
            reset(&client);
            return true;
        }
        let Ok(socket) = client.try_clone() else { return true };
        state.next += 1;
        let connection = state.next;
        state.sockets.insert(connection, vec![socket]);
        state.threads.retain(|thread| !thread.is_finished());
        let link = Arc::clone(self);
        state.threads.push(thread::spawn(move || link.serve(connection, &client)));
        true
    }

    /// One connection: this thread passes on what the server answers, another one what the client asks.
    fn serve(self: &Arc<Self>, connection: u64, client: &TcpStream) {
        if self.passes()
            && let Ok(server) = TcpStream::connect(("127.0.0.1", self.upstream))
        {
            self.join(connection, client, &server);
        }
        reset(client);
        self.state().sockets.remove(&connection);
    }

    fn join(self: &Arc<Self>, connection: u64, client: &TcpStream, server: &TcpStream) {
        let clones = (client.try_clone(), server.try_clone(), server.try_clone());
        let (Ok(asking), Ok(asked), Ok(socket)) = clones else { return };
        drop((client.set_nodelay(true), server.set_nodelay(true)));
        match self.state().sockets.get_mut(&connection) {
            Some(sockets) => sockets.push(socket),
            None => return,
        }
        // The proxy may have ended before the socket was there to be shut.
        if !self.passes() {
            return;
        }
        let link = Arc::clone(self);
        let asks = thread::spawn(move || link.pass_on(&asking, &asked));
        self.pass_on(server, client);
        drop(asks.join());
    }

    /// Until one side ends; then the other one hears of it, as soon as the network lets it.
    fn pass_on(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = from.read(&mut chunk).unwrap_or(0);
            if !self.passes() || read == 0 || to.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        drop((to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both)));
    }

    /// Waits until the network lets something through; false when it never will.
    fn passes(&self) -> bool {
        let mut state = self.state();
        let due = Instant::now() + state.delay;
        loop {
            let late = due.saturating_duration_since(Instant::now());
            match state.cut {
                _ if state.ended => return false,
                Some(Cut::Reset) => return false,
                Some(Cut::Silent) => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                None if late.is_zero() => return true,
                None => {
                    let waited = self.changed.wait_timeout(state, late);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

/// Closes a connection with a reset where the system can, so that the other side hears of it at once.
fn reset(socket: &TcpStream) {
    drop(SockRef::from(socket).set_linger(Some(Duration::ZERO)));
    drop(socket.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A server that answers with what it is sent.
    fn echo() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut reader = client.try_clone().expect("a clone");
                    let mut writer = client;
                    drop(std::io::copy(&mut reader, &mut writer));
                });
            }
        });
        Proxy::start(port).expect("a proxy")
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
        stream
    }

    fn answer(stream: &mut TcpStream, word: &[u8; 4]) -> std::io::Result<[u8; 4]> {
        stream.write_all(word)?;
        let mut back = [0; 4];
        stream.read_exact(&mut back).map(|()| back)
    }

    fn is_late(answer: std::io::Result<[u8; 4]>) -> bool {
        answer.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    #[test]
    fn a_silent_cut_holds_what_is_on_its_way_until_it_is_healed() {
        let proxy = echo();
        let (mut open, _) = (connect(&proxy), connect(&proxy));
        assert_eq!(answer(&mut open, b"one.").expect("an answer"), *b"one.");
        proxy.cut(Cut::Silent);
        assert!(is_late(answer(&mut open, b"two.")));
        let mut new = connect(&proxy);
        assert!(is_late(answer(&mut new, b"new.")));
        proxy.heal();
        for (stream, word) in [(&mut open, b"two."), (&mut new, b"new.")] {
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
            let mut back = [0; 4];
            stream.read_exact(&mut back).expect("what was on its way");
            assert_eq!(back, *word);
        }
    }

    #[test]
    fn a_reset_is_heard_of_and_new_connections_work_after_it() {
        let proxy = echo();
        let mut open = connect(&proxy);
        assert!(answer(&mut open, b"one.").is_ok());
        proxy.cut(Cut::Reset);
        for mut stream in [open, connect(&proxy)] {
            assert!(answer(&mut stream, b"two.").is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
        }
        proxy.heal();
        assert!(answer(&mut connect(&proxy), b"new.").is_ok());
    }

    #[test]
    fn a_delay_delays_and_a_proxy_ends_while_it_is_cut() {
        let proxy = echo();
        proxy.delay(Duration::from_millis(300));
        let mut stream = connect(&proxy);
        assert!(is_late(answer(&mut stream, b"slow")));
        proxy.delay(Duration::ZERO);
        proxy.cut(Cut::Silent);
        assert!(is_late(answer(&mut stream, b"cut.")));
        drop(proxy);
    }
}
