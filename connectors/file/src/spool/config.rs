//! The keys of SpoolDir.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties, Result, Schema};

use super::schema;
use super::text::DateFormat;

pub(super) const TASK_INDEX: &str = "task.index";
pub(super) const TASK_COUNT: &str = "task.count";

/// What files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Lines,
    Csv,
    /// Values typed by a schema.
    Json,
    /// Values as text.
    SchemalessJson,
}

/// What happens to a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CleanUp {
    None,
    Delete,
    Move,
    MoveByDate,
}

/// What a record's time is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Timestamp {
    Process,
    File,
    Field(String),
}

/// By what files are put in order, ascending unless the flag says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name(bool),
    Length(bool),
    LastModified(bool),
}

/// How CSV is read.
#[derive(Clone, Debug)]
pub(super) struct CsvSettings {
    pub(super) skip_lines: usize,
    pub(super) separator: u8,
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    pub(super) header: bool,
    pub(super) empty_is_null: bool,
    pub(super) any_case: bool,
    /// `None`: all fields of the header are optional text.
    pub(super) value_schema: Option<Schema>,
    pub(super) key_schema: Option<Schema>,
    pub(super) generated_key_fields: Vec<String>,
    pub(super) generated_names: [String; 2],
    pub(super) dates: Vec<DateFormat>,
}

/// How JSON is read.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonSettings {
    /// `None`: values are text.
    pub(super) value_schema: Option<Schema>,
    pub(super) key_schema: Option<Schema>,
    pub(super) dates: Vec<DateFormat>,
}

/// How the records of a file are read.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Lines,
    Csv(CsvSettings),
    Json(JsonSettings),
}

/// What a task does.
#[derive(Clone)]
pub(super) struct SpoolConfig {
    pub(super) topic: Arc<str>,
    pub(super) input: PathBuf,
    pub(super) finished: Option<PathBuf>,
    pub(super) error: PathBuf,
    pub(super) pattern: Arc<JavaRegex>,
    pub(super) recursive: bool,
    pub(super) keep_relative: bool,
    pub(super) halt_on_error: bool,
    pub(super) minimum_age: Duration,
    pub(super) batch_size: usize,
    pub(super) empty_wait: Duration,
    pub(super) clean_up: CleanUp,
    pub(super) order: Vec<Order>,
    pub(super) timestamp: Timestamp,
    pub(super) buffer_bytes: usize,
    pub(super) content: Content,
    pub(super) index: u64,
    pub(super) count: u64,
}

fn key(name: &str, config_type: ConfigType, text: &str) -> ConfigKey {
    ConfigKey::new(name, config_type, Importance::Medium, text)
}

fn string(name: &str, default: &str, text: &str) -> ConfigKey {
    key(name, ConfigType::String, text).default(ParsedValue::String(default.to_owned()))
}

fn boolean(name: &str, default: bool, text: &str) -> ConfigKey {
    key(name, ConfigType::Boolean, text).default(ParsedValue::Boolean(default))
}

fn int(name: &str, default: i32, least: i64, text: &str) -> ConfigKey {
    key(name, ConfigType::Int, text).default(ParsedValue::Int(default)).validator(Validator::at_least(least))
}

fn long(name: &str, default: i64, least: i64, text: &str) -> ConfigKey {
    key(name, ConfigType::Long, text).default(ParsedValue::Long(default)).validator(Validator::at_least(least))
}

fn list(name: &str, default: &[&str], text: &str) -> ConfigKey {
    let default = default.iter().map(|item| (*item).to_owned()).collect();
    key(name, ConfigType::List, text).default(ParsedValue::List(default))
}

