//! Random records, as typed JSON.

use serde_json::{Value as Json, json};
use sluice_api::{Schema, SchemaAndValue, SchemaBuilder, Value};
use sluice_harness::Random;
use sluice_harness::oracle::{schema_to_json, value_to_json};

use super::{Chance, Shape, loose, of_schema, of_schema_with_gaps, schema, structure, text};

/// A record whose key and value are anything: structs and schemaless maps most of the time.
pub(in crate::oracle) fn record(random: &mut Random) -> Json {
    let (key, value) = (data(random), data(random));
    record_of(random, &key, &value)
}

/// A record with this key and value, of either kind, everything else at random.
pub(in crate::oracle) fn record_of(random: &mut Random, key: &SchemaAndValue, value: &SchemaAndValue) -> Json {
    let topic = random.pick(&["t", "orders", "a.b-c_d", "orders-2024", "topic\u{e9}", "aab"]);
    let mut record = json!({
        "kind": "source", "topic": topic, "partition": Json::Null,
        "keySchema": schema_to_json(key.schema.as_ref()), "key": value_to_json(&key.value, key.schema.as_ref()),
        "valueSchema": schema_to_json(value.schema.as_ref()), "value": value_to_json(&value.value, value.schema.as_ref()),
        "timestamp": Json::Null, "headers": headers(random),
    });
    if random.percent(75) {
        record["timestamp"] =
            json!([0, 1, -1, 1_566_570_894_346_i64, -86_400_001, 253_402_300_800_000][random.below(6)]);
    }
    let partition = [0, 1, 2_147_483_647][random.below(3)];
    if random.percent(50) {
        record["kind"] = json!("sink");
        record["partition"] = json!(partition);
        record["offset"] = json!([0, 1, i64::MAX][random.below(3)]);
        record["timestampType"] = json!(random.pick(&["NO_TIMESTAMP_TYPE", "CREATE_TIME", "LOG_APPEND_TIME"]));
        if random.percent(20) {
            record["originalTopic"] = json!("before");
        }
    } else if random.percent(50) {
        record["partition"] = json!(partition);
    }
    if random.percent(40) {
        hash_maps(&mut record);
    }
    record
}

fn data(random: &mut Random) -> SchemaAndValue {
    match random.below(20) {
        0..=9 => {
            let schema = structure(random, Shape::ANY);
            // A struct has a schema of its own, which need not be the one beside it.
            let own = if random.percent(5) { variant(random, &schema) } else { schema.clone() };
            let value = of_schema_with_gaps(random, &own);
            SchemaAndValue { schema: Some(schema), value }
        }
        10 | 11 => {
            let schema = schema(random, Shape::ANY);
            let value = of_schema(random, &schema);
            SchemaAndValue { schema: Some(schema), value }
        }
        12..=17 => SchemaAndValue { schema: None, value: loose_map(random) },
        18 => SchemaAndValue { schema: None, value: loose(random, 2) },
        _ => SchemaAndValue { schema: random.percent(30).then(|| schema(random, Shape::ANY)), value: Value::Null },
    }
}

/// A struct schema with nearly the same fields: one more, one less, one of another type, in another order.
fn variant(random: &mut Random, schema: &Schema) -> Schema {
    let fields = schema.fields().expect("a struct schema");
    let mut fields: Vec<(&str, Schema)> = fields.iter().map(|field| (field.name(), field.schema().clone())).collect();
    if random.percent(30) {
        fields.reverse();
    }
    let at = random.below(fields.len().max(1));
    match random.below(4) {
        0 if !fields.is_empty() => drop(fields.remove(at)),
        1 if !fields.is_empty() => fields[at].1 = super::schema(random, Shape { depth: 1, ..Shape::ANY }),
        2 => fields.push(("more", super::schema(random, Shape { depth: 1, ..Shape::ANY }))),
        _ => {}
    }
    let builder = SchemaBuilder::structure().name("own");
    fields.into_iter().fold(builder, |all, (name, schema)| all.field(name, schema)).build().expect("every field once")
}

fn loose_map(random: &mut Random) -> Value {
    loop {
        let value = loose(random, 3);
        if matches!(value, Value::Map(_)) {
            return value;
        }
    }
}

fn headers(random: &mut Random) -> Json {
    let count = if random.percent(60) { 0 } else { random.below(4) };
    let header = |random: &mut Random| {
        let key = random.pick(&["h", "a", "b", "é"]);
        let (schema, value): (Option<Schema>, Value) = match random.below(4) {
            0 => (None, loose(random, 1)),
            1 => (Some(Schema::STRING), text(random).into()),
            _ => {
                let schema = schema(random, Shape { depth: 1, ..Shape::ANY });
                let value = of_schema(random, &schema);
                (Some(schema), value)
            }
        };
        json!({"key": key, "schema": schema_to_json(schema.as_ref()), "value": value_to_json(&value, schema.as_ref())})
    };
    (0..count).map(|_| header(random)).collect()
}

/// Turns maps into `HashMap`s, as schemaless JSON gives them; not those whose keys have another hash in every run of Java.
fn hash_maps(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(hash_maps),
        Json::Object(members) => {
            if members
                .get("map")
                .and_then(Json::as_array)
                .is_some_and(|all| all.iter().all(|entry| is_plain(&entry[0])))
                && let Some(entries) = members.shift_remove("map")
            {
                members.insert("hashmap".to_owned(), entries);
            }
            members.values_mut().for_each(hash_maps);
        }
        _ => {}
    }
}

fn is_plain(key: &Json) -> bool {
    key.as_object()
        .is_none_or(|tagged| !["bytes", "struct", "array", "map"].iter().any(|tag| tagged.contains_key(*tag)))
}
