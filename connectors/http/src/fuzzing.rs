//! The decoders of bytes that we did not write, for fuzz targets.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sluice_api::config::Password;

use crate::receiver::{Scheme, Signature};
use crate::{sink, source};

/// The answer of a `_bulk` endpoint to as many records as the first byte says.
pub fn bulk_answer(bytes: &[u8]) {
    let Some((count, body)) = bytes.split_first() else { return };
    if let Ok(verdicts) = sink::verdicts(body, usize::from(*count)) {
        assert_eq!(verdicts.len(), usize::from(*count), "there is a verdict for every record");
    }
}

/// A `Link` header, and a text of a time.
pub fn source_texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(next) = source::next_link(text) {
        assert!(text.contains(&format!("<{next}>")), "an address stands between angles");
    }
    if let Some(millis) = source::timestamp::parse(text) {
        let printed = source::timestamp::print(millis);
        assert_eq!(source::timestamp::parse(&printed), Some(millis), "{printed}");
    }
}

/// The first line is a signature, the rest the body: without the secret nobody signs.
pub fn signature(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (header, body) = bytes.split_at(at);
    let Ok(value) = HeaderValue::from_bytes(header) else { return };
    for (name, scheme) in
        [("x-hub-signature-256", Scheme::GitHub), ("stripe-signature", Scheme::Stripe { tolerance_s: i64::MAX })]
    {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        let signature = Signature { scheme, secret: Password::new("a secret that no input has") };
        assert!(signature.check(&headers, body, 0).is_err(), "a signature was forged");
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_answers_texts_and_signatures() {
        replay_seeds("http_bulk_answers", super::bulk_answer);
        replay_seeds("http_source_texts", super::source_texts);
        replay_seeds("http_signatures", super::signature);
    }
}
