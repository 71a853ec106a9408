//! Tasks: a thread each, with a loop of named steps.
//!
//! [`handle`] starts and ends the thread, [`seat`] is what the loop knows of the worker, [`source`], [`sink`] and [`carrier`]
//! are the loops. The clients are reached through [`RecordProducer`] and [`RecordConsumer`], so that the invariants can be proved
//! without a broker.

mod build;
mod carrier;
mod conversion;
mod exactly_once;
mod exactly_once_commit;
mod handle;
mod preparation;
mod record_consumer;
mod record_producer;
mod resting_producer;
mod seat;
mod sink;
mod sink_assignment;
mod sink_commit;
mod source;
mod source_batch;

#[cfg(test)]
mod conversion_tests;
#[cfg(test)]
mod doubles;
#[cfg(test)]
mod errant_tests;
#[cfg(test)]
mod exactly_once_tests;
#[cfg(test)]
mod sink_tests;
#[cfg(test)]
mod source_tests;

pub(crate) use build::TaskPlan;
pub(crate) use conversion::Conversion;
pub(crate) use handle::RunningTask;
pub(crate) use record_producer::RecordProducer;
