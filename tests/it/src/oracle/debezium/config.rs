//! Random configurations of Debezium's transformations; one in some tens is wrong.

use serde_json::{Map, Value as Json, json};
use sluice_harness::Random;

use super::super::generate::Chance;

/// Properties as a request has them.
pub(super) type Config = Map<String, Json>;

/// Sets `key` to one of `values` in `percent` of a hundred draws.
fn maybe(random: &mut Random, config: &mut Config, percent: u64, key: &str, values: &[&str]) {
    if random.percent(percent) {
        config.insert(key.to_owned(), json!(random.pick(values)));
    }
}

const FLAGS: [&str; 5] = ["true", "false", "true", "TRUE", " false "];

pub(super) fn extract_new_record_state(random: &mut Random) -> Config {
    let mut config = Config::new();
    let modes = [
        "drop",
        "tombstone",
        "rewrite",
        "rewrite-with-tombstone",
        "delete-to-tombstone",
        "rewrite",
        "rewrite",
        " Rewrite ",
    ];
    maybe(random, &mut config, 75, "delete.tombstone.handling.mode", &modes);
    for key in ["add.fields", "add.headers"] {
        if random.percent(50) {
            config.insert(key.to_owned(), json!(added(random)));
        }
        maybe(random, &mut config, 20, &format!("{key}.prefix"), &["", "p_", "__"]);
    }
    maybe(random, &mut config, 8, "route.by.field", &["a", "b", "id", "__deleted", ""]);
    maybe(random, &mut config, 40, "drop.fields.header.name", &["drop", "drop", "drop", "drop", "h", " "]);
    maybe(random, &mut config, 40, "drop.fields.from.key", &FLAGS);
    maybe(random, &mut config, 40, "drop.fields.keep.schema.compatible", &FLAGS);
    maybe(random, &mut config, 40, "replace.null.with.default", &FLAGS);
    if random.percent(50) {
        return config;
    }
    spoil(
        random,
        &mut config,
        &[
            ("delete.tombstone.handling.mode", Some("none")),
            ("delete.tombstone.handling.mode", Some("")),
            ("add.fields", Some("op:")),
            ("add.fields", Some("before.nowhere")),
            ("add.headers", Some("op:x:y")),
            ("drop.fields.from.key", Some("maybe")),
            ("drop.fields.keep.schema.compatible", Some("maybe")),
            ("replace.null.with.default", Some("maybe")),
        ],
    );
    config
}

fn added(random: &mut Random) -> String {
    let entry = |random: &mut Random| {
        let field = random.pick(&[
            "op",
            "ts_ms",
            "source.ts_ms",
            "lsn",
            "source.version",
            "id",
            "transaction.id",
            "total_order",
            "table",
            "before",
            "source",
        ]);
        match random.below(200) {
            0 => format!("{field}:"),
            1 => format!("{field}:x:y"),
            2 => String::new(),
            3 => format!("gone.{field}"),
            4..=6 => random.pick(&["nowhere", "after.id", "before.a:x"]).to_owned(),
            7..=60 => format!("{field}:{}", random.pick(&["x", "id", "New", "a"])),
            _ => field.to_owned(),
        }
    };
    let entries: Vec<String> = (0..=random.below(3)).map(|_| entry(random)).collect();
    entries.join(random.pick(&[",", ", ", " ,"]))
}

/// Makes one of `wrongs` of the configuration now and then; `None` leaves the key out.
fn spoil(random: &mut Random, config: &mut Config, wrongs: &[(&str, Option<&str>)]) {
    if !random.percent(12) {
        return;
    }
    let (key, value) = wrongs[random.below(wrongs.len())];
    match value {
        Some(value) => drop(config.insert(key.to_owned(), json!(value))),
        None => drop(config.shift_remove(key)),
    }
}

/// An expression for topics with a replacement for its groups.
fn routing(random: &mut Random) -> (&'static str, &'static str) {
    let (regex, replacements): (_, &[&str]) = match random.below(9) {
        0 | 1 => ("(.*)", &["$1_all", "$1", "all", "é $1"]),
        2 => (".*", &["all", "a-b.$0", "1st", "$0"]),
        3 => ("(or)(ders)(-.*)?", &["$1$2", "$2", "x$3", "$1_all"]),
        4 => ("a.*", &["all", "$0.x"]),
        5 => ("(?<name>[a-z]+).*", &["${name}.x", "$1", "${name}"]),
        6 => ("([^-]+)-(\\d+)", &["$1", "$2", "$1.$2"]),
        7 => ("t", &["tables", "$0"]),
        _ => ("(.*?)\\.(.*)", &["$2", "$1", "$2.$1"]),
    };
    (regex, random.pick(replacements))
}

