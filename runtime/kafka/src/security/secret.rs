//! Text that must not be shown.

use std::fmt;

/// A password, key or token. Its debug output is `[hidden]` (Invariant 9), and it has no other.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who has to send it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    // Invariant 9.
    #[test]
    fn debug_output_hides_the_text() {
        let shown = format!("{:?} {:#?}", Secret::new("pass"), Some(Secret::new("word")));
        assert!(!shown.contains("pass") && !shown.contains("word") && shown.contains("[hidden]"), "{shown}");
    }
}
