//! Character classes by name: `\d`, `\p{Lower}`, `\p{IsLatin}`.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::translate::Flags;

/// The class of these ranges.
pub(super) fn ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to)))
}

/// Every character.
pub(super) fn all() -> ClassUnicode {
    ranges(&[('\0', char::MAX)])
}

/// `\d`, `\h`, `\s`, `\v` and `\w`, and with a capital the opposite; ASCII unless `unicode` (`(?U)`).
pub(super) fn shorthand(letter: char, unicode: bool) -> Option<ClassUnicode> {
    let mut class = match (letter.to_ascii_lowercase(), unicode) {
        ('d', false) => ranges(&[('0', '9')]),
        ('w', false) => ranges(&[('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')]),
        ('s', false) => ranges(&[('\t', '\r'), (' ', ' ')]),
        ('d', true) => known(r"\d")?,
        ('w', true) => known(r"\w")?,
        ('s', true) => known(r"\s")?,
        ('h', _) => ranges(&[
            ('\t', '\t'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{180e}', '\u{180e}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
        ]),
        ('v', _) => ranges(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')]),
        _ => return None,
    };
    if letter.is_ascii_uppercase() {
        class.negate();
    }
    Some(class)
}

/// The class of `\p{name}`; `None` when there is none or it is not supported. Under `(?i)`, one case stands for all.
pub(super) fn named(name: &str, flags: Flags) -> Option<ClassUnicode> {
    const CASES: [&[&str]; 4] = [
        &["Lower", "Upper"],
        &["javaLowerCase", "javaUpperCase", "javaTitleCase"],
        &["Lu", "Ll", "Lt"],
        &["IsLowercase", "IsUppercase", "IsTitlecase"],
    ];
    let cases = CASES.iter().find(|cases| flags.ignore_case && cases.contains(&name));
    let mut class = by_name(name, flags.unicode_classes)?;
    for case in cases.into_iter().copied().flatten() {
        class.union(&by_name(case, flags.unicode_classes)?);
    }
    Some(class)
}

fn by_name(name: &str, unicode: bool) -> Option<ClassUnicode> {
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => known(&format!(r"\p{{sc={value}}}")),
            "gc" | "general_category" => known(&format!(r"\p{{gc={value}}}")),
            _ => None,
        };
    }
    if let Some(property) = name.strip_prefix("Is") {
        return by_property(property).or_else(|| plain(property)).or_else(|| word(property));
    }
    if unicode && let Some(class) = posix_of_unicode(name) {
        return Some(class);
    }
    plain(name)
}

/// POSIX classes, which are ASCII, Java's own, and general categories.
fn plain(name: &str) -> Option<ClassUnicode> {
    Some(match name {
        "Lower" => ranges(&[('a', 'z')]),
        "Upper" => ranges(&[('A', 'Z')]),
        "ASCII" => ranges(&[('\0', '\x7f')]),
        "Alpha" => ranges(&[('a', 'z'), ('A', 'Z')]),
        "Digit" => ranges(&[('0', '9')]),
        "Alnum" => ranges(&[('a', 'z'), ('A', 'Z'), ('0', '9')]),
        "Punct" => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "Graph" => ranges(&[('!', '~')]),
        "Print" => ranges(&[(' ', '~')]),
        "Blank" => ranges(&[(' ', ' '), ('\t', '\t')]),
        "Cntrl" => ranges(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        "XDigit" => ranges(&[('0', '9'), ('a', 'f'), ('A', 'F')]),
        "Space" => ranges(&[('\t', '\r'), (' ', ' ')]),
        "L1" => ranges(&[('\0', '\u{ff}')]),
        "all" => all(),
        "LD" => known(r"[\p{L}\p{Nd}]")?,
        "javaLowerCase" => known(r"\p{Lowercase}")?,
        "javaUpperCase" => known(r"\p{Uppercase}")?,
        "javaTitleCase" => known(r"\p{Lt}")?,
        "javaAlphabetic" => known(r"\p{Alphabetic}")?,
        "javaDigit" => known(r"\p{Nd}")?,
        "javaLetter" => known(r"\p{L}")?,
        "javaLetterOrDigit" => known(r"[\p{L}\p{Nd}]")?,
        "LC" => known(r"[\p{Lu}\p{Ll}\p{Lt}]")?,
        _ if name.len() <= 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) => {
            known(&format!(r"\p{{gc={name}}}"))?
        }
        _ => return None,
    })
}

/// The binary properties that Java knows after `Is`.
fn by_property(name: &str) -> Option<ClassUnicode> {
    let name = name.to_ascii_uppercase();
    let property = match name.as_str() {
        "ALPHABETIC" => "Alphabetic",
        "LETTER" => "L",
        "IDEOGRAPHIC" => "Ideographic",
        "LOWERCASE" => "Lowercase",
        "UPPERCASE" => "Uppercase",
        "TITLECASE" => "Lt",
        "WHITE_SPACE" | "WHITESPACE" => "White_Space",
        "CONTROL" => "Cc",
        "PUNCTUATION" => "P",
        "DIGIT" => "Nd",
        "WORD" => return known(r"\w"),
        _ => return None,
    };
    known(&format!(r"\p{{{property}}}"))
}

fn posix_of_unicode(name: &str) -> Option<ClassUnicode> {
    match name {
        "Alpha" | "Lower" | "Upper" | "Space" | "Digit" | "Punct" | "Cntrl" => by_property(match name {
            "Alpha" => "ALPHABETIC",
            "Lower" => "LOWERCASE",
            "Upper" => "UPPERCASE",
            "Space" => "WHITE_SPACE",
            "Digit" => "DIGIT",
            "Punct" => "PUNCTUATION",
            _ => "CONTROL",
        }),
        "Alnum" => known(r"[\p{Alphabetic}\p{Nd}]"),
        _ => None,
    }
}

/// A script.
fn word(name: &str) -> Option<ClassUnicode> {
    name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_').then(|| known(&format!(r"\p{{sc={name}}}")))?
}

fn known(class: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(class).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}
