//! What payloads become, by the rules of Protobuf and of Confluent's converter.

use sluice_api::data::{Map, Schema, SchemaType, Struct, Value};

use super::{field, read, trace, try_read};

const ALL: &str = r#"syntax = "proto3"; package p; message M {
    int32 a = 1; uint32 b = 2; sint64 c = 3; fixed32 d = 4; uint64 e = 5; float f = 6; bool g = 7; string h = 8; bytes i = 9;
    repeated int32 list = 10; map<string, int32> counts = 11; Inner inner = 12; Colour colour = 13; optional int32 maybe = 14;
    oneof pick { string text = 15; Inner other = 16; }
    message Inner { int32 x = 1; repeated int32 y = 2; } enum Colour { RED = 0; BLUE = 3; } }"#;

fn inner(data: &sluice_api::SchemaAndValue, name: &str) -> Struct {
    let Value::Struct(inner) = field(data, name) else { panic!("{name}") };
    inner.clone()
}

#[test]
fn nothing_is_defaults() {
    let data = read(ALL, &[], &[]);
    let schema = data.schema.clone().unwrap();
    assert_eq!(schema.name(), Some("M"));
    let names: Vec<_> = schema.fields().unwrap().iter().map(|field| field.name()).collect();
    assert_eq!(names[..3], ["pick_0", "a", "b"]);
    for (name, value) in [
        ("pick_0", Value::Null),
        ("a", Value::Int32(0)),
        ("b", Value::Int64(0)),
        ("f", Value::Float32(0.0)),
        ("g", Value::Boolean(false)),
        ("h", Value::from("")),
        ("list", Value::Array(vec![])),
        ("counts", Value::Map(Map::default())),
        ("inner", Value::Null),
        ("colour", Value::from("RED")),
        ("maybe", Value::Null),
    ] {
        assert_eq!(*field(&data, name), value, "{name}");
    }
}

#[test]
fn numbers_are_what_java_makes_of_them() {
    let payload = [
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..],
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x18, 0x03],
        &[0x25, 0xff, 0xff, 0xff, 0xff],
        &[0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ];
    let data = read(ALL, &payload.concat(), &[]);
    assert_eq!(*field(&data, "a"), Value::Int32(-1));
    assert_eq!(*field(&data, "b"), Value::Int64(4_294_967_295));
    assert_eq!(*field(&data, "c"), Value::Int64(-2));
    assert_eq!(*field(&data, "d"), Value::Int64(4_294_967_295));
    assert_eq!(*field(&data, "e"), Value::Int64(-1));
}

#[test]
fn repeated_numbers_come_packed_or_not() {
    for payload in [&[0x52, 3, 1, 2, 3][..], &[0x50, 1, 0x50, 2, 0x50, 3], &[0x52, 1, 1, 0x50, 2, 0x52, 1, 3]] {
        assert_eq!(*field(&read(ALL, payload, &[]), "list"), Value::Array(vec![1.into(), 2.into(), 3.into()]));
    }
}

#[test]
fn maps_take_the_last_of_equal_keys_and_fill_in_what_is_missing() {
    let payload = [0x5a, 5, 0x0a, 1, b'k', 0x10, 1, 0x5a, 5, 0x0a, 1, b'k', 0x10, 2, 0x5a, 0];
    let expected = Map::insertion_ordered([("".into(), 0.into()), ("k".into(), 2.into())]);
    assert_eq!(*field(&read(ALL, &payload, &[]), "counts"), Value::Map(expected));
}

#[test]
fn parts_of_a_message_make_one() {
    let payload = [0x62, 5, 0x08, 1, 0x12, 1, 7, 0x62, 3, 0x12, 1, 8];
    let inner = inner(&read(ALL, &payload, &[]), "inner");
    assert_eq!(*inner.get("x").unwrap(), Value::Int32(1));
    assert_eq!(*inner.get("y").unwrap(), Value::Array(vec![7.into(), 8.into()]));
}

