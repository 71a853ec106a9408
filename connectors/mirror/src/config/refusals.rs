//! What existing configurations may ask for and is not there: refused by name, never passed over.

use sluice_api::Properties;
use sluice_api::config::ConfigValue;

use super::source::object;
use crate::policy::{DEFAULT_CLASS, IDENTITY_CLASS};

/// Classes that a user may write in their place, and the only ones that are known.
const CLASSES: [(&str, &[&str]); 5] = [
    ("replication.policy.class", &[DEFAULT_CLASS, IDENTITY_CLASS]),
    ("topic.filter.class", &["org.apache.kafka.connect.mirror.DefaultTopicFilter"]),
    ("group.filter.class", &["org.apache.kafka.connect.mirror.DefaultGroupFilter"]),
    ("config.property.filter.class", &["org.apache.kafka.connect.mirror.DefaultConfigPropertyFilter"]),
    ("forwarding.admin.class", &["org.apache.kafka.clients.admin.ForwardingAdmin"]),
];
const BYTES_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// Adds an error for everything that is not there. `carries` says that the connector copies batches past the worker, where no transform
/// and no converter sees a record.
pub(crate) fn refuse(properties: &Properties, values: &mut Vec<ConfigValue>, carries: bool) {
    for (key, known) in CLASSES {
        let given = properties.get(key).map(|class| class.trim()).filter(|class| !class.is_empty());
        if let Some(class) = given.filter(|class| !known.iter().any(|known| is_class(class, known))) {
            object(values, key, format!("{class} is not supported yet: {key} can be {}", known.join(" or ")));
        }
    }
    for side in ["source", "target"] {
        let key = format!("{side}.cluster.bootstrap.servers");
        let specific = |role: &str| properties.contains_key(&format!("{side}.{role}.bootstrap.servers"));
        if !properties.contains_key(&key) && !specific("admin") {
            object(
                values,
                &key,
                format!("Missing required configuration \"{key}\": the addresses of the {side} cluster"),
            );
        }
    }
    if !carries {
        return;
    }
    if properties.get("transforms").is_some_and(|list| !list.trim().is_empty()) {
        let message = "transforms are not supported yet by the mirror: it copies record batches without opening them";
        object(values, "transforms", message.to_owned());
    }
    for key in ["key.converter", "value.converter", "header.converter"] {
        let given = properties.get(key).map(|class| class.trim()).filter(|class| !class.is_empty());
        if let Some(class) = given.filter(|class| !is_class(class, BYTES_CONVERTER)) {
            let message = format!(
                "{class} is not supported yet by the mirror: records are copied as they are. Use {BYTES_CONVERTER}, or leave \
                 {key} out"
            );
            object(values, key, message);
        }
    }
}

/// The class, or its name without the package.
fn is_class(given: &str, known: &str) -> bool {
    given == known || known.rsplit('.').next() == Some(given)
}
