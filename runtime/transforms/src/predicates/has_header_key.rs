//! `HasHeaderKey`: the record has a header of that name.

use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};

use super::{Test, boxed};
use crate::plugin::BuiltInPredicate;
use crate::record::ConnectRecord;

pub(super) const PLUGIN: BuiltInPredicate = BuiltInPredicate {
    class: "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    definition,
    create: |config| Ok(boxed(HasHeaderKey { name: config.string("name").to_owned() })),
};

fn definition() -> ConfigDef {
    let name = ConfigKey::new("name", ConfigType::String, Importance::Medium, "The name of the header.");
    ConfigDef::new().define(name.validator(Validator::non_empty_string()))
}

struct HasHeaderKey {
    name: String,
}

impl Test for HasHeaderKey {
    fn test<R: ConnectRecord>(&self, record: &R) -> bool {
        record.headers().iter().any(|header| *header.key == *self.name)
    }
}
