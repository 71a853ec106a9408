//! Records to Confluent's client for Python and back, through one registry: what the tests of each schema format share.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value as Json;
use sluice_api::{Schema, Value};
use sluice_harness::{SchemaRegistry, python};

use crate::registry::{converter, topic};

/// One record that went there and came back.
pub(crate) struct Exchanged {
    /// What Sluice wrote.
    pub(crate) ours: Bytes,
    /// What Confluent's client wrote of what it had read.
    pub(crate) theirs: Bytes,
    /// What Confluent's client read.
    pub(crate) shown: Json,
}

/// Writes `values` with the converter `class`, has `script` read them and write them again, and reads that. What is read equals
/// what was written, ours and theirs. The script gets the registry's address and the topic as arguments and a record per line
/// in Base64; for each it prints an object with `value` and, in Base64, `written`.
pub(crate) fn exchange(
    class: &str,
    keys: &[(&str, &str)],
    script: &str,
    schema: &Schema,
    values: &[Value],
) -> Result<Vec<Exchanged>> {
    let (url, topic) = (SchemaRegistry::shared()?.url(), topic("python"));
    let mut converter = converter(class, &url, keys)?;
    let mut lines = String::new();
    let mut written = Vec::with_capacity(values.len());
    for value in values {
        let bytes = converter.from_connect_data(&topic, Some(schema), value)?.context("bytes")?;
        let read = converter.to_connect_data(&topic, Some(&bytes))?;
        assert_eq!(read.value.to_string(), value.to_string());
        assert_eq!(read.schema.context("schema")?.version(), Some(1));
        lines.push_str(&STANDARD.encode(&bytes));
        lines.push('\n');
        written.push(bytes);
    }
    let answers = String::from_utf8(python(script, &[&url, &topic], lines.as_bytes())?)?;
    let answers: Vec<Json> = answers.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(answers.len() == values.len(), "{} answers to {} records", answers.len(), values.len());
    let mut exchanged = Vec::with_capacity(values.len());
    for ((mut answer, value), ours) in answers.into_iter().zip(values).zip(written) {
        let theirs = Bytes::from(STANDARD.decode(answer["written"].as_str().context("bytes")?)?);
        assert_eq!(converter.to_connect_data(&topic, Some(&theirs))?.value.to_string(), value.to_string());
        exchanged.push(Exchanged { ours, theirs, shown: answer["value"].take() });
    }
    eprintln!("{} records to Confluent's Python client and back", values.len());
    Ok(exchanged)
}
