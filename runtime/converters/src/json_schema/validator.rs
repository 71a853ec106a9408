//! Holds a record against the text of a schema (`json.fail.invalid.schema`, `latest.compatibility.strict`).

use std::fmt::{self, Write};

use jsonschema::{Draft, Retrieve, Uri};
use serde_json::Value;
use sluice_api::{ConnectError, Result};

/// Of more mistakes than this the rest is counted.
const MOST_SHOWN: usize = 10;

/// A schema that records are held against.
pub(super) struct Validator {
    validator: jsonschema::Validator,
    asked_for: &'static str,
}

impl Validator {
    /// A validator for `text`, which refers to `references` (name and text); `asked_for` is the key that asks for it.
    ///
    /// # Errors
    /// `Data` when one of the texts is no schema.
    pub(super) fn new(text: &str, references: &[(String, String)], asked_for: &'static str) -> Result<Self> {
        let schema = parsed(text)?;
        let references: Vec<_> =
            references.iter().map(|(name, text)| Ok((name.clone(), parsed(text)?))).collect::<Result<_>>()?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7.detect(&schema))
            .with_retriever(References(references))
            .build(&schema)
            .map_err(|cause| ConnectError::data(format!("Invalid JSON schema: {cause}")))?;
        Ok(Self { validator, asked_for })
    }

    /// Checks a record.
    ///
    /// # Errors
    /// `Data` with every place that does not fit. The record's contents are not shown.
    pub(super) fn check(&self, json: &[u8]) -> Result<()> {
        let record: Value = serde_json::from_slice(json)
            .map_err(|cause| ConnectError::data("the record is no JSON that can be validated").with_source(cause))?;
        if self.validator.is_valid(&record) {
            return Ok(());
        }
        let mut report = String::new();
        let mut mistakes = 0;
        for error in self.validator.iter_errors(&record) {
            mistakes += 1;
            if mistakes <= MOST_SHOWN {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the record" } else { place.as_str() };
                // Writing into a string cannot fail.
                write!(report, "\n{place}: {}", error.masked()).ok();
            }
        }
        let key = self.asked_for;
        let rest = if mistakes > MOST_SHOWN { format!("\nand {} more", mistakes - MOST_SHOWN) } else { String::new() };
        Err(ConnectError::data(format!("Validation error in JSON ({key}=true), Error report:{report}{rest}")))
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("asked_for", &self.asked_for).finish_non_exhaustive()
    }
}

/// The documents that a schema refers to. Nothing is fetched.
struct References(Vec<(String, Value)>);

impl Retrieve for References {
    fn retrieve(&self, uri: &Uri<String>) -> std::result::Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let is = |name: &str| uri == name || uri.ends_with(&format!("/{}", name.trim_start_matches("./")));
        let found = self.0.iter().find(|(name, _)| is(name));
        found.map(|(_, schema)| schema.clone()).ok_or_else(|| format!("{uri} refers to nothing that is known").into())
    }
}

/// A document in which `$defs` also has what stands under `definitions`.
fn parsed(text: &str) -> Result<Value> {
    let mut schema: Value =
        serde_json::from_str(text).map_err(|cause| ConnectError::data("Invalid JSON schema").with_source(cause))?;
    if let Some(Value::Object(definitions)) = schema.get("definitions").cloned()
        && let Some(defs) = schema.as_object_mut()
        && let Some(defs) = defs.entry("$defs").or_insert_with(|| Value::Object(serde_json::Map::new())).as_object_mut()
    {
        for (name, definition) in definitions {
            defs.entry(name).or_insert(definition);
        }
    }
    Ok(schema)
}
