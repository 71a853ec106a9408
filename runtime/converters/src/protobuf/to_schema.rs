//! A Protobuf message to a Connect schema.

use std::collections::HashMap;

use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Syntax};
use sluice_api::data::{Schema, SchemaBuilder, SchemaType, logical};
use sluice_api::{ConnectError, Result};

use super::config::ProtobufConfig;
use super::names;

/// Thirty short messages that each contain the one before twice have a milliard fields, and what is made of a schema further on, a
/// plan or JSON with its schema, has a place for each.
const MOST_FIELDS: usize = 200_000;

/// The schema of records that are `message`; `version` is the one that the registry gave its schema.
///
/// # Errors
/// `Data` when Connect cannot hold it: the message contains itself, a group, or more than [`MOST_FIELDS`] fields with those of the
/// messages in it.
pub(super) fn to_schema(message: &MessageDescriptor, version: Option<i32>, config: &ProtobufConfig) -> Result<Schema> {
    let mut mapping = Mapping { config, open: Vec::new(), done: HashMap::new(), fields: 0 };
    let unwrapped = if config.wrapper_for_raw_primitives { unwrapped(message.full_name()) } else { None };
    let builder = match unwrapped {
        Some(primitive) => SchemaBuilder::of_type(primitive),
        None => mapping.message(message)?,
    };
    match version {
        Some(version) => builder.version(version).build(),
        None => builder.build(),
    }
}

/// The fields of a message in the order of the text.
pub(super) fn fields_in_order(message: &MessageDescriptor) -> impl Iterator<Item = FieldDescriptor> + '_ {
    let numbers = message.descriptor_proto().field.iter().map(|field| field.number().unsigned_abs());
    numbers.filter_map(|number| message.get_field(number))
}

/// The oneof around a field, unless it is the one that the keyword `optional` implies.
pub(super) fn real_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !is_implied(oneof))
}

/// The oneofs of a message with their indexes among all.
pub(super) fn real_oneofs(message: &MessageDescriptor) -> impl Iterator<Item = (usize, OneofDescriptor)> + '_ {
    message.oneofs().enumerate().filter(|(_, oneof)| !is_implied(oneof))
}

fn is_implied(oneof: &OneofDescriptor) -> bool {
    let mut fields = oneof.fields();
    fields.len() == 1 && fields.next().is_some_and(|field| field.field_descriptor_proto().proto3_optional())
}

/// The name of the field that a oneof becomes.
pub(super) fn union_field_name(index: usize, oneof: &OneofDescriptor, config: &ProtobufConfig) -> String {
    if config.generate_index_for_unions { format!("{}_{index}", oneof.name()) } else { oneof.name().to_owned() }
}

/// Whether the field has the keyword `optional`, in proto2 also without saying so.
pub(super) fn has_optional_keyword(field: &FieldDescriptor) -> bool {
    let proto2 = field.parent_file().syntax() == Syntax::Proto2;
    field.field_descriptor_proto().proto3_optional()
        || (proto2 && field.cardinality() == Cardinality::Optional && field.containing_oneof().is_none())
}

/// Whether the elements of a repeated field are entries of a map: key and value of a message that is named as one.
pub(super) fn is_map(field: &FieldDescriptor) -> bool {
    if field.is_map() {
        return true;
    }
    let Kind::Message(entry) = field.kind() else { return false };
    let fields: Vec<_> = fields_in_order(&entry).collect();
    field.is_list()
        && names::is_map_entry(entry.name())
        && matches!(&fields[..], [key, value] if key.name() == "key" && value.name() == "value")
        && fields.iter().all(|part| !part.is_list() && !part.is_map())
}

/// The primitive in a wrapper message.
pub(super) fn unwrapped(full_name: &str) -> Option<SchemaType> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "DoubleValue" => SchemaType::Float64,
        "FloatValue" => SchemaType::Float32,
        "Int64Value" | "UInt64Value" | "UInt32Value" => SchemaType::Int64,
        "Int32Value" => SchemaType::Int32,
        "BoolValue" => SchemaType::Boolean,
        "StringValue" => SchemaType::String,
        "BytesValue" => SchemaType::Bytes,
        _ => return None,
    })
}

struct Mapping<'a> {
    config: &'a ProtobufConfig,
    /// The messages around the one in hand, to find one that contains itself.
    open: Vec<String>,
    /// Messages that were met before.
    done: HashMap<String, Done>,
    /// The fields so far, those of nested messages included, as often as they are in it.
    fields: usize,
}

#[derive(Clone)]
struct Done {
    fields: Vec<(String, Schema)>,
    /// With those of nested messages.
    all_fields: usize,
}

