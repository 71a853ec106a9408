//! Which property of a connector's client comes from where; later wins.

use sluice_api::{ConnectError, Properties};

use super::ClientRole;
use crate::config::worker::{WorkerConfig, with_prefix};

/// The default client ids and names of a connector or of one of its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIds {
    connector: String,
    suffix: String,
}

impl ClientIds {
    /// Of the task `connector`-`task`.
    pub fn of_task(connector: &str, task: u32) -> Self {
        Self { connector: connector.to_owned(), suffix: format!("{connector}-{task}") }
    }

    /// Of the connector as a whole: for work on its offsets.
    pub fn of_connector(connector: &str) -> Self {
        Self { connector: connector.to_owned(), suffix: connector.to_owned() }
    }
}

/// Makes client properties for one connector.
#[derive(Clone, Copy, Debug)]
pub struct ClientProperties<'a> {
    worker: &'a WorkerConfig,
    connector: &'a Properties,
}

impl<'a> ClientProperties<'a> {
    /// For a connector with these properties, variables replaced.
    pub fn new(worker: &'a WorkerConfig, connector: &'a Properties) -> Self {
        Self { worker, connector }
    }

    /// The producer of a source task.
    ///
    /// # Errors
    /// `Connect` when the override policy refuses a setting.
    pub fn producer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_producer(&format!("connector-producer-{}", ids.suffix))
    }

    /// The producer of a source task under exactly-once: `transactional.id` and idempotence are not the user's to set.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn exactly_once_producer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        let mut properties = self.producer(ids)?;
        properties.insert("enable.idempotence".to_owned(), "true".to_owned());
        let group = self.worker.group_id.as_deref().unwrap_or_default();
        properties.insert("transactional.id".to_owned(), format!("{group}-{}", ids.suffix));
        Ok(properties)
    }

    /// The producer of a sink task's dead letter queue.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn dlq_producer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_producer(&format!("connector-dlq-producer-{}", ids.suffix))
    }

    /// The producer that alters a source's offsets on behalf of a REST client.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn offset_producer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_producer(&format!("connector-offset-producer-{}", ids.connector))
    }

    /// The consumer of a sink task.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn consumer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        let mut properties = pairs(&[
            ("group.id", &format!("connect-{}", ids.connector)),
            ("client.id", &format!("connector-consumer-{}", ids.suffix)),
            ("bootstrap.servers", &self.worker.bootstrap_servers.join(",")),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer"),
            ("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer"),
        ]);
        self.apply(&mut properties, ClientRole::Consumer)?;
        Ok(properties)
    }

    /// The consumer that reads a source's own offsets topic. Under exactly-once it reads committed records whatever the user says.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn offsets_consumer(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        let mut properties = self.consumer(ids)?;
        let committed = "read_committed".to_owned();
        if self.worker.exactly_once_source_enabled {
            properties.insert("isolation.level".to_owned(), committed);
        } else {
            properties.entry("isolation.level".to_owned()).or_insert(committed);
        }
        Ok(properties)
    }

    /// The admin client of a task.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn admin(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_admin(&format!("connector-adminclient-{}", ids.suffix))
    }

    /// The admin client with which the worker looks at and alters a connector's offsets and fences its tasks.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn worker_admin(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_admin(&format!("connector-worker-adminclient-{}", ids.connector))
    }

    /// The admin client that creates a dead letter queue.
    ///
    /// # Errors
    /// As for [`ClientProperties::producer`].
    pub fn dlq_admin(&self, ids: &ClientIds) -> Result<Properties, ConnectError> {
        self.base_admin(&format!("connector-dlq-adminclient-{}", ids.suffix))
    }

    /// The clients that write a sink task's reports. The connector's own keys say the rest, so overrides have no part in it.
    pub fn reports(&self, ids: &ClientIds) -> ReportClients {
        let of_worker = |role: ClientRole| self.worker.originals_with_prefix(role.worker_prefix());
        let admin_id = format!("connector-report-adminclient-{}", ids.suffix);
        let mut admin_of_worker = self.worker.unprefixed_originals();
        admin_of_worker.extend(of_worker(ClientRole::Admin));
        ReportClients {
            producer: self.producer_defaults(&format!("connector-report-producer-{}", ids.suffix)),
            producer_of_worker: of_worker(ClientRole::Producer),
            admin: pairs(&[("bootstrap.servers", &self.worker.bootstrap_servers.join(",")), ("client.id", &admin_id)]),
            admin_of_worker,
        }
    }

    fn base_producer(&self, client_id: &str) -> Result<Properties, ConnectError> {
        let mut properties = self.producer_defaults(client_id);
        self.apply(&mut properties, ClientRole::Producer)?;
        Ok(properties)
    }

    fn producer_defaults(&self, client_id: &str) -> Properties {
        pairs(&[
            ("bootstrap.servers", &self.worker.bootstrap_servers.join(",")),
            ("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"),
            ("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"),
            ("max.block.ms", &i64::MAX.to_string()),
            ("enable.idempotence", "false"),
            ("acks", "all"),
            ("max.in.flight.requests.per.connection", "1"),
            ("delivery.timeout.ms", &i32::MAX.to_string()),
            ("client.id", client_id),
        ])
    }

    /// Unlike producers and consumers, admin clients get every unprefixed worker property, security settings included.
    fn base_admin(&self, client_id: &str) -> Result<Properties, ConnectError> {
        let mut properties =
            pairs(&[("bootstrap.servers", &self.worker.bootstrap_servers.join(",")), ("client.id", client_id)]);
        properties.extend(self.worker.unprefixed_originals());
        self.apply(&mut properties, ClientRole::Admin)?;
        Ok(properties)
    }

    fn apply(&self, properties: &mut Properties, role: ClientRole) -> Result<(), ConnectError> {
        let overrides = with_prefix(self.connector, role.override_prefix());
        self.worker.override_policy.check_all(&overrides)?;
        properties.extend(self.worker.originals_with_prefix(role.worker_prefix()));
        properties.extend(overrides);
        Ok(())
    }
}

/// Properties of the clients that write reports, before the connector's own.
#[derive(Clone, Debug)]
pub struct ReportClients {
    producer: Properties,
    producer_of_worker: Properties,
    admin: Properties,
    admin_of_worker: Properties,
}

impl ReportClients {
    /// With `bootstrap.servers` the connector's properties stand alone: another cluster has other credentials.
    pub fn producer(&self, own: &Properties) -> Properties {
        merged(&self.producer, &self.producer_of_worker, own)
    }

    /// As [`ReportClients::producer`].
    pub fn admin(&self, own: &Properties) -> Properties {
        merged(&self.admin, &self.admin_of_worker, own)
    }
}

fn merged(defaults: &Properties, of_worker: &Properties, own: &Properties) -> Properties {
    let of_worker = (!own.contains_key("bootstrap.servers")).then_some(of_worker);
    let layers = std::iter::once(defaults).chain(of_worker).chain(std::iter::once(own));
    layers.flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl WorkerConfig {
    /// The properties that are not for connectors' clients, and not the config providers: what the worker's own clients get.
    pub fn unprefixed_originals(&self) -> Properties {
        let for_connectors = |name: &String| ["admin.", "producer.", "consumer."].iter().any(|p| name.starts_with(p));
        let mine = self.originals.iter().filter(|(name, _)| !for_connectors(name) && *name != "config.providers");
        mine.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests;
