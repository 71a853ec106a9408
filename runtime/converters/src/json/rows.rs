//! JSON without schemas for files: one value after another into a buffer of the caller's.

use sluice_api::{Result, Schema, Value};

use super::config::DecimalFormat;
use super::encoder::Encoder;
use super::writer::write_value;

/// Writes structs as `JsonConverter` does without schemas, anything else as Jackson alone would.
#[derive(Clone, Copy, Debug)]
pub struct JsonRows(Encoder);

impl JsonRows {
    /// Decimals as numbers, or as base64 of their bytes.
    pub fn new(numeric_decimals: bool) -> Self {
        let decimal_format = if numeric_decimals { DecimalFormat::Numeric } else { DecimalFormat::Base64 };
        Self(Encoder { decimal_format, replace_null_with_default: true })
    }

    /// Appends one value.
    ///
    /// # Errors
    /// `Data` when the value does not fit its schema; `out` may have got a part of it.
    pub fn append(&self, out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<()> {
        match (schema, value) {
            (Some(schema), Value::Struct(_)) => self.0.write(out, Some(schema), value),
            _ => {
                write_value(out, value);
                Ok(())
            }
        }
    }
}
