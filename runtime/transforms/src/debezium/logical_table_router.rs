//! `ByLogicalTableRouter`: change events of several tables go to one topic, with a key that tells the tables apart.

use std::sync::Arc;

use bytestring::ByteString;
use indexmap::IndexMap;
use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedValue, Width};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties, Result, Schema, SchemaBuilder, Struct, Value};
use tracing::warn;

use super::envelope::{self, AFTER, BEFORE};
use super::names::NameAdjustment;
use super::plugin::DebeziumPlugin;
use super::routing::replaced;
use super::settings::{Settings, key};
use super::splitting::trim;
use crate::record::{ConnectRecord, Part, Transform, boxed};
use crate::requirements::require_struct;
use crate::schema_cache::SchemaCache;

pub(super) const PLUGIN: DebeziumPlugin = DebeziumPlugin {
    class: "io.debezium.transforms.ByLogicalTableRouter",
    definition,
    create: |properties| Router::new(properties).map(boxed),
};

const PURPOSE: &str = "Updating schema";

fn definition() -> ConfigDef {
    let text = |name, display, doc| key(name, ConfigType::String, Importance::Low, Width::Long, display, doc);
    let flag = key(
        "key.enforce.uniqueness",
        ConfigType::Boolean,
        Importance::Low,
        Width::Short,
        "Add source topic name into key",
        "Whether the key gets a field that names the table, since keys of several tables may be the same.",
    );
    let size = key(
        "logical.table.cache.size",
        ConfigType::Int,
        Importance::Low,
        Width::Long,
        "Logical table cache size",
        "How many topics are remembered with what they become, and how many schemas of each.",
    );
    let doc = "A regular expression for the whole name of the topic that a record comes with.";
    let key_doc = "A regular expression for the whole name of that topic, from which the field of the key is made.";
    ConfigDef::new()
        .define(text("topic.regex", "Topic regex", doc))
        .define(text(
            "topic.replacement",
            "Topic replacement",
            "The new topic; `$1` is the first group of the expression.",
        ))
        .define(flag.default(ParsedValue::Boolean(true)))
        .define(text("key.field.regex", "Key field regex", key_doc))
        .define(text("key.field.replacement", "Key field replacement", "What the field of the key becomes."))
        .define(size.default(ParsedValue::Int(16)))
}

struct Router {
    topic_regex: JavaRegex,
    topic_replacement: String,
    key_field: Option<Arc<KeyField>>,
    adjustment: NameAdjustment,
    remembered_topics: usize,
    routes: IndexMap<Arc<str>, Option<Route>>,
}

/// The field that tells tables apart.
struct KeyField {
    name: String,
    /// Makes its value from the old topic; without, it is that topic.
    pattern: Option<(JavaRegex, String)>,
}

/// What becomes of the records of a topic.
struct Route {
    topic: Arc<str>,
    /// What the key says of the table, once a record with a key came.
    identifier: Option<ByteString>,
    keys: SchemaCache<Schema>,
    envelopes: SchemaCache<Envelope>,
}

/// The schemas of a change event and of the rows in it.
struct Envelope {
    schema: Schema,
    row: Schema,
    /// Whether both rows have the same fields, so that values need no look for their place.
    alike: bool,
}

impl Router {
    fn new(properties: &Properties) -> Result<Self> {
        let mut settings = Settings::new(properties);
        let text = settings.required("topic.regex");
        let topic_regex = settings.regex("topic.regex", text);
        let topic_replacement = settings.required("topic.replacement").to_owned();
        let uniqueness = settings.flag("key.enforce.uniqueness", true);
        let key_regex = settings.opt_text("key.field.regex").filter(|text| !trim(text).is_empty());
        let key_regex = key_regex.and_then(|text| settings.regex("key.field.regex", text));
        let key_replacement = settings.text("key.field.replacement", "");
        if key_regex.is_some() && trim(key_replacement).is_empty() {
            settings
                .problem("key.field.replacement", "key.field.replacement must be non-empty if key.field.regex is set.");
        }
        let adjustment = settings.choice("schema.name.adjustment.mode", &NameAdjustment::CHOICES);
        let remembered_topics = settings.number("logical.table.cache.size", 16);
        if let Some(error) = settings.connect_error() {
            return Err(error);
        }
        let key_field = KeyField {
            name: settings.text("key.field.name", "__dbz__physicalTableIdentifier").to_owned(),
            pattern: key_regex.map(|regex| (regex, key_replacement.to_owned())),
        };
        Ok(Self {
            topic_regex: topic_regex.ok_or_else(|| ConnectError::connect("Unable to validate config."))?,
            topic_replacement,
            key_field: uniqueness.then(|| Arc::new(key_field)),
            adjustment,
            remembered_topics: usize::try_from(remembered_topics).unwrap_or(0).max(1),
            routes: IndexMap::new(),
        })
    }

    fn route(&mut self, topic: &Arc<str>) -> Result<Option<&mut Route>> {
        if !self.routes.contains_key(topic) {
            let route = self.new_route(topic)?;
            if self.routes.len() >= self.remembered_topics {
                self.routes.shift_remove_index(0);
            }
            self.routes.insert(topic.clone(), route);
        }
        Ok(self.routes.get_mut(topic).and_then(Option::as_mut))
    }

