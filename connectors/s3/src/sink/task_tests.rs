use std::collections::BTreeMap;
use std::io::Read;

use sluice_api::connector::MemoryShare;
use sluice_api::testkit::{Delivery, SinkDriver};
use sluice_api::{Schema, SchemaBuilder, Struct, Value};

use super::*;
use crate::testing::{FakeStore, Trouble, record, sink_properties};

const FORMAT: &str = "io.confluent.connect.s3.format.";
const PARTITIONER: &str = "io.confluent.connect.storage.partitioner.";

fn t0() -> TopicPartition {
    TopicPartition::new("t", 0)
}

async fn driver(store: &FakeStore, more: &[(&str, &str)]) -> SinkDriver {
    let mut driver = SinkDriver::start(Box::<S3SinkTask>::default(), &sink_properties(store, more)).await.unwrap();
    driver.open(&[t0()]).await.unwrap();
    driver
}

async fn put(driver: &mut SinkDriver, records: &[SinkRecord]) {
    assert!(matches!(driver.put(records).await.unwrap(), Delivery::Taken));
}

fn bytes(offset: i64) -> SinkRecord {
    record(offset, None, bytes::Bytes::from(format!("value {offset}")))
}

fn committed(driver: &SinkDriver) -> Option<i64> {
    driver.committed().get(&t0()).copied()
}

/// Writes `records` and returns what is in the store then.
async fn written(more: &[(&str, &str)], records: &[SinkRecord]) -> Vec<(String, String)> {
    let store = FakeStore::start().await;
    let mut driver = driver(&store, more).await;
    put(&mut driver, records).await;
    driver.commit().await.unwrap();
    store.texts()
}

