//! What the fuzz target asks: bytes of others never panic and never take memory beyond reason, and what was read can be written so
//! that it reads the same.

use bytes::Bytes;
use sluice_api::Properties;

use super::config::AvroDataConfig;
use super::from_connect::from_connect;
use super::read::{self, Input};
use super::schema::parse;
use super::to_connect::to_connect;
use super::write;

/// Reads `record` by the schema with this text.
pub(crate) fn record(schema: &str, record: &Bytes) {
    let config = AvroDataConfig::parse(&Properties::new()).expect("every key has a default");
    let Ok(avro) = parse(schema, []) else { return };
    let text = avro.to_text();
    let Ok(connect) = to_connect(&config, &avro, None) else { return };
    let Ok(reading) = read::compile(&config, &avro, &avro, connect.as_ref()) else { return };
    let Ok(value) = reading.read(&mut Input::new(record)) else { return };
    if let Ok(own) = from_connect(&config, connect.as_ref()) {
        drop(parse(&own.to_text(), []));
    }
    let Ok(writing) = write::compile(&config, connect.as_ref(), &avro) else { return };
    let mut written = Vec::new();
    // A default may stand in for a null, and a decimal may have more bytes than it needs: the second time nothing changes.
    if writing.write(&mut written, &value).is_err() {
        return;
    }
    let written = Bytes::from(written);
    let again = reading.read(&mut Input::new(&written)).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut twice = Vec::new();
    writing.write(&mut twice, &again).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(twice, written, "{text}");
}
