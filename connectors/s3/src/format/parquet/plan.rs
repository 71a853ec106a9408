//! From a Connect schema to Parquet's, and from values to columns.
//!
//! The mapping is that of Confluent's sink, which goes by way of Avro: lists have two levels (`repeated T array`) unless an element
//! may be null, maps are `repeated group key_value`. Levels are those of Dremel: a value is defined up to the number of optional and
//! repeated fields on the way to it.

use std::sync::Arc;

use parquet::basic::{ConvertedType, Repetition, Type as PhysicalType};
use parquet::schema::types::{Type, TypePtr};
use sluice_api::data::logical;
use sluice_api::{ConnectError, Result, Schema, SchemaType, Value};

use super::columns::{Columns, Physical, Scalar};
use super::failed;

/// What AvroData gives to decimals without `connect.decimal.precision`.
const DEFAULT_PRECISION: i32 = 64;
/// Schemas that contain themselves have no columns; nobody nests so deep on purpose.
const DEEPEST: usize = 64;

/// The plan of a struct schema.
pub(super) struct Plan {
    name: String,
    fields: Vec<Node>,
    /// Kind, largest definition and repetition level.
    leaves: Vec<(Physical, i16, i16)>,
}

struct Node {
    name: String,
    optional: bool,
    /// The level at which this is defined.
    definition: i16,
    schema: Schema,
    kind: Kind,
    /// The columns below.
    leaves: std::ops::Range<usize>,
}

enum Kind {
    Leaf(Physical),
    Group(Vec<Node>),
    /// `repetition` is the level at which elements repeat.
    List {
        element: Box<Node>,
        repetition: i16,
        levels: Levels,
    },
    Map {
        key: Box<Node>,
        value: Box<Node>,
        repetition: i16,
    },
}

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Levels {
    Two,
    Three,
}

impl Plan {
    /// # Errors
    /// `Data` when a part of the schema has no form in Parquet.
    pub(super) fn of(schema: &Schema) -> Result<Self> {
        let mut builder = Builder { leaves: Vec::new() };
        let fields = builder.fields(schema, 0, 0, 0)?;
        let name = schema.name().unwrap_or("ConnectDefault").to_owned();
        Ok(Self { name, fields, leaves: builder.leaves })
    }

    pub(super) fn leaves(&self) -> &[(Physical, i16, i16)] {
        &self.leaves
    }

    /// # Errors
    /// `Connect` when the parquet crate refuses it.
    pub(super) fn parquet_schema(&self) -> Result<TypePtr> {
        let fields = self.fields.iter().map(Node::parquet_type).collect::<Result<_>>()?;
        Ok(Arc::new(Type::group_type_builder(&self.name).with_fields(fields).build().map_err(failed)?))
    }

    /// Puts the value of one row into the columns.
    ///
    /// # Errors
    /// `Data` when the value does not fit; some columns may have got their part.
    pub(super) fn take_apart(&self, value: &Value, columns: &mut Columns) -> Result<()> {
        fields_of(&self.fields, value, 0, 0, columns)
    }
}

struct Builder {
    leaves: Vec<(Physical, i16, i16)>,
}

impl Builder {
    fn fields(&mut self, schema: &Schema, definition: i16, repetition: i16, depth: usize) -> Result<Vec<Node>> {
        let fields = schema.fields()?;
        if fields.is_empty() {
            return Err(ConnectError::data("Parquet has no form for a struct without fields"));
        }
        fields.iter().map(|field| self.node(field.name(), field.schema(), definition, repetition, depth + 1)).collect()
    }