fn names(objects: &[(String, String)]) -> Vec<&str> {
    objects.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn objects_have_confluents_names_and_bytes_and_a_remainder_is_not_committed() {
    let store = FakeStore::start().await;
    let mut driver = driver(&store, &[]).await;
    put(&mut driver, &(0..8).map(bytes).collect::<Vec<_>>()).await;
    driver.commit().await.unwrap();
    let expected = [
        ("topics/t/partition=0/t+0+0000000000.bin", "value 0\nvalue 1\nvalue 2\n"),
        ("topics/t/partition=0/t+0+0000000003.bin", "value 3\nvalue 4\nvalue 5\n"),
    ];
    assert_eq!(store.texts(), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert_eq!(committed(&driver), Some(6));
}

#[tokio::test]
async fn a_crash_repeats_the_same_objects_and_loses_nothing() {
    let store = FakeStore::start().await;
    let mut first = driver(&store, &[]).await;
    put(&mut first, &(0..5).map(bytes).collect::<Vec<_>>()).await;
    first.commit().await.unwrap();
    put(&mut first, &(5..8).map(bytes).collect::<Vec<_>>()).await;
    let at = committed(&first).unwrap();
    // The second object may be complete, its offset is not committed.
    drop(first);
    let mut second = driver(&store, &[]).await;
    put(&mut second, &(at..9).map(bytes).collect::<Vec<_>>()).await;
    second.commit().await.unwrap();
    let all: String = store.texts().into_iter().map(|(_, text)| text).collect();
    assert_eq!(all, (0..9).map(|n| format!("value {n}\n")).collect::<String>());
    assert_eq!(committed(&second), Some(9));
}

#[tokio::test]
async fn structs_are_json_lines_and_gzip_is_around_them() {
    let schema =
        SchemaBuilder::structure().field("id", Schema::INT32).field("name", Schema::OPTIONAL_STRING).build().unwrap();
    let row = |offset: i64| {
        let value = Struct::new(schema.clone()).unwrap().with("id", offset as i32).unwrap().with("name", "é").unwrap();
        record(offset, Some(schema.clone()), value)
    };
    let store = FakeStore::start().await;
    let json = format!("{FORMAT}json.JsonFormat");
    let mut driver = driver(&store, &[("format.class", &json), ("s3.compression.type", "gzip")]).await;
    put(&mut driver, &(0..3).map(row).collect::<Vec<_>>()).await;
    driver.commit().await.unwrap();
    let objects = store.objects();
    let object = &objects["topics/t/partition=0/t+0+0000000000.json.gz"];
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*object.bytes).read_to_string(&mut text).unwrap();
    assert_eq!(text, "{\"id\":0,\"name\":\"é\"}\n{\"id\":1,\"name\":\"é\"}\n{\"id\":2,\"name\":\"é\"}\n");
}

#[tokio::test]
async fn every_part_of_a_name_is_configured() {
    let keys = [
        ("topics.dir", "archive/raw"),
        ("file.delim", "-"),
        ("filename.offset.zero.pad.width", "4"),
        ("format.bytearray.extension", ".raw"),
        ("format.bytearray.separator", "|"),
    ];
    let objects = written(&keys, &(7..10).map(bytes).collect::<Vec<_>>()).await;
    assert_eq!(objects, [("archive/raw/t/partition=0/t-0-0007.raw".to_owned(), "value 7|value 8|value 9|".to_owned())]);
}

#[tokio::test]
async fn record_time_ends_objects_and_the_record_that_ends_one_opens_the_next() {
    let keys = [
        ("flush.size", "100"),
        ("partitioner.class", &*format!("{PARTITIONER}HourlyPartitioner")),
        ("locale", "en-US"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
        ("rotate.interval.ms", "3000"),
    ];
    // A second apart: 0, 1, 2 | 3, 4, 5 | 6.
    let objects = written(&keys, &(0..7).map(bytes).collect::<Vec<_>>()).await;
    let folder = "topics/t/year=2015/month=04/day=02/hour=13";
    assert_eq!(names(&objects), [format!("{folder}/t+0+0000000000.bin"), format!("{folder}/t+0+0000000003.bin")]);
    assert_eq!(objects[0].1, "value 0\nvalue 1\nvalue 2\n");
}

#[tokio::test]
async fn another_folder_ends_objects_only_with_an_interval() {
    let hour = |offset: i64| {
        let mut record = bytes(offset);
        record.timestamp_ms = Some(1_427_979_845_006 + (offset % 2) * 3_600_000);
        record
    };
    let class = format!("{PARTITIONER}HourlyPartitioner");
    let base = [
        ("flush.size", "4"),
        ("partitioner.class", &*class),
        ("locale", "en"),
        ("timezone", "UTC"),
        ("timestamp.extractor", "Record"),
    ];
    let records: Vec<_> = (0..4).map(hour).collect();
    let objects = written(&base, &records).await;
    assert_eq!(
        objects.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(),
        ["value 0\nvalue 2\n", "value 1\nvalue 3\n"]
    );
    let mut with_interval = base.to_vec();
    with_interval.push(("rotate.interval.ms", "999999999"));
    let objects = written(&with_interval, &records).await;
    // Each record but the last one was alone when the next one came.
    assert_eq!(objects.len(), 3);
}

#[tokio::test]
async fn a_schema_that_changes_ends_the_objects() {
    let schema = |name: &str| SchemaBuilder::structure().name(name).field("id", Schema::INT32).build().unwrap();
    let row = |offset: i64, schema: &Schema| {
        let value = Struct::new(schema.clone()).unwrap().with("id", offset as i32).unwrap();
        record(offset, Some(schema.clone()), value)
    };
    let (one, other) = (schema("one"), schema("other"));
    let records = [row(0, &one), row(1, &one), row(2, &other), row(3, &one)];
    let json = format!("{FORMAT}json.JsonFormat");
    let objects = written(&[("format.class", &json), ("flush.size", "100")], &records).await;
    let expected = ["topics/t/partition=0/t+0+0000000000.json", "topics/t/partition=0/t+0+0000000002.json"];
    assert_eq!(names(&objects), expected);
}

#[tokio::test]
async fn partitions_that_alternate_keep_their_folders_when_the_schema_changes() {
    let schema = |name: &str| SchemaBuilder::structure().name(name).field("id", Schema::INT32).build().unwrap();
    let row = |partition: i32, offset: i64, schema: &Schema| {
        let value = Struct::new(schema.clone()).unwrap().with("id", offset as i32).unwrap();
        let mut record = record(offset, Some(schema.clone()), value);
        record.partition = partition;
        record
    };
    let (one, other) = (schema("one"), schema("other"));
    let store = FakeStore::start().await;
    let json = format!("{FORMAT}json.JsonFormat");
    let mut driver = driver(&store, &[("format.class", &json), ("flush.size", "2")]).await;
    driver.open(&[TopicPartition::new("t", 1)]).await.unwrap();
    let rows =
        [row(0, 0, &one), row(1, 0, &one), row(0, 1, &other), row(1, 1, &other), row(0, 2, &other), row(1, 2, &other)];
    put(&mut driver, &rows).await;
    driver.commit().await.unwrap();
    let expected = [
        "topics/t/partition=0/t+0+0000000000.json",
        "topics/t/partition=0/t+0+0000000001.json",
        "topics/t/partition=1/t+1+0000000000.json",
        "topics/t/partition=1/t+1+0000000001.json",
    ];
    assert_eq!(names(&store.texts()), expected);
}

#[tokio::test]
async fn another_version_of_the_schema_goes_into_the_open_object_as_the_mode_says() {
    let version = |number: i32| {
        let builder = SchemaBuilder::structure().name("a.Row").version(number).field("id", Schema::INT32);
        if number == 1 { builder.build() } else { builder.field("name", Schema::OPTIONAL_STRING).build() }.unwrap()
    };
    let row = |offset: i64, schema: &Schema| {
        let value = Struct::new(schema.clone()).unwrap().with("id", offset as i32).unwrap();
        record(offset, Some(schema.clone()), value)
    };
    let (one, two) = (version(1), version(2));
    let records = [row(0, &one), row(1, &two), row(2, &one), row(3, &two)];
    let json = format!("{FORMAT}json.JsonFormat");
    let texts = |mode: &'static str| {
        let (json, records) = (json.clone(), records.clone());
        async move {
            let keys = [("format.class", &*json), ("flush.size", "2"), ("schema.compatibility", mode)];
            written(&keys, &records).await.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        }
    };
    // The first object has version 1 alone; then the counter goes by what is in the open one.
    let backward = ["{\"id\":0}\n", "{\"id\":1,\"name\":null}\n{\"id\":2,\"name\":null}\n"];
    assert_eq!(texts("BACKWARD").await, backward);
    assert_eq!(texts("FORWARD").await, ["{\"id\":0}\n{\"id\":1}\n", "{\"id\":2}\n{\"id\":3}\n"]);
}

#[tokio::test]
async fn avro_and_parquet_are_named_by_their_codecs() {
    let schema = SchemaBuilder::structure().field("id", Schema::INT32).build().unwrap();
    let row = |offset: i64| {
        let value = Struct::new(schema.clone()).unwrap().with("id", offset as i32).unwrap();
        record(offset, Some(schema.clone()), value)
    };
    let records: Vec<_> = (0..3).map(row).collect();
    for (format, key, codec, extension, magic) in [
        ("avro.AvroFormat", "avro.codec", "snappy", ".avro", "Obj\u{1}"),
        ("parquet.ParquetFormat", "parquet.codec", "snappy", ".snappy.parquet", "PAR1"),
        ("parquet.ParquetFormat", "parquet.codec", "none", ".parquet", "PAR1"),
    ] {
        let class = format!("{FORMAT}{format}");
        let objects = written(&[("format.class", &*class), (key, codec)], &records).await;
        assert_eq!(names(&objects), [format!("topics/t/partition=0/t+0+0000000000{extension}")]);
        assert!(objects[0].1.starts_with(magic));
    }
}

#[tokio::test]
async fn size_ends_objects() {
    let objects =
        written(&[("flush.size", "1000"), ("sluice.rotate.size.bytes", "16")], &(0..5).map(bytes).collect::<Vec<_>>())
            .await;
    assert_eq!(objects.iter().map(|(_, text)| text.len()).collect::<Vec<_>>(), [16, 16]);
}

#[tokio::test]
async fn keys_and_headers_go_to_objects_beside_and_tombstones_to_their_own() {
    let mut records: Vec<_> = (0..4).map(bytes).collect();
    for record in &mut records {
        record.key = Value::from(format!("k{}", record.offset));
        record.headers.add("h", Some(Schema::INT32), Value::Int32(7)).unwrap();
    }
    records[2].value = Value::Null;
    let json = format!("{FORMAT}json.JsonFormat");
    let keys = [
        ("flush.size", "2"),
        ("store.kafka.keys", "true"),
        ("keys.format.class", &*json),
        ("store.kafka.headers", "true"),
        ("headers.format.class", &*json),
        ("behavior.on.null.values", "write"),
    ];
    let mut with_more = records.clone();
    with_more.extend((4..6).map(|offset| {
        let mut more = records[3].clone();
        more.offset = offset;
        more
    }));
    let objects: BTreeMap<_, _> = written(&keys, &with_more).await.into_iter().collect();
    let header = "{\"headers\":[{\"key\":\"h\",\"value\":7}]}\n";
    let expected = [
        ("topics/t/partition=0/t+0+0000000000.bin", "value 0\nvalue 1\n".to_owned()),
        ("topics/t/partition=0/t+0+0000000000.headers.json", header.repeat(2)),
        ("topics/t/partition=0/t+0+0000000000.keys.json", "\"k0\"\n\"k1\"\n".to_owned()),
        ("topics/t/partition=0/t+0+0000000003.bin", "value 3\nvalue 3\n".to_owned()),
        ("topics/t/partition=0/t+0+0000000003.headers.json", header.repeat(2)),
        ("topics/t/partition=0/t+0+0000000003.keys.json", "\"k3\"\n\"k3\"\n".to_owned()),
        ("topics/t/tombstone/t+0+0000000002.headers.json", header.to_owned()),
        ("topics/t/tombstone/t+0+0000000002.keys.json", "\"k2\"\n".to_owned()),
    ];
    assert_eq!(objects, expected.map(|(name, text)| (name.to_owned(), text)).into());
}

#[tokio::test]
async fn records_that_do_not_fit_fail_by_place_and_leave_the_object_as_it_was() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[]).await;
    put(&mut sink, &[bytes(0)]).await;
    let refused = |result: Result<Delivery, sluice_api::testkit::Violation>| format!("{:?}", result.unwrap_err());
    let text = refused(sink.put(&[record(1, None, "text")]).await);
    assert!(text.contains("ByteArrayFormat writes bytes, found java.lang.String"), "{text}");
    let text = refused(sink.put(&[record(1, None, Value::Null)]).await);
    assert!(text.contains("offset 1 of t-0 has no value"), "{text}");
    let mut renamed = bytes(1);
    renamed.original = Some(Box::new(TopicPartition::new("before", 0)));
    let text = refused(sink.put(&[renamed]).await);
    assert!(text.contains("of before-0 to t-0"), "{text}");
    put(&mut sink, &[bytes(1), bytes(2)]).await;
    sink.commit().await.unwrap();
    assert_eq!(store.texts()[0].1, "value 0\nvalue 1\nvalue 2\n");
}

