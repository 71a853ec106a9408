//! Schemas as SpoolDir's configurations write them: `{"name":"…","type":"STRUCT","isOptional":false,"fieldSchemas":{"id":{"type":"INT64"}}}`.

use serde_json::{Map, Value as Json};
use sluice_api::{Schema, SchemaBuilder, SchemaType};

/// The schema of a struct.
///
/// # Errors
/// What is wrong with the text, naming the field.
pub(super) fn parse(text: &str) -> Result<Schema, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let schema = schema(&json, "the schema")?;
    match schema.schema_type() {
        SchemaType::Struct => Ok(schema),
        other => Err(format!("expected the type STRUCT, got {other}")),
    }
}

fn schema(json: &Json, place: &str) -> Result<Schema, String> {
    let object = json.as_object().ok_or_else(|| format!("{place} is no object"))?;
    let named = object.get("type").and_then(Json::as_str).ok_or_else(|| format!("{place} has no type"))?;
    let mut builder = match named.to_ascii_uppercase().as_str() {
        "STRUCT" => structure(object, place)?,
        "ARRAY" => SchemaBuilder::array(part(object, "valueSchema", place)?),
        "MAP" => SchemaBuilder::map(part(object, "keySchema", place)?, part(object, "valueSchema", place)?),
        name => SchemaBuilder::of_type(
            scalar(name).ok_or_else(|| format!("{place} has the type {named}, which columns cannot have"))?,
        ),
    };
    if let Some(name) = object.get("name").and_then(Json::as_str) {
        builder = builder.name(name);
    }
    if let Some(version) = object.get("version").and_then(Json::as_i64).and_then(|version| i32::try_from(version).ok())
    {
        builder = builder.version(version);
    }
    if let Some(doc) = object.get("doc").and_then(Json::as_str) {
        builder = builder.doc(doc);
    }
    for (name, value) in object.get("parameters").and_then(Json::as_object).into_iter().flatten() {
        builder = builder.parameter(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    if object.get("isOptional").and_then(Json::as_bool).unwrap_or(false) {
        builder = builder.optional();
    }
    if object.get("defaultValue").is_some_and(|value| !value.is_null()) {
        return Err(format!("`defaultValue` of {place} is not supported yet: remove it"));
    }
    builder.build().map_err(|error| format!("{place}: {error}"))
}

fn part(object: &Map<String, Json>, name: &str, place: &str) -> Result<Schema, String> {
    let json = object.get(name).ok_or_else(|| format!("{place} has no {name}"))?;
    schema(json, &format!("{name} of {place}"))
}

fn structure(object: &Map<String, Json>, place: &str) -> Result<SchemaBuilder, String> {
    let fields =
        object.get("fieldSchemas").and_then(Json::as_object).ok_or_else(|| format!("{place} has no fieldSchemas"))?;
    let mut builder = SchemaBuilder::structure();
    for (name, field) in fields {
        builder = builder.field(name.as_str(), schema(field, &format!("field `{name}`"))?);
    }
    Ok(builder)
}

fn scalar(name: &str) -> Option<SchemaType> {
    Some(match name {
        "INT8" => SchemaType::Int8,
        "INT16" => SchemaType::Int16,
        "INT32" => SchemaType::Int32,
        "INT64" => SchemaType::Int64,
        "FLOAT32" => SchemaType::Float32,
        "FLOAT64" => SchemaType::Float64,
        "BOOLEAN" => SchemaType::Boolean,
        "STRING" => SchemaType::String,
        "BYTES" => SchemaType::Bytes,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_mistakes_are_named() {
        let text = r#"{"name":"a.User","type":"STRUCT","isOptional":false,"fieldSchemas":{"z":{"type":"INT64"},"a":{"type":"STRING","isOptional":true}}}"#;
        let parsed = parse(text).unwrap();
        let fields: Vec<&str> = parsed.fields().unwrap().iter().map(|field| field.name()).collect();
        assert_eq!((parsed.name(), fields), (Some("a.User"), vec!["z", "a"]));
        assert!(parsed.fields().unwrap()[1].schema().is_optional());
        for (text, why) in [
            ("{", "it is no JSON"),
            (r#"{"type":"INT8"}"#, "expected the type STRUCT"),
            (r#"{"type":"STRUCT"}"#, "the schema has no fieldSchemas"),
            (r#"{"type":"STRUCT","fieldSchemas":{"a":{}}}"#, "field `a` has no type"),
            (r#"{"type":"STRUCT","fieldSchemas":{"a":{"type":"MAP"}}}"#, "field `a` has no keySchema"),
            (r#"{"type":"STRUCT","fieldSchemas":{"a":{"type":"UNION"}}}"#, "which columns cannot have"),
        ] {
            assert!(parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
