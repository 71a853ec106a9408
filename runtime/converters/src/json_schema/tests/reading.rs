//! What schemas and records become, by the rules of Confluent's converter.

use bytes::Bytes;
use sluice_api::data::{BigDecimal, Map, Schema, SchemaBuilder, SchemaType, Value, logical};

use super::super::JsonSchemaCodec;
use super::{codec, properties, read, schema_of};

#[test]
fn types_without_connect_types_are_the_widest() {
    assert_eq!(schema_of(r#"{"type":"integer"}"#, &[]), Schema::INT64);
    assert_eq!(schema_of(r#"{"type":"number"}"#, &[]), Schema::FLOAT64);
    assert_eq!(schema_of(r#"{"type":["null","string"]}"#, &[]), Schema::OPTIONAL_STRING);
    assert_eq!(schema_of(r#"{"oneOf":[{"type":"null"},{"type":"boolean"}]}"#, &[]), Schema::OPTIONAL_BOOLEAN);
    assert_eq!(schema_of(r#"{"type":"string","format":"date-time"}"#, &[]), Schema::STRING);
    let array = schema_of(r#"{"type":"array","items":{"type":"string","connect.type":"bytes"}}"#, &[]);
    assert_eq!(array, SchemaBuilder::array(Schema::BYTES).build().unwrap());
}

#[test]
fn logical_types_come_back() {
    let text = r#"{"type":"string","title":"org.apache.kafka.connect.data.Decimal","connect.version":1,"connect.type":"bytes","connect.parameters":{"scale":"2"}}"#;
    let data = read(text, "\"AJw=\"", &[]);
    assert_eq!((data.schema, data.value), (Some(logical::decimal(2)), Value::Decimal(BigDecimal::new(156, 2))));
    assert_eq!(read(text, "1.560", &[]).value, Value::Decimal(BigDecimal::new(1560, 3)));
    let text = r#"{"type":"integer","connect.type":"int64","title":"org.apache.kafka.connect.data.Timestamp","connect.version":1}"#;
    assert_eq!(read(text, "5", &[]).value, Value::Date(5));
    let error = codec(text, &[]).unwrap().decode(&Bytes::from_static(b"1.5")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid type for Timestamp, underlying representation should be integral but was NUMBER"
    );
}

#[test]
fn fields_are_in_the_order_of_their_index_or_of_javas_map() {
    let text = r#"{"type":"object","title":"T","properties":{"b":{"type":"string","connect.index":1},
        "a":{"type":"integer","connect.index":2},"c":{"type":"boolean","connect.index":0}}}"#;
    let names = |schema: Schema| -> Vec<String> {
        schema.fields().unwrap().iter().map(|field| field.name().to_owned()).collect()
    };
    assert_eq!(names(schema_of(text, &[])), ["c", "b", "a"]);
    let text = r#"{"type":"object","properties":{"p":{"type":"string"},"c":{"type":"string"},"a":{"type":"string"}}}"#;
    assert_eq!(names(schema_of(text, &[])), ["p", "a", "c"]);
}

#[test]
fn what_is_not_required_is_optional_when_asked_for() {
    let text = r#"{"type":"object","required":["a"],"properties":{"a":{"type":"string"},"b":{"type":"string"}}}"#;
    let optional = |keys: &[(&str, &str)]| {
        let schema = schema_of(text, keys);
        ["a", "b"].map(|name| schema.field(name).unwrap().unwrap().schema().is_optional())
    };
    assert_eq!(optional(&[]), [false, false]);
    assert_eq!(optional(&[("use.optional.for.nonrequired", "true")]), [false, true]);
    let data = read(text, r#"{"a":"x","other":[1]}"#, &[]);
    assert_eq!(data.value.to_string(), "Struct{a=x}");
}

#[test]
fn unions_take_the_member_that_fits_best() {
    let text = r#"{"oneOf":[{"type":"string"},{"type":"integer"},
        {"type":"object","properties":{"a":{"type":"string"}}},
        {"type":"object","properties":{"a":{"type":"string"},"b":{"type":"object","properties":{"c":{"type":"string"}}}}}]}"#;
    let member = |json: &str| read(text, json, &[]).value.to_string();
    assert_eq!(member("\"x\""), "Struct{io.confluent.connect.json.OneOf.field.0=x}");
    assert_eq!(member("5"), "Struct{io.confluent.connect.json.OneOf.field.1=5}");
    assert_eq!(member(r#"{"a":"y"}"#), "Struct{io.confluent.connect.json.OneOf.field.2=Struct{a=y}}");
    let both = member(r#"{"a":"y","b":{"c":"z"}}"#);
    assert!(both.starts_with("Struct{io.confluent.connect.json.OneOf.field.3=Struct{"), "{both}");
    let error = codec(text, &[]).unwrap().decode(&Bytes::from_static(b"true")).unwrap_err();
    assert_eq!(error.to_string(), "Did not find matching oneof field for data");
    let schema = schema_of(text, &[("generalized.sum.type.support", "true")]);
    assert_eq!(schema.name(), Some("connect_union_0"));
    assert!(schema.field("connect_union_field_3").unwrap().is_some());
}

#[test]
fn enums_list_their_symbols() {
    let schema = schema_of(r#"{"enum":["RED",null,3]}"#, &[]);
    let parameters: Vec<_> = schema.parameters().unwrap().iter().map(|(key, value)| format!("{key}={value}")).collect();
    let prefix = "io.confluent.connect.json.Enum";
    assert_eq!(
        parameters,
        [format!("{prefix}="), format!("{prefix}.RED=RED"), format!("{prefix}.<NULL>=<NULL>"), format!("{prefix}.3=3")]
    );
    let schema = schema_of(r#"{"type":"string","enum":["RED"]}"#, &[("generalized.sum.type.support", "true")]);
    assert_eq!(schema.parameters().unwrap()["org.apache.kafka.connect.data.Enum.RED"], "0");
    assert_eq!(schema_of(r#"{"type":"integer","enum":[1]}"#, &[]), Schema::INT64);
    assert_eq!(schema_of(r#"{"type":"string","const":"x"}"#, &[]), Schema::STRING);
}

#[test]
fn all_of_puts_objects_together() {
    let text = r##"{"allOf":[{"$ref":"#/definitions/Base"},{"properties":{"b":{"type":"integer"}}}],
        "definitions":{"Base":{"type":"object","properties":{"a":{"type":"string"}}}}}"##;
    assert_eq!(read(text, r#"{"a":"x","b":1}"#, &[]).value.to_string(), "Struct{a=x,b=1}");
}

#[test]
fn references_lead_to_definitions_documents_and_ids() {
    let text = r##"{"$id":"http://acme.org/schemas/order.json","type":"object","properties":{
        "a":{"$ref":"#/$defs/A"},"b":{"$ref":"line.json#/definitions/B"},"c":{"$ref":"#c"}},
        "definitions":{"A":{"type":"string"},"C":{"$id":"#c","type":"boolean"}}}"##;
    let line = ("line.json".to_owned(), r#"{"definitions":{"B":{"type":"integer"}}}"#.to_owned());
    let codec = JsonSchemaCodec::new(text, &[line], &properties(&[])).unwrap();
    let type_of = |name: &str| codec.schema().field(name).unwrap().unwrap().schema().schema_type();
    assert_eq!(["a", "b", "c"].map(type_of), [SchemaType::String, SchemaType::Int64, SchemaType::Boolean]);
    let error = JsonSchemaCodec::new(text, &[], &properties(&[])).unwrap_err().to_string();
    assert_eq!(error, "Invalid JSON schema: line.json#/definitions/B refers to nothing that is known");
}

#[test]
fn schemas_without_end_are_refused() {
    let error = |text: &str| codec(text, &[]).unwrap_err().to_string();
    let recursive = r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##;
    assert!(error(recursive).starts_with("the JSON schema contains itself"));
    assert!(error(r##"{"$ref":"#"}"##).contains("refers to itself"));
    let circle =
        r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##;
    assert!(error(circle).contains("refers to itself"));
    let many = (0..40).map(|n| {
        let next = n + 1;
        format!(r##""d{n}":{{"oneOf":[{{"$ref":"#/definitions/d{next}"}},{{"$ref":"#/definitions/d{next}"}}]}}"##)
    });
    let many = many.chain([r#""d40":{"type":"string"}"#.to_owned()]).collect::<Vec<_>>().join(",");
    assert!(
        error(&format!(r##"{{"$ref":"#/definitions/d0","definitions":{{{many}}}}}"##))
            .contains("more than 100000 parts")
    );
    let deep = format!("{}true{}", r#"{"items":"#.repeat(900), "}".repeat(900));
    assert!(error(&deep).contains("nested deeper than 150"));
    assert_eq!(error("{}"), "Unsupported schema type: Connect has none for a schema that says nothing about the type");
    assert_eq!(error(r#"{"type":"text"}"#), "Invalid JSON schema: unknown type: [text]");
    assert!(error("[]").contains("expected an object or boolean at the root"));
}

#[test]
fn a_type_that_is_used_twice_has_an_id_the_second_time() {
    let text = r##"{"type":"object","properties":{"a":{"$ref":"#/definitions/T"},"b":{"$ref":"#/definitions/T"}},
        "definitions":{"T":{"type":"object","title":"T","properties":{"x":{"type":"string"}}}}}"##;
    let schema = schema_of(text, &[]);
    let id = |name: &str| {
        let field = schema.field(name).unwrap().unwrap().schema();
        field.parameters().and_then(|parameters| parameters.get("io.confluent.connect.json.Id")).cloned()
    };
    assert_eq!((id("a"), id("b").as_deref()), (None, Some("#id1")));
}

#[test]
fn maps_come_from_objects_and_arrays() {
    let text = r#"{"type":"object","connect.type":"map","additionalProperties":{"type":"integer"}}"#;
    assert_eq!(read(text, r#"{"k":1}"#, &[]).value, Map::insertion_ordered([("k".into(), 1i64.into())]).into());
    let text = r#"{"type":"array","connect.type":"map","items":{"type":"object","properties":{"value":{"type":"string"},"key":{"type":"boolean"}}}}"#;
    let data = read(text, r#"[{"key":true,"value":"x"}]"#, &[]);
    assert_eq!(data.value, Map::insertion_ordered([(true.into(), "x".into())]).into());
    let error = codec(text, &[]).unwrap().decode(&Bytes::from_static(b"[{}]")).unwrap_err();
    assert_eq!(error.to_string(), "Found invalid map entry, expected length 2 but found :0");
}

#[test]
fn records_are_held_against_the_schema_when_asked_for() {
    let text = r#"{"type":"object","required":["a"],"properties":{"a":{"type":"string","maxLength":2}}}"#;
    let codec = codec(text, &[("json.fail.invalid.schema", "true")]).unwrap();
    assert!(codec.decode(&Bytes::from_static(br#"{"a":"xx"}"#)).is_ok());
    let error = codec.decode(&Bytes::from_static(br#"{"a":"secret"}"#)).unwrap_err().to_string();
    assert!(
        error.starts_with("Validation error in JSON (json.fail.invalid.schema=true), Error report:\n/a: "),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn defaults_and_descriptions_are_read() {
    let text = r#"{"type":"object","properties":{"a":{"type":"integer","connect.type":"int32","default":7,"description":"seven"},
        "b":{"type":"string","default":null}}}"#;
    let schema = schema_of(text, &[]);
    let a = schema.field("a").unwrap().unwrap().schema();
    assert_eq!((a.default_value(), a.doc()), (Some(&Value::Int32(7)), Some("seven")));
    assert!(schema.field("b").unwrap().unwrap().schema().default_value().is_none());
    assert_eq!(read(text, "{}", &[]).value.to_string(), "Struct{a=7}");
}
