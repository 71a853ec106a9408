//! Writes Connect values as Avro bytes by a plan that is compiled once per pair of schemas.

mod default_bytes;
mod plan;

use sluice_api::data::{Map, Struct, Value, java_hash_order_by, java_string_hash, logical};
use sluice_api::{ConnectError, Result, Schema};

pub(super) use plan::compile;

/// What is done with a value. Every type's name is only kept for messages.
#[derive(Debug)]
pub(super) enum Write {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Bytes,
    Decimal(Schema),
    Date(Schema),
    Time(Schema),
    Timestamp,
    Fixed(usize),
    /// A decimal filled up with its sign.
    FixedDecimal(usize, Schema),
    /// The symbols in the order of the enum.
    Enum(Vec<String>),
    Array(Box<Write>),
    Map(Box<Write>),
    /// A map as an array of records.
    Entries(Box<EntryWrite>),
    /// Null or not, with the numbers of the two branches.
    Nullable {
        null: i64,
        some: i64,
        inner: Box<Write>,
    },
    /// Null, or what writes the number of its branch itself.
    NullOr {
        null: i64,
        inner: Box<Write>,
    },
    /// A value that is never null, in a union.
    Branch {
        index: i64,
        inner: Box<Write>,
    },
    Struct(Box<StructWrite>),
    Union(Box<UnionWrite>),
    Anything,
}

#[derive(Debug)]
pub(super) struct EntryWrite {
    key: Write,
    value: Write,
    value_first: bool,
}

#[derive(Debug)]
pub(super) struct StructWrite {
    schema: Schema,
    fields: Vec<FieldWrite>,
}

#[derive(Debug)]
enum FieldWrite {
    /// The field of the struct with this index; a null counts as this default.
    Value { index: usize, default: Option<Value>, write: Write },
    /// A field that the struct does not have: its default.
    Constant(Vec<u8>),
}

#[derive(Debug)]
pub(super) struct UnionWrite {
    schema: Schema,
    null: Option<i64>,
    /// By the index of the struct's field.
    branches: Vec<(i64, Write)>,
}

impl Write {
    /// Appends `value`.
    ///
    /// # Errors
    /// `Data` when the value does not fit; what was appended is worthless then.
    pub(super) fn write(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Nullable { null, .. } | Self::NullOr { null, .. }, Value::Null) => put_long(out, *null),
            (Self::NullOr { inner, .. }, value) => return inner.write(out, value),
            (Self::Nullable { some, inner, .. }, value) => {
                put_long(out, *some);
                return inner.write(out, value);
            }
            (Self::Anything, value) => return put_anything(out, value),
            (_, Value::Null) => return Err(ConnectError::data("Found null value for non-optional schema")),
            (Self::Struct(plan), Value::Struct(value)) => return plan.write(out, value),
            (Self::String, Value::String(text)) => put_bytes(out, text.as_bytes()),
            (Self::Int, Value::Int32(number)) => put_long(out, (*number).into()),
            (Self::Int, Value::Int16(number)) => put_long(out, (*number).into()),
            (Self::Int, Value::Int8(number)) => put_long(out, (*number).into()),
            (Self::Long, Value::Int64(number)) => put_long(out, *number),
            (Self::Long, Value::Int32(number)) => put_long(out, (*number).into()),
            (Self::Long, Value::Int16(number)) => put_long(out, (*number).into()),
            (Self::Long, Value::Int8(number)) => put_long(out, (*number).into()),
            (Self::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Self::Double, Value::Float64(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Self::Double, Value::Float32(number)) => out.extend_from_slice(&f64::from(*number).to_le_bytes()),
            (Self::Double, Value::Int32(number)) => out.extend_from_slice(&f64::from(*number).to_le_bytes()),
            (Self::Float, Value::Float32(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Self::Bytes, Value::Bytes(bytes)) => put_bytes(out, bytes),
            (Self::Timestamp, Value::Date(millis)) => put_long(out, *millis),
            (Self::Date(schema), Value::Date(millis)) => put_long(out, logical::date_to_days(schema, *millis)?.into()),
            (Self::Time(schema), Value::Date(millis)) => {
                put_long(out, logical::time_to_millis(schema, *millis)?.into());
            }
            (Self::Decimal(schema), Value::Decimal(number)) => {
                put_bytes(out, &logical::decimal_to_bytes(schema, number)?);
            }
            (Self::Fixed(size), Value::Bytes(bytes)) => put_fixed(out, *size, bytes)?,
            (Self::FixedDecimal(size, schema), Value::Decimal(number)) => {
                put_fixed_decimal(out, *size, &logical::decimal_to_bytes(schema, number)?)?;
            }
            (Self::Enum(symbols), Value::String(symbol)) => {
                let index = symbols.iter().position(|known| **known == **symbol);
                let index = index
                    .ok_or_else(|| ConnectError::data(format!("`{symbol}` is no symbol of the enum: {symbols:?}")))?;
                put_long(out, index as i64);
            }
            (Self::Array(inner), Value::Array(items)) => return put_array(out, inner, items),
            (Self::Map(inner), Value::Map(entries)) => return put_map(out, inner, entries),
            (Self::Entries(plan), Value::Map(entries)) => return plan.write(out, entries),
            (Self::Branch { index, inner }, value) => {
                put_long(out, *index);
                return inner.write(out, value);
            }
            (Self::Union(plan), Value::Struct(value)) => return plan.write(out, value),
            (plan, value) => return Err(wrong_class(plan, value)),
        }
        Ok(())
    }

