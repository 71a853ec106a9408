//! What connector authors test with: an offset store in memory, drivers that run a task the way the worker does and check the
//! contract on the way, conformance checks over a whole life with a crash in it, and a carrier double.
//!
//! A driver lives on the test's own current-thread runtime and never sleeps: the test says when a record is acknowledged, when
//! offsets are flushed and when the worker "crashes" (the driver is dropped). What a task does against the contract comes back
//! as [`Violation`]. The drivers stand on Invariants 1, 2, 5 and 7.
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use async_trait::async_trait;
//! # use sluice_api::{OffsetMap, Properties, Result, SourceRecord, SourceTask, SourceTaskContext, Value};
//! use sluice_api::testkit::check_source_resumes;
//!
//! # #[derive(Default)]
//! # struct CounterTask { next: i64, shared: Arc<OffsetMap> }
//! # #[async_trait(?Send)]
//! # impl SourceTask for CounterTask {
//! #     async fn start(&mut self, context: SourceTaskContext, _config: &Properties) -> Result<()> {
//! #         self.shared = Arc::new(OffsetMap::single("counter", "only"));
//! #         let stored = context.offsets.offsets(&[(*self.shared).clone()]).await?.remove(0);
//! #         self.next = stored.and_then(|offset| offset.get("next").and_then(Value::as_i64)).unwrap_or(0);
//! #         Ok(())
//! #     }
//! #     async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
//! #         let n = self.next;
//! #         self.next += 1;
//! #         let offset = OffsetMap::single("next", self.next);
//! #         Ok(vec![SourceRecord::new(self.shared.clone(), offset, "t".into(), None, Value::Int64(n))])
//! #     }
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! // Reads 30 records, then again with a crash at several places, and compares.
//! check_source_resumes(|| Box::new(CounterTask::default()), &Properties::new(), 30).await.unwrap();
//! # });
//! ```

mod carrier;
mod carrier_double;
mod conformance;
mod offsets;
mod replay;
mod sink;
mod source;
mod violation;

pub use carrier::{CarrierDriver, ProgressRecorder};
pub use carrier_double::{AckTarget, CarrierDouble};
pub use conformance::{check_sink_loses_nothing, check_source_resumes};
pub use offsets::MemoryOffsets;
pub use replay::replay_seeds;
pub use sink::{Delivery, SinkDriver};
pub use source::SourceDriver;
pub use violation::Violation;
