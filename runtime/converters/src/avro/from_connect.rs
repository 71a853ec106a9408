//! Connect schemas to Avro schemas, as Confluent's `AvroData.fromConnectSchema`.

mod defaults;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use indexmap::IndexMap;
use serde_json::Value as Json;
use sluice_api::data::{Field, logical};
use sluice_api::{ConnectError, Result, Schema, SchemaType};

use super::config::AvroDataConfig;
use super::names::{
    AVRO_ENUM, AVRO_ENUM_DEFAULT_PREFIX, AVRO_ENUM_DOC_PREFIX, AVRO_FIELD_DEFAULT_FLAG, AVRO_FIELD_DOC_PREFIX,
    AVRO_RECORD_DOC, CONNECT_DEFAULT, CONNECT_DOC, CONNECT_ENUM_DOC, CONNECT_INTERNAL_TYPE, CONNECT_NAME,
    CONNECT_PARAMETERS, CONNECT_RECORD_DOC, CONNECT_TYPE, CONNECT_VERSION, DECIMAL_PRECISION, DEFAULT_PRECISION,
    DEFAULT_SCHEMA_NAME, GENERALIZED_ENUM, KEY_FIELD, MAP_ENTRY, NAMESPACE, VALUE_FIELD, fixed_size, is_union,
    parameter,
};
use super::schema::{AvroField, AvroSchema, Enum, Kind, Name, NodeId, Record, is_valid_default};

/// The Avro schema that stands for `schema`; schemaless data has one of its own.
///
/// # Errors
/// `Data` when the schema cannot be mapped.
pub(super) fn from_connect(config: &AvroDataConfig, schema: Option<&Schema>) -> Result<AvroSchema> {
    let mut mapping = Mapping {
        config,
        avro: AvroSchema::empty(),
        structs: HashMap::new(),
        hashes: RandomState::new(),
        anything: None,
        seen_names: HashSet::new(),
        default_names: 0,
    };
    let root = mapping.schema(schema, false)?;
    mapping.avro.set_root(root);
    Ok(mapping.avro)
}

struct Mapping<'a> {
    config: &'a AvroDataConfig,
    avro: AvroSchema,
    /// Structs that were mapped before, by a hash of their outside: Avro defines a name once.
    structs: HashMap<u64, Vec<(Schema, NodeId)>>,
    hashes: RandomState,
    anything: Option<NodeId>,
    seen_names: HashSet<String>,
    default_names: usize,
}

