//! Two workers on one log.

use super::*;

/// A log at hand: every entry is appended and read at once.
#[derive(Default)]
struct Log {
    entries: Mutex<Vec<LogEntry>>,
    followers: Mutex<Vec<UnboundedSender<(i64, LogEntry)>>>,
}

struct Link(Arc<Log>);

impl LogLink for Link {
    fn append(&self, entries: Vec<LogEntry>) -> oneshot::Receiver<Result<(), Error>> {
        for entry in entries {
            let mut log = lock(&self.0.entries);
            let offset = log.len() as i64;
            log.push(entry.clone());
            for follower in &*lock(&self.0.followers) {
                follower.send((offset, entry.clone())).expect("the stores live");
            }
        }
        let (answer_tx, answer) = oneshot::channel();
        answer_tx.send(Ok(())).expect("awaited");
        answer
    }

    fn end(&self) -> oneshot::Receiver<i64> {
        let (answer_tx, answer) = oneshot::channel();
        answer_tx.send(lock(&self.0.entries).len() as i64).expect("awaited");
        answer
    }

    fn follow(&self) -> UnboundedReceiver<(i64, LogEntry)> {
        let (follower, entries) = unbounded_channel();
        for (offset, entry) in (0..).zip(&*lock(&self.0.entries)) {
            follower.send((offset, entry.clone())).expect("awaited");
        }
        lock(&self.0.followers).push(follower);
        entries
    }

    fn purge(&self) {}
}

// Invariant 4.
#[tokio::test]
async fn what_one_worker_writes_is_replayed_by_all_in_the_same_order() {
    let log = Arc::new(Log::default());
    let config: Properties = [("name".to_owned(), "c".to_owned())].into_iter().collect();
    Link(log.clone()).append(connector_entries("b", &config, std::slice::from_ref(&config)));
    let [one, other] = [(); 2].map(|()| LogConfigBackingStore::new(Arc::new(Link(log.clone()))));
    for store in [&one, &other] {
        store.start().await.expect("a log at hand");
        assert_eq!(store.snapshot().tasks("b").len(), 1);
    }
    let mut updates = other.updates().expect("taken for the first time");
    one.put_connector_config("c", &config, None).await.expect("written");
    one.put_task_configs("c", &[config.clone(), config.clone()]).await.expect("written");
    other.refresh(READ_WRITE_TIMEOUT).await.expect("read");
    assert_eq!(one.snapshot(), other.snapshot());
    assert_eq!(updates.try_recv(), Ok(ConfigUpdate::ConnectorConfig("c".into())));
    assert_eq!(updates.try_recv(), Ok(ConfigUpdate::TaskConfigs("c".into(), one.snapshot().tasks("c"))));
}
