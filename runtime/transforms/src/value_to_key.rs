//! `ValueToKey`: some fields of the value become the key.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};
use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Part, Transform, boxed};
use crate::requirements::{require_map_ref, require_struct_ref};
use crate::schema_cache::SchemaCache;

const PURPOSE: &str = "copying fields from value to key";

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.ValueToKey",
    definition,
    create: |config| Ok(boxed(ValueToKey::new(config))),
}];

fn definition() -> ConfigDef {
    let doc = "The fields of the value that the key is made of.";
    let fields = ConfigKey::new("fields", ConfigType::List, Importance::High, doc);
    ConfigDef::new()
        .define(fields.validator(Validator::list_without_duplicates(false, false)))
        .define(NullDefault::key())
}

struct ValueToKey {
    fields: Vec<String>,
    null_default: NullDefault,
    key_schemas: SchemaCache<KeySchema>,
}

/// The key's schema, and where its fields are in the value.
struct KeySchema {
    schema: Schema,
    from: Vec<usize>,
}

impl ValueToKey {
    fn new(config: &ParsedConfig) -> Self {
        let fields = config.list("fields").to_vec();
        Self { fields, null_default: NullDefault::of(config), key_schemas: SchemaCache::default() }
    }

    fn map_key(&self, value: &Map) -> Map {
        let entries =
            self.fields.iter().map(|field| (field.clone().into(), value.get(field).cloned().unwrap_or_default()));
        Map::hash_ordered_of_capacity(self.fields.len(), entries)
    }

    fn struct_key(&mut self, value: &Struct) -> Result<Struct> {
        let fields = &self.fields;
        let key = self.key_schemas.get_or_build(value.schema(), |schema| KeySchema::of(schema, fields))?;
        let value_fields = value.schema().fields()?;
        let values: Vec<Value> =
            key.from.iter().map(|at| self.null_default.field(value, &value_fields[*at]).clone()).collect();
        Struct::from_checked(key.schema.clone(), values)
    }
}

impl KeySchema {
    fn of(value: &Schema, fields: &[String]) -> Result<Self> {
        let mut builder = SchemaBuilder::structure();
        let mut from = Vec::with_capacity(fields.len());
        for name in fields {
            let field = value.field(name)?;
            let field = field.ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
            builder = builder.field(name.as_str(), field.schema().clone());
            from.push(field.index());
        }
        Ok(Self { schema: builder.build()?, from })
    }
}

impl Transform for ValueToKey {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let value = record.value(Part::Value);
        let (schema, key): (_, Value) = match record.schema(Part::Value) {
            None => (None, self.map_key(require_map_ref(value, PURPOSE)?).into()),
            Some(_) => {
                let value = require_struct_ref(value, PURPOSE)?;
                let (key, own) = (self.struct_key(value)?, value.schema().clone());
                // From here on, the schema of a value is that of the struct itself.
                let (_, value) = record.take(Part::Value);
                record.set(Part::Value, Some(own), value);
                (Some(key.schema().clone()), key.into())
            }
        };
        record.set(Part::Key, schema, key);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_records::{sink, transformation};

    fn key_of(fields: &str, schema: Option<Schema>, value: impl Into<Value>) -> Result<(Option<Schema>, Value)> {
        let record = sink(schema, value.into());
        let record = transformation("ValueToKey", &[("fields", fields)])?.apply_sink(record)?.unwrap();
        Ok((record.key_schema, record.key))
    }

    fn abc() -> Schema {
        let builder = SchemaBuilder::structure().field("a", Schema::INT32).field("b", Schema::INT32);
        builder.field("c", Schema::INT32).build().unwrap()
    }

    #[test]
    fn entries_of_a_map_become_a_map() {
        let value = Map::insertion_ordered([("a", 1), ("b", 2), ("c", 3)].map(|(k, v)| (k.into(), v.into())));
        let (schema, key) = key_of("a,b", None, value.clone()).unwrap();
        assert_eq!((schema, key.to_string()), (None, "{a=1, b=2}".to_owned()));
        assert_eq!(key_of("zz", None, value).unwrap().1.to_string(), "{zz=null}");
    }

    #[test]
    fn fields_of_a_struct_become_a_struct() {
        let value = Struct::new(abc()).unwrap().with("a", 1).unwrap().with("b", 2).unwrap().with("c", 3).unwrap();
        let (schema, key) = key_of("b,a", Some(abc()), value).unwrap();
        let expected = SchemaBuilder::structure().field("b", Schema::INT32).field("a", Schema::INT32).build().unwrap();
        assert_eq!(schema, Some(expected));
        assert_eq!(key.to_string(), "Struct{b=2,a=1}");
    }

    #[test]
    fn a_field_that_is_not_there_is_named() {
        let value = Struct::new(abc()).unwrap();
        let mistake = key_of("not_exist", Some(abc()), value).unwrap_err();
        assert_eq!(mistake.to_string(), "Field does not exist: not_exist");
    }

    #[test]
    fn a_value_must_be_there() {
        assert_eq!(
            key_of("a", None, Value::Null).unwrap_err().to_string(),
            "Only Map objects supported in absence of schema for [copying fields from value to key], found: null"
        );
        assert_eq!(
            key_of("a", Some(abc()), Value::Null).unwrap_err().to_string(),
            "Only Struct objects supported for [copying fields from value to key], found: null"
        );
    }

    #[test]
    fn a_default_stands_in_for_null_unless_told_otherwise() {
        let with_default = SchemaBuilder::int32().optional().default(7).build().unwrap();
        let schema = SchemaBuilder::structure().field("a", with_default).build().unwrap();
        for (replace, raw) in [("true", Value::Int32(7)), ("false", Value::Null)] {
            let config = [("fields", "a"), ("replace.null.with.default", replace)];
            let record = sink(Some(schema.clone()), Struct::new(schema.clone()).unwrap().into());
            let record = transformation("ValueToKey", &config).unwrap().apply_sink(record).unwrap().unwrap();
            let Value::Struct(key) = record.key else { panic!("a struct") };
            assert_eq!(*key.get_without_default("a").unwrap(), raw);
        }
    }

    #[test]
    fn a_field_is_listed_once() {
        let value = Map::insertion_ordered([("a".into(), 1i32.into())]);
        let key = key_of("a,a", None, value).unwrap();
        assert_eq!(key.1.to_string(), "{a=1}");
        let mistake = key_of("", None, Value::Null).unwrap_err().to_string();
        assert_eq!(mistake, "Configuration 'fields' must not be empty. Valid values include: any non-empty value");
    }
}
