//! Requests between workers, signed with the session key of the group (KIP-507, connect-worker.md 1.6).
//!
//! REST reads one from its headers ([`RequestSignature::parse`]) and hands it to the herder, which checks it against the key that the
//! config topic gave ([`InternalRequest::verify`]); a follower signs what it sends to the leader ([`InternalRequest::signed`]). The
//! signature is over the bytes of the body as they are on the wire. Invariant 9: neither keys nor bodies are shown.

mod clock;
mod mac;
mod request;

pub use clock::{SystemClock, WallClock};
pub use mac::MacAlgorithm;
pub use request::{InternalRequest, RequestSignature};
