//! The plugins that are built in: one list to click through.

use std::sync::Arc;

use sluice_api::ConnectorPlugin;
use sluice_plugins::{Registry, RegistryBuilder};

/// Every built-in plugin, and further connectors that the binary brings.
pub(crate) fn registry(further: Vec<Box<dyn ConnectorPlugin>>) -> anyhow::Result<Arc<Registry>> {
    let mut builder = RegistryBuilder::new();
    for connector in sluice_connector_file::plugins() {
        builder = builder.connector(connector);
    }
    for connector in sluice_connector_http::plugins() {
        builder = builder.connector(connector);
    }
    for connector in sluice_connector_mirror::plugins() {
        builder = builder.connector(connector);
    }
    for connector in sluice_connector_postgres::plugins() {
        builder = builder.connector(connector);
    }
    for connector in sluice_connector_s3::plugins() {
        builder = builder.connector(connector);
    }
    for converter in sluice_converters::plugins() {
        builder = builder.converter(converter);
    }
    for transformation in sluice_transforms::transformations() {
        builder = builder.transformation(transformation);
    }
    for predicate in sluice_transforms::predicates() {
        builder = builder.predicate(predicate);
    }
    for connector in further {
        builder = builder.connector(connector);
    }
    Ok(Arc::new(builder.build()?))
}
