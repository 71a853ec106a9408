//! JSON texts as other programs write them: schemas that are almost right, payloads that do not fit, odd blanks and numbers.

use sluice_harness::Random;

use super::super::generate::{Chance, FIELDS, field_name, number_text, text};

const TYPES: [&str; 13] = [
    "int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes", "array", "map", "struct",
    "float32",
];

const LOGICAL: [&str; 4] = ["Decimal", "Date", "Time", "Timestamp"];

/// An envelope of schema and payload.
pub(super) fn envelope(random: &mut Random) -> String {
    let (schema, payload) = typed(random, 3);
    let payload = if random.percent(12) { document(random, 2) } else { payload };
    match random.below(20) {
        0 => format!(r#"{{"payload":{payload},"schema":{schema}}}"#),
        1 => format!(r#"{{"schema":{schema}}}"#),
        2 => format!(r#"{{"schema":{schema},"payload":{payload},"more":1}}"#),
        3 => format!(r#"{{"schema":null,"payload":{payload}}}"#),
        4 => format!(r#" {{ "schema" : {schema} , "payload" : {payload} }} trailing"#),
        5 => format!(r#"{{"schema":{schema},"payload":null}}"#),
        6 => document(random, 2),
        _ => format!(r#"{{"schema":{schema},"payload":{payload}}}"#),
    }
}

/// Any document.
pub(super) fn document(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 0 { 11 } else { 7 }) {
        0 => random
            .pick(&["null", "true", "false", "", " ", "nul", "NaN", "'a'", "[", "{}", "[]", "1 2", "//"])
            .to_owned(),
        1 | 2 => number_text(random),
        3..=5 => string(random),
        6 => random.pick(&["null", "true", "false"]).to_owned(),
        7 | 8 => {
            let items: Vec<String> = (0..random.below(4)).map(|_| document(random, depth - 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => {
            let member = |random: &mut Random| format!("\"{}\":{}", field_name(random), document(random, depth - 1));
            let members: Vec<String> = (0..random.below(6)).map(|_| member(random)).collect();
            format!("{{{}}}", members.join(random.pick(&[",", " ,\n"])))
        }
    }
}

/// A literal with this text, some of it escaped.
fn string(random: &mut Random) -> String {
    if random.percent(10) {
        return random
            .pick(&[r#""\u00e9\ud83d\ude00""#, r#""\/\b\f\n\r\t\"""#, r#""\u0000""#, r#""AQI=""#, r#""AQI""#])
            .to_owned();
    }
    serde_json::to_string(&text(random)).expect("text is JSON")
}

/// A schema with a payload that mostly fits.
fn typed(random: &mut Random, depth: usize) -> (String, String) {
    let kind = TYPES[random.below(if depth > 0 { 13 } else { 9 })];
    let (mut parts, mut payload) = match kind {
        "array" => {
            let (of, one) = typed(random, depth - 1);
            let payload = format!("[{one},{one}]");
            (vec![part(random, "items", &of)], payload)
        }
        "map" => {
            let (key, one_key) =
                if random.percent(60) { (r#"{"type":"string"}"#.to_owned(), string(random)) } else { typed(random, 0) };
            let (of, one) = typed(random, depth - 1);
            let object = random.percent(50) && one_key.starts_with('"');
            let payload = if object { format!("{{{one_key}:{one}}}") } else { format!("[[{one_key},{one}]]") };
            (vec![part(random, "keys", &key), part(random, "values", &of)], payload)
        }
        "struct" => structure(random, depth),
        "string" => (Vec::new(), string(random)),
        "bytes" => (Vec::new(), random.pick(&[r#""AQI=""#, r#""""#, r#""AQI""#, r#""AA==""#, "5"]).to_owned()),
        "boolean" => (Vec::new(), random.pick(&["true", "false", "\"true\"", "1"]).to_owned()),
        _ => (Vec::new(), number_text(random)),
    };
    parts.insert(0, format!(r#""type":"{kind}""#));
    if matches!(kind, "int32" | "int64" | "bytes") && random.percent(35) {
        parts.push(format!(r#""name":"org.apache.kafka.connect.data.{}","version":1"#, random.pick(&LOGICAL)));
        parts.push(format!(r#""parameters":{{"scale":"{}"}}"#, random.pick(&["0", "2", "x", "-1"])));
        if kind == "bytes" && random.percent(50) {
            payload = number_text(random);
        }
    } else {
        attributes(random, &mut parts);
    }
    if random.percent(8) {
        let default = if random.percent(70) { payload.clone() } else { document(random, 1) };
        parts.push(format!(r#""default":{default}"#));
    }
    if random.percent(10) {
        "null".clone_into(&mut payload);
    }
    (format!("{{{}}}", parts.join(",")), payload)
}

/// A part of a schema, at times missing or of the wrong form.
fn part(random: &mut Random, name: &str, schema: &str) -> String {
    match random.below(40) {
        0 => format!(r#""{name}":null"#),
        1 => format!(r#""{name}":"int8""#),
        2 => format!(r#""x{name}":{schema}"#),
        _ => format!(r#""{name}":{schema}"#),
    }
}

fn attributes(random: &mut Random, parts: &mut Vec<String>) {
    if random.percent(50) {
        parts.push(format!(r#""optional":{}"#, random.pick(&["true", "false", "true", "1", "\"true\"", "null"])));
    }
    if random.percent(10) {
        parts.push(format!(r#""name":{}"#, random.pick(&["\"n\"", "5", "null", "\"\""])));
    }
    if random.percent(10) {
        parts.push(format!(r#""version":{}"#, random.pick(&["1", "1.0", "\"1\"", "3000000000", "null", "-1"])));
    }
    if random.percent(10) {
        parts.push(format!(r#""doc":{}"#, random.pick(&["\"d\"", "5", "null"])));
    }
    if random.percent(10) {
        parts.push(format!(
            r#""parameters":{}"#,
            random.pick(&[r#"{"z":"1","a":"2"}"#, r#"{"a":1}"#, "{}", "5", "null"])
        ));
    }
}

fn structure(random: &mut Random, depth: usize) -> (Vec<String>, String) {
    if random.percent(3) {
        let fields = random.pick(&[r#""fields":{}"#, r#""fields":null"#, r#""fields":[5]"#, r#""x":1"#]);
        return (vec![fields.to_owned()], "{}".to_owned());
    }
    let (mut fields, mut members) = (Vec::new(), Vec::new());
    for name in FIELDS.iter().take(random.below(5)) {
        let (schema, one) = typed(random, depth - 1);
        let named = match random.below(40) {
            0 => r#""field":5"#.to_owned(),
            1 => r#""x":5"#.to_owned(),
            2 => r#""field":"a""#.to_owned(),
            _ => format!(r#""field":"{name}""#),
        };
        let open = if random.percent(50) { "optional\":true,\"" } else { "" };
        fields.push(format!(r#"{{"{open}{},{named}}}"#, &schema[2..schema.len() - 1]));
        if random.percent(90) {
            members.push(format!(r#""{name}":{one}"#));
        }
    }
    if random.percent(20) {
        members.push(r#""unknown":1"#.to_owned());
    }
    if random.percent(20) {
        members.reverse();
    }
    (vec![format!(r#""fields":[{}]"#, fields.join(","))], format!("{{{}}}", members.join(",")))
}
