//! Keys of distributed workers beyond those of all, in Kafka's order.

use sluice_api::config::{ConfigDef, ConfigType, Importance, ParsedValue, Validator, invalid};

use crate::config::key::{int, list, long, optional, required, short, string};
use crate::config::worker::tls;

const MACS: [&str; 5] = ["HmacSHA1", "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512"];

pub(super) fn config_def() -> ConfigDef {
    membership().extend(&network()).extend(&tls::security_config_def()).extend(&storage()).extend(&rebalancing())
}

fn membership() -> ConfigDef {
    let high = Importance::High;
    ConfigDef::new()
        .define(required(
            "group.id",
            ConfigType::String,
            high,
            "Name of the Connect cluster that this worker belongs to.",
        ))
        .define(int("session.timeout.ms", 10_000, high, "Silence after which the broker takes a worker for dead."))
        .define(int("rebalance.timeout.ms", 60_000, high, "How long workers may take to join again in a rebalance."))
        .define(int(
            "heartbeat.interval.ms",
            3_000,
            high,
            "Time between heartbeats; a third of the session time-out or less.",
        ))
        .define(
            string(
                "exactly.once.source.support",
                "disabled",
                high,
                "Whether sources write records and offsets in transactions: disabled, preparing or enabled.",
            )
            .validator(Validator::one_of_ignoring_case(&["DISABLED", "ENABLED", "PREPARING"])),
        )
}

fn network() -> ConfigDef {
    use Importance::{Low, Medium};
    let at_least = Validator::at_least;
    ConfigDef::new()
        .define(long("metadata.max.age.ms", 300_000, Low, "How often metadata is read again.").validator(at_least(0)))
        .define(string("client.id", "", Low, "Name of this client in the broker's logs and quotas."))
        .define(
            int("send.buffer.bytes", 131_072, Medium, "Size of the TCP send buffer, -1 for the system's.")
                .validator(at_least(-1)),
        )
        .define(
            int("receive.buffer.bytes", 32_768, Medium, "Size of the TCP receive buffer, -1 for the system's.")
                .validator(at_least(-1)),
        )
        .define(
            long("reconnect.backoff.ms", 50, Low, "First pause before a broker is tried again.").validator(at_least(0)),
        )
        .define(
            long("reconnect.backoff.max.ms", 1_000, Low, "Longest pause before a broker is tried again.")
                .validator(at_least(0)),
        )
        .define(
            long("socket.connection.setup.timeout.ms", 10_000, Low, "How long a connection may take, at first.")
                .validator(at_least(0)),
        )
        .define(
            long("socket.connection.setup.timeout.max.ms", 30_000, Low, "How long a connection may take, at most.")
                .validator(at_least(0)),
        )
        .define(
            long("retry.backoff.ms", 100, Low, "First pause before a request is sent again.").validator(at_least(0)),
        )
        .define(
            long("retry.backoff.max.ms", 1_000, Low, "Longest pause before a request is sent again.")
                .validator(at_least(0)),
        )
        .define(int("request.timeout.ms", 40_000, Medium, "How long to wait for an answer.").validator(at_least(0)))
        .define(long("connections.max.idle.ms", 540_000, Medium, "Idle connections are closed after this time."))
}

fn storage() -> ConfigDef {
    use ConfigType::String;
    use Importance::{High, Low, Medium};
    let (partitions, replicas) = (Validator::partitions, Validator::replication_factor);
    ConfigDef::new()
        .define(int(
            "worker.sync.timeout.ms",
            3_000,
            Medium,
            "How long to catch up with the config topic before leaving.",
        ))
        .define(int("worker.unsync.backoff.ms", 300_000, Medium, "How long to stay away after that."))
        .define(required("offset.storage.topic", String, High, "Topic of source offsets."))
        .define(
            int("offset.storage.partitions", 25, Low, "Partitions of that topic when it is created.")
                .validator(partitions()),
        )
        .define(
            short("offset.storage.replication.factor", 3, Low, "Replicas of that topic when it is created.")
                .validator(replicas()),
        )
        .define(required("config.storage.topic", String, High, "Topic of connector configurations."))
        .define(
            short("config.storage.replication.factor", 3, Low, "Replicas of that topic when it is created.")
                .validator(replicas()),
        )
        .define(required("status.storage.topic", String, High, "Topic of connector and task states."))
        .define(
            int("status.storage.partitions", 5, Low, "Partitions of that topic when it is created.")
                .validator(partitions()),
        )
        .define(
            short("status.storage.replication.factor", 3, Low, "Replicas of that topic when it is created.")
                .validator(replicas()),
        )
}

