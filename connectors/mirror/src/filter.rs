//! Which topics, groups and topic settings take part (`DefaultTopicFilter`, `DefaultGroupFilter`, `DefaultConfigPropertyFilter`).

use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Result};

/// What one list of patterns takes in and another leaves out. A pattern has to match the whole name.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    include: Patterns,
    exclude: Patterns,
}

impl Filter {
    /// The lists of the keys `include_key` and `exclude_key`.
    ///
    /// # Errors
    /// A list that is no pattern, by its key.
    pub(crate) fn new(
        (include_key, include): (&str, &[String]),
        (exclude_key, exclude): (&str, &[String]),
    ) -> Result<Self> {
        Ok(Self { include: Patterns::new(include_key, include)?, exclude: Patterns::new(exclude_key, exclude)? })
    }

    /// Takes in all but what the list of the key `exclude_key` names.
    ///
    /// # Errors
    /// A list that is no pattern.
    pub(crate) fn all_but((exclude_key, exclude): (&str, &[String])) -> Result<Self> {
        Self::new(("", &[".*".to_owned()]), (exclude_key, exclude))
    }

    /// Whether this name takes part. A name that a pattern cannot decide upon does not, and is named in the log.
    pub(crate) fn accepts(&self, name: &str) -> bool {
        self.include.matches(name) && !self.exclude.matches(name)
    }
}

/// A list of patterns; one without any matches nothing.
#[derive(Clone, Debug)]
struct Patterns(Option<JavaRegex>);

impl Patterns {
    fn new(key: &str, list: &[String]) -> Result<Self> {
        if list.is_empty() {
            return Ok(Self(None));
        }
        let joined = list.join("|");
        let pattern = JavaRegex::new(&joined);
        let pattern =
            pattern.map_err(|error| ConnectError::config(format!("`{key}`: the pattern {joined}: {error}")))?;
        Ok(Self(Some(pattern)))
    }

    fn matches(&self, name: &str) -> bool {
        let Some(pattern) = &self.0 else { return false };
        pattern.matches(name).unwrap_or_else(|error| {
            tracing::warn!(name, %error, "a pattern takes too long for this name, which is left out");
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Filter::new(("topics", &owned(include)), ("topics.exclude", &owned(exclude))).expect("patterns")
    }

    #[test]
    fn the_whole_name_has_to_match() {
        let filter = filter(&["topic.*", "other"], &[".*[\\-\\.]internal", ".*\\.replica", "__.*"]);
        for (name, accepted) in
            [("topic1", true), ("other", true), ("another", false), ("topic.internal", false), ("topic.replica", false)]
        {
            assert_eq!(filter.accepts(name), accepted, "{name}");
        }
    }

    #[test]
    fn an_empty_list_names_nothing() {
        assert!(!filter(&[], &[]).accepts("t"));
        assert!(filter(&[".*"], &[]).accepts("__x"));
    }

    #[test]
    fn a_wrong_pattern_is_named_with_its_key() {
        let error = Filter::new(("topics", &["(".to_owned()]), ("topics.exclude", &[])).expect_err("refused");
        assert!(error.message().starts_with("`topics`: the pattern (:"), "{error}");
    }
}
