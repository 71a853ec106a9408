//! The task on real files: growth, rotation, truncation, crashes, clean-up, bad lines.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use std::sync::Arc;

use sluice_api::Value;
use sluice_api::testkit::{MemoryOffsets, SourceDriver, Violation, check_source_resumes};

use super::*;

struct Place {
    folder: tempfile::TempDir,
    offsets: Arc<MemoryOffsets>,
    more: Vec<(String, String)>,
}

impl Place {
    fn new(more: &[(&str, &str)]) -> Self {
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { folder: tempfile::tempdir().unwrap(), offsets: Arc::default(), more }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn config(&self) -> Properties {
        let own = [
            ("paths", self.path("*.log*").display().to_string()),
            ("topic", "t".to_owned()),
            ("rescan.interval.ms", "50".to_owned()),
            ("settle.ms", "150".to_owned()),
        ];
        own.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(self.more.clone()).collect()
    }

    async fn start(&self) -> SourceDriver {
        SourceDriver::start(Box::<FollowTask>::default(), &self.config(), self.offsets.clone()).await.unwrap()
    }
}

fn text(records: &[SourceRecord]) -> Vec<String> {
    records.iter().map(|record| record.value.as_str().unwrap_or("-").to_owned()).collect()
}

/// Polls until `count` records are there; a rule of the test, not of the task, gives up after 200 polls.
async fn read(driver: &mut SourceDriver, count: usize) -> Vec<SourceRecord> {
    let mut records = Vec::new();
    for _ in 0..200 {
        records.extend(driver.poll().await.unwrap());
        if records.len() >= count {
            break;
        }
    }
    records
}

async fn until(driver: &mut SourceDriver, mut is_so: impl FnMut() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        assert!(driver.poll().await.unwrap().is_empty());
    }
    panic!("it did not become so");
}

#[tokio::test]
async fn a_crash_anywhere_loses_no_line_and_repeats_only_what_was_not_acknowledged() {
    let place = Place::new(&[("batch.size", "7")]);
    for file in 0..5 {
        let lines: String = (0..20).map(|line| format!("{file}-{line} é\r\n")).collect();
        place.append(&format!("{file}.log"), lines);
    }
    check_source_resumes(|| Box::<FollowTask>::default(), &place.config(), 100).await.unwrap();
}

#[tokio::test]
async fn a_renamed_file_is_read_to_its_end_and_its_successor_from_its_beginning() {
    let place = Place::new(&[]);
    place.append("a.log", "1\n2\n");
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 2).await), ["1", "2"]);
    place.append("a.log", "3\n");
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("a.log.1", "4\n");
    place.append("a.log", "5\n");
    let mut seen = text(&read(&mut driver, 3).await);
    seen.sort();
    assert_eq!(seen, ["3", "4", "5"]);
    driver.acknowledge(5).await.unwrap();
    driver.flush().await.unwrap();
    drop(driver);
    // While nobody looks: rotated again, with lines before and after.
    place.append("a.log", "6\n");
    fs::rename(place.path("a.log.1"), place.path("a.log.2")).unwrap();
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("a.log", "7\n");
    let mut seen = text(&read(&mut place.start().await, 2).await);
    seen.sort();
    assert_eq!(seen, ["6", "7"]);
}

