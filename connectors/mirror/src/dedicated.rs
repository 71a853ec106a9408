//! `mm2.properties`: all flows between the clusters of one file, each as a worker and three connectors (connect-plugins.md 4.9).
//!
//! Pure: nothing is contacted, and variables stay what they are; the worker's are resolved by whoever starts it, the connectors' by the
//! worker.

use std::collections::BTreeSet;

use sluice_api::{ConnectError, Properties, Result};

use crate::config::{checkpoint_definition, heartbeat_definition, source_definition};

const PACKAGE: &str = "org.apache.kafka.connect.mirror";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const HEARTBEATS: &str = "emit.heartbeats.enabled";
/// Keys of every connector that MirrorMaker's own have, too.
const CONNECT_KEYS: [&str; 20] = [
    "name",
    "connector.class",
    "connector.plugin.version",
    "tasks.max",
    "tasks.max.enforce",
    "key.converter",
    "key.converter.plugin.version",
    "value.converter",
    "value.converter.plugin.version",
    "header.converter",
    "header.converter.plugin.version",
    "transforms",
    "predicates",
    "config.action.reload",
    "errors.retry.timeout",
    "errors.retry.delay.max.ms",
    "errors.tolerance",
    "errors.log.enable",
    "errors.log.include.messages",
    "exactly.once.support",
];
/// Top-level keys of a worker; they win over those of a cluster. Everything else of a worker is said as `B.KEY`.
const WORKER_PREFIXES: [&str; 9] = [
    "offset.storage",
    "config.storage",
    "status.storage",
    "key.converter",
    "value.converter",
    "header.converter",
    "task",
    "worker",
    "replication.policy",
];

/// What the file says of the process.
#[derive(Clone, Debug)]
pub struct MirrorMaker {
    /// The flows, in the order of `clusters`.
    pub flows: Vec<Flow>,
    /// `dedicated.mode.enable.internal.rest`: whether the nodes of a flow talk to one another.
    pub with_internal_rest: bool,
}

/// From one cluster to another.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Alias of the source.
    pub source: String,
    /// Alias of the target.
    pub target: String,
    /// Properties of the worker, which lives on the target. Variables are not replaced.
    pub worker: Properties,
    /// Name and configuration of each connector.
    pub connectors: Vec<(String, Properties)>,
}

impl MirrorMaker {
    /// Reads a file's properties. With `targets`, only flows to these clusters.
    ///
    /// # Errors
    /// No clusters, a cluster that is not among them, no flow.
    pub fn parse(properties: &Properties, targets: &[String]) -> Result<Self> {
        let clusters = clusters(properties)?;
        if let Some(unknown) = targets.iter().find(|target| !clusters.contains(target)) {
            let known = clusters.join(", ");
            return Err(ConnectError::config(format!("--clusters {unknown}: not among `clusters` ({known})")));
        }
        check_arrows(properties, &clusters)?;
        let mut flows = Vec::new();
        for source in &clusters {
            let to = |target: &&String| *target != source && (targets.is_empty() || targets.contains(target));
            for target in clusters.iter().filter(to).filter(|target| is_wanted(properties, source, target)) {
                flows.push(flow(properties, source, target));
            }
        }
        if flows.is_empty() {
            return Err(ConnectError::config("No source->target replication flows."));
        }
        let with_internal_rest = is_true(properties.get("dedicated.mode.enable.internal.rest"));
        Ok(Self { flows, with_internal_rest })
    }
}

impl Flow {
    /// `A->B`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}->{}", self.source, self.target)
    }

    /// Whether it copies anything but heartbeats.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.connectors.iter().any(|(_, config)| is_true(config.get("enabled")))
    }
}

fn clusters(properties: &Properties) -> Result<Vec<String>> {
    let mut clusters: Vec<String> = Vec::new();
    for alias in properties.get("clusters").map_or("", String::as_str).split(',').map(str::trim) {
        if !alias.is_empty() && !clusters.iter().any(|known| known == alias) {
            clusters.push(alias.to_owned());
        }
    }
    if clusters.is_empty() {
        return Err(ConnectError::config(
            "`clusters` is missing: expected the aliases of all clusters, for example clusters = A, B",
        ));
    }
    match clusters.iter().find(|alias| !properties.contains_key(&format!("{alias}.bootstrap.servers"))) {
        // One address for all of them is no mirror, but MirrorMaker takes it.
        Some(alias) if !properties.contains_key("bootstrap.servers") => Err(ConnectError::config(format!(
            "`{alias}.bootstrap.servers` is missing: {alias} is one of `clusters`, and nobody knows where it is"
        ))),
        _ => Ok(clusters),
    }
}

/// Ours: MirrorMaker passes over a flow between clusters that it does not know, and copies nothing.
fn check_arrows(properties: &Properties, clusters: &[String]) -> Result<()> {
    for key in properties.keys() {
        let Some((source, rest)) = key.split_once("->") else { continue };
        // An alias may have dots itself.
        let is_known = clusters.iter().any(|alias| rest.strip_prefix(alias).is_some_and(|rest| rest.starts_with('.')));
        if !clusters.iter().any(|alias| alias == source) || !is_known {
            let known = clusters.join(", ");
            return Err(ConnectError::config(format!(
                "`{key}`: one of its clusters is not among `clusters` ({known})"
            )));
        }
    }
    Ok(())
}

