//! What a reader needs to know about a message, worked out once per schema: which field number goes where in the struct, and how.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use sluice_api::data::{Schema, SchemaType, Value};
use sluice_api::{ConnectError, Result};

use super::config::ProtobufConfig;
use super::logical::Logical;
use super::names;
use super::scalar::{self, Scalar};
use super::to_schema::{self, fields_in_order, real_oneof, unwrapped};

/// How a record is read.
#[derive(Debug)]
pub(super) enum Root {
    Message(MessagePlan),
    /// A wrapper message that is read as the primitive in it.
    Wrapper(Scalar, SchemaType),
}

/// How a message is read.
#[derive(Debug)]
pub(super) struct MessagePlan {
    pub(super) schema: Schema,
    /// What the struct's fields hold when the message has no bytes.
    pub(super) absent: Vec<Value>,
    /// In the order of the field numbers.
    pub(super) fields: Vec<FieldPlan>,
    /// Messages that are read from no bytes when they are not there.
    pub(super) generate: bool,
}

/// How a field is read, and where to.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) slot: usize,
    pub(super) member: Option<Member>,
    /// The oneof that it is in, whether or not that is a struct.
    pub(super) oneof: Option<usize>,
    pub(super) shape: Shape,
    pub(super) read: Read,
}

/// A member of a oneof that is a struct.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) union: Schema,
    pub(super) index: usize,
}

/// How many values there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    List,
    Map,
}

/// How one value is read.
#[derive(Debug)]
pub(super) enum Read {
    Scalar(Scalar, SchemaType),
    Enum(EnumPlan),
    Wrapper(Scalar, SchemaType),
    Logical(Logical),
    Message(Box<MessagePlan>),
    Entry(Box<EntryPlan>),
}

/// How an enum is read.
#[derive(Debug)]
pub(super) struct EnumPlan {
    pub(super) name: String,
    pub(super) as_int: bool,
    /// Whether numbers without a name are values too, which they are not in proto2.
    pub(super) open: bool,
    pub(super) symbols: Vec<(i32, Value)>,
}

/// How an entry of a map is read: its two fields with what stands for a missing one.
#[derive(Debug)]
pub(super) struct EntryPlan {
    pub(super) key: (u32, Read, Value),
    pub(super) value: (u32, Read, Value),
}

/// The plan for records that are `message`, whose schema is `schema`.
///
/// # Errors
/// `Data` when the schema is not that of the message.
pub(super) fn root(message: &MessageDescriptor, schema: &Schema, config: &ProtobufConfig) -> Result<Root> {
    if schema.schema_type() != SchemaType::Struct {
        return match fields_in_order(message).next().and_then(|field| Scalar::of(&field.kind())) {
            Some(scalar) => Ok(Root::Wrapper(scalar, schema.schema_type())),
            None => Err(mismatch(message.full_name())),
        };
    }
    Planner { config }.message(message, schema).map(Root::Message)
}

struct Planner<'a> {
    config: &'a ProtobufConfig,
}

impl Planner<'_> {
    fn message(&self, message: &MessageDescriptor, schema: &Schema) -> Result<MessagePlan> {
        let mut plan = MessagePlan {
            schema: schema.clone(),
            absent: vec![Value::Null; schema.fields()?.len()],
            fields: Vec::new(),
            generate: self.config.generate_struct_for_nulls,
        };
        for field in fields_in_order(message) {
            let planned = self.field(&field, schema)?;
            if planned.oneof.is_none() {
                plan.absent[planned.slot] = self.absent(&field, &planned);
            }
            plan.fields.push(planned);
        }
        plan.fields.sort_by_key(|field| field.number);
        Ok(plan)
    }

    fn field(&self, field: &FieldDescriptor, schema: &Schema) -> Result<FieldPlan> {
        let name = field.name();
        let lost = || mismatch(field.full_name());
        let oneofs: Vec<_> = to_schema::real_oneofs(field.parent_message()).collect();
        let oneof = real_oneof(field);
        let at = oneof.as_ref().and_then(|oneof| oneofs.iter().find(|(_, other)| other.name() == oneof.name()));
        let (slot, member, schema) = match at {
            Some((index, oneof)) if !self.config.flatten_unions => {
                let outer = schema.field(&to_schema::union_field_name(*index, oneof, self.config))?.ok_or_else(lost)?;
                let inner = outer.schema().field(name)?.ok_or_else(lost)?;
                (outer.index(), Some(Member { union: outer.schema().clone(), index: inner.index() }), inner.schema())
            }
            _ => {
                let found = schema.field(name)?.ok_or_else(lost)?;
                (found.index(), None, found.schema())
            }
        };
        let shape = match (to_schema::is_map(field), field.is_list()) {
            (true, _) => Shape::Map,
            (false, true) => Shape::List,
            (false, false) => Shape::Single,
        };
        let read = match (shape, field.kind()) {
            // With wrappers or logical types in between, a map keeps its name but not its shape.
            (Shape::Map, Kind::Message(entry)) => Read::Entry(Box::new(self.entry(&entry, schema)?)),
            (Shape::List, _) => self.read(field, schema.value_schema()?.ok_or_else(lost)?)?,
            _ => self.read(field, schema)?,
        };
        let oneof = at.map(|(index, _)| *index);
        Ok(FieldPlan { number: field.number(), name: name.to_owned(), slot, member, oneof, shape, read })
    }

    fn entry(&self, entry: &MessageDescriptor, schema: &Schema) -> Result<EntryPlan> {
        let lost = || mismatch(entry.full_name());
        let part = |name: &str, schema: Option<&Schema>| {
            let field = entry.get_field_by_name(name).ok_or_else(lost)?;
            let schema = schema.ok_or_else(lost)?;
            let read = self.read(&field, schema)?;
            // An absent message is one without bytes, as the entry's own reader would have it.
            let default = default_of(&field, &read);
            Ok::<_, ConnectError>((field.number(), read, default))
        };
        Ok(EntryPlan { key: part("key", schema.key_schema()?)?, value: part("value", schema.value_schema()?)? })
    }

    fn read(&self, field: &FieldDescriptor, schema: &Schema) -> Result<Read> {
        let schema_type = schema.schema_type();
        Ok(match field.kind() {
            Kind::Enum(enumeration) => Read::Enum(enum_plan(&enumeration, schema_type)),
            Kind::Message(message) => {
                let full_name = message.full_name();
                match logical(full_name) {
                    Some(logical) => Read::Logical(logical),
                    None if schema_type == SchemaType::Struct => {
                        Read::Message(Box::new(self.message(&message, schema)?))
                    }
                    None => {
                        let inner = unwrapped(full_name).and_then(|_| message.get_field(1));
                        let scalar = inner.and_then(|field| Scalar::of(&field.kind()));
                        Read::Wrapper(scalar.ok_or_else(|| mismatch(full_name))?, schema_type)
                    }
                }
            }
            kind => Read::Scalar(Scalar::of(&kind).ok_or_else(|| mismatch(field.full_name()))?, schema_type),
        })
    }

    /// What a field holds that is not there.
    fn absent(&self, field: &FieldDescriptor, plan: &FieldPlan) -> Value {
        match plan.shape {
            Shape::List => return Value::Array(Vec::new()),
            Shape::Map => return Value::Map(sluice_api::data::Map::default()),
            Shape::Single => {}
        }
        let proto2 = self.config.optional_for_proto2 && to_schema::has_optional_keyword(field);
        let nullable = field.field_descriptor_proto().proto3_optional() || proto2;
        let is_message = matches!(field.kind(), Kind::Message(_));
        if is_message || (nullable && !self.config.generate_struct_for_nulls) {
            return Value::Null;
        }
        default_of(field, &plan.read)
    }
}

