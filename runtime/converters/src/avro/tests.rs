//! The mapping in both directions, plans against each other and against another Avro library, and what is refused.

use bytes::Bytes;
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{Converter, ErrorKind, Properties, Result, Schema, SchemaBuilder, Struct, Value};

use super::config::AvroDataConfig;
use super::converter::AvroConverter;
use super::from_connect::from_connect;
use super::read::{self, Input};
use super::schema::{AvroSchema, parse};
use super::to_connect::to_connect;
use super::write;
use crate::registry::fake_registry::FakeRegistry;

mod mapping;
mod resolution;

fn config(keys: &[(&str, &str)]) -> AvroDataConfig {
    let properties: Properties = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    AvroDataConfig::parse(&properties).unwrap()
}

fn avro(text: &str) -> AvroSchema {
    parse(text, []).unwrap()
}

fn encoded(config: &AvroDataConfig, schema: Option<&Schema>, avro: &AvroSchema, value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write::compile(config, schema, avro)?.write(&mut out, value)?;
    Ok(out)
}

fn decoded(config: &AvroDataConfig, writer: &AvroSchema, reader: &AvroSchema, bytes: &[u8]) -> Result<Value> {
    let schema = to_connect(config, reader, None)?;
    let plan = read::compile(config, writer, reader, schema.as_ref())?;
    plan.read(&mut Input::new(&Bytes::copy_from_slice(bytes)))
}

/// Everything that a struct can hold.
fn everything() -> (Schema, Value) {
    let inner =
        SchemaBuilder::structure().name("a.Inner").optional().field("n", Schema::OPTIONAL_INT64).build().unwrap();
    let entries = SchemaBuilder::map(Schema::INT32, Schema::OPTIONAL_STRING).build().unwrap();
    let schema = SchemaBuilder::structure()
        .name("a.All")
        .field("i8", Schema::INT8)
        .field("i16", Schema::OPTIONAL_INT16)
        .field("i32", SchemaBuilder::int32().default(7).build().unwrap())
        .field("i64", Schema::INT64)
        .field("f32", Schema::FLOAT32)
        .field("f64", Schema::OPTIONAL_FLOAT64)
        .field("b", Schema::BOOLEAN)
        .field("s", SchemaBuilder::string().optional().default("d").build().unwrap())
        .field("raw", Schema::BYTES)
        .field("decimal", logical::decimal(2))
        .field("date", logical::date())
        .field("time", logical::time())
        .field("timestamp", logical::timestamp())
        .field("array", SchemaBuilder::array(Schema::OPTIONAL_INT32).build().unwrap())
        .field("map", SchemaBuilder::map(Schema::STRING, Schema::INT8).build().unwrap())
        .field("entries", entries)
        .field("inner", inner.clone())
        .field("again", inner.clone())
        .build()
        .unwrap();
    let nested = Struct::new(inner).unwrap().with("n", i64::MIN).unwrap();
    let value = Struct::new(schema.clone())
        .and_then(|value| {
            value
                .with("i8", -128i8)?
                .with("i32", i32::MAX)?
                .with("i64", i64::MAX)?
                .with("f32", 1.1f32)?
                .with("f64", f64::NEG_INFINITY)?
                .with("b", true)?
                .with("s", "grüße \u{1F600}")?
                .with("raw", Bytes::from_static(&[0, 1, 255]))?
                .with("decimal", BigDecimal::new(-12_345, 2))?
                .with("date", Value::Date(-86_400_000))?
                .with("time", Value::Date(86_399_999))?
                .with("timestamp", Value::Date(-1))?
                .with("array", Value::Array(vec![Value::Int32(1), Value::Null, Value::Int32(-1)]))?
                .with("map", Map::insertion_ordered([("k".into(), Value::Int8(1))]))?
                .with(
                    "entries",
                    Map::insertion_ordered([(Value::Int32(5), Value::Null), (Value::Int32(6), "x".into())]),
                )?
                .with("inner", nested)
        })
        .unwrap();
    (schema, value.into())
}

#[test]
fn what_is_written_reads_the_same() {
    let (schema, value) = everything();
    let config = config(&[]);
    let avro = from_connect(&config, Some(&schema)).unwrap();
    // The text is a schema of its own again.
    assert_eq!(parse(&avro.to_text(), []).unwrap().to_text(), avro.to_text());
    let bytes = encoded(&config, Some(&schema), &avro, &value).unwrap();
    assert_eq!(decoded(&config, &avro, &avro, &bytes).unwrap(), value);
    assert_eq!(to_connect(&config, &avro, None).unwrap(), Some(schema));
}

