//! Records for TimestampConverter: whole values and fields that are times of every form.

use serde_json::Value as Json;
use sluice_api::data::{Map, logical};
use sluice_api::{Schema, SchemaAndValue, SchemaBuilder, Struct, Value};
use sluice_harness::Random;

use super::super::generate::{self, Chance, of_schema};

const TEXTS: [&str; 12] = [
    "2019-08-23",
    "1969-12-31",
    "2019-08-23T14:34:54.346Z",
    "14:34:54.346Z",
    "20190823",
    "2019 08 23 14 34 54 346 UTC",
    "2019-13-45",
    "2019-08-23xyz",
    "19/8/3 2:30 PM",
    "Fri, 23 Aug 2019 14:34:54 +0200",
    "",
    "x",
];

/// A record whose value is a time or has one in the field `ts`; any other now and then.
pub(super) fn record(random: &mut Random) -> Json {
    if random.percent(15) {
        return generate::record(random);
    }
    let data = match random.below(4) {
        0 => whole(random),
        1 => SchemaAndValue { schema: None, value: schemaless(random) },
        2 => {
            let entries = [("a".into(), 1i64.into()), ("ts".into(), schemaless(random)), ("b".into(), "x".into())];
            SchemaAndValue { schema: None, value: Map::insertion_ordered(entries).into() }
        }
        _ => structure(random),
    };
    generate::record_of(random, &data, &data.clone())
}

fn schemaless(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1..=3 => random.pick(&TEXTS).into(),
        4 | 5 => of_schema(random, &logical::timestamp()),
        6 => 5i32.into(),
        _ => of_schema(random, &Schema::INT64),
    }
}

fn whole(random: &mut Random) -> SchemaAndValue {
    let builder = match random.below(7) {
        0 => logical::date_builder(),
        1 => logical::time_builder(),
        2 => logical::timestamp_builder(),
        3 => SchemaBuilder::int64(),
        4 => SchemaBuilder::int32(),
        _ => SchemaBuilder::string(),
    };
    let mut builder = if random.percent(40) { builder.optional() } else { builder };
    if random.percent(20) {
        builder = builder.doc("d");
    }
    if random.percent(20) {
        let default = value(random, &builder.so_far());
        if !default.is_null() {
            builder = builder.default(default);
        }
    }
    let schema = builder.build().expect("every attribute is set once");
    let value = value(random, &schema);
    SchemaAndValue { schema: Some(schema), value }
}

fn value(random: &mut Random, schema: &Schema) -> Value {
    let value = of_schema(random, schema);
    if matches!(value, Value::String(_)) { random.pick(&TEXTS).into() } else { value }
}

fn structure(random: &mut Random) -> SchemaAndValue {
    let time = whole(random);
    let field = time.schema.expect("a whole value has a schema");
    let mut builder =
        SchemaBuilder::structure().field("a", Schema::INT32).field("ts", field).field("b", Schema::OPTIONAL_STRING);
    if random.percent(30) {
        builder = builder.optional().name("n").version(2).doc("d");
    }
    let schema = builder.build().expect("every attribute is set once");
    let mut structure = Struct::new(schema.clone()).expect("a struct schema");
    structure.put("a", 1i32).expect("it fits");
    if !time.value.is_null() {
        structure.put("ts", time.value).expect("it fits");
    }
    SchemaAndValue { schema: Some(schema), value: structure.into() }
}
