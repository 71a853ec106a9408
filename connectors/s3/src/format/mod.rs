//! What is inside of an object: records one after another in the format that the configuration names.
//!
//! An [`Encoder`] belongs to one object. It appends to a buffer of the object's; what it gave away never changes any more, so parts
//! can be sent while the object still grows.

mod avro;
mod bytes;
mod compression;
mod envelope;
mod fields;
mod gzip;
mod json;
mod parquet;

use sluice_api::{ConnectError, Headers, Properties, Result, Schema, SinkRecord, Value};

pub(crate) use avro::AvroCodec;
pub(crate) use compression::{Compressor, Stream};
pub(crate) use fields::{Field, Layout};
pub(crate) use gzip::START_BYTES as STREAM_START_BYTES;
pub(crate) use parquet::ParquetCodec;

/// The format of values, keys or headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON lines.
    Json {
        /// Decimals as numbers instead of base64.
        numeric_decimals: bool,
    },
    /// Bytes as they are, with a separator after each record.
    Bytes { extension: String, separator: Vec<u8> },
    /// Object container files.
    Avro {
        codec: AvroCodec,
        /// The converter's keys about the mapping of schemas.
        options: Properties,
    },
    /// Columns.
    Parquet {
        codec: ParquetCodec,
        /// As for Avro, whose schema is in the metadata.
        options: Properties,
    },
    /// Chosen fields of records as text (Aiven's).
    Fields { fields: Vec<Field>, layout: Layout },
    /// Chosen fields of records as structs (Aiven's).
    Envelope { fields: Vec<Field>, envelope: bool, inner: Box<Format> },
}

/// Writes the records of one object.
pub(crate) trait Encoder: Send {
    /// Gives away what is full, before the next record.
    ///
    /// # Errors
    /// `Connect`.
    fn advance(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// Appends a value to `out`, or keeps it for a later [`Encoder::advance`]; returns its bytes.
    ///
    /// # Errors
    /// `Data` when the value does not fit the format: the encoder is as before, `out` may have got a part of the value.
    fn append(&mut self, out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<usize>;

    /// Appends a record's headers to `out`; returns their bytes.
    ///
    /// # Errors
    /// As for [`Encoder::append`].
    fn append_headers(&mut self, out: &mut Vec<u8>, headers: &Headers) -> Result<usize>;

    /// Appends a record; formats that hold values alone take its value.
    ///
    /// # Errors
    /// As for [`Encoder::append`].
    fn append_record(&mut self, out: &mut Vec<u8>, record: &SinkRecord) -> Result<usize> {
        self.append(out, record.value_schema.as_ref(), &record.value)
    }

    /// Takes the last record back, whose bytes the caller removes from the buffer.
    fn undo(&mut self) {}

    /// Gives away what it can, to make room in memory: the records stay the same, the bytes of the object need not.
    ///
    /// # Errors
    /// `Connect`.
    fn relieve(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// Appends what ends the object.
    ///
    /// # Errors
    /// `Connect`.
    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// Bytes of memory that the encoder holds beside its output.
    fn held_bytes(&self) -> usize {
        0
    }
}

impl Format {
    /// An encoder for a new object whose first record has this schema.
    ///
    /// # Errors
    /// `Data` when the format has no place for the schema.
    pub(crate) fn encoder(&self, schema: Option<&Schema>) -> Result<Box<dyn Encoder>> {
        Ok(match self {
            Self::Json { numeric_decimals } => Box::new(json::JsonEncoder::new(*numeric_decimals)),
            Self::Bytes { separator, .. } => Box::new(bytes::BytesEncoder::new(separator.clone())),
            Self::Avro { codec, options } => Box::new(avro::AvroEncoder::new(schema, *codec, options)?),
            Self::Parquet { codec, options } => Box::new(parquet::ParquetEncoder::new(schema, *codec, options)?),
            Self::Fields { fields, layout } => Box::new(fields::FieldsEncoder::new(fields, *layout)),
            Self::Envelope { .. } => {
                return Err(ConnectError::connect(
                    "this format is for whole records: this is a mistake in the connector",
                ));
            }
        })
    }

    /// An encoder for a new object whose first record is `first`.
    ///
    /// # Errors
    /// As for [`Format::encoder`].
    pub(crate) fn encoder_of(&self, first: &SinkRecord) -> Result<Box<dyn Encoder>> {
        match self {
            Self::Envelope { fields, envelope, inner } => {
                Ok(Box::new(envelope::EnvelopeEncoder::new(fields, *envelope, inner, first)?))
            }
            _ => self.encoder(first.value_schema.as_ref()),
        }
    }

    /// Whether there can be a compression around it. Aiven's sink has one around Avro, too.
    pub(crate) fn takes_compression(&self) -> bool {
        match self {
            Self::Json { .. } | Self::Bytes { .. } | Self::Fields { .. } => true,
            Self::Envelope { inner, .. } => !matches!(**inner, Self::Parquet { .. }),
            Self::Avro { .. } | Self::Parquet { .. } => false,
        }
    }

    /// What the object's name ends with, before that of the compression.
    pub(crate) fn extension(&self) -> &str {
        match self {
            Self::Json { .. } => ".json",
            Self::Bytes { extension, .. } => extension,
            Self::Avro { .. } => ".avro",
            Self::Parquet { codec, .. } => codec.extension(),
            // The template has it.
            Self::Fields { .. } | Self::Envelope { .. } => "",
        }
    }
}
