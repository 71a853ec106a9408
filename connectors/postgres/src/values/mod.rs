//! Values: PostgreSQL's text form of every type, to Connect values under Debezium's schemas (postgres-cdc.md 1.8).
//!
//! Owns the mapping and nothing else. A column's [`Converter`] is chosen once per version of a table; converting a value is a
//! plain function on bytes. The bytes come from a server, so nothing here panics (fuzz target `postgres_values`).

mod array;
mod binary;
mod clock;
mod converter;
mod decimal;
mod defaults;
mod form;
mod geometry;
mod hstore;
mod interval;
mod mapping;
mod modes;
mod placeholder;
mod source_type;
mod vector;

pub(crate) use converter::Converter;
pub(crate) use defaults::default_text;
pub(crate) use form::form;
pub(crate) use mapping::{ColumnMapping, HashVersion, Mapping, MessageDigestName};
pub(crate) use modes::{BinaryMode, DecimalMode, HstoreMode, IntervalMode, Modes, TimeMode};
pub(crate) use placeholder::Placeholder;
pub(crate) use source_type::SourceType;

/// A text that is no value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {wanted}")]
pub(crate) struct Unreadable {
    /// The beginning of the text.
    pub(crate) text: String,
    pub(crate) wanted: &'static str,
}

impl Unreadable {
    #[cold]
    pub(crate) fn new(text: &[u8], wanted: &'static str) -> Self {
        Self { text: String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned(), wanted }
    }
}

#[cfg(test)]
mod tests;
