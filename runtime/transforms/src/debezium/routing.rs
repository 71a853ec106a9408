//! Topics made by a regular expression and a replacement.

use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Result};

/// The text with the first match replaced, if all of it matches.
///
/// # Errors
/// `Data` for a replacement that names a group which is not there, or a match that takes too long.
pub(super) fn replaced(regex: &JavaRegex, text: &str, replacement: &str) -> Result<Option<String>> {
    let failed = |error| ConnectError::data(format!("routing {text}: {error}")).with_source(error);
    match regex.matches(text) {
        Ok(false) => Ok(None),
        Ok(true) => regex.replace_first(text, replacement).map(Some).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}
