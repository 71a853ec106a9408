//! Parquet and Avro, in the drill read back by readers of others: pyarrow and fastavro. The short round looks at names and first bytes;
//! rows of Avro are read by an independent reader in the connector's own tests.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sluice_harness::{Kafka, Properties, S3Server, Sluice, Tier, count, python_with, tier, wait_until};

const ARRIVED: Duration = Duration::from_secs(120);
const FLUSH_SIZE: usize = 250;
const PACKAGES: [&str; 3] = ["pyarrow==26.0.1", "fastavro==1.13.1", "cramjam==2.14.0"];

/// Prints the rows of an object as JSON lines.
const READER: &str = r#"
import io, json, sys
data = io.BytesIO(sys.stdin.buffer.read())
if sys.argv[1] == "parquet":
    import pyarrow.parquet
    rows = pyarrow.parquet.read_table(data).to_pylist()
else:
    import fastavro
    rows = list(fastavro.reader(data))
for row in rows:
    row["counts"] = dict(row["counts"])
    print(json.dumps(row, sort_keys=True))
"#;

fn schema() -> Value {
    json!({ "type": "struct", "name": "a.Row", "optional": false, "fields": [
        { "field": "id", "type": "int64", "optional": false },
        { "field": "name", "type": "string", "optional": true },
        { "field": "inner", "type": "struct", "name": "a.Inner", "optional": true, "fields": [
            { "field": "x", "type": "double", "optional": false }] },
        { "field": "tags", "type": "array", "optional": false, "items": { "type": "string", "optional": false } },
        { "field": "holes", "type": "array", "optional": true, "items": { "type": "int32", "optional": true } },
        { "field": "counts", "type": "map", "optional": false, "keys": { "type": "string", "optional": false },
            "values": { "type": "int32", "optional": false } }] })
}

fn row(number: usize) -> Value {
    let even = number.is_multiple_of(2);
    let tags: Vec<String> = (0..number % 3).map(|tag| format!("tag {tag}")).collect();
    json!({ "id": number, "name": even.then(|| format!("näme {number}")), "inner": even.then(|| json!({ "x": number as f64 / 4.0 })),
        "tags": tags, "holes": (!number.is_multiple_of(5)).then(|| json!([1, null, number])), "counts": { "n": number } })
}

#[test]
fn other_readers_find_every_row() -> Result<()> {
    let (kafka, server) = (Kafka::shared()?, S3Server::start()?);
    let (topic, total) = ("s3-formats", FLUSH_SIZE * count(4, 40));
    kafka.topics().create(topic, 1, &[])?;
    let record =
        |number: usize| (None::<Vec<u8>>, Some(json!({ "schema": schema(), "payload": row(number) }).to_string()));
    kafka.topics().produce_keyed(topic, None, (0..total).map(record))?;
    let mut worker = Sluice::distributed(&Properties::distributed(kafka, topic)).start()?;
    let cases = [
        ("parquet", "parquet.codec", "snappy", ".snappy.parquet"),
        ("parquet", "parquet.codec", "zstd", ".zstd.parquet"),
        ("parquet", "parquet.codec", "none", ".parquet"),
        ("avro", "avro.codec", "null", ".avro"),
        ("avro", "avro.codec", "deflate", ".avro"),
        ("avro", "avro.codec", "snappy", ".avro"),
    ];
    for (format, key, codec, extension) in cases {
        let name = format!("{format}-{codec}");
        let class = if format == "avro" { "avro.AvroFormat" } else { "parquet.ParquetFormat" };
        let mut config = server.connector_keys();
        let more = json!({ "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": topic, "topics.dir": name,
            "storage.class": "io.confluent.connect.s3.storage.S3Storage", "flush.size": FLUSH_SIZE.to_string(), key: codec,
            "format.class": format!("io.confluent.connect.s3.format.{class}"),
            "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "true",
            "consumer.override.auto.offset.reset": "earliest" });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        worker.rest().put_connector(&name, &config)?.expect(201)?;
        let objects = wait_until("every object", ARRIVED, || {
            let mut objects = server.objects()?;
            objects.retain(|key, _| key.starts_with(&format!("{name}/")));
            ensure!(objects.len() == total / FLUSH_SIZE, "{:?}", objects.keys());
            Ok(objects)
        })?;
        let mut number = 0;
        for (key, bytes) in objects {
            ensure!(key == format!("{name}/{topic}/partition=0/{topic}+0+{number:010}{extension}"), "{key}");
            ensure!(
                bytes.starts_with(if format == "avro" { b"Obj\x01" } else { b"PAR1" }),
                "{key} begins with something else"
            );
            if tier() == Tier::Test {
                number += FLUSH_SIZE;
                continue;
            }
            let text = String::from_utf8(python_with("formats", &PACKAGES, READER, &[format], &bytes)?)?;
            for line in text.lines() {
                let found: Value = serde_json::from_str(line)?;
                ensure!(found == row(number), "{key}: {found} instead of {}", row(number));
                number += 1;
            }
        }
        ensure!(number == total, "{name}: {number} rows of {total}");
        worker.rest().remove_connector(&name, Duration::from_secs(30))?;
    }
    ensure!(worker.stop()?.success(), "{}", worker.logs());
    Ok(())
}
