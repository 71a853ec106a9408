//! Which converter a connector uses, and with what properties.

use sluice_api::Properties;

use crate::config::worker::{WorkerConfig, with_prefix};

/// A converter class with its properties, prefix cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterChoice {
    /// The class or its alias.
    pub class: String,
    /// Its properties. When the connector names the class, these are the connector's alone; otherwise the worker's alone.
    pub properties: Properties,
}

impl ConverterChoice {
    /// The converter for record keys.
    pub fn key(worker: &WorkerConfig, connector: &Properties) -> Self {
        Self::choose("key.converter", &worker.key_converter, worker, connector)
    }

    /// The converter for record values.
    pub fn value(worker: &WorkerConfig, connector: &Properties) -> Self {
        Self::choose("value.converter", &worker.value_converter, worker, connector)
    }

    /// The converter for headers.
    pub fn header(worker: &WorkerConfig, connector: &Properties) -> Self {
        Self::choose("header.converter", &worker.header_converter, worker, connector)
    }

    fn choose(key: &str, worker_class: &str, worker: &WorkerConfig, connector: &Properties) -> Self {
        let prefix = format!("{key}.");
        match connector.get(key) {
            Some(class) => Self { class: class.trim().to_owned(), properties: with_prefix(connector, &prefix) },
            None => Self { class: worker_class.to_owned(), properties: worker.originals_with_prefix(&prefix) },
        }
    }
}
