//! Cuts a chunk of a file into lines: slices of the chunk, nothing is copied. A line ends with `\n`; a `\r` before it belongs to the end.

use bytes::Bytes;
use bytestring::ByteString;
use memchr::{memchr, memrchr};

/// What a chunk has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole line, without its end.
    Line(ByteString),
    /// A whole line that is not UTF-8.
    Malformed(Bytes),
    /// A part of a line that is too long; whether more of it follows.
    Part(Bytes, bool),
}

/// Lines are not longer than this many bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Splitter {
    pub(super) max_line_bytes: usize,
}

impl Splitter {
    /// Hands out up to `limit` pieces, each with the number of bytes up to and including its end, and returns how many bytes of the
    /// chunk are used up. `whole` says that the file ends with the chunk, so that a last line without an end is a line. `inside` says
    /// that the chunk begins within a line that is too long.
    ///
    /// Nothing is used up when the chunk has no line end and is not longer than a line may be: more bytes are needed.
    pub(super) fn split(
        self,
        chunk: &Bytes,
        whole: bool,
        mut inside: bool,
        limit: usize,
        mut deliver: impl FnMut(Piece, usize),
    ) -> usize {
        // Checked at once when everything is as it should be, which it nearly always is.
        let end = if whole { chunk.len() } else { memrchr(b'\n', chunk).map_or(0, |at| at + 1) };
        let text = ByteString::try_from(chunk.slice(..end)).ok();
        let mut at = 0;
        for _ in 0..limit {
            let rest = &chunk[at..];
            if rest.is_empty() {
                break;
            }
            let (length, next) = match memchr(b'\n', rest) {
                Some(length) => (length, at + length + 1),
                None if whole => (rest.len(), chunk.len()),
                None if rest.len() > self.max_line_bytes => (rest.len(), usize::MAX),
                None => break,
            };
            if length > self.max_line_bytes || next == usize::MAX {
                let cut = at + piece_end(&rest[..length], self.max_line_bytes);
                deliver(Piece::Part(chunk.slice(at..cut), true), cut);
                (at, inside) = (cut, true);
                continue;
            }
            let line_end =
                if length > 0 && rest[length - 1] == b'\r' && next > at + length { length - 1 } else { length };
            let piece = match (&text, inside) {
                (_, true) => Piece::Part(chunk.slice(at..at + line_end), false),
                (Some(text), false) => Piece::Line(text.slice_ref(&text[at..at + line_end])),
                (None, false) => {
                    let bytes = chunk.slice(at..at + line_end);
                    ByteString::try_from(bytes.clone()).map_or(Piece::Malformed(bytes), Piece::Line)
                }
            };
            inside = false;
            deliver(piece, next);
            at = next;
        }
        at
    }
}

/// Where to cut a line that is too long: at most `max` bytes, not inside a character, and at least one byte.
fn piece_end(line: &[u8], max: usize) -> usize {
    let max = max.min(line.len());
    let is_boundary = |at: usize| line.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (max.saturating_sub(3)..=max).rev().find(|at| *at > 0 && is_boundary(*at)).unwrap_or(max.max(1))
}

