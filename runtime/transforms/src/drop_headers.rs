//! `DropHeaders`: removes headers by name.

use sluice_api::Result;
use sluice_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, ParsedConfig, Validator};

use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Transform, boxed};

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.DropHeaders",
    definition,
    create: |config| Ok(boxed(DropHeaders::new(config))),
}];

fn definition() -> ConfigDef {
    let headers = ConfigKey::new("headers", ConfigType::List, Importance::High, "The names of the headers to remove.");
    ConfigDef::new().define(headers.validator(Validator::list_without_duplicates(false, false)))
}

struct DropHeaders {
    names: Vec<String>,
}

impl DropHeaders {
    fn new(config: &ParsedConfig) -> Self {
        Self { names: config.list("headers").to_vec() }
    }
}

impl Transform for DropHeaders {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if !record.headers().is_empty() {
            for name in &self.names {
                record.headers_mut().remove(name);
            }
        }
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use crate::test_records::{header_names, sink, transformation};

    fn left(headers: &[&str], dropped: &str) -> Vec<String> {
        let mut record = sink(None, Value::Null);
        for name in headers {
            record.headers.add(*name, None, Value::Null).unwrap();
        }
        let record = transformation("DropHeaders", &[("headers", dropped)]).unwrap().apply_sink(record).unwrap();
        header_names(&record.unwrap().headers)
    }

    #[test]
    fn every_header_of_a_listed_name_goes() {
        assert_eq!(left(&["existing", "one", "one"], "one"), ["existing"]);
        assert_eq!(left(&["one"], "one"), [""; 0]);
        assert_eq!(left(&["one", "existing"], "none"), ["one", "existing"]);
        assert_eq!(left(&["a", "b", "a", "c"], "a, c"), ["b"]);
        assert_eq!(left(&[], "a"), [""; 0]);
    }

    #[test]
    fn some_name_must_be_listed() {
        let mistake =
            |config: &[(&str, &str)]| transformation("DropHeaders", config).map(drop).unwrap_err().to_string();
        assert_eq!(mistake(&[]), "Missing required configuration \"headers\" which has no default value.");
        let empty = "Configuration 'headers' must not be empty. Valid values include: any non-empty value";
        assert_eq!(mistake(&[("headers", "")]), empty);
    }
}
