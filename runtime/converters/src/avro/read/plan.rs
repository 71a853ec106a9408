//! Compiles a plan: the writer's schema against the reader's, by Avro's rules of resolution. Mostly the two are the same.

use bytestring::ByteString;
use sluice_api::data::logical;
use sluice_api::{ConnectError, Result, Schema, SchemaType, Value};

use super::{EntryRead, FieldRead, Promotion, Read, Skip, StructRead};
use crate::avro::config::AvroDataConfig;
use crate::avro::names::{KEY_FIELD, VALUE_FIELD};
use crate::avro::schema::{AvroSchema, Enum, Kind, NodeId, Record};
use crate::avro::to_connect::{default_value, is_anything, is_map_entry};

/// Plans beyond this size come from an attack.
const MOST_TYPES: usize = 200_000;

/// The plan that reads what was written as `writer` as a value of `schema`, which stands for `reader`.
///
/// # Errors
/// `Data` that names what the reader cannot read.
pub(in crate::avro) fn compile(
    config: &AvroDataConfig,
    writer: &AvroSchema,
    reader: &AvroSchema,
    schema: Option<&Schema>,
) -> Result<Read> {
    match schema {
        None if is_anything(writer) && is_anything(reader) => Ok(Read::Anything),
        None => Err(ConnectError::data("data with a schema cannot be read as data without")),
        Some(schema) => Compiler { config, writer, reader, types: 0 }.read(writer.root(), reader.root(), schema),
    }
}

struct Compiler<'a> {
    config: &'a AvroDataConfig,
    writer: &'a AvroSchema,
    reader: &'a AvroSchema,
    types: usize,
}

