//! Other workers, as a simulated one reaches them: their real herders, behind wires that take time and can be cut.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::Properties;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::world::{Clock, ProcessId, World};
use crate::distributed::DistributedHerder;
use crate::{Herder, HerderError, InternalRequest, PeerError, Peers};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Where workers are: by URL, with the runtime that their herder lives on.
#[derive(Clone, Default)]
pub(super) struct Directory(Arc<Mutex<BTreeMap<String, Listing>>>);

#[derive(Clone)]
pub(super) struct Listing {
    pub(super) process: ProcessId,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) herder: Arc<DistributedHerder>,
}

impl Directory {
    pub(super) fn enter(&self, url: String, listing: Listing) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(url, listing);
    }

    pub(super) fn remove(&self, url: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(url);
    }

    pub(super) fn find(&self, url: &str) -> Option<Listing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }
}

pub(super) struct SimPeers {
    pub(super) world: World,
    pub(super) process: ProcessId,
    pub(super) clock: Clock,
    pub(super) directory: Directory,
}

enum Task {
    Configs(Vec<Properties>),
    Fence,
}

impl SimPeers {
    async fn ask(&self, url: &str, connector: &str, task: Task, request: InternalRequest) -> Result<(), PeerError> {
        let (answer, receiver) = oneshot::channel();
        let (process, directory, world) = (self.process, self.directory.clone(), self.world.clone());
        let (url, connector) = (url.to_owned(), connector.to_owned());
        {
            let mut state = self.world.state();
            let time = self.clock.now() + state.hop();
            state.deed_at(time, move |state| {
                let Some(Listing { process: other, runtime, herder }) = directory.find(&url) else { return };
                if state.wires[process.worker].cut_from_peers || state.wires[other.worker].cut_from_peers {
                    return;
                }
                runtime.spawn(async move {
                    let result = match task {
                        Task::Configs(configs) => herder.put_task_configs(&connector, configs, request).await,
                        Task::Fence => herder.fence_zombie_tasks(&connector, request).await,
                    };
                    let mut state = world.state();
                    let time = state.now + state.hop();
                    state.deed_at(time, move |state| {
                        if !state.wires[process.worker].cut_from_peers {
                            answer.send(result).ok();
                        }
                    });
                });
            });
        }
        self.clock.sent.notify_one();
        match timeout(TIMEOUT, receiver).await {
            Ok(Ok(result)) => result.map_err(|error| refused(&error)),
            Ok(Err(_)) => Err(PeerError::Io("the connection broke".to_owned())),
            Err(_) => Err(PeerError::Io("no answer".to_owned())),
        }
    }
}

#[async_trait]
impl Peers for SimPeers {
    async fn put_task_configs(&self, url: &str, connector: &str, request: InternalRequest) -> Result<(), PeerError> {
        let configs: Result<Vec<BTreeMap<String, String>>, _> = serde_json::from_slice(&request.body);
        let configs = configs.map_err(|error| PeerError::Refused { status: 500, message: error.to_string() })?;
        let configs = configs.into_iter().map(|config| config.into_iter().collect()).collect();
        self.ask(url, connector, Task::Configs(configs), request).await
    }

    async fn fence_zombies(&self, url: &str, connector: &str, request: InternalRequest) -> Result<(), PeerError> {
        self.ask(url, connector, Task::Fence, request).await
    }
}

/// As REST answers.
fn refused(error: &HerderError) -> PeerError {
    let status = match error {
        HerderError::BadRequest(_) => 400,
        HerderError::Forbidden(_) => 403,
        HerderError::NotFound(_) => 404,
        HerderError::Conflict(_) | HerderError::Forward(_) => 409,
        HerderError::ServiceUnavailable(_) => 503,
        _ => 500,
    };
    PeerError::Refused { status, message: error.to_string() }
}
