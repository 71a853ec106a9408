//! The converters with a schema registry against a real one: what it refuses, what is read back, what is away.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use sluice_api::{Converter, ConverterUse, ErrorKind, Properties, Schema, SchemaBuilder, Struct, Value};
use sluice_harness::SchemaRegistry;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// A converter of values with these keys beside the registry's address.
pub(crate) fn converter(class: &str, url: &str, keys: &[(&str, &str)]) -> Result<Box<dyn Converter>> {
    let mut properties: Properties = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    properties.insert("schema.registry.url".to_owned(), url.to_owned());
    let plugins = sluice_converters::plugins();
    let plugin = plugins.iter().find(|plugin| plugin.class() == class).context("the class is there")?;
    plugin.converter(&properties, ConverterUse::Value)?.context("it converts values")
}

/// A topic that no other test has.
pub(crate) fn topic(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `x` and, when there is one, `a`.
fn schema(a: Option<Schema>) -> Result<Schema> {
    let builder = SchemaBuilder::structure().name("shop.Order").field("x", Schema::INT32);
    Ok(match a {
        Some(a) => builder.field("a", a),
        None => builder,
    }
    .build()?)
}

/// A value of the schema; `a` is not null.
fn value(schema: &Schema) -> Result<Value> {
    let mut value = Struct::new(schema.clone())?.with("x", 1)?;
    if let Some(field) = schema.field("a")? {
        let a = match field.schema().schema_type() {
            sluice_api::SchemaType::Int32 => Value::Int32(5),
            _ => Value::from("text"),
        };
        value.put("a", a)?;
    }
    Ok(value.into())
}

fn text_with_default() -> Result<Schema> {
    Ok(SchemaBuilder::string().default("d").build()?)
}

fn number_with_default() -> Result<Schema> {
    Ok(SchemaBuilder::int32().default(0).build()?)
}

/// Writes a value of each schema; every one but the last must be taken, and the last's outcome comes back.
fn written_in_turn(level: &str, schemas: &[Schema]) -> Result<Result<Option<Bytes>, sluice_api::ConnectError>> {
    let registry = SchemaRegistry::shared()?;
    let topic = topic(&format!("evolution-{level}"));
    let mut converter = converter(AVRO, &registry.url(), &[])?;
    let (last, first) = schemas.split_last().context("at least one schema")?;
    for (at, schema) in first.iter().enumerate() {
        converter.from_connect_data(&topic, Some(schema), &value(schema)?).with_context(|| format!("version {at}"))?;
        if at == 0 {
            registry.set_compatibility(&format!("{topic}-value"), level)?;
        }
    }
    Ok(converter.from_connect_data(&topic, Some(last), &value(last)?))
}

fn refused(level: &str, schemas: &[Schema]) -> Result<()> {
    let error = written_in_turn(level, schemas)?.err().with_context(|| format!("{level} takes the last schema"))?;
    let trace = error.trace();
    assert_eq!(error.kind(), ErrorKind::Data, "{trace}");
    assert!(trace.contains("answered 409") && trace.to_lowercase().contains("compatib"), "{level}: {trace}");
    Ok(())
}

fn taken(level: &str, schemas: &[Schema]) -> Result<()> {
    written_in_turn(level, schemas)?.with_context(|| format!("{level} refuses the last schema"))?;
    Ok(())
}

#[test]
fn a_schema_that_the_registry_refuses_is_a_data_error_with_its_explanation() -> Result<()> {
    let (without, with) = (schema(None)?, schema(Some(Schema::STRING))?);
    for level in ["BACKWARD", "BACKWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"] {
        refused(level, &[without.clone(), with.clone()])?;
    }
    for level in ["FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"] {
        refused(level, &[with.clone(), without.clone()])?;
    }
    taken("BACKWARD", &[with.clone(), without.clone()])?;
    taken("FORWARD", &[without, with])
}

#[test]
fn the_transitive_forms_look_at_every_version() -> Result<()> {
    let (none, text) = (schema(None)?, schema(Some(Schema::STRING))?);
    let (text_default, number_default) = (schema(Some(text_with_default()?))?, schema(Some(number_with_default()?))?);
    let backward = [none.clone(), text_default.clone(), text.clone()];
    taken("BACKWARD", &backward)?;
    refused("BACKWARD_TRANSITIVE", &backward)?;
    let forward = [text, text_default.clone(), none.clone()];
    taken("FORWARD", &forward)?;
    refused("FORWARD_TRANSITIVE", &forward)?;
    let full = [number_default, none, text_default];
    taken("FULL", &full)?;
    refused("FULL_TRANSITIVE", &full)
}

#[test]
fn what_is_written_is_read_back_with_the_registrys_version() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("read-back"));
    let schema = schema(Some(Schema::OPTIONAL_STRING))?;
    let mut writer = converter(AVRO, &registry.url(), &[])?;
    let bytes = writer.from_connect_data(&topic, Some(&schema), &value(&schema)?)?.context("bytes")?;
    // Another converter: nothing is in its caches.
    let read = converter(AVRO, &registry.url(), &[])?.to_connect_data(&topic, Some(&bytes))?;
    let version_1 = SchemaBuilder::like(&schema).version(1).build()?;
    assert_eq!(read.schema.as_ref(), Some(&version_1));
    assert_eq!(read.value.to_string(), value(&schema)?.to_string());
    assert_eq!(writer.from_connect_data(&topic, None, &Value::Null)?, None);
    Ok(())
}