#[tokio::test]
async fn ignored_nulls_are_behind_the_committed_offset() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[("behavior.on.null.values", "ignore")]).await;
    let records: Vec<_> =
        (0..3).map(bytes).chain([record(3, None, Value::Null), record(4, None, Value::Null)]).collect();
    put(&mut sink, &records).await;
    sink.commit().await.unwrap();
    assert_eq!((committed(&sink), store.texts().len()), (Some(5), 1));
}

/// 13 MiB, 6.5 MiB a record.
fn large(offset: i64) -> SinkRecord {
    let byte = u8::try_from(offset).unwrap();
    record(offset, None, bytes::Bytes::from(vec![byte; 6 << 20 | 1 << 19]))
}

#[tokio::test]
async fn a_large_object_goes_in_parts_and_survives_every_trouble_that_passes() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[("flush.size", "2"), ("format.bytearray.separator", "")]).await;
    store.trouble("POST /b/topics/t/partition%3D0/t%2B0%2B0000000000.bin?uploads", Trouble::Answer(503, "SlowDown"));
    store.trouble("PUT", Trouble::Answer(500, "InternalError"));
    store.trouble("PUT", Trouble::LostAnswer);
    store.trouble("POST /b/topics/t/partition%3D0/t%2B0%2B0000000000.bin?uploadId", Trouble::LostAnswer);
    put(&mut sink, &[large(0), large(1)]).await;
    committed_soon(&mut sink, 2).await;
    let objects = store.objects();
    let object = &objects["topics/t/partition=0/t+0+0000000000.bin"];
    assert_eq!((object.bytes.len(), object.writes), (13 << 20, 1), "{:?}", store.log());
    assert_eq!(store.open_uploads(), 0);
}

