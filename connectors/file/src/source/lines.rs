//! Cuts bytes into lines as Java does: `\n`, `\r\n`, and a lone `\r` once the byte after it is known. Lines are slices of the
//! chunk they were read with; nothing is copied but what a chunk has after its last whole line.

use bytes::Bytes;
use bytestring::ByteString;
use memchr::{memchr, memchr2, memrchr, memrchr2};

/// The first byte of the file that is not UTF-8. The lines before its line are delivered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The position of the byte.
    pub(super) at: u64,
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Whole lines that are not handed out yet, from `next` on.
    whole: ByteString,
    next: usize,
    /// The position in the file of `whole[next]`, or of `tail[0]` when there are no whole lines.
    position: u64,
    /// What came after the last whole line.
    tail: Vec<u8>,
    malformed: Option<Malformed>,
    ends: LineEnds,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// `\n`, `\r\n` and `\r`, as in Kafka Connect.
    #[default]
    Java,
    /// `\n` alone; a carriage return belongs to the line.
    Newline,
}

impl LineEnds {
    fn first(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Java => memchr2(b'\n', b'\r', bytes),
            Self::Newline => memchr(b'\n', bytes),
        }
    }

    fn last(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Java => memrchr2(b'\n', b'\r', bytes),
            Self::Newline => memrchr(b'\n', bytes),
        }
    }

    /// The length up to and including the last line end; a `\r` at the very end may be half of one.
    fn end_of_whole_lines(self, bytes: &[u8]) -> usize {
        let known = if bytes.last() == Some(&b'\r') { bytes.len() - 1 } else { bytes.len() };
        self.last(&bytes[..known]).map_or(0, |at| at + 1)
    }
}

impl Lines {
    /// No bytes yet; the first will be those at `position`.
    pub(super) fn new(position: u64, ends: LineEnds) -> Self {
        Self { position, ends, ..Self::default() }
    }

