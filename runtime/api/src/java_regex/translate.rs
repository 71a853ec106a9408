//! From Java's grammar to that of the engine.

use std::ops::RangeInclusive;

use regex_syntax::hir::ClassUnicode;

use super::Error;
use super::class::written;
use super::property::{all, named, ranges, shorthand};
use super::quantifier::Atom;

/// Groups and classes within each other. The engine has a limit of its own; this one bounds our recursion.
const DEEPEST: usize = 60;
/// A line's end by `$` and `\Z`: the end of the text, or before the line terminator that ends it.
const LAST_LINE_END: &str = r"(?:\z|(?=\r\n\z)|(?<!\r)(?=\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]\z))";
const UNIX_LAST_LINE_END: &str = r"(?=\n?\z)";
const LINE_END: &str = r"(?:\z|(?=[\r\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n))";
const UNIX_LINE_END: &str = r"(?:\z|(?=\n))";
/// After a line terminator, but not at the end of the text.
const LINE_START: &str = r"(?:\A|(?:(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z))";
const UNIX_LINE_START: &str = r"(?:\A|(?<=\n)(?!\z))";
const LINE_BREAK: &str = r"(?:\r\n|[\n\x{B}\x{C}\r\x{85}\x{2028}\x{2029}])";

/// A pattern for the engine.
pub(super) struct Translation {
    pub(super) text: String,
    /// The named groups with their numbers; in the text they have none.
    pub(super) names: Vec<(String, usize)>,
}

/// Flags as they are set where the reader stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    pub(super) unicode_case: bool,
    pub(super) unicode_classes: bool,
    multiline: bool,
    dot_all: bool,
    unix_lines: bool,
    comments: bool,
}

/// What follows a backslash.
pub(super) enum Escape {
    Char(char),
    Class(ClassUnicode),
    /// What the engine calls it; takes no characters of its own or stands for a piece.
    Emit(Atom),
}

/// Reads a pattern.
pub(super) struct Translator<'a> {
    pattern: &'a [char],
    pub(super) at: usize,
    pub(super) flags: Flags,
    pub(super) depth: usize,
    groups: usize,
    names: Vec<(String, usize)>,
    /// Whether there were alternatives, or pieces that may come a different number of times.
    pub(super) has_choices: bool,
    /// Groups that were referred to before they began.
    ahead: Vec<usize>,
    /// Groups that have not ended yet, with `None` for those without number.
    open: Vec<Option<usize>>,
    /// Groups of negative look-arounds that have ended. Behind these Java may keep a text, the engine never does.
    negated: Vec<RangeInclusive<usize>>,
}

/// The pattern in the engine's grammar.
pub(super) fn translate(pattern: &str) -> Result<Translation, Error> {
    let pattern: Vec<char> = unquoted(pattern);
    let flags = Flags::default();
    let mut translator = Translator {
        pattern: &pattern,
        at: 0,
        flags,
        depth: 0,
        groups: 0,
        names: Vec::new(),
        has_choices: false,
        ahead: Vec::new(),
        open: Vec::new(),
        negated: Vec::new(),
    };
    let (text, _) = translator.alternatives()?;
    if translator.at < pattern.len() {
        return Err(translator.wrong("Unmatched closing ')'"));
    }
    if let Some(group) = translator.ahead.iter().find(|group| **group <= translator.groups) {
        return Err(Error::Unsupported(format!("a reference to group {group}, which does not begin before it,")));
    }
    Ok(Translation { text, names: translator.names })
}

/// `\Q…\E` with every character of it escaped instead.
fn unquoted(pattern: &str) -> Vec<char> {
    let mut rest = pattern;
    let mut out = Vec::with_capacity(pattern.len());
    while let Some(c) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            for c in quoted.chars() {
                if !c.is_ascii_alphanumeric() {
                    out.push('\\');
                }
                out.push(c);
            }
            rest = after;
            continue;
        }
        let length = match c {
            // The escape and what it escapes, so that `\\Q` is a backslash and a letter.
            '\\' => rest.chars().take(2).map(char::len_utf8).sum(),
            _ => c.len_utf8(),
        };
        out.extend(rest[..length].chars());
        rest = &rest[length..];
    }
    out
}

