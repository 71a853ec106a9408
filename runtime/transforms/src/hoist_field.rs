//! `HoistField`: wraps the whole key or value into a struct or map of one field.

use std::sync::Arc;

use bytestring::ByteString;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig};
use sluice_api::data::Map;
use sluice_api::{Result, Schema, SchemaBuilder, Struct};

use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::schema_cache::SchemaCache;

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("HoistField", definition, HoistField::new);

fn definition() -> ConfigDef {
    let doc = "The name of the one field that the struct or map gets.";
    ConfigDef::new().define(ConfigKey::new("field", ConfigType::String, Importance::Medium, doc))
}

struct HoistField {
    part: Part,
    field: ByteString,
    name: Arc<str>,
    schemas: SchemaCache<Schema>,
}

impl HoistField {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let field = config.string("field");
        Ok(Self { part, field: field.into(), name: field.into(), schemas: SchemaCache::default() })
    }
}

impl Transform for HoistField {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let (schema, value) = record.take(self.part);
        let Some(schema) = schema else {
            let mut map = Map::default();
            map.put(self.field.clone().into(), value);
            record.set(self.part, None, map.into());
            return Ok(Some(record));
        };
        let name = &self.name;
        let hoisted = self
            .schemas
            .get_or_build(&schema, |schema| SchemaBuilder::structure().field(name.clone(), schema.clone()).build())?;
        let mut wrapper = Struct::new(hoisted.clone())?;
        wrapper.put(&self.name, value)?;
        record.set(self.part, Some(hoisted.clone()), wrapper.into());
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use super::*;
    use crate::test_records::{applied, sink, transformation};

    const MAGIC: &[(&str, &str)] = &[("field", "magic")];

    #[test]
    fn a_value_without_schema_becomes_a_map_of_one_entry() {
        let mut record = sink(None, Value::Null);
        record.key = 42i32.into();
        let record = transformation("HoistField$Key", MAGIC).unwrap().apply_sink(record).unwrap().unwrap();
        assert_eq!((record.key_schema, record.key.to_string()), (None, "{magic=42}".to_owned()));
        assert_eq!(applied("HoistField$Value", MAGIC, None, Value::Null).unwrap().1.to_string(), "{magic=null}");
    }

    #[test]
    fn a_value_with_schema_becomes_a_struct_of_one_field() {
        let mut record = sink(None, Value::Null);
        (record.key_schema, record.key) = (Some(Schema::INT32), 42i32.into());
        let record = transformation("HoistField$Key", MAGIC).unwrap().apply_sink(record).unwrap().unwrap();
        let expected = SchemaBuilder::structure().field("magic", Schema::INT32).build().unwrap();
        assert_eq!(record.key_schema, Some(expected));
        assert_eq!(record.key.to_string(), "Struct{magic=42}");
    }

    #[test]
    fn null_needs_an_optional_schema() {
        let (schema, value) = applied("HoistField$Value", MAGIC, Some(Schema::OPTIONAL_INT8), Value::Null).unwrap();
        assert!(schema.is_some());
        assert_eq!(value.to_string(), "Struct{}");
        assert_eq!(
            applied("HoistField$Value", MAGIC, Some(Schema::INT8), Value::Null).unwrap_err().to_string(),
            "Invalid value: null used for required field: \"magic\", schema type: INT8"
        );
        assert_eq!(
            applied("HoistField$Value", &[("field", "")], Some(Schema::INT8), 1i8).unwrap_err().to_string(),
            "fieldName cannot be null."
        );
    }

    #[test]
    fn equal_schemas_give_one_schema() {
        let mut hoist = transformation("HoistField$Value", MAGIC).unwrap();
        let mut schema = || hoist.apply_sink(sink(Some(Schema::INT8), 1i8.into())).unwrap().unwrap().value_schema;
        assert_eq!(schema().unwrap().identity(), schema().unwrap().identity());
    }
}
