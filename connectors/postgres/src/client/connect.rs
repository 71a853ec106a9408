//! Finding a server among several hosts and opening a session on it.

use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connection::Connection;
use super::options::{Options, Purpose, SESSION, SslMode};
use super::socket::Socket;
use super::{Error, Result, login, tls};

/// How long one host may take until the session is open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a session on the first host that answers and, when there are several, takes writes.
pub(super) async fn connect(options: &Options, purpose: Purpose) -> Result<Connection> {
    let mut failed = Vec::new();
    let mut last = None;
    for (host, port) in &options.hosts {
        match tokio::time::timeout(CONNECT_TIMEOUT, session(options, host, *port, purpose)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                failed.push(format!("{host}:{port}: {error}"));
                last = Some(error);
            }
            Err(_) => {
                let error = Error::Timeout(CONNECT_TIMEOUT.as_millis());
                failed.push(format!("{host}:{port}: {error}"));
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if failed.len() == 1 => Err(error),
        Some(error) if !error.is_connection_error() => Err(error),
        _ => Err(Error::Io(std::io::Error::other(failed.join("; ")))),
    }
}

async fn session(options: &Options, host: &str, port: u16, purpose: Purpose) -> Result<Connection> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    let connection = match options.ssl_mode {
        SslMode::Disable => plain(socket, options, purpose).await,
        // Without TLS first; a server that insists on it refuses the log-in.
        SslMode::Allow => match plain(socket, options, purpose).await {
            Err(Error::Server(error)) if error.sql_state == "28000" => {
                secured(TcpStream::connect((host, port)).await?, options, host, purpose).await
            }
            other => other,
        },
        _ => secured(socket, options, host, purpose).await,
    };
    let mut connection = connection?;
    for statement in &options.initial_statements {
        connection.query(statement).await?;
    }
    if options.hosts.len() > 1 {
        refuse_standby(&mut connection, host, port).await?;
    }
    Ok(connection)
}

/// Of several hosts the one that takes writes is meant.
async fn refuse_standby(connection: &mut Connection, host: &str, port: u16) -> Result<()> {
    let rows = connection.query("SELECT pg_is_in_recovery()").await?;
    if rows.first().and_then(|row| row.text(0)) == Some("t") {
        return Err(Error::Io(std::io::Error::other(format!("{host}:{port} is a standby"))));
    }
    Ok(())
}

async fn plain(socket: TcpStream, options: &Options, purpose: Purpose) -> Result<Connection> {
    open(Connection::new(Socket::Plain(socket), options.query_timeout), None, options, purpose).await
}

async fn secured(mut socket: TcpStream, options: &Options, host: &str, purpose: Purpose) -> Result<Connection> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await?;
    match socket.read_u8().await? {
        b'S' => {
            let stream = tls::handshake(socket, options, host).await?;
            let end_point = tls::server_end_point(&stream);
            let connection = Connection::new(Socket::Tls(Box::new(stream)), options.query_timeout);
            open(connection, end_point, options, purpose).await
        }
        b'N' if options.ssl_mode == SslMode::Prefer => plain(socket, options, purpose).await,
        b'N' => Err(Error::Tls(format!(
            "{host} does not offer TLS, but `database.sslmode` asks for it: set `ssl = on` in postgresql.conf or another mode"
        ))),
        other => Err(Error::Protocol(format!("byte {other} in answer to a request for TLS"))),
    }
}

async fn open(
    mut connection: Connection,
    end_point: Option<Vec<u8>>,
    options: &Options,
    purpose: Purpose,
) -> Result<Connection> {
    let mut parameters = vec![
        ("user", options.user.as_str()),
        ("database", options.database.as_str()),
        ("application_name", options.application_name.as_str()),
    ];
    parameters.extend(SESSION);
    if purpose == Purpose::Replication {
        parameters.push(("replication", "database"));
    }
    frontend::startup_message(parameters, connection.out())?;
    connection.flush().await?;
    login::log_in(&mut connection, end_point, options).await?;
    Ok(connection)
}
