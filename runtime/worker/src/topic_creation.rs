//! Creates the topics of source tasks that have `topic.creation.*` settings (KIP-158, connect-worker.md 4.6 and 5.5).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::ConnectError;
use sluice_kafka::{Admin, Error, NewTopic};

use crate::config::TopicCreationConfig;

/// How long one call to the cluster may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause before a call that timed out is made again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What topic creation asks of the cluster; a seam for tests.
#[async_trait]
pub(crate) trait TopicAdmin: Send + Sync {
    async fn exists(&self, topic: &str) -> Result<bool, Error>;
    async fn create(&self, topic: &NewTopic) -> Result<(), Error>;
}

#[async_trait]
impl TopicAdmin for Admin {
    async fn exists(&self, topic: &str) -> Result<bool, Error> {
        Ok(!self.describe_topics(&[topic], CALL_TIMEOUT).await?.is_empty())
    }

    async fn create(&self, topic: &NewTopic) -> Result<(), Error> {
        self.create_topic(topic, CALL_TIMEOUT).await
    }
}

/// Sees to it that a topic exists before the first record for it is sent.
pub(crate) struct TopicCreation {
    /// `None` leaves topics to the broker.
    creator: Option<Creator>,
    known: Vec<Arc<str>>,
}

struct Creator {
    admin: Box<dyn TopicAdmin>,
    config: TopicCreationConfig,
}

impl TopicCreation {
    /// Leaves creation to the broker.
    pub(crate) fn disabled() -> Self {
        Self { creator: None, known: Vec::new() }
    }

    /// Creates topics as `config` says.
    pub(crate) fn new(admin: Box<dyn TopicAdmin>, config: TopicCreationConfig) -> Self {
        Self { creator: Some(Creator { admin, config }), known: Vec::new() }
    }

    /// Whether nothing has to be done for the topic. Cheap for the topic of the record before.
    pub(crate) fn is_settled(&mut self, topic: &Arc<str>) -> bool {
        if self.creator.is_none() {
            return true;
        }
        match self.known.iter().position(|known| Arc::ptr_eq(known, topic) || known == topic) {
            Some(position) => {
                // Batches come topic by topic: the next look finds it first.
                self.known.swap(0, position);
                true
            }
            None => false,
        }
    }

    /// Makes sure that the topic exists. A describe or create that times out is repeated for ever: drop the future to stop.
    ///
    /// # Errors
    /// The topic does not exist and cannot be created.
    pub(crate) async fn ensure(&mut self, topic: &Arc<str>) -> Result<(), ConnectError> {
        let Some(creator) = &self.creator else { return Ok(()) };
        while let Err(error) = creator.try_ensure(topic).await {
            if !error.is_retriable() {
                let text = format!(
                    "Task failed to create new topic {topic}. Ensure that the task is authorized to create topics or that the topic exists and restart the task"
                );
                return Err(ConnectError::connect(text).with_source(error));
            }
            tracing::warn!(topic = &**topic, %error, "could not look after a topic, trying again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        self.known.push(topic.clone());
        Ok(())
    }
}

impl Creator {
    async fn try_ensure(&self, topic: &str) -> Result<(), Error> {
        if self.admin.exists(topic).await? {
            return Ok(());
        }
        let new = self.new_topic(topic);
        match self.admin.create(&new).await {
            // Another task was faster.
            Err(error) if error.kind() == sluice_kafka::ErrorKind::TopicExists => Ok(()),
            created => {
                created?;
                tracing::info!(
                    topic,
                    partitions = new.partitions,
                    replication_factor = new.replication_factor,
                    "created topic"
                );
                Ok(())
            }
        }
    }

    fn new_topic(&self, topic: &str) -> NewTopic {
        let group = self.config.group_of(topic);
        NewTopic {
            name: topic.to_owned(),
            partitions: group.partitions,
            replication_factor: i32::from(group.replication_factor),
            settings: group.settings.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use sluice_kafka::{Error, NewTopic};

    use super::{TopicAdmin, TopicCreation};
    use crate::config::TopicCreationConfig;
    use crate::worker::lock;

    /// Remembers what it was asked to create.
    #[derive(Clone, Default)]
    struct Topics(Arc<Mutex<Vec<NewTopic>>>);

    #[async_trait]
    impl TopicAdmin for Topics {
        async fn exists(&self, topic: &str) -> Result<bool, Error> {
            Ok(lock(&self.0).iter().any(|known| known.name == topic))
        }

        async fn create(&self, topic: &NewTopic) -> Result<(), Error> {
            lock(&self.0).push(topic.clone());
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_topic_is_created_once_as_its_group_says() {
        let keys = [
            ("default.partitions", "3"),
            ("default.replication.factor", "-1"),
            ("groups", "log"),
            ("log.include", ".*log"),
            ("log.cleanup.policy", "compact"),
        ];
        let config = keys.map(|(key, value)| (format!("topic.creation.{key}"), value.to_owned())).into_iter().collect();
        let config = TopicCreationConfig::parse(&config).expect("a good config").expect("groups");
        let topics = Topics::default();
        let mut creation = TopicCreation::new(Box::new(topics.clone()), config);
        let topic: Arc<str> = "a.log".into();
        assert!(!creation.is_settled(&topic));
        creation.ensure(&topic).await.expect("creatable");
        assert!(creation.is_settled(&"a.log".into()));
        let created = lock(&topics.0).clone();
        assert_eq!(created.len(), 1);
        assert_eq!((created[0].partitions, created[0].replication_factor), (3, -1));
        assert_eq!(created[0].settings["cleanup.policy"], "compact");
    }

    #[test]
    fn without_groups_the_broker_decides() {
        assert!(TopicCreation::disabled().is_settled(&"t".into()));
    }
}
