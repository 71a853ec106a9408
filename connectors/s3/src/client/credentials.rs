//! Whose requests they are: the keys of the configuration, or what the SDK finds.

use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

use super::http::HyperClient;
use super::store::StoreConfig;

/// Credentials out of the connector's own keys.
#[derive(Clone, Default)]
pub(crate) struct CredentialKeys {
    /// Access key and secret; they win over everything else.
    pub(crate) fixed: Option<(String, String)>,
    /// The role to assume with what was found.
    pub(crate) role: Option<AssumedRole>,
}

/// A role of the security token service.
#[derive(Clone, Debug)]
pub(crate) struct AssumedRole {
    pub(crate) arn: String,
    pub(crate) session: String,
    pub(crate) external_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) duration: Option<Duration>,
}

impl std::fmt::Debug for CredentialKeys {
    // Invariant 9.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialKeys").field("fixed", &self.fixed.is_some()).field("role", &self.role).finish()
    }
}

/// The SDK's configuration with the provider that `config` asks for.
pub(super) async fn resolve(config: &StoreConfig, http: HyperClient) -> SdkConfig {
    let region = Region::new(config.region.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region).http_client(http);
    if let Some((key, secret)) = &config.credentials.fixed {
        loader = loader.credentials_provider(Credentials::new(key, secret, None, None, "connector configuration"));
    }
    let found = loader.load().await;
    let Some(role) = &config.credentials.role else { return found };
    let provider = assume(role, &found).await;
    found.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

async fn assume(role: &AssumedRole, base: &SdkConfig) -> AssumeRoleProvider {
    let mut builder = AssumeRoleProvider::builder(&role.arn).session_name(&role.session).configure(base);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    if let Some(region) = &role.region {
        builder = builder.region(Region::new(region.clone()));
    }
    if let Some(duration) = role.duration {
        builder = builder.session_length(duration);
    }
    builder.build().await
}
