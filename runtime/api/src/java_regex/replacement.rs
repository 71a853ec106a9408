//! Replacements: `$1`, `${name}`, and `\` before what means itself (`Matcher.appendReplacement`).

use fancy_regex::Captures;

use super::Error;

/// Appends `replacement` with its groups filled in. A group that took no part is empty.
pub(super) fn expand(
    out: &mut String,
    replacement: &str,
    captures: &Captures<'_>,
    names: &[(String, usize)],
) -> Result<(), Error> {
    let mut rest = replacement;
    while let Some(at) = rest.find(['\\', '$']) {
        out.push_str(&rest[..at]);
        let special = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        if special == b'\\' {
            let escaped = rest.chars().next();
            let escaped = escaped.ok_or(Error::Replacement("character to be escaped is missing"))?;
            out.push(escaped);
            rest = &rest[escaped.len_utf8()..];
            continue;
        }
        let (group, length) = match rest.strip_prefix('{') {
            Some(name) => named(name, names).map(|(group, length)| (group, length + 1))?,
            None => numbered(rest, captures.len() - 1)?,
        };
        out.push_str(captures.get(group).map_or("", |group| group.as_str()));
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(())
}

/// The group of `name}…` and the length of that.
fn named(text: &str, names: &[(String, usize)]) -> Result<(usize, usize), Error> {
    let length = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, rest) = text.split_at(length);
    if name.is_empty() {
        return Err(Error::Replacement("named capturing group is missing trailing '}'"));
    }
    if !rest.starts_with('}') {
        return Err(Error::Replacement("named capturing group is missing trailing '}'"));
    }
    let group = names.iter().find(|(known, _)| known == name);
    group.map(|(_, group)| (*group, length + 1)).ok_or_else(|| Error::NoNamedGroup(name.to_owned()))
}

/// The group of a number, which has as many digits as there are groups for, and the length of it.
fn numbered(text: &str, groups: usize) -> Result<(usize, usize), Error> {
    let mut digits = text.bytes().take_while(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
    let missing = || match text.is_empty() {
        true => Error::Replacement("Illegal group reference: group index is missing"),
        false => Error::Replacement("Illegal group reference"),
    };
    let mut group = digits.next().ok_or_else(missing)?;
    if group > groups {
        return Err(Error::NoGroup(group));
    }
    let mut length = 1;
    for digit in digits {
        let longer = group * 10 + digit;
        if longer > groups {
            break;
        }
        (group, length) = (longer, length + 1);
    }
    Ok((group, length))
}
