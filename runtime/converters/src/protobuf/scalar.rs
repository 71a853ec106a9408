//! One scalar of Protobuf between its bytes and a Connect value.

use bytes::Bytes;
use bytestring::ByteString;
use prost_reflect::Kind;
use sluice_api::data::{SchemaType, Value};
use sluice_api::{ConnectError, Result};

use super::wire::{self, Reader, WireType, put_varint, unzigzag, zigzag};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Float,
    Double,
    Bool,
    String,
    Bytes,
}

impl Scalar {
    /// The scalar of a kind; `None` for enums and messages.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Int32 => Self::Int32,
            Kind::Int64 => Self::Int64,
            Kind::Uint32 => Self::Uint32,
            Kind::Uint64 => Self::Uint64,
            Kind::Sint32 => Self::Sint32,
            Kind::Sint64 => Self::Sint64,
            Kind::Fixed32 => Self::Fixed32,
            Kind::Fixed64 => Self::Fixed64,
            Kind::Sfixed32 => Self::Sfixed32,
            Kind::Sfixed64 => Self::Sfixed64,
            Kind::Float => Self::Float,
            Kind::Double => Self::Double,
            Kind::Bool => Self::Bool,
            Kind::String => Self::String,
            Kind::Bytes => Self::Bytes,
            Kind::Enum(_) | Kind::Message(_) => return None,
        })
    }

    pub(super) fn wire_type(self) -> WireType {
        match self {
            Self::Int32 | Self::Int64 | Self::Uint32 | Self::Uint64 | Self::Sint32 | Self::Sint64 | Self::Bool => {
                WireType::Varint
            }
            Self::Fixed32 | Self::Sfixed32 | Self::Float => WireType::Fixed32,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => WireType::Fixed64,
            Self::String | Self::Bytes => WireType::Delimited,
        }
    }

    /// Whether values of `schema_type` can be written this way.
    pub(super) fn takes(self, schema_type: SchemaType) -> bool {
        match schema_type {
            SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 | SchemaType::Int64 => {
                !matches!(self, Self::Float | Self::Double | Self::Bool | Self::String | Self::Bytes)
            }
            SchemaType::Float32 => matches!(self, Self::Float | Self::Double),
            SchemaType::Float64 => self == Self::Double,
            SchemaType::Boolean => self == Self::Bool,
            SchemaType::String => self == Self::String,
            SchemaType::Bytes => self == Self::Bytes,
            SchemaType::Array | SchemaType::Map | SchemaType::Struct => false,
        }
    }

    /// Appends `value`, without a tag.
    ///
    /// # Errors
    /// `Data` when it has another class or is out of range.
    pub(super) fn put(self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        let number = match value {
            Value::Int8(value) => i64::from(*value),
            Value::Int16(value) => i64::from(*value),
            Value::Int32(value) => i64::from(*value),
            Value::Int64(value) => *value,
            _ => return self.put_other(out, value),
        };
        let in_range = || i32::try_from(number).map_err(|_| out_of_range(number, "int32"));
        let unsigned = || u32::try_from(number).map_err(|_| out_of_range(number, "uint32"));
        match self {
            Self::Int32 => put_varint(out, i64::from(in_range()?) as u64),
            // Numbers past half of the range are negative in Connect, both ways.
            Self::Int64 | Self::Uint64 => put_varint(out, number as u64),
            Self::Uint32 => put_varint(out, u64::from(unsigned()?)),
            Self::Sint32 => put_varint(out, zigzag(i64::from(in_range()?))),
            Self::Sint64 => put_varint(out, zigzag(number)),
            Self::Fixed32 => out.extend_from_slice(&unsigned()?.to_le_bytes()),
            Self::Sfixed32 => out.extend_from_slice(&in_range()?.to_le_bytes()),
            Self::Fixed64 | Self::Sfixed64 => out.extend_from_slice(&number.to_le_bytes()),
            _ => return Err(self.wrong_class(value)),
        }
        Ok(())
    }

    fn put_other(self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Float, Value::Float32(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Self::Double, Value::Float32(number)) => out.extend_from_slice(&f64::from(*number).to_le_bytes()),
            (Self::Double, Value::Float64(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Self::Bool, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Self::String, Value::String(text)) => put_bytes(out, text.as_bytes()),
            (Self::Bytes, Value::Bytes(bytes)) => put_bytes(out, bytes),
            _ => return Err(self.wrong_class(value)),
        }
        Ok(())
    }

    fn wrong_class(self, value: &Value) -> ConnectError {
        ConnectError::data(format!("Invalid type for {self:?}: class {}", value.java_class()))
    }

    /// Reads a value as Connect has it: `schema_type` is what the schema of the field says.
    ///
    /// # Errors
    /// `Data` when the bytes are cut off or are no UTF-8.
    pub(super) fn read(self, reader: &mut Reader<'_>, whole: &Bytes, schema_type: SchemaType) -> Result<Value> {
        let number = match self {
            Self::Int32 => i64::from(reader.varint()? as i32),
            Self::Int64 | Self::Uint64 => reader.varint()? as i64,
            Self::Uint32 => i64::from(reader.varint()? as u32),
            Self::Sint32 => i64::from(unzigzag(u64::from(reader.varint()? as u32)) as i32),
            Self::Sint64 => unzigzag(reader.varint()?),
            Self::Fixed32 => i64::from(reader.fixed32()?),
            Self::Sfixed32 => i64::from(reader.fixed32()? as i32),
            Self::Fixed64 | Self::Sfixed64 => reader.fixed64()? as i64,
            Self::Float => return Ok(Value::Float32(f32::from_bits(reader.fixed32()?))),
            Self::Double => return Ok(Value::Float64(f64::from_bits(reader.fixed64()?))),
            Self::Bool => return Ok(Value::Boolean(reader.varint()? != 0)),
            Self::String => return text(whole, reader.delimited()?),
            Self::Bytes => return Ok(Value::Bytes(wire::shared(whole, reader.delimited()?))),
        };
        Ok(integer(number, schema_type))
    }

    /// What stands for a value that is not there.
    pub(super) fn default_value(self, schema_type: SchemaType) -> Value {
        match self {
            Self::Float => Value::Float32(0.0),
            Self::Double => Value::Float64(0.0),
            Self::Bool => Value::Boolean(false),
            Self::String => Value::String(ByteString::new()),
            Self::Bytes => Value::Bytes(Bytes::new()),
            _ => integer(0, schema_type),
        }
    }
}

/// A number in the class of `schema_type`, cut as Java cuts it.
pub(super) fn integer(number: i64, schema_type: SchemaType) -> Value {
    match schema_type {
        SchemaType::Int8 => Value::Int8(number as i8),
        SchemaType::Int16 => Value::Int16(number as i16),
        SchemaType::Int32 => Value::Int32(number as i32),
        _ => Value::Int64(number),
    }
}

/// Whether the value is what its field has when nothing is written.
pub(super) fn is_default(value: &Value) -> bool {
    match value {
        Value::Int8(0) | Value::Int16(0) | Value::Int32(0) | Value::Int64(0) | Value::Boolean(false) => true,
        Value::Float32(number) => number.to_bits() == 0,
        Value::Float64(number) => number.to_bits() == 0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn text(whole: &Bytes, bytes: &[u8]) -> Result<Value> {
    let text = ByteString::try_from(wire::shared(whole, bytes));
    text.map(Value::String).map_err(|_| ConnectError::data("a string is not valid UTF-8"))
}

fn out_of_range(number: i64, name: &str) -> ConnectError {
    ConnectError::data(format!("{number} does not fit the Protobuf type {name}"))
}
