//! Lists. Since Kafka 4.2 a list may have neither duplicates nor empty items.

use std::collections::HashSet;

use super::{Validator, invalid};
use crate::config::ParsedValue;

impl Validator {
    /// A list without duplicates and without empty items; `empty_allowed` and `null_allowed` say whether there may be no
    /// item and no list.
    pub fn list_without_duplicates(empty_allowed: bool, null_allowed: bool) -> Self {
        Self::new("", move |name, value| list(name, value, &[], empty_allowed, null_allowed)).of_distinct_items()
    }

    /// A list of `allowed` items without duplicates.
    pub fn list_of(allowed: &[&str], empty_allowed: bool) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|item| (*item).to_owned()).collect();
        let shown = format!("[{}]", allowed.join(", "));
        Self::new(shown, move |name, value| list(name, value, &allowed, empty_allowed, false)).of_distinct_items()
    }

    /// A list of aliases, each once (`transforms`, `predicates`, `topic.creation.groups`).
    pub fn unique_aliases(description: &str) -> Self {
        Self::new(description, |name, value| match value {
            ParsedValue::List(items) if has_duplicates(items) => {
                Err(invalid(name, &ParsedValue::String(java_list(items)), "Duplicate alias provided."))
            }
            _ => Ok(()),
        })
    }
}

fn list(name: &str, value: &ParsedValue, allowed: &[String], empty: bool, null: bool) -> Result<(), String> {
    let items = match value {
        ParsedValue::List(items) => items,
        _ if null => return Ok(()),
        _ => return Err(format!("Configuration '{name}' values must not be null.")),
    };
    if !empty && items.is_empty() {
        let valid =
            if allowed.is_empty() { "any non-empty value".to_owned() } else { format!("[{}]", allowed.join(", ")) };
        return Err(format!("Configuration '{name}' must not be empty. Valid values include: {valid}"));
    }
    if has_duplicates(items) {
        return Err(format!("Configuration '{name}' values must not be duplicated."));
    }
    items.iter().try_for_each(|item| list_item(name, item, allowed))
}

fn list_item(name: &str, item: &str, allowed: &[String]) -> Result<(), String> {
    if item.is_empty() {
        return Err(format!("Configuration '{name}' values must not be empty."));
    }
    if allowed.is_empty() || allowed.iter().any(|one| one == item) {
        return Ok(());
    }
    let detail = format!("String must be one of: {}", allowed.join(", "));
    Err(invalid(name, &ParsedValue::String(item.to_owned()), &detail))
}

fn has_duplicates(items: &[String]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    !items.iter().all(|item| seen.insert(item))
}

/// A list as Java prints it.
fn java_list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(items: &[&str]) -> ParsedValue {
        ParsedValue::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn lists_are_judged_as_since_kafka_4_2() {
        let strict = Validator::list_without_duplicates(false, false);
        assert_eq!(strict.check("topics", &items(&["a", "b"])), Ok(()));
        for (value, message) in [
            (items(&["a", "a"]), "Configuration 'topics' values must not be duplicated."),
            (items(&["a", ""]), "Configuration 'topics' values must not be empty."),
            (items(&[]), "Configuration 'topics' must not be empty. Valid values include: any non-empty value"),
            (ParsedValue::Null, "Configuration 'topics' values must not be null."),
        ] {
            assert_eq!(strict.check("topics", &value), Err(message.to_owned()));
        }
        assert_eq!(Validator::list_without_duplicates(true, true).check("topics", &items(&[])), Ok(()));
    }

    #[test]
    fn an_alias_comes_once() {
        let aliases = Validator::unique_aliases("unique transformation aliases");
        assert_eq!(
            aliases.check("transforms", &items(&["a", "b", "a"])),
            Err("Invalid value [a, b, a] for configuration transforms: Duplicate alias provided.".into())
        );
    }
}
