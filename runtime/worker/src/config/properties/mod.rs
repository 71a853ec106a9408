//! Files of properties: worker files and connector files, with the lines that their entries are on, and the report of
//! everything that is wrong with them at once.
//!
//! `cli` calls it at the start, before anything else exists.

mod connector_file;
mod file;
mod report;
mod suggestion;
mod syntax;

pub use connector_file::{ConnectorFile, InitialState, parse_connector_file};
pub use file::{Entry, PropertiesFile};
pub use report::StartupReport;

/// A file that cannot be read or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("reading {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A `\u` escape is not four hexadecimal digits.
    #[error("{path}:{line}: malformed \\uxxxx encoding")]
    Escape {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// A connector file without `name`.
    #[error("Connector configuration at '{path}' is missing the mandatory 'name' configuration")]
    MissingName {
        /// The file.
        path: String,
    },
    /// `name` twice, and not the same.
    #[error("Connector name configuration in 'config' doesn't match the one specified in 'name' at '{path}'")]
    NameMismatch {
        /// The file.
        path: String,
    },
    /// A connector file that is JSON but neither a flat map nor a create request.
    #[error("{path}: expected a JSON object of texts, or one with name, config and initial_state: {detail}")]
    Shape {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
}

#[cfg(test)]
mod tests;