/// The default of a scalar or enum, which proto2 schemas may set; null for messages.
fn default_of(field: &FieldDescriptor, read: &Read) -> Value {
    use prost_reflect::Value as Default;
    match (read, field.default_value()) {
        (Read::Enum(plan), Default::EnumNumber(number)) => plan.value(number).unwrap_or(Value::Null),
        (Read::Scalar(_, schema_type), Default::I32(number)) => scalar::integer(number.into(), *schema_type),
        (Read::Scalar(_, schema_type), Default::U32(number)) => scalar::integer(number.into(), *schema_type),
        (Read::Scalar(_, schema_type), Default::I64(number)) => scalar::integer(number, *schema_type),
        (Read::Scalar(_, schema_type), Default::U64(number)) => scalar::integer(number as i64, *schema_type),
        (Read::Scalar(..), Default::F32(number)) => Value::Float32(number),
        (Read::Scalar(..), Default::F64(number)) => Value::Float64(number),
        (Read::Scalar(..), Default::Bool(value)) => Value::Boolean(value),
        (Read::Scalar(..), Default::String(text)) => Value::from(text),
        (Read::Scalar(..), Default::Bytes(bytes)) => Value::Bytes(bytes),
        (Read::Scalar(scalar, schema_type), _) => scalar.default_value(*schema_type),
        _ => Value::Null,
    }
}

fn logical(full_name: &str) -> Option<Logical> {
    Some(match full_name {
        _ if full_name == names::DECIMAL.name => Logical::Decimal,
        _ if full_name == names::DATE.name => Logical::Date,
        _ if full_name == names::TIME.name => Logical::Time,
        _ if full_name == names::TIMESTAMP.name => Logical::Timestamp,
        _ => return None,
    })
}

fn enum_plan(enumeration: &EnumDescriptor, schema_type: SchemaType) -> EnumPlan {
    let mut symbols: Vec<(i32, Value)> = Vec::new();
    for value in enumeration.values() {
        // Of several names for a number the first one counts.
        if !symbols.iter().any(|(number, _)| *number == value.number()) {
            symbols.push((value.number(), Value::from(value.name())));
        }
    }
    symbols.sort_by_key(|(number, _)| *number);
    EnumPlan {
        name: enumeration.name().to_owned(),
        as_int: schema_type != SchemaType::String,
        open: enumeration.parent_file().syntax() == prost_reflect::Syntax::Proto3,
        symbols,
    }
}

impl EnumPlan {
    /// The value of a number; `None` where the enum does not have it and takes no others.
    pub(super) fn value(&self, number: i32) -> Option<Value> {
        let known = self.symbols.binary_search_by_key(&number, |(number, _)| *number);
        match known {
            Err(_) if !self.open => None,
            _ if self.as_int => Some(Value::Int32(number)),
            Ok(at) => Some(self.symbols[at].1.clone()),
            Err(_) => Some(Value::from(format!("UNKNOWN_ENUM_VALUE_{}_{number}", self.name))),
        }
    }
}

impl MessagePlan {
    /// The index of the field with that number, looked for where the one after `last` would be first.
    pub(super) fn find(&self, number: u32, last: usize) -> Option<usize> {
        for at in [last, last + 1] {
            if self.fields.get(at).is_some_and(|field| field.number == number) {
                return Some(at);
            }
        }
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }
}

fn mismatch(name: &str) -> ConnectError {
    ConnectError::data(format!("{name} is not in the schema that was made of it"))
}
