//! Parsed configuration values and the answer of a validation.

use std::fmt;

use crate::data::Value;

/// A secret. `Debug` and `Display` print `[hidden]` (Invariant 9); [`Password::expose`] is the only way to the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A configuration value after parsing, by [`super::ConfigType`].
#[derive(Clone, Debug, PartialEq)]
pub enum ParsedValue {
    /// No value.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `STRING`, trimmed; also `CLASS`, as the class name.
    String(String),
    /// `SHORT`.
    Short(i16),
    /// `INT`.
    Int(i32),
    /// `LONG`.
    Long(i64),
    /// `DOUBLE`.
    Double(f64),
    /// `LIST`.
    List(Vec<String>),
    /// `PASSWORD`.
    Password(Password),
}

impl fmt::Display for ParsedValue {
    /// The string form that `/validate` shows; `Null` prints `null`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::String(value) => f.write_str(value),
            Self::Short(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{}", Value::Float64(*value)),
            Self::List(items) => f.write_str(&items.join(",")),
            Self::Password(secret) => write!(f, "{secret}"),
        }
    }
}

/// What validation says of one key (`ConfigValue`).
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigValue {
    /// The key.
    pub name: String,
    /// The parsed value in string form, `None` when there is none or it could not be parsed.
    pub value: Option<String>,
    /// What a form may offer.
    pub recommended_values: Vec<String>,
    /// What is wrong with the value, in Kafka's words.
    pub error_messages: Vec<String>,
    /// Whether a form should show the key.
    pub visible: bool,
}

impl ConfigValue {
    /// A visible value without errors.
    pub fn new(name: impl Into<String>, value: Option<String>) -> Self {
        Self { name: name.into(), value, recommended_values: Vec::new(), error_messages: Vec::new(), visible: true }
    }
}
