//! HTTP as it is on the wire: a client that keeps the order of headers and the bytes of the body, and the calls that tests
//! make on a worker's REST interface.

mod answer;
mod client;
mod compare;
mod pretty;
mod tls;

pub use answer::Answer;
pub use client::{Call, Rest};
pub use compare::{Ignore, same_answer};
pub use pretty::pretty;
pub use tls::RestTls;
