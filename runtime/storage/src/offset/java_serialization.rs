//! The Java object stream of one `HashMap<byte[],byte[]>`: the format of `offset.storage.file.filename`.
//!
//! Invariant 6: Kafka Connect's FileOffsetBackingStore reads what is written here and the other way round. The reader takes
//! bytes of anybody: it never panics and allocates no more than the input is long.

use std::fmt;

use bytes::Bytes;

/// Stream magic, version, and the head of the one object: class descriptor of `java.util.HashMap` with its serial version
/// and its two fields `float loadFactor` and `int threshold`.
const HASH_MAP: &[u8] =
    b"\xac\xed\x00\x05\x73\x72\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02\
    F\x00\x0aloadFactorI\x00\x09thresholdxp";
/// The class descriptor of `byte[]`.
const BYTE_ARRAY_CLASS: &[u8] = b"\x72\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00xp";
const LOAD_FACTOR: f32 = 0.75;

const NULL: u8 = 0x70;
const REFERENCE: u8 = 0x71;
const CLASS_DESCRIPTOR: u8 = 0x72;
const ARRAY: u8 = 0x75;
const BLOCK_DATA: u8 = 0x77;
const END_BLOCK_DATA: u8 = 0x78;

/// The number of the first object in a stream; the map's class and the map itself are the first two.
const FIRST_HANDLE: u32 = 0x007e_0000;

/// An entry of the map; Java allows null for both.
pub(super) type Entry = (Option<Bytes>, Option<Bytes>);

/// Where and why a stream is not what it should be.
#[derive(Debug, PartialEq)]
pub(super) struct Corrupt {
    /// Bytes before the fault.
    pub(super) position: usize,
    /// What was found.
    pub(super) reason: String,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.position, self.reason)
    }
}

/// Writes the stream. `None` when an array or the map is longer than Java allows (2 GiB).
pub(super) fn write<'a>(entries: impl ExactSizeIterator<Item = (&'a Bytes, &'a Bytes)>) -> Option<Vec<u8>> {
    let size = i32::try_from(entries.len()).ok()?;
    let capacity = capacity(size)?;
    // A map that never held anything has no table yet.
    let threshold = if size == 0 { 0 } else { capacity / 4 * 3 };
    let mut out = HASH_MAP.to_vec();
    out.extend_from_slice(&LOAD_FACTOR.to_be_bytes());
    out.extend_from_slice(&threshold.to_be_bytes());
    out.extend_from_slice(&[BLOCK_DATA, 8]);
    out.extend_from_slice(&capacity.to_be_bytes());
    out.extend_from_slice(&size.to_be_bytes());
    let mut class_written = false;
    for array in entries.flat_map(|(key, value)| [key, value]) {
        out.push(ARRAY);
        if class_written {
            out.push(REFERENCE);
            out.extend_from_slice(&(FIRST_HANDLE + 2).to_be_bytes());
        } else {
            out.extend_from_slice(BYTE_ARRAY_CLASS);
            class_written = true;
        }
        out.extend_from_slice(&i32::try_from(array.len()).ok()?.to_be_bytes());
        out.extend_from_slice(array);
    }
    out.push(END_BLOCK_DATA);
    Some(out)
}

/// The table size of a HashMap that grew from its default to hold `size` entries.
fn capacity(size: i32) -> Option<i32> {
    let mut capacity: i32 = 16;
    while size > capacity / 4 * 3 {
        capacity = capacity.checked_mul(2)?;
    }
    Some(capacity)
}

/// Reads the stream. What follows the map is ignored, as Java does.
pub(super) fn read(stream: &[u8]) -> Result<Vec<Entry>, Corrupt> {
    let mut reader = Reader { stream, position: 0, objects: vec![Object::Other, Object::Other] };
    reader.map_head()?;
    let size = reader.map_size()?;
    let mut entries = Vec::new();
    for _ in 0..size {
        entries.push((reader.byte_array()?, reader.byte_array()?));
    }
    let position = reader.position;
    match reader.byte()? {
        END_BLOCK_DATA => Ok(entries),
        other => Err(Corrupt { position, reason: format!("expected the end of the map but found 0x{other:02x}") }),
    }
}

/// What a reference in the stream can point to.
enum Object {
    ByteArrayClass,
    ByteArray(Bytes),
    Other,
}

struct Reader<'a> {
    stream: &'a [u8],
    position: usize,
    objects: Vec<Object>,
}

