//! Drop folders: typed rows, clean-up after the acknowledgement, files that are wrong.

use sluice_api::ConnectorPlugin;
use sluice_api::data::BigDecimal;
use sluice_api::testkit::{MemoryOffsets, SourceDriver, Violation, check_source_resumes};

use super::*;

/// The keys and values of SpoolDir's own CSV sample, but for the folders.
const SAMPLE: &[(&str, &str)] = &[
    ("input.file.pattern", r"^.*\.csv$"),
    ("halt.on.error", "false"),
    ("topic", "testing"),
    (
        "key.schema",
        r#"{"name":"com.example.users.UserKey","type":"STRUCT","isOptional":false,"fieldSchemas":{"id":{"type":"INT64","isOptional":false}}}"#,
    ),
    (
        "value.schema",
        r#"{"name":"com.example.users.User","type":"STRUCT","isOptional":false,"fieldSchemas":{"id":{"type":"INT64","isOptional":false},"first_name":{"type":"STRING","isOptional":true},"last_login":{"name":"org.apache.kafka.connect.data.Timestamp","type":"INT64","version":1,"isOptional":true},"account_balance":{"name":"org.apache.kafka.connect.data.Decimal","type":"BYTES","version":1,"parameters":{"scale":"2"},"isOptional":true}}}"#,
    ),
    ("csv.first.row.as.header", "true"),
    ("csv.null.field.indicator", "EMPTY_SEPARATORS"),
    ("batch.size", "5000"),
    ("cleanup.policy", "DELETE"),
    ("file.buffer.size.bytes", "1048576"),
];

struct Place {
    folder: tempfile::TempDir,
    format: Format,
    config: Properties,
}

