//! A request of another worker, and its signature.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use openssl::memcmp;
use sluice_storage::SessionKey;

use super::mac::MacAlgorithm;
use crate::HerderError;

/// A signature as it came: made by anybody, checked by [`InternalRequest::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSignature {
    /// As the header names it.
    name: String,
    algorithm: MacAlgorithm,
    code: Vec<u8>,
}

/// The body of a request between workers with its signature.
#[derive(Clone, PartialEq, Eq)]
pub struct InternalRequest {
    /// As it is on the wire; empty when there is none.
    pub body: Bytes,
    /// `None` when one of the two headers is missing.
    pub signature: Option<RequestSignature>,
}

impl fmt::Debug for InternalRequest {
    /// Task configs are nobody's to read in a log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        out.debug_struct("InternalRequest").field("bytes", &bytes).field("signature", &self.signature).finish()
    }
}

impl RequestSignature {
    /// The header with the code in base64.
    pub const HEADER: &'static str = "X-Connect-Authorization";
    /// The header with the algorithm.
    pub const ALGORITHM_HEADER: &'static str = "X-Connect-Request-Signature-Algorithm";

    /// From the values of the two headers.
    ///
    /// # Errors
    /// 400: an algorithm that is not known here, or no base64.
    pub fn parse(algorithm: &str, encoded: &str) -> Result<Self, HerderError> {
        let known = MacAlgorithm::from_name(algorithm)
            .ok_or_else(|| HerderError::BadRequest(format!("Algorithm {algorithm} not available")))?;
        let code = BASE64
            .decode(encoded)
            .map_err(|error| HerderError::BadRequest(format!("Illegal base64 in header {}: {error}", Self::HEADER)))?;
        Ok(Self { name: algorithm.to_owned(), algorithm: known, code })
    }

    /// The value of [`RequestSignature::ALGORITHM_HEADER`].
    pub fn algorithm(&self) -> &str {
        &self.name
    }

    /// The value of [`RequestSignature::HEADER`].
    pub fn encoded(&self) -> String {
        BASE64.encode(&self.code)
    }
}

impl InternalRequest {
    /// A request of a group that does not sign, or one whose signature is missing.
    pub fn unsigned(body: Bytes) -> Self {
        Self { body, signature: None }
    }

    /// Signs a body.
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn signed(body: Bytes, key: &SessionKey, algorithm: MacAlgorithm) -> Result<Self, HerderError> {
        let code = algorithm.sign(&key.key, &body)?;
        let signature = RequestSignature { name: algorithm.name().to_owned(), algorithm, code };
        Ok(Self { body, signature: Some(signature) })
    }

    /// Checks the signature against the key and the algorithms that are `accepted`, in Kafka's order and words. Takes the same
    /// time whatever the signature is.
    ///
    /// # Errors
    /// 400 without a signature or with one of another algorithm, 503 while there is no key, 403 when it is wrong.
    pub fn verify(&self, accepted: &[String], key: Option<&SessionKey>) -> Result<(), HerderError> {
        let Some(signature) = &self.signature else {
            return Err(HerderError::BadRequest("Internal request missing required signature".to_owned()));
        };
        if !accepted.contains(&signature.name) {
            return Err(HerderError::BadRequest(not_accepted(&signature.name, accepted)));
        }
        let key = key.ok_or_else(|| {
            let message = "This worker is still starting up and has not been able to read a session key from the config topic yet";
            HerderError::ServiceUnavailable(message.to_owned())
        })?;
        let expected = signature.algorithm.sign(&key.key, &self.body)?;
        if expected.len() == signature.code.len() && memcmp::eq(&expected, &signature.code) {
            return Ok(());
        }
        Err(HerderError::Forbidden("Internal request contained invalid signature.".to_owned()))
    }
}

