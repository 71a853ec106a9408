//! Schemas from and to typed JSON.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value as Json, json};
use sluice_api::{Schema, SchemaBuilder, SchemaType};

use super::value_json::{default_to_json, value_from_json};

const TYPES: [SchemaType; 12] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
    SchemaType::Bytes,
    SchemaType::Array,
    SchemaType::Map,
    SchemaType::Struct,
];

/// The schema in `json`, `None` for null.
///
/// # Errors
/// When it is not in the format or not a schema.
pub fn schema_from_json(json: &Json) -> Result<Option<Schema>> {
    match json {
        Json::Null => Ok(None),
        Json::String(text) => plain(text).map(Some),
        Json::Object(attributes) => full(attributes).map(Some),
        other => bail!("no schema: {other}"),
    }
}

fn plain(text: &str) -> Result<Schema> {
    let (name, optional) = text.strip_suffix('?').map_or((text, false), |name| (name, true));
    let builder = SchemaBuilder::of_type(type_named(name)?);
    Ok(if optional { builder.optional() } else { builder }.build()?)
}

fn type_named(name: &str) -> Result<SchemaType> {
    TYPES.into_iter().find(|schema_type| schema_type.name() == name).with_context(|| format!("no type: {name}"))
}

fn full(json: &Map<String, Json>) -> Result<Schema> {
    let part = |key: &str| schema_from_json(json.get(key).unwrap_or(&Json::Null));
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let schema_type = type_named(text("type").context("a schema without type")?)?;
    let mut builder = match (schema_type, part("key")?, part("value")?) {
        (SchemaType::Array, _, Some(element)) => SchemaBuilder::array(element),
        (SchemaType::Map, key, value) => SchemaBuilder::map_of(key, value),
        _ => SchemaBuilder::of_type(schema_type),
    };
    if json.get("optional").and_then(Json::as_bool).unwrap_or(false) {
        builder = builder.optional();
    }
    for (key, set) in [("name", SchemaBuilder::name as fn(_, String) -> _), ("doc", SchemaBuilder::doc)] {
        if let Some(text) = text(key) {
            builder = set(builder, text.to_owned());
        }
    }
    if let Some(version) = json.get("version").and_then(Json::as_i64) {
        builder = builder.version(i32::try_from(version).context("a version beyond 32 bit")?);
    }
    for (name, value) in json.get("parameters").and_then(Json::as_object).into_iter().flatten() {
        builder = builder.parameter(name, value.as_str().context("a parameter is text")?);
    }
    for field in json.get("fields").and_then(Json::as_array).into_iter().flatten() {
        let schema = schema_from_json(&field["schema"])?.context("a field without schema")?;
        builder = builder.field(field["name"].as_str().context("a field without name")?, schema);
    }
    if let Some(default) = json.get("default").filter(|default| !default.is_null()) {
        let value = value_from_json(default, Some(&builder.so_far()))?;
        builder = builder.default(value);
    }
    Ok(builder.build()?)
}

/// Typed JSON of a schema.
pub fn schema_to_json(schema: Option<&Schema>) -> Json {
    let Some(schema) = schema else { return Json::Null };
    let mut json = Map::new();
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            json.insert(key.to_owned(), value);
        }
    };
    put("optional", schema.is_optional().then_some(Json::Bool(true)));
    put("name", schema.name().map(Json::from));
    put("version", schema.version().map(Json::from));
    put("doc", schema.doc().map(Json::from));
    put("parameters", schema.parameters().map(|all| all.iter().map(|(name, value)| (name, value.as_str())).collect()));
    if let Ok(fields) = schema.fields() {
        let all = fields.iter().map(|field| {
            let schema = schema_to_json(Some(field.schema()));
            json!({"name": field.name(), "schema": schema})
        });
        put("fields", Some(all.collect()));
    }
    put("key", schema.key_schema().ok().flatten().map(|key| schema_to_json(Some(key))));
    put("value", schema.value_schema().ok().flatten().map(|value| schema_to_json(Some(value))));
    put("default", schema.default_value().map(|default| default_to_json(default, schema)));
    let schema_type = schema.schema_type();
    if schema_type.is_primitive() && json.keys().all(|key| key == "optional") {
        return Json::String(format!("{schema_type}{}", if schema.is_optional() { "?" } else { "" }));
    }
    json.insert("type".to_owned(), schema_type.name().into());
    Json::Object(json)
}
