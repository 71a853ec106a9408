//! The transaction calls of an admin client: fencing producers, and whether the cluster has transactions at all (KIP-618).

use std::time::Duration;

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId, TransactionalId};
use tokio::time::Instant;

use super::api::Api;
use super::cluster::{Cluster, text};
use super::config::ClientConfig;
use super::coordinator::{Coordinator, Patience};
use super::error::Error;

/// What a transactional producer asks of a broker, as numbers in the request header.
const TRANSACTION_APIS: [i16; 3] = [InitProducerIdRequest::KEY, ADD_PARTITIONS_TO_TXN, END_TXN];
const ADD_PARTITIONS_TO_TXN: i16 = 24;
const END_TXN: i16 = 26;

/// Administers transactional ids that it does not use itself. Each call opens its own connections.
#[derive(Debug, Clone)]
pub struct TransactionAdmin {
    config: ClientConfig,
}

impl TransactionAdmin {
    /// Connects to nothing yet.
    pub fn new(config: ClientConfig) -> Self {
        Self { config }
    }

    /// Fences the producers of these transactional ids: their open transactions are aborted when this returns, and what they still
    /// send is refused. An id that nobody has used is fenced too. Retries until `timeout`, for all ids together. A call that is
    /// dropped half-way may have fenced some.
    pub async fn fence_producers(&self, transactional_ids: &[String], timeout: Duration) -> Result<(), Error> {
        let patience = Patience::Until(Instant::now() + timeout);
        for id in transactional_ids {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(Some(TransactionalId(text(id))))
                .with_transaction_timeout_ms(i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX))
                .with_producer_id(ProducerId(-1))
                .with_producer_epoch(-1);
            let mut coordinator = Coordinator::of_transactional_id(self.config.clone(), id);
            coordinator.call(&request, self.config.request_timeout, patience).await?;
        }
        Ok(())
    }

    /// Whether the first broker that answers has transactions. Tries once.
    pub async fn are_transactions_offered(&self) -> Result<bool, Error> {
        let connection = Cluster::new(self.config.clone()).any_broker().await?;
        Ok(TRANSACTION_APIS.into_iter().all(|key| connection.offers(key)))
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::ResponseError;
    use kafka_protocol::messages::{FindCoordinatorRequest, InitProducerIdResponse};

    use super::*;
    use crate::wire::fake_broker::FakeBroker;

    fn admin(broker: &FakeBroker) -> TransactionAdmin {
        let address = broker.address();
        let properties = [("bootstrap.servers", address.as_str()), ("retry.backoff.ms", "1")];
        TransactionAdmin::new(ClientConfig::parse(properties).expect("usable properties"))
    }

    fn answer(code: i16) -> InitProducerIdResponse {
        InitProducerIdResponse::default().with_error_code(code)
    }

    #[tokio::test]
    async fn each_id_is_fenced_at_its_transaction_coordinator_also_while_a_transaction_is_being_ended() {
        let broker = FakeBroker::start().await;
        broker.answers::<InitProducerIdRequest>(&answer(ResponseError::ConcurrentTransactions.code()));
        broker.answers::<InitProducerIdRequest>(&answer(0)).answers::<InitProducerIdRequest>(&answer(0));
        let ids = ["g-c-0".to_owned(), "g-c-1".to_owned()];
        admin(&broker).fence_producers(&ids, Duration::from_secs(30)).await.expect("fenced");
        let asked: Vec<_> = broker.seen::<InitProducerIdRequest>();
        let asked: Vec<_> = asked.iter().filter_map(|request| request.transactional_id.as_ref()).collect();
        assert_eq!(asked.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["g-c-0", "g-c-0", "g-c-1"]);
        let looked_up = broker.seen::<FindCoordinatorRequest>();
        assert!(looked_up.iter().all(|request| request.key_type == 1), "{looked_up:?}");
    }

    #[tokio::test]
    async fn a_right_that_is_missing_is_an_error_that_names_the_id() {
        let broker = FakeBroker::start().await;
        broker.answers::<InitProducerIdRequest>(&answer(ResponseError::TransactionalIdAuthorizationFailed.code()));
        let error = admin(&broker).fence_producers(&["g-c-0".to_owned()], Duration::from_secs(30)).await;
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("InitProducerId") && error.contains("transactional id g-c-0"), "{error}");
    }

    #[tokio::test]
    async fn a_broker_that_offers_the_requests_has_transactions() {
        let broker = FakeBroker::start().await;
        assert!(admin(&broker).are_transactions_offered().await.expect("an answer"));
    }
}