#[test]
fn the_last_member_of_a_oneof_counts() {
    let other = [0x82, 0x01, 2, 0x08, 5];
    let text = [0x7a, 1, b't'];
    let more = [0x82, 0x01, 3, 0x12, 1, 9];
    let pick = |payload: &[&[u8]]| inner(&read(ALL, &payload.concat(), &[]), "pick_0");
    assert_eq!(*pick(&[&other, &text]).get("text").unwrap(), Value::from("t"));
    assert!(pick(&[&other, &text]).get("other").unwrap().is_null());
    let member = |payload: &[&[u8]]| match pick(payload).get("other").unwrap() {
        Value::Struct(value) => value.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(member(&[&other, &more]), "Struct{x=5,y=[9]}");
    assert_eq!(member(&[&other, &text, &more]), "Struct{x=0,y=[9]}");
}

#[test]
fn unknown_fields_and_wrong_wire_types_are_passed_over() {
    let payload = [0xa0, 0x06, 1, 0x0a, 2, 1, 2, 0x40, 9, 0x08, 4];
    let data = read(ALL, &payload, &[]);
    assert_eq!(*field(&data, "a"), Value::Int32(4));
    assert_eq!(*field(&data, "h"), Value::from(""));
}

#[test]
fn wrong_bytes_name_the_field() {
    let error = |payload: &[u8]| trace(&try_read(ALL, payload, &[]).unwrap_err());
    assert!(
        error(&[0x42, 5, b'a'])
            .contains("field h\nCaused by: org.apache.kafka.connect.errors.DataException: the bytes end")
    );
    assert!(error(&[0x42, 1, 0xff]).contains("a string is not valid UTF-8"));
    assert!(
        error(&[0x62, 2, 0x08, 0x80])
            .contains("field inner\nCaused by: org.apache.kafka.connect.errors.DataException: field x")
    );
    assert!(error(&[0x0c]).contains("group 1 ends that did not start"));
}

#[test]
fn enums_are_symbols_or_numbers() {
    assert_eq!(*field(&read(ALL, &[0x68, 3], &[]), "colour"), Value::from("BLUE"));
    assert_eq!(*field(&read(ALL, &[0x68, 9], &[]), "colour"), Value::from("UNKNOWN_ENUM_VALUE_Colour_9"));
    let data = read(ALL, &[0x68, 9], &[("int.for.enums", "true")]);
    assert_eq!(*field(&data, "colour"), Value::Int32(9));
    let schema = data.schema.as_ref().unwrap().field("colour").unwrap().unwrap().schema();
    let parameters: Vec<_> = schema.parameters().unwrap().iter().map(|(k, v)| format!("{k}={v}")).collect();
    let prefix = "io.confluent.connect.protobuf";
    assert_eq!(
        parameters,
        [
            format!("{prefix}.Enum=Colour"),
            format!("{prefix}.Enum.RED=0"),
            format!("{prefix}.Enum.BLUE=3"),
            format!("{prefix}.Tag=13")
        ]
    );
}

#[test]
fn unions_can_be_flat_or_without_index() {
    let payload = [0x7a, 1, b't'];
    assert_eq!(*field(&read(ALL, &payload, &[("flatten.unions", "true")]), "text"), Value::from("t"));
    let data = read(ALL, &payload, &[("generate.index.for.unions", "false")]);
    assert_eq!(*inner(&data, "pick").get("text").unwrap(), Value::from("t"));
    let union = data.schema.as_ref().unwrap().field("pick").unwrap().unwrap().schema().clone();
    assert_eq!(union.name(), Some("io.confluent.connect.protobuf.Union.pick"));
    let data = read(ALL, &payload, &[("generalized.sum.type.support", "true")]);
    let union = data.schema.as_ref().unwrap().field("pick_0").unwrap().unwrap().schema().clone();
    assert_eq!((union.name(), union.parameters().unwrap().len()), (Some("pick"), 1));
}

#[test]
fn proto2_has_defaults_of_its_own_and_required_fields() {
    let text = r#"syntax = "proto2"; message M { optional int32 a = 1 [default = 7]; required string b = 2; optional E e = 3
        [default = TWO]; repeated int32 l = 4; enum E { ONE = 1; TWO = 2; } }"#;
    let data = read(text, &[0x12, 1, b'x', 0x18, 9, 0x20, 1, 0x20, 2], &[]);
    assert!(field(&data, "a").is_null() && field(&data, "e").is_null());
    let data = read(text, &[0x12, 1, b'x', 0x18, 9], &[("optional.for.proto2", "false")]);
    assert_eq!(*field(&data, "a"), Value::Int32(7));
    assert_eq!(*field(&data, "e"), Value::from("TWO"));
}

