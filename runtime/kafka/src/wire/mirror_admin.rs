//! The admin calls of a mirror: settings with where they come from, partitions, access rules, groups.

use std::time::Duration;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreateAclsRequest, CreatePartitionsRequest, DescribeAclsRequest, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest, ListGroupsRequest, TopicName,
};

use super::api::Api;
use super::cluster::text;
use super::error::Error;
use super::topic_admin::{TOPIC_RESOURCE, TopicAdmin, millis};

/// `DescribeConfigs` numbers where a setting comes from.
const STATIC_BROKER: i8 = 4;
const DEFAULT: i8 = 5;
/// `DescribeAcls` numbers what matches everything.
const ANY: i8 = 1;

/// A setting of a topic, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSetting {
    /// Its name.
    pub name: String,
    /// Its value; secret ones have none.
    pub value: Option<String>,
    /// Whether it is what Kafka brings along.
    pub is_default: bool,
    /// Whether it comes from a broker's own file.
    pub is_static: bool,
    /// Whether nobody can change it.
    pub is_read_only: bool,
    /// Whether it is secret.
    pub is_sensitive: bool,
}

/// What to do with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingChange {
    /// Give it this value.
    Set(String, String),
    /// Let it be what it is by default.
    Delete(String),
}

/// An access rule for a topic, in Kafka's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AclBinding {
    /// The topic, or the beginning of names.
    pub topic: String,
    /// 3 is literal, 4 a prefix.
    pub pattern: i8,
    /// For whom.
    pub principal: String,
    /// From where.
    pub host: String,
    /// What: 2 everything, 3 reading, 4 writing, and more.
    pub operation: i8,
    /// 2 denies, 3 allows.
    pub permission: i8,
}

impl TopicAdmin {
    /// All settings of a topic.
    pub(crate) async fn settings_with_sources(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<Vec<TopicSetting>, Error> {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(name))
            .with_configuration_keys(None);
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let mut settings = Vec::new();
        for resource in self.at_any(&request, timeout).await?.results {
            Error::check(DescribeConfigsRequest::NAME, &format!("topic {name}"), resource.error_code)?;
            settings.extend(resource.configs.into_iter().map(|config| TopicSetting {
                name: config.name.to_string(),
                value: config.value.map(|value| value.to_string()),
                is_default: config.config_source == DEFAULT,
                is_static: config.config_source == STATIC_BROKER,
                is_read_only: config.read_only,
                is_sensitive: config.is_sensitive,
            }));
        }
        Ok(settings)
    }

    /// Changes settings of a topic and leaves the others alone.
    pub(crate) async fn alter_settings(
        &self,
        name: &str,
        changes: &[SettingChange],
        timeout: Duration,
    ) -> Result<(), (Error, Option<String>)> {
        let change = |change: &SettingChange| match change {
            SettingChange::Set(key, value) => {
                AlterableConfig::default().with_name(text(key)).with_config_operation(0).with_value(Some(text(value)))
            }
            SettingChange::Delete(key) => {
                AlterableConfig::default().with_name(text(key)).with_config_operation(1).with_value(None)
            }
        };
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(name))
            .with_configs(changes.iter().map(change).collect());
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.at_controller(&request, timeout).await.map_err(|error| (error, None))?;
        for resource in answer.responses {
            let checked =
                Error::check(IncrementalAlterConfigsRequest::NAME, &format!("topic {name}"), resource.error_code);
            checked.map_err(|error| (error, resource.error_message.map(|message| message.to_string())))?;
        }
        Ok(())
    }

    /// Makes a topic have so many partitions.
    pub(crate) async fn create_partitions(
        &self,
        name: &str,
        total: i32,
        timeout: Duration,
    ) -> Result<(), (Error, Option<String>)> {
        let topic =
            CreatePartitionsTopic::default().with_name(TopicName(text(name))).with_count(total).with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(millis(timeout));
        let answer = self.at_controller(&request, timeout).await.map_err(|error| (error, None))?;
        for result in answer.results {
            let checked = Error::check(CreatePartitionsRequest::NAME, &format!("topic {name}"), result.error_code);
            checked.map_err(|error| (error, result.error_message.map(|message| message.to_string())))?;
        }
        Ok(())
    }

    /// Every access rule for topics.
    pub(crate) async fn topic_acls(&self, timeout: Duration) -> Result<Vec<AclBinding>, Error> {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(TOPIC_RESOURCE)
            .with_resource_name_filter(None)
            .with_pattern_type_filter(ANY)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(ANY)
            .with_permission_type(ANY);
        let answer = self.at_any(&request, timeout).await?;
        Error::check(DescribeAclsRequest::NAME, "topics", answer.error_code)?;
        let mut bindings = Vec::new();
        for resource in answer.resources {
            bindings.extend(resource.acls.iter().map(|acl| AclBinding {
                topic: resource.resource_name.to_string(),
                pattern: resource.pattern_type,
                principal: acl.principal.to_string(),
                host: acl.host.to_string(),
                operation: acl.operation,
                permission: acl.permission_type,
            }));
        }
        Ok(bindings)
    }

    /// Adds access rules; those that are there stay.
    pub(crate) async fn create_acls(&self, bindings: &[AclBinding], timeout: Duration) -> Result<(), Error> {
        let creation = |binding: &AclBinding| {
            AclCreation::default()
                .with_resource_type(TOPIC_RESOURCE)
                .with_resource_name(text(&binding.topic))
                .with_resource_pattern_type(binding.pattern)
                .with_principal(text(&binding.principal))
                .with_host(text(&binding.host))
                .with_operation(binding.operation)
                .with_permission_type(binding.permission)
        };
        let request = CreateAclsRequest::default().with_creations(bindings.iter().map(creation).collect());
        let answer = self.at_controller(&request, timeout).await?;
        answer.results.iter().zip(bindings).try_for_each(|(result, binding)| {
            Error::check(CreateAclsRequest::NAME, &format!("topic {}", binding.topic), result.error_code)
        })
    }

    /// Every group of consumers, of all brokers.
    pub(crate) async fn consumer_groups(&self, timeout: Duration) -> Result<Vec<String>, Error> {
        let metadata = self.metadata(Some(&[]), timeout).await?;
        let mut groups = Vec::new();
        for broker in &metadata.brokers {
            let mut connection = self.broker(&metadata, broker.node_id).await?;
            let answer = connection.call(&ListGroupsRequest::default(), timeout).await?;
            Error::check(ListGroupsRequest::NAME, &broker.address, answer.error_code)?;
            // Groups that were only ever committed for have no protocol type.
            let of_consumers = |kind: &str| kind.is_empty() || kind == "consumer";
            let found = answer.groups.into_iter().filter(|group| of_consumers(&group.protocol_type));
            groups.extend(found.map(|group| group.group_id.to_string()));
        }
        groups.sort_unstable();
        groups.dedup();
        Ok(groups)
    }
}
