//! Random configurations, a function per transformation; one in some tens is wrong.

use serde_json::{Value as Json, json};
use sluice_harness::Random;

use super::super::generate::{Chance, field_name, number_text, text};
use super::Config;

/// `key` is `value` unless, rarely, it is left out or something else.
fn set(random: &mut Random, config: &mut Config, key: &str, value: impl Into<Json>) {
    match random.below(60) {
        0 => {}
        1 => drop(config.insert(key.to_owned(), json!(""))),
        2 => drop(config.insert(key.to_owned(), json!(text(random)))),
        _ => drop(config.insert(key.to_owned(), value.into())),
    }
}

fn replace_null(random: &mut Random, config: &mut Config) {
    if random.percent(40) {
        let value = random.pick(&["true", "false", "False", "maybe"]);
        set(random, config, "replace.null.with.default", value);
    }
}

/// One to three names, a missing one now and then.
fn names(random: &mut Random) -> Vec<String> {
    let name = |random: &mut Random| if random.percent(8) { "missing" } else { field_name(random) }.to_owned();
    (0..=random.below(3)).map(|_| name(random)).collect()
}

fn list(random: &mut Random) -> String {
    names(random).join(random.pick(&[",", " , ", ","]))
}

pub(super) fn cast(random: &mut Random) -> Config {
    const TYPES: [&str; 14] = [
        "int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "INT32", " String ", "bytes",
        "array", "nope", "",
    ];
    let mut config = Config::new();
    let kind = |random: &mut Random| if random.percent(95) { TYPES[random.below(8)] } else { random.pick(&TYPES) };
    let spec = if random.percent(20) {
        kind(random).to_owned()
    } else {
        let parts: Vec<String> = names(random).iter().map(|name| format!("{name}:{}", kind(random))).collect();
        parts.join(random.pick(&[",", ", ", ","]))
    };
    set(random, &mut config, "spec", spec);
    replace_null(random, &mut config);
    config
}

pub(super) fn extract_field(random: &mut Random) -> Config {
    let mut config = Config::new();
    let path = random.percent(50);
    let field = if path { path_text(random) } else { names(random).remove(0) };
    set(random, &mut config, "field", field);
    if path {
        let version = random.pick(&["V2", "v2", "V1", "V2"]);
        set(random, &mut config, "field.syntax.version", version);
    }
    replace_null(random, &mut config);
    config
}

/// A path of steps, some in backticks, some of them badly.
fn path_text(random: &mut Random) -> String {
    let step = |random: &mut Random| {
        let name = names(random).remove(0);
        match random.below(12) {
            0..=2 => format!("`{name}`"),
            3 => format!("`{name}"),
            4 => format!("{name}`"),
            5 => format!("`{name}\\``"),
            _ => name,
        }
    };
    let steps: Vec<String> = (0..=random.below(3)).map(|_| step(random)).collect();
    steps.join(".")
}

pub(super) fn flatten(random: &mut Random) -> Config {
    let mut config = Config::new();
    if random.percent(60) {
        let delimiter = random.pick(&["_", "", ".", "::", "é"]);
        set(random, &mut config, "delimiter", delimiter);
    }
    config
}

pub(super) fn header_from(random: &mut Random) -> Config {
    let mut config = Config::new();
    let fields = names(random);
    let headers: Vec<&str> = fields.iter().map(|_| random.pick(&["h", "a", "x", "é"])).collect();
    let headers = if random.percent(95) { headers.join(",") } else { "h".to_owned() };
    set(random, &mut config, "fields", fields.join(","));
    set(random, &mut config, "headers", headers);
    let operation = random.pick(&["move", "copy", "move", "copy", "MOVE"]);
    set(random, &mut config, "operation", operation);
    replace_null(random, &mut config);
    config
}

pub(super) fn hoist_field(random: &mut Random) -> Config {
    let mut config = Config::new();
    let field = field_name(random);
    set(random, &mut config, "field", field);
    config
}

pub(super) fn insert_field(random: &mut Random) -> Config {
    let mut config = Config::new();
    for key in ["topic.field", "partition.field", "offset.field", "timestamp.field", "static.field"] {
        if random.percent(if key == "offset.field" { 15 } else { 45 }) {
            let name = if random.percent(70) { random.pick(&["t", "p", "o", "new", "s"]) } else { field_name(random) };
            let suffix = random.pick(&["", "!", "?", ""]);
            set(random, &mut config, key, format!("{name}{suffix}"));
        }
    }
    if random.percent(60) {
        set(random, &mut config, "static.value", "constant");
    }
    replace_null(random, &mut config);
    config
}

pub(super) fn mask_field(random: &mut Random) -> Config {
    let mut config = Config::new();
    let fields = list(random);
    set(random, &mut config, "fields", fields);
    if random.percent(50) {
        let replacement = if random.percent(60) { number_text(random) } else { text(random) };
        set(random, &mut config, "replacement", replacement);
    }
    replace_null(random, &mut config);
    config
}