    /// Appends a value of the Avro type bytes that is a record's whole payload: its length is not written.
    ///
    /// # Errors
    /// As for [`Write::write`].
    pub(super) fn write_raw(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        match (self, value) {
            (Self::Bytes, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
            (Self::Decimal(schema), Value::Decimal(number)) => {
                out.extend_from_slice(&logical::decimal_to_bytes(schema, number)?);
            }
            (plan, value) => return Err(wrong_class(plan, value)),
        }
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Int => "INT32",
            Self::Long => "INT64",
            Self::Float => "FLOAT32",
            Self::Double => "FLOAT64",
            Self::String | Self::Enum(_) => "STRING",
            Self::Bytes | Self::Fixed(_) => "BYTES",
            Self::Decimal(_) | Self::FixedDecimal(..) => "Decimal",
            Self::Date(_) => "Date",
            Self::Time(_) => "Time",
            Self::Timestamp => "Timestamp",
            Self::Array(_) => "ARRAY",
            Self::Map(_) | Self::Entries(_) => "MAP",
            Self::Nullable { inner, .. } | Self::NullOr { inner, .. } | Self::Branch { inner, .. } => inner.type_name(),
            Self::Struct(_) | Self::Union(_) => "STRUCT",
            Self::Anything => "any",
        }
    }
}

fn wrong_class(plan: &Write, value: &Value) -> ConnectError {
    let (type_name, class) = (plan.type_name(), value.java_class());
    ConnectError::data(match type_name {
        "Decimal" => format!("Invalid type for Decimal, expected BigDecimal but was class {class}"),
        "Date" | "Time" | "Timestamp" => format!("Invalid type for {type_name}, expected Date but was class {class}"),
        _ => format!("Invalid type for {type_name}: class {class}"),
    })
}

impl StructWrite {
    fn write(&self, out: &mut Vec<u8>, value: &Struct) -> Result<()> {
        if *value.schema() != self.schema {
            return Err(ConnectError::data("Mismatching struct schema"));
        }
        let values = value.values();
        for field in &self.fields {
            match field {
                FieldWrite::Value { index, default, write } => {
                    let value = match (&values[*index], default) {
                        (Value::Null, Some(default)) => default,
                        (value, _) => value,
                    };
                    write.write(out, value)?;
                }
                FieldWrite::Constant(bytes) => out.extend_from_slice(bytes),
            }
        }
        Ok(())
    }
}

impl UnionWrite {
    /// Writes the first field that is not null.
    fn write(&self, out: &mut Vec<u8>, value: &Struct) -> Result<()> {
        if *value.schema() != self.schema {
            return Err(ConnectError::data("Mismatching struct schema"));
        }
        let set = value.values().iter().zip(&self.branches).find(|(value, _)| !value.is_null());
        match (set, self.null) {
            (Some((value, (index, write))), _) => {
                put_long(out, *index);
                write.write(out, value)
            }
            (None, Some(null)) => {
                put_long(out, null);
                Ok(())
            }
            (None, None) => Err(ConnectError::data("Found null value for non-optional schema")),
        }
    }
}