/// Splits a whole file, `chunk` bytes at a time.
///
/// # Panics
/// A byte is in no piece or in two, or a piece is longer than it may be.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn split_all(content: &[u8], chunk: usize, max_line_bytes: usize) {
    let splitter = Splitter { max_line_bytes };
    let (mut position, mut size, mut inside) = (0, chunk, false);
    while position < content.len() {
        let end = content.len().min(position + size);
        let part = Bytes::copy_from_slice(&content[position..end]);
        let mut at = 0;
        let used = splitter.split(&part, end == content.len(), inside, usize::MAX, |piece, end| {
            let bytes = match &piece {
                Piece::Line(text) => text.as_bytes(),
                Piece::Malformed(bytes) | Piece::Part(bytes, _) => bytes,
            };
            assert!(bytes.len() <= max_line_bytes && part[at..].starts_with(bytes), "a piece is not of its place");
            assert!(matches!(&part[at + bytes.len()..end], b"" | b"\n" | b"\r\n"), "bytes are in no piece");
            inside = matches!(piece, Piece::Part(_, true));
            at = end;
        });
        assert_eq!(used, at, "what was used is what came out");
        size = if used == 0 { size * 2 } else { chunk };
        position += used;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `bytes` as a file of that content would be read, `chunk` bytes at a time, and says what came with which position.
    fn read(bytes: &[u8], chunk: usize, max_line_bytes: usize, limit: usize) -> Vec<(Piece, usize)> {
        let splitter = Splitter { max_line_bytes };
        let (mut position, mut size, mut inside, mut all) = (0, chunk, false, Vec::new());
        while position < bytes.len() {
            let end = bytes.len().min(position + size);
            let part = Bytes::copy_from_slice(&bytes[position..end]);
            let used = splitter.split(&part, end == bytes.len(), inside, limit, |piece, end| {
                inside = matches!(piece, Piece::Part(_, true));
                all.push((piece, position + end));
            });
            size = if used == 0 { size * 2 } else { chunk };
            position += used;
        }
        all
    }

    fn line(text: &str, end: usize) -> (Piece, usize) {
        (Piece::Line(text.into()), end)
    }

    #[test]
    fn lines_end_with_newline_and_the_return_before_it() {
        let expected = [line("a", 2), line("", 3), line("b\rc", 8), line("d", 9)];
        for chunk in 1..10 {
            assert_eq!(read(b"a\n\nb\rc\r\nd", chunk, 100, 100), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn a_line_without_an_end_waits_unless_the_file_is_over() {
        let splitter = Splitter { max_line_bytes: 100 };
        let used = splitter.split(&Bytes::from_static(b"a\nbc"), false, false, 10, |piece, end| {
            assert_eq!((piece, end), line("a", 2));
        });
        assert_eq!(used, 2);
    }

    #[test]
    fn long_lines_come_in_parts_that_are_whole_characters() {
        let bytes = "ok\naéé€😀z\nok\n".as_bytes();
        let pieces = read(bytes, 64, 4, 100);
        let parts: Vec<&str> = pieces
            .iter()
            .filter_map(|(piece, _)| match piece {
                Piece::Part(bytes, _) => Some(std::str::from_utf8(bytes).unwrap()),
                _ => None,
            })
            .collect();
        assert_eq!(parts, ["aé", "é", "€", "😀", "z"]);
        assert_eq!((&pieces[0], pieces.last().unwrap()), (&line("ok", 3), &line("ok", bytes.len())));
        let continues: Vec<bool> = pieces
            .iter()
            .filter_map(|(piece, _)| if let Piece::Part(_, more) = piece { Some(*more) } else { None })
            .collect();
        assert_eq!(continues, [true, true, true, true, false]);
    }

    #[test]
    fn a_line_that_is_not_text_is_told_apart_and_the_others_are_not() {
        let pieces = read(b"a\n\xff\xfe\nb\n", 64, 100, 100);
        let malformed = (Piece::Malformed(Bytes::from_static(b"\xff\xfe")), 5);
        assert_eq!(pieces, [line("a", 2), malformed, line("b", 7)]);
    }

    proptest! {
        /// Whatever the bytes, the chunks and the limit: every byte is in exactly one piece or line end, and positions only grow.
        #[test]
        fn nothing_is_lost(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200),
                           chunk in 1usize..50, max in 1usize..20, limit in 1usize..5) {
            let pieces = read(&bytes, chunk, max, limit);
            let mut from = 0;
            for (piece, end) in &pieces {
                let content = match piece { Piece::Line(text) => text.as_bytes(), Piece::Malformed(bytes) | Piece::Part(bytes, _) => bytes };
                prop_assert_eq!(&bytes[from..from + content.len()], &content[..]);
                let ending = &bytes[from + content.len()..*end];
                prop_assert!(matches!(ending, b"" | b"\n" | b"\r\n"), "{:?}", ending);
                prop_assert!(content.len() <= max.max(1));
                from = *end;
            }
            prop_assert_eq!(from, bytes.len());
        }
    }

    /// Nanoseconds that this thread has run: a machine that is busy with other things must not fail a test.
    fn cpu_ns() -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    }

    /// A gigabyte per second and more, without Kafka; half of it is asked for here.
    #[test]
    fn splitting_is_fast() {
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        let chunk = Bytes::from(line.repeat(2_600));
        let splitter = Splitter { max_line_bytes: 1 << 20 };
        let (began, mut lines, rounds) = (cpu_ns(), 0, 1_000);
        for _ in 0..rounds {
            splitter.split(&chunk, false, false, usize::MAX, |_, _| lines += 1);
        }
        let per_second = (chunk.len() * rounds) as f64 / (cpu_ns() - began) as f64;
        eprintln!("{lines} lines, {per_second:.2} GB per CPU second");
        assert!(per_second > 0.5, "{per_second:.2} GB per CPU second");
    }
}
