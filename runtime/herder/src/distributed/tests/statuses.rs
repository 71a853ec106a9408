//! Statuses of what is gone.

use sluice_storage::{ConnectorStatus, StatusEntry, TaskStatus};

use super::*;

/// A partition of the status topic that has no leader for a while keeps from being shown what was written.
#[tokio::test]
async fn a_task_that_is_gone_leaves_no_status_however_late_its_last_one_is_shown() {
    let late = Arc::new(MemoryStatusBackingStore::late());
    let statuses = late.clone();
    let rig = rig_led_by(HERE, move |options, _| {
        options.reporter = Arc::new(StatusReporter::new(statuses.clone(), "here:8083"));
        options.statuses = statuses;
    });
    rig.create("c", "well").await;
    rig.until("the task runs", |rig| !rig.worker.tasks().is_empty()).await;
    let worker_id = "here:8083".into();
    let status = StatusEntry { state: State::Running, trace: None, worker_id, generation: 0, version: None };
    late.put_connector(ConnectorStatus { connector: "c".into(), status: status.clone() });
    late.put_task(TaskStatus { id: task("c"), status });
    rig.herder.set_target_state("c", TargetState::Stopped).await.expect("stopped");
    rig.until("the task has stopped", |rig| rig.worker.tasks().is_empty()).await;
    // Has its turn after the round that this led to.
    rig.herder.set_target_state("c", TargetState::Stopped).await.expect("stopped again");
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        late.settle().await;
        if late.tasks("c").is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "still shown: {:?}", late.tasks("c"));
        sleep(Duration::from_millis(2)).await;
    }
    rig.end().await;
}
