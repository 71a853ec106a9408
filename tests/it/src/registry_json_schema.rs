//! `JsonSchemaConverter` against a real registry and Confluent's own client for Python, both directions.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{ErrorKind, Schema, SchemaBuilder, Struct, Value};
use sluice_harness::SchemaRegistry;

use crate::python_exchange::exchange;
use crate::registry::{converter, topic};

const JSON_SCHEMA: &str = "io.confluent.connect.json.JsonSchemaConverter";

/// Reads and validates what Sluice wrote, prints it, writes and validates it again with the same schema, prints the bytes.
const PYTHON: &str = r#"
import base64, json, sys
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

client = SchemaRegistryClient({"url": sys.argv[1]})
context = SerializationContext(sys.argv[2], MessageField.VALUE)
read = JSONDeserializer(None, schema_registry_client=client)
for line in sys.stdin:
    data = base64.b64decode(line)
    value = read(data, context)
    schema = client.get_schema(int.from_bytes(data[1:5], "big"))
    written = JSONSerializer(schema.schema_str, client)(value, context)
    print(json.dumps({"value": value, "written": base64.b64encode(written).decode()}))
"#;

fn schema() -> Result<Schema> {
    let line = SchemaBuilder::structure().name("shop.Line").optional().field("sku", Schema::STRING).build()?;
    Ok(SchemaBuilder::structure()
        .name("shop.Order")
        .field("i8", Schema::INT8)
        .field("i64", Schema::INT64)
        .field("f32", Schema::FLOAT32)
        .field("f64", Schema::FLOAT64)
        .field("b", Schema::BOOLEAN)
        .field("s", Schema::OPTIONAL_STRING)
        .field("raw", Schema::BYTES)
        .field("price", logical::decimal(2))
        .field("day", logical::date())
        .field("at", logical::time())
        .field("when", logical::timestamp())
        .field("list", SchemaBuilder::array(Schema::INT64).build()?)
        .field("map", SchemaBuilder::map(Schema::STRING, Schema::INT32).build()?)
        .field("numbers", SchemaBuilder::map(Schema::INT32, Schema::OPTIONAL_STRING).build()?)
        .field("line", line)
        .build()?)
}

fn value(schema: &Schema, number: i64) -> Result<Value> {
    let line = schema.field("line")?.context("line")?.schema().clone();
    let mut value = Struct::new(schema.clone())?
        .with("i8", (number % 100) as i8)?
        .with("i64", number << 33)?
        .with("f32", 1.5f32)?
        .with("f64", -0.25)?
        .with("b", number % 2 == 0)?
        .with("raw", Bytes::from_static(&[0, 255]))?
        .with("price", BigDecimal::new(number - 500, 2))?
        .with("day", Value::Date(86_400_000 * (number % 20_000)))?
        .with("at", Value::Date(number % 86_400_000))?
        .with("when", Value::Date(number * 1001))?
        .with("list", Value::Array(vec![Value::Int64(number), Value::Int64(-number)]))?
        .with("map", Map::insertion_ordered([("k".into(), Value::Int32(7))]))?
        .with("numbers", Map::insertion_ordered([(Value::Int32(1), Value::Null), (Value::Int32(2), "two".into())]))?;
    if number % 3 > 0 {
        value.put("s", format!("text {number} é"))?;
        value.put("line", Struct::new(line)?.with("sku", "x")?)?;
    }
    Ok(value.into())
}

#[test]
fn confluents_python_client_reads_json_of_ours_and_we_read_its() -> Result<()> {
    let schema = schema()?;
    let values: Vec<Value> = (0..100).map(|number| value(&schema, number * 7919)).collect::<Result<_>>()?;
    let exchanged = exchange(JSON_SCHEMA, &[("json.fail.invalid.schema", "true")], PYTHON, &schema, &values)?;
    let second = &exchanged[1].shown;
    assert_eq!(second["s"], json!("text 7919 é"));
    assert_eq!(second["line"], json!({"sku": "x"}));
    assert_eq!(second["numbers"], json!([{"key": 1, "value": null}, {"key": 2, "value": "two"}]));
    assert_eq!(second["raw"], json!("AP8="));
    Ok(())
}

#[test]
fn an_incompatible_json_schema_is_refused_with_the_registrys_explanation() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("json-evolution"));
    let mut converter = converter(JSON_SCHEMA, &registry.url(), &[])?;
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
fn references_of_a_json_schema_are_read_and_records_held_against_them() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("json-references"));
    let post = |subject: &str, body: &Json| -> Result<Json> {
        let path = SchemaRegistry::path(&format!("/subjects/{subject}/versions"));
        registry.rest().post(&path, body)?.expect(200)?.json()
    };
    let line = json!({"type": "object", "title": "Line", "properties": {"sku": {"type": "string", "maxLength": 3}}});
    let text = json!({"type": "object", "title": "Order", "properties": {"line": {"$ref": "line.json"}}});
    let line_subject = format!("{topic}-line");
    post(&line_subject, &json!({"schemaType": "JSON", "schema": line.to_string()}))?;
    let references = json!([{"name": "line.json", "subject": line_subject, "version": 1}]);
    let body = json!({"schemaType": "JSON", "schema": text.to_string(), "references": references});
    let id = post(&format!("{topic}-value"), &body)?["id"].as_u64().context("id")?;
    let record = |json: &str| -> Result<Bytes> {
        let mut record = vec![0];
        record.extend_from_slice(&u32::try_from(id)?.to_be_bytes());
        record.extend_from_slice(json.as_bytes());
        Ok(Bytes::from(record))
    };
    let mut converter = converter(JSON_SCHEMA, &registry.url(), &[("json.fail.invalid.schema", "true")])?;
    let read = converter.to_connect_data(&topic, Some(&record(r#"{"line":{"sku":"abc"}}"#)?))?;
    assert_eq!(read.value.to_string(), "Struct{line=Struct{sku=abc}}");
    let error =
        converter.to_connect_data(&topic, Some(&record(r#"{"line":{"sku":"abcd"}}"#)?)).err().context("it fails")?;
    assert!(error.trace().contains("Error report:\n/line/sku: "), "{}", error.trace());
    Ok(())
}

#[test]
fn what_the_newest_json_schema_cannot_read_is_not_written() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("json-latest"));
    let text = json!({"type": "object", "title": "T", "properties": {"x": {"type": "integer", "minimum": 3}}});
    let path = SchemaRegistry::path(&format!("/subjects/{topic}-value/versions"));
    let body = json!({"schemaType": "JSON", "schema": text.to_string()});
    registry.rest().post(&path, &body)?.expect(200)?;
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let mut converter = converter(JSON_SCHEMA, &registry.url(), &keys)?;
    let schema = SchemaBuilder::structure().name("T").field("x", Schema::INT64).build()?;
    let value = |x: i64| -> Result<Value> { Ok(Struct::new(schema.clone())?.with("x", x)?.into()) };
    let bytes = converter.from_connect_data(&topic, Some(&schema), &value(3)?)?.context("bytes")?;
    assert_eq!(&bytes[5..], br#"{"x":3}"#);
    let error = converter.from_connect_data(&topic, Some(&schema), &value(2)?).err().context("it fails")?;
    assert!(error.trace().contains("latest.compatibility.strict=true"), "{}", error.trace());
    Ok(())
}
