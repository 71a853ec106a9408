//! Values from and to typed JSON.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sluice_api::data::{BigDecimal, Map};
use sluice_api::{Schema, SchemaType, Struct, Value};

use super::schema_json::{schema_from_json, schema_to_json};

/// The value in `json`; `schema` is what the place asks for, `None` where it asks for nothing.
///
/// # Errors
/// When it is not in the format, or a struct's values do not fit its schema.
pub fn value_from_json(json: &Json, schema: Option<&Schema>) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::String(text) => text.as_str().into(),
        Json::Object(tagged) => {
            if let Some(values) = tagged.get("struct") {
                let own = tagged.get("schema").map(schema_from_json).transpose()?.flatten();
                let schema = own.as_ref().or(schema).context("a struct needs a schema")?;
                return structure(values, schema).map(Value::Struct);
            }
            let (tag, value) = tagged.iter().next().context("a value without tag")?;
            tagged_value(tag, value, schema)?
        }
        other => bail!("no typed value: {other}"),
    })
}

fn tagged_value(tag: &str, value: &Json, schema: Option<&Schema>) -> Result<Value> {
    Ok(match tag {
        "i8" => i8::try_from(integer(value)?)?.into(),
        "i16" => i16::try_from(integer(value)?)?.into(),
        "i32" => i32::try_from(integer(value)?)?.into(),
        "i64" => integer(value)?.into(),
        "f32" => text(value)?.parse::<f32>()?.into(),
        "f64" => text(value)?.parse::<f64>()?.into(),
        "bytes" | "buffer" => Value::Bytes(STANDARD.decode(text(value)?)?.into()),
        "decimal" => BigDecimal::parse(text(value)?)?.into(),
        "date" => Value::Date(integer(value)?),
        "array" => {
            let of = schema.and_then(|schema| schema.value_schema().ok().flatten());
            let items = value.as_array().context("an array")?;
            Value::Array(items.iter().map(|item| value_from_json(item, of)).collect::<Result<_>>()?)
        }
        "map" => Map::insertion_ordered(entries(value, schema)?).into(),
        "hashmap" => Map::hash_ordered(entries(value, schema)?).into(),
        other => bail!("unknown value tag: {other}"),
    })
}

fn integer(json: &Json) -> Result<i64> {
    json.as_i64().with_context(|| format!("no integer: {json}"))
}

fn text(json: &Json) -> Result<&str> {
    json.as_str().with_context(|| format!("no text: {json}"))
}

fn entries(json: &Json, schema: Option<&Schema>) -> Result<Vec<(Value, Value)>> {
    let map = schema.filter(|schema| schema.schema_type() == SchemaType::Map);
    let keys = map.and_then(|schema| schema.key_schema().ok().flatten());
    let values = map.and_then(|schema| schema.value_schema().ok().flatten());
    let entries = json.as_array().context("the entries of a map")?;
    let entry = |entry: &Json| Ok((value_from_json(&entry[0], keys)?, value_from_json(&entry[1], values)?));
    entries.iter().map(entry).collect()
}

fn structure(values: &Json, schema: &Schema) -> Result<Struct> {
    let mut structure = Struct::new(schema.clone())?;
    for field in schema.fields()? {
        let value = value_from_json(&values[field.index()], Some(field.schema()))?;
        if !value.is_null() {
            structure.put_field(field, value)?;
        }
    }
    Ok(structure)
}

/// Typed JSON of a value; `schema` is what the place asks for.
pub fn value_to_json(value: &Value, schema: Option<&Schema>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int8(number) => json!({"i8": number}),
        Value::Int16(number) => json!({"i16": number}),
        Value::Int32(number) => json!({"i32": number}),
        Value::Int64(number) => json!({"i64": number}),
        Value::Float32(number) => json!({"f32": Value::Float32(*number).to_string()}),
        Value::Float64(number) => json!({"f64": Value::Float64(*number).to_string()}),
        Value::String(text) => Json::String(text.to_string()),
        Value::Bytes(bytes) => json!({"bytes": STANDARD.encode(bytes)}),
        Value::Decimal(number) => json!({"decimal": number.to_string()}),
        Value::Date(millis) => json!({"date": millis}),
        Value::Array(items) => {
            let of = schema.and_then(|schema| schema.value_schema().ok().flatten());
            let of = of.filter(|_| schema.is_some_and(|schema| schema.schema_type() == SchemaType::Array));
            json!({"array": items.iter().map(|item| value_to_json(item, of)).collect::<Vec<_>>()})
        }
        Value::Map(map) => map_to_json(map, schema),
        Value::Struct(structure) => {
            let mut json = struct_to_json(structure);
            if schema != Some(structure.schema()) {
                json["schema"] = schema_to_json(Some(structure.schema()));
            }
            json
        }
    }
}

/// As [`value_to_json`]; the schema of a default struct is left out.
pub(super) fn default_to_json(value: &Value, schema: &Schema) -> Json {
    match value {
        Value::Struct(structure) => struct_to_json(structure),
        other => value_to_json(other, Some(schema)),
    }
}

fn map_to_json(map: &Map, schema: Option<&Schema>) -> Json {
    let typed = schema.filter(|schema| schema.schema_type() == SchemaType::Map);
    let keys = typed.and_then(|schema| schema.key_schema().ok().flatten());
    let values = typed.and_then(|schema| schema.value_schema().ok().flatten());
    let entries = map.iter().map(|(key, value)| json!([value_to_json(key, keys), value_to_json(value, values)]));
    json!({"map": entries.collect::<Vec<_>>()})
}

fn struct_to_json(structure: &Struct) -> Json {
    let fields = structure.schema().fields().unwrap_or_default();
    let values = fields.iter().zip(structure.values());
    let values = values.map(|(field, value)| value_to_json(value, Some(field.schema())));
    json!({"struct": values.collect::<Vec<_>>()})
}
