//! The bytes of source partitions and source offsets (connect-worker.md 2.3).
//!
//! Invariant 6: stored offsets are looked up by the exact bytes of the key, so several fields come in the order of Java's
//! `HashMap`, in which nearly every connector of Kafka Connect keeps them.

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::data::{Map, java_hash_order_by, java_string_hash};
use sluice_api::{OffsetMap, Value};
use sluice_converters::json::{parse_json, to_json_bytes};

use crate::Error;

/// Key and value of the record that stores an offset; without an offset the value is a tombstone.
///
/// # Errors
/// `Invalid` when a field is not primitive.
pub fn offset_record(
    connector: &str,
    partition: &OffsetMap,
    offset: Option<&OffsetMap>,
) -> Result<(Bytes, Option<Bytes>), Error> {
    let value = offset.map(|offset| serialize_offset(connector, offset)).transpose()?;
    Ok((serialize_key(connector, partition)?, value))
}

/// The key of a source partition: `["connector",{partition}]`.
pub(super) fn serialize_key(connector: &str, partition: &OffsetMap) -> Result<Bytes, Error> {
    let partition = to_json(partition).map_err(|reason| {
        Error::Invalid(format!("Failed to serialize a source partition of connector {connector}: {reason}"))
    })?;
    Ok(to_json_bytes(&Value::Array(vec![Value::from(connector), partition])))
}

/// The value of a source offset.
fn serialize_offset(connector: &str, offset: &OffsetMap) -> Result<Bytes, Error> {
    let offset = to_json(offset).map_err(|reason| {
        Error::Invalid(format!("Failed to serialize a source offset of connector {connector}: {reason}"))
    })?;
    Ok(to_json_bytes(&offset))
}

/// Connector and source partition of a key; `None` for the null partition, which is not listed.
pub(super) fn parse_key(key: &[u8]) -> Result<Option<(String, OffsetMap)>, String> {
    let Ok(Value::Array(parts)) = parse_json(key) else {
        return Err("expected a JSON array".to_owned());
    };
    let Ok([connector, partition]) = <[Value; 2]>::try_from(parts) else {
        return Err("expected an array of two elements".to_owned());
    };
    let Value::String(connector) = connector else {
        return Err("expected a string as first element".to_owned());
    };
    match partition {
        Value::Null => Ok(None),
        partition => Ok(Some((connector.to_string(), from_json(partition)?))),
    }
}

/// The source offset in a value; `None` for JSON null.
pub(super) fn parse_offset(value: &[u8]) -> Result<Option<OffsetMap>, String> {
    match parse_json(value).map_err(|_| "it is not JSON".to_owned())? {
        Value::Null => Ok(None),
        offset => from_json(offset).map(Some),
    }
}

fn to_json(map: &OffsetMap) -> Result<Value, String> {
    let mut fields = Vec::with_capacity(map.iter().len());
    for (name, value) in map.iter() {
        check_primitive(name, value)?;
        fields.push((Value::from(&**name), value.clone()));
    }
    Ok(Value::Map(Map::hash_ordered(fields)))
}

fn check_primitive(name: &str, value: &Value) -> Result<(), String> {
    let kind = match value {
        Value::Array(_) => "ARRAY",
        Value::Map(_) => "MAP",
        Value::Struct(_) => "STRUCT",
        Value::Decimal(_) | Value::Date(_) => value.java_class(),
        _ => return Ok(()),
    };
    Err(format!("Offsets may only contain primitive types as values, but field {name} contains {kind}"))
}

