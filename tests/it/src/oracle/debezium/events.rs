//! Random change events, rows of an outbox among them, and now and then any other record.

use serde_json::{Value as Json, json};
use sluice_api::{Schema, SchemaAndValue, SchemaBuilder, Struct, Value};
use sluice_harness::Random;
use sluice_harness::oracle::{schema_to_json, value_to_json};

use super::super::generate::{self, Chance, Shape, of_schema, record_of, structure, text};

/// A change event of a table of any columns.
pub(super) fn change(random: &mut Random) -> Json {
    if random.percent(8) {
        let any = generate::record(random);
        return with_dropped_fields(random, any);
    }
    let row = structure(random, Shape { depth: 2, ..Shape::ANY });
    let operation = random.pick(&["c", "u", "d", "r", "c", "u", "d", "t"]);
    event(random, &row, operation)
}

/// A row that was written into an outbox.
pub(super) fn outbox(random: &mut Random) -> Json {
    let micros = |name: &str| SchemaBuilder::int64().optional().name(name).build().expect("set once");
    let at = random.pick(&[
        "io.debezium.time.Timestamp",
        "io.debezium.time.MicroTimestamp",
        "io.debezium.time.NanoTimestamp",
    ]);
    let at = if random.percent(4) { "x" } else { at };
    let payload = match random.below(8) {
        0 => Schema::OPTIONAL_BYTES,
        1 => SchemaBuilder::string().optional().name("io.debezium.data.Json").version(1).build().expect("set once"),
        2 => generate::schema(random, Shape { depth: 1, ..Shape::ANY }),
        _ => Schema::OPTIONAL_STRING,
    };
    let mut builder = SchemaBuilder::structure();
    if random.percent(80) {
        builder = builder.name(random.pick(&["s.outbox.Value", "Value", "a.b"])).optional();
    }
    builder = builder
        .field("id", if random.percent(95) { Schema::STRING } else { Schema::OPTIONAL_INT64 })
        .field("aggregatetype", if random.percent(85) { Schema::STRING } else { Schema::OPTIONAL_STRING })
        .field("aggregateid", if random.percent(70) { Schema::STRING } else { Schema::OPTIONAL_INT32 })
        .field("type", Schema::OPTIONAL_STRING)
        .field("payload", payload);
    if random.percent(94) {
        builder = builder.field("version", Schema::OPTIONAL_INT32).field("part", Schema::OPTIONAL_INT32);
        builder = builder.field("at", micros(at)).field("created", Schema::OPTIONAL_INT64);
    }
    let operation = random.pick(&["c", "c", "c", "c", "c", "r", "r", "d", "u", "t"]);
    let operation = if operation == "t" && random.percent(80) { "c" } else { operation };
    event(random, &builder.build().expect("every field once"), operation)
}

fn event(random: &mut Random, row: &Schema, operation: &str) -> Json {
    let schema = envelope(random, row);
    let mut event = Struct::new(schema.clone()).expect("a struct schema");
    for field in schema.fields().expect("a struct schema") {
        let value = match (field.name(), operation) {
            ("op", _) => operation.into(),
            ("before", "c" | "r" | "t") | ("after", "d" | "t")
                if random.percent(95) && field.schema().is_optional() =>
            {
                Value::Null
            }
            ("before" | "after", _) => row_value(random, field.schema()),
            _ => of_schema(random, field.schema()),
        };
        event.put_field(field, value).expect("it fits");
    }
    let value = SchemaAndValue { schema: Some(schema), value: event.into() };
    let key = key(random);
    let record = match random.below(20) {
        0 => record_of(random, &key, &SchemaAndValue { schema: None, value: Value::Null }),
        1 => record_of(random, &key, &SchemaAndValue { value: Value::Null, ..value }),
        _ => record_of(random, &key, &value),
    };
    with_dropped_fields(random, record)
}

fn row_value(random: &mut Random, schema: &Schema) -> Value {
    // Mostly there, also where it may be null.
    let mut row = (0..3).map(|_| of_schema(random, schema));
    let Some(Value::Struct(mut row)) = row.find(|row| !row.is_null()) else { return Value::Null };
    let fields = schema.fields().expect("a struct schema").to_vec();
    for field in &fields {
        let is_text = field.schema().schema_type() == sluice_api::SchemaType::String && field.schema().name().is_none();
        let value: Value = match field.name() {
            "payload" if field.schema().schema_type() == sluice_api::SchemaType::String => payload(random).into(),
            "aggregatetype" if is_text && random.percent(97) => random.pick(&["User", "Order", "a b", "é", ""]).into(),
            _ => continue,
        };
        row.put_field(field, value).expect("it fits");
    }
    row.into()
}

