//! The bytes of one value. Text and bytes that are taken out share its memory.

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::{ConnectError, Result};

/// Items of arrays that take no bytes, of which a few bytes could promise any number.
const MOST_EMPTY_ITEMS: usize = 100_000;
/// Schemaless values in each other.
const DEEPEST: u32 = 200;

/// Where reading is.
#[derive(Debug)]
pub(in crate::avro) struct Input<'a> {
    data: &'a Bytes,
    at: usize,
    depth: u32,
}

impl<'a> Input<'a> {
    /// At the first byte.
    pub(in crate::avro) fn new(data: &'a Bytes) -> Self {
        Self { data, at: 0, depth: 0 }
    }

    /// The bytes that are left.
    pub(in crate::avro) fn remaining(&self) -> usize {
        self.data.len() - self.at
    }

    /// The next `size` bytes.
    pub(super) fn take(&mut self, size: usize) -> Result<Bytes> {
        let start = self.at;
        self.skip(size)?;
        Ok(self.data.slice(start..self.at))
    }

    pub(super) fn skip(&mut self, size: usize) -> Result<()> {
        if size > self.remaining() {
            let (at, left) = (self.at, self.remaining());
            return Err(ConnectError::data(format!(
                "Avro data ends too early: {size} bytes expected at {at}, {left} are left"
            )));
        }
        self.at += size;
        Ok(())
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE]> {
        let start = self.at;
        self.skip(SIZE)?;
        let mut array = [0; SIZE];
        array.copy_from_slice(&self.data[start..self.at]);
        Ok(array)
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        Ok(self.array::<1>()?[0] == 1)
    }

    pub(super) fn float(&mut self) -> Result<f32> {
        self.array().map(f32::from_le_bytes)
    }

    pub(super) fn double(&mut self) -> Result<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// A zig-zag number of one to ten bytes.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64> {
        let bytes = &self.data[self.at..];
        if let Some(first) = bytes.first()
            && *first < 0x80
        {
            self.at += 1;
            return Ok(i64::from(*first >> 1) ^ -i64::from(*first & 1));
        }
        self.long_number()
    }

    fn long_number(&mut self) -> Result<i64> {
        let mut number = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.array::<1>()?[0];
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err(ConnectError::data(format!("Avro data has a number of more than 64 bits before byte {}", self.at)))
    }

    pub(super) fn int(&mut self) -> Result<i32> {
        let number = self.long()?;
        i32::try_from(number)
            .map_err(|_| ConnectError::data(format!("Avro data has the int {number}, which takes more than 32 bits")))
    }

    fn size(&mut self) -> Result<usize> {
        let size = self.long()?;
        usize::try_from(size).map_err(|_| ConnectError::data(format!("Avro data has the length {size}")))
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes> {
        let size = self.size()?;
        self.take(size)
    }

    pub(super) fn string(&mut self) -> Result<ByteString> {
        let bytes = self.bytes()?;
        ByteString::try_from(bytes)
            .map_err(|error| ConnectError::data("Avro data has a string that is no UTF-8").with_source(error))
    }

    /// A number below `limit`.
    pub(super) fn index(&mut self, limit: usize, what: &str) -> Result<usize> {
        let index = self.long()?;
        let fitting = usize::try_from(index).ok().filter(|index| *index < limit);
        fitting.ok_or_else(|| ConnectError::data(format!("Avro data names {what} {index}, there are {limit}")))
    }

    /// How many items the next block of an array or map has; the length that a negative count announces is of no use here.
    pub(super) fn block(&mut self) -> Result<usize> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        usize::try_from(count.unsigned_abs())
            .map_err(|_| ConnectError::data(format!("Avro data has a block of {count} items")))
    }

    /// Whether `more` items after `known` ones are believable.
    pub(super) fn admit(&self, known: usize, more: usize) -> Result<()> {
        let left = self.remaining();
        if known.saturating_add(more) > MOST_EMPTY_ITEMS && more > left {
            return Err(ConnectError::data(format!("Avro data promises {more} items with {left} bytes left")));
        }
        Ok(())
    }

    pub(super) fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ConnectError::data(format!("Avro data has more than {DEEPEST} values in each other")));
        }
        Ok(())
    }

    pub(super) fn shallower(&mut self) {
        self.depth -= 1;
    }
}
