//! `java.util.regex`: the regular expressions that are in users' files, run by the `fancy-regex` crate.
//!
//! A pattern is read by Java's grammar and written again in the crate's: classes are worked out to ranges of characters, so that
//! `\d`, `\p{Punct}`, `[a-z&&[^x]]` and the rest mean what they mean in Java. Look-around, back-references and possessive
//! quantifiers work. What has no counterpart (`\X`, `\b{g}`, `\N{…}`, blocks) is an error that says so.
//!
//! Whoever has a user's pattern asks here: validators, transformations, subscriptions by pattern, groups of topics to create.

mod class;
mod error;
mod property;
mod quantifier;
mod replacement;
mod translate;

pub use self::error::Error;
use self::translate::Translation;

/// A pattern that was understood.
#[derive(Clone, Debug)]
pub struct JavaRegex {
    /// Matches whole texts alone.
    whole: fancy_regex::Regex,
    /// Finds matches in texts.
    part: fancy_regex::Regex,
    /// The named groups with their numbers.
    names: Vec<(String, usize)>,
}

impl JavaRegex {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with the pattern or not supported.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let Translation { text, names } = translate::translate(pattern)?;
        let whole = fancy_regex::Regex::new(&format!(r"\A(?:{text})\z")).map_err(Error::refused)?;
        let part = fancy_regex::Regex::new(&text).map_err(Error::refused)?;
        Ok(Self { whole, part, names })
    }

    /// Whether the whole text matches (`Matcher.matches`).
    ///
    /// # Errors
    /// When the text takes too many steps.
    pub fn matches(&self, text: &str) -> Result<bool, Error> {
        self.whole.is_match(text).map_err(Error::gave_up)
    }

    /// The text with its first match replaced (`Matcher.replaceFirst`): `$1` and `${name}` stand for groups, `\` takes the
    /// meaning from what follows it.
    ///
    /// # Errors
    /// When the text takes too many steps, and for a replacement that is wrong, which shows only when there is a match.
    pub fn replace_first(&self, text: &str, replacement: &str) -> Result<String, Error> {
        let Some(captures) = self.part.captures(text).map_err(Error::gave_up)? else { return Ok(text.to_owned()) };
        let whole = captures.get(0).map_or(0..0, |group| group.range());
        let mut out = text[..whole.start].to_owned();
        replacement::expand(&mut out, replacement, &captures, &self.names)?;
        out.push_str(&text[whole.end..]);
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