#[test]
fn another_avro_library_reads_what_is_written_and_the_other_way_round() {
    let (schema, value) = everything();
    let config = config(&[]);
    let avro = from_connect(&config, Some(&schema)).unwrap();
    let bytes = encoded(&config, Some(&schema), &avro, &value).unwrap();
    let theirs = apache_avro::Schema::parse_str(&avro.to_text()).unwrap();
    let read = apache_avro::from_avro_datum(&theirs, &mut &bytes[..], None).unwrap();
    let apache_avro::types::Value::Record(fields) = &read else { panic!("{read:?}") };
    assert_eq!(fields[0], ("i8".to_owned(), apache_avro::types::Value::Int(-128)));
    assert_eq!(fields.len(), 18);
    let written = apache_avro::to_avro_datum(&theirs, read.clone()).unwrap();
    assert_eq!(decoded(&config, &avro, &avro, &written).unwrap(), value);
}

#[test]
fn data_without_schema_has_a_schema_of_its_own() {
    let config = config(&[]);
    let anything = from_connect(&config, None).unwrap();
    assert_eq!(
        anything.to_text(),
        r#"{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},{"name":"string","type":["null","string"],"default":null},{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}"#
    );
    let map = Map::insertion_ordered([("a".into(), Value::Int64(1)), (Value::Boolean(true), Value::Null)]);
    let value = Value::Array(vec![map.into(), Value::from("x"), Value::Float64(0.5), Value::Null]);
    let bytes = encoded(&config, None, &anything, &value).unwrap();
    assert_eq!(decoded(&config, &anything, &anything, &bytes).unwrap(), value);
    assert_eq!(encoded(&config, None, &anything, &Value::Int32(1)).unwrap(), [0, 0, 0, 0, 2, 2, 0, 0, 0, 0]);
    // Integers have one width without a schema, as with Confluent's converter.
    let bytes = encoded(&config, None, &anything, &Value::Int8(1)).unwrap();
    assert_eq!(decoded(&config, &anything, &anything, &bytes).unwrap(), Value::Int32(1));
    assert!(encoded(&config, None, &anything, &Value::Date(0)).is_err());
}

