use std::sync::Arc;

use jiff::tz::TimeZone;
use sluice_api::data::Map;
use sluice_api::{Headers, Schema, SchemaBuilder, Struct, TimestampType, Value};

use super::*;

/// 2015-04-02T13:04:05.006Z.
const AT: i64 = 1_427_979_845_006;

fn record(value: impl Into<Value>) -> SinkRecord {
    let value = value.into();
    let value_schema = if let Value::Struct(value) = &value { Some(value.schema().clone()) } else { None };
    SinkRecord {
        topic: Arc::from("t"),
        partition: 7,
        offset: 42,
        key_schema: None,
        key: Value::Null,
        value_schema,
        value,
        timestamp_ms: Some(AT),
        timestamp_type: TimestampType::CreateTime,
        headers: Headers::new(),
        original: None,
    }
}

fn person() -> Struct {
    let inner = SchemaBuilder::structure().field("city", Schema::OPTIONAL_STRING).build().unwrap();
    let schema = SchemaBuilder::structure()
        .name("a.Person")
        .field("id", Schema::INT64)
        .field("ok", Schema::BOOLEAN)
        .field("at", Schema::STRING)
        .field("home", inner.clone())
        .field("size", Schema::FLOAT64)
        .build()
        .unwrap();
    let home = Struct::new(inner).unwrap().with("city", "Bonn").unwrap();
    let new = Struct::new(schema).unwrap();
    let new = new.with("id", 5i64).unwrap().with("ok", true).unwrap().with("at", "2015-04-02T13:04:05Z").unwrap();
    new.with("home", home).unwrap().with("size", 1.5).unwrap()
}

fn encode(kind: Kind, affix: Affix, record: &SinkRecord) -> Result<String> {
    let mut out = String::from("left over");
    Partitioner { kind, affix, delimiter: "/".into() }.encode(record, 0, &mut out).map(|()| out)
}

fn hourly(extractor: Extractor, zone: &str) -> Kind {
    let pattern = Pattern::parse("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "/").unwrap();
    Kind::Time(TimeFolders::new(extractor, HOUR_MS, pattern, TimeZone::get(zone).unwrap()))
}

#[test]
fn the_default_is_the_number_of_the_partition() {
    assert_eq!(encode(Kind::Default, Affix::None, &record("x")).unwrap(), "partition=7");
}

#[test]
fn fields_are_named_with_their_values() {
    let names = ["id", "ok", "home.city"].map(str::to_owned).to_vec();
    let folder = encode(Kind::Fields(names.clone()), Affix::None, &record(person())).unwrap();
    assert_eq!(folder, "id=5/ok=true/home.city=Bonn");
    let mut nowhere = person();
    let home = Struct::new(nowhere.schema().field("home").unwrap().unwrap().schema().clone()).unwrap();
    nowhere.put("home", home).unwrap();
    let folder = encode(Kind::Fields(names[2..].to_vec()), Affix::None, &record(nowhere)).unwrap();
    assert_eq!(folder, "home.city=null");
}

#[test]
fn records_without_the_field_are_refused_by_name() {
    let refused = |name: &str, record: &SinkRecord| {
        encode(Kind::Fields(vec![name.to_owned()]), Affix::None, record).unwrap_err().to_string()
    };
    assert!(refused("nope", &record(person())).contains("offset 42 of t-7 has no field `nope`"));
    assert!(refused("size", &record(person())).contains("java.lang.Double in the field `size`"));
    let map = Map::insertion_ordered([("id".into(), 1i64.into())]);
    assert!(refused("id", &record(map)).contains("needs a value with a schema of type STRUCT"));
}

#[test]
fn hours_are_local() {
    let folder = |zone| encode(hourly(Extractor::Record, zone), Affix::None, &record("x")).unwrap();
    assert_eq!(folder("UTC"), "year=2015/month=04/day=02/hour=13");
    assert_eq!(folder("America/Los_Angeles"), "year=2015/month=04/day=02/hour=06");
    assert_eq!(folder("Asia/Kolkata"), "year=2015/month=04/day=02/hour=18");
}

#[test]
fn a_time_in_a_field_counts() {
    let by_field = || hourly(Extractor::RecordField("at".into()), "UTC");
    assert_eq!(encode(by_field(), Affix::None, &record(person())).unwrap(), "year=2015/month=04/day=02/hour=13");
    let map = Map::insertion_ordered([("at".into(), Value::Int64(0))]);
    assert_eq!(encode(by_field(), Affix::None, &record(map)).unwrap(), "year=1970/month=01/day=01/hour=00");
    let error = encode(by_field(), Affix::None, &record("x")).unwrap_err().to_string();
    assert!(error.contains("has no field `at`"), "{error}");
    let mut timeless = record("x");
    timeless.timestamp_ms = None;
    let error = encode(hourly(Extractor::Record, "UTC"), Affix::None, &timeless).unwrap_err().to_string();
    assert_eq!(error, "the record at offset 42 of t-7 has no timestamp");
}

#[test]
fn a_remembered_folder_is_the_one_that_is_computed_anew() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let pattern = || Pattern::parse("YYYY-MM-dd'T'HH:mm ZZ", "/").unwrap();
    let mut remembering = TimeFolders::new(Extractor::Record, 600_000, pattern(), zone.clone());
    // Over the end of summer time, in steps that cross no boundary regularly.
    for step in 0..2_000 {
        let at = 1_445_730_000_000 + step * 77_777;
        let (mut with, mut without) = (String::new(), String::new());
        remembering.encode(at, &mut with);
        TimeFolders::new(Extractor::Record, 600_000, pattern(), zone.clone()).encode(at, &mut without);
        assert_eq!(with, without);
    }
}

#[test]
fn the_schemas_name_stands_before_or_behind() {
    assert_eq!(encode(Kind::Default, Affix::Prefix, &record(person())).unwrap(), "schema_name=a.Person/partition=7");
    assert_eq!(encode(Kind::Default, Affix::Suffix, &record("x")).unwrap(), "partition=7/schema_name=null");
}
