//! Schemas in and out as text.

use super::*;

/// The text that comes out again, without blanks in it.
fn round_trip(text: &str) -> String {
    parse(text, []).unwrap().to_text()
}

#[test]
fn what_is_written_comes_out_as_java_writes_it() {
    for text in [
        r#""int""#,
        r#"{"type":"int","connect.type":"int8"}"#,
        r#"["null","string"]"#,
        r#"{"type":"array","items":"long","connect.name":"x"}"#,
        r#"{"type":"record","name":"R","namespace":"a.b","doc":"d","fields":[{"name":"x","type":["null","R"],"default":null}]}"#,
        r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}},{"name":"f","type":{"type":"fixed","name":"F","namespace":"c","size":4}},{"name":"g","type":"c.F"},{"name":"h","type":"E"}],"connect.version":1}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"x","type":"double","default":1.5,"order":"ignore"}],"aliases":["Q"]}"#,
    ] {
        assert_eq!(round_trip(text), text);
    }
    assert_eq!(round_trip("int"), r#""int""#);
    assert_eq!(round_trip(r#"{"type":{"type":"string"}}"#), r#""string""#);
}

#[test]
fn references_are_inlined() {
    let reference = r#"{"type":"record","name":"a.B","fields":[]}"#;
    let schema = parse(r#"{"type":"record","name":"a.A","fields":[{"name":"b","type":"B"}]}"#, [reference]).unwrap();
    assert_eq!(
        schema.to_text(),
        r#"{"type":"record","name":"A","namespace":"a","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[]}}]}"#
    );
    assert_eq!(schema.full_name().as_deref(), Some("a.A"));
}

#[test]
fn mistakes_are_named() {
    let mistake = |text: &str| parse(text, []).unwrap_err().to_string();
    assert_eq!(mistake(r#""nope""#), "parsing an Avro schema: `nope` is not defined");
    assert_eq!(mistake(r#"["int","int"]"#), "parsing an Avro schema: a union with two branches of type int");
    assert_eq!(mistake(r#"{"type":"array"}"#), "parsing an Avro schema: array without `items`");
    assert_eq!(mistake("{}"), "parsing an Avro schema: an object without `type`");
    assert_eq!(mistake(r#"{"type":"record","name":"R"}"#), "parsing an Avro schema: record `R` without `fields`");
    assert!(mistake("{").starts_with("parsing an Avro schema: EOF"));
    let twice = r#"["null",{"type":"fixed","name":"F","size":1},{"type":"enum","name":"F","symbols":[]}]"#;
    assert_eq!(mistake(twice), "parsing an Avro schema: `F` is defined twice");
}
