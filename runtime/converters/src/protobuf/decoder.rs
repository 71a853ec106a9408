//! Bytes to Connect data by a plan, without a message in between. Text and bytes share the memory of the record.

use bytes::Bytes;
use sluice_api::data::{Map, Schema, SchemaType, Struct, Value};
use sluice_api::{ConnectError, Result};

use super::decode_plan::{EntryPlan, EnumPlan, FieldPlan, MessagePlan, Read, Root, Shape};
use super::scalar::Scalar;
use super::wire::{Reader, WireType};

/// The record in `payload`.
///
/// # Errors
/// `Data` when the bytes are no such message; the field is named.
pub(super) fn decode(root: &Root, payload: &Bytes) -> Result<Value> {
    match root {
        Root::Message(plan) => decode_message(plan, payload, payload),
        Root::Wrapper(scalar, schema_type) => wrapped(*scalar, *schema_type, payload, payload),
    }
}

/// A message whose bytes are a slice of `whole`.
fn decode_message(plan: &MessagePlan, bytes: &[u8], whole: &Bytes) -> Result<Value> {
    let mut message = Message::new(plan, bytes, whole);
    let mut reader = Reader::new(bytes);
    let mut last = 0;
    while !reader.is_empty() {
        let (number, wire_type) = reader.tag()?;
        match plan.find(number, last) {
            Some(at) => {
                let field = &plan.fields[at];
                message.field(at, wire_type, &mut reader).map_err(|cause| in_field(field, cause))?;
                last = at;
            }
            None => reader.skip(number, wire_type)?,
        }
    }
    message.finish()
}

/// A message on its way.
struct Message<'a> {
    plan: &'a MessagePlan,
    bytes: &'a [u8],
    whole: &'a Bytes,
    values: Vec<Value>,
    /// Entries of maps by slot, which is where duplicate keys meet.
    maps: Vec<(usize, Vec<(Value, Value)>)>,
    /// Fields that hold a message, to find one that comes again: then the parts make one message together.
    messages: Vec<usize>,
    again: Vec<usize>,
}

impl<'a> Message<'a> {
    fn new(plan: &'a MessagePlan, bytes: &'a [u8], whole: &'a Bytes) -> Self {
        let values = plan.absent.clone();
        Self { plan, bytes, whole, values, maps: Vec::new(), messages: Vec::new(), again: Vec::new() }
    }

    fn field(&mut self, at: usize, wire_type: WireType, reader: &mut Reader<'a>) -> Result<()> {
        let field = &self.plan.fields[at];
        let expected = field.read.wire_type();
        if wire_type == expected {
            let value = match &field.read {
                Read::Entry(entry) => return self.entry(field, entry, reader),
                Read::Enum(plan) => match enum_value(plan, reader)? {
                    Some(value) => value,
                    None => return Ok(()),
                },
                read => read_value(read, reader, self.whole)?,
            };
            return self.put(at, value);
        }
        // Repeated numbers come one by one or packed, whatever the schema says.
        if wire_type == WireType::Delimited && field.shape == Shape::List && expected != WireType::Delimited {
            return self.packed(field, reader.delimited()?);
        }
        reader.skip(field.number, wire_type)
    }

    fn packed(&mut self, field: &FieldPlan, bytes: &[u8]) -> Result<()> {
        let Value::Array(values) = &mut self.values[field.slot] else { return Ok(()) };
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            match &field.read {
                Read::Enum(plan) => values.extend(enum_value(plan, &mut reader)?),
                read => values.push(read_value(read, &mut reader, self.whole)?),
            }
        }
        Ok(())
    }

    fn entry(&mut self, field: &FieldPlan, plan: &EntryPlan, reader: &mut Reader<'_>) -> Result<()> {
        let entry = read_entry(plan, reader.delimited()?, self.whole)?;
        match self.maps.iter_mut().find(|(slot, _)| *slot == field.slot) {
            Some((_, entries)) => entries.push(entry),
            None => self.maps.push((field.slot, vec![entry])),
        }
        Ok(())
    }

    fn put(&mut self, at: usize, value: Value) -> Result<()> {
        let field = &self.plan.fields[at];
        if field.shape == Shape::List {
            if let Value::Array(values) = &mut self.values[field.slot] {
                values.push(value);
            }
            return Ok(());
        }
        if field.oneof.is_some() {
            self.clear_others(at);
        }
        if field.read.is_message() {
            if self.messages.contains(&at) {
                if !self.again.contains(&at) {
                    self.again.push(at);
                }
                return Ok(());
            }
            self.messages.push(at);
        }
        self.store(field, value)
    }

    fn store(&mut self, field: &FieldPlan, value: Value) -> Result<()> {
        self.values[field.slot] = match &field.member {
            None => value,
            Some(member) => union_of(&member.union, member.index, value)?,
        };
        Ok(())
    }

    /// Only the last member of a oneof counts, and a message member that comes back starts anew.
    fn clear_others(&mut self, at: usize) {
        let plan = self.plan;
        let oneof = plan.fields[at].oneof;
        let other = |index: &usize| *index != at && plan.fields[*index].oneof == oneof;
        self.messages.retain(|index| !other(index));
        self.again.retain(|index| !other(index));
        if plan.fields[at].member.is_none() {
            for (index, field) in plan.fields.iter().enumerate().filter(|(_, field)| field.oneof == oneof) {
                if index != at {
                    self.values[field.slot] = Value::Null;
                }
            }
        }
    }

    fn finish(mut self) -> Result<Value> {
        for at in std::mem::take(&mut self.again) {
            let field = &self.plan.fields[at];
            let joined = self.joined(field)?;
            let joined = Bytes::from(joined);
            let value = read_delimited(&field.read, &joined, &joined).map_err(|cause| in_field(field, cause))?;
            self.store(field, value)?;
        }
        if self.plan.generate {
            self.generate()?;
        }
        for (slot, entries) in self.maps {
            self.values[slot] = Value::Map(Map::hash_ordered(entries));
        }
        Struct::from_checked(self.plan.schema.clone(), self.values).map(Value::Struct)
    }

    /// The bytes of all parts of a message field, those before another member of its oneof left out.
    fn joined(&self, field: &FieldPlan) -> Result<Vec<u8>> {
        let mut joined = Vec::new();
        let mut reader = Reader::new(self.bytes);
        while !reader.is_empty() {
            let (number, wire_type) = reader.tag()?;
            if number == field.number && wire_type == WireType::Delimited {
                joined.extend_from_slice(reader.delimited()?);
                continue;
            }
            let other = self.plan.find(number, 0).map(|at| &self.plan.fields[at]);
            if other.is_some_and(|other| field.oneof.is_some() && other.oneof == field.oneof) {
                joined.clear();
            }
            reader.skip(number, wire_type)?;
        }
        Ok(joined)
    }

    /// Puts a message with every default where there is none (`generate.struct.for.nulls`).
    fn generate(&mut self) -> Result<()> {
        for field in &self.plan.fields {
            let absent = field.shape == Shape::Single && field.oneof.is_none() && field.read.is_message();
            if absent && self.values[field.slot].is_null() {
                self.values[field.slot] =
                    read_delimited(&field.read, &[], self.whole).map_err(|cause| in_field(field, cause))?;
            }
        }
        Ok(())
    }
}

