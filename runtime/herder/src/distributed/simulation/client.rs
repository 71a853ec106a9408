//! A user of the REST interface: asks any worker, follows where it is forwarded to, and wants an answer.

use sluice_storage::RestartRequest;

use super::coordinator::Time;
use super::history::config;
use super::peers::{Directory, Listing};
use super::step::Operation;
use super::world::{ProcessId, World};
use crate::{CreateConnector, Herder, HerderError};

/// As REST forwards.
const MOST_HOPS: u32 = 2;

/// A request that waits for an answer, and the process that has it.
pub(super) struct Asked {
    pub(super) operation: Operation,
    pub(super) process: ProcessId,
    pub(super) since: Time,
}

/// Lets a worker carry the operation out, or forward it.
pub(super) fn ask(world: &World, directory: &Directory, url: &str, number: u64, operation: Operation, hops: u32) {
    let Some(Listing { process, runtime, herder }) = directory.find(url) else {
        world.state().requests.remove(&number);
        return;
    };
    {
        let mut state = world.state();
        let since = state.now;
        state.requests.insert(number, Asked { operation: operation.clone(), process, since });
    }
    let (world, directory) = (world.clone(), directory.clone());
    runtime.spawn(async move {
        let result = carry_out(herder.as_ref(), &operation).await;
        let mut state = world.state();
        state.note(|| format!("request {number} {operation:?} at w{}: {result:?}", process.worker));
        match result {
            Err(HerderError::Forward(Some(url))) if hops < MOST_HOPS => {
                let (time, world) = (state.now + state.hop(), world.clone());
                // Beside the world's lock, which is held while deeds are done.
                state.deed_at(time, move |state| {
                    // The connection is refused: that is an answer too.
                    let Some(Listing { runtime, process, .. }) = directory.find(&url) else {
                        state.requests.remove(&number);
                        return;
                    };
                    if let Some(asked) = state.requests.get_mut(&number) {
                        asked.process = process;
                    }
                    runtime.spawn(async move { ask(&world, &directory, &url, number, operation, hops + 1) });
                });
            }
            _ => drop(state.requests.remove(&number)),
        }
    });
}

async fn carry_out(herder: &dyn Herder, operation: &Operation) -> Result<(), HerderError> {
    match operation {
        Operation::Create { connector, tasks } => {
            let (name, config) = (connector.clone(), config(connector, *tasks, 0).into());
            herder.create_connector(CreateConnector { name, config, initial_state: None }).await.map(drop)
        }
        Operation::Replace { connector, tasks, version } => {
            herder.put_connector_config(connector, config(connector, *tasks, *version).into()).await.map(drop)
        }
        Operation::Target(connector, target) => herder.set_target_state(connector, *target).await,
        Operation::Delete(connector) => herder.delete_connector(connector).await,
        Operation::RestartConnector(connector) => herder.restart_connector(connector).await,
        Operation::RestartTasks(connector) => {
            let request = RestartRequest { connector: connector.clone(), only_failed: false, include_tasks: true };
            herder.restart_connector_and_tasks(request).await.map(drop)
        }
    }
}