impl Mapping<'_> {
    /// Maps a schema; `ignore_optional` leaves the union with null to the caller.
    fn schema(&mut self, schema: Option<&Schema>, ignore_optional: bool) -> Result<NodeId> {
        let Some(schema) = schema else { return Ok(self.anything()) };
        let base = match schema.schema_type() {
            SchemaType::Struct if is_union(schema) => return self.union(schema),
            SchemaType::Struct => match self.known(schema) {
                Some(known) => known,
                None => self.record(schema)?,
            },
            SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 => self.avro.add(Kind::Int),
            SchemaType::Int64 => self.avro.add(Kind::Long),
            SchemaType::Float32 => self.avro.add(Kind::Float),
            SchemaType::Float64 => self.avro.add(Kind::Double),
            SchemaType::Boolean => self.avro.add(Kind::Boolean),
            SchemaType::String => self.string(schema),
            SchemaType::Bytes => self.bytes(schema)?,
            SchemaType::Array => {
                let items = self.schema(schema.value_schema()?, false)?;
                self.avro.add(Kind::Array(items))
            }
            SchemaType::Map => self.map(schema)?,
        };
        // A struct has its properties since it was mapped.
        if schema.schema_type() != SchemaType::Struct {
            self.properties(schema, base)?;
        }
        Ok(if ignore_optional { base } else { self.optional(schema, base) })
    }

    fn optional(&mut self, schema: &Schema, base: NodeId) -> NodeId {
        if !schema.is_optional() {
            return base;
        }
        let null = self.avro.add(Kind::Null);
        // A default has to be a value of the first branch; an optional struct's never is.
        let default_first = schema.default_value().is_some() && schema.schema_type() != SchemaType::Struct;
        self.avro.add(Kind::Union(if default_first { vec![base, null] } else { vec![null, base] }))
    }

    fn known(&self, schema: &Schema) -> Option<NodeId> {
        let alike = self.structs.get(&self.outside(schema)?)?;
        alike.iter().find(|(known, _)| same_but_optional(known, schema)).map(|(_, id)| *id)
    }

    /// The same for structs that are the same; `None` for what is no struct.
    fn outside(&self, schema: &Schema) -> Option<u64> {
        let fields = schema.fields().ok()?;
        let names: Vec<&str> = fields.iter().map(Field::name).collect();
        Some(self.hashes.hash_one((schema.name(), schema.version(), names)))
    }

    fn union(&mut self, schema: &Schema) -> Result<NodeId> {
        let mut branches = Vec::new();
        if schema.is_optional() {
            branches.push(self.avro.add(Kind::Null));
        }
        for field in schema.fields()? {
            branches.push(self.schema(Some(field.schema()), true)?);
        }
        Ok(self.avro.add(Kind::Union(branches)))
    }

    fn record(&mut self, schema: &Schema) -> Result<NodeId> {
        let name = self.name_or_default(schema.name());
        let doc = if self.config.discard_type_doc_default { CONNECT_RECORD_DOC } else { AVRO_RECORD_DOC };
        let doc = parameter(schema, doc).map(str::to_owned);
        let id = self.avro.add(Kind::Record(Record { name, doc, fields: Vec::new() }));
        let mut fields = Vec::new();
        for field in schema.fields()? {
            let doc = parameter(schema, &format!("{AVRO_FIELD_DOC_PREFIX}{}", field.name())).map(str::to_owned);
            let name = self.config.field_name(field.name());
            let field = self.field(name, field.schema(), doc.filter(|_| !self.config.discard_type_doc_default))?;
            fields.push(field);
        }
        if let Kind::Record(record) = &mut self.avro.node_mut(id).kind {
            record.fields = fields;
        }
        self.properties(schema, id)?;
        if let Some(outside) = self.outside(schema) {
            self.structs.entry(outside).or_default().push((schema.clone(), id));
        }
        Ok(id)
    }

    fn field(&mut self, name: String, schema: &Schema, doc: Option<String>) -> Result<AvroField> {
        let default = match schema.default_value() {
            Some(default) => Some(defaults::to_json(self.config, schema, default)?),
            None => schema.is_optional().then_some(Json::Null),
        };
        let full = schema.name().map(|name| self.config.avro_name(name).full());
        let seen = full.is_some_and(|full| !self.seen_names.insert(full));
        let id = self.schema(Some(schema), false)?;
        let default = default.filter(|default| is_valid_default(&self.avro, id, default));
        let doc = if self.config.discard_type_doc_default { schema.doc().map(str::to_owned) } else { doc };
        let mut props = IndexMap::new();
        if seen && self.config.connect_meta_data && self.is_named(id) {
            // The type is written only where it is first used; what this use adds goes beside it.
            let parameters = self.parameters(schema);
            if !parameters.is_empty() {
                props.insert(CONNECT_PARAMETERS.to_owned(), Json::Object(parameters));
            }
        }
        Ok(AvroField { name, schema: id, doc, default, aliases: Vec::new(), props })
    }

    fn is_named(&self, id: NodeId) -> bool {
        match self.avro.kind(id) {
            Kind::Union(branches) => branches.iter().any(|branch| self.avro.kind(*branch).name().is_some()),
            kind => kind.name().is_some(),
        }
    }

    fn string(&mut self, schema: &Schema) -> NodeId {
        let config = self.config;
        let parameter_name = if config.generalized_sum_types { GENERALIZED_ENUM } else { AVRO_ENUM };
        let wanted = config.generalized_sum_types || config.enhanced_schema_support;
        let Some(enum_name) = parameter(schema, parameter_name).filter(|_| wanted) else {
            return self.avro.add(Kind::String);
        };
        let prefix = format!("{parameter_name}.");
        let keys = schema.parameters().into_iter().flat_map(IndexMap::keys);
        let symbols = keys.filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect();
        let own = self.name_or_default(schema.name()).name;
        let of_type = |prefix: &str| parameter(schema, &format!("{prefix}{own}")).map(str::to_owned);
        let (doc, default) = if config.discard_type_doc_default {
            (parameter(schema, CONNECT_ENUM_DOC).map(str::to_owned), None)
        } else {
            (of_type(AVRO_ENUM_DOC_PREFIX), of_type(AVRO_ENUM_DEFAULT_PREFIX))
        };
        self.avro.add(Kind::Enum(Enum { name: Name::new(enum_name, None), doc, symbols, default }))
    }

    fn bytes(&mut self, schema: &Schema) -> Result<NodeId> {
        let kind = match fixed_size(schema) {
            Some(size) => Kind::Fixed { name: self.name_or_default(schema.name()), size },
            None => Kind::Bytes,
        };
        let id = self.avro.add(kind);
        if schema.name() == Some(logical::DECIMAL) {
            let props = &mut self.avro.node_mut(id).props;
            props.insert("scale".to_owned(), Json::from(logical::decimal_scale(schema)?));
            props.insert("precision".to_owned(), Json::from(precision(schema)?));
        }
        Ok(id)
    }

    fn map(&mut self, schema: &Schema) -> Result<NodeId> {
        let (key, value) = (schema.key_schema()?, schema.value_schema()?);
        if is_string_key(self.config, key) {
            let values = self.schema(value, false)?;
            return Ok(self.avro.add(Kind::Map(values)));
        }
        let (name, named) = match schema.name() {
            None => (Name::new(MAP_ENTRY, Some(NAMESPACE)), false),
            Some(name) => (self.config.avro_name(name), true),
        };
        let entry = self.avro.add(Kind::Record(Record { name, doc: None, fields: Vec::new() }));
        if named {
            let props = &mut self.avro.node_mut(entry).props;
            props.insert(CONNECT_INTERNAL_TYPE.to_owned(), Json::from(MAP_ENTRY));
        }
        let missing =
            || ConnectError::data("a map with keys of another type than string needs schemas for keys and values");
        let fields = vec![
            self.field(KEY_FIELD.to_owned(), key.ok_or_else(missing)?, None)?,
            self.field(VALUE_FIELD.to_owned(), value.ok_or_else(missing)?, None)?,
        ];
        if let Kind::Record(record) = &mut self.avro.node_mut(entry).kind {
            record.fields = fields;
        }
        Ok(self.avro.add(Kind::Array(entry)))
    }

    /// What Avro has no place for.
    fn properties(&mut self, schema: &Schema, id: NodeId) -> Result<()> {
        let mut props = Vec::new();
        let mut add = |name: &str, value: Json| props.push((name.to_owned(), value));
        if self.config.connect_meta_data {
            if let Some(doc) = schema.doc() {
                add(CONNECT_DOC, doc.into());
            }
            if let Some(version) = schema.version() {
                add(CONNECT_VERSION, version.into());
            }
            let parameters = self.parameters(schema);
            if !parameters.is_empty() {
                add(CONNECT_PARAMETERS, Json::Object(parameters));
            }
            let of_field =
                !self.config.discard_type_doc_default && parameter(schema, AVRO_FIELD_DEFAULT_FLAG).is_some();
            if let Some(default) = schema.default_value().filter(|_| !of_field) {
                add(CONNECT_DEFAULT, defaults::to_json(self.config, schema, default)?);
            }
            if let Some(name) = schema.name() {
                add(CONNECT_NAME, name.into());
            }
            match schema.schema_type() {
                SchemaType::Int8 => add(CONNECT_TYPE, "int8".into()),
                SchemaType::Int16 => add(CONNECT_TYPE, "int16".into()),
                _ => {}
            }
        }
        if let Some(logical) = schema.name().and_then(logical_type) {
            add("logicalType", logical.into());
        }
        for (name, value) in schema.parameters().into_iter().flatten() {
            if name.starts_with("avro") {
                add(name, value.as_str().into());
            }
        }
        let all = &mut self.avro.node_mut(id).props;
        for (name, value) in props {
            all.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn parameters(&self, schema: &Schema) -> serde_json::Map<String, Json> {
        let all = schema.parameters().into_iter().flatten();
        let kept = all.filter(|(name, _)| self.config.discard_type_doc_default || *name != AVRO_FIELD_DEFAULT_FLAG);
        kept.map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
    }

    fn name_or_default(&mut self, name: Option<&str>) -> Name {
        if let Some(name) = name {
            return self.config.avro_name(name);
        }
        self.default_names += 1;
        let number = if self.default_names > 1 { self.default_names.to_string() } else { String::new() };
        Name::new(&format!("{DEFAULT_SCHEMA_NAME}{number}"), Some(NAMESPACE))
    }

    /// The record that holds one value of any type, for data without schema.
    fn anything(&mut self) -> NodeId {
        if let Some(known) = self.anything {
            return known;
        }
        let record =
            |name: &str, fields| Kind::Record(Record { name: Name::new(name, Some(NAMESPACE)), doc: None, fields });
        let id = self.avro.add(record("Anything", Vec::new()));
        self.anything = Some(id);
        let plain = |name: &str, schema, default| AvroField {
            name: name.to_owned(),
            schema,
            doc: None,
            default,
            aliases: Vec::new(),
            props: IndexMap::new(),
        };
        let entry = record(MAP_ENTRY, vec![plain(KEY_FIELD, id, None), plain(VALUE_FIELD, id, None)]);
        let entry = self.avro.add(entry);
        let kinds = [
            ("boolean", Kind::Boolean),
            ("bytes", Kind::Bytes),
            ("double", Kind::Double),
            ("float", Kind::Float),
            ("int", Kind::Int),
            ("long", Kind::Long),
            ("string", Kind::String),
            ("array", Kind::Array(id)),
            ("map", Kind::Array(entry)),
        ];
        let fields = kinds.map(|(name, kind)| {
            let (null, kind) = (self.avro.add(Kind::Null), self.avro.add(kind));
            plain(name, self.avro.add(Kind::Union(vec![null, kind])), Some(Json::Null))
        });
        if let Kind::Record(record) = &mut self.avro.node_mut(id).kind {
            record.fields = fields.into();
        }
        id
    }
}

/// Whether a map with these keys is an Avro map.
pub(super) fn is_string_key(config: &AvroDataConfig, key: Option<&Schema>) -> bool {
    key.is_some_and(|key| {
        key.schema_type() == SchemaType::String && (!key.is_optional() || config.allow_optional_map_keys)
    })
}

fn logical_type(name: &str) -> Option<&'static str> {
    match name {
        logical::DECIMAL => Some("decimal"),
        logical::DATE => Some("date"),
        logical::TIME => Some("time-millis"),
        logical::TIMESTAMP => Some("timestamp-millis"),
        _ => None,
    }
}

fn precision(schema: &Schema) -> Result<i32> {
    let Some(text) = parameter(schema, DECIMAL_PRECISION) else { return Ok(DEFAULT_PRECISION) };
    let wrong =
        || ConnectError::data(format!("parameter `{DECIMAL_PRECISION}` of {schema}: expected a number, got {text}"));
    text.parse().map_err(|_| wrong())
}

/// Whether the two differ in nothing but whether null is allowed.
fn same_but_optional(one: &Schema, other: &Schema) -> bool {
    if one.identity().is_some() && one.identity() == other.identity() {
        return true;
    }
    one.name() == other.name()
        && one.version() == other.version()
        && one.doc() == other.doc()
        && one.parameters() == other.parameters()
        && one.default_value() == other.default_value()
        && one.fields().ok() == other.fields().ok()
}
