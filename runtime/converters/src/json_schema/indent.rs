//! JSON with line breaks as Jackson's printer has them (`json.indent.output`): members on lines, elements beside each other.

use sluice_api::{ConnectError, Result};

/// `out` with the compact JSON from `start` on laid out over lines.
///
/// # Errors
/// `Data` when a string in it does not end, which no JSON of ours does.
pub(super) fn indented(out: &[u8], start: usize) -> Result<Vec<u8>> {
    let mut laid_out = out[..start].to_vec();
    let mut rest = &out[start..];
    // What is open: objects and arrays.
    let mut open = Vec::new();
    let mut depth = 0;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'"' => {
                let end = end_of_string(tail).ok_or_else(|| ConnectError::data("a JSON string does not end"))?;
                laid_out.push(b'"');
                laid_out.extend_from_slice(&tail[..end]);
                rest = &tail[end..];
            }
            b'{' | b'[' if matches!(tail.first(), Some(b'}' | b']')) => {
                laid_out.extend_from_slice(&[*first, b' ', tail[0]]);
                rest = &tail[1..];
            }
            b'{' => {
                depth += 1;
                open.push(b'{');
                laid_out.push(b'{');
                line(&mut laid_out, depth);
            }
            b'}' => {
                depth -= usize::from(open.pop().is_some());
                line(&mut laid_out, depth);
                laid_out.push(b'}');
            }
            b'[' => {
                open.push(b'[');
                laid_out.extend_from_slice(b"[ ");
            }
            b']' => {
                open.pop();
                laid_out.extend_from_slice(b" ]");
            }
            b':' => laid_out.extend_from_slice(b" : "),
            b',' => {
                laid_out.push(b',');
                if open.last() == Some(&b'{') {
                    line(&mut laid_out, depth);
                } else {
                    laid_out.push(b' ');
                }
            }
            other => laid_out.push(*other),
        }
    }
    Ok(laid_out)
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', depth * 2));
}

/// The length of a string's rest with its closing quote.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_on_lines_and_elements_beside_each_other() {
        let compact = br#"##{"a":1,"b":[1,{"c":"x,y:\"{"}],"d":{},"e":[]}"#;
        let expected =
            "##{\n  \"a\" : 1,\n  \"b\" : [ 1, {\n    \"c\" : \"x,y:\\\"{\"\n  } ],\n  \"d\" : { },\n  \"e\" : [ ]\n}";
        assert_eq!(String::from_utf8(indented(compact, 2).unwrap()).unwrap(), expected);
    }
}
