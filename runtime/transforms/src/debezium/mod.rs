//! Debezium's transformations, under its class names (`io.debezium.transforms.*`), as of Debezium 3.6.3.
//!
//! Debezium reads its configuration without Kafka's definitions: values are not trimmed, some keys are read that no definition
//! lists, and what is wrong is told when the transformation starts. So these classes read [`settings`] of their own; their
//! definitions serve validation and forms.

mod envelope;
mod logical_table_router;
mod names;
mod new_record_state;
mod outbox;
mod plugin;
mod routing;
mod settings;
mod splitting;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use outbox::fuzzing as outbox_fuzzing;
pub(crate) use plugin::DebeziumPlugin;

/// Every transformation of this module.
pub(crate) const PLUGINS: [DebeziumPlugin; 3] =
    [new_record_state::PLUGIN, logical_table_router::PLUGIN, outbox::PLUGIN];

#[cfg(test)]
mod test_events;
