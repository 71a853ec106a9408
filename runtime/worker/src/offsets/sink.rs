//! Offsets of a sink connector: those of its consumer group.

use sluice_api::connector::AlteredOffsets;
use sluice_api::{ConnectError, ConnectorPlugin, ErrorKind, OffsetMap, Properties, Value};
use sluice_kafka::wire::{ClientConfig, Error, ErrorKind as WireErrorKind, GroupAdmin, GroupOffsets};

use crate::config::{ClientIds, ClientProperties};
use crate::worker::WorkerOptions;

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

/// The group of a sink connector, and the client to administer it with.
struct Group {
    id: String,
    admin: GroupAdmin,
}

impl Group {
    fn of(options: &WorkerOptions, name: &str, config: &Properties) -> Result<Self, ConnectError> {
        let (clients, ids) = (ClientProperties::new(&options.config, config), ClientIds::of_connector(name));
        let consumer = clients.consumer(&ids)?;
        let id = consumer.get("group.id").cloned().unwrap_or_else(|| format!("connect-{name}"));
        let admin = clients.worker_admin(&ids)?;
        let client = ClientConfig::parse(admin.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let client = client.map_err(|error| ConnectError::config(error.to_string()).with_source(error))?;
        Ok(Self { id, admin: GroupAdmin::new(client) })
    }
}

pub(super) async fn offsets(
    options: &WorkerOptions,
    name: &str,
    config: &Properties,
) -> Result<Vec<(OffsetMap, Option<OffsetMap>)>, ConnectError> {
    let group = Group::of(options, name, config)?;
    let offsets = group.admin.list_offsets(&group.id).await.map_err(|error| {
        ConnectError::connect(format!("Failed to retrieve consumer group offsets for sink connector {name}"))
            .with_source(error)
    })?;
    let entry = |((topic, partition), offset): (&(String, i32), &i64)| {
        (partition_map(topic, *partition), Some(OffsetMap::single(OFFSET, Value::Int64(*offset))))
    };
    Ok(offsets.iter().map(entry).collect())
}

pub(super) async fn alter(
    options: &WorkerOptions,
    plugin: &dyn ConnectorPlugin,
    name: &str,
    config: &Properties,
    offsets: &AlteredOffsets,
) -> Result<bool, ConnectError> {
    let wanted = parse(offsets)?;
    if wanted.iter().any(|(_, offset)| offset.is_some_and(|offset| offset < 0)) {
        // A broker takes -1 for "no offset" and would forget it.
        return Err(ConnectError::connect(format!("Failed to modify offsets for sink connector {name}")));
    }
    let normalised = wanted.iter().map(|((topic, partition), offset)| {
        (Some(partition_map(topic, *partition)), offset.map(|offset| OffsetMap::single(OFFSET, Value::Int64(offset))))
    });
    let asked = super::ask(plugin, name, config, &normalised.collect())?;
    let group = Group::of(options, name, config)?;
    let set: GroupOffsets =
        wanted.iter().filter_map(|(partition, offset)| Some((partition.clone(), (*offset)?))).collect();
    let forget: Vec<_> =
        wanted.iter().filter(|(_, offset)| offset.is_none()).map(|(partition, _)| partition.clone()).collect();
    if !set.is_empty() {
        let altered = group.admin.alter_offsets(&group.id, &set).await;
        altered.map_err(|error| failed("alter", "", name, error))?;
    }
    if !forget.is_empty() {
        let deleted = group.admin.delete_offsets(&group.id, &forget).await;
        deleted.map_err(|error| failed("alter", "", name, error))?;
    }
    Ok(asked)
}

pub(super) async fn reset(
    options: &WorkerOptions,
    plugin: &dyn ConnectorPlugin,
    name: &str,
    config: &Properties,
) -> Result<bool, ConnectError> {
    let group = Group::of(options, name, config)?;
    let known = group.admin.list_offsets(&group.id).await.map_err(|error| {
        let text = format!("Failed to list offsets prior to resetting offsets for sink connector {name}");
        ConnectError::connect(text).with_source(error)
    })?;
    let all = known.keys().map(|(topic, partition)| (Some(partition_map(topic, *partition)), None)).collect();
    let asked = super::ask(plugin, name, config, &all)?;
    match group.admin.delete_group(&group.id).await {
        // A reset may be repeated.
        Err(error) if error.kind() == WireErrorKind::GroupMissing => {}
        deleted => deleted.map_err(|error| failed("reset", "sink ", name, error))?,
    }
    Ok(asked)
}

fn failed(action: &str, sink: &str, name: &str, error: Error) -> ConnectError {
    let text = match error {
        Error::GroupNotEmpty { .. } => format!(
            "Failed to {action} consumer group offsets for connector {name} either because its tasks haven't stopped completely yet or \
             the connector was resumed before the request to {action} its offsets could be successfully completed. If the connector is \
             in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need \
             to be restarted to get rid of the zombie sink tasks."
        ),
        _ => format!("Failed to {action} consumer group offsets for {sink}connector {name}"),
    };
    ConnectError::connect(text).with_source(error)
}

/// `kafka_partition` first, as Java's `HashMap` has it.
fn partition_map(topic: &str, partition: i32) -> OffsetMap {
    [(PARTITION.into(), Value::Int32(partition)), (TOPIC.into(), Value::from(topic))].into_iter().collect()
}

type Wanted = Vec<((String, i32), Option<i64>)>;

/// Kafka Connect's rules and texts; numbers may come as text.
fn parse(offsets: &AlteredOffsets) -> Result<Wanted, ConnectError> {
    offsets
        .iter()
        .map(|(partition, offset)| Ok((parse_partition(partition.as_ref())?, parse_offset(offset.as_ref())?)))
        .collect()
}

fn parse_partition(partition: Option<&OffsetMap>) -> Result<(String, i32), ConnectError> {
    let partition =
        partition.ok_or_else(|| bad("The partition for a sink connector offset cannot be null or missing"))?;
    let (Some(topic), Some(number)) = (partition.get(TOPIC), partition.get(PARTITION)) else {
        return Err(bad(format!(
            "The partition for a sink connector offset must contain the keys '{TOPIC}' and '{PARTITION}'"
        )));
    };
    if topic.is_null() {
        return Err(bad("Kafka topic names must be valid strings and may not be null"));
    }
    if number.is_null() {
        return Err(bad("Kafka partitions must be valid numbers and may not be null"));
    }
    let text = number.to_string();
    let number = text.parse().map_err(|_| {
        bad(format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{text}'. Partition values for sink \
             connectors need to be integers."
        ))
    })?;
    Ok((topic.to_string(), number))
}

