//! Look-up and listing with connectors and converters that do nothing.

use sluice_api::config::ConfigDef;
use sluice_api::{
    ConnectError, Connector, ConnectorKind, ConnectorPlugin, Converter, ConverterPlugin, ConverterUse, HeaderConverter,
    Properties, Result, TaskFactory,
};

use super::*;
use crate::RegistryBuilder;

struct Nothing(&'static str, ConnectorKind);

impl ConnectorPlugin for Nothing {
    fn class(&self) -> &'static str {
        self.0
    }
    fn aliases(&self) -> &'static [&'static str] {
        if self.0.starts_with("io.debezium") { &["io.debezium.connector.postgresql.OldConnector"] } else { &[] }
    }
    fn kind(&self) -> ConnectorKind {
        self.1
    }
    fn version(&self) -> &str {
        "4.3.0"
    }
    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }
    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("never started")
    }
    fn task(&self) -> TaskFactory {
        unreachable!("never started")
    }
}

impl ConverterPlugin for Nothing {
    fn class(&self) -> &'static str {
        self.0
    }
    fn config_def(&self) -> ConfigDef {
        ConfigDef::new()
    }
    fn converter(&self, _: &Properties, _: ConverterUse) -> Result<Option<Box<dyn Converter>>> {
        if self.0.contains("Header") { Ok(None) } else { Err(ConnectError::config("there is no configuration")) }
    }
    /// A header converter that wants a configuration.
    fn header_converter(&self, _: &Properties) -> Result<Option<Box<dyn HeaderConverter>>> {
        Err(ConnectError::config("there is no configuration"))
    }
}

const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

fn registry(more: &[(&'static str, ConnectorKind)]) -> Registry {
    let mut builder = RegistryBuilder::new()
        .connector(Box::new(Nothing(SOURCE, ConnectorKind::Source)))
        .connector(Box::new(Nothing(SINK, ConnectorKind::Sink)))
        .converter(Box::new(Nothing("a.SimpleHeaderConverter", ConnectorKind::Sink)))
        .converter(Box::new(Nothing("a.JsonConverter", ConnectorKind::Sink)));
    for (class, kind) in more {
        builder = builder.connector(Box::new(Nothing(class, *kind)));
    }
    builder.build().expect("no duplicates")
}

#[test]
fn a_connector_is_found_under_each_of_its_names() {
    let registry = registry(&[("io.debezium.connector.postgresql.PostgresConnector", ConnectorKind::Source)]);
    for name in [SOURCE, "FileStreamSourceConnector", "FileStreamSource"] {
        assert_eq!(registry.connector(name).map(|plugin| plugin.class()), Ok(SOURCE));
    }
    for name in ["io.debezium.connector.postgresql.OldConnector", "OldConnector", "Old", "Postgres"] {
        let class = registry.connector(name).map(|plugin| plugin.class());
        assert_eq!(class, Ok("io.debezium.connector.postgresql.PostgresConnector"));
    }
    assert!(registry.converter("Json").is_some() && registry.header_converter("JsonConverter").is_some());
    assert!(registry.converter("Simple").is_none() && registry.header_converter("Simple").is_some());
    assert!(matches!(registry.find("a.SimpleHeaderConverter"), Some(Plugin::Converter(_))));
    assert!(registry.find("Nope").is_none());
}

#[test]
fn an_unknown_connector_lists_those_that_exist() {
    let error = registry(&[]).connector("a.JsonConverter").map(|_| ()).expect_err("it is a converter");
    assert_eq!(
        error.to_string(),
        "Failed to find any class that implements Connector and which name matches a.JsonConverter, available connectors \
         are: PluginDesc{klass=class org.apache.kafka.connect.file.FileStreamSinkConnector, \
         name='org.apache.kafka.connect.file.FileStreamSinkConnector', version='4.3.0', encodedVersion=4.3.0, type=sink, \
         typeName='sink', location='classpath'}, PluginDesc{klass=class \
         org.apache.kafka.connect.file.FileStreamSourceConnector, \
         name='org.apache.kafka.connect.file.FileStreamSourceConnector', version='4.3.0', encodedVersion=4.3.0, \
         type=source, typeName='source', location='classpath'}"
    );
}

#[test]
fn a_simple_name_of_two_connectors_is_ambiguous() {
    let registry = registry(&[("com.example.FileStreamSinkConnector", ConnectorKind::Sink)]);
    for name in ["FileStreamSink", "FileStreamSinkConnector"] {
        let error = registry.connector(name).map(|_| ()).expect_err("two classes");
        assert!(error.to_string().starts_with(&format!(
            "More than one connector matches alias {name}. Please use full package and class name instead. Classes found: \
             PluginDesc{{klass=class com.example.FileStreamSinkConnector"
        )));
    }
    assert!(registry.connector(SINK).is_ok());
}

#[test]
fn plugins_are_listed_by_type_then_class() {
    let classes = |only| registry(&[]).list(only).into_iter().map(|desc| desc.class).collect::<Vec<_>>();
    assert_eq!(classes(true), [SINK, SOURCE]);
    assert_eq!(classes(false), [SINK, SOURCE, "a.JsonConverter", "a.JsonConverter", "a.SimpleHeaderConverter"]);
}

#[test]
fn a_class_is_registered_once() {
    let twice = RegistryBuilder::new()
        .connector(Box::new(Nothing(SINK, ConnectorKind::Sink)))
        .connector(Box::new(Nothing(SINK, ConnectorKind::Sink)));
    assert!(matches!(twice.build(), Err(Error::Duplicate { .. })));
}
