//! What the fuzz target `outbox_payload` asks.

use sluice_api::data::validate;

use super::super::names::NameAdjustment;
use super::json_payload::JsonPayload;

/// Expands a payload of JSON in every way. The value is one of the schema that comes with it.
pub(crate) fn payload(text: &str) {
    for (null_as_bytes, field_names) in
        [(false, NameAdjustment::None), (true, NameAdjustment::Avro), (true, NameAdjustment::AvroUnicode)]
    {
        if let Ok((schema, value)) = (JsonPayload { null_as_bytes, field_names }).expand("p", text) {
            validate(&schema, &value).expect("a value of its schema");
        }
    }
}
