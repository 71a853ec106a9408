//! A `.properties` file with its lines.

use std::fs;
use std::path::Path;

use sluice_api::Properties;

use super::{Error, syntax};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The line it begins on, from 1.
    pub line: usize,
}

/// A file as it was read. `Debug` shows values: never log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertiesFile {
    /// The path as it was given.
    pub path: String,
    /// The entries in order; of several with one key the last counts.
    pub entries: Vec<Entry>,
}

impl PropertiesFile {
    /// Reads and parses a file. Bytes that are not UTF-8 are taken as Latin-1, as Java takes them.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Escape`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let bytes = fs::read(path).map_err(|source| Error::Read { path: shown.clone(), source })?;
        let text = String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|b| char::from(*b)).collect());
        Self::parse(&shown, &text)
    }

    /// Parses the text of the file `path`.
    ///
    /// # Errors
    /// [`Error::Escape`].
    pub fn parse(path: &str, text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let entries = syntax::parse(text).map_err(|error| Error::Escape { path: path.to_owned(), line: error.line })?;
        let entries = entries.into_iter().map(|(key, value, line)| Entry { key, value, line });
        Ok(Self { path: path.to_owned(), entries: entries.collect() })
    }

    /// The entries as a map.
    pub fn properties(&self) -> Properties {
        self.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    /// The line of the entry that counts for `key`.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| entry.line)
    }
}
