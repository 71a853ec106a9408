//! `BigDecimal`: an unscaled integer and a scale, with Java's text form.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use num_bigint::{BigInt, Sign};

/// `unscaled × 10^-scale`. As in Java, equal means the same scale too: 1.0 is not 1.00.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BigDecimal {
    unscaled: Arc<BigInt>,
    scale: i32,
}

/// A text that is no decimal number by Java's grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct ParseDecimalError;

impl BigDecimal {
    /// `unscaled × 10^-scale`.
    pub fn new(unscaled: impl Into<BigInt>, scale: i32) -> Self {
        Self { unscaled: Arc::new(unscaled.into()), scale }
    }

    /// The integer.
    pub fn unscaled(&self) -> &BigInt {
        &self.unscaled
    }

    /// The digits after the point; negative for trailing zeros before it.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// The unscaled value as minimal big-endian two's complement; zero is one byte.
    pub fn to_unscaled_bytes(&self) -> Vec<u8> {
        self.unscaled.to_signed_bytes_be()
    }

    /// The decimal whose unscaled value is in `bytes`; none is zero.
    pub fn from_unscaled_bytes(bytes: &[u8], scale: i32) -> Self {
        Self::new(BigInt::from_signed_bytes_be(bytes), scale)
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`; at least one digit, blanks nowhere.
    ///
    /// # Errors
    /// When `text` is anything else or the scale does not fit 32 bit.
    pub fn parse(text: &str) -> Result<Self, ParseDecimalError> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.as_bytes().first() {
            Some(b'-') => (true, &mantissa[1..]),
            Some(b'+') => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseDecimalError);
        }
        let magnitude = BigInt::from_str(&digits).map_err(|_| ParseDecimalError)?;
        let scale = i64::try_from(fraction.len()).map_err(|_| ParseDecimalError)? - exponent;
        let scale = i32::try_from(scale).map_err(|_| ParseDecimalError)?;
        Ok(Self::new(if negative { -magnitude } else { magnitude }, scale))
    }

    /// The exact integer value if there is one, for example of `1.0` or `1e3`, as long as it fits 64 bit.
    pub fn to_i64_exact(&self) -> Option<i64> {
        let zero = BigInt::from(0);
        if *self.unscaled == zero {
            return Some(0);
        }
        if self.scale <= 0 {
            // More than 19 zeros cannot fit.
            let zeros = u32::try_from(-i64::from(self.scale)).ok().filter(|zeros| *zeros <= 19)?;
            return i64::try_from(&*self.unscaled * BigInt::from(10).pow(zeros)).ok();
        }
        let text = self.unscaled.magnitude().to_string();
        let scale = usize::try_from(self.scale).ok().filter(|scale| *scale < text.len())?;
        let (whole, fraction) = text.split_at(text.len() - scale);
        if fraction.bytes().any(|digit| digit != b'0') {
            return None;
        }
        let whole = BigInt::from_str(whole).ok()?;
        i64::try_from(if self.unscaled.sign() == Sign::Minus { -whole } else { whole }).ok()
    }

    /// The low 64 bits of the value with its fraction cut off (`longValue`).
    pub fn to_i64_wrapping(&self) -> i64 {
        let digits = self.unscaled.magnitude().to_string().len() as i64;
        if i64::from(self.scale) >= digits {
            return 0;
        }
        let ten = BigInt::from(10);
        let whole = match self.scale {
            0 => (*self.unscaled).clone(),
            // 2^64 divides 10^64, so the low bits are zero from there on.
            scale if scale <= -64 => return 0,
            scale if scale < 0 => &*self.unscaled * ten.pow(scale.unsigned_abs()),
            scale => &*self.unscaled / ten.pow(scale.unsigned_abs()),
        };
        low_64_bits(&whole)
    }

    /// The nearest double; infinite when too large.
    pub fn to_f64(&self) -> f64 {
        self.scientific().parse().unwrap_or(f64::NAN)
    }

    /// The nearest float; infinite when too large.
    pub fn to_f32(&self) -> f32 {
        self.scientific().parse().unwrap_or(f32::NAN)
    }

    /// Whether `text` is the same number, whatever the scales.
    pub(super) fn same_number(&self, text: &str) -> bool {
        Self::parse(text).is_ok_and(|other| self.stripped() == other.stripped())
    }

    /// Sign and digits without trailing zeros, and the exponent of the last one.
    fn stripped(&self) -> (String, i64) {
        let digits = self.unscaled.to_string();
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return (String::new(), 0);
        }
        let zeros = (digits.len() - kept.len()) as i64;
        (kept.to_owned(), zeros - i64::from(self.scale))
    }

    fn scientific(&self) -> String {
        format!("{}e{}", self.unscaled, -i64::from(self.scale))
    }
}

fn parse_exponent(text: &str) -> Result<i64, ParseDecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseDecimalError);
    }
    text.parse().map_err(|_| ParseDecimalError)
}

/// The low 64 bits in two's complement (`BigInteger.longValue`).
pub(super) fn low_64_bits(number: &BigInt) -> i64 {
    let low = number.magnitude().iter_u64_digits().next().unwrap_or(0) as i64;
    if number.sign() == Sign::Minus { low.wrapping_neg() } else { low }
}

impl FromStr for BigDecimal {
    type Err = ParseDecimalError;
    fn from_str(text: &str) -> Result<Self, ParseDecimalError> {
        Self::parse(text)
    }
}

impl fmt::Display for BigDecimal {
    /// Java's `toString`: plain while the exponent is at least -6 and the scale not negative, else scientific.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        if self.unscaled.sign() == Sign::Minus {
            f.write_str("-")?;
        }
        if self.scale == 0 {
            return f.write_str(&digits);
        }
        let length = digits.len() as i64;
        let exponent = length - 1 - i64::from(self.scale);
        if self.scale > 0 && exponent >= -6 {
            let point = length - i64::from(self.scale);
            return match usize::try_from(point) {
                Ok(at) if at > 0 => write!(f, "{}.{}", &digits[..at], &digits[at..]),
                _ => write!(f, "0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
            };
        }
        f.write_str(&digits[..1])?;
        if length > 1 {
            write!(f, ".{}", &digits[1..])?;
        }
        if exponent != 0 {
            write!(f, "E{exponent:+}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_javas() {
        let vectors = [
            (0, 0, "0"),
            (123, 0, "123"),
            (-123, 0, "-123"),
            (123, -1, "1.23E+3"),
            (123, -3, "1.23E+5"),
            (123, 1, "12.3"),
            (123, 5, "0.00123"),
            (123, 10, "1.23E-8"),
            (-123, 12, "-1.23E-10"),
            (156, 2, "1.56"),
            (1, 10, "1E-10"),
            (1, -3, "1E+3"),
            (0, 2, "0.00"),
            (100, 2, "1.00"),
            (0, 7, "0E-7"),
            (1, 6, "0.000001"),
        ];
        for (unscaled, scale, text) in vectors {
            let value = BigDecimal::new(unscaled, scale);
            assert_eq!(value.to_string(), text);
            assert_eq!(BigDecimal::parse(text).unwrap(), value);
        }
    }

    #[test]
    fn parsing_follows_javas_grammar() {
        for wrong in ["", "-", ".", "1e", "1L", "0x10", " 1", "1_0", "--1", "1e99999999999", "1.2.3", "e5", "+-1"] {
            assert!(BigDecimal::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(BigDecimal::parse("+.5").unwrap(), BigDecimal::new(5, 1));
        assert_eq!(BigDecimal::parse("5.").unwrap(), BigDecimal::new(5, 0));
        assert_eq!(BigDecimal::parse("1E400").unwrap(), BigDecimal::new(1, -400));
    }

    #[test]
    fn integers_are_exact_or_none() {
        assert_eq!(BigDecimal::parse("300.0").unwrap().to_i64_exact(), Some(300));
        assert_eq!(BigDecimal::parse("-1e3").unwrap().to_i64_exact(), Some(-1000));
        assert_eq!(BigDecimal::parse("1.5").unwrap().to_i64_exact(), None);
        assert_eq!(BigDecimal::parse("9223372036854775808").unwrap().to_i64_exact(), None);
        assert_eq!(BigDecimal::parse("1.9").unwrap().to_i64_wrapping(), 1);
        assert_eq!(BigDecimal::parse("99999999999999999999").unwrap().to_i64_wrapping(), 7_766_279_631_452_241_919);
        assert_eq!(BigDecimal::parse("-0.9").unwrap().to_i64_wrapping(), 0);
    }

    #[test]
    fn unscaled_bytes_are_minimal() {
        assert_eq!(BigDecimal::new(0, 0).to_unscaled_bytes(), [0]);
        assert_eq!(BigDecimal::new(-1, 0).to_unscaled_bytes(), [0xff]);
        assert_eq!(BigDecimal::from_unscaled_bytes(&[0, 156], 2).to_string(), "1.56");
    }
}
