//! Lines of `COPY … TO STDOUT` in text format.

use bytes::Bytes;

/// Calls `field` for every field of a line in order: its text and the memory that it is a part of; `None` for null.
pub(crate) fn fields(line: &Bytes, mut field: impl FnMut(Option<&[u8]>, &Bytes)) {
    for text in line.split(|byte| *byte == b'\t') {
        if text == b"\\N" {
            field(None, line);
        } else if text.contains(&b'\\') {
            let plain = Bytes::from(unescaped(text));
            field(Some(&plain), &plain);
        } else {
            field(Some(text), line);
        }
    }
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 11,
            Some(other) => *other,
            None => b'\\',
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_what_they_were_before_they_were_escaped() {
        let line = Bytes::from_static(b"1\t\\N\ta\\tb\\\\c\\nd\t\t\\\\x0aff");
        let mut seen = Vec::new();
        fields(&line, |text, _| seen.push(text.map(|text| String::from_utf8_lossy(text).into_owned())));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen, [text("1"), None, text("a\tb\\c\nd"), text(""), text("\\x0aff")]);
    }
}