fn is_true(value: Option<&String>) -> bool {
    value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
}

/// Heartbeats make a flow of every pair that has not switched them off.
fn is_wanted(properties: &Properties, source: &str, target: &str) -> bool {
    let of_flow = |key: &str| properties.get(&format!("{source}->{target}.{key}"));
    let heartbeats = of_flow(HEARTBEATS).or(properties.get(HEARTBEATS));
    is_true(of_flow("enabled")) || heartbeats.is_none() || is_true(heartbeats)
}

fn flow(properties: &Properties, source: &str, target: &str) -> Flow {
    let connectors = ["MirrorSourceConnector", "MirrorHeartbeatConnector", "MirrorCheckpointConnector"];
    let connectors = connectors.map(|class| {
        let config = connector(properties, source, target, class);
        (config.get("name").cloned().unwrap_or_else(|| class.to_owned()), config)
    });
    Flow {
        source: source.to_owned(),
        target: target.to_owned(),
        worker: worker(properties, source, target),
        connectors: connectors.into(),
    }
}

/// What says where a cluster is and how it is talked to.
fn is_of_client(key: &str) -> bool {
    matches!(key, "bootstrap.servers" | "security.protocol" | "security.providers")
        || key.starts_with("ssl.")
        || key.starts_with("sasl.")
}

