//! Rows of a statement, as text.

use bytes::Bytes;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;

use super::Result;

/// A row of the simple query protocol: every value is text or null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row(Vec<Option<Bytes>>);

impl Row {
    pub(super) fn read(body: &DataRowBody) -> Result<Self> {
        let buffer = body.buffer_bytes();
        let values = body.ranges().map(|range| Ok(range.map(|range| buffer.slice(range)))).collect()?;
        Ok(Self(values))
    }

    /// The text in column `at`, from 0; `None` for null.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        std::str::from_utf8(self.0.get(at)?.as_ref()?).ok()
    }

    /// As [`Row::text`], empty for null.
    pub(crate) fn text_or_empty(&self, at: usize) -> &str {
        self.text(at).unwrap_or_default()
    }

    /// The text of column `at` as an owned string, `None` for null.
    pub(crate) fn string(&self, at: usize) -> Option<String> {
        self.text(at).map(str::to_owned)
    }

    /// Whether column `at` is true.
    pub(crate) fn flag(&self, at: usize) -> bool {
        self.text(at) == Some("t")
    }

    /// The number in column `at`.
    pub(crate) fn number<T: std::str::FromStr>(&self, at: usize) -> Option<T> {
        self.text(at)?.parse().ok()
    }
}
