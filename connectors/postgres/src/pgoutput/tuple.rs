//! Tuples: the columns of a row as the server sends them.

use bytes::Bytes;

use super::Malformed;
use super::reader::Reader;

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datum<'a> {
    Null,
    /// Stored out of line (TOAST) and not changed: the server does not send it.
    Unchanged,
    /// The text form; a part of [`Tuple::owner`].
    Text(&'a [u8]),
}

/// A row whose lengths were checked; [`Tuple::iter`] reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tuple {
    columns: u16,
    bytes: Bytes,
}

impl Tuple {
    /// Reads a tuple from a message.
    pub(super) fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        let columns = reader.u16()?;
        let from = reader.at();
        for _ in 0..columns {
            match reader.u8()? {
                b'n' | b'u' => {}
                b't' => {
                    let length = usize::try_from(reader.i32()?).map_err(|_| reader.malformed("a negative length"))?;
                    reader.skip(length)?;
                }
                _ => return Err(reader.malformed("a column that is neither text, null nor unchanged")),
            }
        }
        Ok(Self { columns, bytes: reader.since(from) })
    }

    /// The number of columns.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.columns)
    }

    /// The columns in order.
    pub(crate) fn iter(&self) -> Data<'_> {
        Data { rest: &self.bytes }
    }

    /// The memory that the texts are parts of.
    pub(crate) fn owner(&self) -> &Bytes {
        &self.bytes
    }
}

/// The columns of a tuple.
pub(crate) struct Data<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Data<'a> {
    type Item = Datum<'a>;

    fn next(&mut self) -> Option<Datum<'a>> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match kind {
            b't' => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let (text, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                self.rest = rest;
                Datum::Text(text)
            }
            b'u' => Datum::Unchanged,
            _ => Datum::Null,
        })
    }
}
