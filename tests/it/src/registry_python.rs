//! Confluent's wire format against Confluent's own client for Python, both directions, on one registry.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{Schema, SchemaBuilder, Struct, Value};

use crate::python_exchange::exchange;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// Reads what Sluice wrote, prints it, writes it again with the same schema, prints the bytes.
const AVRO_SCRIPT: &str = r#"
import base64, datetime, decimal, json, sys
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

client = SchemaRegistryClient({"url": sys.argv[1]})
context = SerializationContext(sys.argv[2], MessageField.VALUE)
read = AvroDeserializer(client)

def shown(value):
    if isinstance(value, dict):
        return {key: shown(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, bytes):
        return "bytes:" + value.hex()
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.time, datetime.datetime)):
        return str(value)
    return value

for line in sys.stdin:
    data = base64.b64decode(line)
    value = read(data, context)
    schema = client.get_schema(int.from_bytes(data[1:5], "big"))
    write = AvroSerializer(client, schema.schema_str)
    written = write(value, context)
    print(json.dumps({"value": shown(value), "written": base64.b64encode(written).decode()}))
"#;

fn schema() -> Result<Schema> {
    let inner = SchemaBuilder::structure().name("shop.Line").optional().field("sku", Schema::STRING).build()?;
    Ok(SchemaBuilder::structure()
        .name("shop.Order")
        .field("i8", Schema::INT8)
        .field("i16", Schema::INT16)
        .field("i32", Schema::INT32)
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
        .field("line", inner)
        .build()?)
}

fn value(schema: &Schema, number: i64) -> Result<Value> {
    let line = schema.field("line")?.context("line")?.schema().clone();
    let map = Map::insertion_ordered([("k".into(), Value::Int32(i32::try_from(number % 100)?))]);
    let mut value = Struct::new(schema.clone())?
        .with("i8", (number % 100) as i8)?
        .with("i16", -300i16)?
        .with("i32", i32::try_from(number % 70_000)?)?
        .with("i64", number << 33)?
        .with("f32", 1.5f32)?
        .with("f64", -0.25)?
        .with("b", number % 2 == 0)?
        .with("raw", Bytes::from_static(&[0, 255]))?
        .with("price", BigDecimal::new(number - 500, 2))?
        .with("day", Value::Date(86_400_000 * (number % 20_000)))?
        .with("at", Value::Date(number % 86_400_000))?
        .with("when", Value::Date(number * 1000))?
        .with("list", Value::Array(vec![Value::Int64(number), Value::Int64(-number)]))?
        .with("map", map)?;
    if number % 3 > 0 {
        value.put("s", format!("text {number} é"))?;
        value.put("line", Struct::new(line)?.with("sku", "x")?)?;
    }
    Ok(value.into())
}

#[test]
fn confluents_python_client_reads_avro_of_ours_and_we_read_its() -> Result<()> {
    let schema = schema()?;
    let values: Vec<Value> = (0..100).map(|number| value(&schema, number * 7919)).collect::<Result<_>>()?;
    let exchanged = exchange(AVRO, &[], AVRO_SCRIPT, &schema, &values)?;
    assert_eq!(exchanged[0].shown["price"], json!("-5.00"));
    let second = &exchanged[1].shown;
    assert_eq!(second["s"], json!("text 7919 é"));
    assert_eq!(second["line"], json!({"sku": "x"}));
    assert_eq!(second["raw"], json!("bytes:00ff"));
    assert_eq!(second["day"], json!("1991-09-07"));
    for record in &exchanged {
        assert_eq!(record.theirs[5..], record.ours[5..]);
    }
    Ok(())
}
