//! Bytes of a file from a position on, decompressed where its name says so.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

/// What comes after the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// More.
    More,
    /// Nothing yet.
    EndForNow,
    /// Nothing, ever: a compressed file says where it ends.
    End,
}

/// An open file. Positions are those of the decompressed bytes.
pub(super) enum Input {
    Plain(File),
    Decoded(Decoded),
}

/// A decoder reads forward only, so what is not used up is kept.
pub(super) struct Decoded {
    file: File,
    reader: Box<dyn Read + Send>,
    kept: Vec<u8>,
    /// The position of `kept[0]`.
    at: u64,
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

fn is_zstd(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zst") || extension.eq_ignore_ascii_case("zstd"))
}

impl Input {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !is_gzip(path) && !is_zstd(path) {
            return Ok(Self::Plain(file));
        }
        Ok(Self::Decoded(Decoded { reader: decoder(path, file.try_clone()?)?, file, kept: Vec::new(), at: 0 }))
    }

    /// The file itself, for its head and its size.
    pub(super) fn file(&self) -> &File {
        match self {
            Self::Plain(file) => file,
            Self::Decoded(decoded) => &decoded.file,
        }
    }

    /// Whether positions are not places in the file.
    pub(super) fn is_decoded(&self) -> bool {
        matches!(self, Self::Decoded(_))
    }

    /// Up to `size` bytes from `position` on.
    ///
    /// # Errors
    /// The file's, and what a decoder finds wrong with it. A compressed file that is still being written ends early: that is
    /// [`After::EndForNow`], and it has to be opened again to go on.
    pub(super) fn read(&mut self, position: u64, size: usize) -> io::Result<(Bytes, After)> {
        match self {
            Self::Plain(file) => {
                file.seek(SeekFrom::Start(position))?;
                let mut bytes = Vec::with_capacity(size);
                file.by_ref().take(size as u64).read_to_end(&mut bytes)?;
                let after = if bytes.len() < size { After::EndForNow } else { After::More };
                Ok((bytes.into(), after))
            }
            Self::Decoded(decoded) => decoded.read(position, size),
        }
    }
}

fn decoder(path: &Path, file: File) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(64 * 1024, file);
    if is_gzip(path) {
        return Ok(Box::new(MultiGzDecoder::new(file)));
    }
    Ok(Box::new(zstd::stream::read::Decoder::with_buffer(file)?))
}

impl Decoded {
    fn read(&mut self, position: u64, size: usize) -> io::Result<(Bytes, After)> {
        let mut after = After::More;
        loop {
            let used = (position.saturating_sub(self.at)).min(self.kept.len() as u64) as usize;
            self.kept.drain(..used);
            self.at += used as u64;
            if self.kept.len() >= size || after != After::More {
                break;
            }
            let missing = size - self.kept.len();
            let before = self.kept.len();
            match self.reader.by_ref().take(missing as u64).read_to_end(&mut self.kept) {
                Ok(_) if self.kept.len() - before < missing => after = After::End,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => after = After::EndForNow,
                Err(error) => return Err(error),
            }
        }
        let given = self.kept.len().min(size);
        Ok((Bytes::copy_from_slice(&self.kept[..given]), after))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_all(path: &Path, from: u64, size: usize) -> (Vec<u8>, After) {
        let (mut input, mut position, mut all) = (Input::open(path).unwrap(), from, Vec::new());
        loop {
            let (bytes, after) = input.read(position, size).unwrap();
            position += bytes.len() as u64;
            all.extend_from_slice(&bytes);
            if after != After::More {
                return (all, after);
            }
        }
    }

    #[test]
    fn compressed_files_are_read_like_plain_ones_from_any_position() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..50_000u32).flat_map(|number| number.to_le_bytes()).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&content).unwrap();
        let gzip = gzip.finish().unwrap();
        for (name, bytes, end) in [
            ("plain", content.clone(), After::EndForNow),
            ("x.gz", gzip.clone(), After::End),
            ("x.zst", zstd::encode_all(&*content, 1).unwrap(), After::End),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            for from in [0, 1, 77_777] {
                assert_eq!(read_all(&path, from, 1000), (content[from as usize..].to_vec(), end), "{name} from {from}");
            }
        }
        let cut = folder.path().join("cut.gz");
        std::fs::write(&cut, &gzip[..gzip.len() / 2]).unwrap();
        let (bytes, after) = read_all(&cut, 0, 1000);
        assert!(after == After::EndForNow && content.starts_with(&bytes));
        std::fs::write(&cut, b"\x1f\x8bnot gzip at all").unwrap();
        assert!(Input::open(&cut).unwrap().read(0, 10).is_err());
    }
}