/// Text of JSON and other text. Numbers beyond 64 bits and arrays at the top stay out: rows of COMPATIBILITY.md.
fn payload(random: &mut Random) -> String {
    if random.percent(15) {
        return random.pick(&["", " ", "text", "{", "{}x", "{\"a\":}", "5", "\"t\""]).to_owned();
    }
    json_object(random, 2)
}

fn json_object(random: &mut Random, depth: usize) -> String {
    let names = ["a", "b-c", "é", "1x", "nested", "a b"];
    let member = |random: &mut Random| format!("{}:{}", json!(random.pick(&names)), json_value(random, depth));
    let members: Vec<String> = (0..random.below(4)).map(|_| member(random)).collect();
    format!("{{{}}}", members.join(","))
}

fn json_value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 0 { 12 } else { 8 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => random.pick(&["0", "1", "-7", "2147483647"]).to_owned(),
        3 => random.pick(&["2147483648", "-3000000000", "9223372036854775807"]).to_owned(),
        4 => random.pick(&["1.5", "1e3", "-0.0", "0.1"]).to_owned(),
        5..=7 => json!(text(random)).to_string(),
        8 | 9 => json_object(random, depth - 1),
        10 => {
            let element = json_value(random, 0);
            let count = random.below(3);
            format!("[{}]", vec![element; count].join(","))
        }
        _ => format!("[{},null]", json_value(random, 0)),
    }
}

fn envelope(random: &mut Random, row: &Schema) -> Schema {
    let other = |random: &mut Random| structure(random, Shape { depth: 1, ..Shape::ANY });
    let (before, after) = match random.below(25) {
        0 => (other(random), row.clone()),
        _ => (row.clone(), row.clone()),
    };
    let source = SchemaBuilder::structure().name("source").field("lsn", Schema::INT64);
    let version = SchemaBuilder::string().default("v").build().expect("it fits");
    let source = source.field("version", version).field("ts_ms", Schema::OPTIONAL_INT64);
    let source = source.field("table", Schema::OPTIONAL_STRING).build().expect("every field once");
    let transaction = SchemaBuilder::structure().optional().field("id", Schema::STRING);
    let transaction = transaction.field("total_order", Schema::INT64).build().expect("every field once");
    let mut builder = SchemaBuilder::structure();
    builder = builder.name(random.pick(&["s.t.Envelope", "s.t.Envelope", ".Envelope", "s.t.Envelope", "s.t.Value"]));
    if random.percent(50) {
        builder = builder.version(1).doc("d");
    }
    if random.percent(96) {
        builder = builder.field("before", before);
    }
    builder = builder.field("after", after);
    if random.percent(95) {
        builder = builder.field("source", source);
    }
    if random.percent(93) {
        builder = builder.field("transaction", transaction);
    }
    if random.percent(97) {
        builder = builder.field("op", Schema::STRING);
    }
    builder.field("ts_ms", Schema::OPTIONAL_INT64).build().expect("every field once")
}

fn key(random: &mut Random) -> SchemaAndValue {
    match random.below(12) {
        0 => SchemaAndValue { schema: None, value: Value::Null },
        1 => SchemaAndValue { schema: Some(Schema::OPTIONAL_STRING), value: "k".into() },
        _ => {
            let schema = structure(random, Shape { depth: 1, ..Shape::ANY });
            let value = of_schema(random, &schema);
            SchemaAndValue { schema: Some(schema), value }
        }
    }
}

/// The record as a source gives it.
pub(super) fn of_source(mut record: Json) -> Json {
    if record["kind"] == "sink" {
        let members = record.as_object_mut().expect("a record is an object");
        for key in ["offset", "timestampType", "originalTopic"] {
            members.shift_remove(key);
        }
        members.insert("kind".to_owned(), json!("source"));
    }
    record
}

/// The record, some of them with a header that lists fields to leave out.
fn with_dropped_fields(random: &mut Random, mut record: Json) -> Json {
    if random.percent(40) {
        let names: Vec<Value> = (0..random.below(3)).map(|_| generate::field_name(random).into()).collect();
        let schema = SchemaBuilder::array(Schema::STRING).build().expect("an array");
        let header = json!({
            "key": "drop", "schema": schema_to_json(Some(&schema)),
            "value": value_to_json(&Value::Array(names), Some(&schema)),
        });
        record["headers"].as_array_mut().expect("headers are a list").push(header);
    }
    record
}
