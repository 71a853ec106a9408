//! The registry's answers: parsed, checked, nothing trusted.

use std::sync::Arc;

use serde::Deserialize;

use super::schema::{RegisteredSchema, SchemaFormat, SchemaReference, SchemaText};

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error_code: i64,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: Option<i32>,
    version: Option<i32>,
    schema: Option<String>,
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    rule_set: Option<RuleSet>,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleSet {
    #[serde(default)]
    domain_rules: Option<Vec<serde_json::Value>>,
    #[serde(default)]
    migration_rules: Option<Vec<serde_json::Value>>,
}

/// Error code and message of a refusal; a body that is none is shown as it is, cut to a line of bearable length.
pub(super) fn refusal(body: &[u8]) -> (i64, String) {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { error_code, message: Some(message) }) => (error_code, message),
        Ok(Refusal { error_code, message: None }) => (error_code, "no message".to_owned()),
        Err(_) => {
            let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
            (0, if text.trim().is_empty() { "no message".to_owned() } else { text })
        }
    }
}

/// The id in the answer to a registration.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn registered_id(body: &[u8]) -> Result<i32, String> {
    let answer = parse(body)?;
    answer.id.filter(|id| *id >= 0).ok_or_else(|| "it has no id".to_owned())
}

/// The schema in the answer to `schemas/ids`.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn schema(body: &[u8]) -> Result<SchemaText, String> {
    into_schema(parse(body)?)
}

/// The schema with id and version in the answer to `subjects`. An answer without id is wrong, one without schema is not: some
/// registries leave it out when they were given it.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn registered(body: &[u8]) -> Result<RegisteredSchema, String> {
    let answer = parse(body)?;
    let id = answer.id.ok_or("it has no id")?;
    let version = answer.version;
    Ok(RegisteredSchema { id, version, schema: Arc::new(into_schema(answer)?) })
}

/// Id and version in the answer to a look-up.
///
/// # Errors
/// What is wrong with the answer.
pub(super) fn looked_up(body: &[u8]) -> Result<(i32, Option<i32>), String> {
    let answer = parse(body)?;
    Ok((answer.id.ok_or("it has no id")?, answer.version))
}

fn parse(body: &[u8]) -> Result<Answer, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match &answer.rule_set {
        // Rules encrypt fields, check or change them. To go on without would store in clear what must not be.
        Some(rules) if has_rules(rules) => Err("the schema has rules, which are not executed here".to_owned()),
        _ => Ok(answer),
    }
}

fn has_rules(rules: &RuleSet) -> bool {
    let any = |list: &Option<Vec<serde_json::Value>>| list.as_ref().is_some_and(|rules| !rules.is_empty());
    any(&rules.domain_rules) || any(&rules.migration_rules)
}

fn into_schema(answer: Answer) -> Result<SchemaText, String> {
    let name = answer.schema_type.as_deref();
    let format =
        SchemaFormat::from_name(name).ok_or_else(|| format!("unknown schema type {}", name.unwrap_or_default()))?;
    let references = answer.references.unwrap_or_default().into_iter().map(|reference| SchemaReference {
        name: reference.name,
        subject: reference.subject,
        version: reference.version,
    });
    let text = answer.schema.ok_or("it has no schema")?;
    Ok(SchemaText { format, text, references: references.collect() })
}

/// Reads `body` as every answer there is.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn every_answer(body: &[u8]) {
    drop((refusal(body), registered_id(body), schema(body), registered(body), looked_up(body)));
}
