//! `HeaderFrom`: fields of the key or value become headers, by copy or by move.

use std::sync::Arc;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator, invalid};
use sluice_api::data::Map;
use sluice_api::{ConnectError, Headers, Result, Schema, SchemaBuilder, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("HeaderFrom", definition, HeaderFrom::new);

fn definition() -> ConfigDef {
    let list = |name, doc| ConfigKey::new(name, ConfigType::List, Importance::High, doc).validator(non_empty_list());
    let doc = "`move` takes the fields out of the key or value, `copy` leaves them there.";
    let operation = ConfigKey::new("operation", ConfigType::String, Importance::High, doc);
    ConfigDef::new()
        .define(list("fields", "The fields that become headers."))
        .define(list("headers", "The names of the headers, in the order of the fields."))
        .define(operation.validator(Validator::one_of(&["move", "copy"])))
        .define(NullDefault::key())
}

/// This transformation still takes a list with duplicates, unlike the others of Kafka Connect 4.3.
fn non_empty_list() -> Validator {
    Validator::new("non-empty list", |name, value| match value {
        ParsedValue::List(items) if !items.is_empty() => Ok(()),
        ParsedValue::List(_) => Err(invalid(name, &ParsedValue::String("[]".to_owned()), "Empty list")),
        value => Err(invalid(name, value, "Empty list")),
    })
}

struct HeaderFrom {
    part: Part,
    /// Field and header.
    pairs: Vec<(String, Arc<str>)>,
    moves: bool,
    null_default: NullDefault,
    left_over: SchemaCache<LeftOver>,
}

/// What moving leaves of a schema, and where its fields come from.
struct LeftOver {
    schema: Schema,
    from: Vec<usize>,
}

impl HeaderFrom {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        let (fields, headers) = (config.list("fields"), config.list("headers"));
        if fields.len() != headers.len() {
            let message = "'fields' config must have the same number of elements as 'headers' config.";
            return Err(ConnectError::config(message));
        }
        let pairs = fields.iter().cloned().zip(headers.iter().map(|name| name.as_str().into())).collect();
        let moves = config.string("operation") == "move";
        Ok(Self { part, pairs, moves, null_default: NullDefault::of(config), left_over: SchemaCache::default() })
    }

    fn purpose(&self) -> &'static str {
        if self.moves { "header move" } else { "header copy" }
    }

    fn schemaless(&self, map: Map, headers: &mut Headers) -> Result<Map> {
        for (field, header) in &self.pairs {
            headers.add(header.clone(), None, map.get(field).cloned().unwrap_or_default())?;
        }
        let mut copy = map.hash_copy([]);
        if self.moves {
            for (field, _) in &self.pairs {
                copy.remove(field);
            }
        }
        Ok(copy)
    }

    fn with_schema(&mut self, value: Struct, schema: &Schema, headers: &mut Headers) -> Result<Struct> {
        if value.schema() != schema {
            return self.by_name(value, schema, headers);
        }
        for (name, header) in &self.pairs {
            // Kafka Connect fails here too, with a NullPointerException.
            let field = schema.field(name)?;
            let field = field.ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
            let value = self.null_default.field(&value, field).clone();
            headers.add(header.clone(), Some(field.schema().clone()), value)?;
        }
        if !self.moves {
            return Ok(value);
        }
        let pairs = &self.pairs;
        let left_over = self.left_over.get_or_build(schema, |schema| LeftOver::of(schema, pairs))?;
        let fields = schema.fields()?;
        let mut values = value.into_values();
        let left: Vec<Value> = left_over
            .from
            .iter()
            .map(|at| self.null_default.apply(&fields[*at], std::mem::take(&mut values[*at])))
            .collect();
        Struct::from_checked(left_over.schema.clone(), left)
    }

    /// As [`HeaderFrom::with_schema`], for a struct whose schema is not the record's: its values are found by name.
    fn by_name(&mut self, value: Struct, schema: &Schema, headers: &mut Headers) -> Result<Struct> {
        let null_default = self.null_default;
        let left = match self.moves {
            true => {
                let pairs = &self.pairs;
                let left_over = self.left_over.get_or_build(schema, |schema| LeftOver::of(schema, pairs))?;
                let mut left = Struct::new(left_over.schema.clone())?;
                for field in left_over.schema.fields()? {
                    left.put_field(field, null_default.named(&value, field.name())?.clone())?;
                }
                Some(left)
            }
            false => None,
        };
        for (name, header) in &self.pairs {
            let field = schema.field(name)?;
            let field = field.ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
            let found = value.schema().field(name)?;
            let found = found.map_or(Value::Null, |own| null_default.field(&value, own).clone());
            headers.add(header.clone(), Some(field.schema().clone()), found)?;
        }
        Ok(left.unwrap_or(value))
    }
}

impl LeftOver {
    fn of(schema: &Schema, pairs: &[(String, Arc<str>)]) -> Result<Self> {
        let mut builder = copy_basics(schema, SchemaBuilder::structure());
        let mut from = Vec::new();
        for field in schema.fields()? {
            if !pairs.iter().any(|(moved, _)| moved == field.name()) {
                builder = builder.field(field.name(), field.schema().clone());
                from.push(field.index());
            }
        }
        Ok(Self { schema: builder.build()?, from })
    }
}

impl Transform for HeaderFrom {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let (schema, value) = record.take(self.part);
        let purpose = self.purpose();
        let (schema, value): (_, Value) = match schema {
            None => (None, self.schemaless(require_map(value, purpose)?, record.headers_mut())?.into()),
            Some(schema) => {
                let value = self.with_schema(require_struct(value, purpose)?, &schema, record.headers_mut())?;
                (Some(if self.moves { value.schema().clone() } else { schema }), value.into())
            }
        };
        record.set(self.part, schema, value);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests;
