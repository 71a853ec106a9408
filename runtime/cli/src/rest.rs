//! The REST server around a herder.

use std::sync::Arc;

use anyhow::Context;
use sluice_herder::Herder;
use sluice_rest::{BoundServer, RestClient, RunningServer};
use sluice_worker::config::RestConfig;

use crate::Failure;

/// Binds the sockets, before anything else is started.
pub(crate) async fn bind(config: &RestConfig) -> Result<BoundServer, Failure> {
    BoundServer::bind(config.clone()).await.context("starting the REST server").map_err(Failure::Startup)
}

/// Answers from now on. With a client, what others have to answer is forwarded to them.
pub(crate) fn serve(server: BoundServer, herder: Arc<dyn Herder>, client: Option<&Arc<RestClient>>) -> RunningServer {
    server.serve(herder, client)
}
