//! The value that a text looks like.

use super::super::{BigDecimal, Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Value};
use super::super::{java_double_text, java_float_text, logical};
use super::alignment::{Merged, align};
use super::temporal::parse_temporal;
use super::tokens::{Tokens, is_blank, java_trim};

/// Arrays and maps in each other before text stays text; bounds the recursion.
const MAX_DEPTH: usize = 200;
/// Characters of a number before text stays text; bounds the cost of big numbers.
const MAX_NUMBER_LENGTH: usize = 1000;

/// The text is no embedded value, array or map; the whole of it will be taken as a string.
pub(super) struct NotAValue;

type Parsed = Result<Option<SchemaAndValue>, NotAValue>;

/// The value that `text` looks like, with its schema: numbers get the narrowest type that holds them, ISO dates a logical
/// type, `[…]` and `{…}` become arrays and maps, `null` is no value; anything else is the text itself.
pub fn parse_string(text: &str) -> SchemaAndValue {
    if text.is_empty() {
        return string(text);
    }
    let mut parser = Parser { tokens: Tokens::new(text), depth: 0 };
    match parser.parse(false) {
        Ok(None) => SchemaAndValue::NULL,
        // What follows a value would be lost; the text is whole as a string.
        Ok(Some(_)) if !parser.tokens.only_blanks_left() => string(text),
        Ok(Some(parsed)) => parsed,
        Err(NotAValue) => string(text),
    }
}

