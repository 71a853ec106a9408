//! What a list of plugins shows of each.

use std::fmt;

use sluice_api::ConnectorKind;

/// What a class is for, in the order in which plugins are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PluginType {
    /// A connector out of topics.
    Sink,
    /// A connector into topics.
    Source,
    /// Changes records.
    Transformation,
    /// Decides whether a transformation applies.
    Predicate,
    /// Converts keys and values.
    Converter,
    /// Converts headers.
    HeaderConverter,
}

impl PluginType {
    /// The name in REST bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sink => "sink",
            Self::Source => "source",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
        }
    }

    /// The end of a simple class name that an alias may leave out.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Sink | Self::Source => "Connector",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
        }
    }
}

impl From<ConnectorKind> for PluginType {
    fn from(kind: ConnectorKind) -> Self {
        match kind {
            ConnectorKind::Source => Self::Source,
            ConnectorKind::Sink => Self::Sink,
        }
    }
}

impl fmt::Display for PluginType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One plugin in a list. `Display` is the form in Kafka's error texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginDesc {
    /// The Java class name.
    pub class: String,
    /// What it is for.
    pub plugin_type: PluginType,
    /// The version.
    pub version: String,
}

impl fmt::Display for PluginDesc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, plugin_type, version } = self;
        write!(
            f,
            "PluginDesc{{klass=class {class}, name='{class}', version='{version}', encodedVersion={version}, \
             type={plugin_type}, typeName='{plugin_type}', location='classpath'}}"
        )
    }
}
