//! What Debezium has and this connector has not yet: refused, never passed over in silence.

use sluice_api::Properties;

/// A key, the values that change nothing, and what to say of others.
type Refusal = (&'static str, &'static [&'static str], &'static str);

const REFUSALS: &[Refusal] = &[
    ("plugin.name", &["pgoutput"], "only pgoutput is supported, which every PostgreSQL since 10 has; remove the key"),
    ("snapshot.query.mode", &["select_all"], "a custom query mode is not supported: it needs a JVM class"),
    (
        "snapshot.isolation.mode",
        &["serializable", "repeatable_read"],
        "a snapshot is always of one moment; remove the key",
    ),
    ("snapshot.max.threads", &["1"], "more than one thread of a snapshot is not supported yet"),
    ("signal.data.collection", &[], "signals and incremental snapshots are not supported yet"),
    ("signal.enabled.channels", &["source"], "signals and incremental snapshots are not supported yet"),
    ("notification.enabled.channels", &[], "notifications are not supported yet"),
    ("include.schema.comments", &["false"], "comments in schemas are not supported yet"),
    ("converters", &[], "custom converters need a JVM"),
    ("post.processors", &[], "post processors are not supported yet"),
    (
        "replica.identity.autoset.values",
        &[],
        "setting replica identities is not supported yet: run ALTER TABLE … REPLICA IDENTITY",
    ),
    ("message.prefix.include.list", &[], "filters of logical messages are not supported yet"),
    ("message.prefix.exclude.list", &[], "filters of logical messages are not supported yet"),
    ("schema.name.adjustment.mode", &["none", "avro"], "this mode is not supported yet"),
    ("field.name.adjustment.mode", &["none"], "adjusted field names are not supported yet"),
    ("read.only", &["false"], "read-only incremental snapshots are not supported yet"),
    ("xmin.fetch.interval.ms", &["0"], "tracking of xmin is not supported yet"),
    ("table.ignore.builtin", &["true"], "system tables cannot be captured"),
    ("offset.mismatch.strategy", &["no_validation"], "this strategy is not supported yet"),
    ("event.processing.failure.handling.mode", &["fail"], "an event that cannot be processed always fails the task"),
    ("lsn.flush.mode", &["connector", "manual"], "only `connector` and `manual` are supported"),
    ("database.connection.factory.class", &[], "connection factories need a JVM"),
];

/// The keys of `properties` that ask for something that is not there, each with its message.
pub(crate) fn refusals(properties: &Properties) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    for (key, value) in properties {
        let value = value.trim();
        let why = REFUSALS
            .iter()
            .find(|(name, harmless, _)| {
                name == key && !value.is_empty() && !harmless.iter().any(|one| one.eq_ignore_ascii_case(value))
            })
            .map(|(_, _, why)| *why)
            .or_else(|| special(key, value));
        if let Some(why) = why {
            refused.push((key.clone(), format!("Invalid value {value} for configuration {key}: {why}")));
        }
    }
    refused
}

fn special(key: &str, value: &str) -> Option<&'static str> {
    let value = value.to_ascii_lowercase();
    match (key, value.as_str()) {
        ("snapshot.mode", "custom") => Some("a custom snapshotter needs a JVM class"),
        ("snapshot.mode", "configuration_based") => Some("this mode is not supported yet"),
        ("snapshot.locking.mode", "custom") => Some("a custom lock needs a JVM class"),
        ("time.precision.mode", "structured") => Some("this mode is not supported yet"),
        ("topic.naming.strategy", name) if !name.ends_with("schematopicnamingstrategy") => {
            Some("only SchemaTopicNamingStrategy is supported")
        }
        _ => None,
    }
}