#[test]
fn wrappers_are_nullable_primitives_when_asked_for() {
    let text = r#"syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { google.protobuf.Int32Value a = 1;
        google.protobuf.UInt32Value b = 2; int32 c = 3; }"#;
    let data = read(text, &[0x12, 6, 0x08, 0xff, 0xff, 0xff, 0xff, 0x0f], &[("wrapper.for.nullables", "true")]);
    assert!(field(&data, "a").is_null());
    assert_eq!(*field(&data, "b"), Value::Int64(4_294_967_295));
    let schema = data.schema.unwrap();
    let optional = |name: &str| schema.field(name).unwrap().unwrap().schema().is_optional();
    assert_eq!([optional("a"), optional("b"), optional("c")], [true, true, false]);
    let data = read(text, &[0x0a, 2, 0x08, 1], &[]);
    assert_eq!(*inner(&data, "a").get("value").unwrap(), Value::Int32(1));
}

#[test]
fn missing_messages_are_generated_when_asked_for() {
    let data = read(ALL, &[], &[("generate.struct.for.nulls", "true")]);
    assert_eq!(inner(&data, "inner").to_string(), "Struct{x=0,y=[]}");
    assert_eq!(*field(&data, "maybe"), Value::Int32(0));
    assert!(field(&data, "pick_0").is_null());
}

#[test]
fn names_keep_the_package_when_asked_for() {
    let data = read(ALL, &[], &[("enhanced.protobuf.schema.support", "true")]);
    let schema = data.schema.unwrap();
    let name = |field: &str| schema.field(field).unwrap().unwrap().schema().name().map(str::to_owned);
    assert_eq!(schema.name(), Some("p.M"));
    assert_eq!(name("inner").as_deref(), Some("p.M.Inner"));
    assert_eq!(name("colour").as_deref(), Some("p.M.Colour"));
    assert_eq!(name("counts").as_deref(), Some("p.M.counts"));
    assert_eq!(name("pick_0").as_deref(), Some("io.confluent.connect.protobuf.Union.p.M.pick"));
}

#[test]
fn a_wrapper_record_is_its_primitive() {
    let text = "syntax = \"proto3\"; import \"google/protobuf/wrappers.proto\"; message M { google.protobuf.Int32Value a = 1; }";
    assert_eq!(read(text, &[], &[]).schema.unwrap().schema_type(), SchemaType::Struct);
    let wrappers = crate::protobuf::known_types::wrappers_text();
    let data = read(wrappers, &[0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f], &[]);
    assert_eq!((data.schema, data.value), (Some(Schema::FLOAT64), Value::Float64(1.5)));
    let data = read(wrappers, &[], &[("wrapper.for.raw.primitives", "false")]);
    assert_eq!(data.schema.unwrap().name(), Some("DoubleValue"));
}

#[test]
fn messages_that_contain_themselves_and_groups_are_refused() {
    let error = |text: &str| try_read(text, &[], &[]).unwrap_err().to_string();
    let recursive = "syntax = \"proto3\"; message M { repeated M children = 1; }";
    assert!(error(recursive).starts_with("message M contains itself"));
    let group = "syntax = \"proto2\"; message M { optional group G = 1 { optional int32 a = 1; } }";
    assert_eq!(error(group), "Unknown Connect schema type: field M.g is a group");
}

#[test]
fn messages_that_double_at_each_step_are_refused() {
    let doubled = |step: u32| format!("message M{step} {{ M{} a = 1; M{} b = 2; }}", step - 1, step - 1);
    let text = |steps: u32| {
        let last = format!("message Last {{ M{} a = 1; }}", steps - 1);
        let messages: String = (1..steps).map(doubled).collect();
        format!("syntax = \"proto3\"; {last} message M0 {{ int32 a = 1; }} {messages}")
    };
    let error = try_read(&text(30), &[], &[]).unwrap_err().to_string();
    assert_eq!(error, "message M16 has too many fields: with those of the messages in it, more than 200000");
    assert!(try_read(&text(8), &[], &[]).is_ok());
}

#[test]
fn a_message_that_is_used_twice_is_the_same_twice() {
    let text = "syntax = \"proto3\"; message M { A a = 1; A b = 2; } message A { int32 x = 1; }";
    let data = read(text, &[0x12, 2, 0x08, 3], &[]);
    assert!(field(&data, "a").is_null());
    assert_eq!(inner(&data, "b").to_string(), "Struct{x=3}");
}