impl Mapping<'_> {
    fn message(&mut self, message: &MessageDescriptor) -> Result<SchemaBuilder> {
        let full_name = message.full_name();
        let name = if self.config.enhanced_schema_support { full_name } else { message.name() };
        let before = self.fields;
        let done = match self.done.get(full_name) {
            Some(done) => done.clone(),
            None => {
                let fields = self.fields(message)?;
                let done = Done { all_fields: self.fields - before + fields.len(), fields };
                self.done.insert(full_name.to_owned(), done.clone());
                done
            }
        };
        self.fields = before + done.all_fields;
        if self.fields > MOST_FIELDS {
            return Err(ConnectError::data(format!(
                "message {full_name} has too many fields: with those of the messages in it, more than {MOST_FIELDS}"
            )));
        }
        let builder = SchemaBuilder::structure().name(name);
        Ok(done.fields.into_iter().fold(builder, |builder, (name, schema)| builder.field(name, schema)))
    }

    fn fields(&mut self, message: &MessageDescriptor) -> Result<Vec<(String, Schema)>> {
        let full_name = message.full_name();
        if self.open.iter().any(|open| open == full_name) {
            return Err(ConnectError::data(format!(
                "message {full_name} contains itself: schemas of Connect data are trees here, without cycles"
            )));
        }
        self.open.push(full_name.to_owned());
        let mut fields = Vec::new();
        for (index, oneof) in real_oneofs(message) {
            if self.config.flatten_unions {
                for member in oneof.fields() {
                    fields.push((member.name().to_owned(), self.field(&member, true)?));
                }
            } else {
                fields.push((union_field_name(index, &oneof, self.config), self.oneof(&oneof)?));
            }
        }
        for field in fields_in_order(message).filter(|field| real_oneof(field).is_none()) {
            fields.push((field.name().to_owned(), self.field(&field, false)?));
        }
        self.open.pop();
        Ok(fields)
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) -> Result<Schema> {
        let mut builder = SchemaBuilder::structure();
        builder = if self.config.generalized_sum_type_support {
            builder.name(oneof.name()).parameter(names::GENERALIZED_UNION, oneof.name())
        } else {
            let name = if self.config.enhanced_schema_support { oneof.full_name() } else { oneof.name() };
            builder.name(format!("{}.{name}", names::UNION))
        };
        for member in oneof.fields() {
            builder = builder.field(member.name(), self.field(&member, true)?);
        }
        builder.optional().build()
    }

    fn field(&mut self, field: &FieldDescriptor, oneof_member: bool) -> Result<Schema> {
        let (mut builder, mut optional) = self.value(field)?;
        if field.is_list() && !is_map(field) {
            builder = SchemaBuilder::array(builder.optional().build()?);
            optional = true;
        }
        if oneof_member {
            optional = true;
            if self.config.wrapper_for_nullables && is_wrapper(field) {
                builder = builder.parameter(names::WRAPPER, "true");
            }
        } else if self.config.optional_for_nullables {
            optional |= has_optional_keyword(field);
        } else if !self.config.wrapper_for_nullables {
            optional = true;
        }
        if optional {
            builder = builder.optional();
        }
        builder.parameter(names::TAG, field.number().to_string()).build()
    }

    /// A builder for one value of the field, and whether its type alone makes it optional.
    fn value(&mut self, field: &FieldDescriptor) -> Result<(SchemaBuilder, bool)> {
        let typed = |builder: SchemaBuilder, name: &str| builder.parameter(names::TYPE, name);
        let int32 = |name| {
            Ok(match params(field).remove(names::CONNECT_TYPE).as_deref() {
                Some("int8") => SchemaBuilder::int8(),
                Some("int16") => SchemaBuilder::int16(),
                _ if name == "int32" => SchemaBuilder::int32(),
                _ => typed(SchemaBuilder::int32(), name),
            })
        };
        let builder: Result<SchemaBuilder> = match field.kind() {
            Kind::Int32 => int32("int32"),
            Kind::Sint32 => int32("sint32"),
            Kind::Sfixed32 => int32("sfixed32"),
            Kind::Int64 => Ok(SchemaBuilder::int64()),
            Kind::Uint32 => Ok(typed(SchemaBuilder::int64(), "uint32")),
            Kind::Fixed32 => Ok(typed(SchemaBuilder::int64(), "fixed32")),
            Kind::Uint64 => Ok(typed(SchemaBuilder::int64(), "uint64")),
            Kind::Sint64 => Ok(typed(SchemaBuilder::int64(), "sint64")),
            Kind::Fixed64 => Ok(typed(SchemaBuilder::int64(), "fixed64")),
            Kind::Sfixed64 => Ok(typed(SchemaBuilder::int64(), "sfixed64")),
            Kind::Float => Ok(SchemaBuilder::float32()),
            Kind::Double => Ok(SchemaBuilder::float64()),
            Kind::Bool => Ok(SchemaBuilder::boolean()),
            Kind::String => Ok(SchemaBuilder::string()),
            Kind::Bytes => Ok(SchemaBuilder::bytes()),
            Kind::Enum(enumeration) => return Ok((self.enumeration(&enumeration), true)),
            Kind::Message(_) if field.is_group() => {
                let name = field.full_name();
                Err(ConnectError::data(format!("Unknown Connect schema type: field {name} is a group")))
            }
            Kind::Message(message) => return Ok((self.nested(field, &message)?, true)),
        };
        Ok((builder?, false))
    }

    fn enumeration(&self, enumeration: &EnumDescriptor) -> SchemaBuilder {
        let builder = if self.config.int_for_enums { SchemaBuilder::int32() } else { SchemaBuilder::string() };
        let enhanced = self.config.enhanced_schema_support;
        let key = if self.config.generalized_sum_type_support { names::GENERALIZED_ENUM } else { names::ENUM };
        let builder = builder
            .name(if enhanced { enumeration.full_name() } else { enumeration.name() })
            .parameter(key, enumeration.name());
        enumeration.values().fold(builder, |builder, value| {
            builder.parameter(format!("{key}.{}", value.name()), value.number().to_string())
        })
    }

    fn nested(&mut self, field: &FieldDescriptor, message: &MessageDescriptor) -> Result<SchemaBuilder> {
        let full_name = message.full_name();
        Ok(match full_name {
            _ if full_name == names::DECIMAL.name => decimal(field),
            _ if full_name == names::DATE.name => logical::date_builder(),
            _ if full_name == names::TIME.name => logical::time_builder(),
            _ if full_name == names::TIMESTAMP.name => logical::timestamp_builder(),
            _ if full_name == names::VARIANT.name => SchemaBuilder::structure()
                .name(names::CONNECT_VARIANT)
                .field("metadata", Schema::BYTES)
                .field("value", Schema::BYTES),
            _ => match unwrapped(full_name).filter(|_| self.config.wrapper_for_nullables) {
                Some(primitive) => SchemaBuilder::of_type(primitive),
                None if is_map(field) => self.map(message)?,
                None => self.message(message)?,
            },
        })
    }

    fn map(&mut self, entry: &MessageDescriptor) -> Result<SchemaBuilder> {
        let full_name = entry.full_name();
        if self.open.iter().any(|open| open == full_name) {
            return Err(ConnectError::data(format!("map entry {full_name} contains itself")));
        }
        self.open.push(full_name.to_owned());
        let mut parts = Vec::with_capacity(2);
        for field in fields_in_order(entry) {
            parts.push(self.field(&field, false)?);
        }
        self.open.pop();
        let name = names::map_field(if self.config.enhanced_schema_support { full_name } else { entry.name() });
        match <[Schema; 2]>::try_from(parts) {
            Ok([key, value]) => Ok(SchemaBuilder::map(key, value).name(name)),
            Err(parts) => Err(ConnectError::data(format!("map entry {full_name} has {} fields", parts.len()))),
        }
    }
}

fn is_wrapper(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if names::is_wrapper(message.full_name()))
}

fn decimal(field: &FieldDescriptor) -> SchemaBuilder {
    let params = params(field);
    let number = |name| params.get(name).and_then(|text| text.parse::<i32>().ok());
    let builder = logical::decimal_builder(number(names::SCALE).unwrap_or(0));
    match number(names::PRECISION) {
        Some(precision) => builder.parameter(names::CONNECT_PRECISION, precision.to_string()),
        None => builder,
    }
}

/// What Connect wrote about the field.
fn params(field: &FieldDescriptor) -> HashMap<String, String> {
    let mut params = HashMap::new();
    let Some(extension) = field.parent_pool().get_extension_by_name("confluent.field_meta") else { return params };
    let options = field.options();
    if !options.has_extension(&extension) {
        return params;
    }
    let meta = options.get_extension(&extension);
    let map = meta.as_message().and_then(|meta| meta.get_field_by_name("params").map(std::borrow::Cow::into_owned));
    if let Some(prost_reflect::Value::Map(map)) = map {
        for (key, value) in map {
            if let (Some(key), Some(value)) = (key.as_str(), value.as_str()) {
                params.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    params
}
