//! Array texts: `{1,NULL,"a\"b"}`, with lower bounds before and arrays inside.

use bytes::Bytes;

use super::Unreadable;

/// Calls `item` for every element in order, `None` for NULL. Inner arrays are read through: the schema has one dimension, and no
/// element is lost.
pub(super) fn each<E: From<Unreadable>>(
    text: &Bytes,
    delimiter: u8,
    mut item: impl FnMut(Option<Bytes>) -> Result<(), E>,
) -> Result<(), E> {
    let wrong = || Unreadable::new(text, "array");
    // `[0:2]={…}` says where indexes begin.
    let start = text.iter().position(|byte| *byte == b'{').ok_or_else(wrong)?;
    let (mut at, mut depth) = (start, 0usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' => {
                depth = depth.checked_sub(1).ok_or_else(wrong)?;
                at += 1;
                if depth == 0 {
                    return if at == text.len() { Ok(()) } else { Err(wrong().into()) };
                }
            }
            b'"' => {
                let (element, end) = quoted(text, at + 1).ok_or_else(wrong)?;
                item(Some(element))?;
                at = end;
            }
            byte if *byte == delimiter => at += 1,
            _ => {
                let rest = &text[at..];
                let length = rest.iter().position(|byte| *byte == delimiter || *byte == b'}').ok_or_else(wrong)?;
                let element = text.slice(at..at + length);
                item((!element.eq_ignore_ascii_case(b"NULL")).then_some(element))?;
                at += length;
            }
        }
    }
    Err(wrong().into())
}

/// The element that begins at `from`, behind its quote, and where it ends.
fn quoted(text: &Bytes, from: usize) -> Option<(Bytes, usize)> {
    let rest = &text[from..];
    let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if rest[special] == b'"' {
        return Some((text.slice(from..from + special), from + special + 1));
    }
    let (mut out, mut at) = (rest[..special].to_vec(), special);
    loop {
        match rest.get(at)? {
            b'"' => return Some((Bytes::from(out), from + at + 1)),
            b'\\' => {
                out.push(*rest.get(at + 1)?);
                at += 2;
            }
            byte => {
                out.push(*byte);
                at += 1;
            }
        }
    }
}
