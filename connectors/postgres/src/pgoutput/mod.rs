//! The output plugin `pgoutput`, protocol version 1: messages and tuples, decoded in place.
//!
//! Owns the wire format alone: no catalog, no conversion. The stream calls [`Message::decode`] for every frame; the bytes are
//! not ours, so nothing here panics (fuzz target `pgoutput_messages`).

mod message;
mod reader;
mod tuple;

pub(crate) use message::{Column, Message, OldTuple, Relation};
pub(crate) use tuple::{Datum, Tuple};

/// A message that does not follow the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pgoutput: {what} at byte {at} of a message of type {tag:?}")]
pub(crate) struct Malformed {
    pub(crate) what: &'static str,
    pub(crate) at: usize,
    pub(crate) tag: char,
}

#[cfg(test)]
mod tests;
