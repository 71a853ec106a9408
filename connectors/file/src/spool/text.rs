//! Columns of text to values of a schema.

use sluice_api::data::{BigDecimal, logical};
use sluice_api::{Schema, SchemaType, Value};

/// A form of dates: `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss`, `SSS`, quoted text, and characters that stand for themselves. In UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateFormat(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A field of a date with its place in [year, month, day, hour, minute, second, millisecond] and its width.
    Number(usize, usize),
    Text(char),
}

impl DateFormat {
    /// # Errors
    /// What is not understood.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        const FIELDS: [(&str, usize); 7] =
            [("yyyy", 0), ("MM", 1), ("dd", 2), ("HH", 3), ("mm", 4), ("ss", 5), ("SSS", 6)];
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            if let Some((name, place)) = FIELDS.iter().find(|(name, _)| rest.starts_with(name)) {
                parts.push(Part::Number(*place, name.len()));
                rest = &rest[name.len()..];
            } else if first == '\'' {
                let (quoted, after) =
                    rest[1..].split_once('\'').ok_or_else(|| format!("the quote in {pattern} has no end"))?;
                parts.extend(if quoted.is_empty() { "'" } else { quoted }.chars().map(Part::Text));
                rest = after;
            } else if first.is_ascii_alphabetic() {
                return Err(format!(
                    "{first} in {pattern} is not supported yet: expected yyyy, MM, dd, HH, mm, ss, SSS"
                ));
            } else {
                parts.push(Part::Text(first));
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(Self(parts))
    }

    /// Milliseconds since the epoch, `None` when the text has another form or names no day.
    fn read(&self, text: &str) -> Option<i64> {
        let mut fields = [1970, 1, 1, 0, 0, 0, 0];
        let mut rest = text;
        for part in &self.0 {
            match part {
                Part::Text(expected) => rest = rest.strip_prefix(*expected)?,
                Part::Number(place, width) => {
                    let digits =
                        rest.get(..*width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
                    fields[*place] = digits.parse().ok()?;
                    rest = &rest[*width..];
                }
            }
        }
        let [year, month, day, hour, minute, second, milli] = fields;
        let right = rest.is_empty()
            && (1..=12).contains(&month)
            && (1..=days_of(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        right.then(|| (((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli)
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The proleptic Gregorian calendar, counted in years that begin with March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The value of a column. Empty text is null for everything but text.
///
/// # Errors
/// What was expected; the text itself is left to the caller, who knows its place.
pub(super) fn value(schema: &Schema, text: &str, empty_is_null: bool, dates: &[DateFormat]) -> Result<Value, String> {
    let plain_text = schema.schema_type() == SchemaType::String;
    if text.is_empty() && (empty_is_null || !plain_text) {
        return Ok(Value::Null);
    }
    let expected = |what: &str| format!("expected {what}");
    if let Some(name) = schema.name() {
        match name {
            logical::DECIMAL => return decimal(schema, text.trim()),
            logical::TIMESTAMP | logical::DATE | logical::TIME => {
                let millis = dates.iter().find_map(|format| format.read(text.trim()));
                let millis = millis.ok_or_else(|| expected("a date of `parser.timestamp.date.formats`"))?;
                return Ok(Value::Date(match name {
                    logical::DATE => millis.div_euclid(logical::MILLIS_PER_DAY) * logical::MILLIS_PER_DAY,
                    logical::TIME => millis.rem_euclid(logical::MILLIS_PER_DAY),
                    _ => millis,
                }));
            }
            _ => {}
        }
    }
    let number = text.trim();
    Ok(match schema.schema_type() {
        SchemaType::String => text.into(),
        SchemaType::Int8 => Value::Int8(number.parse().map_err(|_| expected("INT8"))?),
        SchemaType::Int16 => Value::Int16(number.parse().map_err(|_| expected("INT16"))?),
        SchemaType::Int32 => Value::Int32(number.parse().map_err(|_| expected("INT32"))?),
        SchemaType::Int64 => Value::Int64(number.parse().map_err(|_| expected("INT64"))?),
        SchemaType::Float32 => Value::Float32(number.parse().map_err(|_| expected("FLOAT32"))?),
        SchemaType::Float64 => Value::Float64(number.parse().map_err(|_| expected("FLOAT64"))?),
        SchemaType::Boolean => match number.to_ascii_lowercase().as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => return Err(expected("true or false")),
        },
        _ => return Err(expected("a type that columns can have")),
    })
}

/// Digits may be added to reach the scale, never taken away.
fn decimal(schema: &Schema, text: &str) -> Result<Value, String> {
    let scale = logical::decimal_scale(schema).map_err(|error| error.to_string())?;
    let parsed = BigDecimal::parse(text).map_err(|_| "expected a decimal number".to_owned())?;
    let missing = scale - parsed.scale();
    if missing < 0 {
        return Err(format!("expected at most {scale} digits after the point"));
    }
    let unscaled = parsed.unscaled().to_string() + &"0".repeat(missing.unsigned_abs() as usize);
    let whole = BigDecimal::parse(&unscaled).map_err(|_| "expected a decimal number".to_owned())?;
    Ok(BigDecimal::new(whole.unscaled().clone(), scale).into())
}

#[cfg(test)]
mod tests {
    use sluice_api::SchemaBuilder;

    use super::*;

    #[test]
    fn dates_are_read_in_their_forms_and_must_exist() {
        let read = |format: &str, text: &str| DateFormat::parse(format).unwrap().read(text);
        assert_eq!(read("yyyy-MM-dd'T'HH:mm:ss", "2026-11-22T01:02:03"), Some(1_795_309_323_000));
        assert_eq!(read("dd/MM/yyyy HH:mm:ss.SSS", "29/02/2024 23:59:59.007"), Some(1_709_251_199_007));
        assert_eq!(read("yyyy-MM-dd", "1969-12-31"), Some(-86_400_000));
        assert_eq!(read("yyyy-MM-dd", "2023-02-29"), None);
        assert_eq!(read("yyyy-MM-dd", "2023-02-28x"), None);
        assert!(DateFormat::parse("EEE").is_err());
    }

    #[test]
    fn columns_become_what_the_schema_says_or_a_mistake() {
        let value = |schema: &Schema, text: &str| value(schema, text, false, &[]);
        assert_eq!(value(&Schema::INT64, " 7 "), Ok(7i64.into()));
        assert_eq!(value(&Schema::INT8, "300"), Err("expected INT8".into()));
        assert_eq!(value(&Schema::STRING, ""), Ok("".into()));
        assert_eq!(value(&Schema::OPTIONAL_INT64, ""), Ok(Value::Null));
        let money = logical::decimal(2);
        assert_eq!(value(&money, "-1.5"), Ok(BigDecimal::parse("-1.50").unwrap().into()));
        assert_eq!(value(&money, "1.555"), Err("expected at most 2 digits after the point".into()));
        let flag = SchemaBuilder::boolean().build().unwrap();
        assert_eq!(value(&flag, "TRUE"), Ok(true.into()));
    }
}
