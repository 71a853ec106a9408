//! The runtime that REST, herder and clients share; tasks and connectors have threads of their own.

use std::future::Future;

use anyhow::Context;

use crate::Failure;

/// Runs `work` to its end.
pub(crate) fn run(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sluice")
        .enable_all()
        .build()
        .context("starting the runtime")
        .map_err(Failure::Startup)?;
    let ended = runtime.block_on(work);
    // Threads of abandoned connectors may hang; the process ends without them.
    runtime.shutdown_background();
    ended
}
