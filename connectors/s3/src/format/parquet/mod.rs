//! `ParquetFormat`: structs in columns, with the schema of the first record.
//!
//! Records are taken apart into columns as they come ([`columns`]) by a plan that is made once from the schema ([`plan`]); a row
//! group is written when its values have [`ROW_GROUP_BYTES`].

mod columns;
mod plan;

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use sluice_api::{ConnectError, Headers, Properties, Result, Schema, SchemaType, Value};
use sluice_converters::AvroRows;

use super::Encoder;
use columns::Columns;
use plan::Plan;

/// Of values in memory, before compression. Larger row groups compress a little better and take more of the memory budget.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;
/// As Confluent's writer has it.
const PAGE_BYTES: usize = 64 * 1024;

/// `parquet.codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParquetCodec {
    None,
    Snappy,
    Gzip,
    Zstd,
}

impl ParquetCodec {
    /// The codec of that name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(name: &str) -> std::result::Result<Self, String> {
        match name.to_lowercase().as_str() {
            "none" | "uncompressed" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "lz4" | "lz4_raw" | "lzo" | "brotli" => {
                Err("this codec is not supported yet: choose snappy, gzip, zstd or none".into())
            }
            _ => Err("expected snappy, gzip, zstd or none".into()),
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => ".parquet",
            Self::Snappy => ".snappy.parquet",
            Self::Gzip => ".gz.parquet",
            Self::Zstd => ".zstd.parquet",
        }
    }

    fn compression(self) -> Compression {
        match self {
            Self::None => Compression::UNCOMPRESSED,
            Self::Snappy => Compression::SNAPPY,
            Self::Gzip => Compression::GZIP(Default::default()),
            Self::Zstd => Compression::ZSTD(ZstdLevel::default()),
        }
    }
}

pub(super) struct ParquetEncoder {
    schema: Schema,
    plan: Plan,
    columns: Columns,
    writer: SerializedFileWriter<Vec<u8>>,
}

impl ParquetEncoder {
    pub(super) fn new(schema: Option<&Schema>, codec: ParquetCodec, options: &Properties) -> Result<Self> {
        let schema = schema.filter(|schema| schema.schema_type() == SchemaType::Struct).ok_or_else(|| {
            ConnectError::data(
                "ParquetFormat needs values with a schema of type STRUCT: choose a converter that gives one (AvroConverter, \
                 JsonConverter with schemas), or another format",
            )
        })?;
        let plan = Plan::of(schema)?;
        // Readers that know Avro find its schema here, as behind the Java writer.
        let metadata = vec![
            KeyValue::new(
                "parquet.avro.schema".to_owned(),
                AvroRows::new(Some(schema), options)?.schema_text().to_owned(),
            ),
            KeyValue::new("writer.model.name".to_owned(), "avro".to_owned()),
        ];
        let properties = WriterProperties::builder()
            .set_created_by("sluice".to_owned())
            .set_compression(codec.compression())
            .set_data_page_size_limit(PAGE_BYTES)
            .set_key_value_metadata(Some(metadata))
            .build();
        let writer =
            SerializedFileWriter::new(Vec::new(), plan.parquet_schema()?, Arc::new(properties)).map_err(failed)?;
        Ok(Self { schema: schema.clone(), columns: Columns::of(&plan), plan, writer })
    }

    fn end_row_group(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.columns.rows() > 0 {
            let mut group = self.writer.next_row_group().map_err(failed)?;
            self.columns.write(&mut group)?;
            group.close().map_err(failed)?;
        }
        self.drain(out)
    }

    /// What was written goes to the object; the writer counts its bytes itself.
    fn drain(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| ConnectError::connect("cannot write Parquet").with_source(error))?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}

impl Encoder for ParquetEncoder {
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.columns.bytes() < ROW_GROUP_BYTES { Ok(()) } else { self.end_row_group(out) }
    }

    fn append(&mut self, _out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<usize> {
        if schema != Some(&self.schema) {
            return Err(ConnectError::data(
                "an object of Parquet holds records of one schema, and this one has another",
            ));
        }
        let before = self.columns.bytes();
        self.columns.begin_row();
        if let Err(error) = self.plan.take_apart(value, &mut self.columns) {
            self.columns.undo_row();
            return Err(error);
        }
        self.columns.end_row();
        Ok(self.columns.bytes() - before)
    }

    fn append_headers(&mut self, _out: &mut Vec<u8>, _headers: &Headers) -> Result<usize> {
        Err(ConnectError::data("headers in ParquetFormat are not supported yet"))
    }

    fn undo(&mut self) {
        self.columns.undo_row();
    }

    fn relieve(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_row_group(out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_row_group(out)?;
        self.writer.finish().map_err(failed)?;
        self.drain(out)
    }

    fn held_bytes(&self) -> usize {
        self.columns.bytes() + self.columns.overhead_bytes()
    }
}

fn failed(error: ParquetError) -> ConnectError {
    ConnectError::connect("cannot write Parquet").with_source(error)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
