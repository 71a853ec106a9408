//! Transactions of a producer that has a `transactional.id` (KIP-98): initialise once, then begin, send, and commit or abort.
//!
//! Source tasks under exactly-once and the leader's writes to the config topic use it. librdkafka's calls block, so they run on
//! the runtime's blocking threads; a call that was given up half-way can be made again, and then goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer as _};

use super::client::Producer;
use super::delivery::Delivery;
use crate::error::{Error, ErrorKind};
use crate::properties::Translation;

/// What librdkafka demands of a transactional producer; Java only warns. Whether the producer is one.
pub(super) fn prepare(translation: &mut Translation) -> bool {
    if translation.java("transactional.id").is_none() {
        return false;
    }
    let transaction = translation.number("transaction.timeout.ms");
    let delivery = translation.number("delivery.timeout.ms").min(transaction);
    let request = translation.number("request.timeout.ms").min(transaction).clamp(10, 300_000);
    translation.set("delivery.timeout.ms", delivery);
    translation.set("socket.timeout.ms", request);
    true
}

impl Producer {
    /// Takes the transactional id over: transactions that an earlier owner left open are aborted, and the earlier owner can write
    /// nothing more. Returns when both are done. Cancel safety: the call goes on in the background.
    ///
    /// # Errors
    /// `UnsupportedByBroker` when the cluster has no transactions, `Authorization`; `TimedOut` and `Unavailable` ones pass.
    pub async fn init_transactions(&self, timeout: Duration) -> Result<(), Error> {
        self.blocking("initialising transactions", move |client| client.init_transactions(timeout)).await
    }

    /// Begins a transaction; all records from here on belong to it. Does not wait for the cluster.
    ///
    /// # Errors
    /// There is one already, the producer was fenced, or transactions were not initialised.
    pub fn begin_transaction(&self) -> Result<(), Error> {
        self.client.begin_transaction().map_err(|error| Error::from_client("beginning a transaction", &error))
    }

    /// Waits until every accepted record has its ack, without waiting out `linger.ms` as [`flush`](Self::flush) does.
    ///
    /// # Errors
    /// The time is over and records are still in flight; they stay so.
    pub async fn flush_now(&self, timeout: Duration) -> Result<(), Error> {
        self.blocking("flushing", move |client| client.flush(timeout)).await
    }

    /// Commits the open transaction. All its records must be acknowledged.
    ///
    /// # Errors
    /// `TimedOut` and `Unavailable`: call again. `Fenced`: another producer has the id. Any other: the transaction can only be
    /// aborted.
    pub async fn commit_transaction(&self, timeout: Duration) -> Result<(), Error> {
        self.blocking("committing a transaction", move |client| client.commit_transaction(timeout)).await
    }

    /// Aborts the open transaction. Records in flight get acks of kind [`ErrorKind::Purged`].
    ///
    /// # Errors
    /// As for [`commit_transaction`](Self::commit_transaction).
    pub async fn abort_transaction(&self, timeout: Duration) -> Result<(), Error> {
        let aborting = self.blocking("aborting a transaction", move |client| client.abort_transaction(timeout));
        let mut aborting = std::pin::pin!(aborting);
        loop {
            // The abort ends only when the reports of the records that it gave up were served.
            tokio::select! {
                aborted = &mut aborting => return aborted,
                () = tokio::time::sleep(Duration::from_millis(2)) => self.poll(),
            }
        }
    }

    /// Why this producer can never send again, when that is so.
    pub fn failure(&self) -> Option<Error> {
        let (code, reason) = self.client.client().fatal_error()?;
        let kind = Error::from_code("", code).kind();
        let kind = if kind == ErrorKind::Unavailable { ErrorKind::Other } else { kind };
        Some(Error::new(kind, reason))
    }

    async fn blocking(
        &self,
        action: &'static str,
        call: impl FnOnce(&BaseProducer<Delivery>) -> Result<(), KafkaError> + Send + 'static,
    ) -> Result<(), Error> {
        let client = Arc::clone(&self.client);
        let answer = tokio::task::spawn_blocking(move || call(&client)).await;
        let answer =
            answer.map_err(|_| Error::new(ErrorKind::Closed, format!("{action}: the runtime is shutting down")))?;
        answer.map_err(|error| Error::from_client(action, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::prepare;
    use crate::properties::{Properties, Role, translate};

    fn prepared(more: &[(&str, &str)]) -> (bool, Option<String>, Option<String>) {
        let mut properties: Properties =
            more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        properties.insert("bootstrap.servers".to_owned(), "h:9092".to_owned());
        let mut translation = translate(Role::Producer, &properties).expect("usable properties");
        let transactional = prepare(&mut translation);
        let native = |key: &str| translation.native(key).map(str::to_owned);
        (transactional, native("delivery.timeout.ms"), native("socket.timeout.ms"))
    }

    #[test]
    fn no_record_and_no_request_outlives_the_transaction() {
        let id = ("transactional.id", "g-c-0");
        let short = ("transaction.timeout.ms", "5000");
        assert_eq!(prepared(&[id]), (true, Some("60000".into()), Some("30000".into())));
        assert_eq!(prepared(&[id, short]), (true, Some("5000".into()), Some("5000".into())));
        assert_eq!(prepared(&[short]), (false, Some("2147483647".into()), Some("30000".into())));
    }
}
