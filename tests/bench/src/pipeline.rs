//! What stands between connector and topic in a row: converters and transforms, and what they make of the corpus's lines.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::engines::Subject;

/// The pipeline of a file job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pipeline {
    /// StringConverter, as the worker has it.
    Plain,
    /// Transforms and JsonConverter with schemas.
    Json,
    /// AvroConverter with a schema registry; the source hoists the line into a struct.
    Avro,
}

/// Where the Avro rows find their schemas.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// The base URL of the registry in Confluent's interface.
    pub(crate) url: String,
    /// And in Apicurio's own.
    pub(crate) own_url: String,
    /// The id of the schema that the sink's records were written with.
    pub(crate) schema_id: u32,
}

/// The Avro schema of the records that the Avro sink finds.
pub(crate) const SINK_SCHEMA: &str = r#"{"type":"record","name":"Line","namespace":"bench","fields":[
    {"name":"id","type":"long"},{"name":"text","type":"string"},{"name":"n","type":["null","int"],"default":null}]}"#;

/// `n` of record `id`.
const fn remainder(id: u64) -> u64 {
    id % 1000
}

impl Pipeline {
    /// For names of topics and connectors.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Pipeline::Plain => "lines",
            Pipeline::Json => "json",
            Pipeline::Avro => "avro",
        }
    }

    /// What a source's JSON has besides class, file and topic.
    pub(crate) fn of_source(self, subject: Subject, registered: Option<&Registered>) -> Result<Value> {
        Ok(match self {
            Pipeline::Plain => json!({}),
            Pipeline::Json => json!({
                "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
                "transforms": "hoist,insert",
                "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value", "transforms.hoist.field": "line",
                "transforms.insert.type": "org.apache.kafka.connect.transforms.InsertField$Value",
                "transforms.insert.static.field": "origin", "transforms.insert.static.value": "bench",
                "transforms.insert.timestamp.field": "at",
            }),
            Pipeline::Avro => merged(
                avro(subject, registered)?,
                &json!({
                    "transforms": "hoist",
                    "transforms.hoist.type": "org.apache.kafka.connect.transforms.HoistField$Value", "transforms.hoist.field": "line",
                }),
            ),
        })
    }

    /// What a sink's JSON has besides class, file and topics.
    pub(crate) fn of_sink(self, subject: Subject, registered: Option<&Registered>) -> Result<Value> {
        Ok(match self {
            Pipeline::Plain => json!({}),
            Pipeline::Json => json!({
                "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
                "transforms": "flatten,cast",
                "transforms.flatten.type": "org.apache.kafka.connect.transforms.Flatten$Value",
                "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
                "transforms.cast.spec": "id:string,doc.n:int64",
            }),
            Pipeline::Avro => avro(subject, registered)?,
        })
    }

    /// The line in a value that a source produced.
    pub(crate) fn line_of(self, value: &[u8], into: &mut Vec<u8>) -> Result<()> {
        into.clear();
        match self {
            Pipeline::Plain => into.extend_from_slice(value),
            Pipeline::Json => {
                let value: Value = serde_json::from_slice(value).context("a record that is no JSON")?;
                let payload = &value["payload"];
                ensure!(payload["origin"] == "bench" && payload["at"].is_i64(), "a record without its fields: {value}");
                into.extend_from_slice(payload["line"].as_str().context("a record without a line")?.as_bytes());
            }
            Pipeline::Avro => {
                let (length, text) = varint(value.get(5..).context("a record shorter than its header")?)?;
                ensure!(value[0] == 0 && length == text.len() as i64, "a record that is not a struct with a line");
                into.extend_from_slice(text);
            }
        }
        Ok(())
    }

    /// The value that a sink finds for a line.
    pub(crate) fn record(self, id: u64, line: &[u8], registered: Option<&Registered>) -> Result<Vec<u8>> {
        Ok(match self {
            Pipeline::Plain => line.to_vec(),
            Pipeline::Json => {
                let field = |name: &str, kind: &str| json!({"type": kind, "optional": false, "field": name});
                let doc = json!({"type": "struct", "optional": false, "field": "doc", "fields": [field("text", "string"), field("n", "int32")]});
                let schema = json!({"type": "struct", "optional": false, "name": "bench.Line", "fields": [field("id", "int64"), doc]});
                let payload = json!({"id": id, "doc": {"text": std::str::from_utf8(line)?, "n": remainder(id)}});
                json!({"schema": schema, "payload": payload}).to_string().into_bytes()
            }
            Pipeline::Avro => {
                let mut value = vec![0];
                value.extend_from_slice(&registered.context("no registry")?.schema_id.to_be_bytes());
                write_varint(&mut value, i64::try_from(id)?);
                write_varint(&mut value, i64::try_from(line.len())?);
                value.extend_from_slice(line);
                write_varint(&mut value, 1);
                write_varint(&mut value, i64::try_from(remainder(id))?);
                value
            }
        })
    }

    /// The line that a sink's file has for it.
    pub(crate) fn written(self, id: u64, line: &[u8]) -> Vec<u8> {
        let mut written = Vec::with_capacity(line.len() + 64);
        let text = String::from_utf8_lossy(line);
        let n = remainder(id);
        let done = match self {
            Pipeline::Plain => written.write_all(line),
            Pipeline::Json => write!(written, "Struct{{id={id},doc.text={text},doc.n={n}}}"),
            Pipeline::Avro => write!(written, "Struct{{id={id},text={text},n={n}}}"),
        };
        done.expect("a vector takes every write");
        written
    }
}

