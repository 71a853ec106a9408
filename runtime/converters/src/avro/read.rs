//! Reads Avro bytes as Connect values by a plan that is compiled once per pair of writer's and reader's schema.

mod input;
mod plan;
mod skip;

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::data::{BigDecimal, Map, Struct, Value, java_hash_order_of_capacity_by, logical};
use sluice_api::{ConnectError, Result, Schema};

pub(super) use input::Input;
pub(super) use plan::compile;
use skip::Skip;

/// What is made of the next bytes.
#[derive(Debug)]
pub(super) enum Read {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Promote(Promotion),
    String,
    Bytes,
    Decimal(i32),
    Date,
    Time(Schema),
    Timestamp,
    Fixed(usize),
    FixedDecimal(usize, i32),
    /// By the number of the writer's symbol; `None` where the reader knows neither the symbol nor a default.
    Enum(Vec<Option<ByteString>>),
    Array(Box<Read>),
    Map(Box<Read>),
    Entries(Box<EntryRead>),
    Struct(Box<StructRead>),
    /// By the number of the writer's branch; an error where the reader has no type for it.
    Branches(Vec<Result<Read, String>>),
    /// A field of a struct that stands for a union.
    Field {
        schema: Schema,
        index: usize,
        inner: Box<Read>,
    },
    Anything,
}

/// A number of one type that is read as one of another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Promotion {
    IntToLong,
    IntToFloat,
    IntToDouble,
    LongToFloat,
    LongToDouble,
    FloatToDouble,
}

#[derive(Debug)]
pub(super) struct StructRead {
    schema: Schema,
    /// In the writer's order.
    fields: Vec<FieldRead>,
    /// What the writer does not have, by the index of the field.
    defaults: Vec<(usize, Value)>,
}

#[derive(Debug)]
enum FieldRead {
    Value { index: usize, read: Read },
    Skipped(Skip),
}

#[derive(Debug)]
pub(super) struct EntryRead {
    key: Read,
    value: Read,
    value_first: bool,
}

impl Read {
    /// The value that comes next.
    ///
    /// # Errors
    /// `Data` when the bytes end too early or are none of the type.
    pub(super) fn read(&self, input: &mut Input<'_>) -> Result<Value> {
        Ok(match self {
            Self::Struct(plan) => return plan.read(input),
            Self::Branches(branches) => {
                let index = input.index(branches.len(), "branch of a union")?;
                match &branches[index] {
                    Ok(read) => return read.read(input),
                    Err(reason) => return Err(ConnectError::data(reason.clone())),
                }
            }
            Self::String => Value::String(input.string()?),
            Self::Int32 => Value::Int32(input.int()?),
            Self::Int64 => Value::Int64(input.long()?),
            Self::Boolean => Value::Boolean(input.boolean()?),
            Self::Float64 => Value::Float64(input.double()?),
            Self::Float32 => Value::Float32(input.float()?),
            Self::Bytes => Value::Bytes(input.bytes()?),
            Self::Null => Value::Null,
            Self::Int8 => Value::Int8(narrow(input.int()?, "int8")?),
            Self::Int16 => Value::Int16(narrow(input.int()?, "int16")?),
            Self::Date => Value::Date(i64::from(input.int()?) * logical::MILLIS_PER_DAY),
            Self::Time(schema) => Value::Date(logical::time_from_millis(schema, input.int()?)?),
            Self::Timestamp => Value::Date(input.long()?),
            Self::Decimal(scale) => decimal(&input.bytes()?, *scale)?,
            Self::Fixed(size) => Value::Bytes(input.take(*size)?),
            Self::FixedDecimal(size, scale) => decimal(&input.take(*size)?, *scale)?,
            Self::Enum(symbols) => match &symbols[input.index(symbols.len(), "symbol of an enum")?] {
                Some(symbol) => Value::String(symbol.clone()),
                None => {
                    return Err(ConnectError::data("the reader's enum does not know the symbol and has no default"));
                }
            },
            Self::Array(inner) => Value::Array(items(input, |input| inner.read(input))?),
            Self::Map(inner) => {
                let entries = items(input, |input| Ok((Value::String(input.string()?), inner.read(input)?)))?;
                Value::Map(hash_map(in_utf8_order(entries)))
            }
            Self::Entries(plan) => Value::Map(hash_map(items(input, |input| plan.read(input))?)),
            Self::Field { schema, index, inner } => {
                let mut value = Struct::new(schema.clone())?;
                value.put_checked(&schema.fields()?[*index], inner.read(input)?)?;
                Value::Struct(value)
            }
            Self::Promote(promotion) => promotion.read(input)?,
            Self::Anything => return anything(input),
        })
    }
}

