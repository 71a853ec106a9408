//! The records: lines of a file, the same on every machine, and the checksum that says whether they arrived.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sluice_harness::Random;

/// Count and checksum (FNV-1a over every line and its line end) of lines in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) lines: u64,
    checksum: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Digest { lines: 0, checksum: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Digest {
    /// Adds a line, given without its end.
    pub(crate) fn add(&mut self, line: &[u8]) {
        let bytes = line.iter().chain(b"\n");
        self.checksum =
            bytes.fold(self.checksum, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        self.lines += 1;
    }

    /// The digest of a file.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
        let (mut digest, mut line) = (Digest::default(), Vec::new());
        while reader.read_until(b'\n', &mut line)? > 0 {
            ensure!(line.pop() == Some(b'\n'), "{} ends in a cut line", path.display());
            digest.add(&line);
            line.clear();
        }
        Ok(digest)
    }

    /// An error unless what arrived is what was sent: nothing lost, doubled, changed or out of order.
    pub(crate) fn check(self, arrived: Digest) -> Result<()> {
        ensure!(arrived.lines == self.lines, "{} records arrived instead of {}", arrived.lines, self.lines);
        ensure!(arrived == self, "all {} records arrived, but not the same ones in the same order", self.lines);
        Ok(())
    }
}

/// The file with the lines.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
}

impl Corpus {
    /// Writes the file.
    pub(crate) fn write(path: PathBuf, lines: u64, line_bytes: u32) -> Result<Self> {
        let mut out =
            BufWriter::with_capacity(1 << 20, File::create(&path).context("creating the file with the lines")?);
        let mut digest = Digest::default();
        for line in texts(lines, line_bytes) {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
            digest.add(&line);
        }
        out.flush().context("writing the file with the lines")?;
        Ok(Corpus { path, digest })
    }
}

/// The lines: a number and letters, without their ends.
pub(crate) fn texts(lines: u64, line_bytes: u32) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random::with_seed(lines);
    (0..lines).map(move |number| {
        let mut line = format!("{number:012} ").into_bytes();
        while line.len() < line_bytes as usize {
            line.extend(random.next().to_le_bytes().map(|byte| b'a' + byte % 26));
        }
        line.truncate(line_bytes as usize);
        line
    })
}

#[cfg(test)]
mod tests {
    use sluice_harness::Scratch;

    use super::*;

    #[test]
    fn the_file_has_the_digest_of_its_lines() {
        let scratch = Scratch::new("corpus").expect("a folder");
        let corpus = Corpus::write(scratch.join("lines"), 50, 100).expect("a file");
        assert_eq!(std::fs::metadata(&corpus.path).expect("a file").len(), 50 * 101);
        corpus.digest.check(Digest::of_file(&corpus.path).expect("a digest")).expect("the same");
    }

    #[test]
    fn two_lines_that_changed_places_are_seen() {
        let lines: Vec<_> = texts(2, 20).collect();
        let (mut sent, mut arrived) = (Digest::default(), Digest::default());
        lines.iter().for_each(|line| sent.add(line));
        lines.iter().rev().for_each(|line| arrived.add(line));
        assert!(sent.check(arrived).is_err());
    }
}
