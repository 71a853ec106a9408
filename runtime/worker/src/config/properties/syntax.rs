//! The syntax of Java's `.properties` files: `#` and `!` comments, `=`, `:` or white space after the key, a backslash at the end
//! of a line that goes on, `\t \n \r \f \uXXXX` and `\` before anything else.

/// A logical line with the number of its first natural line, from 1.
struct LogicalLine {
    number: usize,
    text: String,
}

/// A `\u` escape on that line is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub(super) line: usize,
}

/// The entries of `text` as (key, value, line); a key may come several times.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String, usize)>, BadEscape> {
    logical_lines(text)
        .into_iter()
        .map(|line| {
            let (key, value) = split(&line.text);
            let decoded = unescape(key).zip(unescape(value)).ok_or(BadEscape { line: line.number })?;
            Ok((decoded.0, decoded.1, line.number))
        })
        .collect()
}

fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (index, line) in natural_lines(text).into_iter().enumerate() {
        let line = line.trim_start_matches(is_space);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let mut logical = open.take().unwrap_or(LogicalLine { number: index + 1, text: String::new() });
        let backslashes = line.bytes().rev().take_while(|b| *b == b'\\').count();
        if backslashes % 2 == 1 {
            logical.text.push_str(&line[..line.len() - 1]);
            open = Some(logical);
        } else {
            logical.text.push_str(line);
            lines.push(logical);
        }
    }
    lines.extend(open);
    lines
}

/// Lines end with CR, LF or CRLF.
fn natural_lines(text: &str) -> Vec<&str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')).collect()
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// Splits at the first unescaped `=`, `:` or white space; one `=` or `:` with white space around it belongs to the separator.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let separates = !escaped && (is_space(c) || c == '=' || c == ':');
        escaped = !escaped && c == '\\';
        separates
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_space);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(is_space))
}

/// UTF-16 surrogate pairs may be written as two escapes.
fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut buffer = [0; 2];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next() {
                None => break,
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let is_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                    units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| is_hex)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some(other) => other,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, String, usize)> {
        parse(text).expect("no bad escape")
    }

    #[test]
    fn separators_comments_and_continuations_are_javas() {
        let text = "# c\n  ! c\n\na=1\nb : 2\nc 3\n d\\ e = f = g\nlist=x,\\\n     y,\\\r\n  z\nempty\nlast\\\\=\\\\\\\n  more";
        let expected = [
            ("a", "1", 4),
            ("b", "2", 5),
            ("c", "3", 6),
            ("d e", "f = g", 7),
            ("list", "x,y,z", 8),
            ("empty", "", 11),
            ("last\\", "\\more", 12),
        ];
        let expected: Vec<_> = expected.map(|(k, v, line)| (k.to_owned(), v.to_owned(), line)).into();
        assert_eq!(entries(text), expected);
    }

    #[test]
    fn escapes_are_decoded_and_trailing_space_stays() {
        let text = "k\\:1=\\u00e9\\uD83D\\uDE00\\t\\q ";
        assert_eq!(entries(text), [("k:1".to_owned(), "é😀\tq ".to_owned(), 1)]);
        assert_eq!(parse("a=1\nx=\\u12"), Err(BadEscape { line: 2 }));
        assert_eq!(parse("x=\\u+123"), Err(BadEscape { line: 1 }));
    }

    #[test]
    fn a_comment_does_not_go_on_in_the_next_line() {
        assert_eq!(entries("# c \\\na=1"), [("a".to_owned(), "1".to_owned(), 2)]);
    }
}
