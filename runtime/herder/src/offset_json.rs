//! Offsets between REST's JSON and the stores' maps. JSON integers are 64 bit, as in Kafka's internal converter.

use serde_json::{Map, Value as Json};
use sluice_api::connector::AlteredOffsets;
use sluice_api::{OffsetMap, Value};

use crate::herder::Result;
use crate::{ConnectorOffset, ConnectorOffsets, HerderError};

/// Stored offsets as REST shows them.
pub(crate) fn shown(offsets: Vec<(OffsetMap, Option<OffsetMap>)>) -> Result<ConnectorOffsets> {
    let entry = |(partition, offset): (OffsetMap, Option<OffsetMap>)| ConnectorOffset {
        partition: Some(object(&partition)),
        offset: offset.as_ref().map(object),
    };
    Ok(offsets.into_iter().map(entry).collect())
}

/// Offsets of a request as the worker takes them.
pub(crate) fn altered(offsets: ConnectorOffsets) -> Result<AlteredOffsets> {
    let entry = |ConnectorOffset { partition, offset }| {
        Ok((partition.map(fields).transpose()?, offset.map(fields).transpose()?))
    };
    offsets.into_iter().map(entry).collect()
}

fn object(fields: &OffsetMap) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.to_string(), json(value))).collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::from(*value),
        Value::Int8(value) => Json::from(*value),
        Value::Int16(value) => Json::from(*value),
        Value::Int32(value) => Json::from(*value),
        Value::Int64(value) => Json::from(*value),
        Value::Float32(value) => Json::from(*value),
        Value::Float64(value) => Json::from(*value),
        other => Json::from(other.to_string()),
    }
}

fn fields(object: Map<String, Json>) -> Result<OffsetMap> {
    object.into_iter().map(|(name, json)| Ok((name.as_str().into(), value(&name, json)?))).collect()
}

fn value(field: &str, json: Json) -> Result<Value> {
    let refused = |kind: &str| {
        let message = format!("Offsets may only contain primitive types as values, but field {field} contains {kind}");
        Err(HerderError::Internal(message))
    };
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(value.into()),
        Json::String(text) => Ok(text.into()),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Ok(integer.into()),
            None => Ok(number.as_f64().unwrap_or(f64::NAN).into()),
        },
        Json::Array(_) => refused("ARRAY"),
        Json::Object(_) => refused("MAP"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(offset: Json) -> ConnectorOffsets {
        let Json::Object(offset) = offset else { panic!("an object") };
        vec![ConnectorOffset { partition: None, offset: Some(offset) }]
    }

    #[test]
    fn offsets_survive_the_way_to_the_store_and_back() {
        let given = json!({ "position": 4, "rate": 1.5, "name": "x", "done": true, "none": null });
        let stored = altered(request(given.clone())).unwrap().remove(0).1.unwrap();
        let back = shown(vec![(OffsetMap::default(), Some(stored))]).unwrap().remove(0).offset;
        assert_eq!(back.map(Json::Object), Some(given));
    }

    #[test]
    fn lists_and_maps_are_refused_by_field() {
        let error = altered(request(json!({ "position": [1] }))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Offsets may only contain primitive types as values, but field position contains ARRAY"
        );
    }
}
