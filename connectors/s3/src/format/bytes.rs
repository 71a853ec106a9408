//! `ByteArrayFormat`: bytes and a separator per record.

use sluice_api::{ConnectError, Headers, Result, Schema, Value};

use super::Encoder;

pub(super) struct BytesEncoder {
    separator: Vec<u8>,
}

impl BytesEncoder {
    pub(super) fn new(separator: Vec<u8>) -> Self {
        Self { separator }
    }
}

impl Encoder for BytesEncoder {
    fn append(&mut self, out: &mut Vec<u8>, _schema: Option<&Schema>, value: &Value) -> Result<usize> {
        let Value::Bytes(bytes) = value else {
            return Err(ConnectError::data(format!(
                "ByteArrayFormat writes bytes, found {}: set `value.converter` to \
                 org.apache.kafka.connect.converters.ByteArrayConverter, or choose another format",
                value.java_class()
            )));
        };
        out.extend_from_slice(bytes);
        out.extend_from_slice(&self.separator);
        Ok(bytes.len() + self.separator.len())
    }

    fn append_headers(&mut self, _out: &mut Vec<u8>, _headers: &Headers) -> Result<usize> {
        Err(ConnectError::data("ByteArrayFormat cannot hold headers"))
    }
}