/// Every key of a class.
pub(super) fn definition(format: Format) -> ConfigDef {
    let common = ConfigDef::new()
        .define(key("topic", ConfigType::String, "the topic to write to").validator(Validator::non_empty_string()))
        .define(
            key("input.path", ConfigType::String, "the folder that files are dropped into")
                .validator(Validator::non_empty_string()),
        )
        .define(string("finished.path", "", "the folder for files that were read, on the same file system"))
        .define(
            key("error.path", ConfigType::String, "the folder for files that cannot be read")
                .validator(Validator::non_empty_string()),
        )
        .define(
            key("input.file.pattern", ConfigType::String, "a regular expression for names of files")
                .validator(Validator::non_empty_string()),
        )
        .define(boolean("halt.on.error", true, "whether the task fails when a file cannot be read"))
        .define(int("batch.size", 1000, 1, "records of a poll at most"))
        .define(long("empty.poll.wait.ms", 500, 1, "the pause when there is no file"))
        .define(long("file.minimum.age.ms", 0, 0, "how long a file must not have changed"))
        .define(
            string("cleanup.policy", "MOVE", "what happens to a file that was read and acknowledged")
                .validator(Validator::one_of(&["NONE", "DELETE", "MOVE", "MOVEBYDATE"])),
        )
        .define(boolean(
            "cleanup.policy.maintain.relative.path",
            false,
            "whether moved files keep their folders below input.path",
        ))
        .define(boolean("input.path.walk.recursively", false, "whether folders below input.path are looked into"))
        .define(list(
            "files.sort.attributes",
            &["NameAsc"],
            "the order of files: NameAsc, NameDesc, LengthAsc, LengthDesc, LastModifiedAsc, LastModifiedDesc",
        ))
        .define(string(
            "processing.file.extension",
            ".PROCESSING",
            "files of this extension are never read; none is written",
        ))
        .define(string("timestamp.mode", "PROCESS_TIME", "the time of a record").validator(Validator::one_of(&[
            "PROCESS_TIME",
            "FILE_TIME",
            "FIELD",
        ])))
        .define(
            string("task.partitioner", "ByName", "how tasks share the files").validator(Validator::one_of(&["ByName"])),
        )
        .define(int("file.buffer.size.bytes", 131_072, 1, "bytes that are read at once"));
    match format {
        Format::Lines => common.define(charset("file.charset")),
        Format::Csv => csv(common),
        Format::Json => json(common),
        Format::SchemalessJson => common,
    }
}

fn charset(name: &str) -> ConfigKey {
    string(name, "UTF-8", "the encoding of files")
        .validator(Validator::one_of_ignoring_case(&["UTF-8", "UTF8", "US-ASCII"]))
}

fn schemas(def: ConfigDef) -> ConfigDef {
    def.define(string("key.schema", "", "the schema of keys, as JSON"))
        .define(string("value.schema", "", "the schema of values, as JSON"))
        .define(string("timestamp.field", "", "the field with the time, with FIELD"))
        .define(
            string("parser.timestamp.timezone", "UTC", "the zone of dates")
                .validator(Validator::one_of(&["UTC", "GMT", "Z"])),
        )
        .define(list(
            "parser.timestamp.date.formats",
            &["yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd' 'HH:mm:ss"],
            "the forms of dates, tried in order",
        ))
}

fn json(def: ConfigDef) -> ConfigDef {
    schemas(def).define(boolean("schema.generation.enabled", false, "not supported yet when true"))
}

fn json_settings(parsed: &ParsedConfig) -> Result<JsonSettings, Mistake> {
    if parsed.boolean("schema.generation.enabled") {
        let key = "schema.generation.enabled";
        let why = "is not supported yet for JSON: set `value.schema`, or use SpoolDirSchemaLessJsonSourceConnector";
        return Err((key, format!("`{key}` {why}")));
    }
    let value_schema = schema(parsed, "value.schema")?;
    if value_schema.is_none() {
        return Err(wrong("value.schema", "it is needed"));
    }
    Ok(JsonSettings { value_schema, key_schema: schema(parsed, "key.schema")?, dates: dates(parsed)? })
}

fn schema(parsed: &ParsedConfig, key: &'static str) -> Result<Option<Schema>, Mistake> {
    match parsed.string(key) {
        "" => Ok(None),
        text => schema::parse(text).map(Some).map_err(|why| wrong(key, &why)),
    }
}

fn dates(parsed: &ParsedConfig) -> Result<Vec<DateFormat>, Mistake> {
    let dates = parsed.list("parser.timestamp.date.formats").iter();
    dates.map(|text| DateFormat::parse(text).map_err(|why| wrong("parser.timestamp.date.formats", &why))).collect()
}

