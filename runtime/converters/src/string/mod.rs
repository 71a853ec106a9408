//! `StringConverter`: text in one of a few encodings. UTF-8 text passes through without a copy, both ways.

mod encoding;
mod malformed;

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Width};
use sluice_api::{Converter, Properties, Result, Schema, SchemaAndValue, Value};

use crate::converter_type;
use crate::plugin::BuiltIn;
use encoding::Encoding;

pub(crate) const PLUGIN: BuiltIn = BuiltIn {
    class: "org.apache.kafka.connect.storage.StringConverter",
    definition,
    create: |properties| Ok(Box::new(StringConverter::new(properties)?)),
};

fn definition() -> ConfigDef {
    let mut encoding = ConfigKey::new(
        "converter.encoding",
        ConfigType::String,
        Importance::High,
        "The name of the Java character set to use for encoding strings as byte arrays.",
    )
    .default(ParsedValue::String("UTF-8".to_owned()));
    encoding.width = Width::Medium;
    encoding.display_name = "Encoding".to_owned();
    converter_type::definition().define(encoding)
}

struct StringConverter {
    encoding: Encoding,
}

impl StringConverter {
    fn new(properties: &Properties) -> Result<Self> {
        let parsed = definition().parse(&converter_type::with_default(properties))?;
        Ok(Self { encoding: Encoding::named(parsed.string("converter.encoding"))? })
    }
}

impl Converter for StringConverter {
    fn from_connect_data(&mut self, _topic: &str, _schema: Option<&Schema>, value: &Value) -> Result<Option<Bytes>> {
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) => text.clone(),
            other => ByteString::from(other.to_string()),
        };
        self.encoding.encode(text).map(Some)
    }

    fn to_connect_data(&mut self, _topic: &str, data: Option<&Bytes>) -> Result<SchemaAndValue> {
        let value = data.map_or(Value::Null, |bytes| Value::String(self.encoding.decode(bytes)));
        Ok(SchemaAndValue { schema: Some(Schema::OPTIONAL_STRING), value })
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::data::{Map, SchemaBuilder, Struct};

    use super::*;

    fn converter(encoding: &str) -> Result<StringConverter> {
        StringConverter::new(&Properties::from_iter([("converter.encoding".to_owned(), encoding.to_owned())]))
    }

    fn read(encoding: &str, bytes: &'static [u8]) -> Value {
        converter(encoding).unwrap().to_connect_data("t", Some(&Bytes::from_static(bytes))).unwrap().value
    }

    #[test]
    fn text_passes_through_without_a_copy() {
        let mut converter = StringConverter::new(&Properties::new()).unwrap();
        let input = Bytes::from_static("héllo 😀".as_bytes());
        let read = converter.to_connect_data("t", Some(&input)).unwrap();
        let written = converter.from_connect_data("t", read.schema.as_ref(), &read.value).unwrap().unwrap();
        assert_eq!(written.as_ptr(), input.as_ptr());
        assert_eq!(written, input);
    }

    #[test]
    fn malformed_utf_8_reads_as_the_replacement_character() {
        assert_eq!(read("UTF-8", b"a\xffb"), Value::from("a\u{fffd}b"));
        assert_eq!(read("utf8", b"\xe2\x82"), Value::from("\u{fffd}"));
    }

    #[test]
    fn other_encodings_work_by_their_java_names() {
        assert_eq!(read("ISO-8859-1", b"h\xe9"), Value::from("hé"));
        assert_eq!(read("latin1", b"\xff"), Value::from("ÿ"));
        assert_eq!(read("US-ASCII", b"a\x80"), Value::from("a\u{fffd}"));
        let written = converter("ISO-8859-1").unwrap().from_connect_data("t", None, &"é".into()).unwrap();
        assert_eq!(written.unwrap()[..], [0xe9]);
    }

    #[test]
    fn characters_that_an_encoding_lacks_are_refused() {
        let error = converter("ISO-8859-1").unwrap().from_connect_data("t", None, &"5 €".into()).unwrap_err();
        assert_eq!(error.to_string(), "Failed to serialize to a string: ISO-8859-1 has no character U+20AC");
        assert!(converter("ASCII").unwrap().from_connect_data("t", None, &"é".into()).is_err());
    }

    #[test]
    fn unknown_encodings_are_refused_by_name() {
        let error = converter("EBCDIC-X").err().unwrap();
        assert!(
            error.to_string().starts_with("Invalid value EBCDIC-X for configuration converter.encoding"),
            "{error}"
        );
    }

    #[test]
    fn everything_else_is_written_as_java_prints_it() {
        let mut converter = StringConverter::new(&Properties::new()).unwrap();
        let schema = SchemaBuilder::structure().field("a", Schema::STRING).build().unwrap();
        let structure = Struct::new(schema).unwrap().with("a", "x").unwrap();
        let map = Map::insertion_ordered([("k".into(), 1i32.into())]);
        let list = Value::Array(vec![1i32.into(), "b".into()]);
        let vectors: [(Value, &str); 5] = [
            (structure.into(), "Struct{a=x}"),
            (map.into(), "{k=1}"),
            (list, "[1, b]"),
            (1.0f32.into(), "1.0"),
            (true.into(), "true"),
        ];
        for (value, text) in vectors {
            assert_eq!(converter.from_connect_data("t", None, &value).unwrap().unwrap(), text);
        }
        assert_eq!(converter.from_connect_data("t", None, &Value::Null).unwrap(), None);
    }
}
