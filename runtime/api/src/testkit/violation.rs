//! What a driver says when a task breaks the contract or fails.

use std::fmt;

use crate::error::ConnectError;

/// A broken rule, or the task's own error.
#[derive(Debug)]
pub enum Violation {
    /// The task broke the rule that the text names.
    Rule(String),
    /// The task failed in the method that is named.
    Task(&'static str, ConnectError),
}

impl Violation {
    pub(super) fn rule(text: impl Into<String>) -> Self {
        Self::Rule(text.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(text) => f.write_str(text),
            Self::Task(method, error) => write!(f, "{method} failed: {}", error.trace().trim_end()),
        }
    }
}

impl std::error::Error for Violation {}