/// Commits until offset `expected` is committed.
async fn committed_soon(sink: &mut SinkDriver, expected: i64) {
    let wait = async {
        while committed(sink) != Some(expected) {
            put(sink, &[]).await;
            sink.commit().await.unwrap();
        }
    };
    timeout(Duration::from_secs(30), wait).await.expect("the objects are complete in time");
}

#[tokio::test]
async fn an_upload_that_someone_aborted_is_read_and_written_again() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[("flush.size", "2"), ("format.bytearray.separator", "")]).await;
    store.trouble("POST /b/topics/t/partition%3D0/t%2B0%2B0000000000.bin?uploadId", Trouble::AbortedUploads);
    put(&mut sink, &[large(0), large(1)]).await;
    let wait = async {
        loop {
            put(&mut sink, &[]).await;
            // Invariant 2: also when the commit comes before the rewind.
            sink.commit().await.unwrap();
            assert!(committed(&sink).is_none_or(|offset| offset == 0));
            if let Some(offset) = sink.context().take_requests().rewinds.get(&t0()) {
                return *offset;
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(30), wait).await.unwrap(), 0);
    put(&mut sink, &[large(0), large(1)]).await;
    committed_soon(&mut sink, 2).await;
    assert_eq!(store.objects().len(), 1);
}

