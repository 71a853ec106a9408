//! What can be wrong with a pattern, a replacement or a text.

/// Why a pattern cannot be used or a text not be matched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Java's text and the place, in characters.
    #[error("{0} near index {1}")]
    Syntax(String, usize),
    /// A part of Java's grammar that there is no counterpart for.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The engine takes the pattern for wrong or too large.
    #[error("not supported: {0}")]
    Refused(Box<fancy_regex::Error>),
    /// A text that would take more than a million steps.
    #[error("matching takes too many steps")]
    GaveUp(Box<fancy_regex::Error>),
    /// A replacement with a group that the pattern has not.
    #[error("No group {0}")]
    NoGroup(usize),
    /// A replacement with a name that no group has.
    #[error("No group with name {{{0}}}")]
    NoNamedGroup(String),
    /// Any other mistake in a replacement.
    #[error("{0}")]
    Replacement(&'static str),
}

impl Error {
    pub(super) fn refused(error: fancy_regex::Error) -> Self {
        Self::Refused(Box::new(error))
    }

    pub(super) fn gave_up(error: fancy_regex::Error) -> Self {
        Self::GaveUp(Box::new(error))
    }
}
