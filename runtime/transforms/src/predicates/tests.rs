use sluice_api::{Schema, Value};

use crate::test_records::{predicate, sink, source};

const PACKAGE: &str = "org.apache.kafka.connect.transforms.predicates.";

fn mistake(class: &str, config: &[(&str, &str)]) -> String {
    predicate(&format!("{PACKAGE}{class}"), config).map(drop).unwrap_err().to_string()
}

#[test]
fn a_header_key_is_any_header_of_that_name() {
    let mut has = predicate(&format!("{PACKAGE}HasHeaderKey"), &[("name", "foo")]).unwrap();
    let with = |names: &[&str]| {
        let mut record = sink(None, Value::Null);
        for name in names {
            record.headers.add(*name, None, Value::Null).unwrap();
        }
        record
    };
    assert!(!has.test_sink(&with(&[])).unwrap());
    assert!(has.test_sink(&with(&["foo"])).unwrap());
    assert!(has.test_sink(&with(&["bar", "foo", "foo"])).unwrap());
    assert!(!has.test_sink(&with(&["bar", "Foo"])).unwrap());
    assert!(!has.test_source(&source(None, Value::Null)).unwrap());
    assert_eq!(mistake("HasHeaderKey", &[]), "Missing required configuration \"name\" which has no default value.");
    assert_eq!(
        mistake("HasHeaderKey", &[("name", "")]),
        "Invalid value  for configuration name: String must be non-empty"
    );
}

#[test]
fn a_tombstone_has_no_value_whatever_its_schema() {
    let mut is = predicate(&format!("{PACKAGE}RecordIsTombstone"), &[]).unwrap();
    assert!(is.test_sink(&sink(None, Value::Null)).unwrap());
    assert!(is.test_source(&source(Some(Schema::OPTIONAL_INT8), Value::Null)).unwrap());
    assert!(!is.test_source(&source(None, "".into())).unwrap());
}