#[tokio::test]
async fn a_refusal_fails_the_task_with_action_object_and_cure() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[]).await;
    store.trouble("PUT", Trouble::Answer(403, "AccessDenied"));
    put(&mut sink, &(0..3).map(bytes).collect::<Vec<_>>()).await;
    let failed = async {
        loop {
            sink.commit().await.unwrap();
            if let Err(violation) = sink.put(&[]).await {
                return format!("{violation:?}");
            }
        }
    };
    let text = timeout(Duration::from_secs(30), failed).await.unwrap();
    assert!(text.contains("s3:PutObject of `topics/t/partition=0/t+0+0000000000.bin` in bucket `b` failed"), "{text}");
    assert!(text.contains("Allow s3:PutObject on arn:aws:s3:::b/topics"), "{text}");
    assert_eq!(committed(&sink), None);
}

#[tokio::test]
async fn a_missing_bucket_fails_the_start() {
    let store = FakeStore::start().await;
    store.trouble("HEAD /b", Trouble::Answer(404, ""));
    let started = SinkDriver::start(Box::<S3SinkTask>::default(), &sink_properties(&store, &[])).await;
    let text = format!("{:?}", started.err().expect("it fails"));
    assert!(text.contains("correct `s3.bucket.name`"), "{text}");
}