fn from_json(value: Value) -> Result<OffsetMap, String> {
    let Value::Map(fields) = value else {
        return Err(format!("expected a map but found {}", value.java_class()));
    };
    let mut map = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let name: Arc<str> = name.as_str().unwrap_or_default().into();
        if matches!(value, Value::Array(_) | Value::Map(_)) {
            return Err(format!("field `{name}` is not primitive but {}", value.java_class()));
        }
        map.push((name, value));
    }
    java_hash_order_by(&mut map, |(name, _)| java_string_hash(name));
    Ok(OffsetMap::new(map))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Arc, Bytes, Error, OffsetMap, Value, parse_key, parse_offset, serialize_key, serialize_offset};

    fn map(fields: &[(&str, Value)]) -> OffsetMap {
        fields.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
    }

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).expect("JSON is UTF-8")
    }

    // Invariant 6: captured from JsonConverter 4.3.0 with a HashMap.
    #[test]
    fn keys_have_the_bytes_of_kafka_connect() {
        let file = map(&[("filename", Value::from("test.txt"))]);
        assert_eq!(text(&serialize_key("c", &file).expect("primitive")), r#"["c",{"filename":"test.txt"}]"#);
        let mirror =
            map(&[("topic", Value::from("t")), ("cluster", Value::from("A")), ("partition", Value::from(3i32))]);
        let expected = r#"["c",{"cluster":"A","partition":3,"topic":"t"}]"#;
        assert_eq!(text(&serialize_key("c", &mirror).expect("primitive")), expected);
    }

    // Invariant 6: captured from JsonConverter 4.3.0 with a HashMap of 15 entries.
    #[test]
    fn offsets_have_the_bytes_of_kafka_connect() {
        let offset = map(&[
            ("position", Value::from(42i64)),
            ("i", Value::from(7i32)),
            ("b", Value::from(true)),
            ("f", Value::from(1.5f32)),
            ("d", Value::from(1e10f64)),
            ("d2", Value::from(0.1f64)),
            ("nan", Value::from(f64::NAN)),
            ("s", Value::from("x")),
            ("bytes", Value::from(Bytes::from_static(&[1, 2, 3]))),
            ("nul", Value::Null),
            ("short", Value::from(3i16)),
            ("byte", Value::from(-4i8)),
            ("f2", Value::from(1e10f32)),
            ("d3", Value::from(-0.0f64)),
            ("inf", Value::from(f32::NEG_INFINITY)),
        ]);
        let expected = concat!(
            r#"{"inf":"-Infinity","b":true,"d":1.0E10,"nul":null,"f":1.5,"byte":-4,"i":7,"f2":1.0E10,"d2":0.1,"#,
            r#""d3":-0.0,"s":"x","bytes":"AQID","short":3,"nan":"NaN","position":42}"#
        );
        assert_eq!(text(&serialize_offset("c", &offset).expect("primitive")), expected);
    }

    #[test]
    fn values_that_are_not_primitive_are_refused_by_name() {
        let error = serialize_offset("c", &map(&[("list", Value::Array(vec![]))])).expect_err("an array");
        assert!(matches!(&error, Error::Invalid(text) if text.contains("field list contains ARRAY")), "{error}");
    }

    #[test]
    fn integers_come_back_with_64_bits() {
        let read =
            parse_offset(br#"{"position":42,"x":1.0,"s":"a","n":null,"b":true}"#).expect("primitive").expect("a map");
        assert_eq!(read.get("position"), Some(&Value::Int64(42)));
        assert_eq!(read.get("x"), Some(&Value::Float64(1.0)));
        assert_eq!(read.get("n"), Some(&Value::Null));
        assert_eq!(parse_offset(b"null"), Ok(None));
    }

    #[test]
    fn keys_of_other_shapes_are_refused() {
        for key in
            ["not json", "{}", "[]", r#"["c"]"#, r#"["c",{},1]"#, r#"[1,{}]"#, r#"["c",[]]"#, r#"["c",{"a":{}}]"#]
        {
            assert!(parse_key(key.as_bytes()).is_err(), "{key}");
        }
        assert_eq!(parse_key(br#"["c",null]"#), Ok(None));
    }

    proptest! {
        #[test]
        fn any_partition_comes_back(connector: String, names in proptest::collection::btree_map(any::<String>(), any::<i64>(), 0..30)) {
            let partition: OffsetMap = names.into_iter().map(|(name, value)| (name.into(), Value::Int64(value))).collect();
            let key = serialize_key(&connector, &partition).expect("primitive");
            let (read_connector, read) = parse_key(&key).expect("own output").expect("a partition");
            assert_eq!(read_connector, connector);
            assert_eq!(serialize_key(&connector, &read).expect("primitive"), key, "the order is stable");
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            drop(parse_key(&bytes));
            drop(parse_offset(&bytes));
        }
    }
}