    /// `None` for a topic that stays as it is.
    fn new_route(&self, old: &str) -> Result<Option<Route>> {
        let Some(topic) = replaced(&self.topic_regex, old, &self.topic_replacement)? else { return Ok(None) };
        if topic.is_empty() {
            warn!(topic = old, "`topic.replacement` gives an empty topic: records stay as they are");
            return Ok(None);
        }
        Ok(Some(Route {
            topic: topic.into(),
            identifier: None,
            keys: SchemaCache::of_capacity(self.remembered_topics),
            envelopes: SchemaCache::of_capacity(self.remembered_topics),
        }))
    }
}

impl KeyField {
    /// What tells the table of a topic apart.
    fn identifier(&self, topic: &str) -> Result<ByteString> {
        let made = match &self.pattern {
            Some((regex, replacement)) => replaced(regex, topic, replacement)?,
            None => None,
        };
        Ok(made.map_or_else(|| topic.into(), ByteString::from))
    }
}

impl Transform for Router {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        let topic = record.topic().clone();
        let (adjustment, key_field) = (self.adjustment, self.key_field.clone());
        let Some(route) = self.route(&topic)? else { return Ok(Some(record)) };
        let (_, key) = record.take(Part::Key);
        if !key.is_null() {
            let key = route.key(require_struct(key, PURPOSE)?, adjustment, key_field.as_deref(), &topic)?;
            record.set(Part::Key, Some(key.schema().clone()), key.into());
        }
        if !record.value(Part::Value).is_null() && envelope::is_envelope(record.schema(Part::Value)) {
            let (_, value) = record.take(Part::Value);
            let value = route.event(require_struct(value, PURPOSE)?, adjustment)?;
            record.set(Part::Value, Some(value.schema().clone()), value.into());
        }
        record.set_topic(route.topic.clone());
        Ok(Some(record))
    }
}

impl Route {
    fn key(
        &mut self,
        key: Struct,
        adjustment: NameAdjustment,
        field: Option<&KeyField>,
        old_topic: &str,
    ) -> Result<Struct> {
        let topic = &self.topic;
        let schema = self.keys.get_or_build(key.schema(), |schema| {
            let name = adjustment.schema_name(format!("{topic}.Key"));
            let builder = with_fields(schema, without_name(schema).name(name))?;
            match field {
                Some(field) => builder.field(field.name.as_str(), Schema::STRING).build(),
                None => builder.build(),
            }
        })?;
        let mut values = key.into_values().into_vec();
        if let Some(field) = field {
            let identifier = match &self.identifier {
                Some(known) => known.clone(),
                None => self.identifier.insert(field.identifier(old_topic)?).clone(),
            };
            values.push(identifier.into());
        }
        Struct::from_checked(schema.clone(), values)
    }

    fn event(&mut self, event: Struct, adjustment: NameAdjustment) -> Result<Struct> {
        let topic = &self.topic;
        let source = event.schema().clone();
        let renamed = self.envelopes.get_or_build(&source, |schema| Envelope::of(schema, topic, adjustment))?;
        let mut values = event.into_values();
        for (field, value) in source.fields()?.iter().zip(&mut values) {
            let taken = std::mem::take(value);
            *value = match (taken, field.schema().default_value()) {
                (Value::Null, Some(default)) => default.clone(),
                (row, _) if is_row(field.name()) && !row.is_null() => {
                    renamed.row(require_struct(row, PURPOSE)?)?.into()
                }
                (other, _) => other,
            };
        }
        Struct::from_checked(renamed.schema.clone(), values)
    }
}

impl Envelope {
    fn of(schema: &Schema, topic: &str, adjustment: NameAdjustment) -> Result<Self> {
        let row = envelope::known_field(schema, BEFORE)?.schema();
        let name = adjustment.schema_name(format!("{topic}.Value"));
        let row = with_fields(row, without_name(row).name(name))?.build()?;
        let name = adjustment.schema_name(envelope::schema_name(topic));
        let mut builder = without_name(schema).name(name);
        for field in schema.fields()? {
            let field_schema = if is_row(field.name()) { &row } else { field.schema() };
            builder = builder.field(field.name(), field_schema.clone());
        }
        let after = schema.field(AFTER)?.map(|field| field.schema().fields()).transpose()?;
        let alike = after.is_none_or(|fields| row.fields().is_ok_and(|of_row| of_row == fields));
        Ok(Self { schema: builder.build()?, row, alike })
    }

    fn row(&self, row: Struct) -> Result<Struct> {
        if self.alike {
            return Struct::from_checked(self.row.clone(), row.into_values());
        }
        let source = row.schema().clone();
        let mut renamed = Struct::new(self.row.clone())?;
        for (field, value) in source.fields()?.iter().zip(row.into_values()) {
            renamed.put(field.name(), value)?;
        }
        renamed.validate()?;
        Ok(renamed)
    }
}

fn is_row(field: &str) -> bool {
    matches!(field, BEFORE | AFTER)
}

/// A struct builder with everything that `source` has but its name, default and fields.
fn without_name(source: &Schema) -> SchemaBuilder {
    let mut builder = SchemaBuilder::structure();
    if let Some(version) = source.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = source.doc() {
        builder = builder.doc(doc);
    }
    if source.is_optional() {
        builder = builder.optional();
    }
    let parameters = source.parameters().into_iter().flatten();
    builder.parameters(parameters.map(|(name, value)| (name.clone(), value.clone())))
}

fn with_fields(source: &Schema, builder: SchemaBuilder) -> Result<SchemaBuilder> {
    let fields = source.fields()?.iter();
    Ok(fields.fold(builder, |builder, field| builder.field(field.name(), field.schema().clone())))
}

#[cfg(test)]
mod tests;