impl Place {
    fn new(format: Format, config: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all = Properties::new();
        for name in ["input", "finished", "error"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            all.insert(format!("{name}.path"), path.display().to_string());
        }
        all.extend(config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        all.insert("empty.poll.wait.ms".into(), "1".into());
        Self { folder, format, config: all }
    }

    fn lines(more: &[(&str, &str)]) -> Self {
        let config = [&[("topic", "t"), ("input.file.pattern", r".*\.txt")][..], more].concat();
        Self::new(Format::Lines, &config)
    }

    fn drop(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join("input").join(name), content).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn start(&self, offsets: &Arc<MemoryOffsets>) -> SourceDriver {
        SourceDriver::start(Box::new(SpoolTask::new(self.format)), &self.config, offsets.clone()).await.unwrap()
    }
}

/// Polls some more, as the worker does all the time.
async fn polls(driver: &mut SourceDriver) -> Vec<SourceRecord> {
    let mut records = Vec::new();
    for _ in 0..6 {
        records.extend(driver.poll().await.unwrap());
    }
    records
}

fn texts(records: &[SourceRecord]) -> Vec<&str> {
    records.iter().filter_map(|record| record.value.as_str()).collect()
}

#[tokio::test]
async fn the_sample_of_spooldir_loads_unchanged_and_gives_typed_rows() {
    let place = Place::new(Format::Csv, SAMPLE);
    assert!(super::super::CSV.validate(&place.config).iter().all(|value| value.error_messages.is_empty()));
    place.drop("users.csv", "id,first_name,last_login,account_balance,other\r\n1,\"Ann, \"\"A\"\"\",2026-11-22T01:02:03,12.5,x\r\n2,,,,\r\n");
    let mut driver = place.start(&Arc::default()).await;
    let records = polls(&mut driver).await;
    assert_eq!(records.len(), 2);
    let Value::Struct(first) = &records[0].value else { panic!("no struct") };
    assert_eq!(*first.get("first_name").unwrap(), "Ann, \"A\"".into());
    assert_eq!(*first.get("last_login").unwrap(), Value::Date(1_795_309_323_000));
    assert_eq!(*first.get("account_balance").unwrap(), BigDecimal::parse("12.50").unwrap().into());
    let Value::Struct(key) = &records[1].key else { panic!("no key") };
    assert_eq!((key.schema().name(), key.get("id").unwrap()), (Some("com.example.users.UserKey"), &2i64.into()));
    let Value::Struct(second) = &records[1].value else { panic!("no struct") };
    assert!(second.get("first_name").unwrap().is_null());
    assert_eq!(records[1].source_offset.get("offset"), Some(&2i64.into()));
    assert_eq!(records[0].headers.last_with_name("file.name").unwrap().value, "users.csv".into());
    // Invariant 1: the file is there until the last row was acknowledged.
    driver.acknowledge(1).await.unwrap();
    polls(&mut driver).await;
    assert_eq!(place.names("input"), ["users.csv"]);
    driver.acknowledge(1).await.unwrap();
    polls(&mut driver).await;
    assert!(place.names("input").is_empty());
}

#[tokio::test]
async fn a_crash_anywhere_goes_on_at_the_next_record() {
    let place = Place::lines(&[("cleanup.policy", "NONE"), ("batch.size", "3")]);
    place.drop("a.txt", (0..20).map(|line| format!("a{line}\n")).collect::<String>());
    check_source_resumes(|| Box::new(SpoolTask::new(Format::Lines)), &place.config, 20).await.unwrap();
    let place = Place::new(Format::Csv, SAMPLE);
    let mut config = place.config.clone();
    config.insert("cleanup.policy".into(), "NONE".into());
    config.insert("batch.size".into(), "3".into());
    let rows: String = (0..10).map(|row| format!("{row},\"two\nlines\",,\n")).collect();
    place.drop("a.csv", format!("id,first_name,last_login,account_balance\n{rows}"));
    check_source_resumes(|| Box::new(SpoolTask::new(Format::Csv)), &config, 10).await.unwrap();
}

#[tokio::test]
async fn files_come_in_order_and_a_new_file_of_an_old_name_is_read() {
    let place = Place::lines(&[]);
    place.drop("b.txt", "3\n4");
    place.drop("a.txt", "1\n2\n");
    place.drop("c.dat", "not this\n");
    place.drop("d.txt.PROCESSING", "nor this\n");
    let offsets = Arc::default();
    let mut driver = place.start(&offsets).await;
    assert_eq!(texts(&polls(&mut driver).await), ["1", "2"]);
    driver.acknowledge(2).await.unwrap();
    assert_eq!(texts(&polls(&mut driver).await), ["3", "4"]);
    driver.acknowledge(2).await.unwrap();
    driver.flush().await.unwrap();
    polls(&mut driver).await;
    assert_eq!(place.names("finished"), ["a.txt", "b.txt"]);
    place.drop("a.txt", "5\n6\n7\n");
    assert_eq!(texts(&polls(&mut driver).await), ["5", "6", "7"]);
    drop(driver);
    // The stored offset is of the first a.txt.
    assert_eq!(texts(&polls(&mut place.start(&offsets).await).await), ["5", "6", "7"]);
}

#[tokio::test]
async fn a_file_that_is_wrong_half_way_goes_to_the_error_path_when_what_came_before_was_acknowledged() {
    let place = Place::new(Format::Csv, SAMPLE);
    place.drop("a.csv", "id,first_name,last_login,account_balance\n1,x,,\nabc,x,,\n");
    place.drop("b.csv", "id,first_name,last_login,account_balance\n2,x,,\n");
    let mut driver = place.start(&Arc::default()).await;
    assert_eq!(polls(&mut driver).await.len(), 1);
    assert!(place.names("error").is_empty());
    driver.acknowledge(1).await.unwrap();
    assert_eq!(polls(&mut driver).await.len(), 1);
    assert_eq!(place.names("error"), ["a.csv"]);

    let place = Place::lines(&[]);
    place.drop("a.txt", b"ok\n\xff\xfe\n");
    let mut driver = place.start(&Arc::default()).await;
    assert_eq!(driver.poll().await.unwrap().len(), 1);
    driver.acknowledge(1).await.unwrap();
    let mut outcome = driver.poll().await;
    for _ in 0..3 {
        if outcome.is_err() {
            break;
        }
        outcome = driver.poll().await;
    }
    let Err(Violation::Task(_, error)) = outcome else { panic!("no error") };
    assert!(error.to_string().contains("a.txt goes to `error.path`: line 2 is not UTF-8"), "{error}");
    assert_eq!(place.names("error"), ["a.txt"]);
}

#[tokio::test]
async fn schemas_can_come_from_the_header() {
    let more = [
        ("topic", "t"),
        ("input.file.pattern", "csv"),
        ("schema.generation.enabled", "true"),
        ("csv.first.row.as.header", "true"),
        ("schema.generation.key.fields", "id"),
        ("csv.separator.char", "59"),
    ];
    let place = Place::new(Format::Csv, &more);
    place.drop("x.csv", "id;name\n1;é\n");
    let records = polls(&mut place.start(&Arc::default()).await).await;
    assert_eq!(records[0].value.to_string(), "Struct{id=1,name=é}");
    assert_eq!(records[0].key.to_string(), "Struct{id=1}");
    assert_eq!(
        records[0].value_schema.as_ref().unwrap().name(),
        Some("com.github.jcustenborder.kafka.connect.model.Value")
    );
}

/// The value schema of SpoolDir's own JSON sample with a list and a map more.
const JSON_SCHEMA: &str = r#"{"name":"com.example.users.User","type":"STRUCT","isOptional":false,"fieldSchemas":{"id":{"type":"INT64","isOptional":false},"last_login":{"name":"org.apache.kafka.connect.data.Timestamp","type":"INT64","version":1,"isOptional":true},"account_balance":{"name":"org.apache.kafka.connect.data.Decimal","type":"BYTES","version":1,"parameters":{"scale":"2"},"isOptional":true},"tags":{"type":"ARRAY","valueSchema":{"type":"STRING"},"isOptional":true},"ages":{"type":"MAP","keySchema":{"type":"STRING"},"valueSchema":{"type":"INT32"},"isOptional":true}}}"#;

fn json_place(more: &[(&str, &str)]) -> Place {
    let of_sample: Vec<(&str, &str)> =
        SAMPLE.iter().copied().filter(|(key, _)| !key.starts_with("csv.") && *key != "value.schema").collect();
    let own = [("input.file.pattern", r"^.*\.json$"), ("value.schema", JSON_SCHEMA)];
    Place::new(Format::Json, &[&of_sample[..], &own, more].concat())
}

#[tokio::test]
async fn json_becomes_structs_as_in_the_sample_of_spooldir() {
    let place = json_place(&[]);
    assert!(super::super::JSON.validate(&place.config).iter().all(|value| value.error_messages.is_empty()));
    let first = r#"{"id":1,"last_login":"2026-11-22T01:02:03","account_balance":12.5,"tags":["a","b"],"ages":{"x":7}}"#;
    place.drop("a.json", format!("{first}\n\n{{\"id\" : 2,\n \"other\" : {{}}}} {first}"));
    let mut driver = place.start(&Arc::default()).await;
    let records = polls(&mut driver).await;
    assert_eq!(records.len(), 3);
    let Value::Struct(value) = &records[0].value else { panic!("no struct") };
    assert_eq!(*value.get("last_login").unwrap(), Value::Date(1_795_309_323_000));
    assert_eq!(*value.get("account_balance").unwrap(), BigDecimal::parse("12.50").unwrap().into());
    assert_eq!(*value.get("tags").unwrap(), Value::Array(vec!["a".into(), "b".into()]));
    let Value::Map(ages) = value.get("ages").unwrap() else { panic!("no map") };
    assert_eq!(ages.get("x"), Some(&7i32.into()));
    assert_eq!(
        (records[1].key.to_string(), records[2].source_offset.get("offset")),
        ("Struct{id=2}".into(), Some(&3i64.into()))
    );
    check_source_resumes(|| Box::new(SpoolTask::new(Format::Json)), &json_place_with(&place, "b.json", first), 10)
        .await
        .unwrap();
}

/// A place of its own with ten values, none of which is taken away.
fn json_place_with(place: &Place, name: &str, value: &str) -> Properties {
    let folder = place.folder.path().join("again");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(name), [value; 10].join(" ")).unwrap();
    let mut config = place.config.clone();
    config.insert("input.path".into(), folder.display().to_string());
    config.insert("cleanup.policy".into(), "NONE".into());
    config
}

