//! What a writer needs to know, worked out once per Connect schema and message: which field of the struct goes under which number,
//! and how. Fields are found by name, so the plan also serves a message that the registry chose.

use std::collections::HashMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use sluice_api::data::{Field, Schema, SchemaType};
use sluice_api::{ConnectError, Result};

use super::config::ProtobufConfig;
use super::from_schema::{enum_parameter, is_union, known_type};
use super::logical::Logical;
use super::names;
use super::scalar::Scalar;
use super::to_schema::unwrapped;

/// How a record is written.
#[derive(Debug)]
pub(super) enum Root {
    Message(MessagePlan),
    /// A primitive, in a wrapper message.
    Wrapper(Scalar),
}

/// How a struct is written.
#[derive(Debug)]
pub(super) struct MessagePlan {
    pub(super) schema: Schema,
    /// In the order of the field numbers, which is the order of the bytes.
    pub(super) fields: Vec<FieldPlan>,
    /// Union fields of the struct: one member of each must be there.
    pub(super) unions: Vec<usize>,
    pub(super) ignore_defaults: bool,
}

/// How a field is written, and where from.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) slot: usize,
    /// The member of the union in that slot.
    pub(super) member: Option<usize>,
    pub(super) write: Write,
    /// Whether a value that is the default is left out, since nothing tells it from one that is not there.
    pub(super) implicit: bool,
}

/// How a value is written.
#[derive(Debug)]
pub(super) enum Write {
    Scalar(Scalar),
    Enum(EnumPlan),
    Wrapper(Scalar),
    Logical(Logical),
    Message(Box<MessagePlan>),
    /// A list; numbers may be packed.
    List {
        element: Box<Write>,
        packed: bool,
    },
    Map(Box<EntryPlan>),
    /// The message that the registry chose has no such field: only null can be written.
    Nowhere,
}

/// How an enum is written.
#[derive(Debug)]
pub(super) struct EnumPlan {
    pub(super) name: String,
    pub(super) numbers: HashMap<String, i32>,
}

/// How an entry of a map is written.
#[derive(Debug)]
pub(super) struct EntryPlan {
    pub(super) key: FieldPlan,
    pub(super) value: FieldPlan,
}

/// The plan to write values of `schema` as `message`.
///
/// # Errors
/// `Data` when a field of the message cannot hold the field of that name.
pub(super) fn root(schema: &Schema, message: &MessageDescriptor, config: &ProtobufConfig) -> Result<Root> {
    if schema.schema_type() == SchemaType::Struct {
        return Planner { config }.message(schema, message).map(Root::Message);
    }
    let inner = unwrapped(message.full_name()).and_then(|_| message.get_field(1));
    let scalar = inner.and_then(|field| Scalar::of(&field.kind()));
    match scalar.filter(|scalar| known_type(schema).is_none() && scalar.takes(schema.schema_type())) {
        Some(scalar) => Ok(Root::Wrapper(scalar)),
        None => {
            let (found, name) = (schema.name().unwrap_or(schema.schema_type().name()), message.full_name());
            Err(ConnectError::data(format!("{found} cannot be written as message {name}")))
        }
    }
}

struct Planner<'a> {
    config: &'a ProtobufConfig,
}