fn rebalancing() -> ConfigDef {
    use Importance::Low;
    let to_max = || Validator::between(0, i64::from(i32::MAX));
    ConfigDef::new()
        .define(
            string("connect.protocol", "sessioned", Low, "Group protocol: eager, compatible or sessioned.")
                .validator(protocol()),
        )
        .define(
            int("scheduled.rebalance.max.delay.ms", 300_000, Low, "How long a lost worker's tasks wait for it.")
                .validator(to_max()),
        )
        .define(int("inter.worker.key.ttl.ms", 3_600_000, Low, "How long a session key is used.").validator(to_max()))
        .define(
            string("inter.worker.key.generation.algorithm", "HmacSHA256", Low, "How session keys are made.")
                .validator(mac("KeyGenerator")),
        )
        .define(optional("inter.worker.key.size", ConfigType::Int, Low, "Bits of a session key."))
        .define(
            string("inter.worker.signature.algorithm", "HmacSHA256", Low, "How requests between workers are signed.")
                .validator(mac("MAC")),
        )
        .define(
            list("inter.worker.verification.algorithms", &["HmacSHA256"], Low, "Which signatures are accepted.")
                .validator(macs()),
        )
        .define(
            string("metadata.recovery.strategy", "rebootstrap", Low, "What to do when no known broker answers.")
                .validator(Validator::one_of_ignoring_case(&["REBOOTSTRAP", "NONE"])),
        )
        .define(
            long(
                "metadata.recovery.rebootstrap.trigger.ms",
                300_000,
                Low,
                "How long no broker may answer before that.",
            )
            .validator(Validator::at_least(0)),
        )
}

fn protocol() -> Validator {
    Validator::new("[eager, compatible, sessioned]", |name, value| match value {
        ParsedValue::String(text)
            if ["eager", "compatible", "sessioned"].iter().any(|known| known.eq_ignore_ascii_case(text)) =>
        {
            Ok(())
        }
        _ => Err(invalid(name, value, "Invalid Connect protocol compatibility")),
    })
}

fn mac(kind: &'static str) -> Validator {
    Validator::new(format!("one of {}", MACS.join(", ")), move |name, value| match value {
        ParsedValue::String(text) if MACS.iter().any(|known| known.eq_ignore_ascii_case(text)) => Ok(()),
        _ => Err(unsupported(name, value, kind)),
    })
}

fn macs() -> Validator {
    Validator::new(format!("one or more of {}", MACS.join(", ")), |name, value| {
        let ParsedValue::List(items) = value else { return Ok(()) };
        if items.is_empty() {
            let empty = ParsedValue::String("[]".to_owned());
            return Err(invalid(name, &empty, "At least one signature verification algorithm must be provided"));
        }
        let known = |item: &String| MACS.iter().any(|known| known.eq_ignore_ascii_case(item));
        match items.iter().find(|item| !known(item)) {
            Some(item) => Err(unsupported(name, &ParsedValue::String(item.clone()), "MAC")),
            None => Ok(()),
        }
    })
}

fn unsupported(name: &str, value: &ParsedValue, kind: &str) -> String {
    let detail = format!("the {kind} algorithm is not supported; the supported algorithms are: [{}]", MACS.join(", "));
    invalid(name, value, &detail)
}
