//! Reads a file record by record, and says after each how far that is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};

use super::config::{Content, CsvSettings, SpoolConfig, Timestamp};
use super::json::JsonReader;
use super::text;

/// A line is held in memory as a whole.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// What one record of a file becomes.
pub(super) struct Row {
    pub(super) key: Option<Struct>,
    pub(super) value: Value,
    pub(super) timestamp_ms: Option<i64>,
}

/// An open file.
pub(super) enum Reader {
    Lines { input: BufReader<File>, line: i64 },
    Csv(Box<CsvReader>),
    Json(Box<JsonReader>),
}

/// Rows of a CSV file with the fields that they become.
pub(super) struct CsvReader {
    reader: csv::Reader<BufReader<File>>,
    settings: CsvSettings,
    names: Vec<String>,
    value_schema: Schema,
    key_schema: Option<Schema>,
    timestamp_field: Option<String>,
    header_lines: i64,
    row: StringRecord,
}

impl Reader {
    /// Opens a file at its first record.
    ///
    /// # Errors
    /// `Data` when it cannot be read or its header does not fit.
    pub(super) fn open(config: &SpoolConfig, path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(unreadable)?;
        let mut input = BufReader::with_capacity(config.buffer_bytes, file);
        match &config.content {
            Content::Lines => Ok(Self::Lines { input, line: 0 }),
            Content::Json(settings) => {
                Ok(Self::Json(Box::new(JsonReader::new(input, settings.clone(), &config.timestamp))))
            }
            Content::Csv(settings) => {
                for _ in 0..settings.skip_lines {
                    skip_line(&mut input).map_err(unreadable)?;
                }
                let timestamp_field = match &config.timestamp {
                    Timestamp::Field(field) => Some(field.clone()),
                    _ => None,
                };
                CsvReader::new(input, settings.clone(), timestamp_field).map(|reader| Self::Csv(Box::new(reader)))
            }
        }
    }

    /// The next record, `None` at the end.
    ///
    /// # Errors
    /// `Data` naming line and column of what cannot be a record.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        match self {
            Self::Lines { input, line } => {
                let read = read_line(input, *line + 1)?;
                *line += i64::from(read.is_some());
                Ok(read.map(|text| Row { key: None, value: text.into(), timestamp_ms: None }))
            }
            Self::Csv(reader) => reader.next(),
            Self::Json(reader) => reader.next(),
        }
    }

    /// How many lines, without the header, or values were read: what SpoolDir stores as offset.
    pub(super) fn offset(&self) -> i64 {
        match self {
            Self::Lines { line, .. } => *line,
            Self::Csv(reader) => reader.lines() - reader.header_lines,
            Self::Json(reader) => reader.count,
        }
    }

    pub(super) fn schemas(&self) -> (Option<Schema>, Option<Schema>) {
        match self {
            Self::Lines { .. } => (None, Some(Schema::STRING)),
            Self::Csv(reader) => (reader.key_schema.clone(), Some(reader.value_schema.clone())),
            Self::Json(reader) => reader.schemas(),
        }
    }
}

fn unreadable(error: io::Error) -> ConnectError {
    ConnectError::data(format!("it cannot be read: {error}")).with_source(error)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        let (used, done) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn read_line(input: &mut BufReader<File>, line: i64) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    input.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut bytes).map_err(unreadable)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 > MAX_LINE_BYTES {
        return Err(ConnectError::data(format!("line {line} is longer than {MAX_LINE_BYTES} bytes")));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    // Invariant 3: bytes that are no text are not changed into other text.
    String::from_utf8(bytes).map(Some).map_err(|_| ConnectError::data(format!("line {line} is not UTF-8")))
}

