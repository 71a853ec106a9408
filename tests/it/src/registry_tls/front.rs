//! A TLS front of the schema registry, which may ask for a client's certificate and for credentials.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use openssl::pkcs12::Pkcs12;
use openssl::ssl::{HandshakeError, SslAcceptor, SslMethod, SslVerifyMode};
use sluice_harness::{Certificates, STORE_PASSWORD, SchemaRegistry};

/// What a front shows and what it asks for.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The name of its own certificate.
    pub(super) certificate: &'a str,
    /// Whether a client has to have one of the authority.
    pub(super) wants_certificate: bool,
    /// The one `Authorization` that it takes.
    pub(super) authorization: Option<&'a str>,
}

impl Rules<'_> {
    /// A good certificate, everybody gets in.
    pub(super) const OPEN: Self = Self { certificate: "server", wants_certificate: false, authorization: None };
}

/// Lives as long as the process, like the registry behind it.
pub(super) struct Front {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Front {
    pub(super) fn start(registry: &SchemaRegistry, certificates: &Certificates, rules: Rules<'_>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (connected, asked) = (Arc::clone(&connections), Arc::clone(&requests));
        let acceptor = acceptor(certificates, rules)?;
        let target = host(&registry.url())?;
        let authorization = rules.authorization.map(str::to_owned);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connected.fetch_add(1, Ordering::AcqRel);
                let (acceptor, asked) = (acceptor.clone(), Arc::clone(&asked));
                let (target, authorization) = (target.clone(), authorization.clone());
                thread::spawn(move || {
                    let mut client = match acceptor.accept(client) {
                        Ok(client) => client,
                        // A client that refuses the certificate, or shows none, has no request.
                        Err(HandshakeError::Failure(refused)) => return see_off(refused.get_ref()),
                        Err(_) => return,
                    };
                    // One that is gone needs no answer.
                    drop(answer(&mut client, &target, authorization.as_deref(), &asked));
                    drop(client.shutdown());
                });
            }
        });
        Ok(Self { port, connections, requests })
    }

    /// The address for `schema.registry.url`.
    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// How often somebody came.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// How often somebody got as far as to ask something.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }
}

fn host(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").context("the registry speaks HTTP")?;
    Ok(rest.split('/').next().unwrap_or_default().to_owned())
}

/// Waits for the client to go: closed at once behind what it still sends, the connection would lose the reason on its way.
fn see_off(mut client: &TcpStream) {
    // It may be gone already.
    drop(client.shutdown(Shutdown::Write));
    drop(client.set_read_timeout(Some(Duration::from_secs(5))));
    drop(std::io::copy(&mut client, &mut std::io::sink()));
}

fn acceptor(certificates: &Certificates, rules: Rules<'_>) -> Result<SslAcceptor> {
    let store = std::fs::read(certificates.file(&format!("{}.p12", rules.certificate)))?;
    let store = Pkcs12::from_der(&store)?.parse2(STORE_PASSWORD)?;
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_certificate(&*store.cert.context("a certificate")?)?;
    builder.set_private_key(&*store.pkey.context("a key")?)?;
    if rules.wants_certificate {
        builder.set_ca_file(certificates.file("ca.pem"))?;
        builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    }
    Ok(builder.build())
}

/// Passes one request on, when the client may ask, and closes the connection behind the answer.
fn answer(
    client: &mut (impl Read + Write),
    target: &str,
    authorization: Option<&str>,
    asked: &AtomicUsize,
) -> Result<()> {
    let (head, body) = request(client)?;
    asked.fetch_add(1, Ordering::AcqRel);
    let given = head.iter().find_map(|line| value(line, "authorization"));
    if authorization.is_some() && given.as_deref() != authorization {
        let body = r#"{"error_code":40101,"message":"who are you"}"#;
        let length = body.len();
        write!(client, "HTTP/1.1 401 Unauthorized\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
        return Ok(());
    }
    let kept = head.iter().filter(|line| value(line, "connection").is_none() && value(line, "authorization").is_none());
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    let mut registry = TcpStream::connect(target)?;
    write!(registry, "{head}Connection: close\r\n\r\n")?;
    registry.write_all(&body)?;
    std::io::copy(&mut registry, client)?;
    Ok(())
}

/// The lines of a request's head, and its body.
fn request(client: &mut impl Read) -> Result<(Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(client);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        head.push(line.to_owned());
    }
    let length = head.iter().find_map(|line| value(line, "content-length")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, body))
}

/// What a header's line says, when it is the header of this name.
fn value(line: &str, name: &str) -> Option<String> {
    let (key, value) = line.split_once(':')?;
    key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
}