pub(super) fn by_logical_table_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    let (regex, replacement) = routing(random);
    config.insert("topic.regex".to_owned(), json!(regex));
    config.insert("topic.replacement".to_owned(), json!(replacement));
    maybe(random, &mut config, 30, "key.enforce.uniqueness", &FLAGS);
    if random.percent(40) {
        let (regex, replacement) = routing(random);
        config.insert("key.field.regex".to_owned(), json!(regex));
        config.insert("key.field.replacement".to_owned(), json!(replacement));
    }
    maybe(random, &mut config, 30, "key.field.name", &["shard", "id", "table", "__x"]);
    maybe(random, &mut config, 50, "schema.name.adjustment.mode", &["none", "avro", "avro_unicode", "AVRO"]);
    maybe(random, &mut config, 10, "logical.table.cache.size", &["1", "16"]);
    spoil(
        random,
        &mut config,
        &[
            ("topic.regex", Some("(")),
            ("topic.regex", None),
            ("topic.replacement", Some("")),
            ("topic.replacement", Some("$9")),
            ("topic.replacement", Some("${nowhere}")),
            ("topic.replacement", None),
            ("key.enforce.uniqueness", Some("maybe")),
            ("key.field.regex", Some("(")),
            ("key.field.regex", Some("(.*)")),
            ("key.field.replacement", Some("$9")),
            ("key.field.replacement", None),
            ("key.field.name", Some("a")),
            ("schema.name.adjustment.mode", Some("x")),
            ("logical.table.cache.size", Some("x")),
            ("logical.table.cache.size", Some("0")),
        ],
    );
    config
}

pub(super) fn event_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    for (key, columns) in [
        ("table.field.event.id", ["id", "type", "version", "aggregateid"]),
        ("table.field.event.key", ["aggregateid", "id", "part", "type"]),
        ("table.field.event.payload", ["payload", "type", "aggregatetype", "payload"]),
        ("route.by.field", ["aggregatetype", "aggregatetype", "type", "id"]),
    ] {
        maybe(random, &mut config, 8, key, &columns);
    }
    maybe(random, &mut config, 30, "table.field.event.timestamp", &["at"]);
    maybe(random, &mut config, 25, "table.field.event.schema.version", &["version", "version", "part"]);
    if random.percent(50) {
        config.insert("table.fields.additional.placement".to_owned(), json!(placement(random)));
    }
    maybe(random, &mut config, 30, "table.field.additional.missing", &["error", "ignore", "Ignore"]);
    maybe(random, &mut config, 20, "route.topic.regex", &["(.*)", "(?<routedByValue>[A-Z].*)", "(U)ser|.*"]);
    maybe(random, &mut config, 20, "route.topic.replacement", &["x.$1", "all", " t ", "$1", "$0"]);
    maybe(random, &mut config, 40, "route.tombstone.on.empty.payload", &FLAGS);
    maybe(random, &mut config, 20, "table.op.invalid.behavior", &["warn", "error", "warn", "fatal"]);
    maybe(random, &mut config, 45, "table.expand.json.payload", &["true", "true", "false"]);
    maybe(random, &mut config, 40, "table.json.payload.null.behavior", &["ignore", "optional_bytes"]);
    maybe(random, &mut config, 20, "field.name.adjustment.mode", &["none", "avro", "avro_unicode"]);
    spoil(
        random,
        &mut config,
        &[
            ("table.field.event.id", Some("missing")),
            ("table.field.event.key", Some("missing")),
            ("table.field.event.payload", Some("missing")),
            ("route.by.field", Some("missing")),
            ("route.by.field", Some("version")),
            ("table.field.event.timestamp", Some("version")),
            ("table.field.event.timestamp", Some("created")),
            ("table.field.event.timestamp", Some("type")),
            ("table.field.event.timestamp", Some("missing")),
            ("table.field.event.schema.version", Some("type")),
            ("table.field.event.schema.version", Some("missing")),
            ("table.fields.additional.placement", Some("type")),
            ("table.fields.additional.placement", Some("type:header:x:y")),
            ("table.fields.additional.placement", Some("type:partition")),
            ("table.fields.additional.placement", Some("a:header")),
            ("table.fields.additional.placement", Some("type:nowhere")),
            ("table.field.additional.missing", Some("x")),
            ("route.topic.regex", Some("(")),
            ("route.topic.replacement", Some("${nowhere}")),
            ("route.topic.replacement", Some("")),
            ("table.op.invalid.behavior", Some("x")),
            ("table.expand.json.payload", Some("maybe")),
            ("table.json.payload.null.behavior", Some("x")),
            ("route.tombstone.on.empty.payload", Some("maybe")),
        ],
    );
    config
}

/// Up to three columns, each once: the columns of an envelope have different names.
fn placement(random: &mut Random) -> String {
    let mut columns = vec!["type", "version", "at", "part", "created"];
    let mut entries = Vec::new();
    for _ in 0..=random.below(3) {
        let column = columns.remove(random.below(columns.len()));
        let placement = match column {
            "part" => random.pick(&["header", "envelope", "partition", "partition"]),
            _ => random.pick(&["header", "envelope", "envelope", " Header "]),
        };
        entries.push(match random.below(10) {
            0..=3 => format!("{column}:{placement}:{column}{}", random.pick(&["2", "_x", "-é"])),
            _ => format!("{column}:{placement}"),
        });
    }
    entries.join(random.pick(&[",", ", "]))
}