#[tokio::test]
async fn a_file_that_is_renamed_out_of_the_globs_or_deleted_is_read_to_its_end() {
    let place = Place::new(&[]);
    place.append("a.log", "1\n");
    place.append("b.log", "1\n");
    let mut driver = place.start().await;
    read(&mut driver, 2).await;
    for name in ["a.log", "b.log"] {
        place.append(name, "2\nlast, without an end");
    }
    fs::rename(place.path("a.log"), place.path("elsewhere")).unwrap();
    fs::remove_file(place.path("b.log")).unwrap();
    let mut seen = text(&read(&mut driver, 4).await);
    seen.sort();
    assert_eq!(seen, ["2", "2", "last, without an end", "last, without an end"]);
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_beginning() {
    let place = Place::new(&[]);
    place.append("a.log", "1\n2\n3\n");
    let mut driver = place.start().await;
    assert_eq!(read(&mut driver, 3).await.len(), 3);
    // Longer than before: only its head tells.
    fs::write(place.path("a.log"), "4\n5\n6\n7\n").unwrap();
    assert_eq!(text(&read(&mut driver, 4).await), ["4", "5", "6", "7"]);
    fs::write(place.path("a.log"), "8\n").unwrap();
    assert_eq!(text(&read(&mut driver, 1).await), ["8"]);
    driver.acknowledge(100).await.unwrap();
    driver.flush().await.unwrap();
    drop(driver);
    fs::write(place.path("a.log"), "9\n10\n").unwrap();
    assert_eq!(text(&read(&mut place.start().await, 2).await), ["9", "10"]);
}

#[tokio::test]
async fn a_line_without_an_end_waits_for_it() {
    let place = Place::new(&[]);
    place.append("a.log", "1\nhal");
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 1).await), ["1"]);
    assert!(driver.poll().await.unwrap().is_empty());
    place.append("a.log", "f\n");
    assert_eq!(text(&read(&mut driver, 1).await), ["half"]);
}

#[tokio::test]
async fn files_are_moved_only_after_the_acknowledgement() {
    let done = tempfile::tempdir().unwrap();
    let folder = done.path().display().to_string();
    let place = Place::new(&[("cleanup.policy", "move"), ("cleanup.path", &folder)]);
    place.append("a.log", "1\n2");
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 2).await), ["1", "2"]);
    driver.acknowledge(1).await.unwrap();
    for _ in 0..4 {
        assert!(driver.poll().await.unwrap().is_empty());
    }
    assert!(place.path("a.log").exists());
    driver.acknowledge(1).await.unwrap();
    until(&mut driver, || !place.path("a.log").exists()).await;
    assert_eq!(fs::read(done.path().join("a.log")).unwrap(), b"1\n2");
}

#[tokio::test]
async fn compressed_files_are_read_once_to_their_end() {
    let place = Place::new(&[]);
    fs::write(place.path("a.log.zst"), zstd::encode_all(&b"1\n2\n3"[..], 1).unwrap()).unwrap();
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 3).await), ["1", "2", "3"]);
    driver.acknowledge(3).await.unwrap();
    driver.flush().await.unwrap();
    assert!(driver.poll().await.unwrap().is_empty());
    assert!(place.start().await.poll().await.unwrap().is_empty());
    // Another frame at the end.
    place.append("a.log.zst", zstd::encode_all(&b"\n4\n"[..], 1).unwrap());
    assert_eq!(text(&read(&mut driver, 2).await), ["", "4"]);
}

/// Invariant 3: every byte is in a record, or the task fails and says where.
#[tokio::test]
async fn long_and_malformed_lines_fail_by_name_or_go_where_they_are_sent() {
    let content = b"ok\n0123456789abcdef\n\xff\xfe\nok\n";
    let place = Place::new(&[("max.line.bytes", "8")]);
    place.append("a.log", content);
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 1).await), ["ok"]);
    let Err(Violation::Task(_, error)) = driver.poll().await else { panic!("no error") };
    assert!(
        error.to_string().contains("a.log has a line of more than 8 bytes (`max.line.bytes`) at byte 3."),
        "{error}"
    );

    let more = [("max.line.bytes", "8"), ("max.line.action", "split")];
    let place = Place::new(&more);
    place.append("a.log", content);
    let mut driver = place.start().await;
    let records = read(&mut driver, 3).await;
    assert_eq!(text(&records), ["ok", "01234567", "89abcdef"]);
    let continues: Vec<usize> = records.iter().map(|record| record.headers.len()).collect();
    assert_eq!(continues, [0, 1, 0]);
    let Err(Violation::Task(_, error)) = driver.poll().await else { panic!("no error") };
    assert!(error.to_string().contains("a.log is not UTF-8 at byte 20:"), "{error}");

    let more = [
        more[0],
        ("max.line.action", "dead.letter"),
        ("malformed.line.action", "dead.letter"),
        ("dead.letter.topic", "bad"),
        ("batch.size", "1"),
    ];
    let place = Place::new(&more);
    place.append("a.log", content);
    check_source_resumes(|| Box::<FollowTask>::default(), &place.config(), 5).await.unwrap();
    let records = read(&mut place.start().await, 5).await;
    assert_eq!(text(&records), ["ok", "01234567", "89abcdef", "//4=", "ok"]);
    let topics: Vec<&str> = records.iter().map(|record| &*record.topic).collect();
    assert_eq!(topics, ["t", "bad", "bad", "bad", "t"]);
}

