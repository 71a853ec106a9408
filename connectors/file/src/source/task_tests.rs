use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sluice_api::connector::{MemoryShare, OffsetStorageReader};
use tempfile::TempDir;

use super::*;

/// Stored offsets: one for every partition that is asked for.
struct Stored(Option<OffsetMap>);

#[async_trait]
impl OffsetStorageReader for Stored {
    async fn offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(vec![self.0.clone(); partitions.len()])
    }
}

struct Rig {
    folder: TempDir,
    task: FileSourceTask,
}

impl Rig {
    fn new(content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("input"), content).unwrap();
        Self { folder, task: FileSourceTask::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("input")
    }

    async fn start(&mut self, stored: Option<i64>, batch_size: &str) {
        let stored = stored.map(|position| OffsetMap::single("position", position));
        self.start_with(&self.path().display().to_string(), stored, batch_size).await.unwrap();
    }

    async fn start_with(&mut self, file: &str, stored: Option<OffsetMap>, batch_size: &str) -> Result<()> {
        let context = SourceTaskContext {
            connector: "c".into(),
            task: 0,
            offsets: Arc::new(Stored(stored)),
            memory: MemoryShare::new(1 << 20),
            transactions: None,
        };
        let config = [("file", file), ("topic", "t"), ("batch.size", batch_size)];
        let config = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
        self.task.start(context, &config).await
    }

    fn append(&self, bytes: &[u8]) {
        OpenOptions::new().append(true).open(self.path()).unwrap().write_all(bytes).unwrap();
    }

    async fn poll(&mut self) -> Vec<(String, i64)> {
        self.task.poll().await.unwrap().iter().map(seen).collect()
    }

    async fn failure(&mut self) -> String {
        loop {
            match self.task.poll().await {
                Ok(records) => assert!(records.is_empty(), "{records:?}"),
                Err(error) => return error.to_string(),
            }
        }
    }
}

fn seen(record: &SourceRecord) -> (String, i64) {
    let position = record.source_offset.get("position").and_then(Value::as_i64).unwrap();
    (record.value.to_string(), position)
}

fn pairs(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(line, position)| ((*line).to_owned(), *position)).collect()
}

