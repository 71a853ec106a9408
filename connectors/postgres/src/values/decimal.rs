//! Decimal numbers from their text.

use num_bigint::BigInt;
use sluice_api::data::BigDecimal;
use sluice_api::{Schema, Struct, Value};

use super::Unreadable;

const WANTED: &str = "decimal number";

/// The number with exactly `scale` digits after the point; the server sends as many for a column with a scale.
pub(super) fn of_scale(text: &[u8], scale: i32) -> Result<BigDecimal, Unreadable> {
    if let Some(number) = small(text, scale) {
        return Ok(BigDecimal::new(number, scale));
    }
    let number = any(text)?;
    Ok(match number.scale().cmp(&scale) {
        std::cmp::Ordering::Equal => number,
        std::cmp::Ordering::Less => {
            let zeros = u32::try_from(i64::from(scale) - i64::from(number.scale())).unwrap_or(u32::MAX).min(20_000);
            BigDecimal::new(number.unscaled() * BigInt::from(10).pow(zeros), scale)
        }
        std::cmp::Ordering::Greater => shortened(&number, scale).ok_or_else(|| Unreadable::new(text, WANTED))?,
    })
}

/// The number without digits that are zero, if what is cut off is zero.
fn shortened(number: &BigDecimal, scale: i32) -> Option<BigDecimal> {
    let digits = u32::try_from(i64::from(number.scale()) - i64::from(scale)).ok()?.min(20_000);
    let power = BigInt::from(10).pow(digits);
    let (whole, rest) = (number.unscaled() / &power, number.unscaled() % &power);
    (rest == BigInt::ZERO).then(|| BigDecimal::new(whole, scale))
}

/// Up to 18 digits, which is nearly every number, without a big integer on the way.
fn small(text: &[u8], scale: i32) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.len() > 19 || digits.is_empty() {
        return None;
    }
    let (mut number, mut fraction, mut point) = (0i64, 0i32, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                fraction += i32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    (fraction == scale).then_some(if negative { -number } else { number })
}

/// The number as it is written.
pub(super) fn any(text: &[u8]) -> Result<BigDecimal, Unreadable> {
    let number = std::str::from_utf8(text).ok().and_then(|text| BigDecimal::parse(text).ok());
    number.ok_or_else(|| Unreadable::new(text, WANTED))
}

/// A `VariableScaleDecimal`: without zeros at the end of the fraction, never with a negative scale.
pub(super) fn variable(text: &[u8], schema: &Schema) -> Result<Value, Unreadable> {
    let trimmed = match text.iter().position(|byte| *byte == b'.') {
        Some(_) => {
            let end = text.iter().rposition(|byte| *byte != b'0').map_or(0, |at| at + 1);
            text[..end].strip_suffix(b".").unwrap_or(&text[..end])
        }
        None => text,
    };
    let number = any(trimmed)?;
    let value = vec![Value::Int32(number.scale()), Value::Bytes(number.to_unscaled_bytes().into())];
    Struct::from_checked(schema.clone(), value).map(Value::Struct).map_err(|_| Unreadable::new(text, WANTED))
}

/// A decimal as the nearest double, with the names that PostgreSQL has for what is no number.
pub(super) fn double(text: &[u8]) -> Result<f64, Unreadable> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Unreadable::new(text, "number"))
}

/// The text as Debezium writes it.
pub(super) fn plain(text: &str) -> &str {
    match text {
        "NaN" => "NAN",
        "Infinity" => "POSITIVE_INFINITY",
        "-Infinity" => "NEGATIVE_INFINITY",
        number => number,
    }
}

/// `$1,234.56` and `-$1.00` without what is not part of the number.
pub(super) fn money(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).collect()
}
