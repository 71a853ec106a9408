//! Replaces variables by what the worker's providers know.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use sluice_api::{ConnectError, Properties};

use super::redaction::{self, SHORTEST_BYTES};
use super::variables::{Variable, variables};
use super::{ConfigData, ConfigProvider, classes};
use crate::config::worker::with_prefix;

/// The providers of `config.providers`, by name (`WorkerConfigTransformer`).
#[derive(Default)]
pub struct ConfigTransformer {
    providers: BTreeMap<String, Box<dyn ConfigProvider>>,
}

/// Properties with their variables replaced. No `Debug`: the values are secrets (Invariant 9).
pub struct Resolved {
    /// Every property.
    pub properties: Properties,
    /// The paths whose values may be others after this time.
    pub ttls: Vec<(String, Duration)>,
    /// What each variable stood for.
    values: Vec<(String, String)>,
}

/// What the providers said, by provider and path.
type Lookups<'a> = HashMap<(&'a str, &'a str), ConfigData>;

impl ConfigTransformer {
    /// The providers that a worker's properties name. One without `config.providers.NAME.class` is left out, as in Kafka.
    ///
    /// # Errors
    /// `Config` when a class is unknown or a parameter is wrong; the key of the provider's class is in the message.
    pub fn new(worker: &Properties) -> Result<Self, ConnectError> {
        let names = worker.get("config.providers").map_or("", String::as_str);
        let mut providers = BTreeMap::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let key = format!("config.providers.{name}.class");
            let Some(class) = worker.get(&key) else { continue };
            let params = with_prefix(worker, &format!("config.providers.{name}.param."));
            let provider = classes::provider(&key, class.trim(), &params).map_err(|error| {
                let text = format!("Unable to initialize the ConfigProvider specified in '{key}': {error}");
                ConnectError::config(text).with_source(error)
            })?;
            providers.insert(name.to_owned(), provider);
        }
        Ok(Self { providers })
    }

    /// `properties` with the variables replaced. One whose provider or key is not known stays as it is. Reads files: the values
    /// are those of this moment.
    ///
    /// # Errors
    /// `Config` when a provider cannot read what a variable names.
    pub fn transform(&self, properties: &Properties) -> Result<Resolved, ConnectError> {
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for variable in properties.values().flat_map(|value| variables(value)) {
            if self.providers.contains_key(variable.provider) {
                wanted.entry((variable.provider, variable.path)).or_default().insert(variable.key);
            }
        }
        let mut lookups = Lookups::new();
        for ((name, path), keys) in wanted {
            if let Some(provider) = self.providers.get(name) {
                lookups.insert((name, path), provider.get(path, &keys)?);
            }
        }
        let mut values = Vec::new();
        let replaced = properties.iter().map(|(key, text)| (key.clone(), replace(text, &lookups, &mut values)));
        let replaced = replaced.collect();
        let ttls = lookups.iter().filter_map(|((_, path), data)| Some(((*path).to_owned(), data.ttl?))).collect();
        for (variable, value) in &values {
            redaction::remember(variable, value);
        }
        Ok(Resolved { properties: replaced, ttls, values })
    }
}

impl Resolved {
    /// Takes secrets out of what was derived from these properties, before it is stored: a key that `written` has with a variable
    /// gets the written value back, as in Kafka. Beyond Kafka, a secret in any other key becomes its variable, unless the user
    /// wrote that value there.
    pub fn unresolve(&self, written: &Properties, derived: &mut Properties) {
        for (key, value) in derived.iter_mut() {
            match written.get(key) {
                Some(own) if !variables(own).is_empty() => value.clone_from(own),
                Some(own) if own == value => {}
                _ => self.hide(value),
            }
        }
    }

    fn hide(&self, text: &mut String) {
        for (variable, value) in self.values.iter().filter(|(_, value)| value.len() >= SHORTEST_BYTES) {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), variable);
            }
        }
    }

    /// A number that is another one when a value has changed; good within this process only.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        // The order of keys says nothing.
        let sorted: BTreeMap<&String, &String> = self.properties.iter().collect();
        let mut hasher = DefaultHasher::new();
        sorted.hash(&mut hasher);
        hasher.finish()
    }
}

fn replace(text: &str, lookups: &Lookups<'_>, values: &mut Vec<(String, String)>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for Variable { range, provider, path, key } in variables(text) {
        let Some(value) = lookups.get(&(provider, path)).and_then(|data| data.values.get(key)) else { continue };
        values.push((text[range.clone()].to_owned(), value.clone()));
        replaced.push_str(&text[from..range.start]);
        replaced.push_str(value);
        from = range.end;
    }
    replaced.push_str(&text[from..]);
    replaced
}

impl fmt::Debug for ConfigTransformer {
    /// The names alone (Invariant 9).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.providers.keys()).finish()
    }
}
