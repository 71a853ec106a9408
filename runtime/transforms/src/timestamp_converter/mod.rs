//! `TimestampConverter`: gives a timestamp another form, as a whole key or value or as a field (connect-plugins.md 2.2).

mod form;

use bytestring::ByteString;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};

use self::form::{Form, Precision, Settings};
use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;
use crate::simple_date_format::{SimpleDateFormat, valid_pattern};

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("TimestampConverter", definition, TimestampConverter::new);

const PURPOSE: &str = "converting timestamp formats";

fn definition() -> ConfigDef {
    let key = |name, importance, doc| ConfigKey::new(name, ConfigType::String, importance, doc);
    let text = |text: &str| ParsedValue::String(text.to_owned());
    let field = "The field that holds the timestamp; empty when the whole key or value is one.";
    let target = "The form to give the timestamp: string, unix, Date, Time or Timestamp.";
    let format = "How a timestamp that is a string is written, in UTC: a pattern of <code>java.text.SimpleDateFormat</code>. \
                  Needed when the target is a string, and to read timestamps that are strings.";
    let precision = "What a timestamp that is a number counts: seconds, milliseconds, microseconds or nanoseconds. What is \
                     finer than a millisecond is lost.";
    ConfigDef::new()
        .define(key("field", Importance::High, field).default(text("")))
        .define(key("target.type", Importance::High, target).validator(Validator::one_of(&Form::NAMES)))
        .define(key("format", Importance::Medium, format).default(text("")).validator(valid_pattern()))
        .define(
            key("unix.precision", Importance::Low, precision)
                .default(text("milliseconds"))
                .validator(Validator::one_of(&Precision::NAMES)),
        )
        .define(NullDefault::key())
}

struct TimestampConverter {
    part: Part,
    /// Empty for the whole key or value.
    field: ByteString,
    settings: Settings,
    null_default: NullDefault,
    plans: SchemaCache<Plan>,
}

/// What is done with structs of one schema.
struct Plan {
    schema: Schema,
    /// The field's index, when there is such a field, and the form that its schema says it has.
    field: Option<(usize, Result<Form, String>)>,
}

impl TimestampConverter {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let pattern = config.string("format");
        let target = Form::named(config.string("target.type"));
        // Blank to Java: nothing but what its `trim` takes away.
        let is_blank = pattern.chars().all(|c| c <= ' ');
        if target == Form::String && is_blank {
            let message = "TimestampConverter requires format option to be specified when using string timestamps";
            return Err(ConnectError::config(message));
        }
        let format = (!is_blank)
            .then(|| SimpleDateFormat::new(pattern))
            .transpose()
            .map_err(|error| ConnectError::config(format!("`format`: {error}")).with_source(error))?;
        Ok(Self {
            part,
            field: config.string("field").into(),
            settings: Settings { target, format, precision: Precision::named(config.string("unix.precision")) },
            null_default: NullDefault::of(config),
            plans: SchemaCache::default(),
        })
    }

    fn schemaless(&mut self, value: Value) -> Result<Value> {
        if value.is_null() || self.field.is_empty() {
            return self.settings.convert(value, None);
        }
        let map = require_map(value, PURPOSE)?;
        let timestamp = map.get(&self.field).cloned().unwrap_or_default();
        let converted = self.settings.convert(timestamp, None)?;
        Ok(map.hash_copy([(Value::String(self.field.clone()), converted)]).into())
    }

    fn with_schema(&mut self, schema: &Schema, value: Value) -> Result<(Schema, Value)> {
        if self.field.is_empty() {
            let form = Form::of(schema).map_err(ConnectError::connect)?;
            let converted = self.settings.convert(value, Some(form))?;
            return Ok((self.settings.target.schema(schema.is_optional()), converted));
        }
        let value = if value.is_null() { None } else { Some(require_struct(value, PURPOSE)?) };
        let (field, settings, null_default) = (&self.field, &mut self.settings, self.null_default);
        let plan = self.plans.get_or_build(schema, |schema| plan(schema, field, settings, null_default))?;
        let value = match value {
            None => Value::Null,
            Some(value) if value.schema() == schema => rewritten(value, plan, settings, null_default)?.into(),
            Some(value) => rewritten_by_name(&value, plan, field, settings, null_default)?.into(),
        };
        Ok((plan.schema.clone(), value))
    }
}

impl Transform for TimestampConverter {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let (schema, value) = record.take(self.part);
        let (schema, value) = match schema {
            None => (None, self.schemaless(value)?),
            Some(schema) => self.with_schema(&schema, value).map(|(schema, value)| (Some(schema), value))?,
        };
        record.set(self.part, schema, value);
        Ok(Some(record))
    }
}

fn plan(schema: &Schema, name: &str, settings: &mut Settings, null_default: NullDefault) -> Result<Plan> {
    let mut builder = copy_basics(schema, SchemaBuilder::structure());
    let mut converted = None;
    for field in schema.fields()? {
        let is_it = field.name() == name;
        let (old, target) = (field.schema(), settings.target);
        builder = builder.field(field.name(), if is_it { target.schema(old.is_optional()) } else { old.clone() });
        if is_it {
            converted = Some((field.index(), Form::of(old)));
        }
    }
    if schema.is_optional() {
        builder = builder.optional();
    }
    builder = builder.checked()?;
    let mut plan = Plan { schema: builder.so_far(), field: converted };
    if let Some(Value::Struct(default)) = schema.default_value() {
        let default = rewritten(default.clone(), &plan, settings, null_default)?;
        plan.schema = builder.struct_default(default).build()?;
    }
    Ok(plan)
}

/// The struct with its field converted, by the plan for its schema.
fn rewritten(value: Struct, plan: &Plan, settings: &mut Settings, null_default: NullDefault) -> Result<Struct> {
    let schema = value.schema().clone();
    let mut updated = Struct::new(plan.schema.clone())?;
    let fields = schema.fields()?.iter().zip(plan.schema.fields()?);
    for ((field, new_field), value) in fields.zip(value.into_values()) {
        let value = null_default.apply(field, value);
        let value = match &plan.field {
            Some((at, form)) if *at == field.index() => {
                let form = form.clone().map_err(ConnectError::connect)?;
                settings.convert(value, Some(form))?
            }
            _ => value,
        };
        updated.put_field(new_field, value)?;
    }
    Ok(updated)
}

/// As [`rewritten`], for a struct whose schema is not the record's: its own fields are put by name.
fn rewritten_by_name(
    value: &Struct,
    plan: &Plan,
    name: &str,
    settings: &mut Settings,
    null_default: NullDefault,
) -> Result<Struct> {
    let mut updated = Struct::new(plan.schema.clone())?;
    for field in value.schema().fields()? {
        let mut new = null_default.field(value, field).clone();
        if field.name() == name {
            new = settings.convert(new, Some(Form::of(field.schema()).map_err(ConnectError::connect)?))?;
        }
        updated.put(field.name(), new)?;
    }
    Ok(updated)
}

#[cfg(test)]
mod tests;
