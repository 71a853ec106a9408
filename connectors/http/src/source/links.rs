//! The header `Link` (RFC 8288): where the next page is.

/// The address of the link whose relation is `next`.
pub(crate) fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        // An address may have commas.
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (mut parameters, others) = after.split_at(before(',', after));
        while !parameters.is_empty() {
            let (parameter, more) = parameters.split_at(before(';', parameters));
            if is_next(parameter) {
                return Some(target.to_owned());
            }
            parameters = more.strip_prefix(';').unwrap_or(more);
        }
        rest = others;
    }
}

/// How much comes before a separator that is not between quotes.
fn before(separator: char, text: &str) -> usize {
    let mut quoted = false;
    let found = text.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == separator && !quoted
    });
    found.map_or(text.len(), |(at, _)| at)
}

/// Relations are words between spaces, quoted or not.
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_others() {
        let github = r#"<https://h/r?page=1>; rel="prev", <https://h/r?page=3&labels=a,b>; rel="next", <https://h/r>; rel="last""#;
        assert_eq!(next_link(github).as_deref(), Some("https://h/r?page=3&labels=a,b"));
        assert_eq!(next_link(r#"<a>; title="x, <y>; rel=next"; rel=prev, <b>; REL=Next"#).as_deref(), Some("b"));
        assert_eq!(next_link(r#"<c>; rel="start next""#).as_deref(), Some("c"));
        for none in ["", "<a>", "<a>; rel=prev", "a; rel=next", "<a; rel=next"] {
            assert_eq!(next_link(none), None, "{none}");
        }
    }
}
