//! What can be wrong with a pattern, a replacement or a text.

/// Why a pattern cannot be used or a text not be matched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Java's text and the place, in characters.
    #[error("{0} near index {1}")]
    Syntax(String, usize),
    #[error("{0} is not supported")]
    Unsupported(String),
    #[error("not supported: {0}")]
    Refused(Box<fancy_regex::Error>),
    #[error("matching takes too many steps")]
    GaveUp(Box<fancy_regex::Error>),
    #[error("No group {0}")]
    NoGroup(usize),
    #[error("No group with name {{{0}}}")]
    NoNamedGroup(String),
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
