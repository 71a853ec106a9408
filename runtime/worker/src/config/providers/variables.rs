//! The grammar of variables: `${provider:[path:]key}`, as often as wanted in a value, with any text around.
//!
//! The provider ends at the first `:`, the path at the next, the key at the `}`; so a key may hold colons, a path may not. What a
//! variable stands for is not looked at again.

use std::ops::Range;

/// A variable in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable<'a> {
    /// Where it stands, `${` and `}` included.
    pub(super) range: Range<usize>,
    pub(super) provider: &'a str,
    /// Empty when there is none.
    pub(super) path: &'a str,
    pub(super) key: &'a str,
}

/// The variables of `text`, in order.
pub(super) fn variables(text: &str) -> Vec<Variable<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let Some(end) = text[start..].find('}').map(|at| start + at) else { break };
        // Without a colon before the `}`, what begins later and ends there has none either.
        if let Some((provider, path, key)) = variable(&text[start + 2..end]) {
            found.push(Variable { range: start..end + 1, provider, path, key });
        }
        from = end + 1;
    }
    found
}

fn variable(inner: &str) -> Option<(&str, &str, &str)> {
    let (provider, rest) = inner.split_once(':')?;
    let (path, key) = rest.split_once(':').unwrap_or(("", rest));
    Some((provider, path, key))
}

#[cfg(test)]
mod tests {
    use super::variables;

    #[test]
    fn variables_are_found_where_kafkas_pattern_finds_them() {
        let found = |text: &str| -> Vec<String> {
            let parts = variables(text);
            parts.iter().map(|v| format!("{}|{}|{}|{}", &text[v.range.clone()], v.provider, v.path, v.key)).collect()
        };
        for (text, expected) in [
            ("${file:/a/b:c}", vec!["${file:/a/b:c}|file|/a/b|c"]),
            ("${env:HOME}", vec!["${env:HOME}|env||HOME"]),
            ("x${a:b}y${c:d:e:f}z", vec!["${a:b}|a||b", "${c:d:e:f}|c|d|e:f"]),
            ("${a::b}", vec!["${a::b}|a||b"]),
            ("${:}", vec!["${:}|||"]),
            ("$${a:b}}", vec!["${a:b}|a||b"]),
            ("${plain} ${a:b}", vec!["${a:b}|a||b"]),
            ("${a${b:c}", vec!["${a${b:c}|a${b||c"]),
            ("${x} ${a:b", vec![]),
            ("${${x}${${a:b}", vec!["${${a:b}|${a||b"]),
            ("$ {a:b} {c:d} ${", vec![]),
            ("é${ü:ß}", vec!["${ü:ß}|ü||ß"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
