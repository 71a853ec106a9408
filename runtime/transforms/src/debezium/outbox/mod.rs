//! The outbox `EventRouter`: rows that an application writes into an outbox table become the events that they hold, each on the
//! topic, with the key and the payload that its columns say.

mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod json_payload;

use std::sync::Arc;

use bytestring::ByteString;
use sluice_api::data::Field;
use sluice_api::{ConnectError, Result, Schema, SchemaBuilder, Struct, Value};
use tracing::{error, warn};

use self::config::{Config, InvalidOperation, Placement};
use super::envelope::{self, AFTER, DELETE, OPERATION, TIMESTAMP, UPDATE};
use super::plugin::DebeziumPlugin;
use super::routing::replaced;
use super::splitting::trim;
use crate::record::{ConnectRecord, Part, Transform, boxed};
use crate::requirements::require_struct;

pub(super) const PLUGIN: DebeziumPlugin = DebeziumPlugin {
    class: "io.debezium.transforms.outbox.EventRouter",
    definition: config::definition,
    create: |properties| Config::of(properties).map(EventRouter::new).map(boxed),
};

/// The one field of an event that is always in the envelope.
const PAYLOAD: &str = "payload";
const MICRO_TIMESTAMP: &str = "io.debezium.time.MicroTimestamp";
const NANO_TIMESTAMP: &str = "io.debezium.time.NanoTimestamp";
/// Envelope schemas and topics that are remembered.
const REMEMBERED: usize = 64;

struct EventRouter {
    config: Config,
    has_envelope: bool,
    /// The latest last.
    envelopes: Vec<Envelope>,
    topics: Vec<(ByteString, Arc<str>)>,
}

/// The schema of the values that events become, and what it was made of.
struct Envelope {
    row: Schema,
    payload: Schema,
    route: Option<ByteString>,
    version: Option<i32>,
    schema: Schema,
}

impl EventRouter {
    fn new(config: Config) -> Self {
        let has_envelope = config.additional.iter().any(|field| field.placement == Placement::Envelope);
        Self { config, has_envelope, envelopes: Vec::new(), topics: Vec::new() }
    }

    fn unexpected<R: ConnectRecord>(&self, record: &R) -> Result<()> {
        let topic = &**record.topic();
        match self.config.invalid_operation {
            InvalidOperation::Warn => warn!(topic, "a row of the outbox was changed: left out"),
            InvalidOperation::Error => error!(topic, "a row of the outbox was changed: left out"),
            InvalidOperation::Fatal => {
                let key = record.value(Part::Key);
                return Err(ConnectError::data(format!("Unexpected update message received {key}, fail.")));
            }
        }
        Ok(())
    }

    fn route<R: ConnectRecord>(&mut self, mut record: R, event: &Struct) -> Result<Option<R>> {
        let after = event.get_field(envelope::known_field(event.schema(), AFTER)?).clone();
        let row = require_struct(after, "Read Outbox Event")?;
        let payload_field = column(&row, &self.config.payload, "payload field")?;
        let timestamp = self.timestamp(event, &row)?;
        let id_field = known(&row, &self.config.id)?;
        let (payload_schema, payload) = self.payload(payload_field, &row, record.topic());
        record.headers_mut().add("id", Some(id_field.schema().clone()), row.get_field(id_field).clone())?;

        let route = row.get_string(&self.config.route_by)?.cloned();
        let is_empty = matches!(&payload, Value::Null) || payload.as_str().is_some_and(|text| trim(text).is_empty());
        let mut value = match self.has_envelope {
            true => {
                let schema = self.envelope(&row, &payload_schema, route.clone())?;
                Struct::new(schema)?.with(PAYLOAD, payload)?.into()
            }
            false => payload,
        };
        let partition = self.place_additional(&row, &mut value, &mut record)?;
        record.set_partition(partition);
        let schema = match &value {
            Value::Struct(value) if self.has_envelope => value.schema().clone(),
            _ => payload_schema,
        };
        match is_empty && self.config.tombstone_on_empty_payload {
            true => record.set(Part::Value, None, Value::Null),
            false => record.set(Part::Value, Some(schema), value),
        }
        let key_field = known(&row, &self.config.key)?;
        record.set(Part::Key, Some(key_field.schema().clone()), row.get_field(key_field).clone());
        record.set_timestamp_ms(timestamp);
        let route = route.ok_or_else(|| ConnectError::data(format!("the column {} is null", self.config.route_by)))?;
        record.set_topic(self.topic(route)?);
        Ok(Some(record))
    }

    /// Milliseconds: of the configured column, or of when the connector saw the event.
    fn timestamp(&self, event: &Struct, row: &Struct) -> Result<Option<i64>> {
        let Some(name) = &self.config.timestamp else { return Ok(event.get_int64(TIMESTAMP)?.copied()) };
        let field = column(row, name, "timestamp field")?;
        let Some(timestamp) = row.get_int64(name)?.copied() else { return Ok(event.get_int64(TIMESTAMP)?.copied()) };
        let schema = field.schema();
        match schema.name() {
            Some("io.debezium.time.Timestamp") => Ok(Some(timestamp)),
            Some(MICRO_TIMESTAMP) => Ok(Some(timestamp / 1_000)),
            Some(NANO_TIMESTAMP) => Ok(Some(timestamp / 1_000_000)),
            Some(name) => Err(ConnectError::connect(format!("Unsupported field type {name} for event timestamp"))),
            None => Err(ConnectError::connect(format!(
                "Unsupported field type {} (without logical schema name) for event timestamp",
                schema.schema_type()
            ))),
        }
    }

