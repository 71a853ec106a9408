//! From a map of Java client properties to a configuration of librdkafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::table::{FIXED, QUIET_PREFIXES, Row, TABLE, Target};
use super::{Properties, Role};
use crate::client_log::lock;
use crate::error::{Error, PropertyError};
use crate::security::Security;

/// Keys that were said to be ignored, so that a worker with a thousand tasks says it once.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A client's configuration, checked and complete with defaults.
#[derive(Clone, Debug)]
pub struct Translation {
    role: Role,
    java: BTreeMap<&'static str, String>,
    native: BTreeMap<String, String>,
    ignored: Vec<String>,
    security: Arc<Security>,
}

/// Whether a Java client of this role knows `key`: for callers that hold one map with keys of several owners.
pub fn is_client_key(role: Role, key: &str) -> bool {
    find(role, key).is_some() || is_quiet(key)
}

/// Checks `properties` and translates them for a client of this role, with the defaults of Kafka Connect's clients.
///
/// Keys that are unknown or have no equivalent are logged once for each process and listed in [`Translation::ignored`].
/// An admin client is given all properties of the worker, so there keys that are no client's are not worth a warning.
///
/// # Errors
/// All values that cannot be used, together.
pub fn translate(role: Role, properties: &Properties) -> Result<Translation, Error> {
    let mut errors = Vec::new();
    let security = Security::parse(&|key| properties.get(key).map(String::as_str)).unwrap_or_else(|wrong| {
        errors = wrong;
        Security::default()
    });
    let mut translation = Translation {
        role,
        java: BTreeMap::new(),
        native: BTreeMap::new(),
        ignored: Vec::new(),
        security: Arc::new(security),
    };
    for (_, key, value) in FIXED.iter().filter(|(roles, ..)| roles.contains(&role)) {
        translation.native.insert((*key).to_owned(), (*value).to_owned());
    }
    for row in TABLE.iter().filter(|row| row.roles.contains(&role)) {
        let given = properties.get(row.key);
        if let Some(value) = given.map(String::as_str).or(row.default) {
            translation.take(row, value, given.is_some(), &mut errors);
        }
    }
    translation.ignore_unknown(properties);
    translation.complete(properties, &mut errors);
    if errors.is_empty() { Ok(translation) } else { Err(Error::Properties(errors.into())) }
}

impl Translation {
    /// librdkafka's keys and values, sorted by key; those of the security configuration come on top when a client is made.
    pub fn librdkafka(&self) -> impl Iterator<Item = (&str, &str)> {
        self.native.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The effective value of a Java key (given or default), trimmed and checked.
    pub fn java(&self, key: &str) -> Option<&str> {
        self.java.get(key).map(String::as_str)
    }

    /// The keys that nothing here makes use of.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The effective value of a Java key of an integer type, for keys with a default.
    pub(crate) fn number(&self, key: &str) -> i64 {
        self.java(key)
            .and_then(|value| value.parse().ok())
            .expect("the table gives the key a default and an integer type")
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.java(key) == Some("true")
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.java("bootstrap.servers").unwrap_or_default()
    }

    pub(crate) fn client_id(&self) -> &str {
        self.java("client.id").unwrap_or("sluice")
    }

    /// Overrides a setting of librdkafka that has no Java name: the limits of the worker's memory budget.
    pub(crate) fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        self.native.insert(key.to_owned(), value.to_string());
    }

    #[cfg(test)]
    pub(crate) fn native(&self, key: &str) -> Option<&str> {
        self.native.get(key).map(String::as_str)
    }

    /// How the client encrypts and authenticates.
    pub(crate) fn security(&self) -> &Arc<Security> {
        &self.security
    }

