//! What a mirror administers beside topics: settings one by one, partitions, access rules, groups.

use std::time::Duration;

use super::Admin;
use crate::error::Error;
use crate::wire::{AclBinding, SettingChange, TopicSetting};

impl Admin {
    /// All settings of a topic, with where they come from.
    ///
    /// # Errors
    /// No broker answered in time, or the topic does not exist.
    pub async fn described_settings(&self, topic: &str, timeout: Duration) -> Result<Vec<TopicSetting>, Error> {
        let read = self.wire().settings_with_sources(topic, timeout).await;
        read.map_err(|error| Error::from_wire(&format!("reading the settings of topic {topic}"), &error))
    }

    /// Changes settings of a topic and leaves the others alone (`incrementalAlterConfigs`).
    ///
    /// # Errors
    /// What the controller says.
    pub async fn alter_topic_settings(
        &self,
        topic: &str,
        changes: &[SettingChange],
        timeout: Duration,
    ) -> Result<(), Error> {
        let action = format!("changing the settings of topic {topic}");
        let altered = self.wire().alter_settings(topic, changes, timeout).await;
        altered.map_err(|(error, message)| Error::from_wire(&action, &error).with_broker_message(message.as_deref()))
    }

    /// Makes a topic have `total` partitions.
    ///
    /// # Errors
    /// What the controller says, also when it has as many.
    pub async fn create_partitions(&self, topic: &str, total: i32, timeout: Duration) -> Result<(), Error> {
        let action = format!("adding partitions to topic {topic}");
        let created = self.wire().create_partitions(topic, total, timeout).await;
        created.map_err(|(error, message)| Error::from_wire(&action, &error).with_broker_message(message.as_deref()))
    }

    /// Every access rule for topics.
    ///
    /// # Errors
    /// The cluster has none to tell, or does not tell them.
    pub async fn topic_acls(&self, timeout: Duration) -> Result<Vec<AclBinding>, Error> {
        self.wire().topic_acls(timeout).await.map_err(|error| Error::from_wire("reading access rules", &error))
    }

    /// Adds access rules; those that are there stay.
    ///
    /// # Errors
    /// The first rule that was refused.
    pub async fn create_acls(&self, bindings: &[AclBinding], timeout: Duration) -> Result<(), Error> {
        let created = self.wire().create_acls(bindings, timeout).await;
        created.map_err(|error| Error::from_wire("adding access rules", &error))
    }

    /// The names of all groups of consumers.
    ///
    /// # Errors
    /// A broker did not answer.
    pub async fn consumer_groups(&self, timeout: Duration) -> Result<Vec<String>, Error> {
        self.wire().consumer_groups(timeout).await.map_err(|error| Error::from_wire("listing groups", &error))
    }
}
