//! The number converters: big-endian, as wide as the type.

use bytes::Bytes;
use sluice_api::{ConnectError, Converter, Result, Schema, SchemaAndValue, Value};

use crate::converter_type;
use crate::plugin::BuiltIn;

macro_rules! plugins {
    ($($name:ident $class:literal $word:literal $deserializer:literal $schema:ident $variant:ident $ty:ty),* $(,)?) => {
        /// The five number converters.
        pub(crate) const PLUGINS: [BuiltIn; 5] = [$(BuiltIn {
            class: concat!("org.apache.kafka.connect.converters.", $class),
            definition: converter_type::definition,
            create: |_| Ok(Box::new($name)),
        }),*];

        $(
            struct $name;

            impl Converter for $name {
                fn from_connect_data(&mut self, _: &str, _: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
                    match value {
                        Value::Null => Ok(None),
                        Value::$variant(number) => Ok(Some(Bytes::copy_from_slice(&number.to_be_bytes()))),
                        other => Err(wrong_class($word, other)),
                    }
                }

                fn to_connect_data(&mut self, _: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
                    let value = match data {
                        None => Value::Null,
                        Some(bytes) => {
                            let bytes = exact(bytes, $word, $deserializer)?;
                            Value::$variant(<$ty>::from_be_bytes(bytes))
                        }
                    };
                    Ok(SchemaAndValue { schema: Some(Schema::$schema), value })
                }
            }
        )*
    };
}

plugins! {
    ShortConverter "ShortConverter" "short" "ShortDeserializer" OPTIONAL_INT16 Int16 i16,
    IntegerConverter "IntegerConverter" "integer" "IntegerDeserializer" OPTIONAL_INT32 Int32 i32,
    LongConverter "LongConverter" "long" "LongDeserializer" OPTIONAL_INT64 Int64 i64,
    FloatConverter "FloatConverter" "float" "Deserializer" OPTIONAL_FLOAT32 Float32 f32,
    DoubleConverter "DoubleConverter" "double" "Deserializer" OPTIONAL_FLOAT64 Float64 f64,
}

/// Why bytes are no number.
#[derive(Debug, thiserror::Error)]
#[error("Size of data received by {deserializer} is not {size}")]
struct WrongSize {
    deserializer: &'static str,
    size: usize,
}

fn exact<const SIZE: usize>(bytes: &[u8], word: &str, deserializer: &'static str) -> Result<[u8; SIZE]> {
    bytes.try_into().map_err(|_| {
        ConnectError::data(format!("Failed to deserialize {word}: "))
            .with_source(WrongSize { deserializer, size: SIZE })
    })
}

fn wrong_class(word: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!("Failed to serialize to {word} (was class {}): ", value.java_class()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(converter: &mut dyn Converter, value: &Value, bytes: &[u8]) {
        let written = converter.from_connect_data("t", None, value).unwrap().unwrap();
        assert_eq!(written[..], *bytes);
        assert_eq!(converter.to_connect_data("t", Some(&written)).unwrap().value, *value);
        assert_eq!(converter.from_connect_data("t", None, &Value::Null).unwrap(), None);
        assert_eq!(converter.to_connect_data("t", None).unwrap().value, Value::Null);
    }

    #[test]
    fn numbers_are_big_endian() {
        round_trip(&mut ShortConverter, &Value::Int16(-2), &[0xff, 0xfe]);
        round_trip(&mut IntegerConverter, &Value::Int32(258), &[0, 0, 1, 2]);
        round_trip(&mut LongConverter, &Value::Int64(1), &[0, 0, 0, 0, 0, 0, 0, 1]);
        round_trip(&mut FloatConverter, &Value::Float32(1.0), &[0x3f, 0x80, 0, 0]);
        round_trip(&mut DoubleConverter, &Value::Float64(1.0), &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn mistakes_are_named_as_in_kafka() {
        let error = IntegerConverter.from_connect_data("t", None, &Value::Int64(1)).unwrap_err();
        assert_eq!(error.to_string(), "Failed to serialize to integer (was class java.lang.Long): ");
        let error = IntegerConverter.to_connect_data("t", Some(&Bytes::from_static(&[1]))).unwrap_err();
        assert_eq!(error.to_string(), "Failed to deserialize integer: ");
        assert!(error.trace().contains("Size of data received by IntegerDeserializer is not 4"));
        let error = DoubleConverter.to_connect_data("t", Some(&Bytes::new())).unwrap_err();
        assert!(error.trace().contains("Size of data received by Deserializer is not 8"));
    }
}
