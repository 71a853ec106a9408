//! Passwords: SCRAM with and without channel binding, MD5, clear text.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;

use super::connection::Connection;
use super::error::ServerError;
use super::options::Options;
use super::{Error, Result};

const SCRAM: &str = sasl::SCRAM_SHA_256;
const SCRAM_PLUS: &str = sasl::SCRAM_SHA_256_PLUS;

/// Answers what the server asks until the session is ready.
pub(super) async fn log_in(connection: &mut Connection, end_point: Option<Vec<u8>>, options: &Options) -> Result<()> {
    loop {
        match connection.message().await? {
            Message::AuthenticationOk => break,
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password(options)?, connection.out())?;
                connection.flush().await?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(options.user.as_bytes(), password(options)?, body.salt());
                frontend::password_message(hash.as_bytes(), connection.out())?;
                connection.flush().await?;
            }
            Message::AuthenticationSasl(body) => {
                scram(connection, &body, end_point.clone(), password(options)?).await?;
            }
            Message::ErrorResponse(body) => return Err(Error::Server(Box::new(ServerError::read(body.fields())))),
            Message::NoticeResponse(_) => {}
            _ => {
                return Err(Error::Protocol(
                    "the server asks for a log-in that is not supported (GSSAPI, SSPI or Kerberos); use a password"
                        .to_owned(),
                ));
            }
        }
    }
    connection.wait_ready().await
}

fn password(options: &Options) -> Result<&[u8]> {
    match &options.password {
        Some(password) => Ok(password.expose().as_bytes()),
        None => Err(Error::Protocol("the server asks for a password: set `database.password`".to_owned())),
    }
}

async fn scram(
    connection: &mut Connection,
    body: &AuthenticationSaslBody,
    end_point: Option<Vec<u8>>,
    password: &[u8],
) -> Result<()> {
    let offered: Vec<String> = body.mechanisms().map(|name| Ok(name.to_owned())).collect()?;
    let offers = |name: &str| offered.iter().any(|one| one == name);
    let (binding, mechanism) = match end_point {
        Some(hash) if offers(SCRAM_PLUS) => (sasl::ChannelBinding::tls_server_end_point(hash), SCRAM_PLUS),
        Some(_) if offers(SCRAM) => (sasl::ChannelBinding::unrequested(), SCRAM),
        None if offers(SCRAM) => (sasl::ChannelBinding::unsupported(), SCRAM),
        _ => return Err(Error::Protocol(format!("no known SASL mechanism among {}", offered.join(", ")))),
    };
    let mut exchange = sasl::ScramSha256::new(password, binding);
    frontend::sasl_initial_response(mechanism, exchange.message(), connection.out())?;
    connection.flush().await?;
    match connection.message().await? {
        Message::AuthenticationSaslContinue(body) => exchange.update(body.data())?,
        other => return Err(unexpected(other)),
    }
    frontend::sasl_response(exchange.message(), connection.out())?;
    connection.flush().await?;
    match connection.message().await? {
        Message::AuthenticationSaslFinal(body) => Ok(exchange.finish(body.data())?),
        other => Err(unexpected(other)),
    }
}

fn unexpected(message: Message) -> Error {
    match message {
        Message::ErrorResponse(body) => Error::Server(Box::new(ServerError::read(body.fields()))),
        _ => Error::Protocol("another message than the log-in expects".to_owned()),
    }
}
