//! Avro for files: one schema, and values one after another into a buffer of the caller's.

use sluice_api::{Properties, Result, Schema, Value};

use super::config::AvroDataConfig;
use super::from_connect::from_connect;
use super::write::{self, Write};

/// Writes values of one Connect schema, mapped as `AvroConverter` does.
pub struct AvroRows {
    schema_text: String,
    plan: Write,
}

impl AvroRows {
    /// `options` are the converter's keys about the mapping (`enhanced.avro.schema.support`, …).
    ///
    /// # Errors
    /// `Data` when the schema cannot be mapped, `Config` when an option is wrong.
    pub fn new(schema: Option<&Schema>, options: &Properties) -> Result<Self> {
        let config = AvroDataConfig::parse(options)?;
        let avro = from_connect(&config, schema)?;
        Ok(Self { plan: write::compile(&config, schema, &avro)?, schema_text: avro.unambiguous_text()? })
    }

    /// The Avro schema as JSON.
    pub fn schema_text(&self) -> &str {
        &self.schema_text
    }

    /// Appends one value.
    ///
    /// # Errors
    /// `Data` when the value does not fit; what was appended is worthless then.
    pub fn append(&self, out: &mut Vec<u8>, value: &Value) -> Result<()> {
        self.plan.write(out, value)
    }
}
