//! `ReplaceField`: leaves fields out and renames fields.

use std::collections::HashMap;
use std::mem;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};

use crate::null_default::NullDefault;
use crate::plugin::{BuiltIn, key_and_value};
use crate::record::{ConnectRecord, Part, Transform};
use crate::requirements::{require_map, require_struct, text_key};
use crate::schema_basics::copy_basics;
use crate::schema_cache::SchemaCache;

const PURPOSE: &str = "field replacement";

pub(crate) const PLUGINS: [BuiltIn; 2] = key_and_value!("ReplaceField", definition, ReplaceField::new);

fn definition() -> ConfigDef {
    let list = |name, doc| {
        ConfigKey::new(name, ConfigType::List, Importance::Medium, doc).default(ParsedValue::List(Vec::new()))
    };
    let distinct = Validator::list_without_duplicates(true, false);
    let pairs =
        Validator::new("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", |_, value| match value {
            ParsedValue::List(mappings) => parse_renames(mappings).map(drop),
            _ => Ok(()),
        });
    ConfigDef::new()
        .define(list("exclude", "Fields to leave out, whether or not they are included.").validator(distinct.clone()))
        .define(list("include", "Fields to keep; none means all.").validator(distinct))
        .define(list("renames", "Fields to rename, as pairs of old and new name.").validator(pairs))
        .define(NullDefault::key())
}

/// `old:new` pairs; parts after the last that is not empty do not count, as with Java's `split`.
fn parse_renames(mappings: &[String]) -> Result<HashMap<String, String>, String> {
    let mut renames = HashMap::with_capacity(mappings.len());
    for mapping in mappings {
        match mapping.trim_end_matches(':').split_once(':') {
            Some((old, new)) if !new.contains(':') => renames.insert(old.to_owned(), new.to_owned()),
            _ => {
                let listed = mappings.join(", ");
                return Err(format!(
                    "Invalid value [{listed}] for configuration renames: Invalid rename mapping: {mapping}"
                ));
            }
        };
    }
    Ok(renames)
}

pub(crate) struct ReplaceField {
    part: Part,
    exclude: Vec<String>,
    include: Vec<String>,
    renames: HashMap<String, String>,
    null_default: NullDefault,
    plans: SchemaCache<Plan>,
}

/// The schema of what is left, and where its fields come from.
struct Plan {
    schema: Schema,
    from: Vec<usize>,
}

impl ReplaceField {
    fn new(config: &ParsedConfig, part: Part) -> Result<Self> {
        Ok(Self {
            exclude: config.list("exclude").to_vec(),
            include: config.list("include").to_vec(),
            renames: parse_renames(config.list("renames")).map_err(ConnectError::config)?,
            null_default: NullDefault::of(config),
            ..Self::excluding(part, Vec::new())
        })
    }

    /// One that only leaves fields out.
    pub(crate) fn excluding(part: Part, exclude: Vec<String>) -> Self {
        Self {
            part,
            exclude,
            include: Vec::new(),
            renames: HashMap::new(),
            null_default: NullDefault::YES,
            plans: SchemaCache::default(),
        }
    }

    fn schemaless(&self, map: Map) -> Result<Map> {
        let size = map.len();
        let mut entries = Vec::with_capacity(size);
        for (key, value) in map {
            if key.is_null() {
                // No configuration can name the null key.
                if self.include.is_empty() {
                    entries.push((key, value));
                }
                continue;
            }
            let name = text_key(&key)?;
            if keeps(&self.exclude, &self.include, name) {
                let renamed = self.renames.get(name).map(|new| new.as_str().into());
                entries.push((renamed.unwrap_or(key), value));
            }
        }
        Ok(Map::hash_ordered_of_capacity(size, entries))
    }

    fn with_schema(&mut self, value: Struct) -> Result<Struct> {
        let source = value.schema().clone();
        let (exclude, include, renames) = (&self.exclude, &self.include, &self.renames);
        let plan = self.plans.get_or_build(&source, |schema| Plan::of(schema, exclude, include, renames))?;
        let mut values = value.into_values();
        let fields = source.fields()?;
        let kept: Vec<Value> =
            plan.from.iter().map(|at| self.null_default.apply(&fields[*at], mem::take(&mut values[*at]))).collect();
        Struct::from_checked(plan.schema.clone(), kept)
    }
}

impl Plan {
    fn of(schema: &Schema, exclude: &[String], include: &[String], renames: &HashMap<String, String>) -> Result<Self> {
        let mut builder = copy_basics(schema, SchemaBuilder::structure());
        let mut from = Vec::with_capacity(schema.fields()?.len());
        for field in schema.fields()? {
            if keeps(exclude, include, field.name()) {
                let name = renames.get(field.name()).map_or(field.name(), String::as_str);
                builder = builder.field(name, field.schema().clone());
                from.push(field.index());
            }
        }
        Ok(Self { schema: builder.build()?, from })
    }
}

fn keeps(exclude: &[String], include: &[String], name: &str) -> bool {
    let lists = |names: &[String]| names.iter().any(|one| one == name);
    !lists(exclude) && (include.is_empty() || lists(include))
}

impl Transform for ReplaceField {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if record.value(self.part).is_null() {
            return Ok(Some(record));
        }
        let (schema, value) = record.take(self.part);
        let (schema, value): (_, Value) = match schema {
            None => (None, self.schemaless(require_map(value, PURPOSE)?)?.into()),
            Some(_) => {
                let value = self.with_schema(require_struct(value, PURPOSE)?)?;
                (Some(value.schema().clone()), value.into())
            }
        };
        record.set(self.part, schema, value);
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests;
