//! Signatures of webhooks: an HMAC over the body with a secret that sender and receiver share.

use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use reqwest::header::HeaderMap;
use sluice_api::config::Password;

/// What to check.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) scheme: Scheme,
    pub(crate) secret: Password,
}

/// Whose way of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `X-Hub-Signature-256: sha256=<hex>` over the body.
    GitHub,
    /// `Stripe-Signature: t=<seconds>,v1=<hex>` over `<seconds>.<body>`; several `v1` while secrets change.
    Stripe {
        /// How far its time may be from ours.
        tolerance_s: i64,
    },
}

impl Signature {
    /// Whether the body is signed with the secret. `now_s` is the time since the epoch.
    ///
    /// # Errors
    /// What is wrong, in words that give nothing away.
    pub(crate) fn check(&self, headers: &HeaderMap, body: &[u8], now_s: i64) -> Result<(), &'static str> {
        match self.scheme {
            Scheme::GitHub => {
                let header = text(headers, "x-hub-signature-256").ok_or("there is no header X-Hub-Signature-256")?;
                let given = header.strip_prefix("sha256=").ok_or("X-Hub-Signature-256 is not of sha256")?;
                self.matches(given, &[body])
            }
            Scheme::Stripe { tolerance_s } => {
                let header = text(headers, "stripe-signature").ok_or("there is no header Stripe-Signature")?;
                let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
                let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).unwrap_or_default();
                let at: i64 = time.parse().map_err(|_| "Stripe-Signature has no time")?;
                if at.abs_diff(now_s) > tolerance_s.unsigned_abs() {
                    return Err("the signature is too old");
                }
                let given = parts().filter(|(name, _)| *name == "v1");
                let mut checked = given.map(|(_, given)| self.matches(given, &[time.as_bytes(), b".", body]));
                checked.find(Result::is_ok).unwrap_or(Err("the signature is not that of the body"))
            }
        }
    }

    fn matches(&self, given: &str, signed: &[&[u8]]) -> Result<(), &'static str> {
        let expected = self.digest(signed).map_err(|_| "signatures cannot be checked")?;
        let given = bytes(given).ok_or("the signature is not hexadecimal")?;
        // In a time that tells nothing of where they differ.
        match given.len() == expected.len() && memcmp::eq(&given, &expected) {
            true => Ok(()),
            false => Err("the signature is not that of the body"),
        }
    }

    fn digest(&self, signed: &[&[u8]]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let key = PKey::hmac(self.secret.expose().as_bytes())?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signed.iter().try_for_each(|part| signer.update(part))?;
        signer.sign_to_vec()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, header: (&'static str, &str), body: &str, now_s: i64) -> Result<(), &'static str> {
        let headers = HeaderMap::from_iter([(header.0.parse().unwrap(), header.1.parse().unwrap())]);
        let secret = Password::new("It's a Secret to Everybody");
        Signature { scheme, secret }.check(&headers, body.as_bytes(), now_s)
    }

    /// The example of GitHub's documentation.
    #[test]
    fn githubs_example_is_right_and_nothing_else_is() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |header: &str, body: &str| check(Scheme::GitHub, ("x-hub-signature-256", header), body, 0);
        assert_eq!(check(signature, "Hello, World!"), Ok(()));
        assert_eq!(check(signature, "Hello, World?"), Err("the signature is not that of the body"));
        assert_eq!(check("sha256=75710", "Hello, World!"), Err("the signature is not hexadecimal"));
        assert_eq!(check("sha256=7571", "Hello, World!"), Err("the signature is not that of the body"));
        assert_eq!(check("sha256=zz", "Hello, World!"), Err("the signature is not hexadecimal"));
        assert_eq!(check("sha1=00", "Hello, World!"), Err("X-Hub-Signature-256 is not of sha256"));
    }

    #[test]
    fn stripes_signatures_have_a_time_and_may_be_several() {
        let signature = Signature { scheme: Scheme::GitHub, secret: Password::new("It's a Secret to Everybody") };
        let digest = signature.digest(&[b"1000.{}"]).unwrap();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let check = |header: &str, now_s: i64| {
            check(Scheme::Stripe { tolerance_s: 300 }, ("stripe-signature", header), "{}", now_s)
        };
        assert_eq!(check(&format!("t=1000,v1=00,v1={hex},v0=1"), 1_200), Ok(()));
        assert_eq!(check(&format!("t=1000,v1={hex}"), 1_301), Err("the signature is too old"));
        assert_eq!(check(&format!("t=1001,v1={hex}"), 1_000), Err("the signature is not that of the body"));
        assert_eq!(check(&format!("v1={hex}"), 1_000), Err("Stripe-Signature has no time"));
        assert_eq!(check("t=1000", 1_000), Err("the signature is not that of the body"));
    }
}
