use super::*;
use crate::catalog::TableName;

fn properties(more: &[(&str, &str)]) -> Properties {
    let base = [
        ("topic.prefix", "server"),
        ("database.hostname", "one, two:6432,[::1]:7432"),
        ("database.user", "capture"),
        ("database.dbname", "shop"),
    ];
    base.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn defaults_are_debeziums() {
    let config = PostgresConfig::parse(&properties(&[])).unwrap();
    assert_eq!((config.slot.as_str(), config.publication.as_str()), ("debezium", "dbz_publication"));
    assert_eq!(config.snapshot_mode, SnapshotMode::Initial);
    assert!(config.tombstones && config.skip_truncates && !config.skip_deletes && config.heartbeat.is_none());
    let hosts = [("one".to_owned(), 5432), ("two".to_owned(), 6432), ("::1".to_owned(), 7432)];
    assert_eq!(config.options.hosts, hosts);
    assert_eq!(config.heartbeat_topic, "__debezium-heartbeat.server");
    assert_eq!(&*config.topic("public", "größe"), "server.public.gr__e");
}

#[test]
fn names_of_schemas_are_those_of_avro_where_asked_for() {
    let name = |mode, text| {
        PostgresConfig::parse(&properties(&[("schema.name.adjustment.mode", mode)])).unwrap().schema_name(text)
    };
    assert_eq!(name("none", "my-server.public.t.Key"), "my-server.public.t.Key");
    assert_eq!(name("avro", "my-server.public.t.Key"), "my_server.public.t.Key");
    assert_eq!(name("avro", "1server.public.t.Key"), "_1server.public.t.Key");
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    for (key, value) in [
        ("signal.data.collection", "public.signals"),
        ("plugin.name", "decoderbufs"),
        ("snapshot.mode", "configuration_based"),
        ("snapshot.max.threads", "4"),
    ] {
        let error = PostgresConfig::parse(&properties(&[(key, value)])).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(value), "{error}");
    }
    assert!(refusals(&properties(&[("plugin.name", "pgoutput"), ("read.only", "false")])).is_empty());
}

#[test]
fn lists_are_anchored_and_know_no_case() {
    let config = properties(&[("table.include.list", r"public\.ORD.*,shop\.a\,b")]);
    let filter = TableFilter::parse(&config).unwrap();
    let matches = |schema: &str, name: &str| filter.matches(&TableName { schema: schema.into(), name: name.into() });
    assert!(matches("public", "orders") && matches("shop", "a,b"));
    assert!(!matches("public", "reorder") && !matches("my_public", "orders"));
    let both = properties(&[("table.include.list", "a"), ("table.exclude.list", "b")]);
    assert!(TableFilter::parse(&both).is_err());
}

#[test]
fn columns_are_left_out_and_keys_replaced() {
    let table = TableName { schema: "public".into(), name: "orders".into() };
    let more =
        [("column.exclude.list", r"public\.orders\.secret"), ("message.key.columns", "public.o.*:a, b;shop.t:c")];
    let config = PostgresConfig::parse(&properties(&more)).unwrap();
    assert!(config.columns.matches(&table, "open") && !config.columns.matches(&table, "Secret"));
    assert_eq!(config.key_columns.of(&table).unwrap(), ["a", "b"]);
    assert!(PostgresConfig::parse(&properties(&[("message.key.columns", "orders")])).is_err());
}

#[test]
fn a_slot_has_a_name_that_the_server_takes() {
    let error = PostgresConfig::parse(&properties(&[("slot.name", "My-Slot")])).unwrap_err().to_string();
    assert!(error.contains("slot.name"), "{error}");
}

#[test]
fn statements_are_split_at_single_semicolons() {
    assert_eq!(initial_statements("SET a = 1; SELECT ';;';"), ["SET a = 1", "SELECT ';'"]);
}

/// Writes nothing: a difference shows the table as it has to be.
#[test]
fn the_readme_has_the_keys() {
    let readme = include_str!("../../README.md");
    let shown = |key: &sluice_api::config::ConfigKey| {
        let default = match &key.default {
            None => "required".to_owned(),
            Some(sluice_api::config::ParsedValue::Null) => String::new(),
            Some(value) => value.to_string(),
        };
        format!("| `{}` | {} | {default} | {} |", key.name, key.config_type.name(), key.documentation)
    };
    let table: Vec<String> = definition().keys().map(shown).collect();
    let table = table.join("\n");
    assert!(readme.contains(&table), "the table of keys in README.md has to be:\n{table}");
}
