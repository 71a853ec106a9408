//! Connect data to bytes by a plan, without a message in between.

use sluice_api::data::{Field, Schema, Struct, Value};
use sluice_api::{ConnectError, Result};

use super::encode_plan::{EntryPlan, EnumPlan, FieldPlan, MessagePlan, Root, Write};
use super::scalar::{Scalar, is_default};
use super::wire::{WireType, put_delimited, put_tag, put_varint};

/// Appends the record.
///
/// # Errors
/// `Data` when a value does not fit its schema or its field; the field is named.
pub(super) fn encode(root: &Root, out: &mut Vec<u8>, value: &Value) -> Result<()> {
    match root {
        Root::Message(plan) => plan.put(out, value),
        Root::Wrapper(scalar) => put_wrapped(*scalar, out, value),
    }
}

impl MessagePlan {
    fn put(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        let Value::Struct(value) = value else {
            return Err(ConnectError::data(format!("Invalid type for STRUCT: class {}", value.java_class())));
        };
        if *value.schema() != self.schema {
            return Err(ConnectError::data("Mismatching struct schema"));
        }
        let fields = self.schema.fields()?;
        for slot in &self.unions {
            self.check_union(&fields[*slot], value)?;
        }
        for field in &self.fields {
            let value = self.value_of(&fields[field.slot], value);
            let value = match field.member {
                Some(index) => self.member(index, value),
                None => Some(value),
            };
            if let Some(value) = value.filter(|value| !value.is_null()) {
                field.put(out, value).map_err(|cause| in_field(&field.name, cause))?;
            }
        }
        Ok(())
    }

    fn value_of<'a>(&self, field: &'a Field, value: &'a Struct) -> &'a Value {
        if self.ignore_defaults { &value.values()[field.index()] } else { value.get_field(field) }
    }

    /// The member of a union if it is the one that is there: the first that is not null.
    fn member<'a>(&self, index: usize, union: &'a Value) -> Option<&'a Value> {
        let Value::Struct(union) = union else { return None };
        let (found, value) = self.chosen(union)?;
        (found == index).then_some(value)
    }

    fn chosen<'a>(&self, union: &'a Struct) -> Option<(usize, &'a Value)> {
        let fields = union.schema().fields().ok()?;
        let mut values = fields.iter().map(|field| (field.index(), self.value_of(field, union)));
        values.find(|(_, value)| !value.is_null())
    }

    fn check_union(&self, field: &Field, value: &Struct) -> Result<()> {
        match self.value_of(field, value) {
            Value::Null => Ok(()),
            Value::Struct(union) if *union.schema() != *field.schema() => {
                Err(in_field(field.name(), ConnectError::data("Mismatching struct schema")))
            }
            Value::Struct(union) if self.chosen(union).is_some() => Ok(()),
            Value::Struct(_) => Err(in_field(field.name(), ConnectError::data("Cannot find non-null field"))),
            other => Err(in_field(field.name(), invalid(field.schema(), other))),
        }
    }
}

impl FieldPlan {
    /// Appends the value, which is not null, with its tag; nothing where a default is implied.
    fn put(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match &self.write {
            Write::Nowhere => Err(ConnectError::data("the message has no such field, and the value is not null")),
            Write::List { element, packed } => self.put_list(out, element, *packed, value),
            Write::Map(plan) => self.put_map(out, plan, value),
            Write::Enum(plan) => {
                let number = plan.number(value)?;
                if !(self.implicit && number == 0) {
                    put_tag(out, self.number, WireType::Varint);
                    put_varint(out, i64::from(number) as u64);
                }
                Ok(())
            }
            Write::Scalar(_) if self.implicit && is_default(value) => Ok(()),
            write => self.put_one(out, write, value),
        }
    }

    fn put_one(&self, out: &mut Vec<u8>, write: &Write, value: &Value) -> Result<()> {
        put_tag(out, self.number, write.wire_type());
        write.put(out, value)
    }

    fn put_list(&self, out: &mut Vec<u8>, element: &Write, packed: bool, value: &Value) -> Result<()> {
        let Value::Array(values) = value else {
            return Err(ConnectError::data(format!("Invalid type for ARRAY: class {}", value.java_class())));
        };
        if values.iter().any(Value::is_null) {
            return Err(ConnectError::data("a repeated field cannot hold null"));
        }
        if values.is_empty() {
            return Ok(());
        }
        if packed {
            put_tag(out, self.number, WireType::Delimited);
            return put_delimited(out, |out| values.iter().try_for_each(|value| element.put(out, value)));
        }
        values.iter().try_for_each(|value| self.put_one(out, element, value))
    }

    fn put_map(&self, out: &mut Vec<u8>, plan: &EntryPlan, value: &Value) -> Result<()> {
        let Value::Map(map) = value else {
            return Err(ConnectError::data(format!("Invalid type for MAP: class {}", value.java_class())));
        };
        for (key, value) in map.iter() {
            put_tag(out, self.number, WireType::Delimited);
            put_delimited(out, |out| {
                for (field, value) in [(&plan.key, key), (&plan.value, value)] {
                    if !value.is_null() {
                        field.put(out, value)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Write {
    fn wire_type(&self) -> WireType {
        match self {
            Self::Scalar(scalar) => scalar.wire_type(),
            Self::Enum(_) => WireType::Varint,
            _ => WireType::Delimited,
        }
    }

    /// Appends one value without a tag.
    fn put(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match self {
            Self::Scalar(scalar) => scalar.put(out, value),
            Self::Enum(plan) => {
                put_varint(out, i64::from(plan.number(value)?) as u64);
                Ok(())
            }
            Self::Wrapper(scalar) => put_delimited(out, |out| put_wrapped(*scalar, out, value)),
            Self::Logical(logical) => put_delimited(out, |out| logical.encode(out, value)),
            Self::Message(plan) => put_delimited(out, |out| plan.put(out, value)),
            Self::List { .. } | Self::Map(_) | Self::Nowhere => {
                Err(ConnectError::data("a list in a list cannot be written in Protobuf"))
            }
        }
    }
}

impl EnumPlan {
    fn number(&self, value: &Value) -> Result<i32> {
        match value {
            Value::Int32(number) => Ok(*number),
            Value::String(symbol) => self
                .numbers
                .get(&**symbol)
                .copied()
                .ok_or_else(|| ConnectError::data(format!("enum {} has no symbol {symbol}", self.name))),
            other => {
                Err(ConnectError::data(format!("Invalid type for enum {}: class {}", self.name, other.java_class())))
            }
        }
    }
}

fn put_wrapped(scalar: Scalar, out: &mut Vec<u8>, value: &Value) -> Result<()> {
    if is_default(value) {
        return Ok(());
    }
    put_tag(out, 1, scalar.wire_type());
    scalar.put(out, value)
}

fn invalid(schema: &Schema, value: &Value) -> ConnectError {
    ConnectError::data(format!("Invalid type for {}: class {}", schema.schema_type(), value.java_class()))
}

fn in_field(name: &str, cause: ConnectError) -> ConnectError {
    ConnectError::data(format!("field {name}")).with_source(cause)
}
