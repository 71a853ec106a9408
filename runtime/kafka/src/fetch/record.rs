//! The records of an opened batch, one after the other. Keys, values and header values are slices of its bytes.

use bytes::Bytes;

/// One record, by its offset from the batch's.
#[derive(Debug)]
pub(crate) struct RawRecord {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    /// Names as they are: not every client writes UTF-8.
    pub(crate) headers: Vec<(Bytes, Option<Bytes>)>,
}

/// Where in a batch the next record begins.
#[derive(Debug)]
pub(crate) struct Records {
    bytes: Bytes,
    at: usize,
}

impl Records {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next record.
    ///
    /// # Errors
    /// Bytes that are no record: nothing more can be read of this batch.
    pub(crate) fn next(&mut self) -> Result<RawRecord, Damage> {
        let length = self.length()?.ok_or(Damage)?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len()).ok_or(Damage)?;
        // Attributes of a single record mean nothing yet.
        self.skip(1)?;
        let timestamp_delta = self.varint()?;
        let offset_delta = i32::try_from(self.varint()?).map_err(|_| Damage)?;
        let (key, value) = (self.blob()?, self.blob()?);
        let count = self.length()?.ok_or(Damage)?;
        // A lying count costs no memory.
        let mut headers = Vec::with_capacity(count.min(16));
        for _ in 0..count {
            let name = self.blob()?.ok_or(Damage)?;
            headers.push((name, self.blob()?));
        }
        if self.at > end {
            return Err(Damage);
        }
        self.at = end;
        Ok(RawRecord { offset_delta, timestamp_delta, key, value, headers })
    }

    fn blob(&mut self) -> Result<Option<Bytes>, Damage> {
        let Some(length) = self.length()? else { return Ok(None) };
        let start = self.at;
        self.skip(length)?;
        Ok(Some(self.bytes.slice(start..self.at)))
    }

    /// A length, or -1 for nothing.
    fn length(&mut self) -> Result<Option<usize>, Damage> {
        match self.varint()? {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| Damage),
        }
    }

    fn skip(&mut self, count: usize) -> Result<(), Damage> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len()).ok_or(Damage)?;
        Ok(())
    }

    /// Zigzag in groups of seven bits, ten bytes at most.
    #[inline]
    fn varint(&mut self) -> Result<i64, Damage> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Damage)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Damage)
    }
}

/// The bytes end within a record, or a length in them cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage;
