use std::fs;
use std::path::Path;
use std::sync::Arc;

use sluice_api::connector::MemoryShare;
use sluice_api::data::Map;
use sluice_api::{Headers, TimestampType};

use super::*;

async fn started(file: &Path) -> Result<FileSinkTask> {
    let mut task = FileSinkTask::default();
    let context = SinkTaskContext::new("c".into(), 0, MemoryShare::new(1 << 20), None);
    let config = Properties::from_iter([("file".to_owned(), file.display().to_string())]);
    task.start(context, &config).await?;
    Ok(task)
}

fn record(value: impl Into<Value>) -> SinkRecord {
    SinkRecord {
        topic: Arc::from("t"),
        partition: 0,
        offset: 0,
        key_schema: None,
        key: Value::Null,
        value_schema: None,
        value: value.into(),
        timestamp_ms: None,
        timestamp_type: TimestampType::NoTimestampType,
        headers: Headers::new(),
        original: None,
    }
}

#[tokio::test]
async fn every_record_is_a_line_and_in_the_file_when_put_returns() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let mut task = started(&file).await.unwrap();
    let map = Map::insertion_ordered([("k".into(), 1i32.into())]);
    let list = Value::Array(vec![1i32.into(), "b".into()]);
    let records = [record("héllo"), record(map), record(list), record(1.0f32), record(Value::Null), record("")];
    task.put(&records).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "héllo\n{k=1}\n[1, b]\n1.0\nnull\n\n");
    task.put(&[]).await.unwrap();
    task.flush(&OffsetsToCommit::new()).await.unwrap();
}

#[tokio::test]
async fn bytes_are_written_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let mut task = started(&file).await.unwrap();
    task.put(&[record(bytes::Bytes::from_static(b"raw \xff"))]).await.unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"raw \xff\n");
}

#[tokio::test]
async fn a_file_is_appended_to_and_a_cut_line_ended_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    fs::write(&file, "whole\ncut").unwrap();
    started(&file).await.unwrap().put(&[record("next")]).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "whole\ncut\nnext\n");
    started(&file).await.unwrap().put(&[record("last")]).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "whole\ncut\nnext\nlast\n");
}

#[tokio::test]
async fn tasks_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let (mut one, mut two) = (started(&file).await.unwrap(), started(&file).await.unwrap());
    one.put(&[record("1")]).await.unwrap();
    two.put(&[record("2")]).await.unwrap();
    one.put(&[record("3")]).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "1\n2\n3\n");
}

#[tokio::test]
async fn a_full_disk_fails_by_name() {
    let mut task = started(Path::new("/dev/full")).await.unwrap();
    let error = task.put(&[record("x")]).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot write to /dev/full: No space left on device"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_created_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = started(folder.path()).await.err().unwrap();
    let name = folder.path().display();
    assert_eq!(error.to_string(), format!("Couldn't find or create file '{name}' for FileStreamSinkTask"));
    assert!(error.trace().contains("Is a directory"), "{}", error.trace());
    assert!(started(&folder.path().join("no/such/folder")).await.is_err());
}
