//! Object container files of Avro: a header with the schema, then blocks.

use std::io::Read;

use bytes::Bytes;
use sluice_api::{ConnectError, Properties, Result};
use sluice_converters::AvroRowReader;

use super::{Decoded, Decoder, Pending, Resume, malformed};

const MAGIC: &[u8] = b"Obj\x01";
const SYNC_BYTES: usize = 16;
/// No writer makes larger blocks or headers than this; a number in a broken file can be anything.
const BLOCK_LIMIT_BYTES: u64 = 256 * 1024 * 1024;

/// Takes whole blocks.
pub(super) struct AvroBlocks {
    options: Properties,
    header: Option<Header>,
}

struct Header {
    codec: Codec,
    sync: [u8; SYNC_BYTES],
    rows: AvroRowReader,
}

#[derive(Clone, Copy)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

impl AvroBlocks {
    pub(super) fn new(options: Properties) -> Self {
        Self { options, header: None }
    }

    /// The header and its length; `None` while it is not whole.
    fn read_header(&self, bytes: &[u8]) -> Result<Option<(Header, usize)>> {
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
            return Err(malformed(0, "this is no Avro file: it does not begin with `Obj`"));
        }
        let mut cursor = Cursor { bytes, at: MAGIC.len() };
        let (mut schema, mut codec) = (None, None);
        loop {
            let Some(count) = cursor.long()? else { return Ok(None) };
            if count == 0 {
                break;
            }
            // A negative count has the bytes of the block behind it.
            if count < 0 && cursor.long()?.is_none() {
                return Ok(None);
            }
            for _ in 0..count.unsigned_abs() {
                let Some(key) = cursor.bytes()? else { return Ok(None) };
                let Some(value) = cursor.bytes()? else { return Ok(None) };
                match key {
                    b"avro.schema" => schema = Some(value.to_vec()),
                    b"avro.codec" => codec = Some(value.to_vec()),
                    _ => {}
                }
            }
        }
        let Some(sync) = cursor.take(SYNC_BYTES) else { return Ok(None) };
        let sync = <[u8; SYNC_BYTES]>::try_from(sync).map_err(|_| malformed(0, "the header is broken"))?;
        let schema = schema.and_then(|text| String::from_utf8(text).ok());
        let schema = schema.ok_or_else(|| malformed(0, "the header has no schema"))?;
        let rows = AvroRowReader::new(&schema, &self.options)?;
        Ok(Some((Header { codec: Codec::parse(codec.as_deref())?, sync, rows }, cursor.at)))
    }
}

impl Decoder for AvroBlocks {
    fn decode(&mut self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<()> {
        if self.header.is_none() {
            match self.read_header(&pending.bytes)? {
                Some((header, length)) => {
                    pending.take(length);
                    self.header = Some(header);
                }
                None if pending.at_end && pending.len() > 0 => {
                    return Err(malformed(0, "the file ends inside of its header"));
                }
                None => return Ok(()),
            }
        }
        let Some(header) = &self.header else { return Ok(()) };
        while pending.len() > 0 {
            if !header.block(pending, out)? {
                break;
            }
        }
        if pending.at_end && pending.len() > 0 {
            return Err(malformed(pending.position, "the file ends inside of a block"));
        }
        Ok(())
    }

    fn needs_beginning(&self) -> bool {
        true
    }

    fn has_begun(&self) -> bool {
        self.header.is_some()
    }
}

impl Header {
    /// Takes a block, if it is whole.
    fn block(&self, pending: &mut Pending, out: &mut Vec<Decoded>) -> Result<bool> {
        let start = pending.position;
        let mut cursor = Cursor { bytes: &pending.bytes, at: 0 };
        let (Some(records), Some(length)) = (cursor.long()?, cursor.long()?) else { return Ok(false) };
        let length = u64::try_from(length).ok().filter(|length| *length <= BLOCK_LIMIT_BYTES);
        let (Ok(records), Some(length)) = (u64::try_from(records), length) else {
            return Err(malformed(start, "the size of a block is out of range"));
        };
        let (from, length) = (cursor.at, length as usize);
        if pending.len() < from + length + SYNC_BYTES {
            return Ok(false);
        }
        let bytes = pending.take(from + length + SYNC_BYTES);
        if bytes[from + length..] != self.sync {
            return Err(malformed(start, "a block does not end with the mark of this file"));
        }
        let mut rest = self.codec.decompress(bytes.slice(from..from + length), start)?;
        for number in 1..=records {
            let (value, taken) = self.rows.read(&rest).map_err(|cause| {
                ConnectError::data(format!("at byte {start}: record {number} of the block cannot be read"))
                    .with_source(cause)
            })?;
            rest = rest.slice(taken..);
            let resume = match number == records {
                true => Resume { position: pending.position, skip: 0 },
                false => Resume { position: start, skip: number },
            };
            // A record of no bytes at all would let a few bytes promise any number of them.
            if taken == 0 && records > BLOCK_LIMIT_BYTES / 1024 {
                return Err(malformed(start, "the number of records in a block is out of range"));
            }
            out.push(Decoded { schema: self.rows.schema().cloned(), value, resume });
        }
        if !rest.is_empty() {
            return Err(malformed(start, "a block has more bytes than its records"));
        }
        Ok(true)
    }
}

impl Codec {
    fn parse(name: Option<&[u8]>) -> Result<Self> {
        match name {
            None | Some(b"null") => Ok(Self::Null),
            Some(b"deflate") => Ok(Self::Deflate),
            Some(b"snappy") => Ok(Self::Snappy),
            Some(b"zstandard") => Ok(Self::Zstandard),
            Some(other) => Err(ConnectError::data(format!(
                "the Avro codec {} is not supported yet: null, deflate, snappy and zstandard are",
                String::from_utf8_lossy(other)
            ))),
        }
    }

