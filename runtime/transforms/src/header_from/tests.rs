use sluice_api::{Header, SinkRecord};

use super::*;
use crate::test_records::{header_names, sink, transformation};

fn config<'a>(fields: &'a str, headers: &'a str, operation: &'a str) -> [(&'a str, &'a str); 3] {
    [("fields", fields), ("headers", headers), ("operation", operation)]
}

fn map(entries: &[(&str, Value)]) -> Value {
    Map::hash_ordered(entries.iter().map(|(key, value)| ((*key).into(), value.clone()))).into()
}

fn header(key: &str, schema: Option<Schema>, value: impl Into<Value>) -> Header {
    Header { key: key.into(), schema, value: value.into() }
}

fn with_header(mut record: SinkRecord) -> SinkRecord {
    record.headers.add("header1", Some(Schema::STRING), "existing-value".into()).unwrap();
    record
}

fn apply(class: &str, config: &[(&str, &str)], record: SinkRecord) -> Result<SinkRecord> {
    Ok(transformation(class, config)?.apply_sink(record)?.expect("a record"))
}

fn headers(record: &SinkRecord) -> Vec<Header> {
    record.headers.iter().cloned().collect()
}

#[test]
fn entries_of_a_map_are_copied_or_moved() {
    let value = map(&[("field1", "field1-value".into()), ("field2", "field2-value".into())]);
    for key in [false, true] {
        for (operation, left) in [("copy", value.clone()), ("move", map(&[("field2", "field2-value".into())]))] {
            let mut record = with_header(sink(None, value.clone()));
            let class = if key {
                record.key = value.clone();
                "HeaderFrom$Key"
            } else {
                "HeaderFrom$Value"
            };
            let record = apply(class, &config("field1", "inserted1", operation), record).unwrap();
            let expected =
                [header("header1", Some(Schema::STRING), "existing-value"), header("inserted1", None, "field1-value")];
            assert_eq!(headers(&record), expected);
            assert_eq!(if key { record.key } else { record.value }, left);
        }
    }
}

#[test]
fn headers_of_the_same_name_are_added() {
    let value = map(&[("field1", "field1-value".into())]);
    let record = with_header(sink(None, value));
    let record = apply("HeaderFrom$Value", &config("field1", "header1", "copy"), record).unwrap();
    assert_eq!(header_names(&record.headers), ["header1", "header1"]);
}

#[test]
fn fields_of_a_struct_are_copied_or_moved_with_their_schema() {
    let inner = SchemaBuilder::structure().field("a", Schema::INT8).build().unwrap();
    let builder = SchemaBuilder::structure().name("n").field("field1", inner.clone()).field("field2", Schema::INT64);
    let schema = builder.build().unwrap();
    let inner_value = Struct::new(inner.clone()).unwrap().with("a", 1i8).unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("field1", inner_value.clone()).unwrap();
    let value = value.with("field2", 2i64).unwrap();
    let expected = [header("h1", Some(inner), inner_value), header("h2", Some(Schema::INT64), 2i64)];

    let record = sink(Some(schema.clone()), value.clone().into());
    let copied = apply("HeaderFrom$Value", &config("field1,field2", "h1,h2", "copy"), record.clone()).unwrap();
    assert_eq!(headers(&copied), expected);
    assert_eq!((copied.value_schema, copied.value), (Some(schema), value.into()));

    let moved = apply("HeaderFrom$Value", &config("field1", "h1", "move"), record).unwrap();
    assert_eq!(headers(&moved), expected[..1]);
    let left = SchemaBuilder::structure().name("n").field("field2", Schema::INT64).build().unwrap();
    assert_eq!(moved.value_schema, Some(left));
    assert_eq!(moved.value.to_string(), "Struct{field2=2}");
}

#[test]
fn null_fields_need_an_optional_schema() {
    let schema =
        SchemaBuilder::structure().field("a", Schema::OPTIONAL_STRING).field("b", Schema::STRING).build().unwrap();
    let record = sink(Some(schema.clone()), Struct::new(schema).unwrap().into());
    let copied = apply("HeaderFrom$Value", &config("a", "h", "copy"), record.clone()).unwrap();
    assert_eq!(headers(&copied), [header("h", Some(Schema::OPTIONAL_STRING), Value::Null)]);
    assert_eq!(
        apply("HeaderFrom$Value", &config("b", "h", "copy"), record.clone()).unwrap_err().to_string(),
        "A null value requires an optional schema but was Schema{STRING}"
    );
    assert_eq!(
        apply("HeaderFrom$Value", &config("zz", "h", "copy"), record).unwrap_err().to_string(),
        "Field does not exist: zz"
    );
    let missing = apply("HeaderFrom$Value", &config("zz", "h", "move"), sink(None, map(&[]))).unwrap();
    assert_eq!(headers(&missing), [header("h", None, Value::Null)]);
}

#[test]
fn a_value_must_be_there() {
    let mistake = |operation, schema| {
        let record = sink(schema, Value::Null);
        apply("HeaderFrom$Value", &config("a", "b", operation), record).unwrap_err().to_string()
    };
    assert_eq!(mistake("move", None), "Only Map objects supported in absence of schema for [header move], found: null");
    assert_eq!(mistake("copy", Some(Schema::STRING)), "Only Struct objects supported for [header copy], found: null");
}

#[test]
fn mistakes_of_the_configuration_are_named() {
    let mistake = |fields, headers, operation| {
        transformation("HeaderFrom$Value", &config(fields, headers, operation)).map(drop).unwrap_err().to_string()
    };
    assert_eq!(
        mistake("foo,bar", "h", "move"),
        "'fields' config must have the same number of elements as 'headers' config."
    );
    assert_eq!(
        mistake("foo", "h", "invalid"),
        "Invalid value invalid for configuration operation: String must be one of: move, copy"
    );
    assert_eq!(
        mistake("", "", "move"),
        "Invalid value [] for configuration fields: Empty list; Invalid value [] for configuration headers: Empty list"
    );
}
