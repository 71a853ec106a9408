//! Avro schemas to Connect schemas, as Confluent's `AvroData.toConnectSchema`. A recursive schema is refused: a Connect schema here
//! is a tree.

mod defaults;

use serde_json::Value as Json;
use sluice_api::data::logical;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder};

use super::config::AvroDataConfig;
use super::names::{
    AVRO_ENUM, AVRO_ENUM_DEFAULT_PREFIX, AVRO_ENUM_DOC_PREFIX, AVRO_FIELD_DEFAULT_FLAG, AVRO_FIELD_DOC_PREFIX,
    AVRO_RECORD_DOC, AVRO_UNION, CONNECT_DEFAULT, CONNECT_DOC, CONNECT_ENUM_DOC, CONNECT_INTERNAL_TYPE, CONNECT_NAME,
    CONNECT_PARAMETERS, CONNECT_RECORD_DOC, CONNECT_TYPE, CONNECT_VERSION, DECIMAL_PRECISION, DEFAULT_PRECISION,
    DEFAULT_SCHEMA_FULL_NAME, FIXED_SIZE, GENERALIZED_ENUM, GENERALIZED_UNION, KEY_FIELD, MAP_ENTRY, NAMESPACE,
    VALUE_FIELD,
};
use super::schema::{AvroField, AvroSchema, Enum, Kind, NodeId, Record};

/// A schema that unfolds to more types than this is an attack.
const MOST_TYPES: usize = 50_000;
/// Types in each other, so deep that nobody means it.
const DEEPEST: usize = 150;

pub(super) use defaults::value as default_value;

/// The Connect schema that stands for `avro`; `None` when it is the one of schemaless data. `version` is the registry's.
///
/// # Errors
/// `Data` when the schema cannot be mapped; a recursive one is named.
pub(super) fn to_connect(config: &AvroDataConfig, avro: &AvroSchema, version: Option<i32>) -> Result<Option<Schema>> {
    if is_anything(avro) {
        return Ok(None);
    }
    let mut mapping = Mapping { config, avro, open: Vec::new(), types: 0, unions: 0 };
    mapping.schema(avro.root(), &Use { version, ..Use::default() }).map(Some)
}

/// Whether the schema is the one that data without schema is written with.
pub(super) fn is_anything(avro: &AvroSchema) -> bool {
    let fields = ["boolean", "bytes", "double", "float", "int", "long", "string", "array", "map"];
    avro.record(avro.root()).is_some_and(|record| {
        record.name.name == "Anything"
            && record.name.namespace.as_deref() == Some(NAMESPACE)
            && record.fields.iter().map(|field| field.name.as_str()).eq(fields)
    })
}

/// Whether an array with these elements stands for a map.
pub(super) fn is_map_entry(avro: &AvroSchema, id: NodeId) -> bool {
    let marked = |record: &Record| {
        (record.name.name == MAP_ENTRY && record.name.namespace.as_deref() == Some(NAMESPACE))
            || avro.node(id).text(CONNECT_INTERNAL_TYPE) == Some(MAP_ENTRY)
    };
    avro.record(id).is_some_and(marked)
}

/// Where a type stands, which its Connect schema depends on.
#[derive(Default)]
struct Use<'a> {
    optional: bool,
    default: Option<&'a Json>,
    doc: Option<&'a str>,
    version: Option<i32>,
}

impl Use<'_> {
    const OPTIONAL: Use<'static> = Use { optional: true, default: None, doc: None, version: None };
}

struct Mapping<'a> {
    config: &'a AvroDataConfig,
    avro: &'a AvroSchema,
    /// The types around the one that is mapped.
    open: Vec<NodeId>,
    types: usize,
    unions: usize,
}

impl<'a> Mapping<'a> {
    fn schema(&mut self, id: NodeId, used: &Use<'_>) -> Result<Schema> {
        self.types += 1;
        if self.open.contains(&id) {
            let name = self.avro.kind(id).name().map(super::schema::Name::full).unwrap_or_default();
            return Err(ConnectError::data(format!("the Avro schema `{name}` is recursive, which is not supported")));
        }
        if self.types > MOST_TYPES || self.open.len() > DEEPEST {
            return Err(ConnectError::data("the Avro schema unfolds to too many types, or too deep a tree of them"));
        }
        self.open.push(id);
        let schema = self.unguarded(id, used);
        self.open.pop();
        schema
    }

