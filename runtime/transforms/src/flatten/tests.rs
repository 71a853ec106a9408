use bytes::Bytes;
use sluice_api::data::{Map, logical};
use sluice_api::{Schema, SchemaBuilder, Struct, Value};

use crate::test_records::{applied, sink, transformation};

const CLASS: &str = "Flatten$Value";

fn structure(fields: &[(&str, Schema)]) -> Schema {
    let builder = SchemaBuilder::structure();
    fields.iter().fold(builder, |builder, (name, schema)| builder.field(*name, schema.clone())).build().unwrap()
}

fn of(schema: &Schema, fields: Vec<(&str, Value)>) -> Struct {
    let value = Struct::new(schema.clone()).unwrap();
    fields.into_iter().fold(value, |value, (name, field)| value.with(name, field).unwrap())
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    Map::insertion_ordered(entries.into_iter().map(|(key, value)| (key.into(), value))).into()
}

fn every_type() -> Vec<(&'static str, Schema, Value)> {
    vec![
        ("int8", Schema::INT8, 8i8.into()),
        ("int16", Schema::INT16, 16i16.into()),
        ("int32", Schema::INT32, 32i32.into()),
        ("int64", Schema::INT64, 64i64.into()),
        ("float32", Schema::FLOAT32, 32f32.into()),
        ("float64", Schema::FLOAT64, 64f64.into()),
        ("boolean", Schema::BOOLEAN, true.into()),
        ("string", Schema::STRING, "stringy".into()),
        ("bytes", Schema::BYTES, Bytes::from_static(b"bytes").into()),
    ]
}

#[test]
fn structs_in_structs_become_fields_with_joined_names() {
    let fields: Vec<_> = every_type().into_iter().map(|(name, schema, _)| (name, schema)).collect();
    let supported = structure(&fields);
    let b = structure(&[("B", supported.clone())]);
    let a = structure(&[("A", b.clone())]);
    let value = of(&supported, every_type().into_iter().map(|(name, _, value)| (name, value)).collect());
    let value = of(&a, vec![("A", of(&b, vec![("B", value.into())]).into())]);
    let (schema, value) = applied(CLASS, &[], Some(a), value).unwrap();
    let Value::Struct(value) = value else { panic!("a struct") };
    assert_eq!(schema.as_ref(), Some(value.schema()));
    assert_eq!(value.schema().fields().unwrap().len(), 9);
    for (name, schema, expected) in every_type() {
        let name = format!("A.B.{name}");
        assert_eq!(*value.get(&name).unwrap(), expected);
        assert_eq!(*value.schema().field(&name).unwrap().unwrap().schema(), schema);
    }
}

#[test]
fn maps_in_maps_become_entries_with_joined_names() {
    let inner = map(every_type().into_iter().map(|(name, _, value)| (name, value)).collect());
    let value = map(vec![("A", map(vec![("B", inner)]))]);
    let (schema, value) = applied(CLASS, &[("delimiter", "#")], None, value).unwrap();
    assert_eq!(schema, None);
    let names: Vec<_> = every_type().into_iter().map(|(name, _, value)| (format!("A#B#{name}"), value)).collect();
    let expected = Map::insertion_ordered(names.into_iter().map(|(name, value)| (name.into(), value)));
    assert_eq!(value.to_string(), Value::from(expected).to_string());
}

#[test]
fn optional_fields_stay_null() {
    let inner = structure(&[("opt_int32", Schema::OPTIONAL_INT32)]);
    let schema = structure(&[("B", inner.clone())]);
    let value = of(&schema, vec![("B", Struct::new(inner).unwrap().into())]);
    let (schema, value) = applied(CLASS, &[], Some(schema), value).unwrap();
    assert_eq!(schema.unwrap(), structure(&[("B.opt_int32", Schema::OPTIONAL_INT32)]));
    assert_eq!(value.to_string(), "Struct{}");
    let nested = map(vec![("B", map(vec![("opt_int32", Value::Null)]))]);
    assert_eq!(applied(CLASS, &[], None, nested).unwrap().1.to_string(), "{B.opt_int32=null}");
}

#[test]
fn a_missing_struct_leaves_its_fields_unset() {
    let inner = SchemaBuilder::structure().optional().field("a", Schema::INT32).build().unwrap();
    let schema = structure(&[("B", inner)]);
    let (schema, value) = applied(CLASS, &[], Some(schema.clone()), of(&schema, vec![])).unwrap();
    assert_eq!(schema.unwrap(), structure(&[("B.a", Schema::OPTIONAL_INT32)]));
    assert_eq!(value.to_string(), "Struct{}");
}

#[test]
fn null_passes_with_or_without_schema() {
    let schema = SchemaBuilder::structure().optional().field("opt_int32", Schema::OPTIONAL_INT32).build().unwrap();
    let passed = applied(CLASS, &[], Some(schema.clone()), Value::Null).unwrap();
    assert_eq!(passed, (Some(schema), Value::Null));
    assert_eq!(applied(CLASS, &[], None, Value::Null).unwrap(), (None, Value::Null));
}

