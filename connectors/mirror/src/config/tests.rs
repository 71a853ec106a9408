//! Keys, defaults, rules over several keys, and what is refused.

use super::*;
use sluice_api::Properties;

fn properties(given: &[(&str, &str)]) -> Properties {
    let base = [
        ("name", "mirror"),
        ("source.cluster.alias", "A"),
        ("target.cluster.alias", "B"),
        ("source.cluster.bootstrap.servers", "a:1"),
        ("target.cluster.bootstrap.servers", "b:1"),
    ];
    base.iter().chain(given).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn errors(values: &[ConfigValue]) -> Vec<(&str, &str)> {
    let each =
        values.iter().flat_map(|value| value.error_messages.iter().map(|text| (value.name.as_str(), text.as_str())));
    each.collect()
}

use sluice_api::config::ConfigValue;

#[test]
fn defaults_are_those_of_mirror_maker() {
    let config = SourceConfig::parse(&properties(&[])).expect("valid");
    assert_eq!(config.refresh_topics, Some(Duration::from_secs(600)));
    assert_eq!(config.syncs, Some((Side::Source, 3)));
    assert_eq!((config.replication_factor, config.lag_max, config.copy_heartbeats), (2, 100, true));
    assert!(config.topics.accepts("t") && !config.topics.accepts("mm2-offsets.A.internal"));
    assert!(!config.settings.accepts("min.insync.replicas") && config.settings.accepts("retention.ms"));
    let config = CheckpointConfig::parse(&properties(&[])).expect("valid");
    assert_eq!((config.emit, config.sync_group_offsets), (Some(Duration::from_secs(60)), None));
    assert!(config.groups.accepts("app") && !config.groups.accepts("connect-x"));
    let config = HeartbeatConfig::parse(&properties(&[])).expect("valid");
    assert_eq!((config.interval, config.replication_factor), (Some(Duration::from_secs(1)), 3));
}

#[test]
fn what_is_switched_off_has_no_interval() {
    let config = SourceConfig::parse(&properties(&[
        ("sync.topic.acls.enabled", "false"),
        ("refresh.topics.interval.seconds", "-1"),
        ("emit.offset-syncs.enabled", "false"),
    ]))
    .expect("valid");
    assert_eq!((config.sync_acls, config.refresh_topics, config.syncs), (None, None, None));
}

#[test]
fn the_source_has_to_be_named() {
    let mut without = properties(&[]);
    without.shift_remove("source.cluster.alias");
    without.shift_remove("target.cluster.bootstrap.servers");
    let values = validate_source(&without);
    assert_eq!(
        errors(&values),
        [
            (
                "source.cluster.alias",
                "Missing required configuration \"source.cluster.alias\" which has no default value."
            ),
            (
                "target.cluster.bootstrap.servers",
                "Missing required configuration \"target.cluster.bootstrap.servers\": the addresses of the target cluster"
            ),
        ]
    );
}

#[test]
fn assigned_partitions_are_split_at_the_last_dash() {
    let config = SourceConfig::parse(&properties(&[(ASSIGNED_PARTITIONS, "a-b-3,c-0")])).expect("valid");
    let assigned: Vec<String> = config.assigned.iter().map(ToString::to_string).collect();
    assert_eq!(assigned, ["a-b-3", "c-0"]);
    let error = SourceConfig::parse(&properties(&[(ASSIGNED_PARTITIONS, "x")])).expect_err("refused");
    assert_eq!(error.message(), "parsing `task.assigned.partitions`: expected topic-partition, got \"x\"");
}

#[test]
fn rules_over_several_keys_are_those_of_mirror_maker() {
    let off = [("emit.offset-syncs.enabled", "false"), ("offset-syncs.topic.location", "target")];
    assert_eq!(errors(&validate_source(&properties(&off)))[0].0, "emit.offset-syncs.enabled");
    let off = [("emit.offset-syncs.enabled", "false")];
    assert!(errors(&validate_source(&properties(&off))).is_empty());
    let values = validate_checkpoint(&properties(&off));
    assert_eq!(
        errors(&values),
        [("emit.offset-syncs.enabled", "MirrorCheckpointConnector can't run without offset syncs")]
    );
    let disabled = [("emit.checkpoints.enabled", "false"), ("enabled", "false")];
    assert!(errors(&validate_checkpoint(&properties(&disabled))).is_empty());
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    for (key, value) in [
        ("transforms", "route"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("replication.policy.class", "com.example.Policy"),
        ("topic.filter.class", "com.example.Filter"),
        ("forwarding.admin.class", "com.example.Admin"),
        ("exactly.once.support", "required"),
        ("topic.recreated", "perhaps"),
        ("topic.truncated", "perhaps"),
        ("topics", "("),
    ] {
        let values = validate_source(&properties(&[(key, value)]));
        assert!(errors(&values).iter().any(|(name, _)| *name == key), "{key}: {:?}", errors(&values));
    }
    let allowed = [
        ("value.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"),
        ("replication.policy.class", "IdentityReplicationPolicy"),
    ];
    assert!(errors(&validate_source(&properties(&allowed))).is_empty());
}

#[test]
fn clients_get_what_is_closest_to_them() {
    let all = properties(&[
        ("source.cluster.security.protocol", "SSL"),
        ("source.cluster.max.poll.records", "1"),
        ("consumer.fetch.max.bytes", "1"),
        ("source.consumer.fetch.max.bytes", "2"),
        ("target.consumer.fetch.max.bytes", "3"),
        ("source.consumer.client.id", "mine"),
        (TASK_INDEX, "4"),
    ]);
    let clients = FlowConfig::parse(&all).expect("valid").clients;
    let consumer = clients.of(Side::Source, ClientRole::Consumer, "replication-consumer");
    assert_eq!(consumer["bootstrap.servers"], "a:1");
    assert_eq!(consumer["security.protocol"], "SSL");
    assert_eq!(consumer["fetch.max.bytes"], "2");
    assert_eq!(consumer["auto.offset.reset"], "earliest");
    assert_eq!(consumer["client.id"], "mine|A->B|mirror-4|replication-consumer");
    assert!(!consumer.contains_key("max.poll.records"), "only addresses and security are the cluster's");
    let admin = clients.of(Side::Target, ClientRole::Admin, "replication-target-admin");
    assert_eq!((admin["bootstrap.servers"].as_str(), admin.len()), ("b:1", 2));
}
