//! Zombie fencing of exactly-once sources (KIP-618, connect-worker.md 5.6), and the leader's right to write.
//!
//! Before a task of a new set of task configs goes on with its start, the producers of the last set are fenced, once for all tasks;
//! a `tasks-fencing-C` record says how many ids the next round has to fence. Keeps Invariant 5 across workers: the round is the
//! leader's, so a request from a task on another worker ends in [`Service::fence_zombies`] as well.

use std::collections::HashMap;
use std::time::Duration;

use sluice_api::{ConnectError, ErrorKind};
use sluice_kafka::wire::TransactionAdmin;
use sluice_storage::{ClusterConfigState, ConnectorTaskId};
use sluice_worker::{TaskAnswer, TaskCheck};
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::options::DistributedOptions;
use super::reconcile::answer;
use super::requests::not_found;
use super::service::{Reply, Report, Service};
use super::to_leader::LeaderFencing;
use crate::{HerderError, views};

/// How long a task may wait for the config topic to be read to its end: longer than others, because it fails when it is not.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Rounds that are under way, by connector.
#[derive(Default)]
pub(super) struct ZombieFencings(HashMap<String, Round>);

struct Round {
    /// The generation of task configs that the round clears the way for.
    generation: i32,
    /// The tasks of that generation: what the next round has to fence.
    tasks: u32,
    waiting: Vec<Reply<()>>,
}

/// What has to be done before tasks of the committed set may start.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// All earlier sets are fenced.
    Nothing,
    /// Nothing is there to be fenced, or the one new task fences the one old task; the record is due all the same.
    Record(u32),
    /// So many tasks of the last set, then the record.
    Round { fence: u32, record: u32 },
}

fn need(snapshot: &ClusterConfigState, connector: &str) -> Need {
    if !snapshot.pending_fencing.contains(connector) {
        return Need::Nothing;
    }
    let tasks = snapshot.task_counts.get(connector).copied().unwrap_or(0);
    match snapshot.fencing_counts.get(connector) {
        Some(fence) if (*fence, tasks) != (1, 1) => Need::Round { fence: *fence, record: tasks },
        _ => Need::Record(tasks),
    }
}

fn generation(snapshot: &ClusterConfigState, connector: &str) -> i32 {
    snapshot.task_config_generations.get(connector).copied().unwrap_or(-1)
}

impl Service {
    /// A task that starts waits for an answer.
    pub(super) fn check_task(&mut self, id: ConnectorTaskId, check: TaskCheck, waiting: TaskAnswer) {
        let (reply, answered) = oneshot::channel::<Result<(), HerderError>>();
        tokio::spawn(async move {
            // Given up: the task is about to be stopped.
            let Ok(answer) = answered.await else { return };
            waiting.give(answer.map_err(|error| {
                let kind =
                    if matches!(error, HerderError::Conflict(_)) { ErrorKind::Conflict } else { ErrorKind::Connect };
                ConnectError::new(kind, error.to_string())
            }));
        });
        self.do_later(move |service| {
            Box::pin(async move {
                match check {
                    TaskCheck::FenceZombies => service.fence_for_task(LeaderFencing::new(id.connector, reply)).await,
                    TaskCheck::VerifyOwnership => {
                        let verified = service.verify_ownership(&id).await;
                        answer(Some(reply), verified);
                    }
                }
            })
        });
    }

    /// Fences, as leader, what earlier sets of the connector's tasks have left; answers when nothing of them can write any more.
    pub(super) async fn fence_zombies(&mut self, connector: String, reply: Reply<()>) {
        match self.begin_fencing(&connector).await {
            Ok(false) => answer(Some(reply), Ok(())),
            Ok(true) => {
                if let Some(round) = self.fencings.0.get_mut(&connector) {
                    round.waiting.push(reply);
                }
            }
            Err(error) => answer(Some(reply), Err(error)),
        }
    }

