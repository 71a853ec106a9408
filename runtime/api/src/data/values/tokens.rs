//! Splits text at unescaped `: , { } [ ] "`; each of them is a token, and so is every run between them. A backslash stays in
//! its token.

/// A position in text, with at most one token looked at in advance.
pub(super) struct Tokens<'a> {
    original: &'a str,
    index: usize,
    peeked: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(original: &'a str) -> Self {
        Self { original, index: 0, peeked: None }
    }

    /// The whole text.
    pub(super) fn original(&self) -> &'a str {
        self.original
    }

    /// Where the next token starts, for [`Tokens::rewind`].
    pub(super) fn mark(&self) -> usize {
        self.index - self.peeked.map_or(0, str::len)
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.index = mark;
        self.peeked = None;
    }

    pub(super) fn has_next(&self) -> bool {
        self.peeked.is_some() || self.more()
    }

    fn more(&self) -> bool {
        self.index < self.original.len()
    }

    /// The next token; empty at the end.
    pub(super) fn next(&mut self) -> &'a str {
        self.peeked.take().unwrap_or_else(|| self.scan())
    }

    /// The text of the next `count` tokens, or `None`, where nothing is taken, when there are fewer.
    pub(super) fn next_joined(&mut self, count: usize) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.original[start..self.index])
    }

    /// Takes the next token that is not blank if it is `expected`, blanks around it aside.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        if !self.has_next() {
            return false;
        }
        let mut token = self.next();
        while is_blank(token) && self.more() {
            token = self.scan();
        }
        let found = java_trim(token) == expected;
        self.peeked = (!found).then_some(token);
        found
    }

    /// Whether nothing but blanks follows.
    pub(super) fn only_blanks_left(&self) -> bool {
        is_blank(&self.original[self.mark()..])
    }

    fn scan(&mut self) -> &'a str {
        let start = self.index;
        let mut escaped = false;
        for (offset, byte) in self.original.bytes().enumerate().skip(start) {
            match byte {
                b'\\' => escaped = !escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !escaped => {
                    self.index = if offset == start { start + 1 } else { offset };
                    return &self.original[start..self.index];
                }
                _ => escaped = false,
            }
        }
        self.index = self.original.len();
        &self.original[start..]
    }
}

/// Java's `trim`: everything up to the space character goes.
pub(super) fn java_trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

pub(super) fn is_blank(text: &str) -> bool {
    java_trim(text).is_empty()
}