    /// The payload with its schema, expanded if it is JSON and that is asked for. What cannot be expanded stays as it is.
    fn payload(&self, field: &Field, row: &Struct, topic: &str) -> (Schema, Value) {
        let payload = row.get_field(field);
        let unchanged = || (field.schema().clone(), payload.clone());
        let Some(json) = &self.config.expand_json else { return unchanged() };
        match payload {
            Value::Null => unchanged(),
            Value::String(text) => json.expand(&self.config.payload, text).unwrap_or_else(|error| {
                warn!(topic, %error, "a payload cannot be expanded: it stays text");
                unchanged()
            }),
            _ => {
                warn!(topic, "a payload to expand is no text: it stays as it is");
                unchanged()
            }
        }
    }

    fn envelope(&mut self, row: &Struct, payload: &Schema, route: Option<ByteString>) -> Result<Schema> {
        let version = match &self.config.schema_version {
            Some(column) => row.get_int32(column)?.copied(),
            None => None,
        };
        let known = self.envelopes.iter().rfind(|known| {
            known.route == route && known.version == version && known.payload == *payload && known.row == *row.schema()
        });
        if let Some(known) = known {
            return Ok(known.schema.clone());
        }
        let schema = self.envelope_schema(row.schema(), payload, route.as_deref(), version)?;
        if self.envelopes.len() == REMEMBERED {
            self.envelopes.remove(0);
        }
        let (row, payload) = (row.schema().clone(), payload.clone());
        self.envelopes.push(Envelope { row, payload, route, version, schema: schema.clone() });
        Ok(schema)
    }

    fn envelope_schema(
        &self,
        row: &Schema,
        payload: &Schema,
        route: Option<&str>,
        version: Option<i32>,
    ) -> Result<Schema> {
        let name = envelope_name(row.name(), route);
        let mut builder = SchemaBuilder::structure().name(name).field(PAYLOAD, payload.clone());
        for additional in self.config.additional.iter().filter(|field| field.placement == Placement::Envelope) {
            match row.field(&additional.field)? {
                Some(field) => builder = builder.field(additional.alias.as_str(), field.schema().clone()),
                None if self.config.missing_additional_is_ignored => {}
                None => {
                    let message = format!("Unable to find field {} in event", additional.field);
                    return Err(ConnectError::connect(message));
                }
            }
        }
        if let Some(version) = version {
            builder = builder.version(version);
        }
        builder.build()
    }

    /// Puts additional columns where they belong; the result is the partition, if a column says one.
    fn place_additional<R: ConnectRecord>(
        &self,
        row: &Struct,
        value: &mut Value,
        record: &mut R,
    ) -> Result<Option<i32>> {
        let mut partition = None;
        for additional in &self.config.additional {
            if self.config.missing_additional_is_ignored && row.schema().field(&additional.field)?.is_none() {
                continue;
            }
            let field = known(row, &additional.field)?;
            match (additional.placement, &mut *value) {
                (Placement::Envelope, Value::Struct(envelope)) => {
                    envelope.put(&additional.alias, row.get_field(field).clone())?;
                }
                (Placement::Envelope, _) => {}
                (Placement::Header, _) => {
                    let (schema, value) = (field.schema().clone(), row.get_field(field).clone());
                    record.headers_mut().add(additional.alias.as_str(), Some(schema), value)?;
                }
                (Placement::Partition, _) => partition = row.get_int32(&additional.field)?.copied(),
            }
        }
        Ok(partition)
    }

    fn topic(&mut self, route: ByteString) -> Result<Arc<str>> {
        if let Some((_, topic)) = self.topics.iter().rfind(|(known, _)| *known == route) {
            return Ok(topic.clone());
        }
        let topic = replaced(&self.config.topic_regex, &route, &self.config.topic_replacement)?;
        let topic: Arc<str> = topic.map_or_else(|| (&*route).into(), Into::into);
        if self.topics.len() == REMEMBERED {
            self.topics.remove(0);
        }
        self.topics.push((route, topic.clone()));
        Ok(topic)
    }
}

impl Transform for EventRouter {
    fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<Option<R>> {
        if record.value(Part::Value).is_null() {
            return Ok(None);
        }
        if !envelope::is_envelope(record.schema(Part::Value)) {
            return Ok(Some(record));
        }
        let (_, event) = record.take(Part::Value);
        let event = require_struct(event, "Detect Debezium Operation")?;
        match event.get_string(OPERATION)?.map(|operation| &**operation) {
            None => Err(ConnectError::data("the change event says no operation")),
            Some(DELETE) => Ok(None),
            Some(UPDATE) => self.unexpected(&record).map(|()| None),
            Some(_) => self.route(record, &event),
        }
    }
}

fn column<'a>(row: &'a Struct, name: &str, what: &str) -> Result<&'a Field> {
    let field = row.schema().field(name)?;
    field.ok_or_else(|| ConnectError::connect(format!("Unable to find {what} {name} in event")))
}

fn known<'a>(row: &'a Struct, name: &str) -> Result<&'a Field> {
    let field = row.schema().field(name)?;
    field.ok_or_else(|| ConnectError::data(format!("{name} is not a valid field name")))
}

/// The row's schema name with the route before its last part.
fn envelope_name(row: Option<&str>, route: Option<&str>) -> String {
    let route = route.unwrap_or("null");
    match row.map(|row| row.rsplit_once('.').unwrap_or(("", row))) {
        None => route.to_owned(),
        Some(("", last)) => format!("{route}.{last}"),
        Some((before, last)) => format!("{before}.{route}.{last}"),
    }
}

#[cfg(test)]
mod tests;
