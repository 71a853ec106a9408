//! Aiven's formats: chosen fields of each record as CSV, as a JSON array, or as JSON lines (connectors.md 1b). Between records, not
//! behind the last one, is a separator.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sluice_api::{ConnectError, Headers, Result, Schema, SinkRecord, Value};
use sluice_converters::json::JsonRows;

use super::Encoder;

/// A part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    // In the order in which Java's `HashMap` has the names: that of the fields in a JSON document.
    Headers,
    Offset,
    Value,
    Key,
    Timestamp,
}

impl Field {
    /// The field of that name, in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "key" => Self::Key,
            "value" => Self::Value,
            "offset" => Self::Offset,
            "timestamp" => Self::Timestamp,
            "headers" => Self::Headers,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::Offset => "offset",
            Self::Timestamp => "timestamp",
            Self::Headers => "headers",
        }
    }
}

/// How the fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Csv {
        /// Whether values are base64.
        encodes_values: bool,
    },
    /// An array.
    Json { envelope: bool },
    /// A document a line.
    JsonLines { envelope: bool },
}

pub(super) struct FieldsEncoder {
    fields: Vec<Field>,
    layout: Layout,
    json: JsonRows,
    records: u64,
}

impl FieldsEncoder {
    pub(super) fn new(fields: &[Field], layout: Layout) -> Self {
        let mut fields = fields.to_vec();
        if !matches!(layout, Layout::Csv { .. }) {
            fields.sort_unstable();
            fields.dedup();
        }
        Self { fields, layout, json: JsonRows::new(false), records: 0 }
    }

    fn csv(&self, out: &mut Vec<u8>, record: &SinkRecord, encodes_values: bool) -> Result<()> {
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match field {
                Field::Key => encode(out, bytes_of(record, &record.key, "key", true)?),
                Field::Value if encodes_values => encode(out, bytes_of(record, &record.value, "value", false)?),
                Field::Value => out.extend_from_slice(bytes_of(record, &record.value, "value", false)?),
                Field::Offset => out.extend_from_slice(record.offset.to_string().as_bytes()),
                Field::Timestamp => {
                    let text = record.timestamp_ms.map(|time| time.to_string()).unwrap_or_default();
                    out.extend_from_slice(text.as_bytes());
                }
                Field::Headers => {
                    for header in &record.headers {
                        encode(out, header.key.as_bytes());
                        out.push(b':');
                        encode(out, bytes_of(record, &header.value, "header", true)?);
                        out.push(b';');
                    }
                }
            }
        }
        Ok(())
    }

    fn document(&self, out: &mut Vec<u8>, record: &SinkRecord, envelope: bool) -> Result<()> {
        match (envelope, self.fields.first()) {
            (false, Some(field)) => self.field(out, record, *field),
            _ => {
                out.push(b'{');
                for (at, field) in self.fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(format!("\"{}\":", field.name()).as_bytes());
                    self.field(out, record, *field)?;
                }
                out.push(b'}');
                Ok(())
            }
        }
    }

    fn field(&self, out: &mut Vec<u8>, record: &SinkRecord, field: Field) -> Result<()> {
        match field {
            Field::Key => self.json.append(out, record.key_schema.as_ref(), &record.key),
            Field::Value => self.json.append(out, record.value_schema.as_ref(), &record.value),
            Field::Offset => {
                out.extend_from_slice(record.offset.to_string().as_bytes());
                Ok(())
            }
            Field::Timestamp => {
                match record.timestamp_ms.and_then(|time| Timestamp::from_millisecond(time).ok()) {
                    Some(time) => out.extend_from_slice(format!("\"{}\"", iso_instant(time)).as_bytes()),
                    None => out.extend_from_slice(b"null"),
                }
                Ok(())
            }
            Field::Headers => {
                out.push(b'[');
                for (at, header) in record.headers.iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b",{\"key\":" } else { b"{\"key\":" });
                    self.json.append(out, None, &Value::from(&*header.key))?;
                    out.extend_from_slice(b",\"value\":");
                    self.json.append(out, header.schema.as_ref(), &header.value)?;
                    out.push(b'}');
                }
                out.push(b']');
                Ok(())
            }
        }
    }
}

impl Encoder for FieldsEncoder {
    fn append(&mut self, _out: &mut Vec<u8>, _schema: Option<&Schema>, _value: &Value) -> Result<usize> {
        Err(ConnectError::connect("this format is for whole records: this is a mistake in the connector"))
    }

