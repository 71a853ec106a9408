//! Classes in brackets: ranges, unions by nesting, intersections by `&&`.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::Error;
use super::property::ranges;
use super::translate::{Escape, Translator};

impl Translator<'_> {
    /// A class whose opening bracket was just read, with its closing bracket.
    pub(super) fn class(&mut self) -> Result<ClassUnicode, Error> {
        self.deeper()?;
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let mut class = self.class_items()?;
        // The items end at a bracket.
        self.at += 1;
        self.depth -= 1;
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// What stands up to the closing bracket, which stays. A bracket that comes first means itself.
    fn class_items(&mut self) -> Result<ClassUnicode, Error> {
        let mut class: Option<ClassUnicode> = None;
        loop {
            self.skip_comments();
            let item = match self.peek() {
                None => return Err(self.wrong("Unclosed character class")),
                Some(']') if class.is_some() => return Ok(class.unwrap_or_else(|| ranges(&[]))),
                Some('[') => {
                    self.at += 1;
                    self.class()?
                }
                Some('&') if self.peek_at(1) == Some('&') => {
                    self.at += 2;
                    class = Some(self.intersected(class)?);
                    continue;
                }
                Some(_) => self.range()?,
            };
            class = Some(union(class, &item));
        }
    }

    /// `class` and what stands after `&&`; either alone when the other is missing.
    fn intersected(&mut self, class: Option<ClassUnicode>) -> Result<ClassUnicode, Error> {
        let mut right: Option<ClassUnicode> = None;
        loop {
            self.skip_comments();
            match self.peek() {
                Some(']' | '&') => break,
                Some('[') => {
                    self.at += 1;
                    let nested = self.class()?;
                    right = Some(union(right, &nested));
                }
                _ => {
                    self.deeper()?;
                    right = Some(self.class_items()?);
                    self.depth -= 1;
                }
            }
        }
        match (class, right) {
            (None, None) => Err(self.wrong("Bad class syntax")),
            (Some(class), None) | (None, Some(class)) => Ok(class),
            (Some(mut class), Some(right)) => {
                class.intersect(&right);
                Ok(class)
            }
        }
    }

    /// A character, a range, or a class by name.
    fn range(&mut self) -> Result<ClassUnicode, Error> {
        let from = match self.class_member()? {
            Escape::Class(class) => return Ok(class),
            Escape::Char(c) => c,
            Escape::Emit(_) => return Err(self.wrong("Illegal/unsupported escape sequence")),
        };
        self.skip_comments();
        if self.peek() != Some('-') || matches!(self.peek_at(1), Some('[' | ']')) {
            return Ok(self.any_case(from, from));
        }
        self.at += 1;
        self.skip_comments();
        match self.class_member()? {
            Escape::Char(to) if to >= from => Ok(self.any_case(from, to)),
            _ => Err(self.wrong("Illegal character range")),
        }
    }

    fn class_member(&mut self) -> Result<Escape, Error> {
        match self.peek() {
            None => Err(self.wrong("Unclosed character class")),
            Some('\\') => {
                self.at += 1;
                self.escape(true)
            }
            Some(c) => {
                self.at += 1;
                Ok(Escape::Char(c))
            }
        }
    }

    /// The range, under `(?i)` with the other case of its letters.
    pub(super) fn any_case(&self, from: char, to: char) -> ClassUnicode {
        let mut class = ranges(&[(from, to)]);
        if self.flags.ignore_case {
            if self.flags.unicode_case {
                class.case_fold_simple();
            } else {
                let inside = |c: char| (from..=to).contains(&c);
                let letters = ('a'..='z').chain('A'..='Z');
                let other = letters.filter(|c| inside(c.to_ascii_lowercase()) || inside(c.to_ascii_uppercase()));
                class.union(&ClassUnicode::new(other.map(|c| ClassUnicodeRange::new(c, c))));
            }
        }
        class
    }
}

fn union(class: Option<ClassUnicode>, item: &ClassUnicode) -> ClassUnicode {
    match class {
        None => item.clone(),
        Some(mut class) => {
            class.union(item);
            class
        }
    }
}

/// The class in the syntax of the engine.
pub(super) fn written(class: &ClassUnicode) -> String {
    use std::fmt::Write;
    if class.ranges().is_empty() {
        // Nothing matches.
        return r"[^\x{0}-\x{10FFFF}]".to_owned();
    }
    let mut text = String::from("[");
    for range in class.ranges() {
        let (from, to) = (u32::from(range.start()), u32::from(range.end()));
        write!(text, r"\x{{{from:X}}}-\x{{{to:X}}}").expect("text takes everything");
    }
    text.push(']');
    text
}
