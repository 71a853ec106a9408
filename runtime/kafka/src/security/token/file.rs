//! A token that somebody else puts into a file and renews there.

use std::fs;
use std::time::SystemTime;

use super::jwt;
use super::source::Token;

/// The file of a `file:` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenFile {
    path: String,
}

impl TokenFile {
    pub(super) fn new(url: &url::Url) -> Self {
        Self { path: url.path().to_owned() }
    }

    pub(super) fn token(&self, now: SystemTime) -> Result<Token, String> {
        let text = fs::read_to_string(&self.path).map_err(|error| format!("reading {}: {error}", self.path))?;
        jwt::read(&text, "sub", now).map_err(|reason| format!("reading {}: {reason}", self.path))
    }
}
