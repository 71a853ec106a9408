//! Schema texts and bytes that Confluent's converter writes.

use sluice_api::data::{BigDecimal, Map, Schema, SchemaBuilder, Struct, Value, logical};

use super::{properties, trace, write};
use crate::protobuf::ProtobufCodec;

fn order() -> Schema {
    let line =
        SchemaBuilder::structure().name("org.acme.Line").field("sku", Schema::STRING).field("count", Schema::INT16);
    SchemaBuilder::structure()
        .name("org.acme.Order")
        .field("id", Schema::INT64)
        .field("flag", Schema::OPTIONAL_BOOLEAN)
        .field("lines", SchemaBuilder::array(line.build().unwrap()).build().unwrap())
        .field("labels", SchemaBuilder::map(Schema::STRING, Schema::INT32).name("my_labels").build().unwrap())
        .field("price", logical::decimal(2))
        .field("at", logical::timestamp())
        .build()
        .unwrap()
}

fn order_value() -> Struct {
    let schema = order();
    let element = schema.field("lines").unwrap().unwrap().schema().value_schema().unwrap().unwrap().clone();
    let line = Struct::new(element).unwrap().with("sku", "a").unwrap().with("count", 3i16).unwrap();
    Struct::new(schema)
        .unwrap()
        .with("id", 300i64)
        .unwrap()
        .with("lines", vec![Value::Struct(line)])
        .unwrap()
        .with("labels", Map::insertion_ordered([("k".into(), 7.into())]))
        .unwrap()
        .with("price", BigDecimal::new(156, 2))
        .unwrap()
        .with("at", Value::Date(1500))
        .unwrap()
}

#[test]
fn a_struct_becomes_a_message_with_all_it_needs_nested() {
    let expected = r#"syntax = "proto3";
package org.acme;

import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";

message Order {
  int64 id = 1;
  bool flag = 2;
  repeated Line lines = 3;
  repeated MyLabelsEntry labels = 4;
  confluent.type.Decimal price = 5 [(confluent.field_meta) = {
    params: [
      {
        value: "2",
        key: "scale"
      }
    ]
  }];
  google.protobuf.Timestamp at = 6;

  message Line {
    string sku = 1;
    int32 count = 2 [(confluent.field_meta) = {
      params: [
        {
          key: "connect.type",
          value: "int16"
        }
      ]
    }];
  }
  message MyLabelsEntry {
    string key = 1;
    int32 value = 2;
  }
}
"#;
    let (text, bytes) = write(&order(), order_value(), &[]);
    assert_eq!(text, expected);
    let payload = [
        &[0][..],
        &[0x08, 0xac, 0x02],
        &[0x1a, 5, 0x0a, 1, b'a', 0x10, 3],
        &[0x22, 5, 0x0a, 1, b'k', 0x10, 7],
        // 156 has two bytes, since its first bit is not a sign.
        &[0x2a, 8, 0x0a, 2, 0x00, 0x9c, 0x10, 3, 0x18, 2],
        &[0x32, 8, 0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01],
    ];
    assert_eq!(bytes, payload.concat());
}

#[test]
fn optional_fields_and_wrappers_are_asked_for() {
    let schema = SchemaBuilder::structure()
        .field("a", Schema::OPTIONAL_INT32)
        .field("b", Schema::OPTIONAL_STRING)
        .field("c", Schema::INT32)
        .build()
        .unwrap();
    let value = || Struct::new(schema.clone()).unwrap().with("a", 0).unwrap().with("c", 0).unwrap();
    let (text, bytes) = write(&schema, value(), &[("optional.for.nullables", "true")]);
    assert_eq!(
        text,
        "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  optional int32 a = 1;\n  optional string b = 2;\n  int32 c = 3;\n}\n"
    );
    assert_eq!(bytes, [0, 0x08, 0]);
    let (text, bytes) = write(&schema, value(), &[("wrapper.for.nullables", "true")]);
    assert_eq!(
        text,
        "syntax = \"proto3\";\n\nimport \"google/protobuf/wrappers.proto\";\n\nmessage ConnectDefault1 {\n  \
         google.protobuf.Int32Value a = 1;\n  google.protobuf.StringValue b = 2;\n  int32 c = 3;\n}\n"
    );
    assert_eq!(bytes, [0, 0x0a, 0]);
}

