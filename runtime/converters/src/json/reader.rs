//! Reads JSON as Jackson does for Kafka Connect: leading zeros are numbers, the last of duplicate members wins, what follows
//! the first value is ignored. Text without escapes is sliced out of the input, not copied.

use std::collections::HashMap;

use bytes::Bytes;
use bytestring::ByteString;
use num_bigint::BigInt;
use sluice_api::data::BigDecimal;

use super::node::Node;

/// Arrays and objects in each other; Jackson's limit, and what bounds the recursion here.
const MAX_DEPTH: usize = 1000;
/// Characters of a number; Jackson's limit, and what bounds the cost of big integers.
const MAX_NUMBER_LENGTH: usize = 1000;
/// Below this many members a duplicate is looked for one by one.
const FEW_MEMBERS: usize = 16;

/// Why bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("unexpected end of input at byte {0}")]
    UnexpectedEnd(usize),
    #[error("unexpected byte 0x{byte:02x} at byte {at}: expected {expected}")]
    Unexpected { byte: u8, at: usize, expected: &'static str },
    #[error("illegal control character 0x{byte:02x} in a string at byte {at}: it has to be escaped")]
    ControlCharacter { byte: u8, at: usize },
    #[error("unpaired surrogate \\u{unit:04X} at byte {at}: no text in UTF-8 can hold it")]
    UnpairedSurrogate { unit: u16, at: usize },
    #[error("invalid UTF-8 in the string that starts at byte {0}")]
    InvalidUtf8(usize),
    #[error("nested deeper than {MAX_DEPTH} at byte {0}")]
    TooDeep(usize),
    #[error("a number longer than {MAX_NUMBER_LENGTH} characters at byte {0}")]
    NumberTooLong(usize),
    #[error("the input is not valid {0}")]
    InvalidEncoding(&'static str),
}

pub(super) type Result<T> = std::result::Result<T, Error>;

/// A position in JSON text.
pub(super) struct Reader<'a> {
    source: &'a Bytes,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `source`, which is in UTF-8 without byte order mark.
    pub(super) fn new(source: &'a Bytes) -> Self {
        Self { source, at: 0, depth: 0 }
    }

    /// The whole input's first value, `None` when there is nothing but blanks.
    pub(super) fn root(&mut self) -> Result<Option<Node>> {
        self.skip_blanks();
        let Some(first) = self.peek() else { return Ok(None) };
        let node = self.value()?;
        if matches!(first, b'-' | b'0'..=b'9') {
            self.end_of_root_number()?;
        }
        Ok(Some(node))
    }

    /// A number at the root ends at a blank or at the end, so that `1x` is no 1.
    fn end_of_root_number(&self) -> Result<()> {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
            Some(_) => Err(self.unexpected("a blank between values")),
        }
    }

    /// The position of the next byte.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Takes a member's name, its colon and the blanks around them if this name, which needs no escapes, is next.
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        self.skip_blanks();
        let quoted = self.rest().strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(name.as_bytes()));
        if !quoted.is_some_and(|rest| rest.starts_with(b"\"")) {
            return false;
        }
        self.at += name.len() + 2;
        self.skip_blanks();
        let colon = self.take(b':');
        self.skip_blanks();
        colon
    }

    /// Takes `bytes` if they are next.
    pub(super) fn take_all(&mut self, bytes: &[u8]) -> bool {
        let next = self.rest().starts_with(bytes);
        self.at += if next { bytes.len() } else { 0 };
        next
    }

    /// Takes a number of at most 18 digits without fraction and exponent, if it is next and ends at a comma, a brace or a bracket: what
    /// nearly all integers are.
    pub(super) fn take_short_integer(&mut self) -> Option<i64> {
        let rest = self.rest();
        let negative = rest.first() == Some(&b'-');
        let digits = &rest[usize::from(negative)..];
        let mut number = 0_i64;
        let mut count = 0;
        while let Some(digit @ b'0'..=b'9') = digits.get(count).copied() {
            if count == 18 {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            count += 1;
        }
        if count == 0 || !matches!(digits.get(count), Some(b',' | b'}' | b']')) {
            return None;
        }
        self.at += usize::from(negative) + count;
        Some(if negative { -number } else { number })
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.source[self.at..]
    }

    /// Goes on `bytes` later.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &'static str) -> Error {
        match self.peek() {
            None => Error::UnexpectedEnd(self.at),
            Some(byte) => Error::Unexpected { byte, at: self.at, expected },
        }
    }

    /// Takes `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// A value at the current position, without blanks before it.
    pub(super) fn value(&mut self) -> Result<Node> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Node::Text)
            }
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Node::Boolean(true)),
            Some(b'f') => self.literal("false", Node::Boolean(false)),
            Some(b'n') => self.literal("null", Node::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Node>) -> Result<Node> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep(self.at));
        }
        self.at += 1;
        self.depth += 1;
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn literal(&mut self, word: &'static str, node: Node) -> Result<Node> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.unexpected("true, false or null"));
        }
        self.at += word.len();
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)) {
            return Err(self.unexpected("the end of true, false or null"));
        }
        Ok(node)
    }

    fn array(&mut self) -> Result<Node> {
        let mut nodes = Vec::new();
        self.skip_blanks();
        if self.take(b']') {
            return Ok(Node::Array(nodes));
        }
        loop {
            self.skip_blanks();
            nodes.push(self.value()?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Node::Array(nodes));
            }
            self.expect(b',', "`,` or `]`")?;
        }
    }

    fn object(&mut self) -> Result<Node> {
        let mut members = Members::default();
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(Node::Object(members.list));
        }
        loop {
            let name = self.member_name()?;
            let node = self.value()?;
            members.put(name, node);
            if self.end_of_member()? {
                return Ok(Node::Object(members.list));
            }
        }
    }

    /// A member's name and its colon; what comes next is the value.
    pub(super) fn member_name(&mut self) -> Result<ByteString> {
        self.skip_blanks();
        self.expect(b'"', "a member name in double quotes")?;
        let name = self.string()?;
        self.skip_blanks();
        self.expect(b':', "`:`")?;
        self.skip_blanks();
        Ok(name)
    }

    /// After a member's value: whether the object ends here.
    pub(super) fn end_of_member(&mut self) -> Result<bool> {
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(true);
        }
        self.expect(b',', "`,` or `}`").map(|()| false)
    }

    /// A string whose opening quote has been read.
    pub(super) fn string(&mut self) -> Result<ByteString> {
        let start = self.at;
        let end = self.plain_run(start)?;
        let run = self.text(start, end)?;
        self.at = end + 1;
        if self.source[end] == b'"' {
            return Ok(run);
        }
        let mut text = String::from(&*run);
        self.escape(&mut text)?;
        loop {
            let start = self.at;
            let end = self.plain_run(start)?;
            text.push_str(&self.text(start, end)?);
            self.at = end + 1;
            if self.source[end] == b'"' {
                return Ok(ByteString::from(text));
            }
            self.escape(&mut text)?;
        }
    }

    /// The position of the quote or backslash that ends the run of plain characters from `start`.
    fn plain_run(&self, start: usize) -> Result<usize> {
        let rest = &self.source[start..];
        let length = memchr::memchr2(b'"', b'\\', rest);
        let run = &rest[..length.unwrap_or(rest.len())];
        // One pass that the compiler makes wide, and a second one only to name the byte.
        if run.iter().fold(false, |found, byte| found | (*byte < b' '))
            && let Some(at) = run.iter().position(|byte| *byte < b' ')
        {
            return Err(Error::ControlCharacter { byte: run[at], at: start + at });
        }
        length.map(|length| start + length).ok_or(Error::UnexpectedEnd(self.source.len()))
    }

    fn text(&self, start: usize, end: usize) -> Result<ByteString> {
        ByteString::try_from(self.source.slice(start..end)).map_err(|_| Error::InvalidUtf8(start))
    }

    /// The character of an escape whose backslash has been read.
    fn escape(&mut self, text: &mut String) -> Result<()> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                text.push(self.unicode_escape()?);
                return Ok(());
            }
            _ => return Err(self.unexpected("an escape character")),
        };
        self.at += 1;
        text.push(character);
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let at = self.at;
        let unit = self.hex4()?;
        if let Some(character) = char::from_u32(u32::from(unit)) {
            return Ok(character);
        }
        let unpaired = Error::UnpairedSurrogate { unit, at };
        if !(0xd800..0xdc00).contains(&unit) || !self.rest().starts_with(b"\\u") {
            return Err(unpaired);
        }
        self.at += 2;
        let low = self.hex4()?;
        char::decode_utf16([unit, low]).next().and_then(std::result::Result::ok).ok_or(unpaired)
    }

    fn hex4(&mut self) -> Result<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit << 4 | digit.ok_or_else(|| self.unexpected("a hexadecimal digit"))? as u16;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Node> {
        let start = self.at;
        self.take(b'-');
        self.digits()?;
        let mut integral = true;
        if self.take(b'.') {
            integral = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integral = false;
            self.at += 1;
            if !self.take(b'-') {
                self.take(b'+');
            }
            self.digits()?;
        }
        if self.at - start > MAX_NUMBER_LENGTH {
            return Err(Error::NumberTooLong(start));
        }
        self.number_node(start, integral)
    }

    fn digits(&mut self) -> Result<()> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn number_node(&self, start: usize, integral: bool) -> Result<Node> {
        let unexpected = Error::Unexpected { byte: self.source[start], at: start, expected: "a number in range" };
        let literal = std::str::from_utf8(&self.source[start..self.at]).map_err(|_| unexpected)?;
        if !integral {
            return BigDecimal::parse(literal).map(Node::Decimal).map_err(|_| unexpected);
        }
        if let Ok(number) = literal.parse() {
            return Ok(Node::Long(number));
        }
        literal.parse::<BigInt>().map(Node::BigInteger).map_err(|_| unexpected)
    }
}

/// Members in the order in which their names first occur; the last of duplicates wins.
#[derive(Default)]
struct Members {
    list: Vec<(ByteString, Node)>,
    by_name: HashMap<ByteString, usize>,
}

impl Members {
    fn put(&mut self, name: ByteString, node: Node) {
        let known = if self.list.len() < FEW_MEMBERS {
            self.list.iter().position(|(existing, _)| *existing == name)
        } else {
            self.index_all();
            self.by_name.get(&name).copied()
        };
        match known {
            Some(at) => self.list[at].1 = node,
            None => self.list.push((name, node)),
        }
    }

    fn index_all(&mut self) {
        for at in self.by_name.len()..self.list.len() {
            self.by_name.insert(self.list[at].0.clone(), at);
        }
    }
}
