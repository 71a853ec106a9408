//! Ranges.

use super::{Validator, invalid};
use crate::config::ParsedValue;

impl Validator {
    /// A number of at least `min`.
    pub fn at_least(min: i64) -> Self {
        Self::new(format!("[{min},...]"), move |name, value| in_range(name, value, min, None))
    }

    /// A number from `min` to `max`, both included.
    pub fn between(min: i64, max: i64) -> Self {
        Self::new(format!("[{min},...,{max}]"), move |name, value| in_range(name, value, min, Some(max)))
    }

    /// A number of at least `min`, or no value.
    pub fn optional_at_least(min: i64) -> Self {
        Self::new(format!("[{min},...]"), move |name, value| match value {
            ParsedValue::Null => Ok(()),
            _ => in_range(name, value, min, None),
        })
    }

    /// A number of topic partitions: positive, or -1 for the broker's choice.
    pub fn partitions() -> Self {
        Self::new("Positive number, or -1 to use the broker's default", |name, value| {
            broker_default(name, value, "Number of partitions must be positive, or -1 to use the broker's default")
        })
    }

    /// A number of replicas: positive, or -1 for the broker's choice.
    pub fn replication_factor() -> Self {
        let detail = "not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default";
        Self::new(format!("Positive number {detail}"), move |name, value| {
            broker_default(name, value, &format!("Replication factor must be positive and {detail}"))
        })
    }
}

fn broker_default(name: &str, value: &ParsedValue, detail: &str) -> Result<(), String> {
    match number(value) {
        Some(n) if n == -1.0 || n > 0.0 => Ok(()),
        Some(_) => Err(invalid(name, value, detail)),
        None => Err(invalid(name, value, "Value must be non-null")),
    }
}

fn in_range(name: &str, value: &ParsedValue, min: i64, max: Option<i64>) -> Result<(), String> {
    let Some(n) = number(value) else { return Err(invalid(name, value, "Value must be non-null")) };
    if n < min as f64 {
        return Err(invalid(name, value, &format!("Value must be at least {min}")));
    }
    match max {
        Some(max) if n > max as f64 => Err(invalid(name, value, &format!("Value must be no more than {max}"))),
        _ => Ok(()),
    }
}

/// Kafka compares as doubles.
fn number(value: &ParsedValue) -> Option<f64> {
    match value {
        ParsedValue::Short(n) => Some(f64::from(*n)),
        ParsedValue::Int(n) => Some(f64::from(*n)),
        ParsedValue::Long(n) => Some(*n as f64),
        ParsedValue::Double(n) => Some(*n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_included() {
        let range = Validator::between(0, 9);
        assert_eq!(range.check("k", &ParsedValue::Int(0)), Ok(()));
        assert_eq!(range.check("k", &ParsedValue::Long(9)), Ok(()));
        let low = range.check("k", &ParsedValue::Int(-1));
        assert_eq!(low, Err("Invalid value -1 for configuration k: Value must be at least 0".into()));
        let high = range.check("k", &ParsedValue::Int(10));
        assert_eq!(high, Err("Invalid value 10 for configuration k: Value must be no more than 9".into()));
        assert_eq!(Validator::optional_at_least(0).check("k", &ParsedValue::Null), Ok(()));
    }
}