#[test]
fn a_key_is_flattened_too() {
    let mut record = sink(None, Value::Null);
    record.key = map(vec![("A", map(vec![("B", 12i32.into())]))]);
    let record = transformation("Flatten$Key", &[]).unwrap().apply_sink(record).unwrap().unwrap();
    assert_eq!((record.key_schema, record.key.to_string()), (None, "{A.B=12}".to_owned()));
}

#[test]
fn lists_stay_as_they_are() {
    let value = map(vec![("foo", vec!["bar".into(), map(vec![("baz", map(vec![("lfg", "lfg".into())]))])].into())]);
    assert_eq!(applied(CLASS, &[], None, value.clone()).unwrap(), (None, value));
    let nested = structure(&[("lfg", Schema::STRING)]);
    let inner = structure(&[("baz", nested.clone())]);
    let list = SchemaBuilder::array(inner.clone()).doc("durk").build().unwrap();
    let schema = structure(&[("foo", list)]);
    let nested = of(&nested, vec![("lfg", "lfg".into())]);
    let value: Value = of(&schema, vec![("foo", vec![of(&inner, vec![("baz", nested.into())]).into()].into())]).into();
    assert_eq!(applied(CLASS, &[], Some(schema.clone()), value.clone()).unwrap(), (Some(schema), value));
}

#[test]
fn optionality_and_defaults_come_from_above() {
    let child = SchemaBuilder::string().optional().default("child_default").build().unwrap();
    let builder =
        SchemaBuilder::structure().optional().field("req_field", Schema::STRING).field("opt_field", child.clone());
    let default = of(&builder.so_far(), vec![("req_field", "req_default".into())]);
    let schema = builder.struct_default(default).build().unwrap();
    let expected = [
        ("req_field", SchemaBuilder::string().optional().default("req_default").build().unwrap()),
        ("opt_field", child),
    ];
    let (flat, _) = applied(CLASS, &[], Some(schema.clone()), Struct::new(schema.clone()).unwrap()).unwrap();
    assert_eq!(flat.unwrap(), structure(&expected));

    let outer = structure(&[("B", schema)]);
    let (flat, value) = applied(CLASS, &[], Some(outer.clone()), Struct::new(outer).unwrap()).unwrap();
    let [(_, req), (_, opt)] = expected;
    assert_eq!(flat.unwrap(), structure(&[("B.req_field", req), ("B.opt_field", opt)]));
    assert_eq!(value.to_string(), "Struct{}");
}

#[test]
fn null_fields_stay() {
    let names = ["firstNull", "firstNonNull", "secondNull", "secondNonNull", "thirdNull"];
    let value = |name: &str| if name.ends_with("NonNull") { name.into() } else { Value::Null };
    let entries: Vec<_> = names.iter().map(|name| (*name, value(name))).collect();
    let flat = applied(CLASS, &[], None, map(entries.clone())).unwrap().1;
    assert_eq!(flat.to_string(), map(entries.clone()).to_string());
    let schema = structure(&names.map(|name| (name, Schema::OPTIONAL_STRING)));
    let value: Value = of(&schema, entries).into();
    assert_eq!(applied(CLASS, &[], Some(schema.clone()), value.clone()).unwrap(), (Some(schema), value));
}

#[test]
fn what_cannot_be_flattened_is_named() {
    let mistake = |schema: Option<Schema>, value: Value| applied(CLASS, &[], schema, value).unwrap_err().to_string();
    let with_map = structure(&[("m", SchemaBuilder::map(Schema::STRING, Schema::INT8).build().unwrap())]);
    let value = of(&with_map, vec![("m", Map::default().into())]);
    assert_eq!(
        mistake(Some(with_map), value.into()),
        "Flatten transformation does not support MAP for record with schemas (for field m)."
    );
    assert_eq!(
        mistake(None, map(vec![("d", Value::Date(0))])),
        "Flatten transformation was passed a value of type class java.util.Date which is not supported by Connect's data API"
    );
    let inner = structure(&[("a", Schema::INT8)]);
    let value = map(vec![("m", map(vec![("s", of(&inner, vec![("a", 1i8.into())]).into())]))]);
    assert_eq!(
        mistake(None, value),
        "Flatten transformation does not support class org.apache.kafka.connect.data.Struct for record without schemas (for \
         field m.s)."
    );
    assert_eq!(
        mistake(Some(logical::date()), Value::Date(0)),
        "Only Struct objects supported for [flattening], found: java.util.Date"
    );
    let clash = structure(&[("a.b", Schema::INT8), ("a", structure(&[("b", Schema::INT8)]))]);
    let inner = of(clash.field("a").unwrap().unwrap().schema(), vec![("b", 1i8.into())]);
    let value = of(&clash, vec![("a.b", 2i8.into()), ("a", inner.into())]);
    assert_eq!(mistake(Some(clash), value.into()), "Cannot create field because of field name duplication a.b");
}