#[tokio::test]
async fn objects_get_what_the_configuration_gives_them() {
    let store = FakeStore::start().await;
    let keys = [
        ("s3.acl.canned", "bucket-owner-full-control"),
        ("s3.ssea.name", "aws:kms"),
        ("s3.sse.kms.key.id", "the-key"),
        ("s3.storage.class", "STANDARD_IA"),
        ("s3.object.tagging", "true"),
        ("s3.object.tagging.key.value.pairs", "team:data"),
    ];
    let mut sink = driver(&store, &keys).await;
    put(&mut sink, &(0..3).map(bytes).collect::<Vec<_>>()).await;
    sink.commit().await.unwrap();
    let name = "topics/t/partition=0/t+0+0000000000.bin";
    let headers = &store.objects()[name].headers;
    let expected = [
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "the-key"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ];
    assert_eq!(headers, &expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let tags = store.tags(name).expect("it is tagged");
    for (key, value) in [("startOffset", "0"), ("endOffset", "2"), ("recordCount", "3"), ("team", "data")] {
        assert!(tags.contains(&format!("<Key>{key}</Key><Value>{value}</Value>")), "{tags}");
    }
}

#[tokio::test]
async fn small_memory_spills_and_the_objects_are_the_same() {
    let store = FakeStore::start().await;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let mut task = S3SinkTask::default();
    let partitions: Vec<_> = (0..50).map(|partition| TopicPartition::new("t", partition)).collect();
    let context = SinkTaskContext::new("c".into(), 0, MemoryShare::new(100_000), None);
    let gzip = [("s3.compression.type", "gzip"), ("flush.size", "10"), ("sluice.spill.dir", dir)];
    task.start(context, &sink_properties(&store, &gzip)).await.unwrap();
    task.open(&partitions).await.unwrap();
    let of = |partition: i32, offset: i64| {
        let mut record = record(offset, None, bytes::Bytes::from(vec![b'a' + offset as u8; 1000]));
        record.partition = partition;
        record
    };
    for offset in 0..10 {
        let batch: Vec<_> = (0..50).map(|partition| of(partition, offset)).collect();
        task.put(&batch).await.unwrap();
        let held = task.running.as_ref().map(|running| {
            running.writers.values().flat_map(PartitionWriter::files).map(|file| file.held_bytes()).sum::<usize>()
        });
        assert!(held <= Some(100_000), "{held:?} bytes are held after record {offset}");
    }
    let consumed: OffsetsToCommit = partitions.iter().map(|partition| (partition.clone(), 10)).collect();
    let wait = async { while task.pre_commit(&consumed).await.unwrap() != consumed {} };
    timeout(Duration::from_secs(30), wait).await.unwrap();
    let expected: Vec<u8> = (0..10u8).flat_map(|offset| [vec![b'a' + offset; 1000], b"\n".to_vec()].concat()).collect();
    let objects = store.objects();
    assert_eq!(objects.len(), 50);
    for object in objects.values() {
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*object.bytes).read_to_end(&mut read).unwrap();
        assert_eq!(read, expected);
    }
}

#[tokio::test]
async fn a_full_spill_folder_pauses_intake_and_room_resumes_it() {
    let store = FakeStore::start().await;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let share = MemoryShare::new(10_000);
    let mut task = S3SinkTask::default();
    let context = SinkTaskContext::new("c".into(), 0, share.clone(), None);
    let keys = [("flush.size", "100"), ("sluice.spill.dir", dir), ("sluice.spill.max.bytes", "5000")];
    task.start(context.clone(), &sink_properties(&store, &keys)).await.unwrap();
    task.open(&[t0()]).await.unwrap();
    task.put(&[record(0, None, bytes::Bytes::from(vec![0; 20_000]))]).await.unwrap();
    let asked = context.take_requests();
    assert_eq!(asked.flow, [(t0(), true)]);
    let notice = asked.notice.flatten().expect("the status says why");
    assert!(
        notice.starts_with("PAUSED_BY_FULL_SPILL_FOLDER: ") && notice.contains("`sluice.spill.max.bytes`"),
        "{notice}"
    );
    share.set_bytes(100_000);
    task.put(&[]).await.unwrap();
    let asked = context.take_requests();
    assert_eq!((asked.flow, asked.notice), (vec![(t0(), false)], Some(None)));
}

#[tokio::test]
async fn silence_and_the_end_of_a_task() {
    let store = FakeStore::start().await;
    let mut sink = driver(&store, &[("flush.size", "100"), ("sluice.rotate.idle.ms", "1")]).await;
    put(&mut sink, &[bytes(0)]).await;
    let wait = async {
        while store.objects().is_empty() {
            put(&mut sink, &[]).await;
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), wait).await.expect("silence ends the object");
    assert_eq!(store.texts()[0].1, "value 0\n");
    let mut sink = driver(&store, &[("flush.size", "2"), ("format.bytearray.separator", "")]).await;
    put(&mut sink, &[large(1)]).await;
    let begun = async {
        while store.open_uploads() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), begun).await.expect("the first part is sent at once");
    sink.stop().await.unwrap();
    assert_eq!(store.open_uploads(), 0, "an upload that will never be completed is aborted");
}
