//! `JsonFormat`: a JSON document and a line end per record.

use sluice_api::{Headers, Result, Schema, Value};
use sluice_converters::json::JsonRows;

use super::Encoder;

pub(super) struct JsonEncoder(JsonRows);

impl JsonEncoder {
    pub(super) fn new(numeric_decimals: bool) -> Self {
        Self(JsonRows::new(numeric_decimals))
    }
}

impl Encoder for JsonEncoder {
    fn append(&mut self, out: &mut Vec<u8>, schema: Option<&Schema>, value: &Value) -> Result<usize> {
        let before = out.len();
        self.0.append(out, schema, value)?;
        out.push(b'\n');
        Ok(out.len() - before)
    }

    fn append_headers(&mut self, out: &mut Vec<u8>, headers: &Headers) -> Result<usize> {
        let before = out.len();
        out.extend_from_slice(b"{\"headers\":[");
        for (at, header) in headers.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"key\":");
            self.0.append(out, None, &Value::from(&*header.key))?;
            out.extend_from_slice(b",\"value\":");
            self.0.append(out, header.schema.as_ref(), &header.value)?;
            out.push(b'}');
        }
        out.extend_from_slice(b"]}\n");
        Ok(out.len() - before)
    }
}
