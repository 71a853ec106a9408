//! `SimpleHeaderConverter`, the default for headers: header text is parsed into the value that it looks like
//! (connect-plugins.md 1.5). Dates are read and written in UTC.

use bytes::Bytes;
use sluice_api::config::ConfigDef;
use sluice_api::data::{convert_to_string, parse_string};
use sluice_api::{
    Converter, ConverterPlugin, ConverterUse, HeaderConverter, Properties, Result, Schema, SchemaAndValue, Value,
};

/// `org.apache.kafka.connect.storage.SimpleHeaderConverter`.
pub(crate) struct SimpleHeaderPlugin;

impl ConverterPlugin for SimpleHeaderPlugin {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.storage.SimpleHeaderConverter"
    }

    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }

    fn converter(&self, _config: &Properties, _used_for: ConverterUse) -> Result<Option<Box<dyn Converter>>> {
        Ok(None)
    }

    fn header_converter(&self, _config: &Properties) -> Result<Option<Box<dyn HeaderConverter>>> {
        Ok(Some(Box::new(SimpleHeaderConverter)))
    }
}

struct SimpleHeaderConverter;

impl HeaderConverter for SimpleHeaderConverter {
    fn from_connect_header(
        &mut self,
        _topic: &str,
        _key: &str,
        _schema: Option<&Schema>,
        value: &Value,
    ) -> Result<Option<Bytes>> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone().into_bytes())),
            value => Ok(Some(Bytes::from(convert_to_string(value)))),
        }
    }

    /// Text that is not UTF-8 is kept as bytes, since replacement characters could not be undone.
    fn to_connect_header(&mut self, _topic: &str, _key: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let Some(data) = data else { return Ok(SchemaAndValue::NULL) };
        Ok(match std::str::from_utf8(data) {
            Ok(text) => parse_string(text),
            Err(_) => SchemaAndValue::new(Schema::BYTES, Value::Bytes(data.clone())),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &'static [u8]) -> SchemaAndValue {
        SimpleHeaderConverter.to_connect_header("t", "k", Some(&Bytes::from_static(bytes))).unwrap()
    }

    #[test]
    fn text_becomes_what_it_looks_like() {
        assert_eq!(read(b"300"), SchemaAndValue::new(Schema::INT16, 300i16));
        assert_eq!(read(b"true"), SchemaAndValue::new(Schema::BOOLEAN, true));
        assert_eq!(read(b"abc"), SchemaAndValue::new(Schema::STRING, "abc"));
        assert_eq!(read(b"null"), SchemaAndValue::NULL);
        assert_eq!(read(b""), SchemaAndValue::new(Schema::STRING, ""));
    }

    #[test]
    fn values_are_written_as_text() {
        let write = |value: Value| SimpleHeaderConverter.from_connect_header("t", "k", None, &value).unwrap();
        assert_eq!(write(Value::Null), None);
        assert_eq!(write(1.5f32.into()).unwrap(), "1.5");
        assert_eq!(write(Bytes::from_static(&[0, 1]).into()).unwrap(), "AAE=");
    }

    #[test]
    fn bytes_that_are_no_text_stay_bytes() {
        assert_eq!(read(b"\xff"), SchemaAndValue::new(Schema::BYTES, Bytes::from_static(b"\xff")));
    }

    proptest! {
        #[test]
        fn arbitrary_headers_never_panic(text in r#"[\[\]{}:,"\\0-9eE.+\-TZ nulltrue😀]{0,40}"#, bytes: Vec<u8>) {
            for data in [Bytes::from(text), Bytes::from(bytes)] {
                let read = SimpleHeaderConverter.to_connect_header("t", "k", Some(&data)).unwrap();
                SimpleHeaderConverter.from_connect_header("t", "k", read.schema.as_ref(), &read.value).unwrap();
            }
        }
    }
}