impl Reader<'_> {
    fn map_head(&mut self) -> Result<(), Corrupt> {
        let head = self.stream.get(..HASH_MAP.len()).unwrap_or(self.stream);
        if head == HASH_MAP {
            self.position = HASH_MAP.len();
            return Ok(());
        }
        let position = head.iter().zip(HASH_MAP).take_while(|(found, expected)| found == expected).count();
        if position < 4 && position < head.len() {
            return Err(Corrupt {
                position,
                reason: "not a Java object stream (it starts with AC ED 00 05)".to_owned(),
            });
        }
        if position == head.len() {
            return Err(Corrupt { position, reason: "the file is cut off".to_owned() });
        }
        let reason = class_name(head)
            .filter(|class| *class != "java.util.HashMap")
            .map_or("expected a java.util.HashMap".to_owned(), |class| {
                format!("Expected HashMap but found class {class}")
            });
        Err(Corrupt { position, reason })
    }

    fn map_size(&mut self) -> Result<i32, Corrupt> {
        // Load factor and threshold: they tell how Java held the map, not what is in it.
        self.bytes(8)?;
        let position = self.position;
        if self.bytes(2)? != [BLOCK_DATA, 8] {
            return Err(Corrupt { position, reason: "expected the size of the map".to_owned() });
        }
        self.bytes(4)?;
        let position = self.position;
        let size = self.int()?;
        if size < 0 {
            return Err(Corrupt { position, reason: format!("the size of the map is negative ({size})") });
        }
        Ok(size)
    }

    fn byte_array(&mut self) -> Result<Option<Bytes>, Corrupt> {
        let position = self.position;
        match self.byte()? {
            NULL => Ok(None),
            REFERENCE => match self.object()? {
                Some(Object::ByteArray(bytes)) => Ok(Some(bytes.clone())),
                _ => Err(Corrupt { position, reason: "the reference is to no byte array".to_owned() }),
            },
            ARRAY => {
                self.byte_array_class()?;
                let bytes = self.array_content()?;
                self.objects.push(Object::ByteArray(bytes.clone()));
                Ok(Some(bytes))
            }
            other => {
                let reason = format!("expected a byte array, found an object of type 0x{other:02x}");
                Err(Corrupt { position, reason })
            }
        }
    }

    fn byte_array_class(&mut self) -> Result<(), Corrupt> {
        let position = self.position;
        let expected = match self.stream.get(position) {
            Some(&CLASS_DESCRIPTOR) => self.bytes(BYTE_ARRAY_CLASS.len())? == BYTE_ARRAY_CLASS,
            Some(&REFERENCE) => {
                self.byte()?;
                return match self.object()? {
                    Some(Object::ByteArrayClass) => Ok(()),
                    _ => Err(Corrupt { position, reason: "the array is not one of bytes".to_owned() }),
                };
            }
            Some(_) => false,
            None => return Err(self.cut_off()),
        };
        if !expected {
            return Err(Corrupt { position, reason: "the array is not one of bytes".to_owned() });
        }
        self.objects.push(Object::ByteArrayClass);
        Ok(())
    }

    fn array_content(&mut self) -> Result<Bytes, Corrupt> {
        let position = self.position;
        let length = self.int()?;
        let length = usize::try_from(length)
            .map_err(|_| Corrupt { position, reason: format!("the length of the array is negative ({length})") })?;
        self.bytes(length).map(Bytes::copy_from_slice)
    }

    /// The object that the reference at this place points to.
    fn object(&mut self) -> Result<Option<&Object>, Corrupt> {
        let handle = self.int()?.cast_unsigned();
        let index = handle.checked_sub(FIRST_HANDLE).and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| self.objects.get(index)))
    }

    fn int(&mut self) -> Result<i32, Corrupt> {
        let bytes = self.bytes(4)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | i32::from(*byte)))
    }

    fn byte(&mut self) -> Result<u8, Corrupt> {
        Ok(self.bytes(1)?[0])
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], Corrupt> {
        let Some(bytes) = self.stream.get(self.position..).and_then(|rest| rest.get(..count)) else {
            return Err(self.cut_off());
        };
        self.position += count;
        Ok(bytes)
    }

    fn cut_off(&self) -> Corrupt {
        Corrupt { position: self.stream.len(), reason: "the file is cut off".to_owned() }
    }
}

/// The class of the object that the stream starts with.
fn class_name(head: &[u8]) -> Option<&str> {
    let length = head.get(6..8)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    std::str::from_utf8(head.get(8..)?.get(..length)?).ok()
}

#[cfg(test)]
mod tests;
