use bytes::Bytes;
use sluice_api::data::BigDecimal;
use sluice_api::{Schema, SchemaType, Struct, Value};

use super::*;
use crate::catalog::{TypeInfo, TypeKind, Types};

fn convert(converter: &Converter, text: &str) -> Result<Value, Unreadable> {
    let owner = Bytes::copy_from_slice(text.as_bytes());
    converter.convert(&owner, &owner)
}

fn info(name: &str, kind: TypeKind) -> TypeInfo {
    TypeInfo {
        schema: "pg_catalog".into(),
        name: name.into(),
        kind,
        element: 0,
        delimiter: b',',
        base: 0,
        base_modifier: -1,
        labels: Vec::new(),
    }
}

/// The value of a column of a built-in type.
fn value(name: &str, modifier: i32, modes: &Modes, text: &str) -> (Schema, Value) {
    let mut types = Types::default();
    types.insert(1, info(name, TypeKind::Base));
    let form = form(&types, 1, modifier, modes).unwrap();
    let value = convert(&form.converter, text).unwrap();
    (form.schema, value)
}

fn plain(name: &str, modifier: i32, text: &str) -> Value {
    value(name, modifier, &Modes::default(), text).1
}

#[test]
fn times_are_read_from_iso_texts() {
    let micros = |text| plain("timestamp", -1, text);
    assert_eq!(micros("1970-01-02 00:00:00.000001"), Value::Int64(86_400_000_001));
    assert_eq!(micros("1969-12-31 23:59:59.999999"), Value::Int64(-1));
    assert_eq!(micros("0044-03-15 00:00:00 BC"), Value::Int64(-63_517_824_000_000_000));
    assert_eq!(micros("infinity"), Value::Int64(9_223_372_036_825_200_000));
    assert_eq!(
        micros("294276-12-31 23:59:59.999999"),
        Value::Int64(9_224_318_015_999_999_999_i128.min(i64::MAX.into()) as i64)
    );
    assert_eq!(plain("timestamp", 3, "infinity"), Value::Int64(9_223_372_036_825_200));
    assert_eq!(plain("timestamp", 3, "1970-01-01 00:00:01.5"), Value::Int64(1500));
    assert_eq!(plain("date", -1, "2024-02-29"), Value::Int32(19_782));
    assert_eq!(plain("date", -1, "infinity"), Value::Int32(-622_191_234));
    assert_eq!(plain("time", 0, "24:00:00"), Value::Int32(86_400_000));
    assert_eq!(plain("time", -1, "10:11:12.5"), Value::Int64(36_672_500_000));
    assert_eq!(plain("timestamptz", -1, "2024-01-15 10:11:12.5+00"), Value::from("2024-01-15T10:11:12.500000Z"));
    assert_eq!(plain("timestamptz", 0, "12024-01-15 10:11:12+00"), Value::from("+12024-01-15T10:11:12Z"));
    assert_eq!(plain("timestamptz", 2, "0044-03-15 00:00:00+00 BC"), Value::from("-0043-03-15T00:00:00.00Z"));
    assert_eq!(plain("timetz", -1, "00:30:00.120-02"), Value::from("02:30:00.12Z"));
    assert_eq!(plain("timetz", -1, "01:00:00+02:30"), Value::from("22:30:00Z"));
}

#[test]
fn intervals_keep_the_sign_of_every_part() {
    let text = "1 year 2 mons -3 days +04:05:06.789";
    assert_eq!(convert(&Converter::IntervalIso, text).unwrap(), Value::from("P1Y2M-3DT4H5M6.789S"));
    assert_eq!(convert(&Converter::IntervalIso, "00:00:00").unwrap(), Value::from("P0Y0M0DT0H0M0S"));
    assert_eq!(convert(&Converter::IntervalIso, "-00:00:00.5").unwrap(), Value::from("P0Y0M0DT0H0M-0.5S"));
    assert_eq!(convert(&Converter::IntervalMicros, "1 mon").unwrap(), Value::Int64(2_629_800_000_000));
    assert_eq!(convert(&Converter::IntervalMicros, "-1 days +01:00:00").unwrap(), Value::Int64(-82_800_000_000));
}

#[test]
fn numbers_keep_every_digit() {
    let (schema, number) = value("numeric", (10 << 16 | 2) + 4, &Modes::default(), "-1234.50");
    assert_eq!(number, Value::Decimal(BigDecimal::new(-123_450, 2)));
    assert_eq!(schema.parameters().unwrap()["connect.decimal.precision"], "10");
    let long = "123456789012345678901234567890.25";
    assert_eq!(plain("numeric", (40 << 16 | 2) + 4, long), Value::Decimal(BigDecimal::parse(long).unwrap()));
    let (schema, any) = value("numeric", -1, &Modes::default(), "1200.500");
    let fields = vec![Value::Int32(1), Value::Bytes(BigDecimal::new(12_005, 1).to_unscaled_bytes().into())];
    assert_eq!(any, Value::Struct(Struct::from_checked(schema, fields).unwrap()));
    let negative_scale = (3 << 16 | (-2i32 & 0x7ff)) + 4;
    assert_eq!(plain("numeric", negative_scale, "12300"), Value::Decimal(BigDecimal::new(123, -2)));
    assert_eq!(plain("money", -1, "-$1,234.56"), Value::Decimal(BigDecimal::new(-123_456, 2)));
    let refused = convert(&Converter::Decimal(2), "NaN").unwrap_err().to_string();
    assert!(refused.contains("decimal.handling.mode=string"), "{refused}");
    let modes = Modes { decimal: DecimalMode::String, ..Modes::default() };
    assert_eq!(value("numeric", -1, &modes, "NaN").1, Value::from("NAN"));
}

