//! Schemas as Confluent's converter maps them: vectors by its source.

use super::*;

fn text(keys: &[(&str, &str)], schema: &Schema) -> String {
    from_connect(&config(keys), Some(schema)).unwrap().to_text()
}

fn connect(keys: &[(&str, &str)], text: &str) -> Schema {
    to_connect(&config(keys), &avro(text), None).unwrap().unwrap()
}

#[test]
fn primitives_keep_what_avro_has_no_place_for() {
    assert_eq!(text(&[], &Schema::INT8), r#"{"type":"int","connect.type":"int8"}"#);
    assert_eq!(text(&[("connect.meta.data", "false")], &Schema::INT8), r#""int""#);
    assert_eq!(text(&[], &Schema::OPTIONAL_STRING), r#"["null","string"]"#);
    let full = SchemaBuilder::int64().name("n").version(3).doc("d").parameter("p", "v").default(5i64).build().unwrap();
    assert_eq!(
        text(&[], &full),
        r#"{"type":"long","connect.doc":"d","connect.version":3,"connect.parameters":{"p":"v"},"connect.default":5,"connect.name":"n"}"#
    );
    assert_eq!(connect(&[], &text(&[], &full)), full);
    let optional = SchemaBuilder::string().optional().default("x").build().unwrap();
    assert_eq!(text(&[], &optional), r#"[{"type":"string","connect.default":"x"},"null"]"#);
    assert_eq!(connect(&[], &text(&[], &optional)), optional);
}

#[test]
fn logical_types_have_avros_and_connects_names() {
    assert_eq!(
        text(&[], &logical::decimal(2)),
        r#"{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}"#
    );
    assert_eq!(
        text(&[], &logical::date()),
        r#"{"type":"int","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Date","logicalType":"date"}"#
    );
    for schema in [logical::decimal(-3), logical::date(), logical::time(), logical::timestamp()] {
        assert_eq!(connect(&[], &text(&[], &schema)), schema);
        assert_eq!(
            connect(&[("connect.meta.data", "false")], &text(&[("connect.meta.data", "false")], &schema)),
            schema
        );
    }
    let precise = connect(&[], r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#);
    assert_eq!(precise.parameters().unwrap()["connect.decimal.precision"], "9");
    assert!(text(&[], &precise).starts_with(r#"{"type":"bytes","scale":2,"precision":9,"#));
    assert_eq!(connect(&[], r#"{"type":"long","logicalType":"timestamp-micros"}"#), Schema::INT64);
}

#[test]
fn a_name_that_two_types_have_is_refused() {
    let named = |of: Schema| SchemaBuilder::structure().name("a.b.In").doc("d").field("x", of).build().unwrap();
    let both = |two: Schema| {
        let outer = SchemaBuilder::structure().field("one", named(Schema::INT32)).field("two", two).build().unwrap();
        from_connect(&config(&[]), Some(&outer)).unwrap().unambiguous_text()
    };
    let other = SchemaBuilder::structure().name("a.b.In").version(2).field("x", Schema::INT32).build().unwrap();
    assert!(both(other).unwrap().contains(r#"{"name":"two","type":"a.b.In"}"#));
    for two in [named(Schema::INT64), named(Schema::INT8), named(logical::date())] {
        let error = both(two).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(
            error.message(),
            "two different Avro types would be named a.b.In: give the schemas of these structs or maps names that differ"
        );
    }
    let entries = |key: Schema| SchemaBuilder::map(key, Schema::STRING).build().unwrap();
    let maps = SchemaBuilder::structure().field("one", entries(Schema::INT32)).field("two", entries(Schema::INT64));
    let error = from_connect(&config(&[]), Some(&maps.build().unwrap())).unwrap().unambiguous_text().unwrap_err();
    assert!(error.message().contains("io.confluent.connect.avro.MapEntry"), "{error}");
}

#[test]
fn structs_are_records_that_are_defined_once() {
    let inner = SchemaBuilder::structure().name("a.b.In").field("x", Schema::INT32).build().unwrap();
    let optional = SchemaBuilder::like(&inner).optional().build().unwrap();
    let outer = SchemaBuilder::structure().field("one", inner).field("two", optional).build().unwrap();
    assert_eq!(
        text(&[], &outer),
        r#"{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"one","type":{"type":"record","name":"In","namespace":"a.b","fields":[{"name":"x","type":"int"}],"connect.name":"a.b.In"}},{"name":"two","type":["null","a.b.In"],"default":null}]}"#
    );
    assert_eq!(connect(&[], &text(&[], &outer)), outer);
    let nameless = SchemaBuilder::structure().field("y", Schema::INT8).build().unwrap();
    let twice = SchemaBuilder::structure().field("a", nameless).build().unwrap();
    assert!(text(&[], &twice).contains(r#""name":"ConnectDefault2""#));
}

#[test]
fn maps_with_other_keys_are_arrays_of_entries() {
    let map = SchemaBuilder::map(Schema::INT32, Schema::STRING).build().unwrap();
    assert_eq!(
        text(&[], &map),
        r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}]}}"#
    );
    assert_eq!(connect(&[], &text(&[], &map)), map);
    let twice = SchemaBuilder::structure().name("a.T").field("one", map.clone()).field("two", map).build().unwrap();
    assert!(text(&[], &twice).ends_with(
        r#"{"name":"two","type":{"type":"array","items":"io.confluent.connect.avro.MapEntry"}}],"connect.name":"a.T"}"#
    ));
    assert_eq!(connect(&[], &text(&[], &twice)), twice);
    let named = SchemaBuilder::map(Schema::INT32, Schema::STRING).name("a.M").build().unwrap();
    assert!(text(&[], &named).contains(r#""connect.internal.type":"MapEntry""#));
    let optional_keys = SchemaBuilder::map(Schema::OPTIONAL_STRING, Schema::INT8).build().unwrap();
    assert!(text(&[], &optional_keys).contains("MapEntry"));
    let allowed = text(&[("allow.optional.map.keys", "true")], &optional_keys);
    assert_eq!(allowed, r#"{"type":"map","values":{"type":"int","connect.type":"int8"}}"#);
}

#[test]
fn enums_are_strings_that_remember() {
    let symbols =
        r#"{"type":"enum","name":"Color","namespace":"a","doc":"d","symbols":["RED","BLUE"],"default":"RED"}"#;
    let schema = connect(&[], symbols);
    let parameters: Vec<_> = schema.parameters().unwrap().iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        parameters,
        [
            "io.confluent.connect.avro.enum.doc.Color=d",
            "io.confluent.connect.avro.enum.default.Color=RED",
            "io.confluent.connect.avro.Enum=a.Color",
            "io.confluent.connect.avro.Enum.RED=RED",
            "io.confluent.connect.avro.Enum.BLUE=BLUE",
        ]
    );
    assert_eq!(schema.name(), Some("a.Color"));
    let enhanced = text(&[("enhanced.avro.schema.support", "true"), ("connect.meta.data", "false")], &schema);
    assert_eq!(enhanced, symbols);
    assert!(text(&[("connect.meta.data", "false")], &schema).starts_with(r#""string""#));
    let general = connect(&[("generalized.sum.type.support", "true"), ("connect.meta.data", "false")], symbols);
    assert_eq!(general.parameters().unwrap()["org.apache.kafka.connect.data.Enum.BLUE"], "1");
}

#[test]
fn unions_are_structs_with_a_field_per_branch() {
    let union = r#"["null","int",{"type":"record","name":"R","namespace":"a","fields":[]}]"#;
    let schema = connect(&[], union);
    assert_eq!(schema.name(), Some("io.confluent.connect.avro.Union"));
    let names =
        |schema: &Schema| schema.fields().unwrap().iter().map(|field| field.name().to_owned()).collect::<Vec<_>>();
    assert_eq!((schema.is_optional(), names(&schema)), (true, vec!["int".to_owned(), "R".to_owned()]));
    assert_eq!(names(&connect(&[("enhanced.avro.schema.support", "true")], union))[1], "a.R");
    let general = connect(&[("generalized.sum.type.support", "true")], union);
    assert_eq!((general.name(), &*names(&general)[0]), (Some("connect_union_0"), "connect_union_field_1"));
    assert_eq!(connect(&[], r#"["int"]"#), Schema::INT32);
    let kept = connect(&[("flatten.singleton.unions", "false")], r#"["int"]"#);
    assert_eq!(names(&kept), ["int"]);
    let one = Struct::new(schema.clone()).unwrap().with("int", 5).unwrap();
    let (config, avro) = (config(&[]), avro(union));
    for (value, bytes) in [(Value::from(one), &[2u8, 10][..]), (Value::Null, &[0])] {
        assert_eq!(encoded(&config, Some(&schema), &avro, &value).unwrap(), bytes);
        assert_eq!(decoded(&config, &avro, &avro, bytes).unwrap(), value);
    }
}

#[test]
fn fixed_keeps_its_size_and_name() {
    let fixed = r#"{"type":"fixed","name":"F","namespace":"a","size":2}"#;
    let schema = connect(&[], fixed);
    assert_eq!((schema.name(), &*schema.parameters().unwrap()["connect.fixed.size"]), (Some("a.F"), "2"));
    let config = config(&[]);
    let avro = from_connect(&config, Some(&schema)).unwrap();
    assert!(avro.to_text().starts_with(r#"{"type":"fixed","name":"F","namespace":"a","size":2,"#));
    assert_eq!(encoded(&config, Some(&schema), &avro, &Bytes::from_static(&[1, 2]).into()).unwrap(), [1, 2]);
    assert!(encoded(&config, Some(&schema), &avro, &Bytes::from_static(&[1]).into()).is_err());
    let decimal =
        super::avro(r#"{"type":"fixed","name":"D","size":3,"logicalType":"decimal","precision":5,"scale":1}"#);
    let schema = to_connect(&config, &decimal, None).unwrap().unwrap();
    let minus_one = Value::from(BigDecimal::new(-1, 1));
    let bytes = encoded(&config, Some(&schema), &decimal, &minus_one).unwrap();
    assert_eq!(bytes, [255, 255, 255]);
    assert_eq!(decoded(&config, &decimal, &decimal, &bytes).unwrap(), minus_one);
}

#[test]
fn docs_and_defaults_of_fields_come_along() {
    let text_in =
        r#"{"type":"record","name":"R","doc":"rd","fields":[{"name":"x","type":"int","doc":"fd","default":3}]}"#;
    let schema = connect(&[], text_in);
    let parameters = schema.parameters().unwrap();
    assert_eq!(parameters["io.confluent.connect.avro.record.doc"], "rd");
    assert_eq!(parameters["io.confluent.connect.avro.field.doc.x"], "fd");
    let x = schema.fields().unwrap()[0].schema();
    assert_eq!(x.default_value(), Some(&Value::Int32(3)));
    assert_eq!(x.parameters().unwrap()["io.confluent.connect.avro.field.default"], "true");
    let back = text(&[("connect.meta.data", "false")], &schema);
    assert_eq!(back, text_in);
    let discarding = connect(&[("discard.type.doc.default", "true")], text_in);
    assert_eq!(discarding.fields().unwrap()[0].schema().doc(), Some("fd"));
}

#[test]
fn names_are_scrubbed_on_demand() {
    let schema = SchemaBuilder::structure().name("my-app.Or der").field("a$", Schema::INT32).build().unwrap();
    let scrubbed = text(&[("scrub.invalid.names", "true"), ("connect.meta.data", "false")], &schema);
    assert_eq!(
        scrubbed,
        r#"{"type":"record","name":"Or_der","namespace":"my_app","fields":[{"name":"a_24","type":"int"}]}"#
    );
    let config = config(&[("scrub.invalid.names", "true")]);
    let value = Struct::new(schema.clone()).unwrap().with("a$", 1).unwrap().into();
    assert_eq!(encoded(&config, Some(&schema), &avro(&scrubbed), &value).unwrap(), [2]);
}

#[test]
fn a_recursive_schema_is_refused_by_name() {
    let tree =
        avro(r#"{"type":"record","name":"a.Tree","fields":[{"name":"kids","type":{"type":"array","items":"Tree"}}]}"#);
    let error = to_connect(&config(&[]), &tree, None).unwrap_err();
    assert_eq!(error.to_string(), "the Avro schema `a.Tree` is recursive, which is not supported");
}

#[test]
fn a_schema_that_unfolds_without_end_is_refused() {
    let mut text = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    let mut all = vec![text.clone()];
    for level in 1..30 {
        let below = level - 1;
        text = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":"R{below}"}},{{"name":"b","type":"R{below}"}}]}}"#
        );
        all.push(text.clone());
    }
    let last = all.pop().unwrap();
    let bomb = parse(&last, all.iter().map(String::as_str)).unwrap();
    assert!(to_connect(&config(&[]), &bomb, None).unwrap_err().to_string().contains("too many types"));
}
