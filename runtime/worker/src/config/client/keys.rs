//! The keys of Java's producer, consumer and admin client, as `/validate` shows those that a connector overrides.
//!
//! Facts of kafka-clients 4.3.0; what a key does here is said by the translation table of `sluice-kafka`.

use std::sync::LazyLock;

use ConfigType::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
use Importance::{High, Low, Medium};
use Preset::{Is, Null, Required};
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, parse_value};

use super::ClientRole;

#[derive(Clone, Copy)]
enum Preset {
    Required,
    Null,
    Is(&'static str),
}

/// The definition of one client's keys, without documentation.
pub(in crate::config) fn client_config_def(role: ClientRole) -> &'static ConfigDef {
    static DEFS: LazyLock<[ConfigDef; 3]> = LazyLock::new(|| [build('p'), build('c'), build('a')]);
    match role {
        ClientRole::Producer => &DEFS[0],
        ClientRole::Consumer => &DEFS[1],
        ClientRole::Admin => &DEFS[2],
    }
}

fn build(role: char) -> ConfigDef {
    KEYS.iter().filter(|row| row.1.contains(role)).fold(ConfigDef::new(), |def, row| def.define(key(*row)))
}

fn key((name, _, config_type, importance, default): Row) -> ConfigKey {
    let key = ConfigKey::new(name, config_type, importance, "");
    match default {
        Required => key,
        Null => key.optional(),
        Is(text) => key.default(parse_value(name, text, config_type).unwrap_or(ParsedValue::Null)),
    }
}

/// Name, clients by their first letter, type, importance, default.
type Row = (&'static str, &'static str, ConfigType, Importance, Preset);