    /// `true` when a round is under way.
    async fn begin_fencing(&mut self, connector: &str) -> Result<bool, HerderError> {
        self.require_leader()?;
        let snapshot = self.snapshot();
        let config = snapshot.connector_configs.get(connector).ok_or_else(|| not_found(connector))?;
        if views::connector_type(&self.options.registry, Some(config)) != crate::ConnectorType::Source {
            return Err(HerderError::BadRequest(format!("Connector {connector} is not a source connector")));
        }
        self.read_to_end("Failed to read to end of config topic before performing zombie fencing").await?;
        if self.fencings.0.contains_key(connector) {
            return Ok(true);
        }
        let snapshot = self.snapshot();
        match need(&snapshot, connector) {
            Need::Nothing => Ok(false),
            Need::Record(tasks) => {
                debug!(connector, tasks, "no zombies to fence");
                self.write_fencing_record(connector, tasks).await.map(|()| false)
            }
            Need::Round { fence, record } => {
                info!(connector, tasks = fence, "fencing the tasks of the last set");
                let round = Round { generation: generation(&snapshot, connector), tasks: record, waiting: Vec::new() };
                self.fencings.0.insert(connector.to_owned(), round);
                let config = snapshot.connector_configs.get(connector).cloned().unwrap_or_default();
                let (worker, reports, connector) =
                    (self.options.worker.clone(), self.reports.clone(), connector.to_owned());
                self.beside(async move {
                    let fenced = worker.fence_zombies(&connector, fence, &config).await;
                    // Nobody receives when the worker is shutting down.
                    drop(reports.send(Report::ZombiesFenced { connector, fenced }));
                });
                Ok(true)
            }
        }
    }

    /// The producers are fenced, or not; the record is written when it is its turn.
    pub(super) fn zombies_fenced(&mut self, connector: String, fenced: Result<(), ConnectError>) {
        self.do_later(|service| {
            Box::pin(async move {
                let ended = match fenced {
                    Ok(()) => service.end_fencing(&connector).await,
                    Err(error) => {
                        warn!(connector, error = error.trace().trim_end(), "zombie fencing failed");
                        Err(HerderError::Internal(format!(
                            "Failed to perform round of zombie fencing: {}",
                            chain(&error)
                        )))
                    }
                };
                let Some(round) = service.fencings.0.remove(&connector) else { return };
                for reply in round.waiting {
                    answer(Some(reply), ended.clone());
                }
            })
        });
    }

    async fn end_fencing(&mut self, connector: &str) -> Result<(), HerderError> {
        self.read_to_end("Failed to read to end of config topic").await?;
        self.require_leader()?;
        let Some(Round { generation: cleared_for, tasks, .. }) = self.fencings.0.get(connector) else { return Ok(()) };
        if *cleared_for < generation(&self.snapshot(), connector) {
            let message = "Fencing failed because new task configurations were generated for the connector";
            return Err(HerderError::Conflict(message.to_owned()));
        }
        let tasks = *tasks;
        self.write_fencing_record(connector, tasks).await
    }

    async fn write_fencing_record(&mut self, connector: &str, tasks: u32) -> Result<(), HerderError> {
        self.claim_write_privileges().await;
        let stage = format!("writing a task count record for connector {connector} to the config topic");
        let _stage = self.stages.begin(stage);
        let configs = self.options.configs.clone();
        let mut written = configs.put_task_count_record(connector, tasks).await;
        if self.may_write_again(&written).await {
            written = configs.put_task_count_record(connector, tasks).await;
        }
        written.map_err(|error| HerderError::Internal(error.to_string()))
    }

    /// A task that has taken its transactional id over must not be a zombie itself.
    async fn verify_ownership(&mut self, id: &ConnectorTaskId) -> Result<(), HerderError> {
        self.read_to_end("Failed to read to end of config topic").await?;
        let started = self.generations.get(id).copied();
        if started.is_some_and(|started| started < generation(&self.snapshot(), &id.connector)) {
            return Err(HerderError::Conflict(format!(
                "Cannot start source task {id} with exactly-once support as the connector has already generated a new set of task configs"
            )));
        }
        if !self.held.tasks.contains(id) {
            return Err(HerderError::Conflict(format!(
                "Cannot start source task {id} with exactly-once support as it has already been revoked from this worker"
            )));
        }
        Ok(())
    }