pub(super) fn replace_field(random: &mut Random) -> Config {
    let mut config = Config::new();
    for key in ["exclude", "include"] {
        if random.percent(35) {
            let fields = list(random);
            set(random, &mut config, key, fields);
        }
    }
    if random.percent(60) {
        let pair = |random: &mut Random| match random.below(30) {
            0 => field_name(random).to_owned(),
            1 => format!("{0}:{0}:b", field_name(random)),
            _ => format!("{}:{}", field_name(random), random.pick(&["n", "m", "a", "b", "c"])),
        };
        let pairs: Vec<String> = (0..=random.below(2)).map(|_| pair(random)).collect();
        set(random, &mut config, "renames", pairs.join(","));
    }
    replace_null(random, &mut config);
    config
}

pub(super) fn set_schema_metadata(random: &mut Random) -> Config {
    let mut config = Config::new();
    if random.percent(75) {
        let name = random.pick(&["n", "com.example.Order", "org.apache.kafka.connect.data.Date", "é"]);
        set(random, &mut config, "schema.name", name);
    }
    if random.percent(60) {
        let version = random.pick(&["1", "0", "-3", "2147483647", "2147483648", "1.0", " 7 "]);
        set(random, &mut config, "schema.version", version);
    }
    replace_null(random, &mut config);
    config
}

pub(super) fn timestamp_converter(random: &mut Random) -> Config {
    let mut config = Config::new();
    if random.percent(60) {
        let field = if random.percent(70) { "ts" } else { field_name(random) };
        set(random, &mut config, "field", field);
    }
    let target = random.pick(&["string", "unix", "Date", "Time", "Timestamp"]);
    set(random, &mut config, "target.type", target);
    if random.percent(75) {
        let format = pattern(random);
        set(random, &mut config, "format", format);
    }
    if random.percent(50) {
        let precision = random.pick(&["nanoseconds", "microseconds", "milliseconds", "seconds"]);
        set(random, &mut config, "unix.precision", precision);
    }
    replace_null(random, &mut config);
    config
}

/// A pattern of `SimpleDateFormat`.
fn pattern(random: &mut Random) -> &'static str {
    random.pick(&[
        "yyyy-MM-dd",
        "yyyy-MM-dd",
        "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
        "yyyy MM dd HH mm ss SSS z",
        "yyyyMMdd",
        "HH:mm:ss.SSS'Z'",
        "yy/M/d h:mm a",
        "EEE, d MMM yyyy HH:mm:ss Z",
        "D 'day of' yyyy",
        "yyyy-MM-dd'T'HH:mm:ssXXX",
        "G yyyy",
        "kk:KK",
        "u F E",
        "MMMM d, yyyy",
        "'o''clock' HH",
    ])
}

pub(super) fn drop_headers(random: &mut Random) -> Config {
    let mut config = Config::new();
    let headers: Vec<&str> = (0..=random.below(2)).map(|_| random.pick(&["h", "a", "é", "x"])).collect();
    set(random, &mut config, "headers", headers.join(","));
    config
}

pub(super) fn filter(_: &mut Random) -> Config {
    Config::new()
}

pub(super) fn insert_header(random: &mut Random) -> Config {
    let mut config = Config::new();
    set(random, &mut config, "header", "h");
    let literal = if random.percent(50) { text(random) } else { number_text(random) };
    set(random, &mut config, "value.literal", literal);
    config
}

pub(super) fn regex_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    let regex = random.pick(&[
        ".*",
        "(.*)",
        "orders",
        "(or)(ders)(-.*)?",
        "a|aab",
        "(?<name>[a-z]+).*",
        "a.*?b",
        "(?i)ORDERS",
        "[^-]+",
        "\\w+",
        "(a+)b",
        "t",
        "(",
        "(.*)-(\\d{4})",
        "a\\.b-c_d",
        "[a-z&&[^t]]+.*",
        "topic\\p{L}",
    ]);
    set(random, &mut config, "regex", regex);
    let replacement =
        random.pick(&["x", "$0-x", "$1", "pre-$1", "${name}_x", "", "\\$1", "$2$1", "a\\\\b", "$9", "$", "$12", "\\"]);
    set(random, &mut config, "replacement", replacement);
    config
}

pub(super) fn timestamp_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    if random.percent(70) {
        let format = random.pick(&[
            "${topic}-${timestamp}",
            "${timestamp}",
            "x",
            "${topic}${topic}",
            "${timestamp}_${topic}",
            "$topic",
        ]);
        set(random, &mut config, "topic.format", format);
    }
    if random.percent(70) {
        let format = pattern(random);
        set(random, &mut config, "timestamp.format", format);
    }
    config
}

pub(super) fn value_to_key(random: &mut Random) -> Config {
    let mut config = Config::new();
    let fields = list(random);
    set(random, &mut config, "fields", fields);
    replace_null(random, &mut config);
    config
}
