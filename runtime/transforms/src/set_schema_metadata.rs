//! `SetSchemaMetadata`: another name or version for the schema of a struct.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig};
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::require_schema;
use crate::schema_cache::SchemaCache;

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("SetSchemaMetadata", definition, SetSchemaMetadata::new);

fn definition() -> ConfigDef {
    let key = |name, config_type, doc| ConfigKey::new(name, config_type, Importance::High, doc).optional();
    ConfigDef::new()
        .define(key("schema.name", ConfigType::String, "The name to set."))
        .define(key("schema.version", ConfigType::Int, "The version to set."))
        .define(NullDefault::key())
}

struct SetSchemaMetadata {
    part: Part,
    name: Option<String>,
    version: Option<i32>,
    null_default: NullDefault,
    schemas: SchemaCache<Schema>,
}

impl SetSchemaMetadata {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let name = config.opt_string("schema.name").map(str::to_owned);
        let version = config.opt_int("schema.version");
        if name.is_none() && version.is_none() {
            return Err(ConnectError::config("Neither schema name nor version configured"));
        }
        Ok(Self { part, name, version, null_default: NullDefault::of(config), schemas: SchemaCache::default() })
    }
}

impl Transform for SetSchemaMetadata {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if record.schema(self.part).is_none() && record.value(self.part).is_null() {
            return Ok(Some(record));
        }
        let schema = require_schema(record.schema(self.part), "updating schema metadata")?;
        let (name, version) = (self.name.as_deref(), self.version);
        let updated = self.schemas.get_or_build(schema, |schema| renamed(schema, name, version))?;
        let (schema, value) = record.take(self.part);
        let value = match value {
            Value::Struct(value) => moved(value, schema.as_ref(), updated, self.null_default)?.into(),
            other => other,
        };
        record.set(self.part, Some(updated.clone()), value);
        Ok(Some(record))
    }
}

fn renamed(schema: &Schema, name: Option<&str>, version: Option<i32>) -> Result<Schema> {
    let mut builder = SchemaBuilder::structure();
    if schema.is_optional() {
        builder = builder.optional();
    }
    // Kafka Connect asks every schema for its fields, so it refuses what is no struct.
    for field in schema.fields()? {
        builder = builder.field(field.name(), field.schema().clone());
    }
    if let Some(name) = name.or(schema.name()) {
        builder = builder.name(name);
    }
    if let Some(version) = version.or(schema.version()) {
        builder = builder.version(version);
    }
    if let Some(doc) = schema.doc() {
        builder = builder.doc(doc);
    }
    let parameters = schema.parameters().into_iter().flatten();
    builder = builder.parameters(parameters.map(|(name, value)| (name.clone(), value.clone())));
    if let Some(Value::Struct(default)) = schema.default_value() {
        let values = default.clone().into_values();
        let default = Struct::from_checked(builder.so_far(), values)?;
        builder = builder.struct_default(default);
    }
    builder.build()
}

fn moved(value: Struct, schema: Option<&Schema>, updated: &Schema, null_default: NullDefault) -> Result<Struct> {
    if schema != Some(value.schema()) {
        return moved_by_name(&value, updated, null_default);
    }
    let mut values = value.into_values();
    for (field, value) in updated.fields()?.iter().zip(&mut values) {
        *value = null_default.apply(field, std::mem::take(value));
    }
    Struct::from_checked(updated.clone(), values)
}

/// As [`moved`], for a struct whose schema is not the record's: its values are found by name.
fn moved_by_name(value: &Struct, updated: &Schema, null_default: NullDefault) -> Result<Struct> {
    let mut result = Struct::new(updated.clone())?;
    for field in updated.fields()? {
        result.put_field(field, null_default.named(value, field.name())?.clone())?;
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_records::{applied, sink, transformation};

    const CLASS: &str = "SetSchemaMetadata$Value";
    const BOTH: &[(&str, &str)] = &[("schema.name", "foo"), ("schema.version", "42")];

    fn plain() -> Schema {
        SchemaBuilder::structure().field("f1", Schema::STRING).field("f2", Schema::OPTIONAL_INT32).build().unwrap()
    }

    fn value() -> Struct {
        Struct::new(plain()).unwrap().with("f1", "value1").unwrap()
    }

    #[test]
    fn name_and_version_are_set_with_the_rest_kept() {
        for (config, name, version) in
            [(&BOTH[..1], Some("foo"), None), (&BOTH[1..], None, Some(42)), (BOTH, Some("foo"), Some(42))]
        {
            let (schema, updated) = applied(CLASS, config, Some(plain()), value()).unwrap();
            let schema = schema.unwrap();
            assert_eq!((schema.name(), schema.version()), (name, version));
            assert_eq!(schema.fields().unwrap(), plain().fields().unwrap());
            let Value::Struct(updated) = updated else { panic!("a struct") };
            assert_eq!(*updated.schema(), schema);
            assert_eq!(updated.values(), value().values());
        }
        let builder = SchemaBuilder::structure().optional().name("old").version(1).doc("d").parameter("p", "v");
        let schema = builder.field("a", Schema::INT8).build().unwrap();
        let updated = applied(CLASS, &BOTH[1..], Some(schema), Value::Null).unwrap().0.unwrap();
        let builder = SchemaBuilder::structure().optional().name("old").version(42).doc("d").parameter("p", "v");
        assert_eq!(updated, builder.field("a", Schema::INT8).build().unwrap());
    }

    #[test]
    fn without_schema_only_null_passes() {
        assert_eq!(applied(CLASS, BOTH, None, Value::Null).unwrap(), (None, Value::Null));
        assert_eq!(
            applied(CLASS, BOTH, None, 1i32).unwrap_err().to_string(),
            "Schema required for [updating schema metadata]"
        );
    }

    #[test]
    fn only_structs_can_be_named() {
        let mistake = applied(CLASS, BOTH, Some(Schema::INT32), 1i32).unwrap_err();
        assert_eq!(mistake.to_string(), "Cannot list fields on non-struct type");
    }

    #[test]
    fn a_null_that_has_a_default_gets_it_or_needs_an_optional_field() {
        let with_default = SchemaBuilder::string().optional().default("default").build().unwrap();
        let schema = SchemaBuilder::structure().field("f", with_default).build().unwrap();
        for (replace, raw) in [("true", Value::from("default")), ("false", Value::Null)] {
            let config = [BOTH[0], ("replace.null.with.default", replace)];
            let updated = applied(CLASS, &config, Some(schema.clone()), Struct::new(schema.clone()).unwrap()).unwrap();
            let Value::Struct(updated) = updated.1 else { panic!("a struct") };
            assert_eq!(*updated.get_without_default("f").unwrap(), raw);
        }
    }

    #[test]
    fn a_key_has_its_own_schema() {
        let mut record = sink(Some(plain()), value().into());
        (record.key_schema, record.key) = (Some(plain()), value().into());
        let record = transformation("SetSchemaMetadata$Key", BOTH).unwrap().apply_sink(record).unwrap().unwrap();
        assert_eq!(record.key_schema.unwrap().name(), Some("foo"));
        assert_eq!(record.value_schema, Some(plain()));
    }

    #[test]
    fn something_must_be_set() {
        let mistake = transformation(CLASS, &[]).map(drop).unwrap_err();
        assert_eq!(mistake.to_string(), "Neither schema name nor version configured");
    }
}
