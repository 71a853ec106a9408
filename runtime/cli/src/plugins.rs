//! The plugins that are built in: one list to click through.

use std::sync::Arc;

use sluice_plugins::{Registry, RegistryBuilder};

/// Every built-in plugin.
pub(crate) fn registry() -> anyhow::Result<Arc<Registry>> {
    let mut builder = RegistryBuilder::new();
    for connector in sluice_connector_file::plugins() {
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
    Ok(Arc::new(builder.build()?))
}
