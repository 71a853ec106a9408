//! `Flatten`: nested structs or maps become one, with names joined by a delimiter. Lists stay as they are.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue};
use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Value};

use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct, text_key};
use crate::schema_cache::SchemaCache;

mod plan;

use plan::Plan;

const PURPOSE: &str = "flattening";

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("Flatten", definition, Flatten::new);

fn definition() -> ConfigDef {
    let doc = "What stands between the names of the levels in the name of a flattened field.";
    let key = ConfigKey::new("delimiter", ConfigType::String, Importance::Medium, doc);
    ConfigDef::new().define(key.default(ParsedValue::String(".".to_owned())))
}

struct Flatten {
    part: Part,
    delimiter: String,
    plans: SchemaCache<Plan>,
}

impl Flatten {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        Ok(Self { part, delimiter: config.string("delimiter").to_owned(), plans: SchemaCache::default() })
    }

    fn schemaless(&self, value: Value) -> Result<Value> {
        let mut entries = Vec::new();
        self.collect(require_map(value, PURPOSE)?, None, &mut entries)?;
        Ok(Map::insertion_ordered(entries).into())
    }

    fn collect(&self, map: Map, prefix: Option<&str>, entries: &mut Vec<(Value, Value)>) -> Result<()> {
        for (key, value) in map {
            let own = if key.is_null() { "null" } else { text_key(&key)? };
            let name = match prefix.filter(|prefix| !prefix.is_empty()) {
                None => key,
                Some(prefix) => format!("{prefix}{}{own}", self.delimiter).into(),
            };
            match value {
                Value::Map(inner) if inner.is_empty() => {}
                Value::Map(inner) => self.collect(inner, Some(text_key(&name)?), entries)?,
                Value::Date(_) | Value::Decimal(_) => return Err(not_of_connect(&value)),
                Value::Struct(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support class {} for record without schemas (for field {name}).",
                        value.java_class()
                    )));
                }
                value => entries.push((name, value)),
            }
        }
        Ok(())
    }
}

impl Transform for Flatten {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if record.value(self.part).is_null() {
            return Ok(Some(record));
        }
        let (schema, value) = record.take(self.part);
        let Some(schema) = schema else {
            let flat = self.schemaless(value)?;
            record.set(self.part, None, flat);
            return Ok(Some(record));
        };
        let value = require_struct(value, PURPOSE)?;
        let delimiter = &self.delimiter;
        let plan = self.plans.get_or_build(&schema, |schema| Plan::of(schema, delimiter))?;
        let flat = if *value.schema() == schema { plan.apply(value)? } else { plan.apply_by_name(&value, delimiter)? };
        record.set(self.part, Some(flat.schema().clone()), flat.into());
        Ok(Some(record))
    }
}

fn not_of_connect(value: &Value) -> ConnectError {
    ConnectError::data(format!(
        "Flatten transformation was passed a value of type class {} which is not supported by Connect's data API",
        value.java_class()
    ))
}

#[cfg(test)]
mod tests;
