//! JSON of topics and stores.

use bytes::Bytes;
use sluice_api::{Converter, ConverterPlugin, ConverterUse, Properties};

use crate::json::{PLUGIN, parse_json, to_json_bytes};

/// Reads JSON as a store does, and through `JsonConverter` with and without the envelope of a schema.
pub fn json(bytes: &[u8]) {
    // What was read is written so that it reads the same: an offset that comes from a store goes back to it unchanged.
    if let Ok(value) = parse_json(bytes) {
        let written = to_json_bytes(&value);
        let again = parse_json(&written).expect("our own JSON");
        assert_eq!(unsigned_zeros(&to_json_bytes(&again)), unsigned_zeros(&written));
    }
    for schemas_enable in ["false", "true"] {
        through_converter(schemas_enable, bytes);
    }
}

/// What a sink reads, a source can write, and it then reads the same.
fn through_converter(schemas_enable: &str, bytes: &[u8]) {
    let mut converter = converter(schemas_enable);
    let Ok(data) = converter.to_connect_data("t", Some(&Bytes::copy_from_slice(bytes))) else { return };
    let Ok(written) = converter.from_connect_data("t", data.schema.as_ref(), &data.value) else { return };
    let again = converter.to_connect_data("t", written.as_ref()).expect("our own JSON");
    let twice = converter.from_connect_data("t", again.schema.as_ref(), &again.value).expect("the same data");
    assert_eq!(twice.as_deref().map(unsigned_zeros), written.as_deref().map(unsigned_zeros));
}

/// Numbers are read as decimals, as in Kafka, and a decimal has no negative zero; a number that is too small for a double has.
fn unsigned_zeros(json: &[u8]) -> String {
    String::from_utf8_lossy(json).replace("-0.0", "0.0")
}

fn converter(schemas_enable: &str) -> Box<dyn Converter> {
    let properties: Properties = [("schemas.enable".to_owned(), schemas_enable.to_owned())].into_iter().collect();
    PLUGIN.converter(&properties, ConverterUse::Value).expect("good properties").expect("it converts values")
}
