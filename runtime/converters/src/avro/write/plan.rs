//! Compiles a plan: a Connect schema against the Avro schema that it is written with, which is its own or the registry's.

use sluice_api::data::{Field, logical};
use sluice_api::{ConnectError, Result, Schema, SchemaType};

use super::{EntryWrite, FieldWrite, StructWrite, UnionWrite, Write, default_bytes};
use crate::avro::config::AvroDataConfig;
use crate::avro::from_connect::is_string_key;
use crate::avro::names::{KEY_FIELD, VALUE_FIELD, is_union};
use crate::avro::schema::{AvroSchema, Kind, NodeId, Record, is_valid_default};
use crate::avro::to_connect::is_anything;

/// The plan that writes values of `schema` as `avro`. Fields are found by name: one that the Avro schema has and the record has not
/// gets its default.
///
/// # Errors
/// `Data` that names what does not fit.
pub(in crate::avro) fn compile(config: &AvroDataConfig, schema: Option<&Schema>, avro: &AvroSchema) -> Result<Write> {
    match schema {
        None if is_anything(avro) => Ok(Write::Anything),
        None => Err(ConnectError::data("data without schema fits only the schema that is its own")),
        Some(schema) => Compiler { config, avro }.typed(schema, avro.root()),
    }
}

struct Compiler<'a> {
    config: &'a AvroDataConfig,
    avro: &'a AvroSchema,
}