#[tokio::test]
async fn json_without_a_schema_is_text_as_it_was_written() {
    let config = [("topic", "t"), ("input.file.pattern", r".*\.json")];
    let place = Place::new(Format::SchemalessJson, &config);
    place.drop("a.json", "{ \"b\" : 1.10 }[1,\n2] \"x y\" 123456789012345678901234567890");
    let mut driver = place.start(&Arc::default()).await;
    let records = polls(&mut driver).await;
    assert_eq!(texts(&records), ["{\"b\":1.10}", "[1,2]", "\"x y\"", "123456789012345678901234567890"]);
    assert_eq!((&records[0].key, &records[0].key_schema), (&Value::Null, &None));
    driver.acknowledge(4).await.unwrap();
    polls(&mut driver).await;
    assert_eq!(place.names("finished"), ["a.json"]);
}

#[tokio::test]
async fn json_that_does_not_fit_is_named_by_number_and_field() {
    for (content, expected) in [
        ("{\"id\":1} {\"id\":", "value 2: it is no JSON: EOF while parsing a value"),
        ("{\"id\":1} {\"id\":\"x\"}", "value 2: field id: "),
        ("{\"id\":1} {}", "value 2: "),
        ("{\"id\":1} [1]", "value 2: expected an object, got an array"),
        ("{\"id\":1} {\"id\":2,\"tags\":{}}", "value 2: field tags: got an object"),
        ("{\"id\":1} {\"id\":2.5}", "value 2: field id: expected INT64"),
        ("{\"id\":1} {\"id\":\"\"}", "value 2: field id: got an empty string"),
    ] {
        let place = json_place(&[("halt.on.error", "true")]);
        place.drop("a.json", content);
        let mut driver = place.start(&Arc::default()).await;
        let mut seen = 0;
        let error = loop {
            match driver.poll().await {
                Ok(records) => {
                    seen += records.len();
                    driver.acknowledge(records.len()).await.unwrap();
                }
                Err(Violation::Task(_, error)) => break error.to_string(),
                Err(other) => panic!("{other:?}"),
            }
            assert!(seen < 3, "{content}");
        };
        assert!(error.contains(expected) && seen == 1, "{content}: {error}");
    }
}

#[test]
fn what_is_not_there_yet_is_refused_at_its_key() {
    let refused = |key: &str, value: &str| {
        let given = [("input.path", "/i"), ("error.path", "/e"), ("finished.path", "/f")];
        let mut config: Properties =
            given.iter().chain(SAMPLE).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        config.insert(key.to_owned(), value.to_owned());
        let values = super::super::CSV.validate(&config);
        values.into_iter().filter(|value| !value.error_messages.is_empty()).map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(refused("topic", "t"), [""; 0]);
    for (key, value) in [
        ("csv.strict.quotes", "true"),
        ("csv.null.field.indicator", "EMPTY_QUOTES"),
        ("csv.file.charset", "UTF-16"),
        ("value.schema", "{"),
        ("parser.timestamp.date.formats", "EEE"),
        ("parser.timestamp.timezone", "CET"),
        ("files.sort.attributes", "Luck"),
        ("input.file.pattern", "("),
    ] {
        assert_eq!(refused(key, value), [key]);
    }
}