    fn append_headers(&mut self, _out: &mut Vec<u8>, _headers: &Headers) -> Result<usize> {
        Err(ConnectError::connect("this format is for whole records: this is a mistake in the connector"))
    }

    fn append_record(&mut self, out: &mut Vec<u8>, record: &SinkRecord) -> Result<usize> {
        let before = out.len();
        let separator: &[u8] = match (self.layout, self.records) {
            (Layout::Json { .. }, 0) => b"[\n",
            (Layout::Json { .. }, _) => b",\n",
            (_, 0) => b"",
            _ => b"\n",
        };
        out.extend_from_slice(separator);
        match self.layout {
            Layout::Csv { encodes_values } => self.csv(out, record, encodes_values)?,
            Layout::Json { envelope } | Layout::JsonLines { envelope } => self.document(out, record, envelope)?,
        }
        self.records += 1;
        Ok(out.len() - before)
    }

    fn undo(&mut self) {
        self.records -= 1;
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if matches!(self.layout, Layout::Json { .. }) {
            out.extend_from_slice(b"\n]");
        }
        Ok(())
    }
}

/// As Java's `ISO_INSTANT`: no fraction where it is zero, else three digits.
fn iso_instant(time: Timestamp) -> String {
    if time.subsec_millisecond() == 0 { format!("{time:.0}") } else { format!("{time:.3}") }
}

fn encode(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}

fn bytes_of<'a>(record: &SinkRecord, value: &'a Value, what: &str, texts: bool) -> Result<&'a [u8]> {
    match value {
        Value::Null => Ok(b""),
        Value::Bytes(bytes) => Ok(bytes),
        Value::String(text) if texts => Ok(text.as_bytes()),
        other => Err(ConnectError::data(format!(
            "the record at offset {} of {}-{} has a {} as {what}, CSV holds bytes: set the converter to \
             org.apache.kafka.connect.converters.ByteArrayConverter, or choose another `format.output.type`",
            record.offset,
            record.topic,
            record.partition,
            other.java_class()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn written(fields: &[Field], layout: Layout, records: &[SinkRecord]) -> String {
        let (mut encoder, mut out) = (FieldsEncoder::new(fields, layout), Vec::new());
        for one in records {
            encoder.append_record(&mut out, one).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn records() -> Vec<SinkRecord> {
        let mut one = record(0, None, bytes::Bytes::from_static(b"v0"));
        one.key = "k0".into();
        one.headers.add("h", Some(Schema::BYTES), bytes::Bytes::from_static(b"x").into()).unwrap();
        let mut other = record(1, None, Value::Null);
        other.timestamp_ms = Some(1_000);
        vec![one, other]
    }

    const ALL: [Field; 5] = [Field::Key, Field::Value, Field::Offset, Field::Timestamp, Field::Headers];

    #[test]
    fn csv_is_base64_with_empty_text_for_nothing_and_no_line_end_at_the_end() {
        let csv = Layout::Csv { encodes_values: true };
        assert_eq!(written(&ALL, csv, &records()), "azA=,djA=,0,1427979845006,aA==:eA==;\n,,1,1000,");
        let plain = Layout::Csv { encodes_values: false };
        assert_eq!(written(&[Field::Value], plain, &records()), "v0\n");
        let mut wrong = record(0, None, 5i64);
        wrong.key = 5i64.into();
        let mut encoder = FieldsEncoder::new(&ALL, csv);
        let error = encoder.append_record(&mut Vec::new(), &wrong).unwrap_err().to_string();
        assert!(error.contains("ByteArrayConverter"), "{error}");
    }

    #[test]
    fn json_is_an_array_or_lines_with_fields_in_javas_order() {
        let mut records = records();
        records[0].value = "text".into();
        records[0].headers = Headers::new();
        let all = written(&ALL, Layout::Json { envelope: true }, &records);
        let expected = "[\n{\"headers\":[],\"offset\":0,\"value\":\"text\",\"key\":\"k0\",\"timestamp\":\"2015-04-02T13:04:05.006Z\"},\n\
                        {\"headers\":[],\"offset\":1,\"value\":null,\"key\":null,\"timestamp\":\"1970-01-01T00:00:01Z\"}\n]";
        assert_eq!(all, expected);
        let value = [Field::Value];
        assert_eq!(
            written(&value, Layout::JsonLines { envelope: true }, &records),
            "{\"value\":\"text\"}\n{\"value\":null}"
        );
        assert_eq!(written(&value, Layout::JsonLines { envelope: false }, &records), "\"text\"\nnull");
    }
}