impl Compiler<'_> {
    fn read(&mut self, written: NodeId, wanted: NodeId, schema: &Schema) -> Result<Read> {
        self.types += 1;
        if self.types > MOST_TYPES {
            return Err(ConnectError::data("the Avro schemas unfold to too many types"));
        }
        let writer = self.writer;
        match writer.kind(written) {
            Kind::Union(branches) => {
                let read = |branch: &NodeId| self.read(*branch, wanted, schema).map_err(|error| error.to_string());
                let all: Vec<_> = branches.iter().map(read).collect();
                // One readable branch is enough: whether the others occur is known when they do.
                match all.iter().find_map(|branch| branch.as_ref().err()) {
                    Some(reason) if all.iter().all(Result::is_err) => Err(ConnectError::data(reason.clone())),
                    _ => Ok(Read::Branches(all)),
                }
            }
            _ => match self.reader.kind(wanted) {
                Kind::Union(_) => self.union_branch(written, wanted, schema),
                _ => self.plain(written, wanted, schema),
            },
        }
    }

    fn union_branch(&mut self, written: NodeId, wanted: NodeId, schema: &Schema) -> Result<Read> {
        let reader = self.reader;
        let Kind::Union(branches) = reader.kind(wanted) else { return self.plain(written, wanted, schema) };
        let is_null = |id: &NodeId| *reader.kind(*id) == Kind::Null;
        if *self.writer.kind(written) == Kind::Null {
            return if branches.iter().any(is_null) { Ok(Read::Null) } else { Err(self.mismatch(written, wanted)) };
        }
        let others: Vec<usize> = (0..branches.len()).filter(|at| !is_null(&branches[*at])).collect();
        if branches.len() == 1 && self.config.flatten_singleton_unions || others.len() == 1 && branches.len() == 2 {
            return self.plain(written, branches[others[0]], schema);
        }
        // The branch of the same type, else the first that can be read.
        let same = |at: &usize| !same_type(self.writer.kind(written), reader.kind(branches[*at]));
        let mut order = others.clone();
        order.sort_by_key(same);
        let fields = schema.fields()?;
        for at in order {
            let index = others.iter().position(|other| *other == at).unwrap_or(0);
            let Some(field) = fields.get(index) else { break };
            if let Ok(inner) = self.plain(written, branches[at], field.schema()) {
                return Ok(Read::Field { schema: schema.clone(), index, inner: Box::new(inner) });
            }
        }
        Err(self.mismatch(written, wanted))
    }

    fn plain(&mut self, written: NodeId, wanted: NodeId, schema: &Schema) -> Result<Read> {
        let (writer, reader) = (self.writer, self.reader);
        Ok(match (writer.kind(written), reader.kind(wanted)) {
            (Kind::Boolean, Kind::Boolean) => Read::Boolean,
            (Kind::Int, Kind::Int) => int(schema),
            (Kind::Int, Kind::Long) if is_named(schema, logical::TIMESTAMP) => {
                return Err(self.mismatch(written, wanted));
            }
            (Kind::Int, Kind::Long) => Read::Promote(Promotion::IntToLong),
            (Kind::Int, Kind::Float) => Read::Promote(Promotion::IntToFloat),
            (Kind::Int, Kind::Double) => Read::Promote(Promotion::IntToDouble),
            (Kind::Long, Kind::Long) if is_named(schema, logical::TIMESTAMP) => Read::Timestamp,
            (Kind::Long, Kind::Long) => Read::Int64,
            (Kind::Long, Kind::Float) => Read::Promote(Promotion::LongToFloat),
            (Kind::Long, Kind::Double) => Read::Promote(Promotion::LongToDouble),
            (Kind::Float, Kind::Float) => Read::Float32,
            (Kind::Float, Kind::Double) => Read::Promote(Promotion::FloatToDouble),
            (Kind::Double, Kind::Double) => Read::Float64,
            (Kind::String | Kind::Bytes, Kind::String) => Read::String,
            (Kind::Bytes | Kind::String, Kind::Bytes) if is_named(schema, logical::DECIMAL) => {
                Read::Decimal(logical::decimal_scale(schema)?)
            }
            (Kind::Bytes | Kind::String, Kind::Bytes) => Read::Bytes,
            (Kind::Fixed { name, size }, Kind::Fixed { name: own, size: own_size })
                if own.reads(name) && size == own_size =>
            {
                match is_named(schema, logical::DECIMAL) {
                    true => Read::FixedDecimal(*size, logical::decimal_scale(schema)?),
                    false => Read::Fixed(*size),
                }
            }
            (Kind::Enum(written), Kind::Enum(wanted)) if wanted.name.reads(&written.name) => symbols(written, wanted),
            (Kind::Array(written), Kind::Array(wanted)) if is_map_entry(reader, *wanted) => {
                self.entries(*written, *wanted, schema)?
            }
            (Kind::Array(written), Kind::Array(wanted)) => {
                Read::Array(Box::new(self.read(*written, *wanted, element(schema.value_schema()?)?)?))
            }
            (Kind::Map(written), Kind::Map(wanted)) => {
                Read::Map(Box::new(self.read(*written, *wanted, element(schema.value_schema()?)?)?))
            }
            (Kind::Record(from), Kind::Record(to)) if to.name.reads(&from.name) => self.structure(from, to, schema)?,
            _ => return Err(self.mismatch(written, wanted)),
        })
    }

    fn structure(&mut self, from: &Record, to: &Record, schema: &Schema) -> Result<Read> {
        let targets = schema.fields()?;
        let mut fields = Vec::with_capacity(from.fields.len());
        let mut found = vec![false; to.fields.len()];
        for field in &from.fields {
            let own = to.fields.iter().position(|own| own.name == field.name || own.aliases.contains(&field.name));
            fields.push(match own.filter(|own| !found[*own]) {
                Some(index) => {
                    found[index] = true;
                    let read = self.read(field.schema, to.fields[index].schema, targets[index].schema());
                    let place = || format!("field `{}` of `{}`", field.name, to.name.full());
                    let read = read.map_err(|cause| ConnectError::data(format!("{}: {cause}", place())))?;
                    FieldRead::Value { index, read }
                }
                None => FieldRead::Skipped(Skip::compile(self.writer, field.schema)?),
            });
        }
        let mut defaults = Vec::new();
        for (index, field) in to.fields.iter().enumerate().filter(|(index, _)| !found[*index]) {
            let Some(json) = &field.default else {
                let (name, record) = (&field.name, to.name.full());
                return Err(ConnectError::data(format!("the reader's field `{name}` of `{record}` has no default")));
            };
            let value = default_value(self.config, self.reader, field.schema, targets[index].schema(), json)?;
            if !matches!(value, Value::Null) {
                defaults.push((index, value));
            }
        }
        Ok(Read::Struct(Box::new(StructRead { schema: schema.clone(), fields, defaults })))
    }

    fn entries(&mut self, written: NodeId, wanted: NodeId, schema: &Schema) -> Result<Read> {
        let part = |avro: &AvroSchema, id: NodeId, name: &str| {
            let fields = avro.record(id).map(|record| record.fields.as_slice()).unwrap_or_default();
            fields.iter().position(|field| field.name == name).map(|at| (at, fields[at].schema, fields.len()))
        };
        let mut read = |name: &str, schema: Option<&Schema>| match (
            part(self.writer, written, name),
            part(self.reader, wanted, name),
        ) {
            (Some((at, from, 2)), Some((_, to, 2))) => Ok((at, self.read(from, to, element(schema)?)?)),
            _ => Err(self.mismatch(written, wanted)),
        };
        let (key_at, key) = read(KEY_FIELD, schema.key_schema()?)?;
        let (value_at, value) = read(VALUE_FIELD, schema.value_schema()?)?;
        Ok(Read::Entries(Box::new(EntryRead { key, value, value_first: value_at < key_at })))
    }

    fn mismatch(&self, written: NodeId, wanted: NodeId) -> ConnectError {
        let shown = |kind: &Kind| match kind.name() {
            Some(name) => format!("{} `{}`", kind.word(), name.full()),
            None => kind.word().to_owned(),
        };
        let (written, wanted) = (shown(self.writer.kind(written)), shown(self.reader.kind(wanted)));
        ConnectError::data(format!("Avro {written} cannot be read as {wanted}"))
    }
}

fn is_named(schema: &Schema, name: &str) -> bool {
    schema.name() == Some(name)
}

fn int(schema: &Schema) -> Read {
    match (schema.name(), schema.schema_type()) {
        (Some(logical::DATE), _) => Read::Date,
        (Some(logical::TIME), _) => Read::Time(schema.clone()),
        (_, SchemaType::Int8) => Read::Int8,
        (_, SchemaType::Int16) => Read::Int16,
        _ => Read::Int32,
    }
}

fn symbols(written: &Enum, wanted: &Enum) -> Read {
    let own = |symbol: &String| wanted.symbols.iter().find(|own| *own == symbol).or(wanted.default.as_ref());
    Read::Enum(
        written.symbols.iter().map(|symbol| own(symbol).map(|symbol| ByteString::from(symbol.as_str()))).collect(),
    )
}

fn element(schema: Option<&Schema>) -> Result<&Schema> {
    schema.ok_or_else(|| ConnectError::data("an array or map without element schema"))
}

/// Whether the two are of one type and, when they have names, of one name.
fn same_type(written: &Kind, wanted: &Kind) -> bool {
    match (written.name(), wanted.name()) {
        (Some(written_name), Some(name)) => written.word() == wanted.word() && name.reads(written_name),
        (None, None) => written.word() == wanted.word(),
        _ => false,
    }
}
