//! One file: how far it was read, and whether it is still the file that it was.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use bytestring::ByteString;
use flate2::Crc;
use sluice_api::{OffsetMap, Value};
use tokio::time::Instant;

use super::input::Input;

pub(super) const POSITION: &str = "position";
const HEAD: &str = "head";
const INSIDE: &str = "inside";
const PATH: &str = "path";
/// As much of the beginning of a file as tells it from another one.
const HEAD_BYTES: usize = 256;

/// Device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl FileId {
    /// The source partition. A renamed file keeps it.
    pub(super) fn partition(self) -> OffsetMap {
        // Device and inode numbers are not ordered by anything: their bits are what counts.
        let number = |number: u64| Value::Int64(i64::from_ne_bytes(number.to_ne_bytes()));
        [("device".into(), number(self.device)), ("inode".into(), number(self.inode))].into_iter().collect()
    }

    /// The task of `count` that reads it.
    pub(super) fn share(self, count: u64) -> u64 {
        let mixed = (self.inode ^ self.device.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) % count
    }
}

/// The first bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    bytes: Vec<u8>,
    text: ByteString,
}

impl Head {
    pub(super) fn read(file: &File, length: usize) -> io::Result<Self> {
        let mut bytes = vec![0; length.min(HEAD_BYTES)];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], read as u64)? {
                0 => break,
                count => read += count,
            }
        }
        bytes.truncate(read);
        let mut crc = Crc::new();
        crc.update(&bytes);
        Ok(Self { text: format!("{}:{:08x}", bytes.len(), crc.sum()).into(), bytes })
    }

    /// Grows with the file until it is long enough.
    fn extend(&mut self, file: &File) -> io::Result<()> {
        if self.bytes.len() < HEAD_BYTES {
            *self = Self::read(file, HEAD_BYTES)?;
        }
        Ok(())
    }

    /// Whether the file still begins like this.
    fn is_of(&self, file: &File) -> io::Result<bool> {
        Ok(Self::read(file, self.bytes.len())?.bytes == self.bytes)
    }
}

/// The names of offset fields, shared by all records.
#[derive(Clone)]
pub(super) struct Names([Arc<str>; 4]);

impl Default for Names {
    fn default() -> Self {
        Self([POSITION, HEAD, PATH, INSIDE].map(Into::into))
    }
}

/// A file that is being read.
pub(super) struct Follower {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) partition: Arc<OffsetMap>,
    pub(super) input: Option<Input>,
    /// After the last line that was handed out.
    pub(super) position: u64,
    /// Whether that is within a line that is too long.
    pub(super) inside: bool,
    pub(super) head: Head,
    path_text: ByteString,
    /// The token of its records.
    pub(super) slot: u64,
    /// Records that are not acknowledged yet.
    pub(super) outstanding: usize,
    /// When something was read, or the file seen to have changed.
    pub(super) active: Instant,
    /// Where the lines end that may be continued, and since when.
    pub(super) unfinished: Option<(u64, Instant)>,
    /// Since when no path leads to it.
    pub(super) gone: Option<Instant>,
    /// Whether the file is over, so that a last line without an end counts.
    pub(super) last_look: bool,
    /// The size at which a compressed file was read to its end.
    pub(super) ended: Option<u64>,
    names: Names,
}

/// What a stored offset says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) position: u64,
    pub(super) head: String,
    pub(super) inside: bool,
}

impl Stored {
    /// `None` when it is no offset of a file.
    pub(super) fn of(offset: &OffsetMap) -> Option<Self> {
        let position = offset.get(POSITION).and_then(Value::as_i64)?;
        Some(Self {
            position: u64::try_from(position).ok()?,
            head: offset.get(HEAD).and_then(Value::as_str).unwrap_or_default().to_owned(),
            inside: matches!(offset.get(INSIDE), Some(Value::Boolean(true))),
        })
    }

    /// Whether the file begins as it did when the offset was stored; one that was set by hand has no head and is believed.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        if self.head.is_empty() {
            return Ok(true);
        }
        let length = self.head.split(':').next().and_then(|length| length.parse().ok()).unwrap_or(0);
        Ok(Head::read(file, length)?.text == self.head)
    }
}

impl Follower {
    pub(super) fn new(id: FileId, path: PathBuf, names: Names, now: Instant) -> Self {
        Self {
            id,
            partition: Arc::new(id.partition()),
            path_text: path.display().to_string().into(),
            path,
            input: None,
            position: 0,
            inside: false,
            head: Head::default(),
            slot: 0,
            outstanding: 0,
            active: now,
            unfinished: None,
            gone: None,
            last_look: false,
            ended: None,
            names,
        }
    }

    /// Opens the file under its path, unless another file has that path meanwhile.
    pub(super) fn open(&self) -> io::Result<Input> {
        let input = Input::open(&self.path)?;
        let metadata = input.file().metadata()?;
        if (metadata.dev(), metadata.ino()) != (self.id.device, self.id.inode) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "another file has its name now"));
        }
        Ok(input)
    }

    /// The size of the open file, compressed if it is.
    pub(super) fn size(&self) -> io::Result<Option<u64>> {
        self.input.as_ref().map(|input| input.file().metadata().map(|metadata| metadata.len())).transpose()
    }

    /// Another name for the same file.
    pub(super) fn renamed(&mut self, path: PathBuf) {
        self.path_text = path.display().to_string().into();
        self.path = path;
    }

    pub(super) fn path_text(&self) -> &ByteString {
        &self.path_text
    }

    /// Opens the file when it is closed and looks whether it is still the same: `false` when it was truncated or written anew, and
    /// is read from its beginning now.
    pub(super) fn refresh(&mut self) -> io::Result<bool> {
        let has_grown = self.ended.is_some() && self.size()? != self.ended;
        if self.input.is_none() || has_grown {
            // A decoder that has seen the end does not go on: it starts anew and passes over what was read.
            self.input = Some(self.open()?);
            self.ended = None;
        }
        let Some(input) = &self.input else { return Ok(true) };
        let shorter = !input.is_decoded() && input.file().metadata()?.len() < self.position;
        let same = !shorter && self.head.is_of(input.file())?;
        if !same {
            (self.position, self.inside, self.ended, self.head) = (0, false, None, Head::default());
            self.unfinished = None;
            if self.input.as_ref().is_some_and(Input::is_decoded) {
                self.input = Some(self.open()?);
            }
        }
        if let Some(input) = &self.input {
            self.head.extend(input.file())?;
        }
        Ok(same)
    }

    /// The offset after `position`.
    pub(super) fn offset(&self, position: u64, inside: bool) -> OffsetMap {
        let Names([position_name, head, path, inside_name]) = &self.names;
        let fields = [
            (position_name.clone(), Value::Int64(i64::try_from(position).unwrap_or(i64::MAX))),
            (head.clone(), Value::String(self.head.text.clone())),
            (path.clone(), Value::String(self.path_text.clone())),
        ];
        if !inside {
            return OffsetMap::new(Box::new(fields) as Box<[_]>);
        }
        fields.into_iter().chain([(inside_name.clone(), Value::Boolean(true))]).collect()
    }
}