impl Planner<'_> {
    fn message(&self, schema: &Schema, message: &MessageDescriptor) -> Result<MessagePlan> {
        let mut plan = MessagePlan {
            schema: schema.clone(),
            fields: Vec::new(),
            unions: Vec::new(),
            ignore_defaults: self.config.ignore_default_for_nullables,
        };
        for field in schema.fields()? {
            if is_union(field.schema()) {
                plan.unions.push(field.index());
                for member in field.schema().fields()? {
                    plan.fields.push(self.field(member, message, field.index(), Some(member.index()))?);
                }
            } else {
                plan.fields.push(self.field(field, message, field.index(), None)?);
            }
        }
        plan.fields.sort_by_key(|field| field.number);
        Ok(plan)
    }

    fn field(
        &self,
        field: &Field,
        message: &MessageDescriptor,
        slot: usize,
        member: Option<usize>,
    ) -> Result<FieldPlan> {
        let scrubbed = self.config.scrub_invalid_names.then(|| names::scrub(field.name()));
        let name = scrubbed.unwrap_or_else(|| field.name().to_owned());
        match message.get_field_by_name(&name) {
            Some(descriptor) => self.planned(name, field.schema(), &descriptor, slot, member),
            None => Ok(FieldPlan { name, number: 0, slot, member, write: Write::Nowhere, implicit: false }),
        }
    }

    fn planned(
        &self,
        name: String,
        schema: &Schema,
        descriptor: &FieldDescriptor,
        slot: usize,
        member: Option<usize>,
    ) -> Result<FieldPlan> {
        let repeated = descriptor.is_list() || descriptor.is_map();
        let write = match schema.schema_type() {
            SchemaType::Array if descriptor.is_list() => {
                let element = schema.value_schema()?.ok_or_else(|| cannot(schema, descriptor))?;
                Write::List { element: Box::new(self.value(element, descriptor)?), packed: descriptor.is_packed() }
            }
            SchemaType::Map if repeated => Write::Map(Box::new(self.entry(schema, descriptor)?)),
            SchemaType::Array | SchemaType::Map => return Err(cannot(schema, descriptor)),
            _ if repeated => return Err(cannot(schema, descriptor)),
            _ => self.value(schema, descriptor)?,
        };
        let implicit = !descriptor.supports_presence() && !repeated;
        Ok(FieldPlan { name, number: descriptor.number(), slot, member, write, implicit })
    }

    fn value(&self, schema: &Schema, descriptor: &FieldDescriptor) -> Result<Write> {
        let wrong = || cannot(schema, descriptor);
        let kind = descriptor.kind();
        if let Some(known) = known_type(schema).filter(|known| *known != names::VARIANT) {
            let fits = kind.as_message().is_some_and(|message| message.full_name() == known.name);
            return logical(known.name).filter(|_| fits).map(Write::Logical).ok_or_else(wrong);
        }
        let schema_type = schema.schema_type();
        match &kind {
            Kind::Enum(enumeration) if matches!(schema_type, SchemaType::String | SchemaType::Int32) => {
                let numbers = enumeration.values().map(|value| (value.name().to_owned(), value.number())).collect();
                let mut plan = EnumPlan { name: enumeration.name().to_owned(), numbers };
                plan.add_parameters(schema);
                Ok(Write::Enum(plan))
            }
            Kind::Message(message) if schema_type == SchemaType::Struct && !descriptor.is_group() => {
                Ok(Write::Message(Box::new(self.message(schema, message)?)))
            }
            Kind::Message(message) => {
                let inner = unwrapped(message.full_name()).and_then(|_| message.get_field(1));
                let scalar = inner.and_then(|field| Scalar::of(&field.kind()));
                scalar.filter(|scalar| scalar.takes(schema_type)).map(Write::Wrapper).ok_or_else(wrong)
            }
            kind => Scalar::of(kind).filter(|scalar| scalar.takes(schema_type)).map(Write::Scalar).ok_or_else(wrong),
        }
    }

    fn entry(&self, schema: &Schema, descriptor: &FieldDescriptor) -> Result<EntryPlan> {
        let wrong = || cannot(schema, descriptor);
        let Kind::Message(entry) = descriptor.kind() else { return Err(wrong()) };
        let part = |name: &str, schema: Option<&Schema>| {
            let field = entry.get_field_by_name(name).ok_or_else(wrong)?;
            self.planned(name.to_owned(), schema.ok_or_else(wrong)?, &field, 0, None)
        };
        Ok(EntryPlan { key: part("key", schema.key_schema()?)?, value: part("value", schema.value_schema()?)? })
    }
}

impl EnumPlan {
    /// Symbols that the message does not know by name may have a number in the Connect schema.
    fn add_parameters(&mut self, schema: &Schema) {
        let prefixes = [format!("{}.", names::ENUM), format!("{}.", names::GENERALIZED_ENUM)];
        let Some(parameters) = schema.parameters().filter(|_| enum_parameter(schema).is_some()) else { return };
        for (key, value) in parameters {
            let symbol = prefixes.iter().find_map(|prefix| key.strip_prefix(prefix.as_str()));
            if let (Some(symbol), Ok(number)) = (symbol, value.parse()) {
                self.numbers.entry(symbol.to_owned()).or_insert(number);
            }
        }
    }
}

fn logical(name: &str) -> Option<Logical> {
    [
        (names::DECIMAL, Logical::Decimal),
        (names::DATE, Logical::Date),
        (names::TIME, Logical::Time),
        (names::TIMESTAMP, Logical::Timestamp),
    ]
    .into_iter()
    .find_map(|(known, logical)| (known.name == name).then_some(logical))
}

fn cannot(schema: &Schema, descriptor: &FieldDescriptor) -> ConnectError {
    let found = schema.name().filter(|_| known_type(schema).is_some()).unwrap_or(schema.schema_type().name());
    let repeated = if descriptor.is_list() || descriptor.is_map() { "repeated " } else { "" };
    let kind = match descriptor.kind() {
        Kind::Message(message) => format!("message {}", message.full_name()),
        Kind::Enum(enumeration) => format!("enum {}", enumeration.full_name()),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    ConnectError::data(format!(
        "{found} cannot be written to field {}, which is {repeated}{kind}",
        descriptor.full_name()
    ))
}
