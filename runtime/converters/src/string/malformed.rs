//! Malformed UTF-8 as Java reads it: how many U+FFFD stand for which bytes is the JDK's choice, and not that of Rust's library.

/// The text in `bytes`, which are not UTF-8 throughout.
pub(super) fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let right = rest.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        text.push_str(right);
        rest = &rest[right.len()..];
        if !rest.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &rest[replaced(rest).min(rest.len())..];
        }
    }
    text
}

/// How many bytes one replacement character stands for; `bytes` start with a malformed sequence.
fn replaced(bytes: &[u8]) -> usize {
    let (lead, second, third) = (bytes[0], bytes.get(1).copied(), bytes.get(2).copied());
    let wrong_second = match lead {
        0xe0 => |byte: u8| !(0xa0..=0xbf).contains(&byte),
        0xf0 => |byte: u8| !(0x90..=0xbf).contains(&byte),
        0xf4 => |byte: u8| !(0x80..=0x8f).contains(&byte),
        _ => |byte: u8| !is_continuation(byte),
    };
    match lead {
        0xe0..=0xf4 if second.is_some_and(wrong_second) => 1,
        // A surrogate, whole or cut by the end, counts as one.
        0xe0..=0xef if third.is_some_and(|byte| !is_continuation(byte)) => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 if third.is_some_and(|byte| !is_continuation(byte)) => 2,
        0xf0..=0xf4 => 3,
        _ => 1,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement_characters_stand_for_what_they_do_in_java() {
        let vectors: [(&[u8], &str); 9] = [
            (b"\xed\xb6", "\u{fffd}"),
            (b"a\xed\xa0\x80b", "a\u{fffd}b"),
            (b"\xed\xb6x", "\u{fffd}x"),
            (b"\xc0\xaf", "\u{fffd}\u{fffd}"),
            (b"\xe0\x80\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
            (b"\xf0\x9f\x98x", "\u{fffd}x"),
            (b"\xf4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xff\xc3", "\u{fffd}\u{fffd}"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(decode(bytes), text, "{bytes:x?}");
        }
    }
}
