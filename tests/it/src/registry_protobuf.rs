//! `ProtobufConverter` against a real registry and Confluent's own client for Python, both directions.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{ErrorKind, Schema, SchemaBuilder, Struct, Value};
use sluice_harness::SchemaRegistry;

use crate::python_exchange::exchange;
use crate::registry::{converter, topic};

const PROTOBUF: &str = "io.confluent.connect.protobuf.ProtobufConverter";

/// Reads what Sluice wrote with a message class of its own, prints it, writes it again, prints the bytes.
const PYTHON: &str = r#"
import base64, json, sys
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.json_format import MessageToDict
from google.type import date_pb2, timeofday_pb2
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

F = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3", dependency=[
    "confluent/type/decimal.proto", "google/type/date.proto", "google/type/timeofday.proto", "google/protobuf/timestamp.proto"])
order = file.message_type.add(name="Order")
types = [("i8", F.TYPE_INT32), ("i16", F.TYPE_INT32), ("i32", F.TYPE_INT32), ("i64", F.TYPE_INT64), ("f32", F.TYPE_FLOAT),
    ("f64", F.TYPE_DOUBLE), ("b", F.TYPE_BOOL), ("s", F.TYPE_STRING), ("raw", F.TYPE_BYTES),
    ("price", ".confluent.type.Decimal"), ("day", ".google.type.Date"), ("at", ".google.type.TimeOfDay"),
    ("when", ".google.protobuf.Timestamp"), ("list", F.TYPE_INT64), ("labels", ".shop.Order.LabelsEntry"),
    ("line", ".shop.Order.Line")]
for number, (name, kind) in enumerate(types, 1):
    field = order.field.add(name=name, number=number)
    field.label = F.LABEL_REPEATED if name in ("list", "labels") else F.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = F.TYPE_MESSAGE, kind
    else:
        field.type = kind
entry = order.nested_type.add(name="LabelsEntry")
entry.options.map_entry = True
entry.field.add(name="key", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_STRING)
entry.field.add(name="value", number=2, label=F.LABEL_OPTIONAL, type=F.TYPE_INT32)
line = order.nested_type.add(name="Line")
line.field.add(name="sku", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_STRING)
pool = descriptor_pool.Default()
pool.Add(file)
Order = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))

client = SchemaRegistryClient({"url": sys.argv[1]})
context = SerializationContext(sys.argv[2], MessageField.VALUE)
read = ProtobufDeserializer(Order, {"use.deprecated.format": False})
write = ProtobufSerializer(Order, client, {"use.deprecated.format": False})
for text in sys.stdin:
    message = read(base64.b64decode(text), context)
    written = write(message, context)
    value = MessageToDict(message, preserving_proto_field_name=True)
    print(json.dumps({"value": value, "written": base64.b64encode(written).decode()}))
"#;

fn schema() -> Result<Schema> {
    let line = SchemaBuilder::structure().name("shop.Line").optional().field("sku", Schema::STRING).build()?;
    Ok(SchemaBuilder::structure()
        .name("shop.Order")
        .field("i8", Schema::INT8)
        .field("i16", Schema::INT16)
        .field("i32", Schema::INT32)
        .field("i64", Schema::INT64)
        .field("f32", Schema::FLOAT32)
        .field("f64", Schema::FLOAT64)
        .field("b", Schema::BOOLEAN)
        .field("s", Schema::STRING)
        .field("raw", Schema::BYTES)
        .field("price", logical::decimal(2))
        .field("day", logical::date())
        .field("at", logical::time())
        .field("when", logical::timestamp())
        .field("list", SchemaBuilder::array(Schema::INT64).build()?)
        .field("labels", SchemaBuilder::map(Schema::STRING, Schema::INT32).name("labels").build()?)
        .field("line", line)
        .build()?)
}