    fn node(&mut self, name: &str, schema: &Schema, outer: i16, repetition: i16, depth: usize) -> Result<Node> {
        if depth > DEEPEST {
            return Err(ConnectError::data(format!(
                "Parquet has no form for a schema that is nested more than {DEEPEST} deep"
            )));
        }
        let definition = outer + i16::from(schema.is_optional());
        let first = self.leaves.len();
        let part = |part: Option<&Schema>| {
            part.cloned().ok_or_else(|| {
                ConnectError::data(format!("Parquet has no form for `{name}`, whose elements have no schema"))
            })
        };
        let kind = match schema.schema_type() {
            SchemaType::Struct => Kind::Group(self.fields(schema, definition, repetition, depth)?),
            SchemaType::Array => {
                let element = part(schema.value_schema()?)?;
                let levels = if element.is_optional() { Levels::Three } else { Levels::Two };
                let name = if levels == Levels::Three { "element" } else { "array" };
                let element = Box::new(self.node(name, &element, definition + 1, repetition + 1, depth + 1)?);
                Kind::List { element, repetition: repetition + 1, levels }
            }
            SchemaType::Map => {
                let (key, value) = (part(schema.key_schema()?)?, part(schema.value_schema()?)?);
                let key = Box::new(self.node("key", &key, definition + 1, repetition + 1, depth + 1)?);
                let value = Box::new(self.node("value", &value, definition + 1, repetition + 1, depth + 1)?);
                Kind::Map { key, value, repetition: repetition + 1 }
            }
            primitive => {
                let physical = physical(primitive);
                self.leaves.push((physical, definition, repetition));
                Kind::Leaf(physical)
            }
        };
        let leaves = first..self.leaves.len();
        Ok(Node {
            name: name.to_owned(),
            optional: schema.is_optional(),
            definition,
            schema: schema.clone(),
            kind,
            leaves,
        })
    }
}

fn physical(schema_type: SchemaType) -> Physical {
    match schema_type {
        SchemaType::Boolean => Physical::Boolean,
        SchemaType::Int8 | SchemaType::Int16 | SchemaType::Int32 => Physical::Int32,
        SchemaType::Int64 => Physical::Int64,
        SchemaType::Float32 => Physical::Float,
        SchemaType::Float64 => Physical::Double,
        _ => Physical::Bytes,
    }
}

impl Node {
    fn parquet_type(&self) -> Result<TypePtr> {
        let repetition = if self.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        self.repeated_type(repetition)
    }

    fn repeated_type(&self, repetition: Repetition) -> Result<TypePtr> {
        let group = |converted, fields| {
            let group = Type::group_type_builder(&self.name).with_repetition(repetition).with_converted_type(converted);
            group.with_fields(fields).build()
        };
        let built = match &self.kind {
            Kind::Leaf(physical) => self.primitive(*physical, repetition),
            Kind::Group(fields) => {
                let fields = fields.iter().map(Self::parquet_type).collect::<Result<_>>()?;
                group(ConvertedType::NONE, fields)
            }
            Kind::List { element, levels: Levels::Two, .. } => {
                group(ConvertedType::LIST, vec![element.repeated_type(Repetition::REPEATED)?])
            }
            Kind::List { element, levels: Levels::Three, .. } => {
                let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
                let list = list.with_fields(vec![element.parquet_type()?]).build().map_err(failed)?;
                group(ConvertedType::LIST, vec![Arc::new(list)])
            }
            Kind::Map { key, value, .. } => {
                let entries = Type::group_type_builder("key_value").with_repetition(Repetition::REPEATED);
                let entries = entries.with_fields(vec![key.parquet_type()?, value.parquet_type()?]);
                group(ConvertedType::MAP, vec![Arc::new(entries.build().map_err(failed)?)])
            }
        };
        Ok(Arc::new(built.map_err(failed)?))
    }

    fn primitive(&self, physical: Physical, repetition: Repetition) -> parquet::errors::Result<Type> {
        let physical = match physical {
            Physical::Boolean => PhysicalType::BOOLEAN,
            Physical::Int32 => PhysicalType::INT32,
            Physical::Int64 => PhysicalType::INT64,
            Physical::Float => PhysicalType::FLOAT,
            Physical::Double => PhysicalType::DOUBLE,
            Physical::Bytes => PhysicalType::BYTE_ARRAY,
        };
        let builder = Type::primitive_type_builder(&self.name, physical).with_repetition(repetition);
        let converted = match (self.schema.name(), self.schema.schema_type()) {
            (Some(logical::DECIMAL), SchemaType::Bytes) => {
                let precision =
                    self.schema.parameters().and_then(|set| set.get("connect.decimal.precision")?.parse().ok());
                let scale = logical::decimal_scale(&self.schema).unwrap_or(0);
                let builder = builder.with_precision(precision.unwrap_or(DEFAULT_PRECISION)).with_scale(scale);
                return builder.with_converted_type(ConvertedType::DECIMAL).build();
            }
            (Some(logical::DATE), SchemaType::Int32) => ConvertedType::DATE,
            (Some(logical::TIME), SchemaType::Int32) => ConvertedType::TIME_MILLIS,
            (Some(logical::TIMESTAMP), SchemaType::Int64) => ConvertedType::TIMESTAMP_MILLIS,
            (_, SchemaType::String) => ConvertedType::UTF8,
            _ => ConvertedType::NONE,
        };
        builder.with_converted_type(converted).build()
    }