fn string(text: &str) -> SchemaAndValue {
    SchemaAndValue::new(Schema::STRING, text)
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn parse(&mut self, embedded: bool) -> Parsed {
        if !self.tokens.has_next() {
            return Ok(None);
        }
        if embedded && self.tokens.take("\"") {
            return Ok(Some(self.quoted()));
        }
        if self.literal("null", embedded) {
            return Ok(None);
        }
        for truth in [true, false] {
            if self.literal(if truth { "true" } else { "false" }, embedded) {
                return Ok(Some(SchemaAndValue::new(Schema::BOOLEAN, truth)));
            }
        }
        let start = self.tokens.mark();
        match self.nested() {
            Ok(Some(parsed)) => return Ok(Some(parsed)),
            Ok(None) => {}
            Err(NotAValue) => self.tokens.rewind(start),
        }
        let token = self.tokens.next();
        if is_blank(token) {
            return Ok(Some(string(token)));
        }
        self.scalar(embedded, java_trim(token))
    }

    /// A literal; at the top level only if nothing follows.
    fn literal(&mut self, word: &str, embedded: bool) -> bool {
        let start = self.tokens.mark();
        if self.tokens.take(word) && (embedded || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    /// An array or map, `None` when neither starts here.
    fn nested(&mut self) -> Parsed {
        let parse = if self.tokens.take("[") {
            Self::array
        } else if self.tokens.take("{") {
            Self::map
        } else {
            return Ok(None);
        };
        if self.depth == MAX_DEPTH {
            return Err(NotAValue);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed.map(Some)
    }

    fn array(&mut self) -> Result<SchemaAndValue, NotAValue> {
        let mut items = Vec::new();
        let mut merged = Merged::default();
        while self.tokens.has_next() {
            if self.tokens.take("]") {
                let items = align(merged.common(), items)?;
                let schema = match merged.common() {
                    Some(element) => SchemaBuilder::array(element.clone()),
                    None => SchemaBuilder::of_type(SchemaType::Array),
                };
                let schema = schema.build().map_err(|_| NotAValue)?;
                return Ok(SchemaAndValue::new(schema, items));
            }
            if self.tokens.take(",") {
                return Err(NotAValue);
            }
            let element = self.parse(true)?;
            merged.merge(element.as_ref());
            items.push(element.map_or(Value::Null, |element| element.value));
            let after = self.tokens.mark();
            if self.tokens.take("]") {
                self.tokens.rewind(after);
            } else if !self.tokens.take(",") {
                return Err(NotAValue);
            }
        }
        Err(NotAValue)
    }

    fn map(&mut self) -> Result<SchemaAndValue, NotAValue> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let (mut key_schema, mut value_schema) = (Merged::default(), Merged::default());
        while self.tokens.has_next() {
            if self.tokens.take("}") {
                return finish_map([&key_schema, &value_schema], keys, values);
            }
            if self.tokens.take(",") {
                return Err(NotAValue);
            }
            let key = self.parse(true)?.filter(|key| !key.value.is_null()).ok_or(NotAValue)?;
            if !self.tokens.take(":") {
                return Err(NotAValue);
            }
            let value = self.parse(true)?;
            self.tokens.take(",");
            key_schema.merge(Some(&key));
            value_schema.merge(value.as_ref());
            keys.push(key.value);
            values.push(value.map_or(Value::Null, |value| value.value));
        }
        Err(NotAValue)
    }

    /// Up to the next unescaped quote; only ISO dates become anything but text.
    fn quoted(&mut self) -> SchemaAndValue {
        let mut content = String::new();
        while self.tokens.has_next() {
            let token = self.tokens.next();
            if token == "\"" {
                break;
            }
            content.push_str(token);
        }
        parse_temporal(&content).unwrap_or_else(|| string(&content))
    }

    fn scalar(&mut self, embedded: bool, token: &str) -> Parsed {
        let first = token.as_bytes()[0];
        if first.is_ascii_digit()
            && let Some(temporal) = self.temporal(token)
        {
            return Ok(Some(temporal));
        }
        if (first.is_ascii_digit() || matches!(first, b'+' | b'-'))
            && let Some(number) = number(token)
        {
            return Ok(Some(number));
        }
        // A string on its own is the whole text, which the caller makes of the error.
        if embedded { Err(NotAValue) } else { Ok(Some(string(self.rest_as_text()))) }
    }

    /// The whole text; nothing is left after it.
    fn rest_as_text(&mut self) -> &str {
        let original = self.tokens.original();
        self.tokens.rewind(original.len());
        original
    }

    /// Times have colons, so they come in five tokens.
    fn temporal(&mut self, token: &str) -> Option<SchemaAndValue> {
        let after = self.tokens.mark();
        if let Some(rest) = self.tokens.next_joined(4)
            && let Some(temporal) = parse_temporal(&[token, rest].concat())
        {
            return Some(temporal);
        }
        self.tokens.rewind(after);
        parse_temporal(token)
    }
}

fn finish_map(schemas: [&Merged; 2], keys: Vec<Value>, values: Vec<Value>) -> Result<SchemaAndValue, NotAValue> {
    let [key, value] = schemas.map(Merged::common);
    let keys = align(key, keys)?;
    let values = match key {
        Some(_) => align(value, values)?,
        None => values,
    };
    let schema = SchemaBuilder::map_of(key.cloned(), key.and(value).cloned()).build().map_err(|_| NotAValue)?;
    Ok(SchemaAndValue::new(schema, Map::insertion_ordered(keys.into_iter().zip(values))))
}

fn number(token: &str) -> Option<SchemaAndValue> {
    if token.len() > MAX_NUMBER_LENGTH {
        return None;
    }
    let decimal = BigDecimal::parse(token).ok()?;
    if let Some(number) = decimal.to_i64_exact() {
        return Some(integer(number));
    }
    let (single, double) = (decimal.to_f32(), decimal.to_f64());
    if decimal.scale() != 0 && single.is_finite() && decimal.same_number(&java_float_text(single)) {
        return Some(SchemaAndValue::new(Schema::FLOAT32, single));
    }
    if decimal.scale() != 0 && double.is_finite() && decimal.same_number(&java_double_text(double)) {
        return Some(SchemaAndValue::new(Schema::FLOAT64, double));
    }
    Some(SchemaAndValue::new(logical::decimal(decimal.scale()), decimal))
}

fn integer(number: i64) -> SchemaAndValue {
    if let Ok(number) = i8::try_from(number) {
        SchemaAndValue::new(Schema::INT8, number)
    } else if let Ok(number) = i16::try_from(number) {
        SchemaAndValue::new(Schema::INT16, number)
    } else if let Ok(number) = i32::try_from(number) {
        SchemaAndValue::new(Schema::INT32, number)
    } else {
        SchemaAndValue::new(Schema::INT64, number)
    }
}