impl EntryWrite {
    fn write(&self, out: &mut Vec<u8>, entries: &Map) -> Result<()> {
        start_block(out, entries.len());
        for (key, value) in entries.iter() {
            if self.value_first {
                self.value.write(out, value)?;
                self.key.write(out, key)?;
            } else {
                self.key.write(out, key)?;
                self.value.write(out, value)?;
            }
        }
        out.push(0);
        Ok(())
    }
}

fn put_array(out: &mut Vec<u8>, inner: &Write, items: &[Value]) -> Result<()> {
    start_block(out, items.len());
    items.iter().try_for_each(|item| inner.write(out, item))?;
    out.push(0);
    Ok(())
}

fn put_map(out: &mut Vec<u8>, inner: &Write, entries: &Map) -> Result<()> {
    start_block(out, entries.len());
    let mut all = Vec::with_capacity(entries.len());
    for (key, value) in entries.iter() {
        let Value::String(key) = key else {
            return Err(ConnectError::data(format!("Invalid type for MAP: key of class {}", key.java_class())));
        };
        all.push((key, value));
    }
    // Confluent's converter copies into a `HashMap`: the order is part of the bytes, and so of a key's partition.
    java_hash_order_by(&mut all, |(key, _)| java_string_hash(key));
    for (key, value) in all {
        put_bytes(out, key.as_bytes());
        inner.write(out, value)?;
    }
    out.push(0);
    Ok(())
}

/// Data without schema: the one field of the record `Anything` that fits, the others null.
fn put_anything(out: &mut Vec<u8>, value: &Value) -> Result<()> {
    const FIELDS: usize = 9;
    let field = match value {
        Value::Null => FIELDS,
        Value::Boolean(_) => 0,
        Value::Float64(_) => 2,
        Value::Float32(_) => 3,
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) => 4,
        Value::Int64(_) => 5,
        Value::String(_) => 6,
        Value::Array(_) => 7,
        Value::Map(_) => 8,
        Value::Bytes(_) | Value::Decimal(_) | Value::Date(_) | Value::Struct(_) => {
            let class = value.java_class();
            return Err(ConnectError::data(format!("Unknown Java type for schemaless data: class {class}")));
        }
    };
    out.resize(out.len() + field, 0);
    if field == FIELDS {
        return Ok(());
    }
    put_long(out, 1);
    match value {
        Value::Boolean(value) => out.push(u8::from(*value)),
        Value::Float64(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Float32(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::String(text) => put_bytes(out, text.as_bytes()),
        Value::Int64(number) => put_long(out, *number),
        Value::Array(items) => put_array(out, &Write::Anything, items)?,
        Value::Map(entries) => {
            let plan = EntryWrite { key: Write::Anything, value: Write::Anything, value_first: false };
            plan.write(out, entries)?;
        }
        number => Write::Int.write(out, number)?,
    }
    out.resize(out.len() + FIELDS - field - 1, 0);
    Ok(())
}

fn put_fixed(out: &mut Vec<u8>, size: usize, bytes: &[u8]) -> Result<()> {
    if bytes.len() != size {
        let length = bytes.len();
        return Err(ConnectError::data(format!("a fixed of {size} bytes cannot hold {length}")));
    }
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_fixed_decimal(out: &mut Vec<u8>, size: usize, unscaled: &[u8]) -> Result<()> {
    let length = unscaled.len();
    let Some(missing) = size.checked_sub(length) else {
        return Err(ConnectError::data(format!(
            "Unscaled value byte array length {length} is greater than fixed size {size}"
        )));
    };
    let sign = if unscaled.first().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
    out.resize(out.len() + missing, sign);
    out.extend_from_slice(unscaled);
    Ok(())
}

fn start_block(out: &mut Vec<u8>, items: usize) {
    if items > 0 {
        put_long(out, items as i64);
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// A zig-zag number of as few bytes as it takes.
#[inline]
fn put_long(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
