//! What a task gets from a connector's properties.

use std::time::Duration;

use sluice_api::Properties;
use sluice_plugins::{Registry, RegistryBuilder};

use super::*;
use crate::config::worker::DistributedConfig;

fn registry() -> Registry {
    RegistryBuilder::new().build().expect("nothing twice")
}

fn properties(pairs: &[(&str, &str)]) -> Properties {
    let base = [("name", "c"), ("connector.class", "C")];
    base.iter().chain(pairs).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn error_settings_are_parsed() {
    let config = |pairs| ConnectorConfig::parse(&registry(), &properties(pairs)).expect("no problem");
    let errors = config(&[]).errors;
    assert_eq!((errors.retry_timeout, errors.tolerance), (Some(Duration::ZERO), ErrorTolerance::None));
    let errors = config(&[("errors.retry.timeout", "-1"), ("errors.tolerance", "all")]).errors;
    assert_eq!((errors.retry_timeout, errors.tolerance), (None, ErrorTolerance::All));
}

#[test]
fn every_error_of_a_connector_is_in_one_message() {
    let wrong = properties(&[("tasks.max", "0"), ("errors.log.enable", "x")]);
    let error = ConnectorConfig::parse(&registry(), &wrong).expect_err("two errors");
    assert_eq!(
        error.message(),
        "Invalid value 0 for configuration tasks.max: Value must be at least 1; Invalid value x for configuration \
         errors.log.enable: Expected value to be either true or false"
    );
}

#[test]
fn a_sink_reads_listed_topics_or_a_pattern() {
    let topics = |pairs| SinkConnectorConfig::parse(&registry(), &properties(pairs)).map(|config| config.topics);
    assert_eq!(topics(&[("topics", " a , b")]).ok(), Some(TopicSelection::List(vec!["a".into(), "b".into()])));
    assert_eq!(topics(&[("topics.regex", "a.*")]).ok(), Some(TopicSelection::Regex("a.*".into())));
    let neither = topics(&[]).expect_err("neither");
    assert_eq!(
        neither.message(),
        "Invalid value null for configuration topics: Must configure one of topics or topics.regex"
    );
    let config = SinkConnectorConfig::parse(
        &registry(),
        &properties(&[("topics", "a"), ("errors.deadletterqueue.topic.name", "dlq")]),
    );
    let dlq = config.expect("no problem").dead_letter_queue.expect("there is one");
    assert_eq!((dlq.topic.as_str(), dlq.replication_factor, dlq.context_headers), ("dlq", 3, false));
}

#[test]
fn topics_are_created_by_the_first_group_that_takes_them() {
    let source = properties(&[
        ("topic.creation.groups", "hot, cold,default"),
        ("topic.creation.default.partitions", "1"),
        ("topic.creation.default.replication.factor", "-1"),
        ("topic.creation.hot.include", "hot-.*,warm"),
        ("topic.creation.hot.exclude", "hot-not"),
        ("topic.creation.hot.partitions", "6"),
        ("topic.creation.hot.retention.ms", "1000"),
        ("topic.creation.cold.include", "(?!lava).*cold"),
    ]);
    let config = TopicCreationConfig::parse(&source).expect("no problem").expect("there are groups");
    for (topic, group) in [
        ("hot-1", "hot"),
        ("warm", "hot"),
        ("warmer", "default"),
        ("hot-not", "default"),
        ("ice-cold", "cold"),
        ("lava-cold", "default"),
        ("x", "default"),
    ] {
        assert_eq!(config.group_of(topic).name, group, "{topic}");
    }
    let hot = config.group_of("warm");
    assert_eq!((hot.partitions, hot.replication_factor), (6, -1));
    assert_eq!(hot.settings.get("retention.ms").map(String::as_str), Some("1000"));
    assert_eq!(hot.settings.len(), 1);
}

#[test]
fn the_default_group_is_needed_as_soon_as_any_key_is_set() {
    assert!(TopicCreationConfig::parse(&properties(&[])).expect("no problem").is_none());
    let error = TopicCreationConfig::parse(&properties(&[("topic.creation.groups", "a")])).expect_err("two missing");
    assert_eq!(
        error.message(),
        "Missing required configuration \"topic.creation.default.partitions\" which has no default value.; Missing required \
         configuration \"topic.creation.default.replication.factor\" which has no default value."
    );
}

#[test]
fn a_converter_is_the_connectors_with_its_settings_or_the_workers_with_its_own() {
    let worker: Properties = [
        ("bootstrap.servers", "b:1"),
        ("group.id", "g"),
        ("key.converter", "K"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", "V"),
        ("value.converter.schemas.enable", "false"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    let worker = DistributedConfig::parse(&worker).expect("no problem").worker;
    let connector = properties(&[("value.converter", "Mine"), ("key.converter.schemas.enable", "true")]);
    let key = ConverterChoice::key(&worker, &connector);
    assert_eq!((key.class.as_str(), key.properties.get("schemas.enable").map(String::as_str)), ("K", Some("false")));
    let value = ConverterChoice::value(&worker, &connector);
    assert_eq!((value.class.as_str(), value.properties.len()), ("Mine", 0));
}

#[test]
fn a_transformation_comes_with_its_predicate() {
    let pairs = properties(&[
        ("transforms", "t"),
        ("transforms.t.type", "T"),
        ("transforms.t.field", "f"),
        ("transforms.t.predicate", "p"),
        ("transforms.t.negate", "TRUE"),
        ("predicates", "p"),
        ("predicates.p.type", "P"),
        ("predicates.p.pattern", "x"),
    ]);
    // The classes are unknown here, so only what does not depend on them is looked at.
    let transform = parsed::transform(&pairs, "t").expect("no problem");
    assert_eq!(transform.class, "T");
    assert_eq!(transform.properties.keys().collect::<Vec<_>>(), ["type", "field"]);
    let (predicate, negated) = transform.predicate.expect("there is one");
    assert_eq!((predicate.class.as_str(), negated), ("P", true));
    assert_eq!(predicate.properties.get("pattern").map(String::as_str), Some("x"));
}