    fn unguarded(&mut self, id: NodeId, used: &Use<'_>) -> Result<Schema> {
        let node = self.avro.node(id);
        let logical_type = node.text("logicalType").unwrap_or_default().to_ascii_lowercase();
        let builder = match &node.kind {
            Kind::Null => {
                return Err(ConnectError::data("Standalone null schemas are not supported by this converter"));
            }
            Kind::Boolean => SchemaBuilder::boolean(),
            Kind::Int => self.int(id, &logical_type)?,
            Kind::Long if logical_type == "timestamp-millis" => logical::timestamp_builder(),
            Kind::Long => SchemaBuilder::int64(),
            Kind::Float => SchemaBuilder::float32(),
            Kind::Double => SchemaBuilder::float64(),
            Kind::String => SchemaBuilder::string(),
            Kind::Bytes => self.bytes(id, &logical_type)?,
            Kind::Fixed { size, .. } => self.bytes(id, &logical_type)?.parameter(FIXED_SIZE, size.to_string()),
            Kind::Array(items) if is_map_entry(self.avro, *items) => self.map_of_entries(*items)?,
            Kind::Array(items) => SchemaBuilder::array(self.schema(*items, &Use::default())?),
            Kind::Map(values) => SchemaBuilder::map(Schema::STRING, self.schema(*values, &Use::default())?),
            Kind::Record(record) => self.record(record)?,
            Kind::Enum(symbols) => self.enumeration(symbols),
            Kind::Union(branches) => match self.simple_union(branches, used) {
                Some((branch, used)) => return self.schema(branch, &used),
                None => self.union(branches)?,
            },
        };
        self.finish(id, builder, used)
    }

    fn int(&self, id: NodeId, logical_type: &str) -> Result<SchemaBuilder> {
        let node = self.avro.node(id);
        Ok(match (logical_type, node.text(CONNECT_TYPE)) {
            ("date", _) => logical::date_builder(),
            ("time-millis", _) => logical::time_builder(),
            ("", Some("int8")) => SchemaBuilder::int8(),
            ("", Some("int16")) => SchemaBuilder::int16(),
            ("", Some(_)) => return Err(ConnectError::data("Connect type annotation for Avro int field is null")),
            _ => SchemaBuilder::int32(),
        })
    }

    fn bytes(&self, id: NodeId, logical_type: &str) -> Result<SchemaBuilder> {
        if logical_type != "decimal" {
            return Ok(SchemaBuilder::bytes());
        }
        let props = &self.avro.node(id).props;
        let whole = |json: &Json| json.as_i64().and_then(|number| i32::try_from(number).ok());
        let builder = logical::decimal_builder(props.get("scale").and_then(whole).unwrap_or(0));
        let Some(precision) = props.get("precision") else { return Ok(builder) };
        match whole(precision) {
            Some(DEFAULT_PRECISION) => Ok(builder),
            Some(precision) => Ok(builder.parameter(DECIMAL_PRECISION, precision.to_string())),
            None => Err(ConnectError::data(format!("precision property must be a JSON Integer, got {precision}"))),
        }
    }

