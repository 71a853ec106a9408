//! The client side of SCRAM (RFC 5802, RFC 7677), without channel binding, as Kafka's brokers speak it.
//!
//! Names and passwords go as UTF-8 without normalisation, because Kafka's own clients do not normalise. The server has to prove
//! that it knows the password too: an answer that does not is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;

use super::config::Login;

/// Kafka refuses to store fewer.
const FEWEST_ITERATIONS: usize = 4_096;
/// A server that asks for more wants to keep this client busy: Kafka's tools allow 16,384.
const MOST_ITERATIONS: usize = 1_000_000;
/// `n,,`: no channel binding, no other identity.
const GS2_HEADER: &str = "n,,";

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScramHash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramHash {
    fn digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// One authentication: `first`, then `answer` the server's first message, then `verify` its last.
pub(crate) struct Scram {
    hash: ScramHash,
    nonce: String,
    first_bare: String,
    /// What the server has to send last; known after `answer`.
    server_signature: Option<Vec<u8>>,
}

impl Scram {
    pub(crate) fn new(hash: ScramHash, login: &Login) -> Result<Self, String> {
        let mut random = [0; 24];
        rand_bytes(&mut random).map_err(|error| openssl(&error))?;
        Ok(Self::with_nonce(hash, login, STANDARD.encode(random)))
    }

    pub(crate) fn with_nonce(hash: ScramHash, login: &Login, nonce: String) -> Self {
        let user = login.user.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={user},r={nonce}");
        Self { hash, nonce, first_bare, server_signature: None }
    }

    pub(crate) fn first(&self) -> Vec<u8> {
        format!("{GS2_HEADER}{}", self.first_bare).into_bytes()
    }

    /// The proof that answers the server's first message. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// What is wrong with the message.
    pub(crate) fn answer(&mut self, login: &Login, message: &[u8]) -> Result<Vec<u8>, String> {
        let message = text(message)?;
        let challenge = Challenge::parse(message)?;
        if !challenge.nonce.starts_with(&self.nonce) || challenge.nonce.len() == self.nonce.len() {
            return Err("the server's nonce does not continue this client's".to_owned());
        }
        let channel = STANDARD.encode(GS2_HEADER);
        let last_bare = format!("c={channel},r={}", challenge.nonce);
        let signed = format!("{},{message},{last_bare}", self.first_bare);
        let proof = self.prove(login, &challenge, &signed).map_err(|error| openssl(&error))?;
        Ok(format!("{last_bare},p={}", STANDARD.encode(proof)).into_bytes())
    }

    fn prove(&mut self, login: &Login, challenge: &Challenge<'_>, signed: &str) -> Result<Vec<u8>, ErrorStack> {
        let digest = self.hash.digest();
        let mut salted = vec![0; digest.size()];
        let password = login.password.expose().as_bytes();
        pbkdf2_hmac(password, &challenge.salt, challenge.iterations, digest, &mut salted)?;
        let client_key = hmac(digest, &salted, b"Client Key")?;
        let stored_key = hash(digest, &client_key)?;
        let client_signature = hmac(digest, &stored_key, signed.as_bytes())?;
        let server_key = hmac(digest, &salted, b"Server Key")?;
        self.server_signature = Some(hmac(digest, &server_key, signed.as_bytes())?);
        Ok(client_key.iter().zip(client_signature).map(|(key, mask)| key ^ mask).collect())
    }

    /// Checks the server's last message. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// The server's own error, or that it does not know the password.
    pub(crate) fn verify(&self, message: &[u8]) -> Result<(), String> {
        let message = text(message)?;
        if let Some(error) = message.strip_prefix("e=") {
            return Err(format!("the server says {:?}", error.split(',').next().unwrap_or_default()));
        }
        let signature = message.strip_prefix("v=").and_then(|rest| rest.split(',').next());
        let signature = signature.and_then(|base64| STANDARD.decode(base64).ok());
        match (&self.server_signature, signature) {
            (Some(expected), Some(signature))
                if expected.len() == signature.len() && memcmp::eq(expected, &signature) =>
            {
                Ok(())
            }
            (Some(_), Some(_)) => Err("the server did not prove that it knows the password".to_owned()),
            _ => Err("the server's last message is malformed".to_owned()),
        }
    }
}

/// The server's first message.
struct Challenge<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: usize,
}

impl<'a> Challenge<'a> {
    fn parse(message: &'a str) -> Result<Self, String> {
        let mut parts = message.split(',');
        let mut part = |prefix: &str| parts.next().and_then(|part| part.strip_prefix(prefix));
        let malformed = "the server's first message is malformed";
        let nonce = part("r=").ok_or(malformed)?;
        let salt = part("s=").and_then(|base64| STANDARD.decode(base64).ok()).ok_or(malformed)?;
        let iterations: usize = part("i=").and_then(|number| number.parse().ok()).ok_or(malformed)?;
        if !(FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(&iterations) {
            return Err(format!("{iterations} iterations, expected {FEWEST_ITERATIONS} to {MOST_ITERATIONS}"));
        }
        Ok(Self { nonce, salt, iterations })
    }
}

fn text(message: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(message).map_err(|_| "the server's message is not UTF-8".to_owned())
}

fn hmac(digest: MessageDigest, key: &[u8], data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(digest, &key)?.sign_oneshot_to_vec(data)
}

fn openssl(error: &ErrorStack) -> String {
    format!("OpenSSL: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::secret::Secret;

    fn login(user: &str) -> Login {
        Login { user: user.to_owned(), password: Secret::new("pencil") }
    }

    const SERVER_FIRST: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    /// The example of RFC 7677, chapter 3.
    #[test]
    fn the_example_of_rfc_7677() {
        let mut scram = Scram::with_nonce(ScramHash::Sha256, &login("user"), "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(scram.first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = scram.answer(&login("user"), SERVER_FIRST).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
        assert_eq!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        assert!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=").is_err());
        assert_eq!(scram.verify(b"e=invalid-proof"), Err("the server says \"invalid-proof\"".to_owned()));
    }

    #[test]
    fn a_name_with_separators_is_escaped() {
        let scram = Scram::with_nonce(ScramHash::Sha512, &login("a=b,c"), "n".to_owned());
        assert_eq!(scram.first(), b"n,,n=a=3Db=2Cc,r=n");
    }

    #[test]
    fn a_server_that_cheats_is_refused() {
        for (message, expected) in [
            ("r=other,s=AAAA,i=4096", "the server's nonce does not continue this client's"),
            ("r=nonce,s=AAAA,i=4096", "the server's nonce does not continue this client's"),
            ("r=nonceX,s=AAAA,i=1", "1 iterations, expected 4096 to 1000000"),
            ("r=nonceX,s=AAAA,i=99999999", "99999999 iterations, expected 4096 to 1000000"),
            ("r=nonceX,s=!,i=4096", "the server's first message is malformed"),
            ("", "the server's first message is malformed"),
        ] {
            let mut scram = Scram::with_nonce(ScramHash::Sha256, &login("user"), "nonce".to_owned());
            assert_eq!(scram.answer(&login("user"), message.as_bytes()), Err(expected.to_owned()), "{message}");
            assert!(scram.verify(b"v=AAAA").is_err());
        }
    }
}