fn not_accepted(name: &str, accepted: &[String]) -> String {
    format!(
        "This worker does not support the '{name}' key signing algorithm used by other workers. This worker is currently \
         configured to use: [{}]. Check that all workers' configuration files permit the same set of signature algorithms, and \
         correct any misconfigured worker and restart it.",
        accepted.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SessionKey {
        SessionKey { key: vec![byte; 32], algorithm: "HmacSHA256".to_owned(), creation_timestamp_ms: 0 }
    }

    fn accepted() -> Vec<String> {
        vec!["HmacSHA256".to_owned()]
    }

    fn request(body: &'static [u8], signature: Option<RequestSignature>) -> InternalRequest {
        InternalRequest { body: Bytes::from_static(body), signature }
    }

    // connect-worker.md, appendix A.
    #[test]
    fn appendix_a_signatures() {
        for (body, encoded) in [
            (&b"[]"[..], "g84TvaZSMzTaoU8z0fwq3Jj/i1fE31vl0vWLHCx4+h4="),
            (b"", "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0="),
        ] {
            let signed = InternalRequest::signed(Bytes::from_static(body), &key(0), MacAlgorithm::HmacSha256);
            let signed = signed.expect("signs");
            let signature = signed.signature.clone().expect("a signature");
            assert_eq!((signature.algorithm(), signature.encoded().as_str()), ("HmacSHA256", encoded));
            assert_eq!(RequestSignature::parse("HmacSHA256", encoded).expect("parses"), signature);
            assert!(signed.verify(&accepted(), Some(&key(0))).is_ok());
        }
    }

    #[test]
    fn verification_refuses_in_kafkas_order() {
        let other = InternalRequest::signed(Bytes::from_static(b"[]"), &key(0), MacAlgorithm::HmacSha1);
        let other = other.expect("signs");
        let wrong = InternalRequest::signed(Bytes::from_static(b"[]"), &key(1), MacAlgorithm::HmacSha256);
        let wrong = wrong.expect("signs");
        let refused = |request: &InternalRequest, key| request.verify(&accepted(), key).expect_err("refused");
        let error = refused(&request(b"[]", None), None);
        assert!(
            matches!(&error, HerderError::BadRequest(text) if text == "Internal request missing required signature")
        );
        let error = refused(&other, None);
        assert!(matches!(&error, HerderError::BadRequest(text)
            if text.contains("the 'HmacSHA1' key signing algorithm") && text.contains("[HmacSHA256]")));
        assert!(matches!(refused(&wrong, None), HerderError::ServiceUnavailable(_)));
        let error = refused(&wrong, Some(&key(0)));
        assert!(
            matches!(&error, HerderError::Forbidden(text) if text == "Internal request contained invalid signature.")
        );
    }

    #[test]
    fn another_body_or_a_cut_code_is_a_wrong_signature() {
        let signed = InternalRequest::signed(Bytes::from_static(b"[]"), &key(0), MacAlgorithm::HmacSha256);
        let signature = signed.expect("signs").signature;
        let forged = request(b"[{}]", signature.clone());
        assert!(matches!(forged.verify(&accepted(), Some(&key(0))), Err(HerderError::Forbidden(_))));
        let cut = signature.map(|signature| RequestSignature { code: Vec::new(), ..signature });
        assert!(matches!(request(b"[]", cut).verify(&accepted(), Some(&key(0))), Err(HerderError::Forbidden(_))));
    }

    #[test]
    fn headers_that_cannot_be_read_are_the_senders_fault() {
        let message = |algorithm, code| match RequestSignature::parse(algorithm, code) {
            Err(HerderError::BadRequest(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(message("HmacFoo", "AA=="), "Algorithm HmacFoo not available");
        assert!(message("HmacSHA256", "?").starts_with("Illegal base64"));
    }

    // Invariant 9.
    #[test]
    fn debug_output_shows_no_body() {
        let shown = format!("{:?}", request(b"[{\"password\":\"x\"}]", None));
        assert!(!shown.contains("password"), "{shown}");
    }
}