impl Read {
    fn wire_type(&self) -> WireType {
        match self {
            Self::Scalar(scalar, _) => scalar.wire_type(),
            Self::Enum(_) => WireType::Varint,
            Self::Wrapper(..) | Self::Logical(_) | Self::Message(_) | Self::Entry(_) => WireType::Delimited,
        }
    }

    fn is_message(&self) -> bool {
        matches!(self, Self::Wrapper(..) | Self::Logical(_) | Self::Message(_))
    }
}

fn read_value(read: &Read, reader: &mut Reader<'_>, whole: &Bytes) -> Result<Value> {
    match read {
        Read::Scalar(scalar, schema_type) => scalar.read(reader, whole, *schema_type),
        Read::Enum(plan) => Ok(enum_value(plan, reader)?.unwrap_or(Value::Null)),
        _ => read_delimited(read, reader.delimited()?, whole),
    }
}

fn read_delimited(read: &Read, bytes: &[u8], whole: &Bytes) -> Result<Value> {
    match read {
        Read::Wrapper(scalar, schema_type) => wrapped(*scalar, *schema_type, bytes, whole),
        Read::Logical(logical) => logical.decode(bytes),
        Read::Message(plan) => decode_message(plan, bytes, whole),
        Read::Scalar(..) | Read::Enum(_) | Read::Entry(_) => Err(ConnectError::data("no message is expected here")),
    }
}

fn wrapped(scalar: Scalar, schema_type: SchemaType, bytes: &[u8], whole: &Bytes) -> Result<Value> {
    let mut value = scalar.default_value(schema_type);
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        match reader.tag()? {
            (1, wire_type) if wire_type == scalar.wire_type() => {
                value = scalar.read(&mut reader, whole, schema_type)?;
            }
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok(value)
}

fn enum_value(plan: &EnumPlan, reader: &mut Reader<'_>) -> Result<Option<Value>> {
    Ok(plan.value(reader.varint()? as i32))
}

fn read_entry(plan: &EntryPlan, bytes: &[u8], whole: &Bytes) -> Result<(Value, Value)> {
    let mut parts = [None, None];
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let (number, wire_type) = reader.tag()?;
        let fields = [&plan.key, &plan.value];
        match fields.iter().position(|part| part.0 == number && part.1.wire_type() == wire_type) {
            Some(at) => parts[at] = Some(read_value(&fields[at].1, &mut reader, whole)?),
            None => reader.skip(number, wire_type)?,
        }
    }
    let or_absent = |part: Option<Value>, (_, read, default): &(u32, Read, Value)| match part {
        Some(value) => Ok(value),
        None if read.is_message() => read_delimited(read, &[], whole),
        None => Ok(default.clone()),
    };
    let [key, value] = parts;
    Ok((or_absent(key, &plan.key)?, or_absent(value, &plan.value)?))
}

fn union_of(union: &Schema, index: usize, value: Value) -> Result<Value> {
    let mut members = vec![Value::Null; union.fields()?.len()];
    members[index] = value;
    Struct::from_checked(union.clone(), members).map(Value::Struct)
}

fn in_field(field: &FieldPlan, cause: ConnectError) -> ConnectError {
    ConnectError::data(format!("field {}", field.name)).with_source(cause)
}