fn csv(def: ConfigDef) -> ConfigDef {
    schemas(def)
        .define(boolean(
            "schema.generation.enabled",
            false,
            "whether every column is optional text, named by the header",
        ))
        .define(list("schema.generation.key.fields", &[], "the columns of the key, with a generated schema"))
        .define(string(
            "schema.generation.key.name",
            "com.github.jcustenborder.kafka.connect.model.Key",
            "the name of a generated schema",
        ))
        .define(string(
            "schema.generation.value.name",
            "com.github.jcustenborder.kafka.connect.model.Value",
            "the name of a generated schema",
        ))
        .define(int("csv.skip.lines", 0, 0, "lines to leave out at the beginning"))
        .define(int("csv.separator.char", 44, 1, "the code of the character between columns"))
        .define(int("csv.quote.char", 34, 0, "the code of the quote"))
        .define(int("csv.escape.char", 92, 0, "the code of the character that escapes a quote, 0 for none"))
        .define(boolean("csv.rfc.4180.parser.enabled", false, "whether quotes are escaped by doubling alone"))
        .define(boolean("csv.first.row.as.header", false, "whether the first row names the columns"))
        .define(
            string("csv.null.field.indicator", "NEITHER", "which empty columns are null")
                .validator(Validator::one_of(&["NEITHER", "EMPTY_SEPARATORS", "BOTH", "EMPTY_QUOTES"])),
        )
        .define(boolean(
            "csv.case.sensitive.field.names",
            false,
            "whether names of columns and fields must have the same case",
        ))
        .define(boolean("csv.strict.quotes", false, "not supported yet when true"))
        .define(boolean("csv.ignore.quotations", false, "whether quotes mean nothing"))
        .define(boolean("csv.keep.carriage.return", false, "not supported yet when true"))
        .define(charset("csv.file.charset"))
}

