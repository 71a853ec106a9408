//! `AvroFormat`: object container files, with the schema of the first record.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use openssl::hash::{MessageDigest, hash};
use sluice_api::{ConnectError, Headers, Properties, Result, Schema, Value};
use sluice_converters::AvroRows;

use super::Encoder;

/// A block is compressed and written when it has so many bytes, as in Java's writer.
const BLOCK_BYTES: usize = 64_000;
const MAGIC: &[u8] = b"Obj\x01";

/// `avro.codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AvroCodec {
    Null,
    Deflate,
    Snappy,
}

impl AvroCodec {
    /// The codec of that name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(name: &str) -> std::result::Result<Self, String> {
        match name {
            "null" => Ok(Self::Null),
            "deflate" => Ok(Self::Deflate),
            "snappy" => Ok(Self::Snappy),
            "bzip2" => Err("this codec is not supported yet: choose deflate or snappy".into()),
            _ => Err("expected null, deflate or snappy".into()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
        }
    }
}

pub(super) struct AvroEncoder {
    rows: AvroRows,
    schema: Option<Schema>,
    codec: AvroCodec,
    /// The same for the same schema: a replay gives the same bytes.
    sync: [u8; 16],
    block: Vec<u8>,
    records: i64,
    /// Where the last record begins in the block.
    last: usize,
    begun: bool,
}

impl AvroEncoder {
    pub(super) fn new(schema: Option<&Schema>, codec: AvroCodec, options: &Properties) -> Result<Self> {
        let rows = AvroRows::new(schema, options)?;
        let sum = hash(MessageDigest::md5(), rows.schema_text().as_bytes());
        let sum = sum.map_err(|error| ConnectError::connect("cannot compute an MD5 sum").with_source(error))?;
        let sync = <[u8; 16]>::try_from(&*sum).map_err(|_| ConnectError::connect("an MD5 sum of another length"))?;
        Ok(Self { rows, schema: schema.cloned(), codec, sync, block: Vec::new(), records: 0, last: 0, begun: false })
    }

    fn header(&mut self, out: &mut Vec<u8>) {
        self.begun = true;
        out.extend_from_slice(MAGIC);
        put_long(out, 2);
        for (name, value) in [("avro.schema", self.rows.schema_text()), ("avro.codec", self.codec.name())] {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value.as_bytes());
        }
        put_long(out, 0);
        out.extend_from_slice(&self.sync);
    }

    fn end_block(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if !self.begun {
            self.header(out);
        }
        if self.records == 0 {
            return Ok(());
        }
        put_long(out, self.records);
        match self.codec {
            AvroCodec::Null => put_bytes(out, &self.block),
            AvroCodec::Deflate => put_bytes(out, &deflated(&self.block)?),
            AvroCodec::Snappy => put_bytes(out, &snapped(&self.block)?),
        }
        out.extend_from_slice(&self.sync);
        self.block.clear();
        (self.records, self.last) = (0, 0);
        Ok(())
    }
}

impl Encoder for AvroEncoder {
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.begun && self.block.len() < BLOCK_BYTES { Ok(()) } else { self.end_block(out) }
    }

    fn append(&mut self, _out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<usize> {
        if schema != self.schema.as_ref() {
            return Err(ConnectError::data("an object of Avro holds records of one schema, and this one has another"));
        }
        self.last = self.block.len();
        if let Err(error) = self.rows.append(&mut self.block, value) {
            self.block.truncate(self.last);
            return Err(error);
        }
        self.records += 1;
        Ok(self.block.len() - self.last)
    }

    fn append_headers(&mut self, _out: &mut Vec<u8>, _headers: &Headers) -> Result<usize> {
        Err(ConnectError::data("headers in AvroFormat are not supported yet"))
    }

    fn undo(&mut self) {
        self.block.truncate(self.last);
        self.records -= 1;
    }

    fn relieve(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_block(out)?;
        self.block = Vec::new();
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_block(out)
    }

    fn held_bytes(&self) -> usize {
        self.block.capacity()
    }
}

fn deflated(block: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let ended = encoder.write_all(block).and_then(|()| encoder.finish());
    ended.map_err(|error| ConnectError::connect("cannot compress").with_source(error))
}

/// Snappy's raw form and the CRC-32 of what was compressed.
fn snapped(block: &[u8]) -> Result<Vec<u8>> {
    let compressed = snap::raw::Encoder::new().compress_vec(block);
    let mut bytes = compressed.map_err(|error| ConnectError::connect("cannot compress").with_source(error))?;
    let mut sum = flate2::Crc::new();
    sum.update(block);
    bytes.extend_from_slice(&sum.sum().to_be_bytes());
    Ok(bytes)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// A zigzag number of variable length.
fn put_long(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use sluice_api::{SchemaBuilder, Struct};

    use super::*;

    fn schema() -> Schema {
        SchemaBuilder::structure()
            .name("a.Row")
            .field("id", Schema::INT64)
            .field("name", Schema::OPTIONAL_STRING)
            .build()
            .unwrap()
    }

    fn row(id: i64) -> Value {
        let row = Struct::new(schema()).unwrap().with("id", id).unwrap();
        row.with("name", format!("name {id}")).unwrap().into()
    }

    /// An independent reader finds every row, whatever the codec and however many blocks.
    #[test]
    fn apache_avro_reads_every_row() {
        for codec in [AvroCodec::Null, AvroCodec::Deflate, AvroCodec::Snappy] {
            let (mut encoder, mut out) =
                (AvroEncoder::new(Some(&schema()), codec, &Properties::new()).unwrap(), Vec::new());
            for id in 0..20_000 {
                encoder.advance(&mut out).unwrap();
                encoder.append(&mut out, Some(&schema()), &row(id)).unwrap();
                if id % 1000 == 7 {
                    encoder.append(&mut out, Some(&schema()), &row(-1)).unwrap();
                    encoder.undo();
                }
            }
            encoder.finish(&mut out).unwrap();
            let reader = apache_avro::Reader::new(&*out).unwrap();
            let ids: Vec<i64> = reader
                .map(|row| match row.unwrap() {
                    apache_avro::types::Value::Record(fields) => match &fields[0].1 {
                        apache_avro::types::Value::Long(id) => *id,
                        other => panic!("{other:?}"),
                    },
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(ids, (0..20_000).collect::<Vec<_>>(), "{codec:?}");
        }
    }

    #[test]
    fn a_row_of_another_schema_is_refused() {
        let mut encoder = AvroEncoder::new(Some(&schema()), AvroCodec::Null, &Properties::new()).unwrap();
        let error = encoder.append(&mut Vec::new(), Some(&Schema::STRING), &Value::from("x")).unwrap_err();
        assert!(error.to_string().contains("this one has another"), "{error}");
    }
}
