//! The table: one row for each Java client property.

use super::Role;
use super::value::ValueType::{self, Boolean, Int, List, Long, OneOf, Text};

/// One Java client property in the roles that know it.
pub(super) struct Row {
    pub(super) key: &'static str,
    pub(super) roles: &'static [Role],
    pub(super) value: ValueType,
    /// What Kafka Connect gives this key when nobody sets it; `None` leaves librdkafka's own default (the deliberate
    /// deviations and the keys that have none).
    pub(super) default: Option<&'static str>,
    pub(super) target: Target,
}

/// Where a property goes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// The same key in librdkafka.
    Same,
    /// Another key in librdkafka.
    Key(&'static str),
    /// Another key in librdkafka, whose bounds are narrower than Java's: the nearest bound is taken.
    Clamped(&'static str, i64, i64),
    /// Two keys of librdkafka, both clamped.
    Both((&'static str, i64, i64), (&'static str, i64, i64)),
    /// Part of the security configuration, which makes librdkafka's settings and the raw-protocol client's out of it.
    Secured,
    /// This crate does it itself, or the way this crate works makes it meaningless (serializers).
    Here,
    /// Nothing here does it: said once when a user sets it.
    Nothing,
}

use Target::{Both, Clamped, Here, Key, Nothing, Same, Secured};

const ALL: &[Role] = &[Role::Producer, Role::Consumer, Role::Admin];
const CLIENTS: &[Role] = &[Role::Producer, Role::Consumer];
const PRODUCER: &[Role] = &[Role::Producer];
const CONSUMER: &[Role] = &[Role::Consumer];
const ADMIN: &[Role] = &[Role::Admin];
const NOT_PRODUCER: &[Role] = &[Role::Consumer, Role::Admin];

const ACKS: &[&str] = &["all", "-1", "0", "1"];
const DNS_LOOKUPS: &[&str] = &["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"];
const CODECS: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];
const ISOLATION_LEVELS: &[&str] = &["read_uncommitted", "read_committed"];
const RECOVERY_STRATEGIES: &[&str] = &["none", "rebootstrap"];
const RESETS: &[&str] = &["earliest", "latest", "none"];

const MAX_INT: i64 = i32::MAX as i64;

const fn row(
    key: &'static str,
    roles: &'static [Role],
    value: ValueType,
    default: Option<&'static str>,
    target: Target,
) -> Row {
    Row { key, roles, value, default, target }
}