fn value(schema: &Schema, number: i64) -> Result<Value> {
    let line = schema.field("line")?.context("line")?.schema().clone();
    let labels = Map::insertion_ordered([("k".into(), Value::Int32(i32::try_from(number % 100)? + 1))]);
    let mut value = Struct::new(schema.clone())?
        .with("i8", (number % 100) as i8)?
        .with("i16", -300i16)?
        .with("i32", i32::try_from(number % 70_000)?)?
        .with("i64", number << 33)?
        .with("f32", 1.5f32)?
        .with("f64", -0.25)?
        .with("b", number % 2 == 0)?
        .with("s", format!("text {number} é"))?
        .with("raw", Bytes::from_static(&[0, 255]))?
        .with("price", BigDecimal::new(number - 500, 2))?
        .with("day", Value::Date(86_400_000 * (number % 20_000)))?
        .with("at", Value::Date(number % 86_400_000))?
        .with("when", Value::Date(number * 1001))?
        .with("list", Value::Array(vec![Value::Int64(number), Value::Int64(-number)]))?
        .with("labels", labels)?;
    if number % 3 > 0 {
        value.put("line", Struct::new(line)?.with("sku", "x")?)?;
    }
    Ok(value.into())
}

#[test]
fn confluents_python_client_reads_protobuf_of_ours_and_we_read_its() -> Result<()> {
    let schema = schema()?;
    let values: Vec<Value> = (0..100).map(|number| value(&schema, number * 7919)).collect::<Result<_>>()?;
    let exchanged = exchange(PROTOBUF, &[], PYTHON, &schema, &values)?;
    let second = &exchanged[1].shown;
    assert_eq!(second["s"], json!("text 7919 é"));
    assert_eq!(second["i64"], json!((7919i64 << 33).to_string()));
    assert_eq!(second["line"], json!({"sku": "x"}));
    assert_eq!(second["day"], json!({"year": 1991, "month": 9, "day": 7}));
    assert_eq!(second["labels"], json!({"k": 20}));
    assert_eq!(second["price"], json!({"value": "HPs=", "precision": 4, "scale": 2}));
    for record in &exchanged {
        assert_eq!(record.theirs[5..], record.ours[5..]);
    }
    Ok(())
}

#[test]
fn the_registry_keeps_the_text_and_its_version_comes_with_what_is_read() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("protobuf-text"));
    let mut converter = converter(PROTOBUF, &registry.url(), &[])?;
    let schema = SchemaBuilder::structure().name("shop.Small").field("x", Schema::INT8).build()?;
    let value = Value::from(Struct::new(schema.clone())?.with("x", 5i8)?);
    let bytes = converter.from_connect_data(&topic, Some(&schema), &value)?.context("bytes")?;
    let read = converter.to_connect_data(&topic, Some(&bytes))?;
    let read_schema = read.schema.context("schema")?;
    assert_eq!((read_schema.name(), read_schema.version()), (Some("Small"), Some(1)));
    assert_eq!(read.value.to_string(), "Struct{x=5}");
    let latest = registry.rest().get(&SchemaRegistry::path(&format!("/subjects/{topic}-value/versions/latest")))?;
    let text = latest.expect(200)?.json()?["schema"].as_str().context("text")?.to_owned();
    assert!(
        text.starts_with(
            "syntax = \"proto3\";\npackage shop;\n\nmessage Small {\n  int32 x = 1 [(confluent.field_meta)"
        ),
        "{text}"
    );
    assert_eq!(converter.from_connect_data(&topic, Some(&schema), &Value::Null)?, None);
    Ok(())
}

#[test]
fn an_incompatible_protobuf_schema_is_refused_with_the_registrys_explanation() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("protobuf-evolution"));
    let mut converter = converter(PROTOBUF, &registry.url(), &[])?;
    let of = |field: Schema| SchemaBuilder::structure().name("shop.Evolving").field("x", field).build();
    let (first, second) = (of(Schema::INT32)?, of(Schema::STRING)?);
    converter.from_connect_data(&topic, Some(&first), &Struct::new(first.clone())?.with("x", 1)?.into())?;
    registry.set_compatibility(&format!("{topic}-value"), "BACKWARD")?;
    let changed = Struct::new(second.clone())?.with("x", "text")?.into();
    let error = converter.from_connect_data(&topic, Some(&second), &changed).err().context("it is refused")?;
    let trace = error.trace();
    assert_eq!(error.kind(), ErrorKind::Data, "{trace}");
    assert!(trace.contains("answered 409") && trace.to_lowercase().contains("compatib"), "{trace}");
    Ok(())
}

