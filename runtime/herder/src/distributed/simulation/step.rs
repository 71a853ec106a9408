//! What happens to the cluster from outside.

use std::time::Duration;

use sluice_storage::TargetState;

use super::world::WorkerId;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A process is started, if none runs.
    Start(WorkerId),
    /// `kill -9`.
    Crash(WorkerId),
    /// SIGSTOP and SIGCONT.
    Freeze(WorkerId),
    Thaw(WorkerId),
    /// SIGTERM; the process has ended when [`Step::MustHaveEnded`] comes.
    ShutDown(WorkerId),
    MustHaveEnded(WorkerId, u32),
    /// Which wires of a worker are cut.
    Cut(WorkerId, Cut),
    /// How much slower than others the worker reads and appends to the config topic.
    Lag(WorkerId, Duration, Duration),
    CoordinatorStops,
    CoordinatorStarts {
        with_memory: bool,
    },
    /// The next leader of a round crashes in the middle of it.
    LeaderCrashes,
    /// A user asks a worker.
    Ask(WorkerId, Operation),
    /// All faults are over; everybody runs.
    Heal,
    /// Look whether the cluster has settled.
    LookSettled,
    /// Every running task has gone on since the cluster settled.
    LookAlive,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) coordinator: bool,
    pub(super) topics: bool,
    pub(super) peers: bool,
}

/// What a user wants.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create { connector: String, tasks: u64 },
    Replace { connector: String, tasks: u64, version: u64 },
    Target(String, TargetState),
    Delete(String),
    RestartConnector(String),
    RestartTasks(String),
}
