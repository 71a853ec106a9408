//! Structs straight from the text, for the payload that encoders write: all members there, in the order of the fields.
//!
//! A payload of another shape is left to the tree ([`super::decoder`]), which knows what Jackson makes of it, and which names what
//! is wrong. Saves the tree's vectors and names, a third of the cost of reading a record.

use sluice_api::data::{Schema, SchemaType, Struct, Value, logical};

use super::decoder::Decoder;
use super::reader::Reader;

/// How structs of one schema are read, worked out once.
pub(super) struct Plan {
    schema: Schema,
    members: Vec<Member>,
}

struct Member {
    /// `"name":`, and before all but the first a comma: how encoders without blanks write it.
    compact: Box<[u8]>,
    kind: Kind,
}

enum Kind {
    Struct(Plan),
    Integer(SchemaType),
    Text,
    /// By way of a node.
    Other,
}

impl Plan {
    /// `None` where structs of this schema cannot be read straight from the text: they need names that JSON does not escape, and
    /// no collections, whose elements would have to be checked again.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        let fields = schema.fields().ok()?;
        if is_logical(schema) {
            return None;
        }
        let mut members = Vec::with_capacity(fields.len());
        for field in fields {
            let name = field.name();
            if name.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
                return None;
            }
            let comma = if field.index() > 0 { "," } else { "" };
            let compact = format!("{comma}\"{name}\":").into_bytes().into();
            members.push(Member { compact, kind: Kind::of(field.schema())? });
        }
        Some(Self { schema: schema.clone(), members })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The struct at the reader's position; `None` leaves the reader somewhere.
    pub(super) fn read(&self, reader: &mut Reader<'_>, decoder: &Decoder) -> Option<Struct> {
        let fields = self.schema.fields().ok()?;
        let mut values = Vec::with_capacity(fields.len());
        if !reader.take(b'{') {
            return None;
        }
        for (field, member) in fields.iter().zip(&self.members) {
            if !reader.take_all(&member.compact) {
                if field.index() > 0 && !reader.take(b',') {
                    return None;
                }
                if !reader.take_name(field.name()) {
                    return None;
                }
            }
            values.push(member.kind.read(reader, field.schema(), decoder)?);
            reader.skip_blanks();
        }
        if !reader.take(b'}') {
            return None;
        }
        Struct::from_checked(self.schema.clone(), values).ok()
    }
}

impl Kind {
    fn of(schema: &Schema) -> Option<Self> {
        Some(match schema.schema_type() {
            SchemaType::Array | SchemaType::Map => return None,
            SchemaType::Struct => Self::Struct(Plan::of(schema)?),
            _ if is_logical(schema) => Self::Other,
            integer @ (SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64) => {
                Self::Integer(integer)
            }
            SchemaType::String => Self::Text,
            _ => Self::Other,
        })
    }

    fn read(&self, reader: &mut Reader<'_>, schema: &Schema, decoder: &Decoder) -> Option<Value> {
        match self {
            Self::Struct(plan) if reader.peek() == Some(b'{') => return plan.read(reader, decoder).map(Value::Struct),
            Self::Integer(integer) => {
                if let Some(number) = reader.take_short_integer() {
                    return Some(match integer {
                        SchemaType::Int8 => Value::Int8(number as i8),
                        SchemaType::Int16 => Value::Int16(number as i16),
                        SchemaType::Int32 => Value::Int32(number as i32),
                        _ => Value::Int64(number),
                    });
                }
            }
            Self::Text if reader.take(b'"') => return reader.string().ok().map(Value::String),
            _ => {}
        }
        let node = reader.value().ok()?;
        decoder.value(Some(schema), node).ok()
    }
}

fn is_logical(schema: &Schema) -> bool {
    matches!(schema.name(), Some(logical::DECIMAL | logical::DATE | logical::TIME | logical::TIMESTAMP))
}