#[test]
fn unions_and_enums_keep_their_numbers() {
    let tagged = |builder: SchemaBuilder, tag: &str| {
        builder.parameter("io.confluent.connect.protobuf.Tag", tag).optional().build().unwrap()
    };
    let union = SchemaBuilder::structure()
        .name("io.confluent.connect.protobuf.Union.choice")
        .field("text", tagged(SchemaBuilder::string(), "5"))
        .field("number", tagged(SchemaBuilder::int64(), "3"))
        .optional()
        .build()
        .unwrap();
    let colour = SchemaBuilder::string()
        .name("Colour")
        .parameter("io.confluent.connect.protobuf.Enum", "Colour")
        .parameter("io.confluent.connect.protobuf.Enum.RED", "0")
        .parameter("io.confluent.connect.protobuf.Enum.BLUE", "4");
    let schema = SchemaBuilder::structure()
        .name("M")
        .field("choice_0", union.clone())
        .field("colour", tagged(colour, "1"))
        .build()
        .unwrap();
    let choice = Struct::new(union).unwrap().with("number", 0i64).unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("choice_0", choice).unwrap().with("colour", "BLUE").unwrap();
    let (text, bytes) = write(&schema, value, &[]);
    let expected = "syntax = \"proto3\";\n\nmessage M {\n  Colour colour = 1;\n\n  oneof choice {\n    string text = 5;\n    \
                    int64 number = 3;\n  }\n\n  enum Colour {\n    RED = 0;\n    BLUE = 4;\n  }\n}\n";
    assert_eq!(text, expected);
    assert_eq!(bytes, [0, 0x08, 4, 0x18, 0]);
}

#[test]
fn a_primitive_is_a_wrapper_message() {
    let (text, bytes) = write(&Schema::INT32, 5, &[]);
    assert!(text.contains("message Int32Value {\n  int32 value = 1;\n}\n"));
    assert_eq!(bytes, [2, 8, 0x08, 5]);
    assert_eq!(write(&Schema::STRING, "", &[]).1, [2, 14]);
    assert_eq!(write(&Schema::BYTES, bytes::Bytes::from_static(b"x"), &[]).1, [2, 16, 0x0a, 1, b'x']);
}

#[test]
fn names_are_scrubbed_when_asked_for() {
    let schema = SchemaBuilder::structure().name("my-app.1st").field("a.b", Schema::INT32).build().unwrap();
    let value = || Value::Struct(Struct::new(schema.clone()).unwrap().with("a.b", 1).unwrap());
    let error = ProtobufCodec::encode(&schema, &value(), &properties(&[])).unwrap_err();
    assert!(error.to_string().starts_with("Could not parse Protobuf schema"), "{error}");
    let (text, bytes) = write(&schema, value(), &[("scrub.invalid.names", "true")]);
    assert_eq!(text, "syntax = \"proto3\";\npackage my_app;\n\nmessage x1st {\n  int32 a_b = 1;\n}\n");
    assert_eq!(bytes, [0, 0x08, 1]);
}

#[test]
fn what_protobuf_cannot_hold_is_refused_by_name() {
    let error =
        |schema: &Schema, value: Value| trace(&ProtobufCodec::encode(schema, &value, &properties(&[])).unwrap_err());
    let nested = SchemaBuilder::array(SchemaBuilder::array(Schema::INT32).build().unwrap()).build().unwrap();
    assert!(error(&nested, Value::Array(vec![])).contains("Unsupported root schema of type ARRAY"));
    let schema = SchemaBuilder::structure().field("a", nested).build().unwrap();
    assert!(error(&schema, Struct::new(schema.clone()).unwrap().into()).contains("Array cannot be nested"));
    let optional = SchemaBuilder::array(Schema::OPTIONAL_INT32).build().unwrap();
    let schema = SchemaBuilder::structure().field("a", optional).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("a", vec![1.into(), Value::Null]).unwrap();
    assert!(error(&schema, value.into()).contains(
        "field a\nCaused by: org.apache.kafka.connect.errors.DataException: a repeated field cannot hold null"
    ));
    let unsigned = SchemaBuilder::int64().parameter("io.confluent.connect.protobuf.Type", "uint32").build().unwrap();
    let schema = SchemaBuilder::structure().field("a", unsigned).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("a", -1i64).unwrap();
    assert!(error(&schema, value.into()).contains("-1 does not fit the Protobuf type uint32"));
}
