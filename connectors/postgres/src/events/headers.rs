//! `__debezium.context.*` headers.

use bytestring::ByteString;
use openssl::rand::rand_bytes;
use sluice_api::{ConnectError, Headers, Result, Schema, Value};

/// The headers of every change event; empty when they are switched off.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContextHeaders(Headers);

impl ContextHeaders {
    /// Headers of one run of a task.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(crate) fn new(prefix: &str, task: u32) -> Result<Self> {
        let mut headers = Headers::new();
        let values = [
            ("__debezium.context.connectorLogicalName", prefix.to_owned()),
            ("__debezium.context.taskId", task.to_string()),
            ("__debezium.context.connectorName", "postgresql".to_owned()),
            ("__debezium.context.runId", random_uuid()?),
        ];
        for (name, value) in values {
            headers.add(name, Some(Schema::STRING), Value::String(ByteString::from(value)))?;
        }
        Ok(Self(headers))
    }

    /// The headers, after those that say more of an event.
    pub(crate) fn headers(&self) -> Headers {
        self.0.clone()
    }
}

fn random_uuid() -> Result<String> {
    let mut bytes = [0u8; 16];
    rand_bytes(&mut bytes).map_err(|error| ConnectError::connect(format!("no randomness: {error}")))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