pub(super) static TABLE: &[Row] = &[
    // Every client.
    row("bootstrap.servers", ALL, List, None, Same),
    row("client.id", ALL, Text, None, Same),
    row("client.rack", ALL, Text, None, Same),
    row("client.dns.lookup", ALL, OneOf(DNS_LOOKUPS), Some("use_all_dns_ips"), Same),
    row(
        "request.timeout.ms",
        PRODUCER,
        Int,
        Some("30000"),
        Both(("socket.timeout.ms", 10, 300_000), ("request.timeout.ms", 1, 900_000)),
    ),
    row("request.timeout.ms", NOT_PRODUCER, Int, Some("30000"), Clamped("socket.timeout.ms", 10, 300_000)),
    row("default.api.timeout.ms", NOT_PRODUCER, Int, Some("60000"), Here),
    row("metadata.max.age.ms", ALL, Long, Some("300000"), Clamped("topic.metadata.refresh.interval.ms", 10, 3_600_000)),
    row("metadata.recovery.strategy", ALL, OneOf(RECOVERY_STRATEGIES), Some("rebootstrap"), Same),
    row(
        "metadata.recovery.rebootstrap.trigger.ms",
        ALL,
        Long,
        Some("300000"),
        Clamped("metadata.recovery.rebootstrap.trigger.ms", 0, MAX_INT),
    ),
    row("reconnect.backoff.ms", ALL, Long, Some("50"), Clamped("reconnect.backoff.ms", 0, 3_600_000)),
    row("reconnect.backoff.max.ms", ALL, Long, Some("1000"), Clamped("reconnect.backoff.max.ms", 0, 3_600_000)),
    row("retry.backoff.ms", ALL, Long, Some("100"), Clamped("retry.backoff.ms", 1, 300_000)),
    row("retry.backoff.max.ms", ALL, Long, Some("1000"), Clamped("retry.backoff.max.ms", 1, 300_000)),
    row("connections.max.idle.ms", CLIENTS, Long, Some("540000"), Clamped("connections.max.idle.ms", 0, MAX_INT)),
    row("connections.max.idle.ms", ADMIN, Long, Some("300000"), Clamped("connections.max.idle.ms", 0, MAX_INT)),
    row(
        "socket.connection.setup.timeout.ms",
        ALL,
        Long,
        Some("10000"),
        Clamped("socket.connection.setup.timeout.ms", 1_000, MAX_INT),
    ),
    row("socket.connection.setup.timeout.max.ms", ALL, Long, None, Nothing),
    row("send.buffer.bytes", ALL, Int, None, Clamped("socket.send.buffer.bytes", 0, 100_000_000)),
    row("receive.buffer.bytes", ALL, Int, None, Clamped("socket.receive.buffer.bytes", 0, 100_000_000)),
    row("enable.metrics.push", ALL, Boolean, Some("false"), Same),
    row("metric.reporters", ALL, List, None, Nothing),
    row("interceptor.classes", CLIENTS, List, None, Nothing),
    row("config.providers", ALL, List, None, Here),
    // Every client: encryption and identity.
    row("security.protocol", ALL, Text, None, Secured),
    row("ssl.keystore.type", ALL, Text, None, Secured),
    row("ssl.keystore.location", ALL, Text, None, Secured),
    row("ssl.keystore.password", ALL, Text, None, Secured),
    row("ssl.keystore.key", ALL, Text, None, Secured),
    row("ssl.keystore.certificate.chain", ALL, Text, None, Secured),
    row("ssl.key.password", ALL, Text, None, Secured),
    row("ssl.truststore.type", ALL, Text, None, Secured),
    row("ssl.truststore.location", ALL, Text, None, Secured),
    row("ssl.truststore.password", ALL, Text, None, Secured),
    row("ssl.truststore.certificates", ALL, Text, None, Secured),
    row("ssl.endpoint.identification.algorithm", ALL, Text, None, Secured),
    row("ssl.enabled.protocols", ALL, Text, None, Secured),
    row("ssl.cipher.suites", ALL, Text, None, Secured),
    row("ssl.engine.factory.class", ALL, Text, None, Secured),
    // The newest version that both sides allow is spoken.
    row("ssl.protocol", ALL, Text, None, Here),
    row("ssl.provider", ALL, Text, None, Nothing),
    row("ssl.keymanager.algorithm", ALL, Text, None, Nothing),
    row("ssl.trustmanager.algorithm", ALL, Text, None, Nothing),
    row("ssl.secure.random.implementation", ALL, Text, None, Nothing),
    row("security.providers", ALL, Text, None, Nothing),
    row("sasl.mechanism", ALL, Text, None, Secured),
    row("sasl.jaas.config", ALL, Text, None, Secured),
    row("sasl.client.callback.handler.class", ALL, Text, None, Secured),
    row("sasl.login.callback.handler.class", ALL, Text, None, Secured),
    row("sasl.login.class", ALL, Text, None, Secured),
    row("sasl.login.connect.timeout.ms", ALL, Text, None, Secured),
    row("sasl.login.read.timeout.ms", ALL, Text, None, Secured),
    row("sasl.kerberos.service.name", ALL, Text, None, Secured),
    row("sasl.oauthbearer.jwt.retriever.class", ALL, Text, None, Secured),
    row("sasl.oauthbearer.token.endpoint.url", ALL, Text, None, Secured),
    row("sasl.oauthbearer.client.credentials.client.id", ALL, Text, None, Secured),
    row("sasl.oauthbearer.client.credentials.client.secret", ALL, Text, None, Secured),
    row("sasl.oauthbearer.scope", ALL, Text, None, Secured),
    row("sasl.oauthbearer.sub.claim.name", ALL, Text, None, Secured),
    row("sasl.oauthbearer.header.urlencode", ALL, Text, None, Secured),
    row("sasl.login.refresh.window.factor", ALL, Text, None, Nothing),
    row("sasl.login.refresh.window.jitter", ALL, Text, None, Nothing),
    row("sasl.login.refresh.min.period.seconds", ALL, Text, None, Nothing),
    row("sasl.login.refresh.buffer.seconds", ALL, Text, None, Nothing),
    row("sasl.login.retry.backoff.ms", ALL, Text, None, Nothing),
    row("sasl.login.retry.backoff.max.ms", ALL, Text, None, Nothing),
    row("sasl.kerberos.kinit.cmd", ALL, Text, None, Nothing),
    row("sasl.kerberos.ticket.renew.window.factor", ALL, Text, None, Nothing),
    row("sasl.kerberos.ticket.renew.jitter", ALL, Text, None, Nothing),
    row("sasl.kerberos.min.time.before.relogin", ALL, Text, None, Nothing),
    // Producer.
    row("acks", PRODUCER, OneOf(ACKS), Some("all"), Same),
    row("batch.size", PRODUCER, Int, None, Clamped("batch.size", 1, MAX_INT)),
    row("buffer.memory", PRODUCER, Long, Some("33554432"), Here),
    row("compression.type", PRODUCER, OneOf(CODECS), Some("none"), Same),
    row("compression.gzip.level", PRODUCER, Int, None, Here),
    row("compression.lz4.level", PRODUCER, Int, None, Here),
    row("compression.zstd.level", PRODUCER, Int, None, Here),
    row("delivery.timeout.ms", PRODUCER, Int, Some("2147483647"), Clamped("delivery.timeout.ms", 1, MAX_INT)),
    row("enable.idempotence", PRODUCER, Boolean, Some("false"), Same),
    row("key.serializer", PRODUCER, Text, None, Here),
    row("value.serializer", PRODUCER, Text, None, Here),
    row("linger.ms", PRODUCER, Long, Some("5"), Clamped("linger.ms", 0, 900_000)),
    // Java waits this long in send for a topic to appear; here the record waits in the queue. librdkafka multiplies the value by 1000
    // in 32 bits: above 2,147,483 it overflows, and a topic that is just being created counts as missing for good.
    row(
        "max.block.ms",
        PRODUCER,
        Long,
        Some("9223372036854775807"),
        Clamped("topic.metadata.propagation.max.ms", 0, 2_147_483),
    ),
    row(
        "max.in.flight.requests.per.connection",
        PRODUCER,
        Int,
        Some("1"),
        Clamped("max.in.flight.requests.per.connection", 1, 1_000_000),
    ),
    row("max.request.size", PRODUCER, Int, Some("1048576"), Clamped("message.max.bytes", 1_000, 1_000_000_000)),
    row("metadata.max.idle.ms", PRODUCER, Long, None, Nothing),
    row("partitioner.class", PRODUCER, Text, None, Here),
    row("partitioner.ignore.keys", PRODUCER, Boolean, Some("false"), Here),
    row("partitioner.adaptive.partitioning.enable", PRODUCER, Boolean, None, Nothing),
    row("partitioner.availability.timeout.ms", PRODUCER, Long, None, Nothing),
    row("retries", PRODUCER, Int, Some("2147483647"), Clamped("retries", 0, MAX_INT)),
    row("transactional.id", PRODUCER, Text, None, Same),
    row("transaction.timeout.ms", PRODUCER, Int, Some("60000"), Clamped("transaction.timeout.ms", 1_000, MAX_INT)),
    // Consumer.
    row("allow.auto.create.topics", CONSUMER, Boolean, Some("true"), Same),
    row("auto.commit.interval.ms", CONSUMER, Int, Some("5000"), Clamped("auto.commit.interval.ms", 0, 86_400_000)),
    row("auto.offset.reset", CONSUMER, OneOf(RESETS), Some("earliest"), Here),
    row("check.crcs", CONSUMER, Boolean, Some("true"), Same),
    row("enable.auto.commit", CONSUMER, Boolean, Some("false"), Same),
    row("exclude.internal.topics", CONSUMER, Boolean, Some("true"), Here),
    row("fetch.max.bytes", CONSUMER, Int, Some("52428800"), Clamped("fetch.max.bytes", 0, 2_147_483_135)),
    row("fetch.max.wait.ms", CONSUMER, Int, Some("500"), Clamped("fetch.wait.max.ms", 0, 300_000)),
    row("fetch.min.bytes", CONSUMER, Int, Some("1"), Clamped("fetch.min.bytes", 1, 100_000_000)),
    row("group.id", CONSUMER, Text, None, Same),
    row("group.instance.id", CONSUMER, Text, None, Same),
    row("group.protocol", CONSUMER, OneOf(&["classic"]), Some("classic"), Same),
    row("group.remote.assignor", CONSUMER, Text, None, Nothing),
    row("heartbeat.interval.ms", CONSUMER, Int, Some("3000"), Clamped("heartbeat.interval.ms", 1, 3_600_000)),
    row("isolation.level", CONSUMER, OneOf(ISOLATION_LEVELS), Some("read_uncommitted"), Same),
    row("key.deserializer", CONSUMER, Text, None, Here),
    row("value.deserializer", CONSUMER, Text, None, Here),
    row(
        "max.partition.fetch.bytes",
        CONSUMER,
        Int,
        Some("1048576"),
        Clamped("fetch.message.max.bytes", 1, 1_000_000_000),
    ),
    row("max.poll.interval.ms", CONSUMER, Int, Some("300000"), Clamped("max.poll.interval.ms", 1, 86_400_000)),
    row("max.poll.records", CONSUMER, Int, Some("500"), Here),
    row("partition.assignment.strategy", CONSUMER, List, Some("range"), Key("partition.assignment.strategy")),
    row("session.timeout.ms", CONSUMER, Int, Some("45000"), Clamped("session.timeout.ms", 1, 3_600_000)),
    // Admin.
    row("retries", ADMIN, Int, Some("2147483647"), Here),
    row("bootstrap.controllers", ADMIN, List, None, Nothing),
];

/// Settings of librdkafka that no Java key stands for, because Java's client always behaves like this.
pub(super) static FIXED: &[(&[Role], &str, &str)] = &[
    (PRODUCER, "partitioner", "murmur2_random"),
    // A describe call must not create what it looks for.
    (ADMIN, "allow.auto.create.topics", "false"),
    // End offsets as a reader of everything sees them.
    (ADMIN, "isolation.level", "read_uncommitted"),
    // The position that counts is the one the sink task commits.
    (CONSUMER, "enable.auto.offset.store", "false"),
];

/// Families of keys that are known, need nothing and deserve no warning.
pub(super) const QUIET_PREFIXES: &[&str] = &[
    "metrics.",
    "auto.include.jmx.reporter",
    "config.providers.",
    // What a broker or another retriever of tokens would use.
    "sasl.oauthbearer.",
    // Of the worker's REST server, which shares the worker's file.
    "ssl.client.auth",
];
