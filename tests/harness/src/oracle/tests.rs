//! The format in both directions, and the comparison.

use serde_json::{Value as Json, json};

use super::*;

#[test]
fn schemas_come_back_as_they_were() {
    let all = [
        json!("INT8"),
        json!("BYTES?"),
        json!({"type": "INT64", "optional": true, "name": "n", "version": 3, "doc": "d",
            "parameters": {"z": "1", "a": "2"}, "default": {"i64": 9_007_199_254_740_993_i64}}),
        json!({"type": "STRUCT", "fields": [{"name": "a", "schema": {"type": "ARRAY", "value": "STRING?"}}]}),
        json!({"type": "MAP", "optional": true, "key": "STRING"}),
        json!({"type": "ARRAY"}),
    ];
    for json in all {
        let schema = schema_from_json(&json).unwrap();
        assert_eq!(schema_to_json(schema.as_ref()), json);
    }
}

#[test]
fn records_come_back_as_they_were() {
    let record = json!({
        "kind": "sink", "topic": "t", "partition": 1, "keySchema": null, "key": {"map": [["k", {"f64": "NaN"}]]},
        "valueSchema": {"type": "STRUCT", "fields": [{"name": "a", "schema": "INT8?"}]}, "value": {"struct": [{"i8": 1}]},
        "timestamp": -1, "headers": [{"key": "h", "schema": "BYTES", "value": {"bytes": "AQI="}}],
        "offset": 7, "timestampType": "CREATE_TIME", "originalTopic": "o", "originalPartition": 1
    });
    assert_eq!(difference(&record, &sink_to_json(&sink_from_json(&record).unwrap())), None);
}

#[test]
fn the_first_difference_is_named_by_its_place() {
    let answer = |number: Json| json!({"results": [{"ok": {"value": {"struct": [number]}}}]});
    let found = difference(&answer(json!({"i8": 1})), &answer(json!({"i8": 2}))).unwrap();
    assert_eq!(found.place, "results[0].ok.value.struct[0].i8");
    assert_eq!(difference(&answer(json!({"f64": "1.0E10"})), &answer(json!({"f64": "10000000000"}))), None);
    assert!(difference(&answer(json!({"f64": "0.0"})), &answer(json!({"f64": "-0.0"}))).is_some());
    assert!(difference(&json!({"parameters": {"a": 1, "b": 1}}), &json!({"parameters": {"b": 1, "a": 1}})).is_some());
}

#[test]
fn errors_are_compared_by_moment_and_kind() {
    let error = |at: &str, class: &str| json!({"error": {"at": at, "class": class, "message": at}});
    let (data, builder) = ("x.DataException", "x.SchemaBuilderException");
    assert_eq!(difference(&error("apply", builder), &error("apply", data)), None);
    assert_eq!(difference(&error("apply", "java.lang.NullPointerException"), &error("apply", data)), None);
    assert!(difference(&error("apply", data), &error("configure", data)).is_some());
    assert!(difference(&error("apply", data), &error("apply", "x.ConnectException")).is_some());
}

#[test]
fn the_oracle_applies_and_converts() {
    let oracle = Oracle::shared().unwrap();
    let hoist = json!({"op": "transform", "records": [{"kind": "source", "topic": "t", "value": {"i32": 5}}],
        "steps": [{"class": "org.apache.kafka.connect.transforms.HoistField$Value", "config": {"field": "a"}}]});
    let answer = oracle.ask_one(&hoist).unwrap();
    assert_eq!(answer["results"][0]["ok"]["value"], json!({"map": [["a", {"i32": 5}]]}));
    let unknown = oracle.ask_one(&json!({"op": "predicate", "class": "no.such.Class", "records": []})).unwrap();
    assert_eq!(unknown["error"]["at"], "configure");
    let many: Vec<Json> = (0..5000).map(|_| hoist.clone()).collect();
    assert_eq!(oracle.ask(&many).unwrap().len(), 5000);
}