#[test]
fn imports_are_read_through_references_and_messages_through_their_indexes() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("protobuf-references"));
    let other = "syntax = \"proto3\";\npackage shop;\n\nmessage Line {\n  string sku = 1;\n}\n";
    let text = "syntax = \"proto3\";\npackage shop;\n\nimport \"line.proto\";\n\nmessage First {\n  int32 a = 1;\n}\nmessage Outer \
                {\n  int32 b = 1;\n\n  message Inner {\n    Line line = 1;\n    map<string, Line> lines = 2;\n  }\n}\n";
    let post = |subject: &str, body: &Json| -> Result<Json> {
        let path = SchemaRegistry::path(&format!("/subjects/{subject}/versions"));
        registry.rest().post(&path, body)?.expect(200)?.json()
    };
    let line_subject = format!("{topic}-line");
    post(&line_subject, &json!({"schemaType": "PROTOBUF", "schema": other}))?;
    let references = json!([{"name": "line.proto", "subject": line_subject, "version": 1}]);
    let body = json!({"schemaType": "PROTOBUF", "schema": text, "references": references});
    let id = post(&format!("{topic}-value"), &body)?["id"].as_u64().context("id")?;
    let mut record = vec![0];
    record.extend_from_slice(&u32::try_from(id)?.to_be_bytes());
    // Indexes 1, 0; field 1 with sku "x"; field 2 with key "k" and sku "y".
    record.extend_from_slice(&[4, 2, 0, 0x0a, 3, 0x0a, 1, b'x', 0x12, 8, 0x0a, 1, b'k', 0x12, 3, 0x0a, 1, b'y']);
    let mut converter = converter(PROTOBUF, &registry.url(), &[])?;
    let read = converter.to_connect_data(&topic, Some(&Bytes::from(record)))?;
    assert_eq!(read.value.to_string(), "Struct{line=Struct{sku=x},lines={k=Struct{sku=y}}}");
    assert_eq!(read.schema.context("schema")?.name(), Some("Inner"));
    Ok(())
}

#[test]
fn the_newest_schema_is_written_by_its_own_numbers() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("protobuf-latest"));
    let text = "syntax = \"proto3\";\n\nmessage Theirs {\n  string name = 7;\n  int64 id = 3;\n}\n";
    let path = SchemaRegistry::path(&format!("/subjects/{topic}-value/versions"));
    registry.rest().post(&path, &json!({"schemaType": "PROTOBUF", "schema": text}))?.expect(200)?;
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let mut converter = converter(PROTOBUF, &registry.url(), &keys)?;
    let schema = SchemaBuilder::structure().field("id", Schema::INT64).field("name", Schema::STRING).build()?;
    let value = Struct::new(schema.clone())?.with("id", 5i64)?.with("name", "n")?.into();
    let bytes = converter.from_connect_data(&topic, Some(&schema), &value)?.context("bytes")?;
    assert_eq!(bytes[5..], [0, 0x18, 5, 0x3a, 1, b'n']);
    let more = SchemaBuilder::structure().field("id", Schema::INT64).field("more", Schema::OPTIONAL_STRING).build()?;
    let value = |more_text: Option<&str>| -> Result<Value> {
        let mut value = Struct::new(more.clone())?.with("id", 5i64)?;
        if let Some(text) = more_text {
            value.put("more", text)?;
        }
        Ok(value.into())
    };
    assert!(converter.from_connect_data(&topic, Some(&more), &value(None)?).is_ok());
    let error = converter.from_connect_data(&topic, Some(&more), &value(Some("lost"))?).err().context("refused")?;
    assert!(error.trace().contains("the message has no such field"), "{}", error.trace());
    Ok(())
}