    /// Whether every whole line was handed out, so that more bytes are needed.
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.whole.len()
    }

    /// Whether bytes that are not UTF-8 come after the lines that are left.
    pub(super) fn is_malformed(&self) -> bool {
        self.malformed.is_some()
    }

    /// The bytes of the line whose end was not seen yet.
    pub(super) fn unfinished_bytes(&self) -> usize {
        self.tail.len()
    }

    /// Hands out up to `limit` lines, each with the position after its end.
    ///
    /// # Errors
    /// When no line is left before bytes that are not UTF-8.
    pub(super) fn take(&mut self, limit: usize, mut deliver: impl FnMut(ByteString, u64)) -> Result<(), Malformed> {
        for _ in 0..limit {
            let Some(length) = self.ends.first(&self.whole.as_bytes()[self.next..]) else { break };
            let end = self.next + length;
            let line = self.whole.slice_ref(&self.whole[self.next..end]);
            let terminator = if self.whole.as_bytes()[end..].starts_with(b"\r\n") { 2 } else { 1 };
            self.position += (length + terminator) as u64;
            self.next = end + terminator;
            deliver(line, self.position);
        }
        if self.is_empty() {
            // The chunk goes with the last of its lines: a task that waits for more keeps nothing.
            (self.whole, self.next) = (ByteString::new(), 0);
        }
        match self.malformed {
            Some(malformed) if self.is_empty() => Err(malformed),
            _ => Ok(()),
        }
    }

    /// Appends bytes by `read`, which gets what is unfinished so far, and finds the whole lines in them. To be called only
    /// when [`Lines::is_empty`].
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn fill<T, E>(&mut self, read: impl FnOnce(&mut Vec<u8>) -> Result<T, E>) -> Result<T, E> {
        let outcome = read(&mut self.tail);
        let end = self.ends.end_of_whole_lines(&self.tail);
        if end > 0 {
            let rest = self.tail[end..].to_vec();
            let mut chunk = std::mem::replace(&mut self.tail, rest);
            chunk.truncate(end);
            self.accept(&Bytes::from(chunk));
        } else if self.tail.is_empty() {
            self.tail = Vec::new();
        }
        outcome
    }

    fn accept(&mut self, chunk: &Bytes) {
        self.next = 0;
        match ByteString::try_from(chunk.clone()) {
            Ok(whole) => self.whole = whole,
            Err(_) => {
                let valid = std::str::from_utf8(chunk).map_or_else(|error| error.valid_up_to(), str::len);
                self.malformed = Some(Malformed { at: self.position + valid as u64 });
                let before = chunk.slice(..self.ends.last(&chunk[..valid]).map_or(0, |at| at + 1));
                self.whole = ByteString::try_from(before).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(lines: &mut Lines, bytes: &[u8]) {
        lines
            .fill(|tail| {
                tail.extend_from_slice(bytes);
                Ok::<_, Malformed>(())
            })
            .unwrap();
    }

    fn drain(lines: &mut Lines) -> (Vec<(String, u64)>, Option<u64>) {
        let mut taken = Vec::new();
        let outcome = lines.take(usize::MAX, |line, position| taken.push((line.to_string(), position)));
        (taken, outcome.err().map(|malformed| malformed.at))
    }

    fn split(bytes: &[u8], chunk: usize) -> Vec<(String, u64)> {
        let mut lines = Lines::new(0, LineEnds::Java);
        let mut all = Vec::new();
        for part in bytes.chunks(chunk) {
            feed(&mut lines, part);
            all.extend(drain(&mut lines).0);
        }
        all
    }

    #[test]
    fn every_kind_of_line_end_counts_its_bytes() {
        let expected = [("a", 2), ("", 3), ("héllo", 11), ("b", 13), ("", 14), ("c", 16)];
        let expected: Vec<_> = expected.map(|(line, position)| (line.to_owned(), position)).into();
        for chunk in 1..20 {
            assert_eq!(split("a\n\nhéllo\r\nb\r\rc\nend".as_bytes(), chunk), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn carriage_returns_can_be_kept() {
        let mut lines = Lines::new(0, LineEnds::Newline);
        feed(&mut lines, b"a\r\nb\rc\n\r\n");
        let expected = [("a\r", 3), ("b\rc", 7), ("\r", 9)].map(|(line, position)| (line.to_owned(), position));
        assert_eq!(drain(&mut lines).0, expected);
    }

    #[test]
    fn a_carriage_return_at_the_end_waits_for_the_byte_after_it() {
        let mut lines = Lines::new(0, LineEnds::Java);
        feed(&mut lines, b"a\r");
        assert!(drain(&mut lines).0.is_empty());
        feed(&mut lines, b"\nb\r");
        assert_eq!(drain(&mut lines).0, [("a".to_owned(), 3)]);
        feed(&mut lines, b"c\n");
        assert_eq!(drain(&mut lines).0, [("b".to_owned(), 5), ("c".to_owned(), 7)]);
    }

    #[test]
    fn a_batch_leaves_the_rest_for_the_next() {
        let mut lines = Lines::new(100, LineEnds::Java);
        feed(&mut lines, b"1\n2\n3\n4\n5\nrest");
        let mut batch = Vec::new();
        lines.take(2, |line, position| batch.push((line.to_string(), position))).unwrap();
        assert_eq!(batch, [("1".to_owned(), 102), ("2".to_owned(), 104)]);
        assert!(!lines.is_empty());
        assert_eq!(drain(&mut lines).0.len(), 3);
        assert!(lines.is_empty());
        assert_eq!(lines.unfinished_bytes(), 4);
    }

    #[test]
    fn lines_before_malformed_bytes_are_delivered_first() {
        let mut lines = Lines::new(10, LineEnds::Java);
        feed(&mut lines, b"good\nx\xff\nafter\n");
        assert_eq!(drain(&mut lines), (vec![("good".to_owned(), 15)], Some(16)));
        assert_eq!(drain(&mut lines), (vec![], Some(16)));
    }

    #[test]
    fn lines_share_the_memory_of_their_chunk() {
        let mut lines = Lines::new(0, LineEnds::Java);
        feed(&mut lines, b"first\nsecond\n");
        let mut taken = Vec::new();
        lines.take(2, |line, _| taken.push(line)).unwrap();
        assert_eq!(taken[1].as_ptr().addr() - taken[0].as_ptr().addr(), 6);
    }

    proptest! {
        #[test]
        fn chunk_borders_change_nothing(text in "[a\\r\\né😀]{0,60}", chunk in 1usize..9) {
            prop_assert_eq!(split(text.as_bytes(), chunk), split(text.as_bytes(), 1000));
        }

        #[test]
        fn positions_add_up_to_the_bytes(text in "[ab\\né]{0,60}") {
            let lines = split(text.as_bytes(), 1000);
            let bytes: usize = lines.iter().map(|(line, _)| line.len() + 1).sum();
            prop_assert_eq!(lines.last().map_or(0, |(_, position)| *position), bytes as u64);
        }
    }
}