type Mistake = (&'static str, String);

impl SpoolConfig {
    /// # Errors
    /// `Config` naming the key.
    pub(super) fn parse(format: Format, properties: &Properties) -> Result<Self> {
        definition(format).parse(properties)?;
        Self::parse_together(format, properties).map_err(|(_, message)| ConnectError::config(message))
    }

    /// As [`SpoolConfig::parse`], for properties that are right one by one.
    pub(super) fn parse_together(format: Format, properties: &Properties) -> Result<Self, Mistake> {
        let parsed = definition(format).parse(properties).map_err(|error| ("topic", error.to_string()))?;
        let finished = Some(parsed.string("finished.path")).filter(|path| !path.is_empty()).map(PathBuf::from);
        let clean_up = match parsed.string("cleanup.policy") {
            "NONE" => CleanUp::None,
            "DELETE" => CleanUp::Delete,
            "MOVEBYDATE" => CleanUp::MoveByDate,
            _ => CleanUp::Move,
        };
        if matches!(clean_up, CleanUp::Move | CleanUp::MoveByDate) && finished.is_none() {
            return Err(wrong("finished.path", "it is needed when `cleanup.policy` moves files"));
        }
        let pattern = parsed.string("input.file.pattern");
        // A part of the name is enough, as for Guava's filter of names.
        let pattern = JavaRegex::new(&format!(".*(?:{pattern}).*"))
            .map_err(|error| wrong("input.file.pattern", &error.to_string()))?;
        let order =
            parsed.list("files.sort.attributes").iter().map(|name| order(name)).collect::<Result<_, Mistake>>()?;
        let content = match format {
            Format::Lines => Content::Lines,
            Format::Csv => Content::Csv(csv_settings(&parsed)?),
            Format::Json => Content::Json(json_settings(&parsed)?),
            Format::SchemalessJson => Content::Json(JsonSettings::default()),
        };
        Ok(Self {
            topic: parsed.string("topic").into(),
            input: parsed.string("input.path").into(),
            finished,
            error: parsed.string("error.path").into(),
            pattern: Arc::new(pattern),
            recursive: parsed.boolean("input.path.walk.recursively"),
            keep_relative: parsed.boolean("cleanup.policy.maintain.relative.path"),
            halt_on_error: parsed.boolean("halt.on.error"),
            minimum_age: Duration::from_millis(parsed.long("file.minimum.age.ms").unsigned_abs()),
            batch_size: number(&parsed, "batch.size"),
            empty_wait: Duration::from_millis(parsed.long("empty.poll.wait.ms").unsigned_abs()),
            clean_up,
            order,
            timestamp: timestamp(format, &parsed)?,
            buffer_bytes: number(&parsed, "file.buffer.size.bytes"),
            content,
            index: own(properties, TASK_INDEX, 0),
            count: own(properties, TASK_COUNT, 1).max(1),
        })
    }

    pub(super) fn processing_extension(properties: &Properties) -> String {
        properties.get("processing.file.extension").map_or(".PROCESSING", String::as_str).to_owned()
    }
}

fn wrong(key: &'static str, why: &str) -> Mistake {
    (key, format!("Invalid value for configuration {key}: {why}"))
}

fn number(parsed: &ParsedConfig, key: &str) -> usize {
    usize::try_from(parsed.int(key)).unwrap_or(0)
}

fn own(properties: &Properties, key: &str, default: u64) -> u64 {
    properties.get(key).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn order(name: &str) -> Result<Order, Mistake> {
    Ok(match name {
        "NameAsc" => Order::Name(false),
        "NameDesc" => Order::Name(true),
        "LengthAsc" => Order::Length(false),
        "LengthDesc" => Order::Length(true),
        "LastModifiedAsc" => Order::LastModified(false),
        "LastModifiedDesc" => Order::LastModified(true),
        other => return Err(wrong("files.sort.attributes", &format!("there is no {other}"))),
    })
}

fn timestamp(format: Format, parsed: &ParsedConfig) -> Result<Timestamp, Mistake> {
    match (parsed.string("timestamp.mode"), format) {
        ("FILE_TIME", _) => Ok(Timestamp::File),
        ("FIELD", Format::Csv | Format::Json) if !parsed.string("timestamp.field").is_empty() => {
            Ok(Timestamp::Field(parsed.string("timestamp.field").to_owned()))
        }
        ("FIELD", Format::Csv | Format::Json) => {
            Err(wrong("timestamp.field", "it is needed when `timestamp.mode` is FIELD"))
        }
        ("FIELD", _) => Err(wrong("timestamp.mode", "records that are text have no fields")),
        _ => Ok(Timestamp::Process),
    }
}

fn csv_settings(parsed: &ParsedConfig) -> Result<CsvSettings, Mistake> {
    for name in ["csv.strict.quotes", "csv.keep.carriage.return"] {
        if parsed.boolean(name) {
            let key = if name == "csv.strict.quotes" { "csv.strict.quotes" } else { "csv.keep.carriage.return" };
            return Err((key, format!("`{key}` is not supported yet: remove it, or preprocess the files")));
        }
    }
    if parsed.string("csv.null.field.indicator") == "EMPTY_QUOTES" {
        let key = "csv.null.field.indicator";
        return Err((
            key,
            format!(
                "`{key}` EMPTY_QUOTES is not supported yet: use EMPTY_SEPARATORS, which takes quoted empty columns for null too"
            ),
        ));
    }
    let character = |key: &'static str| {
        u8::try_from(parsed.int(key)).map_err(|_| wrong(key, "expected the code of an ASCII character"))
    };
    let generated = parsed.boolean("schema.generation.enabled");
    let (value_schema, key_schema) = (schema(parsed, "value.schema")?, schema(parsed, "key.schema")?);
    let header = parsed.boolean("csv.first.row.as.header");
    match (&value_schema, generated) {
        (None, false) => return Err(wrong("value.schema", "it is needed unless `schema.generation.enabled` is true")),
        (_, true) if !header => {
            return Err(wrong("csv.first.row.as.header", "a generated schema takes its names from the first row"));
        }
        _ => {}
    }
    let escape =
        Some(character("csv.escape.char")?).filter(|code| *code > 0 && !parsed.boolean("csv.rfc.4180.parser.enabled"));
    Ok(CsvSettings {
        skip_lines: number(parsed, "csv.skip.lines"),
        separator: character("csv.separator.char")?,
        quote: Some(character("csv.quote.char")?).filter(|code| *code > 0 && !parsed.boolean("csv.ignore.quotations")),
        escape,
        header,
        empty_is_null: matches!(parsed.string("csv.null.field.indicator"), "EMPTY_SEPARATORS" | "BOTH"),
        any_case: !parsed.boolean("csv.case.sensitive.field.names"),
        value_schema: value_schema.filter(|_| !generated),
        key_schema: key_schema.filter(|_| !generated),
        generated_key_fields: parsed.list("schema.generation.key.fields").to_vec(),
        generated_names: [
            parsed.string("schema.generation.key.name").to_owned(),
            parsed.string("schema.generation.value.name").to_owned(),
        ],
        dates: dates(parsed)?,
    })
}
