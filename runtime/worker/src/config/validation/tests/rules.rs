//! Rules that the golden files do not show.

use sluice_api::Properties;

use super::golden::worker_with;
use super::plugins::registry;
use crate::config::validation::{ConfigInfos, validate_connector_config};

const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

fn validate(worker: &[(&str, &str)], class: &str, more: &[(&str, &str)]) -> ConfigInfos {
    let base =
        [("connector.class", class), ("name", "c"), if class == SINK { ("topics", "t") } else { ("topic", "t") }];
    let pairs = base.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let properties: Properties = pairs.collect();
    validate_connector_config(&registry(), &worker_with(worker), &properties).expect("an answer")
}

fn errors(infos: &ConfigInfos) -> Vec<(&str, &str)> {
    let values = infos.configs.iter().filter_map(|info| info.value.as_ref());
    values.flat_map(|value| value.errors.iter().map(|error| (value.name.as_str(), error.as_str()))).collect()
}

fn entry<'a>(infos: &'a ConfigInfos, name: &str) -> Option<&'a str> {
    let mut values = infos.configs.iter().filter_map(|info| info.value.as_ref());
    values.find(|value| value.name == name)?.value.as_deref()
}

#[test]
fn overrides_are_entries_of_their_own_and_count_once() {
    let overrides = [
        ("producer.override.linger.ms", "5"),
        ("producer.override.sasl.jaas.config", "hunter2"),
        ("producer.override.my.secret", "hunter2"),
        ("consumer.override.fetch.min.bytes", "1"),
    ];
    let infos = validate(&[("connector.client.config.override.policy", "Principal")], SOURCE, &overrides);
    let message = |key: &str| {
        format!("The 'Principal' policy does not allow '{key}' to be overridden in the connector configuration.")
    };
    let mut found = errors(&infos);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("producer.override.linger.ms", message("linger.ms").as_str()),
            ("producer.override.my.secret", message("my.secret").as_str()),
        ]
    );
    assert_eq!(infos.error_count, 2);
    assert_eq!(entry(&infos, "producer.override.linger.ms"), Some("5"));
    // Invariant 9.
    assert_eq!(entry(&infos, "producer.override.sasl.jaas.config"), Some("[hidden]"));
    assert_eq!(entry(&infos, "producer.override.my.secret"), Some("[hidden]"));
    // A source without an offsets topic of its own has no consumer.
    assert_eq!(entry(&infos, "consumer.override.fetch.min.bytes"), None);
}

#[test]
fn an_override_that_its_client_cannot_parse_ends_the_validation() {
    let properties: Properties =
        [("connector.class", SOURCE), ("name", "c"), ("topic", "t"), ("producer.override.linger.ms", "x")]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
    let error = validate_connector_config(&registry(), &worker_with(&[]), &properties).expect_err("no answer");
    assert_eq!(error.message(), "Invalid value x for configuration linger.ms: Not a number of type LONG");
}

#[test]
fn a_sink_does_not_join_the_workers_group() {
    let infos = validate(&[("group.id", "connect-c")], SINK, &[]);
    assert_eq!(
        errors(&infos),
        [("name", "Consumer group for sink connector named c conflicts with Connect worker group connect-c")]
    );
    let infos = validate(&[("group.id", "g")], SINK, &[("consumer.override.group.id", "g")]);
    assert_eq!(
        errors(&infos),
        [("consumer.override.group.id", "Consumer group g conflicts with Connect worker group g")]
    );
}

#[test]
fn a_predicate_can_only_be_negated_where_there_is_one() {
    let transforms = [
        ("transforms", "t"),
        ("transforms.t.type", "org.apache.kafka.connect.transforms.InsertHeader"),
        ("transforms.t.negate", "true"),
    ];
    assert_eq!(
        errors(&validate(&[], SOURCE, &transforms)),
        [(
            "transforms.t.type",
            "Config 'transforms.t.negate' was provided but there is no config 'transforms.t.predicate' defining a predicate to \
             be negated."
        )]
    );
}

#[test]
fn exactly_once_is_fine_where_worker_and_connector_offer_it() {
    let worker = [("exactly.once.source.support", "enabled")];
    let infos = validate(&worker, SOURCE, &[("exactly.once.support", "required"), ("file", "/tmp/x")]);
    assert_eq!(errors(&infos), []);
}

#[test]
fn an_unknown_key_is_no_error() {
    let infos = validate(&[], SOURCE, &[("no.such.key", "x")]);
    assert_eq!((infos.error_count, entry(&infos, "no.such.key")), (0, None));
    assert_eq!(infos.error_message(), None);
}
