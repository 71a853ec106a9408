use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{SchemaBuilder, Struct};

use super::*;

fn schema() -> Schema {
    let inner =
        SchemaBuilder::structure().name("a.Inner").field("x", Schema::OPTIONAL_INT32).optional().build().unwrap();
    SchemaBuilder::structure()
        .name("a.Row")
        .field("id", Schema::INT64)
        .field("name", Schema::OPTIONAL_STRING)
        .field("inner", inner)
        .field("tags", SchemaBuilder::array(Schema::STRING).build().unwrap())
        .field("holes", SchemaBuilder::array(Schema::OPTIONAL_INT32).optional().build().unwrap())
        .field("counts", SchemaBuilder::map(Schema::STRING, Schema::INT32).build().unwrap())
        .field("price", logical::decimal(2))
        .field("at", logical::timestamp())
        .build()
        .unwrap()
}

fn row(id: i64) -> Value {
    let schema = schema();
    let mut row = Struct::new(schema.clone()).unwrap();
    row.put("id", id).unwrap();
    if id % 2 == 0 {
        row.put("name", format!("name {id}")).unwrap();
        let inner = Struct::new(schema.field("inner").unwrap().unwrap().schema().clone()).unwrap();
        row.put("inner", inner.with("x", id as i32).unwrap()).unwrap();
        row.put("holes", Value::Array(vec![Value::Int32(1), Value::Null, Value::Int32(3)])).unwrap();
    }
    let tags = (0..id % 3).map(|n| Value::from(format!("t{n}"))).collect::<Vec<_>>();
    row.put("tags", Value::Array(tags)).unwrap();
    row.put("counts", Map::insertion_ordered([("a".into(), Value::Int32(id as i32))])).unwrap();
    row.put("price", BigDecimal::new(12345 + id, 2)).unwrap();
    row.put("at", Value::Date(1_427_979_845_006)).unwrap();
    row.into()
}

fn written(codec: ParquetCodec, rows: std::ops::Range<i64>) -> Bytes {
    let (mut encoder, mut out) = (ParquetEncoder::new(Some(&schema()), codec, &Properties::new()).unwrap(), Vec::new());
    for id in rows {
        encoder.advance(&mut out).unwrap();
        encoder.append(&mut out, Some(&schema()), &row(id)).unwrap();
        if id % 10 == 3 {
            encoder.append(&mut out, Some(&schema()), &row(-1)).unwrap();
            encoder.undo();
        }
        if id == 50 {
            encoder.relieve(&mut out).unwrap();
        }
    }
    encoder.finish(&mut out).unwrap();
    out.into()
}

/// The crate's row reader shows a list of two levels as a list in a list.
fn text(row: &parquet::record::Row) -> String {
    row.to_string().replace("[[", "[").replace("]]", "]")
}

#[test]
fn every_value_comes_back_whatever_the_codec() {
    for codec in [ParquetCodec::None, ParquetCodec::Snappy, ParquetCodec::Gzip, ParquetCodec::Zstd] {
        let reader = SerializedFileReader::new(written(codec, 0..100)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        let texts: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| text(&row.unwrap())).collect();
        assert_eq!(texts.len(), 100, "{codec:?}");
        assert_eq!(
            texts[2],
            "{id: 2, name: \"name 2\", inner: {x: 2}, tags: [\"t0\", \"t1\"], holes: [1, null, 3], counts: {\"a\" -> 2}, \
             price: 123.47, at: 2015-04-02 13:04:05.006 +00:00}"
        );
        assert_eq!(
            texts[3],
            "{id: 3, name: null, inner: null, tags: [], holes: null, counts: {\"a\" -> 3}, price: 123.48, \
             at: 2015-04-02 13:04:05.006 +00:00}"
        );
    }
}

#[test]
fn the_schema_is_that_of_the_java_writer() {
    let reader = SerializedFileReader::new(written(ParquetCodec::None, 0..1)).unwrap();
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, reader.metadata().file_metadata().schema());
    let text = String::from_utf8(text).unwrap();
    for part in [
        "message a.Row {",
        "REPEATED BYTE_ARRAY array",
        "REPEATED group list {",
        "OPTIONAL INT32 element",
        "REPEATED group key_value {",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(metadata.iter().any(|pair| pair.key == "parquet.avro.schema"));
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    assert_eq!(written(ParquetCodec::Snappy, 0..500), written(ParquetCodec::Snappy, 0..500));
}

#[test]
fn what_has_no_columns_is_refused() {
    let refused = |schema: Option<&Schema>| {
        ParquetEncoder::new(schema, ParquetCodec::None, &Properties::new()).err().unwrap().to_string()
    };
    assert!(refused(None).contains("needs values with a schema of type STRUCT"));
    assert!(refused(Some(&Schema::STRING)).contains("needs values with a schema of type STRUCT"));
    assert!(refused(Some(&SchemaBuilder::structure().build().unwrap())).contains("a struct without fields"));
}
