//! Look-up and listing.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use sluice_api::config::ConfigDef;
use sluice_api::{ConnectorPlugin, ConverterPlugin, PredicatePlugin, TransformationPlugin};

use crate::names::{Aliases, simple_name};
use crate::{Error, PluginDesc, PluginType};

pub(crate) struct Entry<P: ?Sized> {
    pub(crate) class: String,
    pub(crate) version: String,
    pub(crate) plugin_type: PluginType,
    pub(crate) plugin: Arc<P>,
}

impl<P: ?Sized> Entry<P> {
    fn desc(&self) -> PluginDesc {
        PluginDesc { class: self.class.clone(), plugin_type: self.plugin_type, version: self.version.clone() }
    }
}

/// Every plugin of this worker. Immutable once built.
pub struct Registry {
    pub(crate) connectors: IndexMap<String, Entry<dyn ConnectorPlugin>>,
    pub(crate) converters: IndexMap<String, Entry<dyn ConverterPlugin>>,
    pub(crate) header_converters: IndexMap<String, Entry<dyn ConverterPlugin>>,
    pub(crate) transformations: IndexMap<String, Entry<dyn TransformationPlugin>>,
    pub(crate) predicates: IndexMap<String, Entry<dyn PredicatePlugin>>,
    pub(crate) aliases: Aliases,
}

/// A plugin of any type, as [`Registry::find`] gives it.
#[derive(Clone)]
pub enum Plugin {
    /// A connector.
    Connector(Arc<dyn ConnectorPlugin>),
    /// A converter of keys, values or headers.
    Converter(Arc<dyn ConverterPlugin>),
    /// A transformation.
    Transformation(Arc<dyn TransformationPlugin>),
    /// A predicate.
    Predicate(Arc<dyn PredicatePlugin>),
}

impl Plugin {
    /// The Java class name.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Connector(plugin) => plugin.class(),
            Self::Converter(plugin) => plugin.class(),
            Self::Transformation(plugin) => plugin.class(),
            Self::Predicate(plugin) => plugin.class(),
        }
    }

    /// The keys that the class understands.
    pub fn config_def(&self) -> ConfigDef {
        match self {
            Self::Connector(plugin) => plugin.config_def(),
            Self::Converter(plugin) => plugin.config_def(),
            Self::Transformation(plugin) => plugin.config_def(),
            Self::Predicate(plugin) => plugin.config_def(),
        }
    }
}

impl Registry {
    /// The connector of that class name, simple name or simple name without `Connector`.
    ///
    /// # Errors
    /// [`Error::UnknownConnector`] and [`Error::AmbiguousConnector`], which list every connector.
    pub fn connector(&self, name: &str) -> Result<&Arc<dyn ConnectorPlugin>, Error> {
        if let Some(entry) = self.connectors.get(self.aliases.resolve(name)) {
            return Ok(&entry.plugin);
        }
        let is_meant =
            |class: &str| simple_name(class).strip_prefix(name).is_some_and(|rest| matches!(rest, "" | "Connector"));
        let mut matches = self.connectors.values().filter(|entry| is_meant(&entry.class));
        match (matches.next(), matches.next()) {
            (Some(entry), None) => Ok(&entry.plugin),
            (None, _) => Err(Error::UnknownConnector { name: name.to_owned(), available: descs(&self.connectors) }),
            _ => Err(Error::AmbiguousConnector { name: name.to_owned(), available: descs(&self.connectors) }),
        }
    }

    /// The converter for keys and values of that class name or alias.
    pub fn converter(&self, name: &str) -> Option<&Arc<dyn ConverterPlugin>> {
        Some(&self.converters.get(self.aliases.resolve(name))?.plugin)
    }

    /// The header converter of that class name or alias.
    pub fn header_converter(&self, name: &str) -> Option<&Arc<dyn ConverterPlugin>> {
        Some(&self.header_converters.get(self.aliases.resolve(name))?.plugin)
    }

    /// The transformation of that class name or alias.
    pub fn transformation(&self, name: &str) -> Option<&Arc<dyn TransformationPlugin>> {
        Some(&self.transformations.get(self.aliases.resolve(name))?.plugin)
    }

    /// The predicate of that class name or alias.
    pub fn predicate(&self, name: &str) -> Option<&Arc<dyn PredicatePlugin>> {
        Some(&self.predicates.get(self.aliases.resolve(name))?.plugin)
    }

    /// The plugin of any type of that class name or alias.
    pub fn find(&self, name: &str) -> Option<Plugin> {
        if let Ok(plugin) = self.connector(name) {
            return Some(Plugin::Connector(plugin.clone()));
        }
        let converter = self.converter(name).or_else(|| self.header_converter(name));
        converter
            .map(|plugin| Plugin::Converter(plugin.clone()))
            .or_else(|| self.transformation(name).map(|plugin| Plugin::Transformation(plugin.clone())))
            .or_else(|| self.predicate(name).map(|plugin| Plugin::Predicate(plugin.clone())))
    }

    /// The plugins of one type, sorted by class name.
    pub fn plugins(&self, plugin_type: PluginType) -> Vec<PluginDesc> {
        match plugin_type {
            PluginType::Sink | PluginType::Source => {
                descs(&self.connectors).into_iter().filter(|desc| desc.plugin_type == plugin_type).collect()
            }
            PluginType::Transformation => descs(&self.transformations),
            PluginType::Predicate => descs(&self.predicates),
            PluginType::Converter => descs(&self.converters),
            PluginType::HeaderConverter => descs(&self.header_converters),
        }
    }

    /// What `GET /connector-plugins` lists: sinks and sources, then, unless `connectors_only`, transformations, predicates,
    /// converters and header converters; each block sorted by class name.
    pub fn list(&self, connectors_only: bool) -> Vec<PluginDesc> {
        use PluginType::{Converter, HeaderConverter, Predicate, Sink, Source, Transformation};
        let all = [Sink, Source, Transformation, Predicate, Converter, HeaderConverter];
        let shown = if connectors_only { &all[..2] } else { &all[..] };
        shown.iter().flat_map(|plugin_type| self.plugins(*plugin_type)).collect()
    }
}

fn descs<P: ?Sized>(entries: &IndexMap<String, Entry<P>>) -> Vec<PluginDesc> {
    entries.values().map(Entry::desc).collect()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list(false)).finish()
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
