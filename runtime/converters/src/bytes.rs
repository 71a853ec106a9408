//! `ByteArrayConverter`: bytes as they are, never copied.

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, Result, Schema, SchemaAndValue, SchemaType, Value};

use crate::converter_type;
use crate::plugin::BuiltIn;

pub(crate) const PLUGIN: BuiltIn = BuiltIn {
    class: "org.apache.kafka.connect.converters.ByteArrayConverter",
    definition: converter_type::definition,
    create: |_| Ok(Box::new(ByteArrayConverter)),
};

struct ByteArrayConverter;

impl Converter for ByteArrayConverter {
    fn from_connect_data(&mut self, _topic: &str, schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        if let Some(schema) = schema.filter(|schema| schema.schema_type() != SchemaType::Bytes) {
            let message = format!("Invalid schema type for ByteArrayConverter: {}", schema.schema_type());
            return Err(ConnectError::data(message));
        }
        match value {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes.clone())),
            other => {
                let class = other.java_class();
                let message = format!("ByteArrayConverter is not compatible with objects of type class {class}");
                Err(ConnectError::data(message))
            }
        }
    }

    fn to_connect_data(&mut self, _topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let value = data.map_or(Value::Null, |bytes| Value::Bytes(bytes.clone()));
        Ok(SchemaAndValue { schema: Some(Schema::OPTIONAL_BYTES), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_through_without_a_copy() {
        let input = Bytes::from_static(&[0, 1, 0xff]);
        let read = ByteArrayConverter.to_connect_data("t", Some(&input)).unwrap();
        assert_eq!(read.schema, Some(Schema::OPTIONAL_BYTES));
        let written = ByteArrayConverter.from_connect_data("t", read.schema.as_ref(), &read.value).unwrap().unwrap();
        assert_eq!(written.as_ptr(), input.as_ptr());
        assert_eq!(ByteArrayConverter.from_connect_data("t", None, &Value::Null).unwrap(), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let refused = |schema: Option<&Schema>, value: Value| {
            ByteArrayConverter.from_connect_data("t", schema, &value).unwrap_err().to_string()
        };
        assert_eq!(refused(Some(&Schema::STRING), Value::Null), "Invalid schema type for ByteArrayConverter: STRING");
        assert_eq!(
            refused(None, 5i32.into()),
            "ByteArrayConverter is not compatible with objects of type class java.lang.Integer"
        );
    }
}
