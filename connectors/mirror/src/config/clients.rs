//! Which properties each Kafka client of a flow gets.
//!
//! `source.cluster.*` and `target.cluster.*` give addresses and security; then come `producer.*`, `consumer.*`, `admin.*` for both
//! clusters, then the same with `source.` or `target.` in front, which win.

use sluice_api::Properties;

/// One of the two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }

    /// The side that `offset-syncs.topic.location` names.
    pub(crate) fn of_location(location: &str) -> Self {
        if location == "target" { Self::Target } else { Self::Source }
    }
}

/// One of Kafka's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientRole {
    Producer,
    Consumer,
    Admin,
}

impl ClientRole {
    fn name(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin",
        }
    }
}

/// The properties of a connector, from which those of its clients come.
#[derive(Clone, Debug)]
pub(crate) struct ClientProperties {
    all: Properties,
    /// `A->B|name`.
    client_id: String,
}

impl ClientProperties {
    pub(super) fn new(all: &Properties, client_id: String) -> Self {
        Self { all: all.clone(), client_id }
    }

    /// The properties of one client; `purpose` ends its client id, as in MirrorMaker.
    pub(crate) fn of(&self, side: Side, role: ClientRole, purpose: &str) -> Properties {
        let mut properties = self.cluster(side);
        properties.extend(self.with_prefix(&format!("{}.", role.name())));
        properties.extend(self.with_prefix(&format!("{}.{}.", side.name(), role.name())));
        if role == ClientRole::Consumer {
            properties.insert("enable.auto.commit".to_owned(), "false".to_owned());
            properties.entry("auto.offset.reset".to_owned()).or_insert_with(|| "earliest".to_owned());
        }
        let own = properties.get("client.id").map(|id| format!("{id}|")).unwrap_or_default();
        let task = self.all.get(super::TASK_INDEX).map(|index| format!("-{index}")).unwrap_or_default();
        properties.insert("client.id".to_owned(), format!("{own}{}{task}|{purpose}", self.client_id));
        properties
    }

    /// Addresses and security of one cluster.
    fn cluster(&self, side: Side) -> Properties {
        let cluster = self.with_prefix(&format!("{}.cluster.", side.name()));
        let is_shared = |key: &str| {
            matches!(key, "bootstrap.servers" | "security.protocol")
                || key.starts_with("ssl.")
                || key.starts_with("sasl.")
        };
        cluster.into_iter().filter(|(key, _)| is_shared(key)).collect()
    }

    fn with_prefix(&self, prefix: &str) -> Properties {
        let found =
            self.all.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone())));
        found.collect()
    }
}
