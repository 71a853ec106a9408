//! `InsertHeader`: adds a header whose value is what a literal looks like.

use std::sync::Arc;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use sluice_api::data::parse_string;
use sluice_api::{Result, SchemaAndValue};

use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Transform, boxed};

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.InsertHeader",
    definition,
    create: |config| Ok(boxed(InsertHeader::new(config))),
}];

fn definition() -> ConfigDef {
    let key =
        |name, doc| ConfigKey::new(name, ConfigType::String, Importance::High, doc).validator(Validator::non_null());
    ConfigDef::new()
        .define(key("header", "The name of the header."))
        .define(key("value.literal", "The value of the header; `1` is a number, `[a, b]` a list, and so on."))
}

struct InsertHeader {
    name: Arc<str>,
    literal: SchemaAndValue,
}

impl InsertHeader {
    fn new(config: &ParsedConfig) -> Self {
        Self { name: config.string("header").into(), literal: parse_string(config.string("value.literal")) }
    }
}

impl Transform for InsertHeader {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let SchemaAndValue { schema, value } = self.literal.clone();
        record.headers_mut().add(self.name.clone(), schema, value)?;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::{Header, Schema, Value};

    use crate::test_records::{header_names, sink, transformation};

    fn inserted(literal: &str) -> Header {
        let config = [("header", "inserted"), ("value.literal", literal)];
        let mut record = sink(None, Value::Null);
        record.headers.add("inserted", None, Value::Null).unwrap();
        let record = transformation("InsertHeader", &config).unwrap().apply_sink(record).unwrap().unwrap();
        assert_eq!(header_names(&record.headers), ["inserted", "inserted"]);
        record.headers.last_with_name("inserted").unwrap().clone()
    }

    #[test]
    fn a_literal_is_what_it_looks_like() {
        let as_header = |schema: Option<Schema>, value: Value| Header { key: "inserted".into(), schema, value };
        assert_eq!(inserted("inserted-val"), as_header(Some(Schema::STRING), "inserted-val".into()));
        assert_eq!(inserted("1"), as_header(Some(Schema::INT8), 1i8.into()));
        assert_eq!(inserted("true"), as_header(Some(Schema::BOOLEAN), true.into()));
        assert_eq!(inserted("null"), as_header(None, Value::Null));
        assert_eq!(inserted("[1, a]").value.to_string(), "[1, a]");
    }

    #[test]
    fn both_keys_are_required() {
        let mistake = transformation("InsertHeader", &[]).map(drop).unwrap_err();
        assert_eq!(
            mistake.to_string(),
            "Missing required configuration \"header\" which has no default value.; \
             Missing required configuration \"value.literal\" which has no default value."
        );
    }
}
