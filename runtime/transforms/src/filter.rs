//! `Filter`: drops every record that its predicate lets through to it.

use sluice_api::Result;
use sluice_api::config::ConfigDef;

use crate::plugin::BuiltIn;
use crate::record::{ConnectRecord, Transform, boxed};

pub(crate) const PLUGINS: [BuiltIn; 1] = [BuiltIn {
    class: "org.apache.kafka.connect.transforms.Filter",
    definition: ConfigDef::new,
    create: |_| Ok(boxed(Filter)),
}];

struct Filter;

impl Transform for Filter {
    fn apply<R: ConnectRecord>(&mut self, _record: R) -> Result<Option<R>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use sluice_api::Value;

    use crate::test_records::{sink, source, transformation};

    #[test]
    fn no_record_passes() {
        let mut filter = transformation("Filter", &[]).unwrap();
        assert_eq!(filter.apply_sink(sink(None, Value::Null)).unwrap(), None);
        assert_eq!(filter.apply_source(source(None, 1i32.into())).unwrap(), None);
    }
}
