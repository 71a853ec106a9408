//! The table against librdkafka itself.

use rdkafka::ClientConfig;

use super::{Properties, Role, Translation, translate};
use crate::error::{Error, ErrorKind};

mod rows;

const ROLES: [Role; 3] = [Role::Producer, Role::Consumer, Role::Admin];

fn properties(entries: &[(&str, &str)]) -> Properties {
    let minimal = [("bootstrap.servers", "h:9092")];
    minimal.iter().chain(entries).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn translated(role: Role, entries: &[(&str, &str)]) -> Translation {
    translate(role, &properties(entries)).expect("usable properties")
}

/// What differs from a client of librdkafka's that nobody configured.
fn differences(role: Role) -> Vec<(String, String)> {
    let bare = ClientConfig::new().create_native_config().expect("librdkafka's own defaults");
    let translation = translated(role, &[]);
    // librdkafka does not tell the defaults of settings that it keeps for each topic; these two are the same as Java's.
    let kept_for_topics = [("acks", "all"), ("request.timeout.ms", "30000")];
    let differs = |(key, value): &(&str, &str)| match bare.get(key) {
        Ok(default) => default != *value,
        Err(_) => !kept_for_topics.contains(&(*key, *value)),
    };
    translation
        .librdkafka()
        .filter(|(key, _)| *key != "bootstrap.servers")
        .filter(differs)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn list(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_producer_differs_from_librdkafkas_in_these_defaults() {
    let expected = list(&[
        ("client.id", "sluice"),
        ("connections.max.idle.ms", "540000"),
        ("delivery.timeout.ms", "2147483647"),
        ("enable.metrics.push", "false"),
        ("max.in.flight.requests.per.connection", "1"),
        ("message.max.bytes", "1048576"),
        ("partitioner", "murmur2_random"),
        ("reconnect.backoff.max.ms", "1000"),
        ("reconnect.backoff.ms", "50"),
        ("socket.connection.setup.timeout.ms", "10000"),
        ("socket.timeout.ms", "30000"),
        ("topic.metadata.propagation.max.ms", "2147483"),
    ]);
    assert_eq!(differences(Role::Producer), expected);
}

#[test]
fn a_consumer_differs_from_librdkafkas_in_these_defaults() {
    let expected = list(&[
        ("allow.auto.create.topics", "true"),
        ("auto.offset.reset", "earliest"),
        ("check.crcs", "true"),
        ("client.id", "sluice"),
        ("connections.max.idle.ms", "540000"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.metrics.push", "false"),
        ("isolation.level", "read_uncommitted"),
        ("partition.assignment.strategy", "range"),
        ("reconnect.backoff.max.ms", "1000"),
        ("reconnect.backoff.ms", "50"),
        ("socket.connection.setup.timeout.ms", "10000"),
        ("socket.timeout.ms", "30000"),
    ]);
    assert_eq!(differences(Role::Consumer), expected);
}

#[test]
fn an_admin_client_differs_from_librdkafkas_in_these_defaults() {
    let expected = list(&[
        ("client.id", "sluice"),
        ("connections.max.idle.ms", "300000"),
        ("enable.metrics.push", "false"),
        ("isolation.level", "read_uncommitted"),
        ("reconnect.backoff.max.ms", "1000"),
        ("reconnect.backoff.ms", "50"),
        ("socket.connection.setup.timeout.ms", "10000"),
        ("socket.timeout.ms", "30000"),
    ]);
    assert_eq!(differences(Role::Admin), expected);
}

#[test]
fn librdkafka_keeps_its_own_batch_size_until_the_user_sets_one() {
    assert_eq!(translated(Role::Producer, &[]).native("batch.size"), None);
    assert_eq!(translated(Role::Producer, &[("batch.size", "16384")]).native("batch.size"), Some("16384"));
}

#[test]
fn librdkafka_takes_every_key_of_the_table() {
    for role in ROLES {
        let sample = |row: &super::table::Row| match (row.default, row.value) {
            (Some(default), _) => Some(default),
            (None, super::value::ValueType::Int | super::value::ValueType::Long) => Some("5000"),
            (None, super::value::ValueType::Boolean) => Some("false"),
            (None, _) if ["client.rack", "group.id", "group.instance.id", "transactional.id"].contains(&row.key) => {
                Some("x")
            }
            (None, _) => None,
        };
        let all: Vec<_> = super::table::TABLE
            .iter()
            .filter(|row| row.roles.contains(&role))
            .filter_map(|row| Some((row.key, sample(row)?)))
            .collect();
        let config = translated(role, &all).client_config().expect("no stores");
        assert!(config.create_native_config().is_ok(), "{role:?}: {:?}", config.create_native_config().err());
    }
}

#[test]
fn what_the_user_sets_wins() {
    let producer = translated(
        Role::Producer,
        &[
            ("acks", " 1 "),
            ("max.request.size", "5000000"),
            ("request.timeout.ms", "7000"),
            ("compression.type", "ZSTD"),
            ("compression.zstd.level", "3"),
            ("compression.gzip.level", "9"),
        ],
    );
    for (key, value) in [
        ("acks", "1"),
        ("message.max.bytes", "5000000"),
        ("request.timeout.ms", "7000"),
        ("socket.timeout.ms", "7000"),
        ("compression.type", "zstd"),
        ("compression.level", "3"),
    ] {
        assert_eq!(producer.native(key), Some(value), "{key}");
    }
}

#[test]
fn numbers_outside_of_librdkafkas_bounds_are_taken_to_the_bound() {
    let consumer = translated(Role::Consumer, &[("request.timeout.ms", "600000"), ("connections.max.idle.ms", "-1")]);
    assert_eq!(consumer.native("socket.timeout.ms"), Some("300000"));
    assert_eq!(consumer.native("connections.max.idle.ms"), Some("0"));
}

#[test]
fn values_of_the_wrong_type_are_named_together() {
    let wrong = properties(&[("linger.ms", "soon"), ("acks", "2"), ("enable.idempotence", "yes")]);
    let Err(Error::Properties(errors)) = translate(Role::Producer, &wrong) else {
        panic!("three wrong values were taken")
    };
    let mut keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["acks", "enable.idempotence", "linger.ms"]);
    let linger = errors.iter().find(|error| error.key == "linger.ms").expect("named above");
    assert_eq!(linger.to_string(), "parsing `linger.ms`: expected an integer of 64 bits, got \"soon\"");
}

#[test]
fn a_client_needs_an_address() {
    let error = translate(Role::Admin, &Properties::new()).expect_err("no address");
    assert!(error.to_string().contains("`bootstrap.servers`: expected host:port"), "{error}");
}

#[test]
fn what_is_wrong_with_security_comes_with_everything_else() {
    let wrong = properties(&[("security.protocol", "TLS"), ("linger.ms", "soon")]);
    let error = translate(Role::Producer, &wrong).expect_err("two wrong values");
    assert!(error.to_string().contains("one of PLAINTEXT, SSL") && error.to_string().contains("linger.ms"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Config);
}

// Invariant 9.
#[test]
fn a_translation_shows_no_secret() {
    let jaas = "a.PlainLoginModule required username=\"u\" password=\"geheim\";";
    let given = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", jaas)];
    let translation = translated(Role::Producer, &given);
    assert_eq!(translation.java("sasl.jaas.config"), None);
    assert!(!format!("{translation:?}").contains("geheim"));
}

#[test]
fn keys_that_nothing_makes_use_of_are_listed_and_others_are_not() {
    let given =
        [("interceptor.classes", "a.B"), ("no.such.key", "x"), ("key.serializer", "a.C"), ("sasl.mechanism", "PLAIN")];
    let mut ignored = translated(Role::Producer, &given).ignored().to_vec();
    ignored.sort_unstable();
    assert_eq!(ignored, ["interceptor.classes", "no.such.key"]);
}

#[test]
fn assignors_of_java_get_librdkafkas_names() {
    let assignors = |list: &str| {
        translate(Role::Consumer, &properties(&[("partition.assignment.strategy", list)]))
            .map(|consumer| consumer.native("partition.assignment.strategy").map(str::to_owned))
    };
    let java = "org.apache.kafka.clients.consumer.";
    let of =
        |names: &[&str]| assignors(&names.iter().map(|name| format!("{java}{name}")).collect::<Vec<_>>().join(", "));
    assert_eq!(of(&["RangeAssignor", "CooperativeStickyAssignor"]), Ok(Some("range".to_owned())));
    assert_eq!(of(&["CooperativeStickyAssignor"]), Ok(Some("cooperative-sticky".to_owned())));
    assert_eq!(of(&["RoundRobinAssignor", "RangeAssignor"]), Ok(Some("roundrobin,range".to_owned())));
    assert!(of(&["StickyAssignor"]).is_err());
}

#[test]
fn a_partitioner_that_would_move_keys_is_refused() {
    let with = |class: &str| translate(Role::Producer, &properties(&[("partitioner.class", class)]));
    assert!(with("com.example.MyPartitioner").is_err());
    let round_robin =
        with("org.apache.kafka.clients.producer.RoundRobinPartitioner").expect("the same spread at random");
    assert_eq!(round_robin.native("partitioner"), Some("random"));
}
