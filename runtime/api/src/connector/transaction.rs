//! Transaction boundaries that a source defines itself (KIP-618, `transaction.boundary=connector`).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{ConnectError, Result};

/// How a transaction is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEnd {
    /// Its records count.
    Commit,
    /// Its records are dropped; their source offsets are stored all the same, so that they do not come again.
    Abort,
}

/// Takes a task's requests to end transactions; the worker looks at them when it has sent the records. Cheap to clone.
///
/// A request is for a batch or for a record. The next batch that `poll` returns is meant, whether the request comes before or
/// while it is made; a record is named by its [`token`](crate::SourceRecord::token), which must then be the only one of its kind
/// among the records that are not done. The transaction ends *after* the batch or the record. To ask for both a commit and an abort
/// at the same place fails the task.
#[derive(Clone, Debug, Default)]
pub struct TransactionContext(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    commit_batch: bool,
    abort_batch: bool,
    commit_on: HashSet<u64>,
    abort_on: HashSet<u64>,
}

impl TransactionContext {
    /// A context without requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a commit after the next batch.
    pub fn commit_transaction(&self) {
        self.requests().commit_batch = true;
    }

    /// Asks for a commit after the record with this token.
    pub fn commit_transaction_on(&self, token: u64) {
        self.requests().commit_on.insert(token);
    }

    /// Asks for an abort after the next batch.
    pub fn abort_transaction(&self) {
        self.requests().abort_batch = true;
    }

    /// Asks for an abort after the record with this token.
    pub fn abort_transaction_on(&self, token: u64) {
        self.requests().abort_on.insert(token);
    }

    /// Takes what is asked for the batch; for the worker.
    ///
    /// # Errors
    /// Both ends are asked for.
    pub fn take_for_batch(&self) -> Result<Option<TransactionEnd>> {
        let mut requests = self.requests();
        let (commit, abort) = (requests.commit_batch, requests.abort_batch);
        (requests.commit_batch, requests.abort_batch) = (false, false);
        end(commit, abort, || "Connector requested both commit and abort of same transaction".to_owned())
    }

    /// Takes what is asked for the record with this token; for the worker.
    ///
    /// # Errors
    /// Both ends are asked for.
    pub fn take_for_record(&self, token: u64) -> Result<Option<TransactionEnd>> {
        let mut requests = self.requests();
        if requests.commit_on.is_empty() && requests.abort_on.is_empty() {
            return Ok(None);
        }
        let (commit, abort) = (requests.commit_on.remove(&token), requests.abort_on.remove(&token));
        end(commit, abort, || format!("Connector requested both commit and abort of same record (token {token})"))
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(commit: bool, abort: bool, both: impl FnOnce() -> String) -> Result<Option<TransactionEnd>> {
    match (commit, abort) {
        (true, true) => Err(ConnectError::connect(both())),
        (true, false) => Ok(Some(TransactionEnd::Commit)),
        (false, true) => Ok(Some(TransactionEnd::Abort)),
        (false, false) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::{TransactionContext, TransactionEnd};

    #[test]
    fn a_request_is_taken_once_and_for_its_own_record() {
        let context = TransactionContext::new();
        context.commit_transaction_on(7);
        let of_the_task = context.clone();
        of_the_task.abort_transaction();
        assert_eq!(context.take_for_record(6).expect("one end"), None);
        assert_eq!(context.take_for_record(7).expect("one end"), Some(TransactionEnd::Commit));
        assert_eq!(context.take_for_record(7).expect("one end"), None);
        assert_eq!(context.take_for_batch().expect("one end"), Some(TransactionEnd::Abort));
        of_the_task.commit_transaction();
        assert_eq!(context.take_for_batch().expect("one end"), Some(TransactionEnd::Commit));
        assert_eq!(context.take_for_batch().expect("one end"), None);
    }

    #[test]
    fn both_ends_at_one_place_are_a_mistake() {
        let context = TransactionContext::new();
        context.commit_transaction();
        context.abort_transaction();
        assert!(context.take_for_batch().is_err());
        context.commit_transaction_on(1);
        context.abort_transaction_on(1);
        assert!(context.take_for_record(1).is_err());
    }
}