#[test]
fn bytes_that_are_no_value_of_the_schema_are_refused() {
    let config = config(&[]);
    let refused = |schema: &str, bytes: &[u8]| {
        let schema = avro(schema);
        decoded(&config, &schema, &schema, bytes).unwrap_err().trace()
    };
    assert!(refused(r#""int""#, &[]).contains("ends too early"));
    assert!(refused(r#""int""#, &[0x80; 12]).contains("more than 64 bits"));
    assert!(refused(r#""int""#, &[0xff, 0xff, 0xff, 0xff, 0x7f]).contains("takes more than 32 bits"));
    assert!(refused(r#""string""#, &[4, 0xff, 0xff]).contains("no UTF-8"));
    assert!(refused(r#""string""#, &[1]).contains("has the length -1"));
    assert!(refused(r#"["null","int"]"#, &[4]).contains("branch of a union 2, there are 2"));
    assert!(
        refused(r#"{"type":"enum","name":"E","symbols":["A"]}"#, &[2]).contains("symbol of an enum 1, there are 1")
    );
    let empty = r#"{"type":"array","items":{"type":"record","name":"R","fields":[]}}"#;
    assert!(refused(empty, &[0xfe, 0xff, 0xff, 0xff, 0x0f]).contains("promises"));
    assert!(
        refused(r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#, &[0]).contains("Zero length")
    );
    assert!(refused(r#"{"type":"int","connect.type":"int8"}"#, &[0x80, 2]).contains("128 does not fit"));
}

#[test]
fn values_that_do_not_fit_are_refused_in_kafkas_words() {
    let config = config(&[]);
    let refused = |schema: Schema, value: Value| {
        let avro = from_connect(&config, Some(&schema)).unwrap();
        encoded(&config, Some(&schema), &avro, &value).unwrap_err().to_string()
    };
    assert_eq!(refused(Schema::INT32, Value::from("x")), "Invalid type for INT32: class java.lang.String");
    assert_eq!(refused(Schema::STRING, Value::Null), "Found null value for non-optional schema");
    assert_eq!(
        refused(logical::date(), Value::Int32(1)),
        "Invalid type for Date, expected Date but was class java.lang.Integer"
    );
    assert!(refused(logical::decimal(2), BigDecimal::new(1, 3).into()).contains("mismatching scale"));
    let one = SchemaBuilder::structure().field("a", Schema::OPTIONAL_INT8).build().unwrap();
    let other = SchemaBuilder::structure().field("b", Schema::OPTIONAL_INT8).build().unwrap();
    assert_eq!(refused(one, Struct::new(other).unwrap().into()), "Mismatching struct schema");
}

#[test]
fn a_record_costs_one_look_up_and_one_registration() {
    let fake = FakeRegistry::remembering();
    let mut converter = AvroConverter::new(&fake.properties(&[]), false).unwrap();
    let (schema, value) = everything();
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(converter.from_connect_data("t", Some(&schema), &value).unwrap().unwrap());
    }
    // The same schema as another object: the same id.
    let (twin, twin_value) = everything();
    all.push(converter.from_connect_data("t", Some(&twin), &twin_value).unwrap().unwrap());
    assert!(all.iter().all(|bytes| *bytes == all[0]));
    assert_eq!(all[0][..5], [0, 0, 0, 0, 1]);
    for bytes in &all {
        let read = converter.to_connect_data("t", Some(bytes)).unwrap();
        assert_eq!(read.value.to_string(), value.to_string());
        assert_eq!(read.schema.unwrap().version(), Some(1));
    }
    assert_eq!(
        fake.lines(),
        [
            "POST /subjects/t-value/versions?normalize=false",
            "GET /schemas/ids/1?fetchMaxId=false&subject=t-value",
            "POST /subjects/t-value?normalize=false&deleted=false",
        ]
    );
}

#[test]
fn bytes_alone_are_written_without_their_length() {
    let fake = FakeRegistry::remembering();
    let mut converter = AvroConverter::new(&fake.properties(&[]), true).unwrap();
    let raw = Value::from(Bytes::from_static(b"raw"));
    let written = converter.from_connect_data("t", Some(&Schema::BYTES), &raw).unwrap().unwrap();
    assert_eq!(written[..], *b"\0\0\0\0\x01raw");
    assert_eq!(converter.to_connect_data("t", Some(&written)).unwrap().value, raw);
    let number = Value::from(BigDecimal::new(258, 1));
    let written = converter.from_connect_data("t", Some(&logical::decimal(1)), &number).unwrap().unwrap();
    assert_eq!(written[5..], [1, 2]);
    assert_eq!(converter.to_connect_data("t", Some(&written)).unwrap().value, number);
    let written = converter.from_connect_data("t", Some(&Schema::OPTIONAL_BYTES), &raw).unwrap().unwrap();
    assert_eq!(written[5..], *b"\x02\x06raw");
    assert_eq!(fake.lines()[0], "POST /subjects/t-key/versions?normalize=false");
}

#[test]
fn nulls_are_tombstones_where_they_are_allowed() {
    let fake = FakeRegistry::remembering();
    let mut converter = AvroConverter::new(&fake.properties(&[]), false).unwrap();
    assert_eq!(converter.from_connect_data("t", None, &Value::Null).unwrap(), None);
    assert_eq!(converter.from_connect_data("t", Some(&Schema::OPTIONAL_INT8), &Value::Null).unwrap(), None);
    let error = converter.from_connect_data("t", Some(&Schema::INT8), &Value::Null).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Data, "Found null value for non-optional schema"));
    assert!(converter.to_connect_data("t", None).unwrap().value.is_null());
    assert!(fake.lines().is_empty());
}

#[test]
fn a_flat_record_costs_one_allocation_to_read_and_none_to_write() {
    let schema = SchemaBuilder::structure()
        .name("a.Flat")
        .field("id", Schema::INT64)
        .field("name", Schema::OPTIONAL_STRING)
        .field("amount", Schema::FLOAT64)
        .field("at", logical::timestamp())
        .field("open", Schema::BOOLEAN)
        .build()
        .unwrap();
    let value: Value = Struct::new(schema.clone())
        .and_then(|value| {
            let value = value.with("id", 7i64)?.with("name", "a name of some length")?.with("amount", 1.5)?;
            value.with("at", Value::Date(1_700_000_000_000))?.with("open", true)
        })
        .unwrap()
        .into();
    let fake = FakeRegistry::remembering();
    let mut converter = AvroConverter::new(&fake.properties(&[]), false).unwrap();
    let bytes = converter.from_connect_data("t", Some(&schema), &value).unwrap().unwrap();
    drop(converter.to_connect_data("t", Some(&bytes)).unwrap());
    let read = allocation_counter::measure(|| {
        for _ in 0..1000 {
            drop(converter.to_connect_data("t", Some(&bytes)).unwrap());
        }
    });
    // The fields of the struct; text shares the record's memory.
    assert_eq!(read.count_total, 1000);
    let written = allocation_counter::measure(|| {
        for _ in 0..1000 {
            drop(converter.from_connect_data("t", Some(&schema), &value).unwrap());
        }
    });
    // A chunk now and then, which many records share.
    assert!(written.count_total <= 10, "{written:?}");
}
