//! Properties by their Java name, wherever they are kept.

use super::secret::Secret;
use crate::error::PropertyError;

/// Looks properties up and collects what is wrong with them.
pub(crate) struct Lookup<'a> {
    find: &'a dyn Fn(&str) -> Option<&'a str>,
    errors: Vec<PropertyError>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(find: &'a dyn Fn(&str) -> Option<&'a str>) -> Self {
        Self { find, errors: Vec::new() }
    }

    /// The trimmed value; `None` when absent or empty.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.raw(key).filter(|value| !value.is_empty())
    }

    /// The trimmed value, for keys whose empty value means something.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a str> {
        (self.find)(key).map(str::trim)
    }

    pub(crate) fn secret(&self, key: &str) -> Option<Secret> {
        self.text(key).map(Secret::new)
    }

    /// Items between commas; none when absent or empty.
    pub(crate) fn list(&self, key: &str) -> Vec<&'a str> {
        self.text(key).unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    pub(crate) fn number(&mut self, key: &str, default: u64) -> u64 {
        let Some(value) = self.text(key) else { return default };
        value.parse().unwrap_or_else(|_| {
            self.wrong(key, value, "a number that is not negative");
            default
        })
    }

    /// Notes that `value` cannot be used. Never pass a secret: see [`Lookup::wrong_secret`].
    pub(crate) fn wrong(&mut self, key: &str, value: &str, expected: impl Into<String>) {
        let error = PropertyError { key: key.to_owned(), value: value.to_owned(), expected: expected.into() };
        self.errors.push(error);
    }

    /// Notes that a value that must not be shown cannot be used.
    pub(crate) fn wrong_secret(&mut self, key: &str, expected: impl Into<String>) {
        self.wrong(key, if self.text(key).is_some() { "[hidden]" } else { "" }, expected);
    }

    pub(crate) fn into_errors(self) -> Vec<PropertyError> {
        self.errors
    }
}
