//! What wins over what.

use super::*;
use crate::config::worker::DistributedConfig;

fn worker(more: &[(&str, &str)]) -> DistributedConfig {
    let mut properties = pairs(&[
        ("bootstrap.servers", "a:1, b:2"),
        ("group.id", "g"),
        ("key.converter", "StringConverter"),
        ("value.converter", "StringConverter"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
    ]);
    properties.extend(pairs(more));
    DistributedConfig::parse(&properties).expect("no problem")
}

fn get<'a>(properties: &'a Properties, name: &str) -> Option<&'a str> {
    properties.get(name).map(String::as_str)
}

#[test]
fn a_connector_overrides_the_worker_and_the_worker_overrides_the_defaults() {
    let config = worker(&[
        ("producer.acks", "1"),
        ("producer.linger.ms", "7"),
        ("security.protocol", "SSL"),
        ("admin.retries", "3"),
    ]);
    let connector = pairs(&[("name", "c"), ("producer.override.acks", "0"), ("admin.override.retries", "4")]);
    let clients = ClientProperties::new(&config.worker, &connector);
    let ids = ClientIds::of_task("c", 2);
    let producer = clients.producer(&ids).expect("allowed");
    for (name, value) in [
        ("bootstrap.servers", Some("a:1,b:2")),
        ("acks", Some("0")),
        ("linger.ms", Some("7")),
        ("client.id", Some("connector-producer-c-2")),
        ("delivery.timeout.ms", Some("2147483647")),
        ("enable.idempotence", Some("false")),
        // Unprefixed security settings do not reach the producers and consumers of tasks.
        ("security.protocol", None),
    ] {
        assert_eq!(get(&producer, name), value, "{name}");
    }
    let admin = clients.admin(&ids).expect("allowed");
    assert_eq!(get(&admin, "security.protocol"), Some("SSL"));
    assert_eq!(get(&admin, "retries"), Some("4"));
    assert_eq!(get(&admin, "producer.acks"), None);
    assert_eq!(get(&admin, "client.id"), Some("connector-adminclient-c-2"));
}

#[test]
fn sinks_read_from_the_beginning_in_a_group_of_their_own() {
    let config = worker(&[]);
    let connector = pairs(&[("name", "c"), ("consumer.override.group.id", "mine")]);
    let clients = ClientProperties::new(&config.worker, &connector);
    let consumer = clients.consumer(&ClientIds::of_task("c", 0)).expect("allowed");
    assert_eq!(get(&consumer, "group.id"), Some("mine"));
    assert_eq!(get(&consumer, "auto.offset.reset"), Some("earliest"));
    assert_eq!(get(&consumer, "enable.auto.commit"), Some("false"));
    assert_eq!(get(&consumer, "isolation.level"), None);
    let offsets = clients.offsets_consumer(&ClientIds::of_connector("c")).expect("allowed");
    assert_eq!(get(&offsets, "isolation.level"), Some("read_committed"));
    assert_eq!(get(&offsets, "client.id"), Some("connector-consumer-c"));
}

#[test]
fn a_transactional_id_is_not_the_users_to_set() {
    let config = worker(&[("exactly.once.source.support", "enabled"), ("producer.transactional.id", "mine")]);
    let connector = pairs(&[("name", "c")]);
    let clients = ClientProperties::new(&config.worker, &connector);
    let producer = clients.exactly_once_producer(&ClientIds::of_task("c", 1)).expect("allowed");
    assert_eq!(get(&producer, "transactional.id"), Some("g-c-1"));
    assert_eq!(get(&producer, "enable.idempotence"), Some("true"));
}

#[test]
fn the_policy_is_enforced_where_clients_are_made() {
    let config = worker(&[("connector.client.config.override.policy", "None")]);
    let connector = pairs(&[("name", "c"), ("producer.override.sasl.jaas.config", "secret")]);
    let error =
        ClientProperties::new(&config.worker, &connector).producer(&ClientIds::of_task("c", 0)).expect_err("refused");
    assert!(error.message().starts_with("Client Config Overrides not allowed [The 'None' policy"));
    // Invariant 9.
    assert!(!error.message().contains("secret"));
}
