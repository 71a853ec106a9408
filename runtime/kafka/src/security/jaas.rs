//! `sasl.jaas.config`: one entry of a JAAS configuration, `Class flag name="value" …;`, with the comments, quotes and escapes
//! that Java's reader of that property allows.
//!
//! Errors name the place, never the contents: most of them are passwords (Invariant 9).

use std::str::CharIndices;

use indexmap::IndexMap;

use super::secret::Secret;

/// A login module and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginModule {
    pub(crate) class: String,
    pub(crate) options: IndexMap<String, Secret>,
}

impl LoginModule {
    /// Reads the text of `sasl.jaas.config`.
    ///
    /// # Errors
    /// What was expected, and at which character.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens { text, chars: text.char_indices() };
        let class = tokens.word("the class of a login module")?;
        let flag = tokens.word("a control flag (required)")?;
        if !["required", "requisite", "sufficient", "optional"].contains(&flag.to_ascii_lowercase().as_str()) {
            return Err(tokens.expected("required, requisite, sufficient or optional behind the class"));
        }
        let mut options = IndexMap::new();
        loop {
            match tokens.next()? {
                Token::Semicolon => break,
                Token::Word(name) => {
                    let value = tokens.value()?;
                    options.insert(name, Secret::new(value));
                }
                Token::Equals | Token::End => return Err(tokens.expected("an option name=\"value\", or ; at the end")),
            }
        }
        match tokens.next()? {
            Token::End => Ok(Self { class, options }),
            _ => Err(tokens.expected("one login module and nothing behind its ;")),
        }
    }

    /// The class without its package.
    pub(crate) fn simple_class(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or(&self.class)
    }

    pub(crate) fn secret(&self, option: &str) -> Option<&Secret> {
        self.options.get(option)
    }

    /// An option that is no secret.
    pub(crate) fn text(&self, option: &str) -> Option<&str> {
        self.options.get(option).map(Secret::expose)
    }
}

enum Token {
    Word(String),
    Equals,
    Semicolon,
    End,
}

struct Tokens<'a> {
    text: &'a str,
    chars: CharIndices<'a>,
}

impl Tokens<'_> {
    fn word(&mut self, what: &str) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            _ => Err(self.expected(what)),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Equals => self.word("a value behind ="),
            _ => Err(self.expected("= behind an option's name")),
        }
    }

    fn next(&mut self) -> Result<Token, String> {
        self.skip_blanks()?;
        match self.peek() {
            None => Ok(Token::End),
            Some('=') => Ok(self.take(Token::Equals)),
            Some(';') => Ok(self.take(Token::Semicolon)),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Token::Word),
            Some(char) if is_word(char) => Ok(Token::Word(self.bare())),
            Some(_) => Err(self.expected("a word, a quoted value, = or ;")),
        }
    }

    fn take(&mut self, token: Token) -> Token {
        self.chars.next();
        token
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(char) = self.peek().filter(|char| is_word(*char)) {
            word.push(char);
            self.chars.next();
        }
        word
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        self.chars.next();
        let mut text = String::new();
        loop {
            match self.chars.next().map(|(_, char)| char) {
                Some('\\') => text.push(self.escaped()?),
                Some(char) if char == quote => return Ok(text),
                Some('\n' | '\r') | None => return Err(self.expected("the closing quote of a value")),
                Some(char) => text.push(char),
            }
        }
    }

    /// The escapes of Java's tokenizer: letters of C, up to three octal digits, and any other character for itself.
    fn escaped(&mut self) -> Result<char, String> {
        match self.chars.next().map(|(_, char)| char) {
            None => Err(self.expected("a character behind the backslash")),
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('a') => Ok('\x07'),
            Some('b') => Ok('\x08'),
            Some('f') => Ok('\x0c'),
            Some('v') => Ok('\x0b'),
            Some(first @ '0'..='7') => Ok(self.octal(first)),
            Some(other) => Ok(other),
        }
    }

    fn octal(&mut self, first: char) -> char {
        let most = if first <= '3' { 3 } else { 2 };
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 1..most {
            let Some(digit) = self.peek().and_then(|char| char.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.chars.next();
        }
        char::from_u32(code).unwrap_or('\0')
    }

    fn skip_blanks(&mut self) -> Result<(), String> {
        loop {
            let rest = self.chars.as_str();
            if rest.starts_with("//") {
                while self.peek().is_some_and(|char| char != '\n' && char != '\r') {
                    self.chars.next();
                }
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else { return Err(self.expected("the end of a comment")) };
                let after = self.text.len() - rest.len() + end + 4;
                while self.chars.offset() < after {
                    self.chars.next();
                }
            } else if self.peek().is_some_and(|char| char <= ' ') {
                self.chars.next();
            } else {
                return Ok(());
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.as_str().chars().next()
    }

    fn expected(&self, what: &str) -> String {
        let read = self.text.len() - self.chars.as_str().len();
        format!("{what}, at character {}", self.text[..read].chars().count())
    }
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || ['.', '-', '_', '$'].contains(&char) || char as u32 > 0xa0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Vec<(String, String)> {
        let module = LoginModule::parse(text).expect("an entry");
        module.options.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn an_entry_has_a_class_a_flag_and_options() {
        let module = LoginModule::parse("a.b.PlainLoginModule Required username=\"u\" password=\"p;=\\\"x\";").unwrap();
        assert_eq!((module.class.as_str(), module.simple_class()), ("a.b.PlainLoginModule", "PlainLoginModule"));
        assert_eq!(module.text("username"), Some("u"));
        assert_eq!(module.secret("password").map(Secret::expose), Some("p;=\"x"));
    }

    #[test]
    fn comments_quotes_lines_and_escapes_are_javas() {
        let text = "A required // user\n a='it''s' /* b=c; */ b.c_d-e=w.1\tf=\"\\101\\\\\\n\\x\" ;";
        // Two quoted words in a row are a name without value: the apostrophe has to be escaped.
        assert!(LoginModule::parse(text).is_err());
        let text = text.replace("'it''s'", "'it\\'s'");
        assert_eq!(options(&text), [pair("a", "it's"), pair("b.c_d-e", "w.1"), pair("f", "A\\\nx")]);
        assert_eq!(options("A optional;"), []);
    }

    #[test]
    fn what_is_missing_is_named_with_its_place_and_without_the_contents() {
        for (text, expected) in [
            ("", "the class of a login module, at character 0"),
            ("A", "a control flag (required), at character 1"),
            ("A must;", "required, requisite, sufficient or optional behind the class, at character 6"),
            ("A required user=\"x\"", "an option name=\"value\", or ; at the end, at character 19"),
            ("A required user \"x\";", "= behind an option's name, at character 19"),
            ("A required user=;", "a value behind =, at character 17"),
            ("A required user=\"secret", "the closing quote of a value, at character 23"),
            ("A required; B required;", "one login module and nothing behind its ;, at character 13"),
            ("A required /* x", "the end of a comment, at character 11"),
            ("A required a=%;", "a word, a quoted value, = or ;, at character 13"),
        ] {
            assert_eq!(LoginModule::parse(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_module_shows_no_option_value() {
        let module = LoginModule::parse("A required password=\"geheim\";").unwrap();
        assert!(!format!("{module:?}").contains("geheim"));
    }
}
