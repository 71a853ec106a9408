//! What a log is made from.

use bytes::Bytes;
use indexmap::IndexMap;

use crate::admin::NewTopic;
use crate::properties::{Properties, Role, is_client_key};
use crate::tenure::Tenure;

/// More than a log has partitions on a broker: see `writes`.
const REQUESTS_IN_FLIGHT: &str = "100";

/// The topic of a log and how to reach it.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The topic.
    pub topic: String,
    /// The worker property that names the topic: said in errors about it.
    pub topic_property: String,
    /// Partitions of a new topic; -1 is the broker's default.
    pub partitions: i32,
    /// Replicas of a new topic; -1 is the broker's default.
    pub replication_factor: i32,
    /// Settings of a new topic. `cleanup.policy` is always `compact`.
    pub topic_settings: IndexMap<String, String>,
    /// Whether an existing topic with more than one partition is refused (the config topic).
    pub single_partition: bool,
    /// The worker's properties without prefix; keys that are no client's are passed over in silence.
    pub properties: Properties,
    /// Changes for the consumer alone, stronger than `properties` (a connector's own offsets topic).
    pub consumer_overrides: Properties,
    /// Changes for the producer alone, stronger than `properties` (the status topic sends with `retries=0`).
    pub producer_overrides: Properties,
    /// The client id of consumer and producer.
    pub client_id: String,
    /// For how long records may be written.
    pub tenure: Tenure,
}

impl LogOptions {
    pub(super) fn new_topic(&self) -> NewTopic {
        let mut settings = self.topic_settings.clone();
        settings.insert("cleanup.policy".to_owned(), "compact".to_owned());
        NewTopic {
            name: self.topic.clone(),
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            settings,
        }
    }

    pub(super) fn consumer_properties(&self) -> Properties {
        let mut properties = self.client_properties(Role::Consumer);
        // The log assigns its partitions itself and never joins a group, so the worker's own group settings mean
        // nothing here.
        for key in ["group.instance.id", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms"] {
            properties.shift_remove(key);
        }
        properties.extend(self.consumer_overrides.clone());
        properties.entry("group.id".to_owned()).or_insert_with(|| self.client_id.clone());
        set(&mut properties, "auto.offset.reset", "earliest");
        set(&mut properties, "enable.auto.commit", "false");
        properties
    }

    pub(super) fn producer_properties(&self) -> Properties {
        let mut properties = self.client_properties(Role::Producer);
        for key in ["partitioner.class", "partitioner.ignore.keys", "transactional.id"] {
            properties.shift_remove(key);
        }
        // A record at a time that somebody waits for: nothing is gained by waiting for a second.
        properties.entry("linger.ms".to_owned()).or_insert_with(|| "0".to_owned());
        properties.extend(self.producer_overrides.clone());
        set(&mut properties, "acks", "all");
        let in_flight = if self.single_partition { "1" } else { REQUESTS_IN_FLIGHT };
        set(&mut properties, "max.in.flight.requests.per.connection", in_flight);
        set(&mut properties, "enable.idempotence", "false");
        properties
    }

    /// Of the producer that writes in transactions: the leader's, which a newer leader fences out.
    pub(super) fn transactional_producer_properties(&self, transactional_id: &str) -> Properties {
        let mut properties = self.producer_properties();
        let client_id = format!("{}-leader", self.client_id);
        for (key, value) in [
            ("client.id", client_id.as_str()),
            ("enable.idempotence", "true"),
            ("max.in.flight.requests.per.connection", "5"),
            ("transactional.id", transactional_id),
        ] {
            set(&mut properties, key, value);
        }
        properties
    }

    fn client_properties(&self, role: Role) -> Properties {
        let known = self.properties.iter().filter(|(key, _)| is_client_key(role, key));
        let mut properties: Properties = known.map(|(key, value)| (key.clone(), value.clone())).collect();
        set(&mut properties, "client.id", &self.client_id);
        properties
    }
}

fn set(properties: &mut Properties, key: &str, value: &str) {
    properties.insert(key.to_owned(), value.to_owned());
}

/// A record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::{LogOptions, REQUESTS_IN_FLIGHT};
    use crate::properties::{Properties, Role, translate};
    use crate::tenure::Tenure;

    fn options(properties: &[(&str, &str)]) -> LogOptions {
        LogOptions {
            topic: "connect-offsets".to_owned(),
            topic_property: "offset.storage.topic".to_owned(),
            partitions: 25,
            replication_factor: 1,
            topic_settings: [("cleanup.policy", "delete"), ("segment.bytes", "1048576")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            single_partition: false,
            properties: properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            consumer_overrides: Properties::new(),
            producer_overrides: Properties::new(),
            client_id: "g-offsets".to_owned(),
            tenure: Tenure::forever(),
        }
    }

    const WORKER: &[(&str, &str)] = &[
        ("bootstrap.servers", "h:9092"),
        ("group.id", "g"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("session.timeout.ms", "999999"),
        ("acks", "1"),
        ("isolation.level", "read_committed"),
        ("partitioner.class", "com.example.Mine"),
    ];

    #[test]
    fn a_new_topic_is_always_compacted() {
        let topic = options(WORKER).new_topic();
        assert_eq!(topic.settings["cleanup.policy"], "compact");
        assert_eq!(topic.settings["segment.bytes"], "1048576");
    }

    #[test]
    fn the_worker_cannot_weaken_its_own_writes() {
        let options = options(WORKER);
        let producer = translate(Role::Producer, &options.producer_properties()).expect("usable properties");
        for (key, value) in [
            ("acks", "all"),
            ("max.in.flight.requests.per.connection", REQUESTS_IN_FLIGHT),
            ("enable.idempotence", "false"),
            ("delivery.timeout.ms", "2147483647"),
        ] {
            assert_eq!(producer.java(key), Some(value), "{key}");
        }
        let in_order =
            translate(Role::Producer, &LogOptions { single_partition: true, ..options }.producer_properties());
        let in_order = in_order.expect("usable properties");
        assert_eq!(in_order.java("max.in.flight.requests.per.connection"), Some("1"));
        assert_eq!(producer.native("partitioner"), Some("murmur2_random"));
        assert!(producer.ignored().is_empty(), "{:?}", producer.ignored());
    }

    #[test]
    fn the_reader_takes_the_workers_client_settings_and_nothing_else() {
        let consumer = translate(Role::Consumer, &options(WORKER).consumer_properties()).expect("usable properties");
        assert_eq!(consumer.java("isolation.level"), Some("read_committed"));
        assert_eq!(consumer.java("client.id"), Some("g-offsets"));
        assert_eq!(consumer.java("session.timeout.ms"), Some("45000"));
        assert!(consumer.ignored().is_empty(), "{:?}", consumer.ignored());
    }
}
