use std::io::Read;

use sluice_api::testkit::{Delivery, SinkDriver};
use sluice_api::{Schema, SchemaBuilder, SinkRecord, Struct, TopicPartition};

use super::*;
use crate::testing::{FakeStore, record};

/// Keys, or names and contents.
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn properties(url: &str, more: &[(&str, &str)]) -> Properties {
    let least = [
        ("aws.s3.bucket.name", "b"),
        ("aws.s3.endpoint", url),
        ("aws.access.key.id", "key"),
        ("aws.secret.access.key", "secret"),
        ("file.compression.type", "none"),
    ];
    least.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn bytes(offset: i64) -> SinkRecord {
    let mut one = record(offset, None, bytes::Bytes::from(format!("v{offset}")));
    one.key = format!("k{}", offset % 2).into();
    one
}

/// Writes `records`, commits, and returns what is in the store then.
async fn written(more: &[(&str, &str)], records: &[SinkRecord]) -> Vec<(String, Vec<u8>)> {
    let store = FakeStore::start().await;
    let task = Box::new(S3SinkTask::with(config::parse));
    let mut driver = SinkDriver::start(task, &properties(&store.url(), more)).await.unwrap();
    driver.open(&[TopicPartition::new("t", 0)]).await.unwrap();
    assert!(matches!(driver.put(records).await.unwrap(), Delivery::Taken));
    assert!(store.objects().is_empty(), "objects are complete at the commit");
    driver.commit().await.unwrap();
    let next = records.last().unwrap().offset + 1;
    assert_eq!(driver.committed().get(&TopicPartition::new("t", 0)), Some(&next), "everything is committed");
    store.objects().into_iter().map(|(key, stored)| (key, stored.bytes.to_vec())).collect()
}

fn texts(objects: &[(String, Vec<u8>)]) -> Vec<(&str, &str)> {
    objects.iter().map(|(key, bytes)| (key.as_str(), std::str::from_utf8(bytes).unwrap())).collect()
}

#[tokio::test]
async fn every_template_gives_aivens_names_and_groups() {
    let plain = ("format.output.fields.value.encoding", "none");
    let event = ("file.name.timestamp.source", "EVENT");
    let cases: [(Pairs<'_>, Pairs<'_>); 7] = [
        (&[plain], &[("t-0-0", "v0\nv1\nv2")]),
        (&[plain, ("file.max.records", "2")], &[("t-0-0", "v0\nv1"), ("t-0-2", "v2")]),
        (
            &[plain, ("file.name.template", "{{topic}}/{{partition:padding=true}}/{{start_offset:padding=true}}.csv")],
            &[("t/0000000000/00000000000000000000.csv", "v0\nv1\nv2")],
        ),
        (&[plain, ("file.name.template", "{{key}}")], &[("k0", "v2"), ("k1", "v1")]),
        (
            &[plain, ("file.name.template", "{{topic}}-{{partition}}-{{key}}-{{start_offset}}")],
            &[("t-0-k0-0", "v0\nv2"), ("t-0-k1-0", "v1")],
        ),
        (
            &[plain, event, ("file.name.template", "{{timestamp:unit=yyyy}}/{{topic}}-{{partition}}-{{start_offset}}")],
            &[("2015/t-0-0", "v0\nv1\nv2")],
        ),
        (
            &[plain, ("aws_s3_prefix", "old/{{timestamp:unit=MM}}/"), ("timestamp.source", "EVENT")],
            &[("old/04/t-0-00000000000000000000", "v0\nv1\nv2")],
        ),
    ];
    for (more, expected) in cases {
        let objects = written(more, &[bytes(0), bytes(1), bytes(2)]).await;
        assert_eq!(texts(&objects), expected, "{more:?}");
    }
}

#[tokio::test]
async fn the_default_is_gzip_of_base64_under_a_name_that_does_not_say_so() {
    let store = FakeStore::start().await;
    let mut keys = properties(&store.url(), &[]);
    keys.swap_remove("file.compression.type");
    let mut driver = SinkDriver::start(Box::new(S3SinkTask::with(config::parse)), &keys).await.unwrap();
    driver.open(&[TopicPartition::new("t", 0)]).await.unwrap();
    driver.put(&[bytes(0), bytes(1)]).await.unwrap();
    driver.commit().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*store.objects()["t-0-0"].bytes).read_to_string(&mut text).unwrap();
    assert_eq!(text, "djA=\ndjE=");
}

