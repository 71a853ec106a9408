//! Aiven's Avro and Parquet: chosen fields of each record as a struct `connector_records`.

use sluice_api::{ConnectError, Headers, Result, Schema, SchemaBuilder, SinkRecord, Struct, Value};

use super::fields::Field;
use super::{Encoder, Format};

const NAME: &str = "io.aiven.avro.output.schema.connector_records";

/// Makes a struct of each record for another encoder.
pub(super) struct EnvelopeEncoder {
    fields: Vec<Field>,
    schema: Schema,
    inner: Box<dyn Encoder>,
}

impl EnvelopeEncoder {
    /// For records like `first`.
    pub(super) fn new(fields: &[Field], envelope: bool, inner: &Format, first: &SinkRecord) -> Result<Self> {
        let is_struct = matches!(first.value, Value::Struct(_));
        if let (false, [Field::Value], true) = (envelope, fields, is_struct) {
            // The value is a record of its own.
            let schema = value_schema(first)?;
            return Ok(Self { fields: Vec::new(), inner: inner.encoder(Some(&schema))?, schema });
        }
        let mut builder = SchemaBuilder::structure().name(NAME);
        for field in fields {
            builder = builder.field(field.name(), schema_of(*field, first)?);
        }
        let schema = builder.build()?;
        Ok(Self { fields: fields.to_vec(), inner: inner.encoder(Some(&schema))?, schema })
    }

    fn envelope(&self, record: &SinkRecord) -> Result<Value> {
        let mut envelope = Struct::new(self.schema.clone())?;
        for field in &self.fields {
            let value = match field {
                Field::Key => record.key.clone(),
                Field::Value => record.value.clone(),
                Field::Offset => record.offset.into(),
                Field::Timestamp => record.timestamp_ms.unwrap_or_default().into(),
                Field::Headers => {
                    let headers = record.headers.iter().map(|header| (Value::from(&*header.key), header.value.clone()));
                    Value::Map(sluice_api::data::Map::hash_ordered(headers))
                }
            };
            envelope.put(field.name(), value)?;
        }
        Ok(Value::Struct(envelope))
    }
}

impl Encoder for EnvelopeEncoder {
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.inner.advance(out)
    }

    fn append(&mut self, out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<usize> {
        self.inner.append(out, schema, value)
    }

    fn append_headers(&mut self, out: &mut Vec<u8>, headers: &Headers) -> Result<usize> {
        self.inner.append_headers(out, headers)
    }

    fn append_record(&mut self, out: &mut Vec<u8>, record: &SinkRecord) -> Result<usize> {
        if self.fields.is_empty() {
            return self.inner.append(out, record.value_schema.as_ref(), &record.value);
        }
        let envelope = self.envelope(record)?;
        self.inner.append(out, Some(&self.schema), &envelope)
    }

    fn undo(&mut self) {
        self.inner.undo();
    }

    fn relieve(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.inner.relieve(out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.inner.finish(out)
    }

    fn held_bytes(&self) -> usize {
        self.inner.held_bytes()
    }
}

fn schema_of(field: Field, first: &SinkRecord) -> Result<Schema> {
    match field {
        Field::Key => first.key_schema.clone().ok_or_else(|| without("key")),
        Field::Value => value_schema(first),
        Field::Offset | Field::Timestamp => Ok(Schema::INT64),
        // One type for all, which the values of Java's map have, too; text where there are none yet.
        Field::Headers => {
            let of =
                first.headers.iter().next().and_then(|header| header.schema.clone()).unwrap_or(Schema::OPTIONAL_STRING);
            SchemaBuilder::map(Schema::STRING, of).build()
        }
    }
}

fn value_schema(first: &SinkRecord) -> Result<Schema> {
    first.value_schema.clone().ok_or_else(|| without("value"))
}

fn without(what: &str) -> ConnectError {
    ConnectError::data(format!(
        "Avro and Parquet need a {what} with schema: choose a converter that gives one, or csv, json or jsonl as \
         `format.output.type`"
    ))
}
