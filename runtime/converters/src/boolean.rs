//! `BooleanConverter`: one byte, 01 or 00.

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, Result, Schema, SchemaAndValue, SchemaType, Value};

use crate::converter_type;
use crate::plugin::BuiltIn;

pub(crate) const PLUGIN: BuiltIn = BuiltIn {
    class: "org.apache.kafka.connect.converters.BooleanConverter",
    definition: converter_type::definition,
    create: |_| Ok(Box::new(BooleanConverter)),
};

/// Why bytes are no boolean.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("Size of data received by BooleanDeserializer is not 1")]
    Size,
    #[error("Unexpected byte received by BooleanDeserializer: {0}")]
    Byte(i8),
}

struct BooleanConverter;

impl Converter for BooleanConverter {
    fn from_connect_data(&mut self, _topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        if let Some(schema) = schema.filter(|schema| schema.schema_type() != SchemaType::Boolean) {
            let message = format!("Invalid schema type for BooleanConverter: {}", schema.schema_type());
            return Err(ConnectError::data(message));
        }
        match value {
            Value::Null => Ok(None),
            Value::Boolean(value) => Ok(Some(Bytes::from_static(if *value { &[1] } else { &[0] }))),
            other => {
                let class = other.java_class();
                let message = format!("BooleanConverter is not compatible with objects of type class {class}");
                Err(ConnectError::data(message))
            }
        }
    }

    fn to_connect_data(&mut self, _topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let value = match data.map(|bytes| &bytes[..]) {
            None => Ok(Value::Null),
            Some([1]) => Ok(Value::Boolean(true)),
            Some([0]) => Ok(Value::Boolean(false)),
            Some([other]) => Err(Error::Byte(*other as i8)),
            Some(_) => Err(Error::Size),
        };
        let value = value.map_err(|cause| ConnectError::data("Failed to deserialize boolean: ").with_source(cause))?;
        Ok(SchemaAndValue { schema: Some(Schema::OPTIONAL_BOOLEAN), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boolean_is_one_byte() {
        for (value, byte) in [(true, 1u8), (false, 0)] {
            let written =
                BooleanConverter.from_connect_data("t", Some(&Schema::BOOLEAN), &value.into()).unwrap().unwrap();
            assert_eq!(written[..], [byte]);
            assert_eq!(BooleanConverter.to_connect_data("t", Some(&written)).unwrap().value, Value::Boolean(value));
        }
        assert_eq!(BooleanConverter.to_connect_data("t", None).unwrap().value, Value::Null);
    }

    #[test]
    fn other_bytes_are_refused_with_their_cause() {
        let trace = |bytes: &'static [u8]| {
            BooleanConverter.to_connect_data("t", Some(&Bytes::from_static(bytes))).unwrap_err().trace()
        };
        assert!(trace(&[2]).contains("Unexpected byte received by BooleanDeserializer: 2"));
        assert!(trace(&[1, 1]).contains("Size of data received by BooleanDeserializer is not 1"));
    }
}
