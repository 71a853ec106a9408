//! Java's `toString` of values.

use std::fmt;

use super::Value;

impl fmt::Display for Value {
    /// As [`Value::write_text`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_text(f)
    }
}

impl Value {
    /// Writes the value as Java prints it: maps `{k=v}`, lists `[a, b]`, structs `Struct{a=1}`, dates in UTC. Bytes print as `[B@`
    /// and a number; Java's number is different in every run, ours comes from the contents.
    ///
    /// The same text as `Display`, without the cost of a formatter for each part.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text<W: fmt::Write>(&self, out: &mut W) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Boolean(value) => out.write_str(if *value { "true" } else { "false" }),
            Self::Int8(value) => write_integer(out, *value),
            Self::Int16(value) => write_integer(out, *value),
            Self::Int32(value) => write_integer(out, *value),
            Self::Int64(value) => write_integer(out, *value),
            Self::Float32(value) => out.write_str(&java_float_text(*value)),
            Self::Float64(value) => out.write_str(&java_double_text(*value)),
            Self::String(text) => out.write_str(text),
            Self::Bytes(bytes) => {
                let hash = bytes
                    .iter()
                    .fold(1u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(*byte as i8) as u32));
                write!(out, "[B@{hash:x}")
            }
            Self::Decimal(value) => write!(out, "{value}"),
            Self::Date(millis) => write_date(out, *millis),
            Self::Array(items) => {
                out.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    out.write_str(if at == 0 { "" } else { ", " })?;
                    item.write_text(out)?;
                }
                out.write_str("]")
            }
            Self::Map(entries) => {
                out.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.write_str(if at == 0 { "" } else { ", " })?;
                    key.write_text(out)?;
                    out.write_str("=")?;
                    value.write_text(out)?;
                }
                out.write_str("}")
            }
            Self::Struct(value) => value.write_text(out),
        }
    }
}

fn write_integer<W: fmt::Write>(out: &mut W, number: impl itoa::Integer) -> fmt::Result {
    out.write_str(itoa::Buffer::new().format(number))
}

/// `Float.toString` as of JDK 19: the shortest decimal that reads back, `1.0E10` from 10^7 on and below 10^-3.
pub fn java_float_text(value: f32) -> String {
    match special(f64::from(value)) {
        Some(text) => text.to_owned(),
        None => {
            let two_digits = format!("{value:.1e}");
            let keep = two_digits.parse() == Ok(value);
            layout(if keep { &two_digits } else { "" }, &format!("{value:e}"))
        }
    }
}

/// `Double.toString` as of JDK 19: the shortest decimal that reads back, `1.0E10` from 10^7 on and below 10^-3.
pub fn java_double_text(value: f64) -> String {
    match special(value) {
        Some(text) => text.to_owned(),
        None => {
            let two_digits = format!("{value:.1e}");
            let keep = two_digits.parse() == Ok(value);
            layout(if keep { &two_digits } else { "" }, &format!("{value:e}"))
        }
    }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ if value == 0.0 => Some(if value.is_sign_negative() { "-0.0" } else { "0.0" }),
        _ => None,
    }
}

/// Java prefers the nearest of the decimals with two digits to the shortest when that has one (`4.9E-324`, not `5E-324`):
/// `two_digits` is that decimal if it reads back, else empty.
fn layout(two_digits: &str, shortest: &str) -> String {
    let (mantissa, exponent) = if two_digits.is_empty() { shortest } else { two_digits }
        .split_once('e')
        .expect("the exponent format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent format has a number as exponent");
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let or_zero = |text: &str| if text.is_empty() { "0".to_owned() } else { text.to_owned() };
    match exponent {
        0..7 => {
            let digits = format!("{whole}{fraction:0<width$}", width = exponent as usize);
            let (before, after) = digits.split_at(exponent as usize + 1);
            format!("{sign}{before}.{}", or_zero(after))
        }
        -3..0 => format!("{sign}0.{}{whole}{fraction}", "0".repeat(-exponent as usize - 1)),
        _ => format!("{sign}{whole}.{}E{exponent}", or_zero(fraction)),
    }
}

/// `java.util.Date.toString` in UTC: `Thu Jan 01 00:00:00 UTC 1970`.
fn write_date<W: fmt::Write>(out: &mut W, millis: i64) -> fmt::Result {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = millis.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    write!(out, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
}

/// Year, month (1 to 12) and day of the proleptic Gregorian calendar; day 0 is 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Years that start in March, in eras of 400 years (146,097 days).
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::super::Map;
    use super::*;

    #[test]
    fn doubles_print_as_in_java() {
        let vectors = [
            (100.0, "100.0"),
            (1e7, "1.0E7"),
            (1e22, "1.0E22"),
            (-0.0, "-0.0"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
            (1.1, "1.1"),
            (123_456.789, "123456.789"),
            (9_999_999.0, "9999999.0"),
            (12_345_678.9, "1.23456789E7"),
            (4.9e-324, "4.9E-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157E308"),
            (-1.5e-5, "-1.5E-5"),
            (0.5, "0.5"),
            (2e-3, "0.002"),
            (1e23, "1.0E23"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (1_000_001.0, "1000001.0"),
            (10.25, "10.25"),
        ];
        for (value, text) in vectors {
            assert_eq!(java_double_text(value), text);
        }
        assert_eq!(java_float_text(1.4e-45), "1.4E-45");
        assert_eq!(java_float_text(1.0), "1.0");
        assert_eq!(java_float_text(3.402_823_5e38), "3.4028235E38");
        assert_eq!(java_float_text(0.1), "0.1");
    }

    #[test]
    fn collections_print_as_in_java() {
        let list = Value::Array(vec![1i32.into(), Value::Null, "x".into()]);
        assert_eq!(list.to_string(), "[1, null, x]");
        let map = Map::insertion_ordered([("a".into(), 1.0f32.into()), ("b".into(), list)]);
        assert_eq!(Value::from(map).to_string(), "{a=1.0, b=[1, null, x]}");
    }

    #[test]
    fn dates_print_in_utc() {
        assert_eq!(Value::Date(0).to_string(), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(Value::Date(1_709_210_096_789).to_string(), "Thu Feb 29 12:34:56 UTC 2024");
        assert_eq!(Value::Date(-1).to_string(), "Wed Dec 31 23:59:59 UTC 1969");
    }
}