    /// Notes of which set a task is that is started now.
    pub(super) fn note_generation(&mut self, id: &ConnectorTaskId) {
        let generation = generation(&self.snapshot(), &id.connector);
        self.generations.insert(id.clone(), generation);
    }

    /// Makes sure that the leader may write to the config topic; a write that follows says why when it may not.
    pub(super) async fn claim_write_privileges(&mut self) {
        let _stage = self.stages.begin("claiming write privileges for the config topic");
        if let Err(error) = self.options.configs.claim_write_privileges().await {
            warn!(error = chain(&error), "Unable to claim write privileges for config topic");
        }
    }

    /// Whether a write may be tried once more: another worker, which leads no longer, has fenced this one, and now cannot do so again.
    pub(super) async fn may_write_again(&mut self, written: &Result<(), sluice_storage::Error>) -> bool {
        // A deposed leader must not claim what is another's.
        if !matches!(written, Err(sluice_storage::Error::Fenced(_))) || self.require_leader().is_err() {
            return false;
        }
        self.claim_write_privileges().await;
        true
    }

    async fn read_to_end(&mut self, failure: &str) -> Result<(), HerderError> {
        let _stage = self.stages.begin("reading to the end of the config topic");
        let read = self.options.configs.refresh(self.options.sync_timeout.max(READ_TIMEOUT)).await;
        read.map_err(|_| HerderError::Internal(failure.to_owned()))
    }
}

/// A cluster without transactions is found out before anything is done with it. Waits for the cluster for ever.
///
/// # Errors
/// `Unusable`.
pub(super) async fn require_transactions(options: &DistributedOptions) -> Result<(), sluice_storage::Error> {
    let admin = TransactionAdmin::new(options.group.client.clone());
    loop {
        match admin.are_transactions_offered().await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                return Err(sluice_storage::Error::Unusable(format!(
                    "`exactly.once.source.support` needs a Kafka cluster with transactions, which the one at {} does not offer: use Apache \
                     Kafka, or set it to `disabled`",
                    options.group.client.bootstrap.join(",")
                )));
            }
            // The stores say why the cluster cannot be reached.
            Err(error) => debug!(%error, "asking whether the cluster has transactions"),
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// What REST answers for a write that failed: Kafka Connect's words when the leader has lost its privileges.
pub(super) fn write_failed(error: &sluice_storage::Error, otherwise: &str) -> HerderError {
    match error {
        sluice_storage::Error::Fenced(message) => HerderError::Internal(message.clone()),
        _ => HerderError::Internal(otherwise.to_owned()),
    }
}

/// An error with its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ClusterConfigState, Need, need};

    fn state(pending: bool, fencing: Option<u32>, tasks: u32) -> ClusterConfigState {
        let mut state = ClusterConfigState::default();
        state.task_counts.insert("c".to_owned(), tasks);
        if let Some(count) = fencing {
            state.fencing_counts.insert("c".to_owned(), count);
        }
        if pending {
            state.pending_fencing.insert("c".to_owned());
        }
        state
    }

    // Invariant 5: the table of KIP-618.
    #[test]
    fn a_round_is_due_for_a_new_set_unless_nothing_ran_or_one_task_replaces_one() {
        for (pending, fencing, tasks, expected) in [
            (false, None, 3, Need::Nothing),
            (false, Some(3), 3, Need::Nothing),
            (true, None, 3, Need::Record(3)),
            (true, Some(1), 1, Need::Record(1)),
            (true, Some(3), 3, Need::Round { fence: 3, record: 3 }),
            (true, Some(1), 2, Need::Round { fence: 1, record: 2 }),
            (true, Some(2), 1, Need::Round { fence: 2, record: 1 }),
            (true, Some(2), 0, Need::Round { fence: 2, record: 0 }),
            (true, Some(0), 2, Need::Round { fence: 0, record: 2 }),
        ] {
            assert_eq!(need(&state(pending, fencing, tasks), "c"), expected, "{pending} {fencing:?} {tasks}");
        }
    }
}