#[rustfmt::skip]
const KEYS: &[Row] = &[
    ("acks", "p", String, Low, Is("all")),
    ("allow.auto.create.topics", "c", Boolean, Medium, Is("true")),
    ("auto.commit.interval.ms", "c", Int, Low, Is("5000")),
    ("auto.offset.reset", "c", String, Medium, Is("latest")),
    ("batch.size", "p", Int, Medium, Is("16384")),
    ("bootstrap.controllers", "a", List, High, Is("")),
    ("bootstrap.servers", "pc", List, High, Required),
    ("bootstrap.servers", "a", List, High, Is("")),
    ("buffer.memory", "p", Long, High, Is("33554432")),
    ("check.crcs", "c", Boolean, Low, Is("true")),
    ("client.dns.lookup", "pca", String, Medium, Is("use_all_dns_ips")),
    ("client.id", "pa", String, Medium, Is("")),
    ("client.id", "c", String, Low, Is("")),
    ("client.rack", "c", String, Low, Is("")),
    ("compression.gzip.level", "p", Int, Medium, Is("-1")),
    ("compression.lz4.level", "p", Int, Medium, Is("9")),
    ("compression.type", "p", String, High, Is("none")),
    ("compression.zstd.level", "p", Int, Medium, Is("3")),
    ("config.providers", "pca", List, Low, Is("")),
    ("connections.max.idle.ms", "pc", Long, Medium, Is("540000")),
    ("connections.max.idle.ms", "a", Long, Medium, Is("300000")),
    ("default.api.timeout.ms", "ca", Int, Medium, Is("60000")),
    ("delivery.timeout.ms", "p", Int, Medium, Is("120000")),
    ("enable.auto.commit", "c", Boolean, Medium, Is("true")),
    ("enable.idempotence", "p", Boolean, Low, Is("true")),
    ("enable.metrics.push", "pc", Boolean, Low, Is("true")),
    ("enable.metrics.push", "a", Boolean, Low, Is("false")),
    ("exclude.internal.topics", "c", Boolean, Medium, Is("true")),
    ("fetch.max.bytes", "c", Int, Medium, Is("52428800")),
    ("fetch.max.wait.ms", "c", Int, Low, Is("500")),
    ("fetch.min.bytes", "c", Int, High, Is("1")),
    ("group.id", "c", String, High, Null),
    ("group.instance.id", "c", String, Medium, Null),
    ("group.protocol", "c", String, High, Is("classic")),
    ("group.remote.assignor", "c", String, Medium, Null),
    ("heartbeat.interval.ms", "c", Int, High, Is("3000")),
    ("interceptor.classes", "pc", List, Low, Is("")),
    ("isolation.level", "c", String, Medium, Is("read_uncommitted")),
    ("key.deserializer", "c", Class, High, Required),
    ("key.serializer", "p", Class, High, Required),
    ("linger.ms", "p", Long, Medium, Is("5")),
    ("max.block.ms", "p", Long, Medium, Is("60000")),
    ("max.in.flight.requests.per.connection", "p", Int, Low, Is("5")),
    ("max.partition.fetch.bytes", "c", Int, High, Is("1048576")),
    ("max.poll.interval.ms", "c", Int, Medium, Is("300000")),
    ("max.poll.records", "c", Int, Medium, Is("500")),
    ("max.request.size", "p", Int, Medium, Is("1048576")),
    ("metadata.max.age.ms", "pca", Long, Low, Is("300000")),
    ("metadata.max.idle.ms", "p", Long, Low, Is("300000")),
    ("metadata.recovery.rebootstrap.trigger.ms", "pca", Long, Low, Is("300000")),
    ("metadata.recovery.strategy", "pca", String, Low, Is("rebootstrap")),
    ("metric.reporters", "pca", List, Low, Is("org.apache.kafka.common.metrics.JmxReporter")),
    ("metrics.num.samples", "pca", Int, Low, Is("2")),
    ("metrics.recording.level", "pca", String, Low, Is("INFO")),
    ("metrics.sample.window.ms", "pca", Long, Low, Is("30000")),
    ("partition.assignment.strategy", "c", List, Medium, Is("class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor")),
    ("partitioner.adaptive.partitioning.enable", "p", Boolean, Low, Is("true")),
    ("partitioner.availability.timeout.ms", "p", Long, Low, Is("0")),
    ("partitioner.class", "p", Class, Medium, Null),
    ("partitioner.ignore.keys", "p", Boolean, Medium, Is("false")),
    ("receive.buffer.bytes", "p", Int, Medium, Is("32768")),
    ("receive.buffer.bytes", "ca", Int, Medium, Is("65536")),
    ("reconnect.backoff.max.ms", "pca", Long, Low, Is("1000")),
    ("reconnect.backoff.ms", "pca", Long, Low, Is("50")),
    ("request.timeout.ms", "pca", Int, Medium, Is("30000")),
    ("retries", "p", Int, High, Is("2147483647")),
    ("retries", "a", Int, Low, Is("2147483647")),
    ("retry.backoff.max.ms", "pca", Long, Low, Is("1000")),
    ("retry.backoff.ms", "pca", Long, Low, Is("100")),
    ("sasl.client.callback.handler.class", "pca", Class, Medium, Null),
    ("sasl.jaas.config", "pca", Password, Medium, Null),
    ("sasl.kerberos.kinit.cmd", "pca", String, Low, Is("/usr/bin/kinit")),
    ("sasl.kerberos.min.time.before.relogin", "pca", Long, Low, Is("60000")),
    ("sasl.kerberos.service.name", "pca", String, Medium, Null),
    ("sasl.kerberos.ticket.renew.jitter", "pca", Double, Low, Is("0.05")),
    ("sasl.kerberos.ticket.renew.window.factor", "pca", Double, Low, Is("0.8")),
    ("sasl.login.callback.handler.class", "pca", Class, Medium, Null),
    ("sasl.login.class", "pca", Class, Medium, Null),
    ("sasl.login.connect.timeout.ms", "pca", Int, Low, Null),
    ("sasl.login.read.timeout.ms", "pca", Int, Low, Null),
    ("sasl.login.refresh.buffer.seconds", "pca", Short, Low, Is("300")),
    ("sasl.login.refresh.min.period.seconds", "pca", Short, Low, Is("60")),
    ("sasl.login.refresh.window.factor", "pca", Double, Low, Is("0.8")),
    ("sasl.login.refresh.window.jitter", "pca", Double, Low, Is("0.05")),
    ("sasl.login.retry.backoff.max.ms", "pca", Long, Low, Is("10000")),
    ("sasl.login.retry.backoff.ms", "pca", Long, Low, Is("100")),
    ("sasl.mechanism", "pca", String, Medium, Is("GSSAPI")),
    ("sasl.oauthbearer.assertion.algorithm", "pca", String, Medium, Is("RS256")),
    ("sasl.oauthbearer.assertion.claim.aud", "pca", String, Medium, Null),
    ("sasl.oauthbearer.assertion.claim.exp.seconds", "pca", Int, Low, Is("300")),
    ("sasl.oauthbearer.assertion.claim.iss", "pca", String, Medium, Null),
    ("sasl.oauthbearer.assertion.claim.jti.include", "pca", Boolean, Medium, Is("false")),
    ("sasl.oauthbearer.assertion.claim.nbf.seconds", "pca", Int, Low, Is("60")),
    ("sasl.oauthbearer.assertion.claim.sub", "pca", String, Medium, Null),
    ("sasl.oauthbearer.assertion.file", "pca", String, Medium, Null),
    ("sasl.oauthbearer.assertion.private.key.file", "pca", String, Medium, Null),
    ("sasl.oauthbearer.assertion.private.key.passphrase", "pca", Password, Medium, Null),
    ("sasl.oauthbearer.assertion.template.file", "pca", String, Medium, Null),
    ("sasl.oauthbearer.client.credentials.client.id", "pca", String, Medium, Null),
    ("sasl.oauthbearer.client.credentials.client.secret", "pca", Password, Medium, Null),
    ("sasl.oauthbearer.clock.skew.seconds", "pca", Int, Low, Is("30")),
    ("sasl.oauthbearer.expected.audience", "pca", List, Low, Is("")),
    ("sasl.oauthbearer.expected.issuer", "pca", String, Low, Null),
    ("sasl.oauthbearer.header.urlencode", "pca", Boolean, Low, Is("false")),
    ("sasl.oauthbearer.jwks.endpoint.refresh.ms", "pca", Long, Low, Is("3600000")),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "pca", Long, Low, Is("10000")),
    ("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "pca", Long, Low, Is("100")),
    ("sasl.oauthbearer.jwks.endpoint.url", "pca", String, Medium, Null),
    ("sasl.oauthbearer.jwt.retriever.class", "pca", Class, Medium, Is("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever")),
    ("sasl.oauthbearer.jwt.validator.class", "pca", Class, Medium, Is("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator")),
    ("sasl.oauthbearer.scope", "pca", String, Medium, Null),
    ("sasl.oauthbearer.scope.claim.name", "pca", String, Low, Is("scope")),
    ("sasl.oauthbearer.sub.claim.name", "pca", String, Low, Is("sub")),
    ("sasl.oauthbearer.token.endpoint.url", "pca", String, Medium, Null),
    ("security.protocol", "pca", String, Medium, Is("PLAINTEXT")),
    ("security.providers", "pca", String, Low, Null),
    ("send.buffer.bytes", "pca", Int, Medium, Is("131072")),
    ("session.timeout.ms", "c", Int, High, Is("45000")),
    ("share.acknowledgement.mode", "c", String, Medium, Is("implicit")),
    ("share.acquire.mode", "c", String, Medium, Is("BATCH_OPTIMIZED")),
    ("socket.connection.setup.timeout.max.ms", "pca", Long, Medium, Is("30000")),
    ("socket.connection.setup.timeout.ms", "pca", Long, Medium, Is("10000")),
    ("ssl.cipher.suites", "pca", List, Low, Is("")),
    ("ssl.enabled.protocols", "pca", List, Medium, Is("TLSv1.2,TLSv1.3")),
    ("ssl.endpoint.identification.algorithm", "pca", String, Low, Is("https")),
    ("ssl.engine.factory.class", "pca", Class, Low, Null),
    ("ssl.key.password", "pca", Password, High, Null),
    ("ssl.keymanager.algorithm", "pca", String, Low, Is("SunX509")),
    ("ssl.keystore.certificate.chain", "pca", Password, High, Null),
    ("ssl.keystore.key", "pca", Password, High, Null),
    ("ssl.keystore.location", "pca", String, High, Null),
    ("ssl.keystore.password", "pca", Password, High, Null),
    ("ssl.keystore.type", "pca", String, Medium, Is("JKS")),
    ("ssl.protocol", "pca", String, Medium, Is("TLSv1.3")),
    ("ssl.provider", "pca", String, Medium, Null),
    ("ssl.secure.random.implementation", "pca", String, Low, Null),
    ("ssl.trustmanager.algorithm", "pca", String, Low, Is("PKIX")),
    ("ssl.truststore.certificates", "pca", Password, High, Null),
    ("ssl.truststore.location", "pca", String, High, Null),
    ("ssl.truststore.password", "pca", Password, High, Null),
    ("ssl.truststore.type", "pca", String, Medium, Is("JKS")),
    ("transaction.timeout.ms", "p", Int, Low, Is("60000")),
    ("transaction.two.phase.commit.enable", "p", Boolean, Low, Is("false")),
    ("transactional.id", "p", String, Low, Null),
    ("value.deserializer", "c", Class, High, Required),
    ("value.serializer", "p", Class, High, Required),
];