    fn map_of_entries(&mut self, entry: NodeId) -> Result<SchemaBuilder> {
        let fields = self.avro.record(entry).map(|record| record.fields.as_slice()).unwrap_or_default();
        let part = |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.schema);
        let (Some(key), Some(value), 2) = (part(KEY_FIELD), part(VALUE_FIELD), fields.len()) else {
            return Err(ConnectError::data(
                "Found map encoded as array of key-value pairs, but array elements do not match the expected format.",
            ));
        };
        Ok(SchemaBuilder::map(self.schema(key, &Use::default())?, self.schema(value, &Use::default())?))
    }

    fn record(&mut self, record: &'a Record) -> Result<SchemaBuilder> {
        let mut builder = SchemaBuilder::structure();
        let docs = self.config.connect_meta_data && !self.config.discard_type_doc_default;
        if let Some(doc) = record.doc.as_deref().filter(|_| docs) {
            builder = builder.parameter(AVRO_RECORD_DOC, doc);
        }
        for field in &record.fields {
            if let Some(doc) = field.doc.as_deref().filter(|_| docs) {
                builder = builder.parameter(format!("{AVRO_FIELD_DOC_PREFIX}{}", field.name), doc);
            }
            builder = builder.field(field.name.as_str(), self.field(field)?);
        }
        Ok(builder)
    }

    fn field(&mut self, field: &AvroField) -> Result<Schema> {
        let used = Use { default: field.default.as_ref(), doc: field.doc.as_deref(), ..Use::default() };
        let schema = self.schema(field.schema, &used)?;
        match field.props.get(CONNECT_PARAMETERS).and_then(Json::as_object) {
            Some(parameters) if self.config.connect_meta_data => with_parameters(schema, parameters),
            _ => Ok(schema),
        }
    }

    fn enumeration(&self, symbols: &Enum) -> SchemaBuilder {
        let mut builder = SchemaBuilder::string();
        let (name, keep) = (&symbols.name.name, !self.config.discard_type_doc_default);
        if self.config.connect_meta_data {
            if let Some(doc) = &symbols.doc {
                let of_type = format!("{AVRO_ENUM_DOC_PREFIX}{name}");
                builder = builder.parameter(if keep { &of_type } else { CONNECT_ENUM_DOC }, doc);
            }
            if let Some(default) = symbols.default.as_ref().filter(|_| keep) {
                builder = builder.parameter(format!("{AVRO_ENUM_DEFAULT_PREFIX}{name}"), default);
            }
        }
        let parameter = if self.config.generalized_sum_types { GENERALIZED_ENUM } else { AVRO_ENUM };
        builder = builder.parameter(parameter, symbols.name.full());
        for (at, symbol) in symbols.symbols.iter().enumerate() {
            let value = if self.config.generalized_sum_types { at.to_string() } else { symbol.clone() };
            builder = builder.parameter(format!("{parameter}.{symbol}"), value);
        }
        builder
    }

    /// The branch that a union of one, or of one and null, stands for.
    fn simple_union<'u>(&self, branches: &[NodeId], used: &Use<'u>) -> Option<(NodeId, Use<'u>)> {
        let is_null = |id: &NodeId| *self.avro.kind(*id) == Kind::Null;
        match branches {
            [only] if self.config.flatten_singleton_unions => Some((*only, Use { doc: used.doc, ..Use::default() })),
            [one, other] if is_null(one) != is_null(other) => {
                let branch = if is_null(one) { *other } else { *one };
                Some((branch, Use { doc: used.doc, ..Use::OPTIONAL }))
            }
            _ => None,
        }
    }

    fn union(&mut self, branches: &[NodeId]) -> Result<SchemaBuilder> {
        let mut builder = SchemaBuilder::structure();
        if self.config.generalized_sum_types {
            let name = format!("connect_union_{}", self.unions);
            self.unions += 1;
            builder = builder.name(name.as_str()).parameter(GENERALIZED_UNION, name);
        } else {
            builder = builder.name(AVRO_UNION);
        }
        let mut names = Vec::new();
        for (at, branch) in branches.iter().enumerate() {
            let kind = self.avro.kind(*branch);
            if *kind == Kind::Null {
                builder = builder.optional();
                continue;
            }
            let name = self.config.branch_name(kind, at);
            if names.contains(&name) {
                return Err(ConnectError::data("Multiple union schemas map to the Connect union field name"));
            }
            builder = builder.field(name.as_str(), self.schema(*branch, &Use::OPTIONAL)?);
            names.push(name);
        }
        Ok(builder)
    }

    /// Adds what every type may have.
    fn finish(&mut self, id: NodeId, mut builder: SchemaBuilder, used: &Use<'_>) -> Result<Schema> {
        let node = self.avro.node(id);
        let doc = match &node.kind {
            Kind::Record(Record { doc, .. }) | Kind::Enum(Enum { doc, .. }) => doc.as_deref(),
            _ => None,
        };
        if self.config.discard_type_doc_default {
            if let Some(doc) = used.doc.or(doc).or(node.text(CONNECT_DOC)) {
                builder = builder.doc(doc);
            }
            if let Some(doc) = doc.filter(|_| self.config.connect_meta_data) {
                builder = builder.parameter(CONNECT_RECORD_DOC, doc);
            }
        } else if let Some(doc) = node.text(CONNECT_DOC).filter(|_| self.config.connect_meta_data) {
            builder = builder.doc(doc);
        }
        builder = self.version(id, builder, used)?;
        builder = self.parameters(id, builder)?;
        builder = self.default(id, builder, used);
        builder = self.name(id, builder)?;
        if used.optional { builder.optional() } else { builder }.build()
    }

    fn version(&self, id: NodeId, builder: SchemaBuilder, used: &Use<'_>) -> Result<SchemaBuilder> {
        let own = match self.avro.node(id).props.get(CONNECT_VERSION) {
            None => None,
            Some(json) => match json.as_i64().and_then(|version| i32::try_from(version).ok()) {
                Some(version) => Some(version),
                None => return Err(ConnectError::data(format!("Invalid Connect version found: {json}"))),
            },
        };
        let known = builder.so_far().version();
        Ok(match (own.filter(|version| *version >= 0), known) {
            (Some(own), Some(known)) if own != known => {
                return Err(ConnectError::data(format!(
                    "Mismatched versions: version already added to SchemaBuilder ({known}) differs from version in source schema \
                     ({own})"
                )));
            }
            (Some(own), None) => builder.version(own),
            // A logical type has a version of its own, which is not the registry's.
            (None, None) => match used.version {
                Some(version) => builder.version(version),
                None => builder,
            },
            _ => builder,
        })
    }

    fn parameters(&self, id: NodeId, mut builder: SchemaBuilder) -> Result<SchemaBuilder> {
        let props = &self.avro.node(id).props;
        if let Some(parameters) = props.get(CONNECT_PARAMETERS).filter(|_| self.config.connect_meta_data) {
            let all = parameters.as_object().ok_or_else(|| {
                ConnectError::data(format!("Expected JSON object for schema parameters but found: {parameters}"))
            })?;
            for (name, value) in all {
                let value = value.as_str().ok_or_else(|| {
                    ConnectError::data(format!("Expected schema parameter values to be strings but found: {value}"))
                })?;
                builder = builder.parameter(name, value);
            }
        }
        for (name, value) in props.iter().filter(|(name, _)| name.starts_with("avro")) {
            builder = builder.parameter(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        Ok(builder)
    }

    /// A default that does not fit is left out, as Confluent's converter leaves it out.
    fn default(&self, id: NodeId, mut builder: SchemaBuilder, used: &Use<'_>) -> SchemaBuilder {
        let annotated = self.avro.node(id).props.get(CONNECT_DEFAULT);
        let keep = !self.config.discard_type_doc_default && self.config.connect_meta_data;
        if used.default.is_some() && annotated.is_none() && keep {
            builder = builder.parameter(AVRO_FIELD_DEFAULT_FLAG, "true");
        }
        let Some(json) = used.default.or(annotated) else { return builder };
        let schema = builder.so_far();
        let value = defaults::value(self.config, self.avro, id, &schema, json);
        match value {
            Ok(value) if sluice_api::data::validate(&schema, &value).is_ok() && !is_struct(&value) => {
                builder.default(value)
            }
            _ => builder,
        }
    }

    fn name(&self, id: NodeId, builder: SchemaBuilder) -> Result<SchemaBuilder> {
        let node = self.avro.node(id);
        let known = builder.so_far();
        let name = match (node.props.get(CONNECT_NAME), &node.kind) {
            (Some(Json::String(name)), _) => Some(name.clone()),
            (Some(other), _) => return Err(ConnectError::data(format!("Invalid schema name: {other}"))),
            (None, Kind::Fixed { .. }) if known.name() == Some(logical::DECIMAL) => None,
            (None, kind) => kind.name().map(super::schema::Name::full),
        };
        match name.filter(|name| !name.starts_with(DEFAULT_SCHEMA_FULL_NAME)) {
            None => Ok(builder),
            Some(name) => match known.name() {
                Some(known) if known != name => Err(ConnectError::data(format!(
                    "Mismatched names: name already added to SchemaBuilder ({known}) differs from name in source schema ({name})"
                ))),
                Some(_) => Ok(builder),
                None => Ok(builder.name(name)),
            },
        }
    }
}

fn is_struct(value: &sluice_api::Value) -> bool {
    matches!(value, sluice_api::Value::Struct(_))
}

/// The schema with these parameters in place of those of the same names.
fn with_parameters(schema: Schema, parameters: &serde_json::Map<String, Json>) -> Result<Schema> {
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let own = |name: &str| schema.parameters().and_then(|own| own.get(name));
    if parameters.iter().all(|(name, value)| own(name) == Some(&text(value))) {
        return Ok(schema);
    }
    let more = parameters.iter().map(|(name, value)| (name.clone(), text(value)));
    SchemaBuilder::like(&schema).parameters(more).build()
}
