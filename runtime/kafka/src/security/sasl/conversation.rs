//! The messages of a mechanism, one after the other.

use super::config::Sasl;
use super::scram::Scram;
use crate::security::token::Token;

/// What to do with the next message of the server.
enum State {
    /// Nothing more is expected but success.
    Done,
    Challenge(Scram),
    Verify(Scram),
    /// A refused token is explained; the explanation wants an answer before the error comes.
    Explanation,
    Explained,
}

/// One authentication of a client.
pub(crate) struct Conversation<'a> {
    sasl: &'a Sasl,
    state: State,
}

impl<'a> Conversation<'a> {
    /// Begins, and gives the first message. `token` is for mechanisms that need one.
    ///
    /// # Errors
    /// The mechanism cannot be spoken here.
    pub(crate) fn begin(sasl: &'a Sasl, token: Option<&Token>) -> Result<(Self, Vec<u8>), String> {
        let (state, first) = match (sasl, token) {
            (Sasl::Plain(login), _) => {
                (State::Done, format!("\0{}\0{}", login.user, login.password.expose()).into_bytes())
            }
            (Sasl::Scram(hash, login), _) => {
                let scram = Scram::new(*hash, login)?;
                let first = scram.first();
                (State::Challenge(scram), first)
            }
            (Sasl::Bearer(source), Some(token)) => {
                let extensions: String =
                    source.extensions().iter().map(|(name, value)| format!("{name}={value}\x01")).collect();
                let first = format!("n,,\x01auth=Bearer {}\x01{extensions}\x01", token.value.expose());
                (State::Explanation, first.into_bytes())
            }
            (Sasl::Bearer(_), None) => return Err("there is no token".to_owned()),
            #[cfg(feature = "gssapi")]
            (Sasl::Kerberos(_), _) => {
                return Err(
                    "Kerberos is for producers and consumers: group membership and administration lack it".to_owned()
                );
            }
        };
        Ok((Self { sasl, state }, first))
    }

    /// The answer to a message of the server; `None` when it was the last.
    ///
    /// # Errors
    /// The message is not what the mechanism prescribes, or the server is not the one that it should be.
    pub(crate) fn answer(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, String> {
        match (std::mem::replace(&mut self.state, State::Done), self.sasl) {
            (State::Challenge(mut scram), Sasl::Scram(_, login)) => {
                let answer = scram.answer(login, message)?;
                self.state = State::Verify(scram);
                Ok(Some(answer))
            }
            (State::Verify(scram), _) => scram.verify(message).map(|()| None),
            (State::Explanation, _) if !message.is_empty() => {
                self.state = State::Explained;
                Ok(Some(b"\x01".to_vec()))
            }
            (State::Explained, _) => Err("the token was refused".to_owned()),
            _ => Ok(None),
        }
    }
}