#[tokio::test]
async fn lines_that_belong_together_are_one_record() {
    let more = [("multiline.start.pattern", "^[0-9]"), ("multiline.timeout.ms", "300"), ("max.line.bytes", "40")];
    let place = Place::new(&more);
    place.append("a.log", "  of an older one\n1 boom\n  at x\n\n2 fine\n3 boom\n  at");
    let mut driver = place.start().await;
    let records = read(&mut driver, 3).await;
    assert_eq!(text(&records), ["  of an older one", "1 boom\n  at x\n", "2 fine"]);
    place.append("a.log", " y\n");
    let records = read(&mut driver, 1).await;
    assert_eq!(text(&records), ["3 boom\n  at y"]);
    check_source_resumes(|| Box::<FollowTask>::default(), &place.config(), 4).await.unwrap();
    // Longer than a line may be.
    place.append("a.log", format!("4 {}\n  {}\n5 x\n", "a".repeat(30), "b".repeat(30)));
    let Err(Violation::Task(_, error)) = driver.poll().await else { panic!("no error") };
    assert!(error.to_string().contains("a.log has a line of more than 40 bytes"), "{error}");
    let place = Place::new(&[&more[..], &[("max.line.action", "split")]].concat());
    place.append("a.log", format!("4 {}\n  {}\n5 x\n", "a".repeat(30), "b".repeat(30)));
    let records = read(&mut place.start().await, 3).await;
    assert_eq!(text(&records), [format!("4 {}", "a".repeat(30)), format!("  {}", "b".repeat(30)), "5 x".to_owned()]);
    assert_eq!(records.iter().map(|record| record.headers.len()).collect::<Vec<_>>(), [1, 0, 0]);
}

#[tokio::test]
async fn json_lines_are_values_and_other_lines_are_named() {
    let content = "{\"id\":1,\"tags\":[\"a\"]}\n\n{\"id\":\n7\n";
    let place = Place::new(&[("format", "json")]);
    place.append("a.log", content);
    let mut driver = place.start().await;
    let records = read(&mut driver, 1).await;
    let Value::Map(map) = &records[0].value else { panic!("{:?}", records[0].value) };
    assert_eq!((map.get("id"), records[0].value_schema.as_ref()), (Some(&1i64.into()), None));
    let Err(Violation::Task(_, error)) = driver.poll().await else { panic!("no error") };
    assert!(error.to_string().contains("a.log is not JSON in the line at byte 23:"), "{error}");
    let more = [("format", "json"), ("malformed.line.action", "dead.letter"), ("dead.letter.topic", "bad")];
    let place = Place::new(&more);
    place.append("a.log", content);
    let records = read(&mut place.start().await, 3).await;
    let topics: Vec<&str> = records.iter().map(|record| &*record.topic).collect();
    assert_eq!((topics, &records[2].value), (vec!["t", "bad", "t"], &7i64.into()));
    check_source_resumes(|| Box::<FollowTask>::default(), &place.config(), 3).await.unwrap();
}

#[tokio::test]
async fn other_encodings_become_text() {
    let place = Place::new(&[("encoding", "windows-1252")]);
    // The second line is valid UTF-8 by accident, and means something else here.
    place.append("a.log", b"caf\xe9 \x80\n\xc3\xa9\nascii\n");
    assert_eq!(text(&read(&mut place.start().await, 3).await), ["café €", "Ã©", "ascii"]);
    let place = Place::new(&[("encoding", "shift_jis")]);
    place.append("a.log", b"\x93\xfa\x96\x7b\n\xff\xff\n");
    let mut driver = place.start().await;
    assert_eq!(text(&read(&mut driver, 1).await), ["日本"]);
    let Err(Violation::Task(_, error)) = driver.poll().await else { panic!("no error") };
    assert!(error.to_string().contains("a.log is not Shift_JIS at byte 5:"), "{error}");
}

