//! `?`, `*`, `+`, `{n,m}`, each greedy, reluctant (`?`) or possessive (`+`).

use super::Error;
use super::class::written;
use super::property::ranges;
use super::translate::Translator;

/// What is repeated.
pub(super) enum Atom {
    /// Takes no characters: an anchor or look-around.
    ZeroWidth(String),
    /// Anything else, as one piece.
    Piece(String),
    /// A group with a number that takes no characters, in one way alone.
    EmptyGroup(String),
    /// Nothing at all: Java lets a counted repetition stand alone.
    Empty,
    /// Flags for what follows; these cannot be repeated.
    Flags,
}

/// How often, `None` without limit.
struct Times {
    min: u32,
    max: Option<u32>,
}

impl Translator<'_> {
    /// The atom with the quantifier that follows it, if one does.
    pub(super) fn quantified(&mut self, atom: Atom) -> Result<String, Error> {
        if let Atom::Flags = atom {
            return Ok(String::new());
        }
        self.skip_comments();
        let times = match self.peek() {
            Some('?') => Times { min: 0, max: Some(1) },
            Some('*') => Times { min: 0, max: None },
            Some('+') => Times { min: 1, max: None },
            Some('{') => self.counted()?,
            _ => {
                return Ok(match atom {
                    Atom::ZeroWidth(text) | Atom::Piece(text) | Atom::EmptyGroup(text) => text,
                    Atom::Empty | Atom::Flags => String::new(),
                });
            }
        };
        self.at += 1;
        let is_loop = times.max != Some(1);
        self.has_choices |= times.max != Some(times.min);
        let kind = self.peek().filter(|c| matches!(c, '?' | '+'));
        self.at += usize::from(kind.is_some());
        Ok(match atom {
            // Once is as good as often; never leaves its groups alone.
            Atom::ZeroWidth(text) if times.min > 0 => text,
            Atom::ZeroWidth(text) => match kind {
                Some('?') => format!("(?:|{text})"),
                Some(_) => format!("(?>{text}|)"),
                None => format!("(?:{text}|)"),
            },
            Atom::Empty | Atom::Flags => String::new(),
            // Java goes on without what a round of a loop did that took nothing: the group stays unset. `?` and `{0,1}` are no loops.
            Atom::EmptyGroup(text) if times.min == 0 && is_loop && kind != Some('+') => {
                format!("(?:{}{text})?", written(&ranges(&[])))
            }
            Atom::Piece(text) | Atom::EmptyGroup(text) => {
                let repeated = format!("{text}{times}");
                match kind {
                    Some('?') => format!("{repeated}?"),
                    // In Java each round that has to be is final too, not only all of them together.
                    Some(_) if times.min > 1 && text.starts_with('(') => format!("(?>(?>{text}){times})"),
                    Some(_) => format!("(?>{repeated})"),
                    None => repeated,
                }
            }
        })
    }

    /// Stops at the closing brace.
    fn counted(&mut self) -> Result<Times, Error> {
        self.at += 1;
        let Some(min) = self.count()? else { return Err(self.wrong("Illegal repetition")) };
        let mut times = Times { min, max: Some(min) };
        if self.peek() == Some(',') {
            self.at += 1;
            times.max = self.count()?;
            if times.max.is_some_and(|max| max < min) {
                return Err(self.wrong("Illegal repetition range"));
            }
        }
        match self.peek() {
            Some('}') => Ok(times),
            _ => Err(self.wrong("Unclosed counted closure")),
        }
    }

    fn count(&mut self) -> Result<Option<u32>, Error> {
        let mut count = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let longer = count.unwrap_or(0u32).checked_mul(10).and_then(|count| count.checked_add(digit));
            let longer = longer.filter(|count| i32::try_from(*count).is_ok());
            count = Some(longer.ok_or_else(|| self.wrong("Illegal repetition range"))?);
            self.at += 1;
        }
        Ok(count)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (0, Some(1)) => f.write_str("?"),
            (0, None) => f.write_str("*"),
            (1, None) => f.write_str("+"),
            (min, None) => write!(f, "{{{min},}}"),
            (min, Some(max)) => write!(f, "{{{min},{max}}}"),
        }
    }
}