#[test]
fn bits_and_bytes() {
    assert_eq!(plain("bit", 10, "1000000001"), Value::Bytes(Bytes::from_static(&[1, 2])));
    assert_eq!(plain("bit", 1, "1"), Value::Boolean(true));
    assert_eq!(plain("varbit", 8, "0000"), Value::Bytes(Bytes::new()));
    assert_eq!(plain("bytea", -1, "\\x00ff"), Value::Bytes(Bytes::from_static(&[0, 255])));
    let modes = Modes { binary: BinaryMode::Base64, ..Modes::default() };
    let (schema, text) = value("bytea", -1, &modes, "\\x00ff");
    assert_eq!((schema, text), (Schema::STRING, Value::from("AP8=")));
}

#[test]
fn arrays_are_read_with_quotes_nulls_and_bounds() {
    let array = |element| Converter::Array { element: Box::new(element), delimiter: b',', nullable: true };
    let numbers = |text: &str| convert(&array(Converter::Int32), text).unwrap();
    let list = |values: &[i32]| Value::Array(values.iter().copied().map(Value::Int32).collect());
    assert_eq!(numbers("{1,2}"), list(&[1, 2]));
    assert_eq!(numbers("[0:1]={1,2}"), list(&[1, 2]));
    assert_eq!(numbers("{{1,2},{3,4}}"), list(&[1, 2, 3, 4]));
    assert_eq!(numbers("{}"), list(&[]));
    assert_eq!(numbers("{1,NULL}"), Value::Array(vec![Value::Int32(1), Value::Null]));
    let texts = convert(&array(Converter::Text), r#"{a,"b \"c\\",NULL,"NULL",""}"#).unwrap();
    let wanted = vec![Value::from("a"), Value::from("b \"c\\"), Value::Null, Value::from("NULL"), Value::from("")];
    assert_eq!(texts, Value::Array(wanted));
    for wrong in ["", "{", "{1", "{\"a}", "}", "{1}x", "{\"a\\"] {
        assert!(convert(&array(Converter::Int32), wrong).is_err(), "{wrong}");
    }
}

#[test]
fn hstore_is_json_in_the_order_of_java() {
    let text = r#""b"=>"x\"y", "a"=>NULL"#;
    assert_eq!(convert(&Converter::HstoreJson, text).unwrap(), Value::from(r#"{"a":null,"b":"x\"y"}"#));
    assert!(convert(&Converter::HstoreJson, "\"a\"=>").is_err());
}

#[test]
fn defaults_are_literals_and_functions_give_zero() {
    let default = |name, expression| default_text(name, false, expression);
    assert_eq!(default("int4", "7").as_deref(), Some("7"));
    assert_eq!(default("int4", "nextval('s'::regclass)").as_deref(), Some("0"));
    assert_eq!(default("int8", "'9223372036854775807'::bigint").as_deref(), Some("9223372036854775807"));
    assert_eq!(default("int4", "(1 + 2)"), None);
    assert_eq!(default("text", "'it''s'::text").as_deref(), Some("it's"));
    assert_eq!(default("text", "NULL::text"), None);
    assert_eq!(default("timestamptz", "now()").as_deref(), Some("1970-01-01 00:00:00+00"));
    assert_eq!(default("date", "CURRENT_DATE").as_deref(), Some("1970-01-01"));
    assert_eq!(default_text("mood", true, "'sad'::mood").as_deref(), Some("sad"));
    assert_eq!(default("inet", "'::1'::inet"), None);
}

#[test]
fn an_unchanged_value_has_a_placeholder_of_its_type() {
    let placeholder = Placeholder::default();
    assert_eq!(placeholder.of(&Schema::STRING), Some(Value::from("__debezium_unavailable_value")));
    let array = |element| sluice_api::SchemaBuilder::array(element).build().unwrap();
    let Some(Value::Array(numbers)) = placeholder.of(&array(Schema::OPTIONAL_INT32)) else { panic!() };
    assert_eq!((numbers.len(), &numbers[0]), (28, &Value::Int32(95)));
    assert_eq!(placeholder.of(&Schema::INT32), None);
    assert_eq!(Placeholder::parse("hex:0aff").unwrap().of(&Schema::BYTES), Some(Value::Bytes(vec![10, 255].into())));
    assert!(Placeholder::parse("hex:0").is_none());
}

#[test]
fn a_type_that_is_not_known_has_no_field() {
    let mut types = Types::default();
    types.insert(1, info("tsquery", TypeKind::Base));
    types.insert(2, TypeInfo { element: 3, ..info("_money", TypeKind::Array) });
    types.insert(3, info("money", TypeKind::Base));
    assert!(form(&types, 1, -1, &Modes::default()).is_none());
    assert!(form(&types, 2, -1, &Modes::default()).is_none());
    let modes = Modes { include_unknown: true, ..Modes::default() };
    assert_eq!(form(&types, 1, -1, &modes).unwrap().schema.schema_type(), SchemaType::Bytes);
}
