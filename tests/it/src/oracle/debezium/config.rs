//! Random configurations of Debezium's transformations; one in some tens is wrong.

use serde_json::{Map, Value as Json, json};
use sluice_harness::Random;

use super::super::generate::{Chance, field_name};

/// Properties as a request has them.
pub(super) type Config = Map<String, Json>;

/// Sets `key` to one of `values` in `percent` of a hundred draws.
fn maybe(random: &mut Random, config: &mut Config, percent: u64, key: &str, values: &[&str]) {
    if random.percent(percent) {
        config.insert(key.to_owned(), json!(random.pick(values)));
    }
}

const FLAGS: [&str; 8] = ["true", "false", "true", "false", "TRUE", " false ", "true", "maybe"];

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
    maybe(random, &mut config, 2, "delete.tombstone.handling.mode", &["none", ""]);
    for key in ["add.fields", "add.headers"] {
        if random.percent(50) {
            config.insert(key.to_owned(), json!(added(random)));
        }
        maybe(random, &mut config, 20, &format!("{key}.prefix"), &["", "p_", "__"]);
    }
    maybe(random, &mut config, 20, "route.by.field", &["a", "b", "id", "__deleted", ""]);
    maybe(random, &mut config, 40, "drop.fields.header.name", &["h", "a", "drop", "drop", " "]);
    maybe(random, &mut config, 40, "drop.fields.from.key", &FLAGS);
    maybe(random, &mut config, 40, "drop.fields.keep.schema.compatible", &FLAGS);
    maybe(random, &mut config, 40, "replace.null.with.default", &FLAGS);
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
            "nowhere",
            "after.id",
            "before",
            "source",
        ]);
        match random.below(40) {
            0 => format!("{field}:"),
            1 => format!("{field}:x:y"),
            2 => String::new(),
            3 => format!("gone.{field}"),
            4..=12 => format!("{field}:{}", random.pick(&["x", "id", "New", "a"])),
            _ => field.to_owned(),
        }
    };
    let entries: Vec<String> = (0..=random.below(3)).map(|_| entry(random)).collect();
    entries.join(random.pick(&[",", ", ", " ,"]))
}

pub(super) fn by_logical_table_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    let regexes =
        ["(.*)", ".*", "(or)(ders)(-.*)?", "a.*", "(?<name>[a-z]+).*", "([^-]+)-(\\d+)", "t", "(.*?)\\.(.*)", "("];
    maybe(random, &mut config, 97, "topic.regex", &regexes);
    let replacements = ["all", "$1_all", "$1", "a-b.$0", "${name}.x", "1st", "$2", "", "é $1", "$9"];
    maybe(random, &mut config, 97, "topic.replacement", &replacements);
    maybe(random, &mut config, 30, "key.enforce.uniqueness", &FLAGS);
    maybe(random, &mut config, 40, "key.field.regex", &regexes);
    maybe(random, &mut config, 45, "key.field.replacement", &["$1", "shard", "x$0", "$1-$2"]);
    maybe(random, &mut config, 30, "key.field.name", &["shard", "id", "a", "__x"]);
    maybe(
        random,
        &mut config,
        50,
        "schema.name.adjustment.mode",
        &["none", "avro", "avro_unicode", "AVRO", "avro", "x"],
    );
    maybe(random, &mut config, 10, "logical.table.cache.size", &["1", "16", "x", "0"]);
    config
}

pub(super) fn event_router(random: &mut Random) -> Config {
    let mut config = Config::new();
    for (key, column) in [
        ("table.field.event.id", "id"),
        ("table.field.event.key", "aggregateid"),
        ("table.field.event.payload", "payload"),
        ("route.by.field", "aggregatetype"),
    ] {
        maybe(random, &mut config, 12, key, &[column, "type", "version", "at", "missing", "part"]);
    }
    maybe(
        random,
        &mut config,
        30,
        "table.field.event.timestamp",
        &["at", "at", "version", "type", "missing", "created"],
    );
    maybe(
        random,
        &mut config,
        25,
        "table.field.event.schema.version",
        &["version", "version", "part", "type", "missing"],
    );
    if random.percent(50) {
        config.insert("table.fields.additional.placement".to_owned(), json!(placement(random)));
    }
    maybe(random, &mut config, 30, "table.field.additional.missing", &["error", "ignore", "Ignore", "x"]);
    maybe(
        random,
        &mut config,
        20,
        "route.topic.regex",
        &["(.*)", "(?<routedByValue>[A-Z].*)", "User", "(", "(U)ser|.*"],
    );
    maybe(random, &mut config, 20, "route.topic.replacement", &["x.$1", "${routedByValue}", "all", " t ", ""]);
    maybe(random, &mut config, 40, "route.tombstone.on.empty.payload", &FLAGS);
    maybe(random, &mut config, 20, "table.op.invalid.behavior", &["warn", "error", "fatal", "x"]);
    maybe(random, &mut config, 45, "table.expand.json.payload", &["true", "true", "false", "maybe"]);
    maybe(random, &mut config, 40, "table.json.payload.null.behavior", &["ignore", "optional_bytes", "x"]);
    maybe(random, &mut config, 20, "field.name.adjustment.mode", &["none", "avro", "avro_unicode"]);
    config
}

fn placement(random: &mut Random) -> String {
    let entry = |random: &mut Random| {
        let field =
            if random.percent(10) { field_name(random) } else { random.pick(&["type", "version", "at", "part"]) };
        let placement = random.pick(&["header", "envelope", "envelope", "partition", " Header "]);
        match random.below(30) {
            0 => field.to_owned(),
            1 => format!("{field}:{placement}:x:y"),
            2..=12 => format!("{field}:{placement}:{}", random.pick(&["x", "alias", "payload2"])),
            _ => format!("{field}:{placement}"),
        }
    };
    let entries: Vec<String> = (0..=random.below(3)).map(|_| entry(random)).collect();
    entries.join(random.pick(&[",", ", "]))
}
