//! Schema texts and JSON that Confluent's converter writes.

use bytes::Bytes;
use sluice_api::data::{BigDecimal, Map, Schema, SchemaBuilder, Struct, Value, logical};

use super::write;

#[test]
fn primitives_have_their_connect_types() {
    let vectors: [(Schema, Value, &str, &str); 9] = [
        (Schema::INT8, 1i8.into(), r#"{"type":"integer","connect.type":"int8"}"#, "1"),
        (Schema::INT16, 1i16.into(), r#"{"type":"integer","connect.type":"int16"}"#, "1"),
        (Schema::INT32, 1.into(), r#"{"type":"integer","connect.type":"int32"}"#, "1"),
        (Schema::INT64, 1i64.into(), r#"{"type":"integer","connect.type":"int64"}"#, "1"),
        (Schema::FLOAT32, 1.5f32.into(), r#"{"type":"number","connect.type":"float32"}"#, "1.5"),
        (Schema::FLOAT64, 1.5.into(), r#"{"type":"number","connect.type":"float64"}"#, "1.5"),
        (Schema::BOOLEAN, true.into(), r#"{"type":"boolean"}"#, "true"),
        (Schema::STRING, "é".into(), r#"{"type":"string"}"#, "\"é\""),
        (Schema::BYTES, Bytes::from_static(b"ab").into(), r#"{"type":"string","connect.type":"bytes"}"#, "\"YWI=\""),
    ];
    for (schema, value, text, json) in vectors {
        assert_eq!(write(&schema, value, &[]), (text.to_owned(), Some(json.to_owned())));
    }
    let text = r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#;
    assert_eq!(write(&Schema::OPTIONAL_STRING, Value::Null, &[]), (text.to_owned(), Some("null".to_owned())));
    assert_eq!(write(&Schema::STRING, Value::Null, &[]).1, None);
}

#[test]
fn logical_types_keep_name_version_and_parameters() {
    let (text, json) = write(&logical::decimal(2), BigDecimal::new(156, 2), &[]);
    assert_eq!(
        text,
        r#"{"type":"string","title":"org.apache.kafka.connect.data.Decimal","connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2"}}"#
    );
    assert_eq!(json.unwrap(), "\"AJw=\"");
    let (text, json) = write(&logical::decimal(2), BigDecimal::new(156, 2), &[("decimal.format", "numeric")]);
    assert!(text.starts_with(r#"{"type":"number","title":"#), "{text}");
    assert_eq!(json.unwrap(), "1.56");
    assert_eq!(write(&logical::date(), Value::Date(86_400_000), &[]).1.unwrap(), "1");
    assert_eq!(write(&logical::time(), Value::Date(1), &[]).1.unwrap(), "1");
    assert_eq!(write(&logical::timestamp(), Value::Date(-1), &[]).1.unwrap(), "-1");
}

#[test]
fn fields_have_their_index_and_the_order_of_javas_map() {
    let with_default = SchemaBuilder::int32().default(7).optional().doc("seven").build().unwrap();
    let schema = SchemaBuilder::structure()
        .name("org.acme.Order")
        .field("id", Schema::INT64)
        .field("name", Schema::OPTIONAL_STRING)
        .field("count", with_default)
        .build()
        .unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("id", 1i64).unwrap();
    let (text, json) = write(&schema, value.clone(), &[("object.additional.properties", "false")]);
    // Buckets of 16: name 1, count 6, id 11.
    let name = r#""name":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string"}]}"#;
    let id = r#""id":{"type":"integer","connect.index":0,"connect.type":"int64"}"#;
    let count = r#""count":{"connect.index":2,"oneOf":[{"type":"null"},{"type":"integer","description":"seven","default":7,"connect.type":"int32"}]}"#;
    let head = r#"{"type":"object","additionalProperties":false,"title":"org.acme.Order","properties":{"#;
    let mut members = vec![("name", name), ("id", id), ("count", count)];
    super::super::java_order::hash_map(&mut members, |(name, _)| name);
    let members: Vec<_> = members.into_iter().map(|(_, text)| text).collect();
    let index_first = text.contains(r#""connect.index":0,"connect.type":"int64""#);
    let expected = format!("{head}{}}}}}", members.join(","));
    let swapped =
        expected.replace(r#""connect.index":0,"connect.type":"int64""#, r#""connect.type":"int64","connect.index":0"#);
    assert_eq!(text, if index_first { expected } else { swapped });
    assert_eq!(json.unwrap(), r#"{"id":1,"name":null,"count":7}"#);
    assert_eq!(
        write(&schema, value, &[("ignore.default.for.nullables", "true")]).1.unwrap(),
        r#"{"id":1,"name":null,"count":null}"#
    );
    let empty = Struct::new(schema.clone()).unwrap();
    assert_eq!(write(&schema, empty, &[]).1.unwrap(), r#"{"name":null,"count":7}"#);
}

#[test]
fn maps_are_objects_or_arrays_of_entries() {
    let schema = SchemaBuilder::map(Schema::STRING, Schema::INT32).build().unwrap();
    let (text, json) = write(&schema, Map::insertion_ordered([("k".into(), 1.into())]), &[]);
    assert_eq!(
        text,
        r#"{"type":"object","connect.type":"map","additionalProperties":{"type":"integer","connect.type":"int32"}}"#
    );
    assert_eq!(json.unwrap(), r#"{"k":1}"#);
    let schema = SchemaBuilder::map(Schema::BOOLEAN, Schema::STRING).build().unwrap();
    let (text, json) = write(&schema, Map::insertion_ordered([(true.into(), "x".into())]), &[]);
    assert_eq!(
        text,
        r#"{"type":"array","connect.type":"map","items":{"type":"object","properties":{"value":{"type":"string","connect.index":1},"key":{"type":"boolean","connect.index":0}}}}"#
    );
    assert_eq!(json.unwrap(), r#"[{"key":true,"value":"x"}]"#);
}

#[test]
fn unions_and_enums() {
    let union = SchemaBuilder::structure()
        .name("io.confluent.connect.json.OneOf")
        .field("io.confluent.connect.json.OneOf.field.0", Schema::OPTIONAL_STRING)
        .field("io.confluent.connect.json.OneOf.field.1", Schema::OPTIONAL_INT64)
        .optional()
        .build()
        .unwrap();
    let value = Struct::new(union.clone()).unwrap().with("io.confluent.connect.json.OneOf.field.1", 5i64).unwrap();
    let (text, json) = write(&union, value, &[]);
    let number = r#"{"type":"integer","connect.type":"int64","connect.index":1}"#;
    let number =
        if text.contains(number) { number } else { r#"{"type":"integer","connect.index":1,"connect.type":"int64"}"# };
    assert_eq!(text, format!(r#"{{"oneOf":[{{"type":"null"}},{{"type":"string","connect.index":0}},{number}]}}"#));
    assert_eq!(json.unwrap(), "5");
    let colour = SchemaBuilder::string()
        .parameter("io.confluent.connect.json.Enum", "")
        .parameter("io.confluent.connect.json.Enum.b", "b")
        .parameter("io.confluent.connect.json.Enum.a", "a")
        .parameter("io.confluent.connect.json.Enum.<NULL>", "<NULL>")
        .build()
        .unwrap();
    assert_eq!(write(&colour, "a", &[]), (r#"{"enum":[null,"a","b"]}"#.to_owned(), Some("\"a\"".to_owned())));
}

#[test]
fn an_optional_struct_is_a_union_with_null() {
    let inner = SchemaBuilder::structure().name("Inner").field("a", Schema::BOOLEAN).optional().build().unwrap();
    let (text, json) = write(&inner, Value::Null, &[]);
    assert_eq!(
        text,
        r#"{"oneOf":[{"type":"null"},{"type":"object","title":"Inner","properties":{"a":{"type":"boolean","connect.index":0}}}]}"#
    );
    assert_eq!(json.unwrap(), "null");
}