#[tokio::test]
async fn more_files_than_may_be_open_are_all_read() {
    let place = Place::new(&[("max.open.files", "3"), ("batch.size", "10")]);
    for round in 0..3 {
        for file in 0..40 {
            place.append(&format!("{file}.log"), format!("{file}-{round}\n"));
        }
        if round == 0 {
            continue;
        }
        let mut driver = place.start().await;
        let expected = if round == 1 { 80 } else { 40 };
        assert_eq!(read(&mut driver, expected).await.len(), expected);
        driver.acknowledge(expected).await.unwrap();
        driver.flush().await.unwrap();
        let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let ours = open.filter(|path: &PathBuf| path.starts_with(place.folder.path())).count();
        assert!(ours <= 4, "{ours} files are open");
    }
}

#[tokio::test]
async fn a_closed_file_is_not_mistaken_for_its_successor() {
    let place = Place::new(&[("max.open.files", "1")]);
    for round in 0..6 {
        for file in 0..4 {
            place.append(&format!("{file}.log"), format!("{file}-{round}\n"));
        }
    }
    let mut driver = place.start().await;
    assert_eq!(read(&mut driver, 24).await.len(), 24);
    for file in 0..4 {
        place.append(&format!("{file}.log"), "last\n");
        fs::rename(place.path(&format!("{file}.log")), place.path(&format!("{file}.log.1"))).unwrap();
        place.append(&format!("{file}.log"), "first\n");
    }
    let mut seen = text(&read(&mut driver, 8).await);
    seen.sort();
    assert_eq!(seen, ["first", "first", "first", "first", "last", "last", "last", "last"]);
}

#[tokio::test]
async fn tasks_share_the_files_and_leave_none_out() {
    let place = Place::new(&[]);
    for file in 0..30 {
        place.append(&format!("{file}.log"), format!("{file}\n"));
    }
    let mut seen = Vec::new();
    for task in 0..3 {
        let mut config = place.config();
        config.insert("sluice.task.index".into(), task.to_string());
        config.insert("sluice.task.count".into(), "3".into());
        let driver = SourceDriver::start(Box::<FollowTask>::default(), &config, Arc::default()).await;
        let records = driver.unwrap().poll().await.unwrap();
        assert!((1..30).contains(&records.len()), "task {task} has {} files", records.len());
        seen.extend(text(&records));
    }
    seen.sort_by_key(|text| text.parse::<u32>().unwrap());
    assert_eq!(seen, (0..30).map(|file| file.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn mistakes_are_shown_at_their_keys() {
    use sluice_api::ConnectorPlugin;
    let wrong = |more: &[(&str, &str)]| {
        let given = [("paths", "/x/*"), ("topic", "t")];
        let config = given.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let values = crate::follow::FollowPlugin.validate(&config);
        values.into_iter().filter(|value| !value.error_messages.is_empty()).map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&[]), [""; 0]);
    assert_eq!(wrong(&[("paths", "relative/*")]), ["paths"]);
    assert_eq!(wrong(&[("paths", "/x/[")]), ["paths"]);
    assert_eq!(wrong(&[("max.line.action", "dead.letter")]), ["dead.letter.topic"]);
    assert_eq!(wrong(&[("cleanup.policy", "move")]), ["cleanup.path"]);
    assert_eq!(wrong(&[("encoding", "klingon")]), ["encoding"]);
    assert_eq!(wrong(&[("encoding", "UTF-16LE")]), ["encoding"]);
    assert_eq!(wrong(&[("multiline.start.pattern", "(")]), ["multiline.start.pattern"]);
    let both = [("max.line.action", "dead.letter"), ("dead.letter.topic", "d"), ("multiline.start.pattern", "^x")];
    assert_eq!(wrong(&both), ["max.line.action"]);
    assert!(Path::new("/").exists());
}
