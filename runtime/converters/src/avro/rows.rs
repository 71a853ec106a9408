//! Avro for files: one schema, and values one after another into a buffer of the caller's.

use bytes::Bytes;
use sluice_api::{Properties, Result, Schema, Value};

use super::config::AvroDataConfig;
use super::from_connect::from_connect;
use super::read::{self, Input, Read};
use super::schema;
use super::to_connect::to_connect;
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

/// Reads values that were written one after another with one Avro schema, mapped as `AvroConverter` does.
pub struct AvroRowReader {
    schema: Option<Schema>,
    plan: Read,
}

impl AvroRowReader {
    /// `text` is the writer's schema as JSON; `options` as for [`AvroRows::new`].
    ///
    /// # Errors
    /// `Data` when the text is no Avro schema or cannot be mapped, `Config` when an option is wrong.
    pub fn new(text: &str, options: &Properties) -> Result<Self> {
        let config = AvroDataConfig::parse(options)?;
        let avro = schema::parse(text, std::iter::empty())?;
        let schema = to_connect(&config, &avro, None)?;
        let plan = read::compile(&config, &avro, &avro, schema.as_ref())?;
        Ok(Self { schema, plan })
    }

    /// The schema of the values.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The value at the beginning of `bytes`, and how many bytes it takes.
    ///
    /// # Errors
    /// `Data` when the bytes end too early or are none of the schema.
    pub fn read(&self, bytes: &Bytes) -> Result<(Value, usize)> {
        let mut input = Input::new(bytes);
        let value = self.plan.read(&mut input)?;
        Ok((value, bytes.len() - input.remaining()))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::{SchemaBuilder, Struct};

    use super::*;

    #[test]
    fn rows_come_back_with_their_schema() {
        let schema = SchemaBuilder::structure()
            .name("a.Row")
            .field("id", Schema::INT64)
            .field("name", Schema::OPTIONAL_STRING)
            .build()
            .unwrap();
        let row = |id: i64| Value::from(Struct::new(schema.clone()).unwrap().with("id", id).unwrap());
        let rows = AvroRows::new(Some(&schema), &Properties::new()).unwrap();
        let mut out = Vec::new();
        (0..3).for_each(|id| rows.append(&mut out, &row(id)).unwrap());
        let reader = AvroRowReader::new(rows.schema_text(), &Properties::new()).unwrap();
        assert_eq!(reader.schema(), Some(&schema));
        let mut rest = Bytes::from(out);
        for id in 0..3 {
            let (value, taken) = reader.read(&rest).unwrap();
            assert_eq!(value, row(id));
            rest = rest.slice(taken..);
        }
        assert!(rest.is_empty() && reader.read(&rest).is_err());
    }
}