impl Read {
    /// The value in `payload`, which is a value of the Avro type bytes without its length.
    ///
    /// # Errors
    /// As for [`Read::read`].
    pub(super) fn read_raw(&self, payload: Bytes) -> Result<Value> {
        match self {
            Self::Bytes => Ok(Value::Bytes(payload)),
            Self::Decimal(scale) => decimal(&payload, *scale),
            Self::String => {
                let text = ByteString::try_from(payload);
                text.map(Value::String).map_err(|error| ConnectError::data("the bytes are no UTF-8").with_source(error))
            }
            Self::Field { schema, index, inner } => {
                let mut value = Struct::new(schema.clone())?;
                value.put_checked(&schema.fields()?[*index], inner.read_raw(payload)?)?;
                Ok(Value::Struct(value))
            }
            _ => Err(ConnectError::data("bytes cannot be read as the reader's type")),
        }
    }
}

impl StructRead {
    fn read(&self, input: &mut Input<'_>) -> Result<Value> {
        let mut value = Struct::new(self.schema.clone())?;
        let fields = self.schema.fields()?;
        for field in &self.fields {
            match field {
                FieldRead::Value { index, read } => value.put_checked(&fields[*index], read.read(input)?)?,
                FieldRead::Skipped(skip) => skip.over(input)?,
            }
        }
        for (index, default) in &self.defaults {
            value.put_checked(&fields[*index], default.clone())?;
        }
        Ok(Value::Struct(value))
    }
}

impl EntryRead {
    fn read(&self, input: &mut Input<'_>) -> Result<(Value, Value)> {
        if self.value_first {
            let value = self.value.read(input)?;
            return Ok((self.key.read(input)?, value));
        }
        let key = self.key.read(input)?;
        Ok((key, self.value.read(input)?))
    }
}

impl Promotion {
    fn read(self, input: &mut Input<'_>) -> Result<Value> {
        Ok(match self {
            Self::IntToLong => Value::Int64(input.int()?.into()),
            Self::IntToFloat => Value::Float32(input.int()? as f32),
            Self::IntToDouble => Value::Float64(input.int()?.into()),
            Self::LongToFloat => Value::Float32(input.long()? as f32),
            Self::LongToDouble => Value::Float64(input.long()? as f64),
            Self::FloatToDouble => Value::Float64(input.float()?.into()),
        })
    }
}

/// The items of an array or map, block by block.
fn items<T>(input: &mut Input<'_>, mut read: impl FnMut(&mut Input<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    loop {
        let count = input.block()?;
        if count == 0 {
            return Ok(all);
        }
        input.admit(all.len(), count)?;
        all.reserve(count.min(input.remaining()));
        for _ in 0..count {
            all.push(read(input)?);
        }
    }
}

/// Confluent's converter makes a `HashMap` of just the right capacity.
fn hash_map(entries: Vec<(Value, Value)>) -> Map {
    Map::hash_ordered_of_capacity(entries.len(), entries)
}

/// The entries as they come out of Avro's own `HashMap`, whose keys are bytes: that order stays where Connect's keys share a bucket.
fn in_utf8_order(mut entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    // In ASCII, both maps have the same order.
    if entries.iter().any(|(key, _)| key.as_str().is_some_and(|key| !key.is_ascii())) {
        let capacity = entries.len();
        java_hash_order_of_capacity_by(&mut entries, capacity, |(key, _)| {
            let bytes = key.as_str().unwrap_or_default().bytes();
            bytes.fold(0, |hash: i32, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte as i8)))
        });
    }
    entries
}

/// Kafka Connect cuts the number; a number that does not fit is refused here, since it would come out as another one.
fn narrow<T: TryFrom<i32>>(number: i32, connect_type: &str) -> Result<T> {
    T::try_from(number)
        .map_err(|_| ConnectError::data(format!("{number} does not fit the Connect type {connect_type}")))
}

fn decimal(unscaled: &[u8], scale: i32) -> Result<Value> {
    if unscaled.is_empty() {
        return Err(ConnectError::data("Zero length BigInteger"));
    }
    Ok(Value::Decimal(BigDecimal::from_unscaled_bytes(unscaled, scale)))
}

/// The record that holds a value without schema: the first of its fields that is not null.
fn anything(input: &mut Input<'_>) -> Result<Value> {
    input.deeper()?;
    let mut value = Value::Null;
    for field in 0..9 {
        if input.index(2, "branch of a union")? == 0 {
            continue;
        }
        let read = match field {
            0 => Value::Boolean(input.boolean()?),
            1 => Value::Bytes(input.bytes()?),
            2 => Value::Float64(input.double()?),
            3 => Value::Float32(input.float()?),
            4 => Value::Int32(input.int()?),
            5 => Value::Int64(input.long()?),
            6 => Value::String(input.string()?),
            7 => Value::Array(items(input, anything)?),
            _ => Value::Map(hash_map(items(input, |input| Ok((anything(input)?, anything(input)?)))?)),
        };
        if value.is_null() {
            value = read;
        }
    }
    input.shallower();
    Ok(value)
}
