//! `ExtractField`: one field of a struct or map becomes the whole key or value.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig};
use sluice_api::{ConnectError, Result, Value};

use crate::field_path::{FieldPath, syntax_version_key};
use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};

const PURPOSE: &str = "field extraction";

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("ExtractField", definition, ExtractField::new);

fn definition() -> ConfigDef {
    ConfigDef::new()
        .define(ConfigKey::new("field", ConfigType::String, Importance::Medium, "The field to extract."))
        .define(NullDefault::key())
        .define(syntax_version_key())
}

struct ExtractField {
    part: Part,
    configured: String,
    path: FieldPath,
    null_default: NullDefault,
}

impl ExtractField {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let configured = config.string("field").to_owned();
        let path = FieldPath::of(config, &configured)?;
        Ok(Self { part, configured, path, null_default: NullDefault::of(config) })
    }
}

impl Transform for ExtractField {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let (schema, value) = record.take(self.part);
        let Some(schema) = schema else {
            let extracted = match value {
                Value::Null => Value::Null,
                value => self.path.take_from_map(require_map(value, PURPOSE)?)?,
            };
            record.set(self.part, None, extracted);
            return Ok(Some(record));
        };
        let value = match value {
            Value::Null => None,
            value => Some(require_struct(value, PURPOSE)?),
        };
        let field = self.path.field(&schema)?;
        let field = field.ok_or_else(|| ConnectError::data(format!("Unknown field: {}", self.configured)))?;
        let extracted = match value {
            Some(value) => self.path.take_from_struct(value, self.null_default)?,
            None => Value::Null,
        };
        record.set(self.part, Some(field.schema().clone()), extracted);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::data::Map;
    use sluice_api::{Schema, SchemaBuilder, Struct};

    use super::*;
    use crate::test_records::{applied, sink, transformation};

    fn nested_map() -> Value {
        let foo = Map::insertion_ordered([("bar".into(), 42i32.into())]);
        Map::insertion_ordered([("foo".into(), foo.into())]).into()
    }

    fn nested_struct() -> (Schema, Struct) {
        let foo = SchemaBuilder::structure().field("bar", Schema::INT32).build().unwrap();
        let schema = SchemaBuilder::structure().field("foo", foo.clone()).build().unwrap();
        let foo = Struct::new(foo).unwrap().with("bar", 42).unwrap();
        (schema.clone(), Struct::new(schema).unwrap().with("foo", foo).unwrap())
    }

    fn v2(field: &str) -> [(&str, &str); 2] {
        [("field", field), ("field.syntax.version", "v2")]
    }

    #[test]
    fn a_map_gives_the_value_of_a_key() {
        let map = Map::insertion_ordered([("magic".into(), 42i32.into())]);
        let mut record = sink(None, Value::Null);
        record.key = map.into();
        let mut extract = transformation("ExtractField$Key", &[("field", "magic")]).unwrap();
        let record = extract.apply_sink(record).unwrap().unwrap();
        assert_eq!((record.key_schema, record.key), (None, 42i32.into()));
        assert_eq!(applied("ExtractField$Value", &v2("foo.bar"), None, nested_map()).unwrap(), (None, 42i32.into()));
        assert_eq!(applied("ExtractField$Value", &[("field", "foo.bar")], None, nested_map()).unwrap().1, Value::Null);
        for missing in ["nonexistent", "foo.nonexistent", "nonexistent.x"] {
            assert_eq!(applied("ExtractField$Value", &v2(missing), None, nested_map()).unwrap().1, Value::Null);
        }
        assert_eq!(applied("ExtractField$Value", &v2("foo.bar"), None, Value::Null).unwrap(), (None, Value::Null));
    }

    #[test]
    fn a_struct_gives_the_value_of_a_field_with_its_schema() {
        let (schema, value) = nested_struct();
        let (found, value) = applied("ExtractField$Value", &v2("foo.bar"), Some(schema.clone()), value).unwrap();
        assert_eq!((found, value), (Some(Schema::INT32), 42i32.into()));
        let (found, value) = applied("ExtractField$Value", &v2("foo"), Some(schema), Value::Null).unwrap();
        assert_eq!(found.unwrap().schema_type(), sluice_api::SchemaType::Struct);
        assert_eq!(value, Value::Null);
    }

    #[test]
    fn an_unknown_field_is_named() {
        let (schema, value) = nested_struct();
        let mistake = |field: &str| {
            applied("ExtractField$Value", &v2(field), Some(schema.clone()), value.clone()).unwrap_err().to_string()
        };
        assert_eq!(mistake("nonexistent"), "Unknown field: nonexistent");
        assert_eq!(mistake("foo.nonexistent"), "Unknown field: foo.nonexistent");
        assert_eq!(mistake("foo.bar.x"), "Cannot look up fields on non-struct type");
        assert_eq!(mistake(""), "fromIndex(0) > toIndex(-1)");
    }

    #[test]
    fn other_values_are_refused() {
        let mistake = |schema: Option<Schema>, value: Value| {
            applied("ExtractField$Value", &v2("foo.bar"), schema, value).unwrap_err().to_string()
        };
        assert_eq!(
            mistake(None, 1i32.into()),
            "Only Map objects supported in absence of schema for [field extraction], found: java.lang.Integer"
        );
        let flat = Map::insertion_ordered([("foo".into(), "x".into())]);
        assert_eq!(
            mistake(None, flat.into()),
            "Only Map objects supported in absence of schema for [nested field access], found: java.lang.String"
        );
        assert_eq!(
            mistake(Some(Schema::INT32), 1i32.into()),
            "Only Struct objects supported for [field extraction], found: java.lang.Integer"
        );
    }

    #[test]
    fn a_default_stands_in_for_null_unless_told_otherwise() {
        let with_default = SchemaBuilder::int32().optional().default(5).build().unwrap();
        let schema = SchemaBuilder::structure().field("foo", with_default).build().unwrap();
        let value = Struct::new(schema.clone()).unwrap();
        for (replace, expected) in [("true", 5i32.into()), ("false", Value::Null)] {
            let config = [("field", "foo"), ("replace.null.with.default", replace)];
            let extracted = applied("ExtractField$Value", &config, Some(schema.clone()), value.clone()).unwrap();
            assert_eq!(extracted.1, expected);
        }
    }

    #[test]
    fn mistakes_of_the_configuration_are_named() {
        let mistake = |config: &[(&str, &str)]| transformation("ExtractField$Value", config).map(drop).unwrap_err();
        assert!(mistake(&v2("`a")).to_string().starts_with("Incomplete backtick pair in path: [`a]"));
        assert_eq!(
            mistake(&[("field", "a"), ("field.syntax.version", "V3")]).to_string(),
            "Invalid value V3 for configuration field.syntax.version: String must be one of (case insensitive): V1, V2"
        );
    }
}
