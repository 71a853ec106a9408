//! Offsets over REST: read at any time, altered only while the connector is stopped (KIP-875).

use sluice_api::Properties;

use super::requests::not_found;
use super::service::Service;
use crate::{HerderError, views};

impl Service {
    /// The checks before offsets of a connector may be altered; its config when all hold.
    pub(super) async fn check_offsets_may_change(&mut self, connector: &str) -> Result<Properties, HerderError> {
        self.require_leader()?;
        {
            let _stage = self.stages.begin("reading to the end of the config topic");
            let caught_up = self.options.configs.refresh(self.options.sync_timeout).await;
            caught_up.map_err(|_| {
                let message = "Failed to read to end of config topic before modifying connector offsets";
                HerderError::Internal(message.to_owned())
            })?;
        }
        let snapshot = self.snapshot();
        let config = snapshot.connector_configs.get(connector).cloned().ok_or_else(|| not_found(connector))?;
        views::check_stopped(&snapshot, connector)?;
        Ok(config)
    }
}
