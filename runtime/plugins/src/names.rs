//! The names under which a class is known besides its own.

use std::collections::HashMap;

use crate::PluginType;

/// The last part of a Java class name; for a nested class that of the nested class alone.
pub(crate) fn simple_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

/// The simple name without the suffix of its type, cut where the suffix last occurs.
pub(crate) fn pruned_name(class: &str, plugin_type: PluginType) -> &str {
    let simple = simple_name(class);
    match simple.rfind(plugin_type.suffix()) {
        Some(at) if at > 0 => &simple[..at],
        _ => simple,
    }
}

/// From alias to class; an alias of several classes is left out, whatever their types.
#[derive(Debug, Default)]
pub(crate) struct Aliases(HashMap<String, Option<String>>);

impl Aliases {
    /// Adds the aliases of `known_as`, which is `class` itself or another class name that stands for it.
    pub(crate) fn add(&mut self, known_as: &str, class: &str, plugin_type: PluginType) {
        let mut names = vec![simple_name(known_as), pruned_name(known_as, plugin_type)];
        if known_as != class {
            names.push(known_as);
        }
        for name in names {
            self.0
                .entry(name.to_owned())
                .and_modify(|found| {
                    if found.as_deref() != Some(class) {
                        *found = None;
                    }
                })
                .or_insert_with(|| Some(class.to_owned()));
        }
    }

    /// The class that `name` means: itself unless it is an alias.
    pub(crate) fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).and_then(Option::as_deref).unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_as_java_cuts_them() {
        assert_eq!(simple_name("org.apache.kafka.connect.transforms.Cast$Value"), "Value");
        assert_eq!(pruned_name("a.b.FileStreamSinkConnector", PluginType::Sink), "FileStreamSink");
        assert_eq!(pruned_name("a.b.JsonConverter", PluginType::HeaderConverter), "JsonConverter");
        assert_eq!(pruned_name("a.b.Connector", PluginType::Sink), "Connector");
    }

    #[test]
    fn an_alias_of_two_classes_means_neither() {
        let mut aliases = Aliases::default();
        aliases.add("a.Cast$Value", "a.Cast$Value", PluginType::Transformation);
        aliases.add("a.Hoist$Value", "a.Hoist$Value", PluginType::Transformation);
        aliases.add("a.JsonConverter", "a.JsonConverter", PluginType::Converter);
        aliases.add("a.JsonConverter", "a.JsonConverter", PluginType::HeaderConverter);
        assert_eq!(aliases.resolve("Value"), "Value");
        assert_eq!(aliases.resolve("Json"), "a.JsonConverter");
        assert_eq!(aliases.resolve("JsonConverter"), "a.JsonConverter");
    }
}