impl Translator<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    pub(super) fn wrong(&self, what: impl Into<String>) -> Error {
        Error::Syntax(what.into(), self.at)
    }

    pub(super) fn deeper(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(Error::Unsupported("nesting as deep as this".to_owned())) } else { Ok(()) }
    }

    /// Under `(?x)`, blanks and what follows a `#` in its line.
    pub(super) fn skip_comments(&mut self) {
        while self.flags.comments {
            match self.peek() {
                Some('\t'..='\r' | ' ') => self.at += 1,
                Some('#') => {
                    while self.peek().is_some_and(|c| !matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')) {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Up to the end or a closing parenthesis, which stays; and whether none of it takes characters.
    fn alternatives(&mut self) -> Result<(String, bool), Error> {
        let (mut text, mut zero_width) = self.sequence()?;
        while self.peek() == Some('|') {
            self.at += 1;
            self.has_choices = true;
            let (alternative, also) = self.sequence()?;
            text.push('|');
            text.push_str(&alternative);
            zero_width &= also;
        }
        Ok((text, zero_width))
    }

    fn sequence(&mut self) -> Result<(String, bool), Error> {
        let (mut text, mut zero_width) = (String::new(), true);
        loop {
            self.skip_comments();
            let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) else { return Ok((text, zero_width)) };
            let atom = self.atom(c)?;
            zero_width &= !matches!(atom, Atom::Piece(_) | Atom::EmptyGroup(_));
            text.push_str(&self.quantified(atom)?);
        }
    }

    fn atom(&mut self, c: char) -> Result<Atom, Error> {
        if c == '{' {
            return Ok(Atom::Empty);
        }
        if matches!(c, '*' | '+' | '?') {
            return Err(self.wrong(format!("Dangling meta character '{c}'")));
        }
        self.at += 1;
        match c {
            '(' => self.group(),
            '[' => self.class().map(|class| Atom::Piece(written(&class))),
            '.' => Ok(Atom::Piece(written(&self.dot()))),
            '^' => Ok(Atom::ZeroWidth(self.line_start().to_owned())),
            '$' => Ok(Atom::ZeroWidth(self.line_end().to_owned())),
            '\\' => match self.escape(false)? {
                Escape::Char(c) => Ok(self.literal(c)),
                Escape::Class(class) => Ok(Atom::Piece(written(&class))),
                Escape::Emit(atom) => Ok(atom),
            },
            c => Ok(self.literal(c)),
        }
    }

    fn literal(&self, c: char) -> Atom {
        let class = self.any_case(c, c);
        let alone = class.ranges().len() == 1 && class.ranges()[0].start() == class.ranges()[0].end();
        Atom::Piece(match c {
            _ if !alone => written(&class),
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!(r"\x{{{:X}}}", u32::from(c)),
        })
    }

    fn dot(&self) -> ClassUnicode {
        if self.flags.dot_all {
            return all();
        }
        let mut class = match self.flags.unix_lines {
            true => ranges(&[('\n', '\n')]),
            false => ranges(&[('\n', '\n'), ('\r', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')]),
        };
        class.negate();
        class
    }

    fn line_start(&self) -> &'static str {
        match (self.flags.multiline, self.flags.unix_lines) {
            (false, _) => r"\A",
            (true, false) => LINE_START,
            (true, true) => UNIX_LINE_START,
        }
    }

    fn line_end(&self) -> &'static str {
        match (self.flags.multiline, self.flags.unix_lines) {
            (false, false) => LAST_LINE_END,
            (false, true) => UNIX_LAST_LINE_END,
            (true, false) => LINE_END,
            (true, true) => UNIX_LINE_END,
        }
    }

    /// A group whose opening parenthesis was just read.
    fn group(&mut self) -> Result<Atom, Error> {
        self.deeper()?;
        let outer = self.flags;
        let (open, zero_width) = match self.opening()? {
            Some(opening) => opening,
            // Flags for what follows, no group at all.
            None => {
                self.depth -= 1;
                return Ok(Atom::Flags);
            }
        };
        self.open.push((open == "(").then_some(self.groups));
        let first = self.groups + 1;
        let choices_outside = std::mem::take(&mut self.has_choices);
        let (inner, takes_nothing) = self.alternatives()?;
        let one_way = !self.has_choices;
        self.has_choices |= choices_outside;
        self.open.pop();
        if matches!(open, "(?!" | "(?<!") {
            self.negated.push(first..=self.groups);
        }
        if self.peek() != Some(')') {
            return Err(self.wrong("Unclosed group"));
        }
        self.at += 1;
        self.flags = outer;
        self.depth -= 1;
        let text = format!("{open}{inner})");
        // The engine repeats only what may take characters, and groups that it keeps.
        let zero_width = zero_width || takes_nothing && open != "(";
        Ok(match (zero_width, takes_nothing && one_way) {
            (true, _) => Atom::ZeroWidth(text),
            (false, true) => Atom::EmptyGroup(text),
            (false, false) => Atom::Piece(text),
        })
    }

    /// How the group opens, and whether it takes no characters; `None` for flags alone.
    fn opening(&mut self) -> Result<Option<(&'static str, bool)>, Error> {
        if self.peek() != Some('?') {
            self.groups += 1;
            return Ok(Some(("(", false)));
        }
        self.at += 1;
        let (Some(kind), next) = (self.peek(), self.peek_at(1)) else {
            return Err(self.wrong("Unknown inline modifier"));
        };
        let (open, zero_width, length) = match (kind, next) {
            (':', _) => ("(?:", false, 1),
            ('>', _) => ("(?>", false, 1),
            ('=', _) => ("(?=", true, 1),
            ('!', _) => ("(?!", true, 1),
            ('<', Some('=')) => ("(?<=", true, 2),
            ('<', Some('!')) => ("(?<!", true, 2),
            ('<', _) => {
                self.at += 1;
                let name = self.group_name()?;
                if self.names.iter().any(|(known, _)| *known == name) {
                    return Err(self.wrong(format!("Named capturing group <{name}> is already defined")));
                }
                self.groups += 1;
                self.names.push((name, self.groups));
                ("(", false, 0)
            }
            _ => return self.inline_flags(),
        };
        self.at += length;
        Ok(Some((open, zero_width)))
    }

    /// `name>`.
    fn group_name(&mut self) -> Result<String, Error> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        let name: String = self.pattern[start..self.at].iter().collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(self.wrong("capturing group name does not start with a Latin letter"));
        }
        if self.peek() != Some('>') {
            return Err(self.wrong("named capturing group is missing trailing '>'"));
        }
        self.at += 1;
        Ok(name)
    }

    /// `imsduxU-imsduxU` and `)`, or `:` and a group in which they hold.
    fn inline_flags(&mut self) -> Result<Option<(&'static str, bool)>, Error> {
        let mut on = true;
        let mut flags = self.flags;
        loop {
            match self.peek() {
                Some('i') => flags.ignore_case = on,
                Some('m') => flags.multiline = on,
                Some('s') => flags.dot_all = on,
                Some('d') => flags.unix_lines = on,
                Some('u') => flags.unicode_case = on,
                Some('x') => flags.comments = on,
                Some('U') => (flags.unicode_classes, flags.unicode_case) = (on, on),
                Some('-') if on => on = false,
                Some(')') => {
                    self.at += 1;
                    self.flags = flags;
                    return Ok(None);
                }
                Some(':') => {
                    self.at += 1;
                    self.flags = flags;
                    return Ok(Some(("(?:", false)));
                }
                _ => return Err(self.wrong("Unknown inline modifier")),
            }
            self.at += 1;
        }
    }

    /// What follows a backslash that was just read.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Escape, Error> {
        let Some(c) = self.peek() else { return Err(self.wrong("Unexpected internal error")) };
        self.at += 1;
        if let Some(class) = shorthand(c, self.flags.unicode_classes) {
            return Ok(Escape::Class(class));
        }
        let zero_width = |text: &str| Ok(Escape::Emit(Atom::ZeroWidth(text.to_owned())));
        match c {
            'a' => Ok(Escape::Char('\x07')),
            'e' => Ok(Escape::Char('\x1b')),
            'f' => Ok(Escape::Char('\x0c')),
            'n' => Ok(Escape::Char('\n')),
            'r' => Ok(Escape::Char('\r')),
            't' => Ok(Escape::Char('\t')),
            'c' => self.control(),
            'x' => self.hexadecimal(),
            'u' => self.code_unit(),
            '0' => self.octal(),
            'p' | 'P' => self.property(c == 'P'),
            'N' => Err(Error::Unsupported(r"\N{name}".to_owned())),
            _ if !c.is_ascii_alphanumeric() => Ok(Escape::Char(c)),
            _ if in_class => Err(self.wrong("Illegal/unsupported escape sequence")),
            // Matching begins at the beginning, so that is where the last match ended, too.
            'A' | 'G' => zero_width(r"\A"),
            'z' => zero_width(r"\z"),
            'Z' if self.flags.unix_lines => zero_width(UNIX_LAST_LINE_END),
            'Z' => zero_width(LAST_LINE_END),
            'b' if self.peek() == Some('{') && self.peek_at(1) == Some('g') => {
                Err(Error::Unsupported(r"\b{g}".to_owned()))
            }
            'b' => zero_width(r"\b"),
            'B' => zero_width(r"\B"),
            'R' => Ok(Escape::Emit(Atom::Piece(LINE_BREAK.to_owned()))),
            'X' => Err(Error::Unsupported(r"\X".to_owned())),
            'k' => self.named_reference(),
            '1'..='9' => self.reference(c),
            _ => Err(self.wrong("Illegal/unsupported escape sequence")),
        }
    }

    fn control(&mut self) -> Result<Escape, Error> {
        let c = self.peek().ok_or_else(|| self.wrong("Illegal control escape sequence"))?;
        self.at += 1;
        let c = char::from_u32(u32::from(c) ^ 64).ok_or_else(|| self.wrong("Illegal control escape sequence"))?;
        Ok(Escape::Char(c))
    }

    /// `xhh` or `x{h…}`.
    fn hexadecimal(&mut self) -> Result<Escape, Error> {
        let wrong = "Illegal hexadecimal escape sequence";
        if self.peek() != Some('{') {
            return self.digits(2, wrong).and_then(|code| self.character(code, wrong)).map(Escape::Char);
        }
        self.at += 1;
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            self.at += 1;
        }
        let text: String = self.pattern[start..self.at].iter().collect();
        if self.peek() != Some('}') {
            return Err(self.wrong("Unclosed hexadecimal escape sequence"));
        }
        self.at += 1;
        let code = u32::from_str_radix(&text, 16).map_err(|_| self.wrong(wrong))?;
        self.character(code, wrong).map(Escape::Char)
    }

    /// `uhhhh`; two of them make a character beyond 16 bit.
    fn code_unit(&mut self) -> Result<Escape, Error> {
        let wrong = "Illegal Unicode escape sequence";
        let mut code = self.digits(4, wrong)?;
        if (0xd800..0xdc00).contains(&code) && self.peek() == Some('\\') && self.peek_at(1) == Some('u') {
            let before = self.at;
            self.at += 2;
            match self.digits(4, wrong)? {
                low @ 0xdc00..=0xdfff => code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00),
                _ => self.at = before,
            }
        }
        self.character(code, wrong).map(Escape::Char)
    }

    fn digits(&mut self, count: usize, wrong: &str) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..count {
            let digit = self.peek().and_then(|c| c.to_digit(16)).ok_or_else(|| self.wrong(wrong))?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// A single surrogate is no character, and no text that arrives here has one.
    fn character(&self, code: u32, wrong: &str) -> Result<char, Error> {
        match code {
            0xd800..=0xdfff => Err(Error::Unsupported("an unpaired surrogate".to_owned())),
            _ => char::from_u32(code).ok_or_else(|| self.wrong(wrong)),
        }
    }

    /// Up to three digits behind the 0, at most 377.
    fn octal(&mut self) -> Result<Escape, Error> {
        let wrong = "Illegal octal escape sequence";
        let mut code = self.peek().and_then(|c| c.to_digit(8)).ok_or_else(|| self.wrong(wrong))?;
        let longest = if code <= 3 { 3 } else { 2 };
        self.at += 1;
        for _ in 1..longest {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.at += 1;
        }
        self.character(code, wrong).map(Escape::Char)
    }

    /// `pL` or `p{name}`.
    fn property(&mut self, negated: bool) -> Result<Escape, Error> {
        let name = match self.peek() {
            None => return Err(self.wrong("Unclosed character family")),
            Some('{') => {
                let start = self.at + 1;
                let length = self.pattern[start..].iter().position(|c| *c == '}');
                let end = start + length.ok_or_else(|| self.wrong("Unclosed character family"))?;
                self.at = end + 1;
                self.pattern[start..end].iter().collect()
            }
            Some(c) => {
                self.at += 1;
                c.to_string()
            }
        };
        let unknown = || Error::Unsupported(format!("the character property {{{name}}}"));
        let mut class = named(&name, self.flags).ok_or_else(unknown)?;
        if negated {
            class.negate();
        }
        Ok(Escape::Class(class))
    }

    /// A back-reference: as many digits as there are groups for.
    fn reference(&mut self, first: char) -> Result<Escape, Error> {
        let mut group = first.to_digit(10).unwrap_or(0) as usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = group * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            group = longer;
            self.at += 1;
        }
        self.group_text(group)
    }

    fn named_reference(&mut self) -> Result<Escape, Error> {
        if self.peek() != Some('<') {
            return Err(self.wrong("\\k is not followed by '<' for named capturing group"));
        }
        self.at += 1;
        let name = self.group_name()?;
        let group = self.names.iter().find(|(known, _)| *known == name).map(|(_, group)| *group);
        let missing = || self.wrong(format!("named capturing group <{name}> does not exist"));
        self.group_text(group.ok_or_else(missing)?)
    }

    fn group_text(&mut self, group: usize) -> Result<Escape, Error> {
        if group > self.groups {
            // A group that there is not matches nothing.
            self.ahead.push(group);
            return Ok(Escape::Class(ranges(&[])));
        }
        if self.open.contains(&Some(group)) {
            return Err(Error::Unsupported(format!("a reference to group {group} inside of it")));
        }
        if self.negated.iter().any(|groups| groups.contains(&group)) {
            let what = format!("a reference to group {group} of a negative look-around from outside of it");
            return Err(Error::Unsupported(what));
        }
        let flag = if self.flags.ignore_case { "i" } else { "" };
        Ok(Escape::Emit(Atom::Piece(format!(r"(?{flag}:\{group})"))))
    }
}