#[tokio::test]
async fn compressions_and_formats_have_their_names_and_readers() {
    let cases = [("zstd", "t-0-0.zst"), ("snappy", "t-0-0.snappy"), ("gzip", "t-0-0.gz")];
    for (compression, name) in cases {
        let objects = written(&[("file.compression.type", compression)], &[bytes(0)]).await;
        assert_eq!(objects[0].0, name);
    }
    let schema = SchemaBuilder::structure().field("id", Schema::INT64).build().unwrap();
    let row = |offset: i64| {
        let mut one =
            record(offset, Some(schema.clone()), Struct::new(schema.clone()).unwrap().with("id", offset).unwrap());
        (one.key_schema, one.key) = (Some(Schema::STRING), "k".into());
        one
    };
    let avro = [("format.output.type", "avro"), ("format.output.fields", "key,offset,value")];
    let objects = written(&avro, &[row(0), row(1)]).await;
    assert_eq!(objects[0].0, "t-0-0.avro");
    let rows: Vec<_> = apache_avro::Reader::new(&*objects[0].1).unwrap().map(Result::unwrap).collect();
    let apache_avro::types::Value::Record(fields) = &rows[1] else { panic!("{:?}", rows[1]) };
    assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["key", "offset", "value"]);
    assert_eq!(fields[1].1, apache_avro::types::Value::Long(1));
    let parquet =
        [("format.output.type", "parquet"), ("format.output.envelope", "false"), ("format.output.fields", "value")];
    let objects = written(&parquet, &[row(0), row(1)]).await;
    assert!(objects[0].1.starts_with(b"PAR1") && objects[0].1.ends_with(b"PAR1"));
}

#[tokio::test]
async fn a_record_that_does_not_fit_leaves_the_last_one_of_its_key() {
    let store = FakeStore::start().await;
    let keys =
        properties(&store.url(), &[("file.name.template", "{{key}}"), ("format.output.fields.value.encoding", "none")]);
    let mut driver = SinkDriver::start(Box::new(S3SinkTask::with(config::parse)), &keys).await.unwrap();
    driver.open(&[TopicPartition::new("t", 0)]).await.unwrap();
    driver.put(&[bytes(0)]).await.unwrap();
    let mut wrong = record(2, None, 5i64);
    wrong.key = "k0".into();
    assert!(driver.put(&[wrong]).await.is_err());
    driver.commit().await.unwrap();
    assert_eq!(store.texts(), [("k0".to_owned(), "v0".to_owned())]);
}

#[test]
fn what_is_wrong_is_refused_by_key() {
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[("file.name.template", "fixed")], "do not go together"),
        (&[("file.name.template", "{{nope}}")], "`nope` is no variable"),
        (&[("file.name.template", "{{key}}"), ("file.max.records", "5")], "for configuration file.max.records"),
        (&[("format.output.fields", "key,nope")], "nope is no field"),
        (&[("format.output.envelope", "false")], "must name one field"),
        (&[("file.compression.type", "lz4")], "for configuration file.compression.type"),
        (&[("format.output.type", "xml")], "format.output.type"),
        (&[("aws.credentials.provider", "com.example.Own")], "not supported yet"),
    ];
    for (more, part) in cases {
        let error = config::parse(&properties("http://127.0.0.1:1", more)).err().map(|error| error.to_string());
        assert!(error.as_deref().is_some_and(|error| error.contains(part)), "{more:?}: {error:?}");
    }
    assert!(config::parse(&properties("http://127.0.0.1:1", &[])).is_ok());
}