impl CsvReader {
    fn new(input: BufReader<File>, settings: CsvSettings, timestamp_field: Option<String>) -> Result<Self> {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(settings.separator).escape(settings.escape);
        match settings.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        let mut reader = builder.from_reader(input);
        let mut row = StringRecord::new();
        let mut names: Vec<String> = Vec::new();
        if settings.header {
            reader.read_record(&mut row).map_err(|error| not_csv(&error))?;
            names = row.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        }
        let (key_schema, value_schema) = match &settings.value_schema {
            Some(value) => (settings.key_schema.clone(), value.clone()),
            None => generated(&settings, &names)?,
        };
        if !settings.header {
            names = value_schema.fields()?.iter().map(|field| field.name().to_owned()).collect();
        } else if settings.any_case {
            for name in &mut names {
                let same = value_schema.fields()?.iter().find(|field| field.name().eq_ignore_ascii_case(name));
                if let Some(field) = same {
                    *name = field.name().to_owned();
                }
            }
        }
        let header_lines = if settings.header { i64::try_from(reader.position().line()).unwrap_or(1) - 1 } else { 0 };
        Ok(Self { reader, settings, names, value_schema, key_schema, timestamp_field, header_lines, row })
    }

    fn lines(&self) -> i64 {
        i64::try_from(self.reader.position().line()).unwrap_or(i64::MAX) - 1
    }

    fn next(&mut self) -> Result<Option<Row>> {
        let line = self.reader.position().line() + self.settings.skip_lines as u64;
        if !self.reader.read_record(&mut self.row).map_err(|error| not_csv(&error))? {
            return Ok(None);
        }
        if self.row.len() != self.names.len() {
            let (has, expected) = (self.row.len(), self.names.len());
            return Err(ConnectError::data(format!("line {line} has {has} columns, expected {expected}")));
        }
        let mut value = Struct::new(self.value_schema.clone())?;
        let mut key = self.key_schema.clone().map(Struct::new).transpose()?;
        let mut timestamp_ms = None;
        for (name, text) in self.names.iter().zip(&self.row) {
            let wrong = |why: String| ConnectError::data(format!("line {line}, column {name}: {why}"));
            if let Some(field) = self.value_schema.field(name)? {
                let parsed = text::value(field.schema(), text, self.settings.empty_is_null, &self.settings.dates)
                    .map_err(wrong)?;
                if self.timestamp_field.as_ref() == Some(name) {
                    timestamp_ms = match parsed {
                        Value::Date(millis) | Value::Int64(millis) => Some(millis),
                        _ => return Err(wrong("expected a date or INT64 in `timestamp.field`".to_owned())),
                    };
                }
                value.put_field(field, parsed).map_err(|error| wrong(error.to_string()))?;
            }
            if let Some((key, field)) =
                key.as_mut().zip(self.key_schema.as_ref().and_then(|schema| schema.field(name).ok().flatten()))
            {
                let parsed = text::value(field.schema(), text, self.settings.empty_is_null, &self.settings.dates)
                    .map_err(wrong)?;
                key.put_field(field, parsed).map_err(|error| wrong(error.to_string()))?;
            }
        }
        for made in key.iter().chain([&value]) {
            made.validate().map_err(|error| ConnectError::data(format!("line {line}: {error}")))?;
        }
        Ok(Some(Row { key, value: value.into(), timestamp_ms }))
    }
}

fn not_csv(error: &csv::Error) -> ConnectError {
    ConnectError::data(format!("it cannot be read as CSV: {error}"))
}

/// Every column is optional text.
fn generated(settings: &CsvSettings, names: &[String]) -> Result<(Option<Schema>, Schema)> {
    let [key_name, value_name] = &settings.generated_names;
    let build = |name: &str, fields: &[String]| {
        let builder = SchemaBuilder::structure().name(name);
        fields.iter().fold(builder, |builder, field| builder.field(field.as_str(), Schema::OPTIONAL_STRING)).build()
    };
    let keys = &settings.generated_key_fields;
    if let Some(missing) = keys.iter().find(|key| !names.contains(key)) {
        return Err(ConnectError::data(format!(
            "there is no column `{missing}`, which `schema.generation.key.fields` names"
        )));
    }
    let key = if keys.is_empty() { None } else { Some(build(key_name, keys)?) };
    Ok((key, build(value_name, names)?))
}