#[test]
fn the_latest_version_is_written_and_read() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("latest"));
    let (old, new) = (schema(None)?, schema(Some(text_with_default()?))?);
    let mut registering = converter(AVRO, &registry.url(), &[])?;
    let old_bytes = registering.from_connect_data(&topic, Some(&old), &value(&old)?)?.context("bytes")?;
    registering.from_connect_data(&topic, Some(&new), &value(&new)?)?;
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let mut latest = converter(AVRO, &registry.url(), &keys)?;
    let read = latest.to_connect_data(&topic, Some(&old_bytes))?;
    assert_eq!(read.value.to_string(), "Struct{x=1,a=d}");
    // The record has no `a`: what is written has the default of the newest schema.
    let written = latest.from_connect_data(&topic, Some(&old), &value(&old)?)?.context("bytes")?;
    assert_eq!(latest.to_connect_data(&topic, Some(&written))?.value.to_string(), "Struct{x=1,a=d}");
    Ok(())
}

#[test]
fn a_newest_schema_that_cannot_read_the_record_is_refused_unless_that_is_allowed() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("strict"));
    let (old, new) = (schema(None)?, schema(Some(Schema::STRING))?);
    converter(AVRO, &registry.url(), &[])?.from_connect_data(&topic, Some(&new), &value(&new)?)?;
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let refused = converter(AVRO, &registry.url(), &keys)?.from_connect_data(&topic, Some(&old), &value(&old)?);
    let trace = refused.err().context("it has no `a`")?.trace();
    assert!(trace.contains("Incompatible schema of type 'AVRO'. Set latest.compatibility.strict=false"), "{trace}");
    assert!(trace.contains("the reader's field `a` of `shop.Order` has no default"), "{trace}");
    Ok(())
}

#[test]
fn a_schema_with_references_is_resolved() -> Result<()> {
    let (registry, topic) = (SchemaRegistry::shared()?, topic("references"));
    let rest = registry.rest();
    let register = |subject: &str, body: &serde_json::Value| {
        rest.post(&SchemaRegistry::path(&format!("/subjects/{subject}/versions")), body)?.expect(200)
    };
    let customer =
        r#"{"type":"record","name":"Customer","namespace":"shop","fields":[{"name":"name","type":"string"}]}"#;
    let order =
        r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"by","type":"shop.Customer"}]}"#;
    register(&format!("{topic}-customer"), &json!({"schema": customer}))?;
    let reference = json!([{"name": "shop.Customer", "subject": format!("{topic}-customer"), "version": 1}]);
    register(&format!("{topic}-value"), &json!({"schema": order, "references": reference}))?;
    let keys = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let mut converter = converter(AVRO, &registry.url(), &keys)?;
    let by = SchemaBuilder::structure().name("shop.Customer").field("name", Schema::STRING).build()?;
    let order = SchemaBuilder::structure().name("shop.Order").field("by", by.clone()).build()?;
    let value = Struct::new(order.clone())?.with("by", Struct::new(by)?.with("name", "A")?)?;
    let bytes = converter.from_connect_data(&topic, Some(&order), &value.into())?.context("bytes")?;
    assert_eq!(converter.to_connect_data(&topic, Some(&bytes))?.value.to_string(), "Struct{by=Struct{name=A}}");
    Ok(())
}

#[test]
fn an_unknown_id_other_bytes_and_a_registry_that_is_away_differ_in_kind() -> Result<()> {
    let registry = SchemaRegistry::shared()?;
    let mut here = converter(AVRO, &registry.url(), &[])?;
    let unknown = Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff, 2]);
    let error = here.to_connect_data("t", Some(&unknown)).err().context("nobody registered it")?;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.trace().contains("answered 404"), "{}", error.trace());
    let error = here.to_connect_data("t", Some(&Bytes::from_static(b"{}"))).err().context("no Avro")?;
    assert!(error.trace().contains("Unknown magic byte!"), "{}", error.trace());
    let nobody = format!("http://127.0.0.1:{}", sluice_harness::free_port()?);
    let mut away = converter(AVRO, &nobody, &[("max.retries", "0")])?;
    let error = away.to_connect_data("t", Some(&unknown)).err().context("nobody is there")?;
    assert_eq!(error.kind(), ErrorKind::Retriable, "{}", error.trace());
    Ok(())
}