#[tokio::test(start_paused = true)]
async fn lines_become_records_with_byte_positions() {
    let mut rig = Rig::new("héllo\n\n😀\r\nrest".as_bytes());
    rig.start(None, "2000").await;
    let records = rig.task.poll().await.unwrap();
    assert_eq!(records.iter().map(seen).collect::<Vec<_>>(), pairs(&[("héllo", 7), ("", 8), ("😀", 14)]));
    let first = &records[0];
    assert_eq!((&*first.topic, first.partition, &first.key), ("t", None, &Value::Null));
    assert_eq!(first.value_schema, Some(Schema::STRING));
    assert_eq!(first.source_partition.get("filename"), Some(&Value::from(rig.path().display().to_string())));
    assert!(first.timestamp_ms.unwrap() > 1_600_000_000_000);
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_line_waits_for_its_end() {
    let mut rig = Rig::new(b"one\ntw");
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await, pairs(&[("one", 4)]));
    assert_eq!(rig.poll().await, []);
    rig.append(b"o\nthree\n");
    assert_eq!(rig.poll().await, pairs(&[("two", 8), ("three", 14)]));
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_leaves_comes_at_once() {
    let mut rig = Rig::new(b"1\n2\n3\n4\n5\n");
    rig.start(None, "2").await;
    let before = Instant::now();
    assert_eq!(rig.poll().await, pairs(&[("1", 2), ("2", 4)]));
    assert_eq!(rig.poll().await, pairs(&[("3", 6), ("4", 8)]));
    assert_eq!(rig.poll().await, pairs(&[("5", 10)]));
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_at_the_stored_position() {
    let mut rig = Rig::new("héllo\nwörld\nend\n".as_bytes());
    rig.start(Some(7), "2000").await;
    assert_eq!(rig.poll().await, pairs(&[("wörld", 14), ("end", 18)]));
}

#[tokio::test(start_paused = true)]
async fn a_position_counted_in_characters_repeats_a_line_but_cuts_none() {
    let mut rig = Rig::new("héllo\nwörld\nend\n".as_bytes());
    // Kafka Connect stores 12 after the second line; that is inside of the second line's bytes.
    rig.start(Some(12), "2000").await;
    assert_eq!(rig.poll().await, pairs(&[("wörld", 14), ("end", 18)]));
}

#[tokio::test(start_paused = true)]
async fn a_long_line_is_not_cut() {
    let mut content = vec![b'x'; 1_000_000];
    content.extend_from_slice(b"\nshort\n");
    let mut rig = Rig::new(&content);
    rig.start(None, "2000").await;
    let mut records = rig.poll().await;
    if records.len() < 2 {
        records.extend(rig.poll().await);
    }
    assert_eq!(records[0].0.len(), 1_000_000);
    assert_eq!(records[0].1, 1_000_001);
    assert_eq!(records[1], ("short".to_owned(), 1_000_007));
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_is_waited_for() {
    let mut rig = Rig::new(b"");
    fs::remove_file(rig.path()).unwrap();
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await, []);
    fs::write(rig.path(), b"late\n").unwrap();
    assert_eq!(rig.poll().await, pairs(&[("late", 5)]));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_utf_8_fail_by_name_after_the_lines_before_them() {
    let mut rig = Rig::new(b"good\nb\xe9d\nafter\n");
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await, pairs(&[("good", 5)]));
    let failure = rig.failure().await;
    assert!(failure.contains("input is not UTF-8 at byte 6"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_truncated_file_fails_by_name() {
    let mut rig = Rig::new(b"one\ntwo\n");
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await.len(), 2);
    File::create(rig.path()).unwrap();
    let failure = rig.failure().await;
    assert!(failure.contains("input was truncated to 0 bytes after 8 bytes of it were read"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_file_fails_by_name() {
    let mut rig = Rig::new(b"one\n");
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await.len(), 1);
    let other = rig.folder.path().join("other");
    fs::write(&other, b"a longer file\n").unwrap();
    fs::rename(other, rig.path()).unwrap();
    let failure = rig.failure().await;
    assert!(failure.contains("was replaced by another file after 4 bytes"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_position_beyond_the_end_fails_by_name() {
    let mut rig = Rig::new(b"one\n");
    rig.start(Some(5), "2000").await;
    let failure = rig.failure().await;
    assert!(failure.contains("the stored position 5 is beyond the end of"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_directory_and_an_unreadable_file_fail_by_name() {
    let mut rig = Rig::new(b"one\n");
    let folder = rig.folder.path().display().to_string();
    rig.start_with(&folder, None, "2000").await.unwrap();
    assert_eq!(rig.failure().await, format!("{folder} is a directory, not a file"));

    fs::set_permissions(rig.path(), fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(rig.path()).is_ok() {
        return; // root reads everything
    }
    rig.start(None, "2000").await;
    assert!(rig.failure().await.starts_with("cannot open "));
}

#[tokio::test]
async fn a_pipe_is_read_without_blocking_the_task() {
    let mut rig = Rig::new(b"");
    let pipe = rig.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    rig.start_with(&pipe.display().to_string(), Some(OffsetMap::single("position", 100i64)), "2000").await.unwrap();
    assert_eq!(rig.poll().await, []);
    let writer =
        std::thread::spawn(move || OpenOptions::new().write(true).open(pipe).unwrap().write_all(b"one\ntwo\n"));
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut records = Vec::new();
    while records.len() < 2 && Instant::now() < deadline {
        records.extend(rig.poll().await);
    }
    assert_eq!(records, pairs(&[("one", 104), ("two", 108)]));
    writer.join().unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_type_is_refused() {
    let mut rig = Rig::new(b"");
    let file = rig.path().display().to_string();
    let error = rig.start_with(&file, Some(OffsetMap::single("position", "7")), "1").await.unwrap_err();
    assert_eq!(error.to_string(), "Offset position is the incorrect type");
}

#[test]
fn a_file_is_looked_at_less_often_the_longer_it_was_quiet() {
    for (quiet_ms, pause_ms) in [(0, 100), (1_000, 100), (5_000, 500), (10_000, 1_000), (3_600_000, 1_000)] {
        assert_eq!(pause(Duration::from_millis(quiet_ms)), Duration::from_millis(pause_ms), "quiet for {quiet_ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_long_quiet_is_noticed() {
    let mut rig = Rig::new(b"one\n");
    rig.start(None, "2000").await;
    assert_eq!(rig.poll().await, pairs(&[("one", 4)]));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        assert_eq!(rig.poll().await, []);
    }
    rig.append(b"two\n");
    assert_eq!(rig.poll().await, pairs(&[("two", 8)]));
}
