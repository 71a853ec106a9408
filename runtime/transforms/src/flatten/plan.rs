//! What flattening makes of a struct schema, worked out once for all its records.

use sluice_api::data::Field;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, SchemaType, Struct, Value};

use crate::schema_basics::{copy_basics, same_type_with_basics};

/// The flat schema, and what becomes of each field.
pub(super) struct Plan {
    schema: Schema,
    steps: Vec<Step>,
}

/// One field of the nested schema, in its place.
enum Step {
    /// It becomes the next field.
    Leaf,
    /// Its fields are flattened.
    Nested(Vec<Step>),
}

impl Plan {
    pub(super) fn of(schema: &Schema, delimiter: &str) -> Result<Self> {
        let mut flat = Flat { builder: copy_basics(schema, SchemaBuilder::structure()), delimiter };
        let default = schema.default_value().and_then(as_struct);
        let steps = flat.add(schema, "", schema.is_optional(), default)?;
        Ok(Self { schema: flat.builder.build()?, steps })
    }

    pub(super) fn apply(&self, value: Struct) -> Result<Struct> {
        let mut leaves = Leaves { values: Vec::with_capacity(self.schema.fields()?.len()), unset: Vec::new() };
        leaves.put(value, &self.steps)?;
        if leaves.unset.is_empty() {
            return Struct::from_checked(self.schema.clone(), leaves.values);
        }
        let mut flat = Struct::new(self.schema.clone())?;
        for (field, value) in self.schema.fields()?.iter().zip(leaves.values) {
            if !leaves.unset.contains(&field.index()) {
                flat.put_checked(field, value)?;
            }
        }
        Ok(flat)
    }

    /// As [`Plan::apply`], for a struct whose schema is not the record's: its own fields are put under their flat names, which the
    /// record's schema has to have.
    pub(super) fn apply_by_name(&self, value: &Struct, delimiter: &str) -> Result<Struct> {
        let mut flat = Struct::new(self.schema.clone())?;
        put_by_name(value, "", delimiter, &mut flat)?;
        Ok(flat)
    }
}

fn put_by_name(value: &Struct, prefix: &str, delimiter: &str, flat: &mut Struct) -> Result<()> {
    for field in value.schema().fields()? {
        let name = flat_name(prefix, delimiter, field.name());
        match (field.schema().schema_type(), value.get_field(field)) {
            (SchemaType::Struct, Value::Struct(inner)) => put_by_name(inner, &name, delimiter, flat)?,
            (SchemaType::Struct, _) => {}
            (SchemaType::Map, _) => return Err(unsupported(field, &name)),
            (_, value) => drop(flat.put(&name, value.clone())?),
        }
    }
    Ok(())
}

fn flat_name(prefix: &str, delimiter: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{delimiter}{name}") }
}

/// The values of the flat struct, in the order of its fields.
struct Leaves {
    values: Vec<Value>,
    /// Those below a struct that is missing: not even null was put there.
    unset: Vec<usize>,
}

impl Leaves {
    fn put(&mut self, value: Struct, steps: &[Step]) -> Result<()> {
        let schema = value.schema().clone();
        let values = value.into_values().into_vec();
        for ((field, value), step) in schema.fields()?.iter().zip(values).zip(steps) {
            match (step, value) {
                (Step::Leaf, Value::Null) => {
                    self.values.push(field.schema().default_value().cloned().unwrap_or_default());
                }
                (Step::Leaf, value) => self.values.push(value),
                (Step::Nested(steps), Value::Struct(inner)) => self.put(inner, steps)?,
                (Step::Nested(steps), _) => self.leave_out(steps),
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Leaf => {
                    self.unset.push(self.values.len());
                    self.values.push(Value::Null);
                }
                Step::Nested(steps) => self.leave_out(steps),
            }
        }
    }
}

struct Flat<'a> {
    builder: SchemaBuilder,
    delimiter: &'a str,
}

impl Flat<'_> {
    /// Adds the leaves below `schema`. They are optional where anything above them is, and what they have no default for comes
    /// from the nearest struct above that has one.
    fn add(&mut self, schema: &Schema, prefix: &str, optional: bool, default: Option<&Struct>) -> Result<Vec<Step>> {
        let mut steps = Vec::with_capacity(schema.fields()?.len());
        for field in schema.fields()? {
            let name = flat_name(prefix, self.delimiter, field.name());
            let optional = optional || field.schema().is_optional();
            let inherited = || default.map(|default| default.get_field(field)).filter(|value| !value.is_null());
            let default = field.schema().default_value().or_else(inherited);
            steps.push(match field.schema().schema_type() {
                SchemaType::Struct => {
                    Step::Nested(self.add(field.schema(), &name, optional, default.and_then(as_struct))?)
                }
                SchemaType::Map => return Err(unsupported(field, &name)),
                _ => self.leaf(name, leaf_schema(field.schema(), optional, default)?)?,
            });
        }
        Ok(steps)
    }

    fn leaf(&mut self, name: String, schema: Schema) -> Result<Step> {
        let builder = std::mem::replace(&mut self.builder, SchemaBuilder::structure());
        self.builder = builder.field(name, schema).checked()?;
        Ok(Step::Leaf)
    }
}

fn leaf_schema(source: &Schema, optional: bool, default: Option<&Value>) -> Result<Schema> {
    let mut builder = same_type_with_basics(source);
    if optional {
        builder = builder.optional();
    }
    if let Some(default) = default {
        builder = builder.default(default.clone());
    }
    builder.build()
}

fn unsupported(field: &Field, name: &str) -> ConnectError {
    let schema_type = field.schema().schema_type();
    ConnectError::data(format!(
        "Flatten transformation does not support {schema_type} for record with schemas (for field {name})."
    ))
}

fn as_struct(value: &Value) -> Option<&Struct> {
    match value {
        Value::Struct(value) => Some(value),
        _ => None,
    }
}
