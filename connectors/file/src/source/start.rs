//! Where reading starts in a file that has a stored position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::memrchr2;

const BLOCK_BYTES: u64 = 64 * 1024;

/// The start of the line that `position` is in: `position` itself when it follows a line end.
///
/// Positions that Kafka Connect stored count characters where they mean bytes, so after characters of several bytes they lie
/// before the true place, often inside of a line. Going back to its start delivers lines again, but none in pieces.
pub(super) fn line_start(file: &File, position: u64) -> io::Result<u64> {
    if position == 0 || follows_line_end(file, position)? {
        return Ok(position);
    }
    // The byte before `position` is no line end, or the first half of one.
    let mut end = position - 1;
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES);
        let mut block = vec![0; (end - start) as usize];
        file.read_exact_at(&mut block, start)?;
        if let Some(at) = memrchr2(b'\n', b'\r', &block) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn follows_line_end(file: &File, position: u64) -> io::Result<bool> {
    let mut around = [0; 2];
    file.read_exact_at(&mut around[..1], position - 1)?;
    let has_next = file.read_at(&mut around[1..], position)? == 1;
    Ok(match around {
        [b'\n', _] => true,
        [b'\r', next] => !(has_next && next == b'\n'),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_position_after_a_line_end_stays() {
        let file = file(b"ab\ncd\r\ne\rf");
        for position in [0, 3, 7, 9] {
            assert_eq!(line_start(&file, position).unwrap(), position);
        }
    }

    #[test]
    fn a_position_inside_a_line_goes_back_to_its_start() {
        let file = file(b"ab\ncd\r\ne\rf");
        let starts = [(1, 0), (2, 0), (4, 3), (5, 3), (6, 3), (8, 7), (10, 9)];
        for (position, start) in starts {
            assert_eq!(line_start(&file, position).unwrap(), start, "position {position}");
        }
    }

    #[test]
    fn the_start_of_a_long_line_is_found() {
        let mut content = b"first\n".to_vec();
        content.resize(300_000, b'x');
        assert_eq!(line_start(&file(&content), 299_999).unwrap(), 6);
        assert_eq!(line_start(&file(&content[6..]), 200_000).unwrap(), 0);
    }
}
