use super::*;
use crate::test_records::{applied, sink, transformation};

const CLASS: &str = "ReplaceField$Value";
const CONFIG: &[(&str, &str)] = &[("exclude", "dont"), ("renames", "abc:xyz,foo:bar")];

fn map(entries: &[(&str, Value)]) -> Map {
    Map::hash_ordered(entries.iter().map(|(key, value)| ((*key).into(), value.clone())))
}

#[test]
fn entries_of_a_map_are_left_out_and_renamed() {
    let value = [("dont", "whatever".into()), ("abc", 42i32.into()), ("foo", true.into()), ("etc", "etc".into())];
    let (schema, value) = applied(CLASS, CONFIG, None, map(&value)).unwrap();
    // In the order of a HashMap with room for four entries.
    assert_eq!((schema, value.to_string()), (None, "{xyz=42, etc=etc, bar=true}".to_owned()));
}

#[test]
fn fields_of_a_struct_are_left_out_and_renamed() {
    let schema = SchemaBuilder::structure()
        .field("dont", Schema::STRING)
        .field("abc", Schema::INT32)
        .field("foo", Schema::BOOLEAN)
        .field("etc", Schema::STRING)
        .build()
        .unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("dont", "whatever").unwrap().with("abc", 42).unwrap();
    let value = value.with("foo", true).unwrap().with("etc", "etc").unwrap();
    let config = [("exclude", "dont"), ("include", "abc,foo"), ("renames", "abc:xyz,foo:bar")];
    let (schema, value) = applied(CLASS, &config, Some(schema), value).unwrap();
    let expected =
        SchemaBuilder::structure().field("xyz", Schema::INT32).field("bar", Schema::BOOLEAN).build().unwrap();
    assert_eq!(schema, Some(expected));
    assert_eq!(value.to_string(), "Struct{xyz=42,bar=true}");
}

#[test]
fn names_can_be_swapped() {
    let schema = SchemaBuilder::structure().field("b", Schema::INT8).field("c", Schema::STRING).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("b", 1i8).unwrap().with("c", "x").unwrap();
    let swapped = applied(CLASS, &[("renames", "b:c,c:b")], Some(schema), value).unwrap().1;
    assert_eq!(swapped.to_string(), "Struct{c=1,b=x}");
}

#[test]
fn a_field_that_has_the_new_name_already_is_a_clash_or_keeps_its_own_value() {
    let schema = SchemaBuilder::structure().field("a", Schema::INT8).field("b", Schema::INT8).build().unwrap();
    let value = Struct::new(schema.clone()).unwrap().with("a", 1i8).unwrap().with("b", 2i8).unwrap();
    let clash = applied(CLASS, &[("renames", "a:b")], Some(schema.clone()), value.clone()).unwrap_err();
    assert_eq!(clash.to_string(), "Cannot create field because of field name duplication b");
    let config = [("renames", "a:b"), ("exclude", "a")];
    assert_eq!(applied(CLASS, &config, Some(schema), value).unwrap().1.to_string(), "Struct{b=2}");
}

#[test]
fn null_passes_with_or_without_schema() {
    let schema = SchemaBuilder::structure().field("dont", Schema::STRING).build().unwrap();
    let passed = applied(CLASS, CONFIG, Some(schema.clone()), Value::Null).unwrap();
    assert_eq!(passed, (Some(schema), Value::Null));
    assert_eq!(applied(CLASS, CONFIG, None, Value::Null).unwrap(), (None, Value::Null));
}

#[test]
fn a_default_stands_in_for_null_unless_told_otherwise() {
    let with_default = SchemaBuilder::string().optional().default("default").build().unwrap();
    let schema = SchemaBuilder::structure().field("abc", with_default).build().unwrap();
    for (replace, raw) in [("true", Value::from("default")), ("false", Value::Null)] {
        let config = [("renames", "abc:xyz"), ("replace.null.with.default", replace)];
        let value = Struct::new(schema.clone()).unwrap();
        let Value::Struct(value) = applied(CLASS, &config, Some(schema.clone()), value).unwrap().1 else {
            panic!("a struct")
        };
        assert_eq!(*value.get_without_default("xyz").unwrap(), raw);
    }
    let required = SchemaBuilder::string().default("default").build().unwrap();
    let schema = SchemaBuilder::structure().field("abc", required).build().unwrap();
    let config = [("replace.null.with.default", "false")];
    let mistake = applied(CLASS, &config, Some(schema.clone()), Struct::new(schema).unwrap()).unwrap_err();
    assert_eq!(mistake.to_string(), "Invalid value: null used for required field: \"abc\", schema type: STRING");
}

#[test]
fn a_key_is_replaced_too() {
    let mut record = sink(None, Value::Null);
    record.key = map(&[("abc", 1i32.into()), ("dont", 2i32.into())]).into();
    let record = transformation("ReplaceField$Key", CONFIG).unwrap().apply_sink(record).unwrap().unwrap();
    assert_eq!(record.key.to_string(), "{xyz=1}");
}

#[test]
fn mappings_are_pairs() {
    let listed = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for good in ["a:b", "a:b:", ":b"] {
        parse_renames(&listed(&[good])).unwrap();
    }
    for bad in ["b", "a:", ":", "", "a:b:c", "a::b"] {
        let mistake = parse_renames(&listed(&["x:y", bad])).unwrap_err();
        assert_eq!(
            mistake,
            format!("Invalid value [x:y, {bad}] for configuration renames: Invalid rename mapping: {bad}")
        );
    }
    let mistake = transformation(CLASS, &[("renames", "b")]).map(drop).unwrap_err();
    assert_eq!(mistake.to_string(), "Invalid value [b] for configuration renames: Invalid rename mapping: b");
}
