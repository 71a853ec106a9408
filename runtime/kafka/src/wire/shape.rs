//! The byte layout of each answer that this client reads, and a walk over bytes that proves them to have it.
//!
//! The message decoders allocate what an array count promises before they read the elements, so a corrupt count would
//! end the process. Walking first costs nothing worth measuring: these answers are small and rare.

/// One field, or the element fields of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// So many bytes.
    Fixed(usize),
    /// A 16-bit length, -1 for null, and so many bytes.
    Text,
    /// A 32-bit length, -1 for null, and so many bytes.
    Blob,
    /// A 32-bit count, -1 for null, and so many times these fields.
    Array(&'static [Shape]),
    /// A length that is one more in groups of seven bits, 0 for null, and so many bytes.
    CompactText,
    /// A count like that, and so many times these fields.
    CompactArray(&'static [Shape]),
    /// Tagged fields: a count, and for each of them its number, its length and its bytes.
    Tags,
}

/// Proves that `bytes` begins with the fields of `shape`. The reason of a failure names the place, never the contents.
pub(super) fn check(shape: &[Shape], bytes: &[u8]) -> Result<(), String> {
    let mut walk = Walk { rest: bytes, length: bytes.len() };
    walk.fields(shape)
}

struct Walk<'a> {
    rest: &'a [u8],
    length: usize,
}

impl Walk<'_> {
    fn fields(&mut self, shape: &[Shape]) -> Result<(), String> {
        for field in shape {
            match field {
                Shape::Fixed(size) => self.skip(*size)?,
                Shape::Text => {
                    let length = i16::from_be_bytes(self.take()?);
                    self.skip_length(length.into())?;
                }
                Shape::Blob => {
                    let length = i32::from_be_bytes(self.take()?);
                    self.skip_length(length)?;
                }
                Shape::Array(element) => self.elements(element)?,
                Shape::CompactText => {
                    let length = self.varint()?.saturating_sub(1);
                    self.skip(length)?;
                }
                Shape::CompactArray(element) => {
                    for _ in 0..self.varint()?.saturating_sub(1) {
                        self.fields(element)?;
                    }
                }
                Shape::Tags => {
                    for _ in 0..self.varint()? {
                        self.varint()?;
                        let length = self.varint()?;
                        self.skip(length)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn elements(&mut self, element: &[Shape]) -> Result<(), String> {
        let count = i32::from_be_bytes(self.take()?);
        if count < -1 {
            return Err(self.place(&format!("array of {count} elements")));
        }
        // Every element takes at least a byte, so a lying count ends at the end of the bytes.
        for _ in 0..count {
            self.fields(element)?;
        }
        Ok(())
    }

    /// At most five groups, as 32-bit numbers have.
    fn varint(&mut self) -> Result<usize, String> {
        let mut value = 0_usize;
        for shift in (0..35).step_by(7) {
            let [byte] = self.take()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.place("a number that does not end"))
    }

    fn skip_length(&mut self, length: i32) -> Result<(), String> {
        match usize::try_from(length) {
            Ok(length) => self.skip(length),
            Err(_) if length == -1 => Ok(()),
            Err(_) => Err(self.place(&format!("length {length}"))),
        }
    }

    fn skip(&mut self, size: usize) -> Result<(), String> {
        match self.rest.get(size..) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.place(&format!("{size} bytes expected, {} left", self.rest.len()))),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(self.place(&format!("{N} bytes expected, {} left", self.rest.len()))),
        }
    }

    fn place(&self, what: &str) -> String {
        format!("{what} at byte {}", self.length - self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: &[Shape] =
        &[Shape::Fixed(2), Shape::Array(&[Shape::Text, Shape::Array(&[Shape::Fixed(4)])]), Shape::Blob];

    #[test]
    fn bytes_of_the_shape_pass() {
        let bytes = [0, 0, 0, 0, 0, 1, 0, 1, b'c', 0, 0, 0, 1, 0, 0, 0, 9, 255, 255, 255, 255];
        assert_eq!(check(SHAPE, &bytes), Ok(()));
    }

    #[test]
    fn a_lying_count_is_named_with_its_place() {
        let bytes = [0, 0, 0x7f, 255, 255, 255];
        assert_eq!(check(SHAPE, &bytes), Err("2 bytes expected, 0 left at byte 6".to_owned()));
        assert_eq!(check(SHAPE, &[0, 0, 255, 255, 255, 254]), Err("array of -2 elements at byte 6".to_owned()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let passed = check(SHAPE, &bytes).is_ok();
            prop_assert!(!passed || bytes.len() >= 10);
        }
    }
}
