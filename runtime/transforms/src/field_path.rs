//! Paths to nested fields (`SingleFieldPath`, KIP-821): `a.b` in version 2 of the syntax, the bare name in version 1.

use sluice_api::config::{ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::data::{Field, Map};
use sluice_api::{ConnectError, Result, Schema, Struct, Value};

use crate::null_default::NullDefault;
use crate::requirements::{require_map, require_struct};

const SYNTAX_VERSION: &str = "field.syntax.version";
const PURPOSE: &str = "nested field access";

/// The key that says which syntax paths have.
pub(crate) fn syntax_version_key() -> ConfigKey {
    let doc = "The syntax of field paths. V1: the name of a field. V2: names joined by dots reach into nested structs and maps; a \
               name that has dots itself stands between backticks, as in `foo.bar`.baz.";
    ConfigKey::new(SYNTAX_VERSION, ConfigType::String, Importance::High, doc)
        .default(ParsedValue::String("V1".to_owned()))
        .validator(Validator::one_of_ignoring_case(&["V1", "V2"]))
}

/// The names from the outermost to the innermost; none for the empty path of version 2, which finds nothing.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldPath {
    steps: Vec<String>,
}

impl FieldPath {
    /// Reads `path` in the syntax that `config` names.
    ///
    /// # Errors
    /// `Config` for a backtick that is not closed.
    pub(crate) fn of(config: &ParsedConfig, path: &str) -> Result<Self> {
        let steps = match config.string(SYNTAX_VERSION).eq_ignore_ascii_case("V1") {
            true => vec![path.to_owned()],
            false => split(path)?,
        };
        Ok(Self { steps })
    }

    /// The field of a schema, if there is one.
    ///
    /// # Errors
    /// `Data` when the path leads through something else than structs.
    pub(crate) fn field<'a>(&self, schema: &'a Schema) -> Result<Option<&'a Field>> {
        let (last, parents) = self.last()?;
        let mut current = schema;
        for step in parents {
            match current.field(step)? {
                Some(field) => current = field.schema(),
                None => return Ok(None),
            }
        }
        current.field(last)
    }

    /// The value in a struct; null when a struct on the way is null or has no such field. Only the innermost value may be left
    /// without its default.
    ///
    /// # Errors
    /// `Data` when the path leads through something else than structs.
    pub(crate) fn take_from_struct(&self, value: Struct, null_default: NullDefault) -> Result<Value> {
        let (last, parents) = self.last()?;
        let mut current = value;
        for step in parents {
            match take(current, step, NullDefault::YES)? {
                Value::Null => return Ok(Value::Null),
                inner => current = require_struct(inner, PURPOSE)?,
            }
        }
        take(current, last, null_default)
    }

    /// The value in a map; null when it or a map on the way is missing.
    ///
    /// # Errors
    /// `Data` when the path leads through something else than maps.
    pub(crate) fn take_from_map(&self, value: Map) -> Result<Value> {
        let (last, parents) = self.last()?;
        let mut current = value;
        for step in parents {
            match current.remove(step).unwrap_or_default() {
                Value::Null => return Ok(Value::Null),
                inner => current = require_map(inner, PURPOSE)?,
            }
        }
        Ok(current.remove(last).unwrap_or_default())
    }

    fn last(&self) -> Result<(&String, &[String])> {
        // Kafka's exception for the empty path says this; there it is no DataException.
        self.steps.split_last().ok_or_else(|| ConnectError::data("fromIndex(0) > toIndex(-1)"))
    }
}

fn take(value: Struct, name: &str, null_default: NullDefault) -> Result<Value> {
    let schema = value.schema().clone();
    let Some(field) = schema.field(name)? else { return Ok(Value::Null) };
    let taken = std::mem::take(&mut value.into_values()[field.index()]);
    Ok(null_default.apply(field, taken))
}

/// The steps of a path of version 2.
fn split(path: &str) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('`') {
            Some(wrapped) => wrapped_step(path, wrapped)?,
            None => match rest.split_once('.') {
                Some((step, after)) => (step.to_owned(), after),
                None => (rest.to_owned(), ""),
            },
        };
        steps.push(step);
        rest = after;
    }
    if path.ends_with('.') {
        steps.push(String::new());
    }
    Ok(steps)
}

/// The step up to the backtick that ends the path or stands before a dot, and what follows. Such a backtick after a backslash is
/// part of the name, without the backslash; any other backtick is too.
fn wrapped_step<'a>(path: &str, wrapped: &'a str) -> Result<(String, &'a str)> {
    let mut step = String::new();
    let (mut start, mut from) = (0, 0);
    while let Some(found) = wrapped[from..].find('`') {
        let at = from + found;
        from = at + 1;
        let escaped = wrapped[..at].ends_with('\\');
        match wrapped[from..].chars().next() {
            None if escaped => break,
            None => return Ok((step + &wrapped[start..at], "")),
            Some('.') if escaped => {
                step.push_str(&wrapped[start..at - 1]);
                step.push('`');
                start = from;
            }
            Some('.') => return Ok((step + &wrapped[start..at], &wrapped[from + 1..])),
            Some(_) => {}
        }
    }
    let backtick_at = path[..path.len() - wrapped.len() - 1].encode_utf16().count();
    Err(ConnectError::config(format!(
        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position {backtick_at} to \
         escape it"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_backticks_split_a_path() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("foo", &["foo"]),
            ("foo.bar.baz", &["foo", "bar", "baz"]),
            ("foo..bar", &["foo", "", "bar"]),
            (".", &["", ""]),
            ("a.", &["a", ""]),
            (".foo", &["", "foo"]),
            ("`foo`", &["foo"]),
            ("``", &[""]),
            ("`foo.bar`.baz", &["foo.bar", "baz"]),
            ("foo.`bar.baz`", &["foo", "bar.baz"]),
            ("`foo.bar.baz`", &["foo.bar.baz"]),
            ("foo.`bar`.baz", &["foo", "bar", "baz"]),
            ("foo`bar`", &["foo`bar`"]),
            ("foo.bar`.baz", &["foo", "bar`", "baz"]),
            ("`foo`bar`.baz", &["foo`bar", "baz"]),
            ("`foo\\`.bar`.baz", &["foo`.bar", "baz"]),
            ("`a\\`b`", &["a\\`b"]),
            ("foo.`b\\`.ar`", &["foo", "b`.ar"]),
            ("`foo.`bar.baz`", &["foo.`bar.baz"]),
            ("é.`ü.ö`", &["é", "ü.ö"]),
            ("`a`.", &["a", ""]),
        ];
        for (path, steps) in cases {
            assert_eq!(split(path).unwrap(), *steps, "{path}");
        }
    }

    #[test]
    fn an_open_backtick_is_named() {
        let cases = [("`foo", 0), ("foo.`bar", 4), ("`foo.bar\\`", 0), ("é.`a", 2), ("`", 0), ("`a`.`b", 4)];
        for (path, at) in cases {
            let expected = format!(
                "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position {at} to \
                 escape it"
            );
            assert_eq!(split(path).unwrap_err().to_string(), expected);
        }
    }
}
