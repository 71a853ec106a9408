//! The task on real folders: rotation, crashes, names, a full disk.

use std::fs;
use std::io::Read;
use std::path::Path;

use sluice_api::connector::MemoryShare;
use sluice_api::testkit::SinkDriver;
use sluice_api::{ConnectorPlugin, Headers, TimestampType};

use super::*;
use crate::rolling::RollingPlugin;

fn record(topic: &str, offset: i64, value: impl Into<Value>) -> SinkRecord {
    SinkRecord {
        topic: topic.into(),
        partition: 0,
        offset,
        key_schema: None,
        key: Value::Null,
        value_schema: None,
        value: value.into(),
        timestamp_ms: None,
        timestamp_type: TimestampType::CreateTime,
        headers: Headers::new(),
        original: None,
    }
}

fn records(offsets: std::ops::Range<i64>) -> Vec<SinkRecord> {
    offsets.map(|offset| record("t", offset, format!("v{offset}"))).collect()
}

fn partition(topic: &str) -> TopicPartition {
    TopicPartition::new(topic, 0)
}

async fn start(folder: &Path, more: &[(&str, &str)]) -> SinkDriver {
    let folder = folder.display().to_string();
    let config = [("directory", &*folder)];
    let config = config.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut driver = SinkDriver::start(Box::<RollingTask>::default(), &config).await.unwrap();
    driver.open(&[partition("t")]).await.unwrap();
    driver
}

/// Names of finished files in order, and how many others there are.
fn names(folder: &Path) -> (Vec<String>, usize) {
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (parts, mut names): (Vec<String>, Vec<String>) = all.partition(|name| name.starts_with('.'));
    names.sort();
    (names, parts.len())
}

fn content(path: &Path) -> String {
    let file = fs::File::open(path).unwrap();
    let mut text = String::new();
    match path.extension().unwrap().to_str().unwrap() {
        "gz" => flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap(),
        "zst" => zstd::stream::read::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap(),
        _ => std::io::BufReader::new(file).read_to_string(&mut text).unwrap(),
    };
    text
}

fn all(folder: &Path) -> String {
    names(folder).0.iter().map(|name| content(&folder.join(name))).collect()
}

/// Invariant 2: what is committed is in finished files.
#[tokio::test]
async fn files_are_finished_at_a_count_or_a_size_and_only_they_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = start(folder.path(), &[("max.records", "4"), ("max.bytes", "10")]).await;
    driver.put(&records(0..6)).await.unwrap();
    let name = |first: i64, last: i64| format!("t-0-{first:020}-{last:020}.txt");
    // Three bytes a line: four records are twelve bytes.
    assert_eq!(names(folder.path()), (vec![name(0, 3)], 1));
    assert_eq!(content(&folder.path().join(name(0, 3))), "v0\nv1\nv2\nv3\n");
    driver.commit().await.unwrap();
    assert_eq!(driver.committed()[&partition("t")], 4);
    driver.put(&[record("t", 6, "x".repeat(20)), record("t", 7, "y")]).await.unwrap();
    assert_eq!(names(folder.path()).0, [name(0, 3), name(4, 6)]);
    driver.put(&[record("t", 8, "y"), record("t", 9, "y"), record("t", 10, "y")]).await.unwrap();
    driver.commit().await.unwrap();
    assert_eq!(
        (names(folder.path()), driver.committed()[&partition("t")]),
        ((vec![name(0, 3), name(4, 6), name(7, 10)], 0), 11)
    );
}

#[tokio::test]
async fn a_crash_at_any_record_writes_every_record_once() {
    for compression in ["none", "gzip", "zstd"] {
        let folder = tempfile::tempdir().unwrap();
        let more = [("max.records", "7"), ("compression", compression), ("format", "json")];
        let mut committed = 0;
        for life in 0..40 {
            let mut driver = start(folder.path(), &more).await;
            // Every third life ends before it commits what it has finished.
            driver.put(&records(committed..(committed + 10 + life % 5).min(100))).await.unwrap();
            if life % 3 != 0 {
                driver.commit().await.unwrap();
                committed = driver.committed()[&partition("t")];
            }
            if life % 4 == 0 {
                // Killed: nothing is cleaned up.
                std::mem::forget(driver);
            }
        }
        let expected: String = (0..committed.max(98)).map(|number| format!("\"v{number}\"\n")).collect();
        assert_eq!((all(folder.path()), committed), (expected, 98), "{compression}");
    }
}

#[tokio::test]
async fn a_file_is_finished_when_it_is_old_although_nothing_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut driver = start(folder.path(), &[("max.age.ms", "100")]).await;
    driver.put(&records(0..2)).await.unwrap();
    let asked = driver.context().take_requests().timeout.unwrap();
    assert!(asked <= Duration::from_millis(100), "{asked:?}");
    tokio::time::sleep(asked + Duration::from_millis(5)).await;
    driver.put(&[]).await.unwrap();
    assert_eq!(all(folder.path()), "v0\nv1\n");
    // What was not finished when the partition went is not there.
    driver.put(&records(2..3)).await.unwrap();
    assert_eq!(driver.stop().await.unwrap()[&partition("t")], 2);
    assert_eq!(names(folder.path()).1, 0);
}

#[tokio::test]
async fn names_are_kept_apart_and_what_a_crash_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let left = [".t-0-5-77-1.part", ".t-0-0-5-77-1.part", "t-0-1-2.txt", "notes"];
    for name in left {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let last = format!("t-0-{:020}-{:020}.json.gz", 3, 41);
    fs::write(folder.path().join(&last), "x").unwrap();
    let mut driver = start(folder.path(), &[("max.records", "1")]).await;
    driver.put(&records(40..43)).await.unwrap();
    let (mut found, parts) = names(folder.path());
    found.retain(|name| !left.contains(&name.as_str()) && *name != last);
    assert_eq!((found, parts), (vec![format!("t-0-{0:020}-{0:020}.txt", 42)], 1));
    assert!(folder.path().join(left[1]).exists() && !folder.path().join(left[0]).exists());
}

#[tokio::test]
async fn folders_that_cannot_be_written_are_named() {
    let task = |folder: &str| {
        let config = [("directory", folder)].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        async move {
            let mut task = RollingTask::default();
            let context = SinkTaskContext::new("c".into(), 0, MemoryShare::new(1 << 20), None);
            task.start(context, &config).await.unwrap();
            task.open(&[partition("t")]).await.unwrap_err().to_string()
        }
    };
    let error = task("/proc/no/such").await;
    assert!(error.starts_with("cannot make the folder /proc/no/such: No such file"), "{error}");
}

#[test]
fn mistakes_are_shown_at_their_keys() {
    let wrong = |config: &[(&str, &str)]| {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let values = RollingPlugin.validate(&config).into_iter();
        values.filter(|value| !value.error_messages.is_empty()).map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&[]), ["directory"]);
    assert_eq!(wrong(&[("directory", "/x")]), [""; 0]);
    assert_eq!(wrong(&[("directory", "x")]), ["directory"]);
    for name in ["${topic}", "${topic}${partition}/../x", "${topic}/${partition}/${key}", "/${topic}${partition}"] {
        assert_eq!(wrong(&[("directory", "/x"), ("file.name.template", name)]), ["file.name.template"], "{name}");
    }
    assert_eq!(wrong(&[("directory", "/x"), ("format", "csv")]), ["format"]);
}