/// The converter that each worker has for Avro in Confluent's wire format: the peer's is Apicurio's.
fn avro(subject: Subject, registered: Option<&Registered>) -> Result<Value> {
    let Registered { url, own_url, .. } = registered.context("no registry")?;
    Ok(match subject {
        Subject::Oracle => json!({
            "value.converter": "io.apicurio.registry.utils.converter.AvroConverter",
            "value.converter.apicurio.registry.url": own_url,
            "value.converter.apicurio.registry.auto-register": "true",
            "value.converter.apicurio.registry.find-latest": "true",
            "value.converter.apicurio.registry.headers.enabled": "false",
            "value.converter.apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
        }),
        _ => json!({
            "value.converter": "io.confluent.connect.avro.AvroConverter",
            "value.converter.schema.registry.url": url,
        }),
    })
}

/// The members of both.
pub(crate) fn merged(mut one: Value, other: &Value) -> Value {
    if let (Some(into), Some(from)) = (one.as_object_mut(), other.as_object()) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    one
}

/// A zigzag number and what follows it.
fn varint(bytes: &[u8]) -> Result<(i64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let unsigned = (number >> 1) as i64;
            return Ok((unsigned ^ -((number & 1) as i64), &bytes[index + 1..]));
        }
    }
    anyhow::bail!("a number that does not end")
}

fn write_varint(into: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    while left > 0x7f {
        into.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    into.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, -1, 63, 64, -65, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            write_varint(&mut bytes, number);
            bytes.push(9);
            assert_eq!(varint(&bytes).expect("a number"), (number, &[9][..]));
        }
    }

    #[test]
    fn a_line_is_found_again_in_what_a_source_produces() {
        let mut line = Vec::new();
        let json = br#"{"schema":{},"payload":{"line":"abc","origin":"bench","at":5}}"#;
        Pipeline::Json.line_of(json, &mut line).expect("a line");
        assert_eq!(line, b"abc");
        Pipeline::Avro.line_of(&[0, 0, 0, 0, 7, 6, b'a', b'b', b'c'], &mut line).expect("a line");
        assert_eq!(line, b"abc");
        assert!(Pipeline::Avro.line_of(&[0, 0, 0, 0, 7, 8, b'a', b'b', b'c'], &mut line).is_err());
    }
}