impl Compiler<'_> {
    fn any(&self, schema: Option<&Schema>, id: NodeId) -> Result<Write> {
        match schema {
            None => Ok(Write::Anything),
            Some(schema) => self.typed(schema, id),
        }
    }

    fn typed(&self, schema: &Schema, id: NodeId) -> Result<Write> {
        match self.avro.kind(id) {
            Kind::Union(branches) if is_union(schema) => self.union(schema, branches),
            Kind::Union(branches) => self.branch(schema, branches),
            kind => self.plain(schema, id, kind),
        }
    }

    fn plain(&self, schema: &Schema, id: NodeId, kind: &Kind) -> Result<Write> {
        use SchemaType as T;
        let name = schema.name().unwrap_or_default();
        Ok(match (schema.schema_type(), kind) {
            (T::Int32, Kind::Int) if name == logical::DATE => Write::Date(schema.clone()),
            (T::Int32, Kind::Int) if name == logical::TIME => Write::Time(schema.clone()),
            (T::Int8 | T::Int16 | T::Int32, Kind::Int) => Write::Int,
            (T::Int64, Kind::Long) if name == logical::TIMESTAMP => Write::Timestamp,
            (T::Int8 | T::Int16 | T::Int32 | T::Int64, Kind::Long) => Write::Long,
            (T::Float32, Kind::Float) => Write::Float,
            (T::Float32 | T::Float64 | T::Int32, Kind::Double) => Write::Double,
            (T::Boolean, Kind::Boolean) => Write::Boolean,
            (T::String, Kind::String) => Write::String,
            (T::String, Kind::Enum(symbols)) => Write::Enum(symbols.symbols.clone()),
            (T::Bytes, Kind::Bytes) if name == logical::DECIMAL => Write::Decimal(schema.clone()),
            (T::Bytes, Kind::Bytes) => Write::Bytes,
            (T::Bytes, Kind::Fixed { size, .. }) if name == logical::DECIMAL => {
                Write::FixedDecimal(*size, schema.clone())
            }
            (T::Bytes, Kind::Fixed { size, .. }) => Write::Fixed(*size),
            (T::Array, Kind::Array(items)) => Write::Array(Box::new(self.any(schema.value_schema()?, *items)?)),
            (T::Map, Kind::Map(values)) if is_string_key(self.config, schema.key_schema()?) => {
                Write::Map(Box::new(self.any(schema.value_schema()?, *values)?))
            }
            (T::Map, Kind::Array(entry)) => self.entries(schema, *entry)?,
            (T::Struct, Kind::Record(record)) => self.structure(schema, record)?,
            _ => return Err(self.mismatch(schema, id)),
        })
    }

    fn mismatch(&self, schema: &Schema, id: NodeId) -> ConnectError {
        ConnectError::data(format!("{schema} cannot be written as Avro {}", self.avro.kind(id).word()))
    }

    fn structure(&self, schema: &Schema, record: &Record) -> Result<Write> {
        let fields = schema.fields()?;
        let named: Vec<String> = fields.iter().map(|field| self.config.field_name(field.name())).collect();
        let mut plan = Vec::with_capacity(record.fields.len());
        for target in &record.fields {
            let names = [&target.name].into_iter().chain(&target.aliases);
            let found = names.filter_map(|name| named.iter().position(|known| known == name)).next();
            plan.push(match (found, &target.default) {
                (Some(index), _) => self.field(&fields[index], index, target.schema).map_err(|cause| {
                    ConnectError::data(format!("field `{}` of `{}`", target.name, record.name.full()))
                        .with_source(cause)
                })?,
                (None, Some(default)) if is_valid_default(self.avro, target.schema, default) => {
                    let mut bytes = Vec::new();
                    default_bytes::append(&mut bytes, self.avro, target.schema, default)?;
                    FieldWrite::Constant(bytes)
                }
                (None, _) => {
                    let (name, record) = (&target.name, record.name.full());
                    let message =
                        format!("field `{name}` of `{record}` has no default, and {schema} has no such field");
                    return Err(ConnectError::data(message));
                }
            });
        }
        Ok(Write::Struct(Box::new(StructWrite { schema: schema.clone(), fields: plan })))
    }

    fn field(&self, field: &Field, index: usize, id: NodeId) -> Result<FieldWrite> {
        let default = field.schema().default_value().filter(|_| !self.config.ignore_default_for_nullables);
        Ok(FieldWrite::Value { index, default: default.cloned(), write: self.typed(field.schema(), id)? })
    }

    fn entries(&self, schema: &Schema, entry: NodeId) -> Result<Write> {
        let fields = self.avro.record(entry).map(|record| record.fields.as_slice()).unwrap_or_default();
        let [first, second] = fields else { return Err(self.mismatch(schema, entry)) };
        let (key, value) = match (first.name.as_str(), second.name.as_str()) {
            (KEY_FIELD, VALUE_FIELD) => (first, second),
            (VALUE_FIELD, KEY_FIELD) => (second, first),
            _ => return Err(self.mismatch(schema, entry)),
        };
        Ok(Write::Entries(Box::new(EntryWrite {
            key: self.any(schema.key_schema()?, key.schema)?,
            value: self.any(schema.value_schema()?, value.schema)?,
            value_first: first.name == VALUE_FIELD,
        })))
    }

    /// A value in a union: in the branch of its name, else in the first that takes it.
    fn branch(&self, schema: &Schema, branches: &[NodeId]) -> Result<Write> {
        let own = schema.name().map(|name| self.config.avro_name(name).full());
        let is_named = |id: &NodeId| own.is_some() && self.avro.kind(*id).name().map(|name| name.full()) == own;
        let mut order: Vec<usize> = (0..branches.len()).collect();
        order.sort_by_key(|at| !is_named(&branches[*at]));
        let fitting = order.iter().find_map(|at| Some((*at, self.typed(schema, branches[*at]).ok()?)));
        let Some((some, inner)) = fitting else {
            return Err(ConnectError::data(format!("{schema} fits no branch of the Avro union")));
        };
        let (some, inner) = (some as i64, Box::new(inner));
        let null = branches.iter().position(|id| *self.avro.kind(*id) == Kind::Null);
        Ok(match null.filter(|_| schema.is_optional()) {
            Some(null) => Write::Nullable { null: null as i64, some, inner },
            None => Write::Branch { index: some, inner },
        })
    }

    /// A struct that stands for a union: a branch per field.
    fn union(&self, schema: &Schema, branches: &[NodeId]) -> Result<Write> {
        let fields = schema.fields()?;
        let mut plan = Vec::with_capacity(fields.len());
        for field in fields {
            let named = |at: &usize| self.config.branch_name(self.avro.kind(branches[*at]), *at) == field.name();
            let mut order: Vec<usize> = (0..branches.len()).collect();
            order.sort_by_key(|at| !named(at));
            let fitting =
                order.iter().find_map(|at| Some((*at as i64, self.typed(field.schema(), branches[*at]).ok()?)));
            let missing = || ConnectError::data(format!("field `{}` fits no branch of the Avro union", field.name()));
            plan.push(fitting.ok_or_else(missing)?);
        }
        let null = branches.iter().position(|id| *self.avro.kind(*id) == Kind::Null).map(|at| at as i64);
        let union = Write::Union(Box::new(UnionWrite { schema: schema.clone(), null, branches: plan }));
        Ok(match null.filter(|_| schema.is_optional()) {
            // The union writes the number of its branch itself.
            Some(null) => Write::NullOr { null, inner: Box::new(union) },
            None => union,
        })
    }
}
