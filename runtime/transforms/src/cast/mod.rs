//! `Cast`: gives fields, or the whole key or value, another primitive type (connect-plugins.md 2.1).

mod conversion;
mod spec;

use std::mem;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::data::Field;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, SchemaType, Struct, Value};

use self::conversion::cast;
use self::spec::Spec;
use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("Cast", definition, Cast::new);

const PURPOSE: &str = "cast types";

fn definition() -> ConfigDef {
    let doc = "The fields to cast with their new types, as `field1:type,field2:type`, or one type for the whole key or value. \
               Types are int8, int16, int32, int64, float32, float64, boolean and string; bytes can be cast to string alone.";
    ConfigDef::new()
        .define(ConfigKey::new("spec", ConfigType::List, Importance::High, doc).validator(fits_spec()))
        .define(NullDefault::key())
}

fn fits_spec() -> Validator {
    let description = "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>";
    Validator::new(description, |_, value| match value {
        ParsedValue::List(items) if !items.is_empty() => Spec::parse(items).map(drop),
        _ => Err("Must specify at least one field to cast.".to_owned()),
    })
}

struct Cast {
    part: Part,
    spec: Spec,
    null_default: NullDefault,
    plans: SchemaCache<Plan>,
}

/// What is done with values of one schema.
struct Plan {
    schema: Schema,
    /// The new type of each field of a struct, where there is one.
    targets: Vec<Option<SchemaType>>,
}

impl Cast {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let spec = Spec::parse(config.list("spec")).map_err(ConnectError::config)?;
        Ok(Self { part, spec, null_default: NullDefault::of(config), plans: SchemaCache::default() })
    }

    fn schemaless(&self, value: Value) -> Result<Value> {
        let fields = match &self.spec {
            Spec::Whole(target) => return cast(None, value, *target),
            Spec::Fields(fields) => fields,
        };
        let map = require_map(value, PURPOSE)?;
        let mut puts = Vec::with_capacity(fields.len());
        for (name, target) in fields {
            let value = map.get(name).cloned().unwrap_or_default();
            puts.push((Value::String(name.clone()), cast(None, value, *target)?));
        }
        Ok(map.hash_copy(puts).into())
    }

    fn with_schema(&mut self, schema: &Schema, value: Value) -> Result<(Schema, Value)> {
        let plan = self.plans.get_or_build(schema, |schema| plan(&self.spec, schema))?;
        if let Spec::Whole(target) = self.spec {
            return Ok((plan.schema.clone(), cast(Some(schema), value, target)?));
        }
        let value = require_struct(value, PURPOSE)?;
        if value.schema() != schema {
            let result = by_name(&self.spec, &value, &plan.schema, self.null_default)?;
            return Ok((plan.schema.clone(), result.into()));
        }
        let mut values = value.into_values();
        for ((field, target), value) in schema.fields()?.iter().zip(&plan.targets).zip(&mut values) {
            let old = self.null_default.apply(field, mem::take(value));
            *value = match target {
                Some(target) => cast(Some(field.schema()), old, *target)?,
                None => old,
            };
        }
        Ok((plan.schema.clone(), Struct::from_checked(plan.schema.clone(), values)?.into()))
    }
}

impl Transform for Cast {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if record.value(self.part).is_null() {
            return Ok(Some(record));
        }
        let (schema, value) = record.take(self.part);
        match schema {
            None => record.set(self.part, None, self.schemaless(value)?),
            Some(schema) => {
                let (schema, value) = self.with_schema(&schema, value)?;
                record.set(self.part, Some(schema), value);
            }
        }
        Ok(Some(record))
    }
}

/// A struct whose schema is not the record's, cast field by field by its own; the record's has to have fields of these names.
fn by_name(spec: &Spec, value: &Struct, updated: &Schema, null_default: NullDefault) -> Result<Struct> {
    let mut result = Struct::new(updated.clone())?;
    for field in value.schema().fields()? {
        let old = null_default.field(value, field).clone();
        let new = match spec.target(field.name()) {
            Some(target) => cast(Some(field.schema()), old, target)?,
            None => old,
        };
        result.put(field.name(), new)?;
    }
    Ok(result)
}

fn plan(spec: &Spec, schema: &Schema) -> Result<Plan> {
    let mut targets = Vec::new();
    let (mut builder, whole) = match spec {
        Spec::Whole(target) => (SchemaBuilder::of_type(*target), *target),
        Spec::Fields(_) => (SchemaBuilder::structure(), SchemaType::Struct),
    };
    builder = copy_basics(schema, builder);
    if let Spec::Fields(_) = spec {
        for field in schema.fields()? {
            let target = spec.target(field.name());
            builder = builder.field(field.name(), target.map_or(Ok(field.schema().clone()), |to| retyped(field, to))?);
            targets.push(target);
        }
    }
    if schema.is_optional() {
        builder = builder.optional();
    }
    if let Some(default) = schema.default_value() {
        builder = builder.default(cast(Some(schema), default.clone(), whole)?);
    }
    Ok(Plan { schema: builder.build()?, targets })
}

/// The schema of a field that is cast: optionality and default stay, all else goes, as in Kafka Connect.
fn retyped(field: &Field, target: SchemaType) -> Result<Schema> {
    let mut builder = SchemaBuilder::of_type(target);
    if field.schema().is_optional() {
        builder = builder.optional();
    }
    if let Some(default) = field.schema().default_value() {
        builder = builder.default(cast(Some(field.schema()), default.clone(), target)?);
    }
    builder.build()
}

#[cfg(test)]
mod tests;
