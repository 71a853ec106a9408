//! Java's ways with text that configurations are written against.

/// `String.split` at a character: empty parts at the end do not count, unless the separator does not occur at all.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(separator).collect();
    if parts.len() > 1 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    parts
}

/// `String.trim`: everything up to the space goes, on both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_at_the_end_do_not_count() {
        assert_eq!(split("a,b", ','), ["a", "b"]);
        assert_eq!(split("a,,b,,", ','), ["a", "", "b"]);
        assert_eq!(split("", ','), [""]);
        assert_eq!(split(",", ','), [""; 0]);
        assert_eq!(split(",a", ','), ["", "a"]);
        assert_eq!(trim("\u{1} a b\t"), "a b");
    }
}
