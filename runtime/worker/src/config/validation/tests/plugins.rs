//! Doubles of the plugins that the golden files know, made from the lists and definitions in them.

use serde_json::Value;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedValue, Validator, Width, parse_value};
use sluice_api::connector::ExactlyOnceSupport;
use sluice_api::{
    Connector, ConnectorKind, ConnectorPlugin, Converter, ConverterPlugin, ConverterUse, HeaderConverter, Predicate,
    PredicatePlugin, Properties, Result, TaskFactory, Transformation, TransformationPlugin,
};
use sluice_plugins::{Registry, RegistryBuilder};

use super::golden::steps;

/// A class of which only names and keys matter.
struct Double {
    class: &'static str,
    kind: ConnectorKind,
    def: ConfigDef,
}

/// Every plugin of `P1`.
pub(super) fn registry() -> Registry {
    let list = steps("P1").remove(1);
    let plugins = list.json().as_array().expect("a list").clone();
    let has = |class: &str, kind: &str| plugins.iter().any(|p| p["class"] == class && p["type"] == kind);
    let mut builder = RegistryBuilder::new();
    for plugin in &plugins {
        let class = plugin["class"].as_str().expect("a class");
        let kind = plugin["type"].as_str().expect("a type");
        builder = match kind {
            "sink" => builder.connector(double(class, ConnectorKind::Sink)),
            "source" => builder.connector(double(class, ConnectorKind::Source)),
            "transformation" => builder.transformation(double(class, ConnectorKind::Source)),
            "predicate" => builder.predicate(double(class, ConnectorKind::Source)),
            "converter" => builder.converter(double(class, ConnectorKind::Source)),
            _ if has(class, "converter") => builder,
            _ => builder.header_converter(double(class, ConnectorKind::Source)),
        };
    }
    builder.build().expect("no duplicates")
}

fn double(class: &str, kind: ConnectorKind) -> Box<Double> {
    Box::new(Double { class: String::leak(class.to_owned()), kind, def: definition(class) })
}

/// The keys that the golden files show for `class`; of a connector those before the framework's.
fn definition(class: &str) -> ConfigDef {
    let simple = class.rsplit('.').next().unwrap_or(class);
    let path = [class, simple, simple.trim_end_matches("Connector")]
        .map(|name| format!("GET /connector-plugins/{name}/config"));
    let recorded = ["P2", "P3"].into_iter().flat_map(steps).find(|step| path.contains(&step.request));
    let keys = recorded.map(|step| step.json().as_array().cloned().unwrap_or_default()).unwrap_or_default();
    let own = keys.iter().take_while(|key| key["name"] != "name");
    own.fold(ConfigDef::new(), |def, info| def.define(key(info)))
}

fn key(info: &Value) -> ConfigKey {
    let text = |name: &str| info[name].as_str().unwrap_or_default();
    let config_type = match text("type") {
        "BOOLEAN" => ConfigType::Boolean,
        "INT" => ConfigType::Int,
        _ => ConfigType::String,
    };
    let importance = match text("importance") {
        "HIGH" => Importance::High,
        "MEDIUM" => Importance::Medium,
        _ => Importance::Low,
    };
    let width = match text("width") {
        "SHORT" => Width::Short,
        "MEDIUM" => Width::Medium,
        _ => Width::None,
    };
    let mut key = ConfigKey::new(text("name"), config_type, importance, "");
    if info["required"] == false {
        let default = info["default_value"].as_str().map(|text| parse_value("default", text, config_type));
        key = key.default(default.transpose().expect("it parses").unwrap_or(ParsedValue::Null));
    }
    key.group = info["group"].as_str().map(str::to_owned);
    key.order_in_group = info["order_in_group"].as_i64().and_then(|order| i32::try_from(order).ok()).unwrap_or(-1);
    key.width = width;
    key.display_name = text("display_name").to_owned();
    if text("name") == "topic" { key.validator(Validator::non_empty_string()) } else { key }
}

impl ConnectorPlugin for Double {
    fn class(&self) -> &'static str {
        self.class
    }
    fn kind(&self) -> ConnectorKind {
        self.kind
    }
    fn version(&self) -> &str {
        "4.3.0"
    }
    fn config_def(&self) -> ConfigDef {
        self.def.clone()
    }
    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("never started")
    }
    fn task(&self) -> TaskFactory {
        unreachable!("never started")
    }
    /// As the file source says where `file` is absent: it reads standard input.
    fn exactly_once_support(&self, config: &Properties) -> Result<Option<ExactlyOnceSupport>> {
        let supported = config.contains_key("file");
        Ok(Some(if supported { ExactlyOnceSupport::Supported } else { ExactlyOnceSupport::Unsupported }))
    }
}

impl ConverterPlugin for Double {
    fn class(&self) -> &'static str {
        self.class
    }
    fn config_def(&self) -> ConfigDef {
        self.def.clone()
    }
    fn converter(&self, _: &Properties, _: ConverterUse) -> Result<Option<Box<dyn Converter>>> {
        Ok(None)
    }
    fn header_converter(&self, _: &Properties) -> Result<Option<Box<dyn HeaderConverter>>> {
        Ok(None)
    }
}

impl TransformationPlugin for Double {
    fn class(&self) -> &'static str {
        self.class
    }
    fn config_def(&self) -> ConfigDef {
        self.def.clone()
    }
    fn create(&self, _: &Properties) -> Result<Box<dyn Transformation>> {
        unreachable!("never made")
    }
}

impl PredicatePlugin for Double {
    fn class(&self) -> &'static str {
        self.class
    }
    fn config_def(&self) -> ConfigDef {
        self.def.clone()
    }
    fn create(&self, _: &Properties) -> Result<Box<dyn Predicate>> {
        unreachable!("never made")
    }
}
