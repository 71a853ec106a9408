//! The forms of a timestamp and the way from each to each, through milliseconds since the epoch.

use sluice_api::data::logical;
use sluice_api::{ConnectError, Result, Schema, SchemaType, Value};

use crate::simple_date_format::SimpleDateFormat;

/// A form of a timestamp (`target.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    String,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What a number counts (`unix.precision`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

/// What a conversion needs to know.
pub(super) struct Settings {
    pub(super) target: Form,
    /// `None` when no pattern was given.
    pub(super) format: Option<SimpleDateFormat>,
    pub(super) precision: Precision,
}

impl Form {
    /// The words of `target.type`.
    pub(super) const NAMES: [&'static str; 5] = ["string", "unix", "Date", "Time", "Timestamp"];

    /// The form of a word of [`Form::NAMES`].
    pub(super) fn named(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "unix" => Self::Unix,
            "Date" => Self::Date,
            "Time" => Self::Time,
            _ => Self::Timestamp,
        }
    }

    /// The form that values of `schema` have; the error is the whole message.
    pub(super) fn of(schema: &Schema) -> Result<Self, String> {
        match (schema.name(), schema.schema_type()) {
            (Some(logical::TIMESTAMP), _) => Ok(Self::Timestamp),
            (Some(logical::DATE), _) => Ok(Self::Date),
            (Some(logical::TIME), _) => Ok(Self::Time),
            (_, SchemaType::String) => Ok(Self::String),
            (_, SchemaType::Int64) => Ok(Self::Unix),
            _ => Err(format!("Schema {schema} does not correspond to a known timestamp type format")),
        }
    }

    /// The form that a value without schema has.
    fn inferred(value: &Value) -> Result<Self> {
        match value {
            Value::Date(_) => Ok(Self::Timestamp),
            Value::Int64(_) => Ok(Self::Unix),
            Value::String(_) => Ok(Self::String),
            other => {
                let class = other.java_class();
                let message = format!("TimestampConverter does not support class {class} objects as timestamps");
                Err(ConnectError::data(message))
            }
        }
    }

    /// The schema of values of this form.
    pub(super) fn schema(self, optional: bool) -> Schema {
        let builder = match self {
            Self::String if optional => return Schema::OPTIONAL_STRING,
            Self::String => return Schema::STRING,
            Self::Unix if optional => return Schema::OPTIONAL_INT64,
            Self::Unix => return Schema::INT64,
            Self::Date => logical::date_builder(),
            Self::Time => logical::time_builder(),
            Self::Timestamp => logical::timestamp_builder(),
        };
        let builder = if optional { builder.optional() } else { builder };
        builder.build().expect("every attribute is set once")
    }
}

impl Precision {
    /// The words of `unix.precision`.
    pub(super) const NAMES: [&'static str; 4] = ["nanoseconds", "microseconds", "milliseconds", "seconds"];

    /// The precision of a word of [`Precision::NAMES`].
    pub(super) fn named(name: &str) -> Self {
        match name {
            "nanoseconds" => Self::Nanoseconds,
            "microseconds" => Self::Microseconds,
            "seconds" => Self::Seconds,
            _ => Self::Milliseconds,
        }
    }

    /// Fractions are cut off, what is too large saturates, both ways, as Java's `TimeUnit` does.
    fn to_millis(self, number: i64) -> i64 {
        match self {
            Self::Nanoseconds => number / 1_000_000,
            Self::Microseconds => number / 1000,
            Self::Milliseconds => number,
            Self::Seconds => number.saturating_mul(1000),
        }
    }

    fn count(self, millis: i64) -> i64 {
        match self {
            Self::Nanoseconds => millis.saturating_mul(1_000_000),
            Self::Microseconds => millis.saturating_mul(1000),
            Self::Milliseconds => millis,
            Self::Seconds => millis / 1000,
        }
    }
}

impl Settings {
    /// `value`, which has `form` or the one that its class says, in the target's form. Null stays null.
    pub(super) fn convert(&mut self, value: Value, form: Option<Form>) -> Result<Value> {
        if value.is_null() {
            return Ok(value);
        }
        let form = form.map_or_else(|| Form::inferred(&value), Ok)?;
        let millis = self.millis(&value, form)?;
        Ok(match self.target {
            Form::String => self.format()?.format(millis).into(),
            Form::Unix => Value::Int64(self.precision.count(millis)),
            Form::Date => Value::Date(millis.wrapping_sub(millis.rem_euclid(logical::MILLIS_PER_DAY))),
            Form::Time => Value::Date(millis.rem_euclid(logical::MILLIS_PER_DAY)),
            Form::Timestamp => Value::Date(millis),
        })
    }

    fn millis(&mut self, value: &Value, form: Form) -> Result<i64> {
        match (form, value) {
            (Form::String, Value::String(text)) => self.format()?.parse(text).map_err(|error| {
                let pattern = self.format.as_ref().map_or("", SimpleDateFormat::pattern);
                let message = format!("Could not parse timestamp: value ({text}) does not match pattern ({pattern})");
                ConnectError::data(message).with_source(error)
            }),
            (Form::Unix, Value::Int64(number)) => Ok(self.precision.to_millis(*number)),
            (Form::Date | Form::Time | Form::Timestamp, Value::Date(millis)) => Ok(*millis),
            (Form::String, other) => Err(unexpected("string timestamp to be a String", other)),
            (Form::Unix, other) => Err(unexpected("Unix timestamp to be a Long", other)),
            (Form::Date, other) => Err(unexpected("Date to be a java.util.Date", other)),
            (Form::Time, other) => Err(unexpected("Time to be a java.util.Date", other)),
            (Form::Timestamp, other) => Err(unexpected("Timestamp to be a java.util.Date", other)),
        }
    }

    fn format(&mut self) -> Result<&mut SimpleDateFormat> {
        let missing = || ConnectError::data("TimestampConverter needs `format` to read timestamps that are strings");
        self.format.as_mut().ok_or_else(missing)
    }
}

fn unexpected(expected: &str, value: &Value) -> ConnectError {
    ConnectError::data(format!("Expected {expected}, but found class {}", value.java_class()))
}