/// What the file says of a cluster, also for each kind of client; what it says of all of them where it says nothing of this one.
fn cluster(properties: &Properties, alias: &str) -> Properties {
    let prefix = format!("{alias}.");
    let own = properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
    let mut cluster: Properties = own.collect();
    let clients = |key: &str| ["producer", "consumer", "admin"].map(|client| format!("{client}.{key}"));
    let said: Vec<(String, String)> =
        cluster.iter().filter(|(key, _)| is_of_client(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in &said {
        clients(key).into_iter().for_each(|key| {
            cluster.entry(key).or_insert_with(|| value.clone());
        });
    }
    for (key, value) in properties.iter().filter(|(key, _)| is_of_client(key)) {
        clients(key).into_iter().chain([key.clone()]).for_each(|key| {
            cluster.entry(key).or_insert_with(|| value.clone());
        });
    }
    cluster
}

fn worker(properties: &Properties, source: &str, target: &str) -> Properties {
    let mut worker = cluster(properties, target);
    let top =
        |key: &str| WORKER_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) || key.starts_with("config.providers");
    worker.extend(properties.iter().filter(|(key, _)| top(key)).map(|(key, value)| (key.clone(), value.clone())));
    // How the nodes of a flow talk to one another is said of the process.
    let rest = |key: &str| ["listeners", "rest.", "admin.listeners"].iter().any(|prefix| key.starts_with(prefix));
    worker.extend(properties.iter().filter(|(key, _)| rest(key)).map(|(key, value)| (key.clone(), value.clone())));
    for (key, value) in [
        ("client.id", format!("{source}->{target}")),
        ("group.id", format!("{source}-mm2")),
        ("offset.storage.topic", format!("mm2-offsets.{source}.internal")),
        ("status.storage.topic", format!("mm2-status.{source}.internal")),
        ("config.storage.topic", format!("mm2-configs.{source}.internal")),
        ("key.converter", BYTES.to_owned()),
        ("value.converter", BYTES.to_owned()),
        ("header.converter", BYTES.to_owned()),
    ] {
        worker.entry(key.to_owned()).or_insert(value);
    }
    worker
}

fn connector(properties: &Properties, source: &str, target: &str, class: &str) -> Properties {
    let known = known_keys();
    let is_of_all = |key: &str| {
        known.contains(key)
            || is_of_client(key) && key != "bootstrap.servers"
            || key.starts_with("config.providers")
            || key.starts_with("replication.policy")
    };
    let mut config: Properties =
        properties.iter().filter(|(key, _)| is_of_all(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    for (side, alias) in [("source", source), ("target", target)] {
        for (key, value) in cluster(properties, alias) {
            let of_client = ["consumer", "producer", "admin"].iter().any(|client| key.starts_with(client));
            let key = if of_client { format!("{side}.{key}") } else { format!("{side}.cluster.{key}") };
            config.insert(key, value);
        }
    }
    for (key, value) in [
        ("name", class.to_owned()),
        ("connector.class", format!("{PACKAGE}.{class}")),
        ("source.cluster.alias", source.to_owned()),
        ("target.cluster.alias", target.to_owned()),
    ] {
        config.entry(key.to_owned()).or_insert(value);
    }
    let prefix = format!("{source}->{target}.");
    let own = properties.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
    config.extend(own);
    config.entry("enabled".to_owned()).or_insert_with(|| "false".to_owned());
    config
}

/// Every key that one of the three connectors has.
fn known_keys() -> BTreeSet<String> {
    let definitions = [source_definition(), checkpoint_definition(), heartbeat_definition()];
    let of_mirror = definitions.iter().flat_map(|def| def.keys().map(|key| key.name.clone()).collect::<Vec<_>>());
    let ours = ["topic.recreated", "topic.truncated"];
    of_mirror.chain(CONNECT_KEYS.into_iter().chain(ours).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, targets: &[&str]) -> Result<MirrorMaker> {
        let lines = text.lines().filter_map(|line| line.split_once(" = "));
        let properties = lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();
        let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
        MirrorMaker::parse(&properties, &targets)
    }

    const ACTIVE_PASSIVE: &str = "clusters = A, B
        A.bootstrap.servers = a:1
        B.bootstrap.servers = b:1
        B.security.protocol = SSL
        B.offset.flush.interval.ms = 500
        A->B.enabled = true
        A->B.topics = orders
        topics = all
        replication.factor = 1
        replication.policy.separator = _
        transforms.x.type = T
        tasks.max = 4";

    #[test]
    fn every_pair_is_a_flow_unless_heartbeats_are_off() {
        let names = |text: &str, targets: &[&str]| -> Vec<String> {
            parse(text, targets).expect("valid").flows.iter().map(Flow::name).collect()
        };
        assert_eq!(names(ACTIVE_PASSIVE, &[]), ["A->B", "B->A"]);
        assert_eq!(names(ACTIVE_PASSIVE, &["A"]), ["B->A"]);
        let without = format!("{ACTIVE_PASSIVE}\nB->A.emit.heartbeats.enabled = false");
        assert_eq!(names(&without, &[]), ["A->B"]);
        let global = format!("{ACTIVE_PASSIVE}\nemit.heartbeats.enabled = false");
        assert_eq!(names(&global, &[]), ["A->B"]);
    }

    #[test]
    fn a_worker_lives_on_the_target_under_the_names_of_mirror_maker() {
        let flow = &parse(ACTIVE_PASSIVE, &[]).expect("valid").flows[0];
        for (key, value) in [
            ("bootstrap.servers", "b:1"),
            ("producer.bootstrap.servers", "b:1"),
            ("admin.security.protocol", "SSL"),
            ("offset.flush.interval.ms", "500"),
            ("client.id", "A->B"),
            ("group.id", "A-mm2"),
            ("offset.storage.topic", "mm2-offsets.A.internal"),
            ("config.storage.topic", "mm2-configs.A.internal"),
            ("status.storage.topic", "mm2-status.A.internal"),
            ("value.converter", BYTES),
            ("replication.policy.separator", "_"),
        ] {
            assert_eq!(flow.worker.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!flow.worker.contains_key("topics"));
    }

    #[test]
    fn a_connector_has_both_clusters_and_what_its_flow_says_wins() {
        let flow = &parse(ACTIVE_PASSIVE, &[]).expect("valid").flows[0];
        let (name, config) = &flow.connectors[0];
        assert_eq!(name, "MirrorSourceConnector");
        for (key, value) in [
            ("connector.class", "org.apache.kafka.connect.mirror.MirrorSourceConnector"),
            ("source.cluster.alias", "A"),
            ("target.cluster.alias", "B"),
            ("source.cluster.bootstrap.servers", "a:1"),
            ("source.consumer.bootstrap.servers", "a:1"),
            ("target.cluster.security.protocol", "SSL"),
            ("topics", "orders"),
            ("enabled", "true"),
            ("replication.factor", "1"),
            ("replication.policy.separator", "_"),
            ("tasks.max", "4"),
        ] {
            assert_eq!(config.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert!(!config.contains_key("transforms.x.type"), "as in MirrorMaker");
        let (_, back) = &parse(ACTIVE_PASSIVE, &[]).expect("valid").flows[1].connectors[0];
        assert_eq!((back["enabled"].as_str(), back["topics"].as_str()), ("false", "all"));
    }

    #[test]
    fn the_sample_file_is_valid() {
        let maker = parse(include_str!("../../../config/connect-mirror-maker.properties"), &[]).expect("valid");
        assert_eq!(maker.flows.iter().map(Flow::name).collect::<Vec<_>>(), ["A->B", "B->A"]);
        let (_, source) = &maker.flows[0].connectors[0];
        let values = crate::config::validate_source(source);
        let errors: Vec<&String> = values.iter().flat_map(|value| &value.error_messages).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let both = "clusters = A, B\nA.bootstrap.servers = a:1\nB.bootstrap.servers = b:1";
        for (text, targets, expected) in [
            ("x = y", &[][..], "`clusters` is missing"),
            ("clusters = A, B\nA.bootstrap.servers = a:1", &[], "`B.bootstrap.servers` is missing"),
            (&format!("{both}\nA->C.enabled = true"), &[], "`A->C.enabled`: one of its clusters"),
            (&format!("{both}\nC->B.topics = x"), &[], "`C->B.topics`: one of its clusters"),
            (both, &["C"], "--clusters C: not among"),
            (&format!("{both}\nemit.heartbeats.enabled = false"), &[], "No source->target replication flows."),
        ] {
            let error = parse(text, targets).expect_err("refused");
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
