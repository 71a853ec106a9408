//! Registration, one call per class.

use std::sync::Arc;

use indexmap::IndexMap;
use sluice_api::{ConnectorPlugin, ConverterPlugin, ConverterUse, PredicatePlugin, Properties, TransformationPlugin};

use crate::names::Aliases;
use crate::registry::Entry;
use crate::{Error, KAFKA_VERSION, PluginType, Registry};

/// Collects plugins; the order of the calls does not matter.
#[derive(Default)]
pub struct RegistryBuilder {
    connectors: Vec<Arc<dyn ConnectorPlugin>>,
    converters: Vec<Arc<dyn ConverterPlugin>>,
    header_converters: Vec<Arc<dyn ConverterPlugin>>,
    transformations: Vec<Arc<dyn TransformationPlugin>>,
    predicates: Vec<Arc<dyn PredicatePlugin>>,
}

impl RegistryBuilder {
    /// No plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connector class.
    #[must_use]
    pub fn connector(mut self, plugin: Box<dyn ConnectorPlugin>) -> Self {
        self.connectors.push(plugin.into());
        self
    }

    /// Adds a converter class: for keys and values, for headers, or for both, as it says itself when it is asked for an
    /// instance without configuration.
    #[must_use]
    pub fn converter(self, plugin: Box<dyn ConverterPlugin>) -> Self {
        let nothing = Properties::new();
        let converts = !matches!(plugin.converter(&nothing, ConverterUse::Value), Ok(None));
        let converts_headers = !matches!(plugin.header_converter(&nothing), Ok(None));
        match (converts, converts_headers) {
            (false, true) => self.header_converter(plugin),
            (true, false) => self.converter_without_headers(plugin),
            _ => self.converter_of_everything(plugin),
        }
    }

    fn converter_of_everything(mut self, plugin: Box<dyn ConverterPlugin>) -> Self {
        let plugin: Arc<dyn ConverterPlugin> = plugin.into();
        self.header_converters.push(plugin.clone());
        self.converters.push(plugin);
        self
    }

    /// Adds a class that converts keys and values, not headers.
    #[must_use]
    pub fn converter_without_headers(mut self, plugin: Box<dyn ConverterPlugin>) -> Self {
        self.converters.push(plugin.into());
        self
    }

    /// Adds a class that converts headers only.
    #[must_use]
    pub fn header_converter(mut self, plugin: Box<dyn ConverterPlugin>) -> Self {
        self.header_converters.push(plugin.into());
        self
    }

    /// Adds a transformation class.
    #[must_use]
    pub fn transformation(mut self, plugin: Box<dyn TransformationPlugin>) -> Self {
        self.transformations.push(plugin.into());
        self
    }

    /// Adds a predicate class.
    #[must_use]
    pub fn predicate(mut self, plugin: Box<dyn PredicatePlugin>) -> Self {
        self.predicates.push(plugin.into());
        self
    }

    /// The registry of everything that was added.
    ///
    /// # Errors
    /// [`Error::Duplicate`].
    pub fn build(self) -> Result<Registry, Error> {
        let mut aliases = Aliases::default();
        for plugin in &self.connectors {
            for known_as in plugin.aliases() {
                aliases.add(known_as, plugin.class(), plugin.kind().into());
            }
        }
        let connectors = self.connectors.into_iter().map(|plugin| Entry {
            class: plugin.class().to_owned(),
            version: plugin.version().to_owned(),
            plugin_type: plugin.kind().into(),
            plugin,
        });
        Ok(Registry {
            connectors: collect(connectors, &mut aliases)?,
            converters: collect(built_ins(self.converters, PluginType::Converter, |p| p.class()), &mut aliases)?,
            header_converters: collect(
                built_ins(self.header_converters, PluginType::HeaderConverter, |p| p.class()),
                &mut aliases,
            )?,
            transformations: collect(
                built_ins(self.transformations, PluginType::Transformation, |p| p.class()),
                &mut aliases,
            )?,
            predicates: collect(built_ins(self.predicates, PluginType::Predicate, |p| p.class()), &mut aliases)?,
            aliases,
        })
    }
}

fn built_ins<P: ?Sized>(
    plugins: Vec<Arc<P>>,
    plugin_type: PluginType,
    class: impl Fn(&P) -> &'static str,
) -> impl Iterator<Item = Entry<P>> {
    plugins.into_iter().map(move |plugin| Entry {
        class: class(&plugin).to_owned(),
        version: KAFKA_VERSION.to_owned(),
        plugin_type,
        plugin,
    })
}

fn collect<P: ?Sized>(
    entries: impl Iterator<Item = Entry<P>>,
    aliases: &mut Aliases,
) -> Result<IndexMap<String, Entry<P>>, Error> {
    let mut sorted = IndexMap::new();
    for entry in entries {
        aliases.add(&entry.class, &entry.class, entry.plugin_type);
        let (class, plugin_type) = (entry.class.clone(), entry.plugin_type);
        if sorted.insert(class.clone(), entry).is_some() {
            return Err(Error::Duplicate { class, plugin_type });
        }
    }
    sorted.sort_unstable_keys();
    Ok(sorted)
}
