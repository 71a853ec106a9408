//! A writer's schema against a reader's, and a record against a schema that is not its own.

use super::*;

fn resolved(writer: &str, reader: &str, bytes: &[u8]) -> Result<Value> {
    decoded(&config(&[]), &avro(writer), &avro(reader), bytes)
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

#[test]
fn numbers_are_promoted() {
    assert_eq!(resolved(r#""int""#, r#""long""#, &[6]).unwrap(), Value::Int64(3));
    assert_eq!(resolved(r#""int""#, r#""double""#, &[6]).unwrap(), Value::Float64(3.0));
    assert_eq!(resolved(r#""long""#, r#""float""#, &[6]).unwrap(), Value::Float32(3.0));
    assert_eq!(resolved(r#""float""#, r#""double""#, &[0, 0, 0xc0, 0x3f]).unwrap(), Value::Float64(1.5));
    assert_eq!(resolved(r#""bytes""#, r#""string""#, &[2, b'x']).unwrap(), Value::from("x"));
    let error = resolved(r#""long""#, r#""int""#, &[6]).unwrap_err();
    assert_eq!(error.to_string(), "Avro long cannot be read as int");
}

#[test]
fn fields_are_found_by_name_skipped_or_defaulted() {
    let skipped = r#"{"name":"gone","type":["null",{"type":"map","values":{"type":"array","items":"string"}}]}"#;
    let writer = record(&format!(r#"{skipped},{{"name":"x","type":"int"}}"#));
    let reader = record(r#"{"name":"d","type":"string","default":"dd"},{"name":"y","type":"long","aliases":["x"]}"#);
    // One map of one key with one array of one text, then x.
    let bytes = [2, 2, 2, b'k', 2, 2, b'v', 0, 0, 14];
    assert_eq!(resolved(&writer, &reader, &bytes).unwrap().to_string(), "Struct{d=dd,y=7}");
    let lacking = record(r#"{"name":"z","type":"int"}"#);
    let error = resolved(&writer, &lacking, &bytes).unwrap_err();
    assert_eq!(error.to_string(), "the reader's field `z` of `R` has no default");
    let other = r#"{"type":"record","name":"Q","fields":[]}"#;
    assert_eq!(
        resolved(&writer, other, &bytes).unwrap_err().to_string(),
        "Avro record `R` cannot be read as record `Q`"
    );
}

#[test]
fn unions_are_resolved_by_branch() {
    assert_eq!(resolved(r#""int""#, r#"["null","long"]"#, &[2]).unwrap(), Value::Int64(1));
    assert_eq!(resolved(r#"["null","int"]"#, r#""int""#, &[2, 2]).unwrap(), Value::Int32(1));
    assert_eq!(
        resolved(r#"["null","int"]"#, r#""int""#, &[0]).unwrap_err().to_string(),
        "Avro null cannot be read as int"
    );
    assert_eq!(resolved(r#"["int","string"]"#, r#"["string","long"]"#, &[0, 4]).unwrap().to_string(), "Struct{long=2}");
}

#[test]
fn symbols_that_the_reader_does_not_know_are_its_default() {
    let writer = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    let with_default = r#"{"type":"enum","name":"E","symbols":["C","A"],"default":"C"}"#;
    assert_eq!(resolved(writer, with_default, &[0]).unwrap(), Value::from("A"));
    assert_eq!(resolved(writer, with_default, &[2]).unwrap(), Value::from("C"));
    assert!(resolved(writer, r#"{"type":"enum","name":"E","symbols":["A"]}"#, &[2]).is_err());
}

#[test]
fn a_record_is_written_as_another_schema_by_names() {
    let schema = SchemaBuilder::structure().field("b", Schema::STRING).field("a", Schema::INT32).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("b", "x").unwrap().with("a", 1).unwrap().into();
    let other = avro(&record(
        r#"{"name":"a","type":"long"},{"name":"b","type":["null","string"]},{"name":"n","type":{"type":"array","items":"int"},"default":[1]}"#,
    ));
    let config = config(&[]);
    assert_eq!(encoded(&config, Some(&schema), &other, &value).unwrap(), [2, 2, 2, b'x', 2, 2, 0]);
    let lacking = avro(&record(r#"{"name":"c","type":"int"}"#));
    let error = encoded(&config, Some(&schema), &lacking, &value).unwrap_err();
    assert_eq!(error.to_string(), "field `c` of `R` has no default, and Schema{STRUCT} has no such field");
    let narrower = avro(&record(r#"{"name":"a","type":"string"}"#));
    assert!(
        encoded(&config, Some(&schema), &narrower, &value)
            .unwrap_err()
            .trace()
            .contains("cannot be written as Avro string")
    );
}
