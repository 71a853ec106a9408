//! One case for each row of the table, and none missing: what a value does to librdkafka's settings.

use super::{properties, translated};
use crate::properties::table::{Row, TABLE, Target};
use crate::properties::{Role, translate};

/// What setting a key does.
enum Effect {
    /// librdkafka gets these.
    Native(&'static [(&'static str, &'static str)]),
    /// Kept for this crate; librdkafka's settings stay as they are.
    Kept,
    /// Listed as without effect.
    Ignored,
    /// Refused when the security configuration is parsed, or when the client is made: the key is read.
    Read(&'static str),
    /// librdkafka gets these with the security configuration.
    Secured(&'static [(&'static str, &'static str)]),
}

use Effect::{Ignored, Kept, Native, Read, Secured};

type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], Effect);

const SSL: &[(&str, &str)] = &[("security.protocol", "SSL")];
const PEM: &[(&str, &str)] =
    &[("security.protocol", "SSL"), ("ssl.keystore.type", "PEM"), ("ssl.truststore.type", "PEM")];
const PLAIN: &[(&str, &str)] = &[
    ("security.protocol", "SASL_PLAINTEXT"),
    ("sasl.mechanism", "PLAIN"),
    ("sasl.jaas.config", "PlainLoginModule required username=\"u\" password=\"p\";"),
];
const BEARER: &[(&str, &str)] = &[
    ("security.protocol", "SASL_PLAINTEXT"),
    ("sasl.mechanism", "OAUTHBEARER"),
    ("sasl.jaas.config", "OAuthBearerLoginModule required;"),
    ("sasl.login.callback.handler.class", "OAuthBearerLoginCallbackHandler"),
    ("sasl.oauthbearer.token.endpoint.url", "https://h/"),
];
const ID: &str = "sasl.oauthbearer.client.credentials.client.id";
const SECRET: &str = "sasl.oauthbearer.client.credentials.client.secret";

/// Key, value, what else is set, effect. A key whose row differs by role has a case that fits all of them, or `ROLE_CASES`.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("bootstrap.servers", "a:1,b:2", &[], Native(&[("bootstrap.servers", "a:1,b:2")])),
    ("client.id", "me", &[], Native(&[("client.id", "me")])),
    ("client.rack", "r1", &[], Native(&[("client.rack", "r1")])),
    ("client.dns.lookup", "resolve_canonical_bootstrap_servers_only", &[], Native(&[("client.dns.lookup", "resolve_canonical_bootstrap_servers_only")])),
    ("request.timeout.ms", "7000", &[], Native(&[("socket.timeout.ms", "7000")])),
    ("default.api.timeout.ms", "7000", &[], Kept),
    ("metadata.max.age.ms", "7000", &[], Native(&[("topic.metadata.refresh.interval.ms", "7000")])),
    ("metadata.recovery.strategy", "none", &[], Native(&[("metadata.recovery.strategy", "none")])),
    ("metadata.recovery.rebootstrap.trigger.ms", "7000", &[], Native(&[("metadata.recovery.rebootstrap.trigger.ms", "7000")])),
    ("reconnect.backoff.ms", "70", &[], Native(&[("reconnect.backoff.ms", "70")])),
    ("reconnect.backoff.max.ms", "7000", &[], Native(&[("reconnect.backoff.max.ms", "7000")])),
    ("retry.backoff.ms", "0", &[], Native(&[("retry.backoff.ms", "1")])),
    ("retry.backoff.max.ms", "7000", &[], Native(&[("retry.backoff.max.ms", "7000")])),
    ("connections.max.idle.ms", "-1", &[], Native(&[("connections.max.idle.ms", "0")])),
    ("socket.connection.setup.timeout.ms", "7000", &[], Native(&[("socket.connection.setup.timeout.ms", "7000")])),
    ("socket.connection.setup.timeout.max.ms", "7000", &[], Ignored),
    ("send.buffer.bytes", "7000", &[], Native(&[("socket.send.buffer.bytes", "7000")])),
    ("receive.buffer.bytes", "-1", &[], Native(&[("socket.receive.buffer.bytes", "0")])),
    ("enable.metrics.push", "TRUE", &[], Native(&[("enable.metrics.push", "true")])),
    ("metric.reporters", "a.B", &[], Ignored),
    ("interceptor.classes", "a.B", &[], Ignored),
    ("config.providers", "file", &[], Kept),
    // Encryption.
    ("security.protocol", "SSL", &[], Secured(&[("security.protocol", "ssl")])),
    ("ssl.keystore.type", "BKS", SSL, Read("JKS, PKCS12 or PEM")),
    ("ssl.keystore.location", "/no/such/key.jks", SSL, Read("reading `ssl.keystore.location` (/no/such/key.jks)")),
    ("ssl.keystore.password", "x", &[("security.protocol", "SSL"), ("ssl.keystore.type", "PEM"), ("ssl.keystore.location", "/no")], Read("ssl.key.password")),
    ("ssl.keystore.key", "x", PEM, Read("ssl.keystore.certificate.chain")),
    ("ssl.keystore.certificate.chain", "x", PEM, Read("ssl.keystore.key")),
    ("ssl.key.password", "x", &[("security.protocol", "SSL"), ("ssl.keystore.location", "/no")], Read("ssl.keystore.location")),
    ("ssl.truststore.type", "BKS", SSL, Read("JKS, PKCS12 or PEM")),
    ("ssl.truststore.location", "/no/such/trust.jks", SSL, Read("reading `ssl.truststore.location` (/no/such/trust.jks)")),
    ("ssl.truststore.password", "x", &[("security.protocol", "SSL"), ("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "/no")], Read("ssl.truststore.password")),
    ("ssl.truststore.certificates", "x", PEM, Read("reading `ssl.truststore.certificates`: there is no PEM")),
    ("ssl.endpoint.identification.algorithm", "", SSL, Secured(&[("ssl.endpoint.identification.algorithm", "none")])),
    ("ssl.enabled.protocols", "TLSv1.3", SSL, Secured(&[("ssl.cipher.suites", "PSK-AES128-GCM-SHA256")])),
    ("ssl.cipher.suites", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", SSL, Secured(&[("ssl.cipher.suites", "ECDHE-RSA-AES256-GCM-SHA384")])),
    ("ssl.engine.factory.class", "a.B", SSL, Read("ssl.engine.factory.class")),
    ("ssl.protocol", "TLSv1.3", SSL, Kept),
    ("ssl.provider", "SunJSSE", SSL, Ignored),
    ("ssl.keymanager.algorithm", "SunX509", SSL, Ignored),
    ("ssl.trustmanager.algorithm", "PKIX", SSL, Ignored),
    ("ssl.secure.random.implementation", "NativePRNG", SSL, Ignored),
    ("security.providers", "a.B", SSL, Ignored),
    // Identity.
    ("sasl.mechanism", "SCRAM-SHA-512", &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.jaas.config", "ScramLoginModule required username=\"u\" password=\"p\";")], Secured(&[("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "u"), ("sasl.password", "p")])),
    ("sasl.jaas.config", "PlainLoginModule required username=\"u\" password=\"p\";", &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN")], Secured(&[("sasl.username", "u"), ("sasl.password", "p")])),
    ("sasl.client.callback.handler.class", "a.B", PLAIN, Read("sasl.client.callback.handler.class")),
    ("sasl.login.callback.handler.class", "a.B", BEARER, Read("sasl.login.callback.handler.class")),
    ("sasl.login.class", "a.B", PLAIN, Read("sasl.login.class")),
    ("sasl.login.connect.timeout.ms", "soon", BEARER, Read("sasl.login.connect.timeout.ms")),
    ("sasl.login.read.timeout.ms", "soon", BEARER, Read("sasl.login.read.timeout.ms")),
    ("sasl.kerberos.service.name", "kafka", &[("security.protocol", "SASL_SSL")], Read("gssapi")),
    ("sasl.oauthbearer.jwt.retriever.class", "a.B", BEARER, Read("sasl.oauthbearer.jwt.retriever.class")),
    ("sasl.oauthbearer.token.endpoint.url", "ftp://h/", BEARER, Read("sasl.oauthbearer.token.endpoint.url")),
    (ID, "me", BEARER, Read(SECRET)),
    (SECRET, "x", BEARER, Read(ID)),
    ("sasl.oauthbearer.scope", "s", BEARER, Read(ID)),
    ("sasl.oauthbearer.sub.claim.name", "s", BEARER, Read(ID)),
    ("sasl.oauthbearer.header.urlencode", "true", BEARER, Read(ID)),
    ("sasl.login.refresh.window.factor", "0.5", PLAIN, Ignored),
    ("sasl.login.refresh.window.jitter", "0.5", PLAIN, Ignored),
    ("sasl.login.refresh.min.period.seconds", "5", PLAIN, Ignored),
    ("sasl.login.refresh.buffer.seconds", "5", PLAIN, Ignored),
    ("sasl.login.retry.backoff.ms", "5", PLAIN, Ignored),
    ("sasl.login.retry.backoff.max.ms", "5", PLAIN, Ignored),
    ("sasl.kerberos.kinit.cmd", "/bin/kinit", PLAIN, Ignored),
    ("sasl.kerberos.ticket.renew.window.factor", "0.5", PLAIN, Ignored),
    ("sasl.kerberos.ticket.renew.jitter", "0.5", PLAIN, Ignored),
    ("sasl.kerberos.min.time.before.relogin", "5", PLAIN, Ignored),
    // Producer.
    ("acks", "1", &[], Native(&[("acks", "1")])),
    ("batch.size", "16384", &[], Native(&[("batch.size", "16384")])),
    ("buffer.memory", "7000", &[], Kept),
    ("compression.type", "LZ4", &[], Native(&[("compression.type", "lz4")])),
    ("compression.gzip.level", "9", &[("compression.type", "gzip")], Native(&[("compression.level", "9")])),
    ("compression.lz4.level", "17", &[("compression.type", "lz4")], Native(&[("compression.level", "12")])),
    ("compression.zstd.level", "3", &[("compression.type", "zstd")], Native(&[("compression.level", "3")])),
    ("delivery.timeout.ms", "7000", &[], Native(&[("delivery.timeout.ms", "7000")])),
    ("enable.idempotence", "true", &[], Native(&[("enable.idempotence", "true")])),
    ("key.serializer", "a.B", &[], Kept),
    ("value.serializer", "a.B", &[], Kept),
    ("linger.ms", "7", &[], Native(&[("linger.ms", "7")])),
    ("max.block.ms", "7000", &[], Native(&[("topic.metadata.propagation.max.ms", "7000")])),
    ("max.in.flight.requests.per.connection", "5", &[], Native(&[("max.in.flight.requests.per.connection", "5")])),
    ("max.request.size", "7000", &[], Native(&[("message.max.bytes", "7000")])),
    ("metadata.max.idle.ms", "7000", &[], Ignored),
    ("partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner", &[], Native(&[("partitioner", "random")])),
    ("partitioner.ignore.keys", "true", &[], Native(&[("partitioner", "random")])),
    ("partitioner.adaptive.partitioning.enable", "true", &[], Ignored),
    ("partitioner.availability.timeout.ms", "7", &[], Ignored),
    ("transactional.id", "t", &[], Native(&[("transactional.id", "t")])),
    ("transaction.timeout.ms", "7000", &[], Native(&[("transaction.timeout.ms", "7000")])),
    // Consumer.
    ("allow.auto.create.topics", "false", &[], Native(&[("allow.auto.create.topics", "false")])),
    ("auto.commit.interval.ms", "7", &[], Native(&[("auto.commit.interval.ms", "7")])),
    ("auto.offset.reset", "none", &[], Native(&[("auto.offset.reset", "error")])),
    ("check.crcs", "false", &[], Native(&[("check.crcs", "false")])),
    ("enable.auto.commit", "true", &[], Native(&[("enable.auto.commit", "true")])),
    ("exclude.internal.topics", "false", &[], Kept),
    ("fetch.max.bytes", "7000", &[], Native(&[("fetch.max.bytes", "7000")])),
    ("fetch.max.wait.ms", "7", &[], Native(&[("fetch.wait.max.ms", "7")])),
    ("fetch.min.bytes", "7", &[], Native(&[("fetch.min.bytes", "7")])),
    ("group.id", "g", &[], Native(&[("group.id", "g")])),
    ("group.instance.id", "i", &[], Native(&[("group.instance.id", "i")])),
    ("group.protocol", "classic", &[], Native(&[("group.protocol", "classic")])),
    ("group.remote.assignor", "uniform", &[], Ignored),
    ("heartbeat.interval.ms", "7", &[], Native(&[("heartbeat.interval.ms", "7")])),
    ("isolation.level", "read_committed", &[], Native(&[("isolation.level", "read_committed")])),
    ("key.deserializer", "a.B", &[], Kept),
    ("value.deserializer", "a.B", &[], Kept),
    ("max.partition.fetch.bytes", "7000", &[], Native(&[("fetch.message.max.bytes", "7000")])),
    ("max.poll.interval.ms", "7000", &[], Native(&[("max.poll.interval.ms", "7000")])),
    ("max.poll.records", "7", &[], Kept),
    ("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor", &[], Native(&[("partition.assignment.strategy", "roundrobin")])),
    ("session.timeout.ms", "7000", &[], Native(&[("session.timeout.ms", "7000")])),
    ("bootstrap.controllers", "a:1", &[], Ignored),
];

/// Rows that do something else in another role.
const ROLE_CASES: &[(Role, Case)] = &[
    (
        Role::Producer,
        ("request.timeout.ms", "7000", &[], Native(&[("socket.timeout.ms", "7000"), ("request.timeout.ms", "7000")])),
    ),
    (Role::Producer, ("retries", "7", &[], Native(&[("retries", "7")]))),
    (Role::Admin, ("retries", "7", &[], Kept)),
];

fn case(role: Role, row: &Row) -> &'static Case {
    let of_role = ROLE_CASES.iter().find(|(of, case)| *of == role && case.0 == row.key).map(|(_, case)| case);
    let found = of_role.or_else(|| CASES.iter().find(|case| case.0 == row.key));
    found.unwrap_or_else(|| panic!("no case for the row `{}` of {role:?}", row.key))
}

#[test]
fn every_row_does_what_its_case_says() {
    let mut seen = 0;
    for row in TABLE {
        for role in row.roles {
            check(*role, row, case(*role, row));
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen} rows by role");
}

fn check(role: Role, row: &Row, (key, value, more, effect): &Case) {
    let others = more.iter().filter(|(other, _)| other != key).copied();
    let given: Vec<(&str, &str)> = others.clone().chain([(*key, *value)]).collect();
    if let Read(expected) = effect {
        let result = translate(role, &properties(&given)).and_then(|made| made.client_config());
        let error = result.err().map(|error| error.to_string()).unwrap_or_default();
        return assert!(error.contains(expected), "{role:?} {key}: {error:?}");
    }
    let with = translated(role, &given);
    // Of a security configuration, only the whole can be used.
    let changed = !matches!(effect, Secured(_)) && {
        let without = translated(role, &others.collect::<Vec<_>>());
        !with.librdkafka().eq(without.librdkafka())
    };
    assert_eq!(with.ignored().contains(&(*key).to_owned()), matches!(effect, Ignored), "{role:?} {key}");
    match effect {
        Native(expected) => {
            for (native, value) in *expected {
                assert_eq!(with.native(native), Some(*value), "{role:?} {key}");
            }
        }
        Secured(expected) => {
            assert!(matches!(row.target, Target::Secured), "{role:?} {key}");
            let config = with.client_config().expect("no stores");
            for (native, value) in *expected {
                assert_eq!(config.get(native), Some(*value), "{role:?} {key}");
            }
        }
        Kept => assert!(!changed && with.java(key) == Some(*value), "{role:?} {key}"),
        Ignored => assert!(!changed, "{role:?} {key}"),
        Read(_) => {}
    }
}
