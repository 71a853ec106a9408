//! Validators: what values of a key are right, in Kafka's words (connect-worker.md 1.8).

mod lists;
mod numbers;
mod strings;

use std::fmt;
use std::sync::Arc;

use super::ParsedValue;

type Check = dyn Fn(&str, &ParsedValue) -> Result<(), String> + Send + Sync;

/// Says whether a parsed value is right. Called with the key's name; the error is the whole message.
#[derive(Clone)]
pub struct Validator {
    description: String,
    distinct: bool,
    check: Arc<Check>,
}

impl Validator {
    /// A validator of one's own. `description` is what documentation shows ("[1,...]"); `check` returns the whole message
    /// ("Invalid value V for configuration K: detail"), for which [`invalid`] is the usual form.
    pub fn new(
        description: impl Into<String>,
        check: impl Fn(&str, &ParsedValue) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { description: description.into(), distinct: false, check: Arc::new(check) }
    }

    /// Says that this validator is about lists of distinct items: parsing takes an item that is there twice once.
    fn of_distinct_items(mut self) -> Self {
        self.distinct = true;
        self
    }

    /// Whether the validator is about lists of distinct items.
    pub(super) fn is_distinct(&self) -> bool {
        self.distinct
    }

    /// The given value must be there.
    pub fn non_null() -> Self {
        Self::new("non-null string", |name, value| match value {
            ParsedValue::Null => Err(invalid(name, value, "entry must be non null")),
            _ => Ok(()),
        })
    }

    /// Every one of `validators`, in order; the first message counts.
    pub fn all(validators: Vec<Validator>) -> Self {
        let description = validators.iter().map(Validator::description).collect::<Vec<_>>().join(", ");
        Self::new(description, move |name, value| {
            validators.iter().try_for_each(|validator| validator.check(name, value))
        })
    }

    /// Checks `value` of the key `name`.
    ///
    /// # Errors
    /// The whole message.
    pub fn check(&self, name: &str, value: &ParsedValue) -> Result<(), String> {
        (self.check)(name, value)
    }

    /// What documentation shows.
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// `Invalid value V for configuration K: detail`.
pub fn invalid(name: &str, value: &ParsedValue, detail: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {detail}")
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}
