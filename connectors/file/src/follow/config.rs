//! The keys of `sluice.FileSource`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;
use glob::Pattern;
use regex::Regex;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, ParsedValue, Validator};
use sluice_api::{ConnectError, Properties, Result};

/// Set by the connector for each task.
pub(super) const TASK_INDEX: &str = "sluice.task.index";
pub(super) const TASK_COUNT: &str = "sluice.task.count";

const PATHS: &str = "paths";
const EXCLUDE: &str = "exclude";
const DEAD_LETTER_TOPIC: &str = "dead.letter.topic";
const CLEANUP: &str = "cleanup.policy";
const CLEANUP_PATH: &str = "cleanup.path";
const FORMAT: &str = "format";
const ENCODING: &str = "encoding";
const MULTILINE: &str = "multiline.start.pattern";
const MULTILINE_TIMEOUT: &str = "multiline.timeout.ms";
const LONG_LINES: &str = "max.line.action";
const MALFORMED: &str = "malformed.line.action";

/// What happens to bytes that are no ordinary record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The task ends and says where they are.
    Fail,
    /// Lines that are too long become several records.
    Split,
    /// They go to [`FollowConfig::dead_letter_topic`].
    DeadLetter,
}

/// What happens to files that were read and acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cleanup {
    None,
    Delete,
    /// Into this folder.
    Move(PathBuf),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A string.
    Lines,
    /// JSON.
    Json,
}

/// Lines that belong together.
#[derive(Clone, Debug)]
pub(super) struct Multiline {
    /// Matches the first line of a record.
    pub(super) start: Regex,
    /// A record is complete when nothing was added for this long.
    pub(super) timeout: Duration,
}

/// What a task does.
#[derive(Clone, Debug)]
pub(super) struct FollowConfig {
    pub(super) paths: Vec<String>,
    pub(super) exclude: Vec<Pattern>,
    pub(super) topic: Arc<str>,
    pub(super) format: Format,
    /// `None` for UTF-8.
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) multiline: Option<Multiline>,
    pub(super) max_line_bytes: usize,
    pub(super) long_lines: Action,
    pub(super) malformed: Action,
    pub(super) dead_letter_topic: Option<Arc<str>>,
    pub(super) batch_size: usize,
    pub(super) from_end: bool,
    pub(super) rescan: Duration,
    pub(super) max_open_files: usize,
    /// How long a file that is gone is read on, and how long one must be idle before it is cleaned up.
    pub(super) settle: Duration,
    pub(super) cleanup: Cleanup,
    pub(super) headers: bool,
    /// The files of this task are those whose identity gives `index` modulo `count`.
    pub(super) index: u64,
    pub(super) count: u64,
}

/// Every key.
pub(super) fn definition() -> ConfigDef {
    use Importance::{High, Low, Medium};
    let string = |name, default: &str, importance, text| {
        ConfigKey::new(name, ConfigType::String, importance, text).default(ParsedValue::String(default.to_owned()))
    };
    let int = |name, default, least, importance, text| {
        ConfigKey::new(name, ConfigType::Int, importance, text)
            .default(ParsedValue::Int(default))
            .validator(Validator::at_least(least))
    };
    ConfigDef::new()
        .define(ConfigKey::new(PATHS, ConfigType::List, High, "the files, as globs such as /var/log/**/*.log").validator(Validator::list_without_duplicates(false, false)))
        .define(ConfigKey::new("topic", ConfigType::String, High, "the topic to write to").validator(Validator::non_empty_string()))
        .define(ConfigKey::new(EXCLUDE, ConfigType::List, Medium, "globs of files to leave out").default(ParsedValue::List(Vec::new())))
        .define(string("read.from", "beginning", Medium, "where files without a stored position begin that are there when the task starts: beginning or end").validator(Validator::one_of(&["beginning", "end"])))
        .define(string(FORMAT, "lines", Medium, "what a line, or a record of several, becomes: lines (a string) or json (a value without schema)").validator(Validator::one_of(&["lines", "json"])))
        .define(string(ENCODING, "UTF-8", Medium, "how text is written in the files, by the names of the web such as ISO-8859-1, windows-1252 or Shift_JIS"))
        .define(ConfigKey::new(MULTILINE, ConfigType::String, Medium, "matches the first line of a record; lines that do not match belong to the record before").optional())
        .define(int(MULTILINE_TIMEOUT, 1_000, 1, Low, "how long a record of several lines waits for more of them"))
        .define(int("max.line.bytes", 1_048_576, 1, Medium, "a line that is longer is treated as `max.line.action` says"))
        .define(string(LONG_LINES, "fail", Medium, "fail, split (several records, all but the last with the header `line.continues`) or dead.letter").validator(Validator::one_of(&["fail", "split", "dead.letter"])))
        .define(string(MALFORMED, "fail", Medium, "what happens to lines that are not UTF-8: fail, or dead.letter (in base64)").validator(Validator::one_of(&["fail", "dead.letter"])))
        .define(ConfigKey::new(DEAD_LETTER_TOPIC, ConfigType::String, Medium, "where lines go that are no records").optional())
        .define(string(CLEANUP, "none", Medium, "what happens to a file that was read to its end, acknowledged and idle for `settle.ms`: none, delete or move").validator(Validator::one_of(&["none", "delete", "move"])))
        .define(ConfigKey::new(CLEANUP_PATH, ConfigType::String, Medium, "the folder to move files to, on the same file system").optional())
        .define(ConfigKey::new("file.headers", ConfigType::Boolean, Low, "whether records have the headers file.path and file.offset").default(ParsedValue::Boolean(false)))
        .define(int("batch.size", 2000, 1, Low, "records of a poll at most"))
        .define(int("settle.ms", 5_000, 0, Low, "how long a file that was renamed or deleted is read on, and how long a file must be idle before it is cleaned up"))
        .define(int("rescan.interval.ms", 5_000, 10, Low, "how often folders are looked through, besides when the system says that something changed"))
        .define(int("max.open.files", 512, 1, Low, "files that a task keeps open at most"))
}

