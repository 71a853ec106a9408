//! How often a broker was tried.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

/// Passes connections on and counts them.
pub(super) struct CountingProxy {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
}

impl CountingProxy {
    pub(super) fn start(target: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::AcqRel);
                if let Ok(server) = TcpStream::connect(&target) {
                    pass_on(&client, &server);
                    pass_on(&server, &client);
                }
            }
        });
        Ok(Self { port, connections })
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }
}

fn pass_on(from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        // However it ends, both sides hear of it.
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(std::net::Shutdown::Both));
    });
}
