use super::*;

fn expanded(text: &str) -> Result<(Schema, Value)> {
    JsonPayload { null_as_bytes: false, field_names: NameAdjustment::None }.expand("payload", text)
}

fn field(schema: &Schema, name: &str) -> Schema {
    schema.field(name).unwrap().unwrap().schema().clone()
}

#[test]
fn every_json_type_has_its_schema() {
    let text = r#"{"s":"x","b":true,"i":1,"l":3000000000,"d":1.5,"o":{"in":{"n":1}},"a":[1,2],"n":null,"e":[]}"#;
    let (schema, value) = expanded(text).unwrap();
    let types: Vec<_> = schema.fields().unwrap().iter().map(|f| (f.name(), f.schema().schema_type())).collect();
    assert_eq!(
        types,
        [
            ("s", SchemaType::String),
            ("b", SchemaType::Boolean),
            ("i", SchemaType::Int32),
            ("l", SchemaType::Int64),
            ("d", SchemaType::Float64),
            ("o", SchemaType::Struct),
            ("a", SchemaType::Array),
        ]
    );
    assert_eq!(field(&field(&schema, "o"), "in").name(), Some("payload.o.in"));
    assert!(schema.fields().unwrap().iter().all(|field| field.schema().is_optional()));
    assert_eq!(value.to_string(), "Struct{s=x,b=true,i=1,l=3000000000,d=1.5,o=Struct{in=Struct{n=1}},a=[1, 2]}");
}

#[test]
fn wide_objects_take_no_longer_per_field() {
    let fields = |count: usize| -> String { (0..count).map(|number| format!("\"f{number}\":1,")).collect() };
    let (schema, _) = expanded(&format!("{{{}\"last\":1}}", fields(50_000))).unwrap();
    assert_eq!(schema.fields().unwrap().len(), 50_001);
    let objects = |count: usize| -> String { (0..count).map(|number| format!("{{\"f{number}\":1}},")).collect() };
    let (schema, _) = expanded(&format!("{{\"a\":[{}{{}}]}}", objects(500))).unwrap();
    assert_eq!(field(&schema, "a").value_schema().unwrap().unwrap().fields().unwrap().len(), 500);
    let error = expanded(&format!("{{\"a\":[{}{{}}]}}", objects(5_000))).unwrap_err();
    assert!(
        error.message().starts_with("the payload has too many fields: objects of one array get those of all"),
        "{error}"
    );
}

#[test]
fn objects_in_an_array_are_merged() {
    let (schema, value) = expanded(r#"{"a":[{"x":1},{"y":"t","x":2}]}"#).unwrap();
    let element = field(&schema, "a").value_schema().unwrap().unwrap().clone();
    let names: Vec<_> = element.fields().unwrap().iter().map(|field| field.name().to_owned()).collect();
    assert_eq!((names, element.is_optional()), (vec!["x".to_owned(), "y".to_owned()], false));
    assert_eq!(value.to_string(), "Struct{a=[Struct{x=1}, Struct{x=2,y=t}]}");
}

#[test]
fn arrays_hold_one_type() {
    for text in
        [r#"{"a":[1,"x"]}"#, r#"{"a":[1,3000000000]}"#, r#"{"a":[1,1.5]}"#, r#"{"a":[null]}"#, r#"{"a":[[],[1]]}"#]
    {
        assert!(expanded(text).is_err(), "{text}");
    }
    assert_eq!(expanded(r#"{"a":[null,1]}"#).unwrap().1.to_string(), "Struct{a=[null, 1]}");
}

#[test]
fn a_repeated_name_keeps_its_last_value_and_what_follows_does_not_count() {
    assert_eq!(expanded(r#"{"a":1,"b":2,"a":3} x"#).unwrap().1.to_string(), "Struct{a=3,b=2}");
    assert!(expanded("[1]").is_err());
    assert!(expanded(r#""x""#).is_err());
}