    /// The configuration of a client that is made right now. It holds secrets and what the stores hold at this moment.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(crate) fn client_config(&self) -> Result<rdkafka::ClientConfig, Error> {
        let mut config = rdkafka::ClientConfig::new();
        for (key, value) in self.librdkafka() {
            config.set(key, value);
        }
        for (key, value) in self.security.librdkafka()? {
            config.set(key, value);
        }
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Info);
        Ok(config)
    }

    fn take(&mut self, row: &'static Row, value: &str, given: bool, errors: &mut Vec<PropertyError>) {
        let value = match row.value.parse(value) {
            Ok(value) => value,
            Err(expected) => return errors.push(wrong(row.key, value, expected)),
        };
        if value.is_empty() {
            return;
        }
        match row.target {
            Target::Same => self.set(row.key, &value),
            Target::Key(key) => self.set(key, &value),
            Target::Clamped(key, low, high) => self.set_clamped(key, &value, low, high),
            Target::Both((first, low, high), (second, low2, high2)) => {
                self.set_clamped(first, &value, low, high);
                self.set_clamped(second, &value, low2, high2);
            }
            // Invariant 9: what may be a secret stays in the security configuration.
            Target::Secured => return,
            Target::Here => {}
            Target::Nothing if given => self.ignore(row.key, true),
            Target::Nothing => {}
        }
        self.java.insert(row.key, value);
    }

    fn set_clamped(&mut self, key: &str, value: &str, low: i64, high: i64) {
        let number: i64 = value.parse().expect("clamped rows have an integer type");
        self.set(key, number.clamp(low, high));
    }

    fn ignore_unknown(&mut self, properties: &Properties) {
        for key in properties.keys() {
            if !is_client_key(self.role, key) {
                self.ignore(key, self.role != Role::Admin);
            }
        }
    }

    fn ignore(&mut self, key: &str, loud: bool) {
        self.ignored.push(key.to_owned());
        if loud && lock(&SAID).insert(key.to_owned()) {
            tracing::warn!(key, "this client property has no effect here");
        }
    }

    /// What needs more than one key, or more than a lookup.
    fn complete(&mut self, properties: &Properties, errors: &mut Vec<PropertyError>) {
        if self.bootstrap().is_empty() {
            let given = properties.get("bootstrap.servers").map_or("", String::as_str);
            errors.push(wrong("bootstrap.servers", given, "host:port[,host:port…]".to_owned()));
        }
        if self.client_id() == "sluice" {
            self.set("client.id", "sluice");
        }
        match self.role {
            Role::Producer => errors.extend(self.complete_producer()),
            Role::Consumer => errors.extend(self.complete_consumer()),
            Role::Admin => {}
        }
    }

    fn complete_producer(&mut self) -> Option<PropertyError> {
        let codec = self.java("compression.type").unwrap_or("none").to_owned();
        if let Some(level) =
            self.java(&format!("compression.{codec}.level")).and_then(|level| level.parse::<i64>().ok())
        {
            self.set("compression.level", level.clamp(-1, 12));
        }
        if self.flag("partitioner.ignore.keys") {
            self.set("partitioner", "random");
        }
        let class = self.java("partitioner.class")?.to_owned();
        match class.rsplit('.').next() {
            Some("DefaultPartitioner") => None,
            Some("RoundRobinPartitioner" | "UniformStickyPartitioner") => {
                self.set("partitioner", "random");
                None
            }
            _ => Some(wrong(
                "partitioner.class",
                &class,
                "no class, or RoundRobinPartitioner: another partitioner would put records where Java does not"
                    .to_owned(),
            )),
        }
    }

    fn complete_consumer(&mut self) -> Option<PropertyError> {
        let reset =
            if self.java("auto.offset.reset") == Some("none") { "error" } else { self.java("auto.offset.reset")? };
        let reset = reset.to_owned();
        self.set("auto.offset.reset", reset);
        let list = self.java("partition.assignment.strategy").unwrap_or("range").to_owned();
        match assignors(&list) {
            Ok(assignors) => {
                self.set("partition.assignment.strategy", assignors);
                None
            }
            Err(expected) => Some(wrong("partition.assignment.strategy", &list, expected)),
        }
    }
}

/// librdkafka's names. Java clients with eager and cooperative assignors rebalance eagerly; librdkafka refuses the
/// mixture.
fn assignors(list: &str) -> Result<String, String> {
    let mut eager = Vec::new();
    let mut cooperative = Vec::new();
    for class in list.split(',').map(str::trim).filter(|class| !class.is_empty()) {
        match class.rsplit('.').next().unwrap_or(class) {
            "RangeAssignor" | "range" => eager.push("range"),
            "RoundRobinAssignor" | "roundrobin" => eager.push("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => cooperative.push("cooperative-sticky"),
            _ => return Err("RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor".to_owned()),
        }
    }
    match (eager.is_empty(), cooperative.is_empty()) {
        (true, true) => Err("at least one assignor".to_owned()),
        (true, false) => Ok(cooperative.join(",")),
        (false, _) => Ok(eager.join(",")),
    }
}

fn wrong(key: &str, value: &str, expected: String) -> PropertyError {
    PropertyError { key: key.to_owned(), value: value.to_owned(), expected }
}

fn find(role: Role, key: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.key == key && row.roles.contains(&role))
}

fn is_quiet(key: &str) -> bool {
    QUIET_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
