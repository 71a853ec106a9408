//! Keys of every worker (connect-worker.md 4.1), in Kafka's order, then Sluice's own.

use sluice_api::config::{ConfigDef, ConfigType, Importance, Validator};

use super::{rest, tls};
use crate::config::key::{boolean, choice, class, int, list, long, optional, required, string};

/// What `sluice.memory.budget` is when it is not set: 64 MiB.
pub const DEFAULT_MEMORY_BUDGET_BYTES: i64 = 64 * 1024 * 1024;
const DEFAULT_PRODUCER_IDLE_MS: i64 = 60_000;

/// The keys that standalone and distributed workers share.
pub(super) fn worker_config_def() -> ConfigDef {
    common().extend(&tls::client_config_def()).extend(&topic_tracking()).extend(&rest::config_def()).extend(&own())
}

fn common() -> ConfigDef {
    use ConfigType::{Class, List, String};
    use Importance::{High, Low, Medium};
    let unique = Validator::list_without_duplicates;
    ConfigDef::new()
        .define(
            required(
                "bootstrap.servers",
                List,
                High,
                "Brokers to connect to first, as host:port, separated by commas.",
            )
            .validator(unique(false, false)),
        )
        .define(choice(
            "client.dns.lookup",
            &["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"],
            "use_all_dns_ips",
            Medium,
            "What to do with a host name that has several addresses.",
        ))
        .define(required("key.converter", Class, High, "Converter of record keys, unless a connector names its own."))
        .define(optional(
            "key.converter.plugin.version",
            String,
            Low,
            "Version of the key converter; accepted and ignored.",
        ))
        .define(required(
            "value.converter",
            Class,
            High,
            "Converter of record values, unless a connector names its own.",
        ))
        .define(optional(
            "value.converter.plugin.version",
            String,
            Low,
            "Version of the value converter; accepted and ignored.",
        ))
        .define(long(
            "task.shutdown.graceful.timeout.ms",
            5_000,
            Low,
            "How long tasks may take to stop, together; late ones are cancelled.",
        ))
        .define(long("offset.flush.interval.ms", 60_000, Low, "How often offsets of sources and sinks are stored."))
        .define(long(
            "offset.flush.timeout.ms",
            5_000,
            Low,
            "How long a flush of source offsets may take before it is put off to the next interval.",
        ))
        .define(
            optional("plugin.path", List, Low, "Folders with plugins, separated by commas.")
                .validator(unique(false, true)),
        )
        .define(
            string(
                "plugin.discovery",
                "hybrid_warn",
                Low,
                "How the JVM worker looks for plugins; accepted and ignored.",
            )
            .validator(Validator::one_of_ignoring_case(&[
                "ONLY_SCAN",
                "SERVICE_LOAD",
                "HYBRID_WARN",
                "HYBRID_FAIL",
            ])),
        )
        .define(
            long("metrics.sample.window.ms", 30_000, Low, "The time that rates and averages are taken over.")
                .validator(Validator::at_least(0)),
        )
        .define(
            int("metrics.num.samples", 2, Low, "The number of windows that rates and averages are taken over.")
                .validator(Validator::at_least(1)),
        )
        .define(choice("metrics.recording.level", &["INFO", "DEBUG"], "INFO", Low, "How detailed metrics are."))
        .define(
            list(
                "metric.reporters",
                &["org.apache.kafka.common.metrics.JmxReporter"],
                Low,
                "Classes that the JVM worker hands metrics to; accepted and ignored, metrics are at /metrics.",
            )
            .validator(unique(true, false)),
        )
        .define(class(
            "header.converter",
            "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            Low,
            "Converter of record headers, unless a connector names its own.",
        ))
        .define(optional(
            "header.converter.plugin.version",
            String,
            Low,
            "Version of the header converter; accepted and ignored.",
        ))
        .define(
            list("config.providers", &[], Low, "Names of config providers, which replace ${name:path:key} in values.")
                .validator(unique(true, false)),
        )
        .define(string(
            "connector.client.config.override.policy",
            "All",
            Medium,
            "Which client settings connectors may override: All, None, Principal or Allowlist.",
        ))
        .define(boolean(
            "topic.creation.enable",
            true,
            Low,
            "Whether sources with topic.creation.* settings create their topics.",
        ))
}

fn topic_tracking() -> ConfigDef {
    ConfigDef::new()
        .define(boolean(
            "topic.tracking.enable",
            true,
            Importance::Low,
            "Whether to note which topics a connector uses.",
        ))
        .define(boolean(
            "topic.tracking.allow.reset",
            true,
            Importance::Low,
            "Whether the notes may be reset over REST.",
        ))
}

fn own() -> ConfigDef {
    let doc = "Bytes that record buffers of all tasks may hold together. When they are used up, intake pauses.";
    let idle = "How long a source task keeps its producer without a record to send; the next record makes another. 0 keeps it for ever.";
    ConfigDef::new()
        .define(
            list(
                "connector.client.config.override.allowlist",
                &[],
                Importance::Medium,
                "With the policy Allowlist: the client settings that connectors may override.",
            )
            .validator(Validator::list_without_duplicates(true, false)),
        )
        .define(
            long("sluice.memory.budget", DEFAULT_MEMORY_BUDGET_BYTES, Importance::Medium, doc)
                .validator(Validator::at_least(1024 * 1024)),
        )
        .define(
            long("sluice.producer.idle.ms", DEFAULT_PRODUCER_IDLE_MS, Importance::Low, idle)
                .validator(Validator::at_least(0)),
        )
}