fn parse_offset(offset: Option<&OffsetMap>) -> Result<Option<i64>, ConnectError> {
    let Some(offset) = offset else { return Ok(None) };
    let value = offset.get(OFFSET).ok_or_else(|| {
        bad(format!("The offset for a sink connector should either be null or contain the key '{OFFSET}'"))
    })?;
    let text = value.to_string();
    text.parse().map(Some).map_err(|_| {
        bad(format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{text}'. Offset values for sink connectors \
             need to be integers."
        ))
    })
}

fn bad(text: impl Into<String>) -> ConnectError {
    ConnectError::new(ErrorKind::BadRequest, text)
}

#[cfg(test)]
mod tests {
    use sluice_api::{ErrorKind, OffsetMap, Value};

    use super::parse;

    fn partition(topic: Value, number: Value) -> OffsetMap {
        [("kafka_topic".into(), topic), ("kafka_partition".into(), number)].into_iter().collect()
    }

    #[test]
    fn numbers_may_come_as_text_and_null_forgets() {
        let offset = OffsetMap::single("kafka_offset", Value::from("12"));
        let given = vec![
            (Some(partition(Value::from("t"), Value::from("3"))), Some(offset)),
            (Some(partition(Value::from("t"), Value::Int64(4))), None),
        ];
        assert_eq!(parse(&given).expect("good"), [(("t".to_owned(), 3), Some(12)), (("t".to_owned(), 4), None)]);
    }

    #[test]
    fn what_is_wrong_is_said_in_kafkas_words() {
        let good = || Some(partition(Value::from("t"), Value::Int64(0)));
        let cases = [
            (None, None, "The partition for a sink connector offset cannot be null or missing"),
            (
                Some(OffsetMap::single("kafka_topic", Value::from("t"))),
                None,
                "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
            ),
            (
                Some(partition(Value::Null, Value::Int64(0))),
                None,
                "Kafka topic names must be valid strings and may not be null",
            ),
            (
                Some(partition(Value::from("t"), Value::Null)),
                None,
                "Kafka partitions must be valid numbers and may not be null",
            ),
            (
                Some(partition(Value::from("t"), Value::from("x"))),
                None,
                "Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values for sink \
                 connectors need to be integers.",
            ),
            (
                good(),
                Some(OffsetMap::single("offset", Value::Int64(1))),
                "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
            ),
        ];
        for (partition, offset, text) in cases {
            let error = parse(&vec![(partition, offset)]).expect_err(text);
            assert_eq!((error.kind(), error.message()), (ErrorKind::BadRequest, text));
        }
    }
}
