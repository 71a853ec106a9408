//! The types of Java's client properties: what a value must look like, and how it is written for librdkafka.

/// How a value is checked.
#[derive(Clone, Copy, Debug)]
pub(super) enum ValueType {
    /// Any text.
    Text,
    /// Comma-separated text.
    List,
    Boolean,
    /// A Java `int`.
    Int,
    /// A Java `long`.
    Long,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
}

impl ValueType {
    /// The value in the spelling librdkafka takes, or what was expected instead.
    pub(super) fn parse(self, value: &str) -> Result<String, String> {
        let trimmed = value.trim();
        match self {
            Self::Text | Self::List => Ok(trimmed.to_owned()),
            Self::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => Ok(word.to_owned()),
                _ => Err("true or false".to_owned()),
            },
            Self::Int => trimmed.parse::<i32>().map(|n| n.to_string()).map_err(|_| "an integer of 32 bits".to_owned()),
            Self::Long => trimmed.parse::<i64>().map(|n| n.to_string()).map_err(|_| "an integer of 64 bits".to_owned()),
            Self::OneOf(words) => {
                let lower = trimmed.to_ascii_lowercase();
                if words.contains(&lower.as_str()) { Ok(lower) } else { Err(format!("one of {}", words.join(", "))) }
            }
        }
    }
}