    /// Puts a value, or null, into the columns below. `outer` is the level up to which its place is defined.
    fn put(&self, value: &Value, outer: i16, repetition: i16, columns: &mut Columns) -> Result<()> {
        let value = if value.is_null() { self.schema.default_value().unwrap_or(value) } else { value };
        if value.is_null() {
            if !self.optional {
                return Err(ConnectError::data(format!("`{}` is null, and its schema is required", self.name)));
            }
            self.put_nulls(outer, repetition, columns);
            return Ok(());
        }
        match (&self.kind, value) {
            (Kind::Leaf(_), _) => columns.push(self.leaves.start, self.scalar(value)?, repetition),
            (Kind::Group(fields), _) => fields_of(fields, value, self.definition, repetition, columns),
            (Kind::List { element, repetition: own, .. }, Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    element.put(item, self.definition + 1, if at == 0 { repetition } else { *own }, columns)?;
                }
                if items.is_empty() {
                    self.put_nulls(self.definition, repetition, columns);
                }
                Ok(())
            }
            (Kind::Map { key, value: of_entry, repetition: own }, Value::Map(entries)) => {
                for (at, (name, entry)) in entries.iter().enumerate() {
                    let level = if at == 0 { repetition } else { *own };
                    key.put(name, self.definition + 1, level, columns)?;
                    of_entry.put(entry, self.definition + 1, level, columns)?;
                }
                if entries.is_empty() {
                    self.put_nulls(self.definition, repetition, columns);
                }
                Ok(())
            }
            (_, other) => Err(self.wrong(other)),
        }
    }

    fn put_nulls(&self, definition: i16, repetition: i16, columns: &mut Columns) {
        for leaf in self.leaves.clone() {
            columns.push_null(leaf, definition, repetition);
        }
    }

    fn scalar(&self, value: &Value) -> Result<Scalar> {
        Ok(match (value, self.schema.schema_type()) {
            (Value::Boolean(value), _) => Scalar::Boolean(*value),
            (Value::Int8(number), _) => Scalar::Int32((*number).into()),
            (Value::Int16(number), _) => Scalar::Int32((*number).into()),
            (Value::Int32(number), _) => Scalar::Int32(*number),
            (Value::Int64(number), _) => Scalar::Int64(*number),
            (Value::Float32(number), _) => Scalar::Float(*number),
            (Value::Float64(number), _) => Scalar::Double(*number),
            (Value::String(text), _) => Scalar::Bytes(text.as_bytes().to_vec()),
            (Value::Bytes(bytes), _) => Scalar::Bytes(bytes.to_vec()),
            (Value::Decimal(number), _) => Scalar::Bytes(logical::decimal_to_bytes(&self.schema, number)?),
            (Value::Date(millis), SchemaType::Int64) => Scalar::Int64(*millis),
            (Value::Date(millis), _) if self.schema.name() == Some(logical::DATE) => {
                Scalar::Int32(logical::date_to_days(&self.schema, *millis)?)
            }
            (Value::Date(millis), _) => Scalar::Int32(logical::time_to_millis(&self.schema, *millis)?),
            (other, _) => return Err(self.wrong(other)),
        })
    }

    fn wrong(&self, value: &Value) -> ConnectError {
        let (expected, found) = (self.schema.schema_type(), value.java_class());
        ConnectError::data(format!("`{}` is a {found}, and its schema says {expected}", self.name))
    }
}

fn fields_of(fields: &[Node], value: &Value, definition: i16, repetition: i16, columns: &mut Columns) -> Result<()> {
    let Value::Struct(value) = value else {
        return Err(ConnectError::data(format!("expected a struct, found a {}", value.java_class())));
    };
    for (field, value) in fields.iter().zip(value.values()) {
        field.put(value, definition, repetition, columns)?;
    }
    Ok(())
}