    fn decompress(self, block: Bytes, start: u64) -> Result<Bytes> {
        let failed = |_| malformed(start, "a block cannot be decompressed");
        let read = |reader: &mut dyn Read| {
            let mut out = Vec::new();
            reader.take(BLOCK_LIMIT_BYTES).read_to_end(&mut out).map_err(failed)?;
            Ok(Bytes::from(out))
        };
        match self {
            Self::Null => Ok(block),
            Self::Deflate => read(&mut flate2::read::DeflateDecoder::new(&*block)),
            Self::Zstandard => read(&mut zstd::stream::read::Decoder::new(&*block).map_err(failed)?),
            Self::Snappy => {
                // The CRC-32 of what was compressed is behind it.
                let (body, sum) =
                    block.split_last_chunk::<4>().ok_or_else(|| malformed(start, "a block is too short"))?;
                let length = snap::raw::decompress_len(body).unwrap_or(usize::MAX);
                if length as u64 > BLOCK_LIMIT_BYTES {
                    return Err(malformed(start, "a block cannot be decompressed"));
                }
                let out = snap::raw::Decoder::new().decompress_vec(body);
                let out = out.map_err(|_| malformed(start, "a block cannot be decompressed"))?;
                let mut crc = flate2::Crc::new();
                crc.update(&out);
                if crc.sum().to_be_bytes() != *sum {
                    return Err(malformed(start, "the checksum of a block is wrong"));
                }
                Ok(out.into())
            }
        }
    }
}

/// Reads numbers and lengths; `None` where the bytes end.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn long(&mut self) -> Result<Option<i64>> {
        let mut number = 0u64;
        for (shift, byte) in self.bytes.get(self.at..).unwrap_or_default().iter().enumerate() {
            if shift == 10 {
                return Err(malformed(self.at as u64, "a number is too long"));
            }
            number |= u64::from(byte & 0x7f) << (7 * shift);
            if byte & 0x80 == 0 {
                self.at += shift + 1;
                return Ok(Some((number >> 1) as i64 ^ -((number & 1) as i64)));
            }
        }
        Ok(None)
    }

    fn bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let Some(length) = self.long()? else { return Ok(None) };
        let length = u64::try_from(length).ok().filter(|length| *length <= BLOCK_LIMIT_BYTES);
        let length = length.ok_or_else(|| malformed(self.at as u64, "a length in the header is out of range"))?;
        Ok(self.take(length as usize))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..count)?;
        self.at += count;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use apache_avro::types::Value as AvroValue;
    use sluice_api::Value;

    use super::super::{InputFormat, decode_all};
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"a.Row","fields":[{"name":"id","type":"long"}]}"#;

    /// A file of an independent writer.
    fn file(codec: apache_avro::Codec, rows: i64) -> Vec<u8> {
        let schema = apache_avro::Schema::parse_str(SCHEMA).unwrap();
        let mut writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec);
        for id in 0..rows {
            writer.append(AvroValue::Record(vec![("id".into(), AvroValue::Long(id))])).unwrap();
            if id % 100 == 99 {
                writer.flush().unwrap();
            }
        }
        writer.into_inner().unwrap()
    }

    fn id(value: &Value) -> i64 {
        match value {
            Value::Struct(row) => row.get("id").unwrap().as_i64().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_of_others_are_read_block_by_block() {
        let format = InputFormat::Avro { options: Properties::new() };
        for codec in
            [apache_avro::Codec::Null, apache_avro::Codec::Deflate(Default::default()), apache_avro::Codec::Snappy]
        {
            let bytes = file(codec, 250);
            for step in [7, 1000, bytes.len()] {
                let found = decode_all(&format, &bytes, step).unwrap();
                let ids: Vec<i64> = found.iter().map(|decoded| id(&decoded.value)).collect();
                assert_eq!(ids, (0..250).collect::<Vec<_>>());
                assert_eq!((found[98].resume.skip, found[99].resume.skip), (99, 0));
                assert_eq!(found[249].resume.position, bytes.len() as u64);
            }
        }
    }

    #[test]
    fn broken_files_are_refused() {
        let format = InputFormat::Avro { options: Properties::new() };
        let whole = file(apache_avro::Codec::Null, 100);
        let refused = |bytes: &[u8]| decode_all(&format, bytes, 50).unwrap_err().to_string();
        assert!(refused(b"not avro").contains("no Avro file"));
        assert!(refused(&whole[..20]).contains("inside of its header"));
        assert!(refused(&whole[..whole.len() - 1]).contains("inside of a block"));
        let mut changed = whole;
        *changed.last_mut().unwrap() ^= 1;
        assert!(refused(&changed).contains("mark of this file"));
    }
}
