//! Text to values and back (`Values` of Kafka Connect, connect-plugins.md 1.6): the default format of headers.
//!
//! Where Kafka Connect would silently lose a part of the text (what follows a number, an array or a map; digits that a float
//! cannot hold; blanks in quotes), the text stays whole or gets a type that holds all of it. Dates are in UTC, where Kafka
//! Connect takes the time zone of its machine.

mod alignment;
mod parser;
mod temporal;
mod tokens;
mod writer;

pub use parser::parse_string;
pub use writer::convert_to_string;

#[cfg(test)]
mod tests;