impl FollowConfig {
    /// # Errors
    /// `Config` naming the key.
    pub(super) fn parse(properties: &Properties) -> Result<Self> {
        // One message for every key that is wrong alone.
        definition().parse(properties)?;
        Self::parse_together(properties).map_err(|(_, message)| ConnectError::config(message))
    }

    /// As [`FollowConfig::parse`], for properties that are right one by one; the error is a key and its mistake.
    pub(super) fn parse_together(properties: &Properties) -> std::result::Result<Self, (&'static str, String)> {
        let parsed = definition().parse(properties).map_err(|error| (PATHS, error.to_string()))?;
        let wrong = |key: &'static str, why: String| (key, format!("Invalid value for configuration {key}: {why}"));
        let pattern = |key: &'static str, text: &str| {
            Pattern::new(text).map_err(|error| wrong(key, format!("{text} is no glob: {error}")))
        };
        for path in parsed.list(PATHS) {
            pattern(PATHS, path)?;
            if !path.starts_with('/') {
                return Err(wrong(PATHS, format!("expected an absolute path, got {path}")));
            }
        }
        let topic = parsed.opt_string(DEAD_LETTER_TOPIC).filter(|topic| !topic.is_empty());
        let (long_lines, malformed) = (action(&parsed, LONG_LINES), action(&parsed, MALFORMED));
        if topic.is_none() && [long_lines, malformed].contains(&Action::DeadLetter) {
            return Err(wrong(DEAD_LETTER_TOPIC, "it is needed for the action dead.letter".to_owned()));
        }
        let folder = parsed.opt_string(CLEANUP_PATH).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let cleanup = match (parsed.string(CLEANUP), folder) {
            ("delete", _) => Cleanup::Delete,
            ("move", Some(folder)) => Cleanup::Move(folder),
            ("move", None) => return Err(wrong(CLEANUP_PATH, "it is needed for the policy move".to_owned())),
            _ => Cleanup::None,
        };
        let (encoding, multiline) = (encoding(&parsed)?, multiline(&parsed)?);
        if multiline.is_some() && long_lines == Action::DeadLetter {
            let why = format!("`dead.letter` is not supported yet together with `{MULTILINE}`: set fail or split");
            return Err(wrong(LONG_LINES, why));
        }
        let exclude =
            parsed.list(EXCLUDE).iter().map(|text| pattern(EXCLUDE, text)).collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            paths: parsed.list(PATHS).to_vec(),
            exclude,
            topic: parsed.string("topic").into(),
            format: if parsed.string(FORMAT) == "json" { Format::Json } else { Format::Lines },
            encoding,
            multiline,
            max_line_bytes: number(&parsed, "max.line.bytes"),
            long_lines,
            malformed,
            dead_letter_topic: topic.map(Into::into),
            batch_size: number(&parsed, "batch.size"),
            from_end: parsed.string("read.from") == "end",
            rescan: Duration::from_millis(number(&parsed, "rescan.interval.ms") as u64),
            max_open_files: number(&parsed, "max.open.files"),
            settle: Duration::from_millis(number(&parsed, "settle.ms") as u64),
            cleanup,
            headers: parsed.boolean("file.headers"),
            index: own(properties, TASK_INDEX, 0),
            count: own(properties, TASK_COUNT, 1).max(1),
        })
    }
}

/// The encoding, unless it is UTF-8, which needs no decoding.
fn encoding(parsed: &ParsedConfig) -> std::result::Result<Option<&'static Encoding>, (&'static str, String)> {
    let name = parsed.string(ENCODING);
    let wrong = |why: &str| (ENCODING, format!("Invalid value {name} for configuration {ENCODING}: {why}"));
    let encoding = Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| wrong("no encoding has this name"))?;
    if encoding == encoding_rs::UTF_8 {
        return Ok(None);
    }
    // Lines are found by the byte that ends them.
    if !encoding.is_ascii_compatible() {
        return Err(wrong("encodings whose line ends are not single bytes are not supported yet"));
    }
    Ok(Some(encoding))
}

fn multiline(parsed: &ParsedConfig) -> std::result::Result<Option<Multiline>, (&'static str, String)> {
    let Some(pattern) = parsed.opt_string(MULTILINE).filter(|pattern| !pattern.is_empty()) else { return Ok(None) };
    let start = Regex::new(pattern).map_err(|error| {
        (MULTILINE, format!("Invalid value {pattern} for configuration {MULTILINE}: it is no pattern: {error}"))
    })?;
    let timeout = Duration::from_millis(number(parsed, MULTILINE_TIMEOUT) as u64);
    Ok(Some(Multiline { start, timeout }))
}

fn action(parsed: &ParsedConfig, key: &str) -> Action {
    match parsed.string(key) {
        "split" => Action::Split,
        "dead.letter" => Action::DeadLetter,
        _ => Action::Fail,
    }
}

fn number(parsed: &ParsedConfig, key: &str) -> usize {
    usize::try_from(parsed.int(key)).unwrap_or(0)
}

fn own(properties: &Properties, key: &str, default: u64) -> u64 {
    properties.get(key).and_then(|text| text.parse().ok()).unwrap_or(default)
}
