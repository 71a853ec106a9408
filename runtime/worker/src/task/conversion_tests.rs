//! What a record costs in allocations between connector and topic: the pipelines of the bench, each allocation explained.

use std::sync::Arc;

use bytes::Bytes;
use sluice_api::{Converter, ConverterUse, OffsetMap, Properties, Schema, SourceRecord, Value};
use sluice_kafka::{ConsumerRecord, TimestampType};

use super::conversion::{Conversion, Named};
use crate::config::TransformConfig;
use crate::transformation_chain::TransformationChain;

const RECORDS: usize = 1000;
const TRANSFORMS: &str = "org.apache.kafka.connect.transforms";
const LINE: &str =
    "a line of a file, about as long as those of the bench: one hundred characters, more or less, and an end";

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// JSON values with schemas, no keys, behind those transforms.
fn conversion(transforms: &[(&str, &[(&str, &str)])]) -> Conversion {
    let mut builder = sluice_plugins::RegistryBuilder::new();
    for plugin in sluice_transforms::transformations() {
        builder = builder.transformation(plugin);
    }
    let registry = builder.build().expect("no duplicates");
    let transforms: Vec<TransformConfig> = transforms
        .iter()
        .map(|(class, keys)| TransformConfig {
            alias: "t".to_owned(),
            class: format!("{TRANSFORMS}.{class}"),
            properties: properties(keys),
            predicate: None,
        })
        .collect();
    let plugins = sluice_converters::plugins();
    let plugin = |class: &str| plugins.iter().find(|plugin| plugin.class().ends_with(class)).expect("a class of ours");
    let named = |class: &str, used_for: ConverterUse| -> Named<dyn Converter> {
        let converter = plugin(class).converter(&properties(&[("schemas.enable", "true")]), used_for);
        Named { class: plugin(class).class(), converter: converter.expect("good keys").expect("a converter") }
    };
    let header = plugin(".SimpleHeaderConverter").header_converter(&Properties::new());
    Conversion {
        chain: TransformationChain::new(&transforms, &registry).expect("good transforms"),
        key: named(".StringConverter", ConverterUse::Key),
        value: named(".JsonConverter", ConverterUse::Value),
        header: Named { class: "SimpleHeaderConverter", converter: header.expect("good keys").expect("a converter") },
    }
}

/// Allocations per record of what `work` does with each of the records, after the first ones have filled the caches.
fn per_record<T>(mut records: Vec<T>, mut work: impl FnMut(T)) -> f64 {
    records.drain(..records.len() - RECORDS).for_each(&mut work);
    let counted = allocation_counter::measure(|| records.into_iter().for_each(&mut work));
    counted.count_total as f64 / RECORDS as f64
}

/// Lines as the file source makes them; the text of one is an allocation of its own by then.
fn lines() -> Vec<SourceRecord> {
    let (partition, topic): (Arc<OffsetMap>, Arc<str>) = (Arc::default(), "t".into());
    let line = |_| {
        let (schema, value) = (Some(Schema::STRING), Value::from(LINE));
        let record = SourceRecord::new(partition.clone(), OffsetMap::default(), topic.clone(), schema, value);
        SourceRecord { timestamp_ms: Some(1_700_000_000_000), ..record }
    };
    (0..2 * RECORDS).map(line).collect()
}

#[test]
fn a_line_through_hoist_insert_and_json() {
    let insert = [("static.field", "origin"), ("static.value", "bench"), ("timestamp.field", "at")];
    let mut conversion = conversion(&[("HoistField$Value", &[("field", "line")]), ("InsertField$Value", &insert)]);
    let each = per_record(lines(), |record| drop(conversion.outgoing(record).expect("good").expect("kept")));
    // The fields of HoistField's struct, and those of InsertField's. Many records share a chunk for their bytes.
    assert!((2.0..2.1).contains(&each), "{each}");
}

#[test]
fn a_struct_in_json_through_flatten_and_cast() {
    let mut conversion = conversion(&[("Flatten$Value", &[]), ("Cast$Value", &[("spec", "id:string,doc.n:int64")])]);
    let field = |name: &str, kind: &str| format!(r#"{{"type":"{kind}","optional":false,"field":"{name}"}}"#);
    let doc = [field("text", "string"), field("n", "int32")].join(",");
    let doc = format!(r#"{{"type":"struct","optional":false,"field":"doc","fields":[{doc}]}}"#);
    let fields = [field("id", "int64"), doc].join(",");
    let schema = format!(r#"{{"type":"struct","optional":false,"name":"bench.Line","fields":[{fields}]}}"#);
    let records = (0..2 * RECORDS).map(|id| {
        let value = format!(r#"{{"schema":{schema},"payload":{{"id":{id},"doc":{{"text":"{LINE}","n":7}}}}}}"#);
        ConsumerRecord {
            topic: "t".into(),
            partition: 0,
            offset: id as i64,
            timestamp_ms: Some(1_700_000_000_000),
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: Some(Bytes::from(value)),
            headers: Vec::new(),
        }
    });
    let each = per_record(records.collect(), |raw| drop(conversion.incoming(&raw).expect("good").expect("kept")));
    // The fields of the struct and of the one inside it, those of Flatten's struct, and the text that Cast makes of the number. The
    // other text shares the record's memory.
    assert!((4.0..4.1).contains(&each), "{each}");
}
