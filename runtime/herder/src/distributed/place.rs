//! Where this worker stands in its group, and who answers what it cannot.

use sluice_storage::ConnectorTaskId;

use super::service::Service;
use crate::HerderError;
use crate::group::{Owners, ProtocolVersion};

/// This worker's place in the last round.
#[derive(Clone, Debug, Default)]
pub(super) enum Place {
    /// In no group, or in no round yet.
    #[default]
    Nowhere,
    /// Somebody else leads.
    Follower { leader_url: String, version: ProtocolVersion },
    /// This worker leads.
    Leader { owners: Owners, version: ProtocolVersion },
}

impl Place {
    /// What the group agreed on.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        match self {
            Self::Nowhere => None,
            Self::Follower { version, .. } | Self::Leader { version, .. } => Some(*version),
        }
    }
}

impl Service {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether this worker led the last round.
    pub(super) fn leads(&self) -> bool {
        matches!(self.place, Place::Leader { .. })
    }

    /// `Ok` for a leader with a held tenure.
    ///
    /// # Errors
    /// Where to forward to.
    pub(super) fn require_leader(&self) -> Result<(), HerderError> {
        match &self.place {
            Place::Leader { .. } if self.options.tenure.is_held() => Ok(()),
            Place::Follower { leader_url, .. } => Err(HerderError::Forward(Some(leader_url.clone()))),
            Place::Leader { .. } | Place::Nowhere => Err(HerderError::Forward(None)),
        }
    }

    /// `Ok` when the connector's instance is this worker's.
    ///
    /// # Errors
    /// Where to forward to: from the leader to the owner, from others to the leader.
    pub(super) fn require_connector(&self, name: &str) -> Result<(), HerderError> {
        self.require_held(self.held.connectors.contains(name), |owners| owners.of_connector(name))
    }

    /// As [`Service::require_connector`], for a task.
    pub(super) fn require_task(&self, id: &ConnectorTaskId) -> Result<(), HerderError> {
        self.require_held(self.held.tasks.contains(id), |owners| owners.of_task(id))
    }

    fn require_held<'a>(
        &'a self,
        held: bool,
        owner: impl FnOnce(&'a Owners) -> Option<&'a str>,
    ) -> Result<(), HerderError> {
        match &self.place {
            Place::Nowhere => Err(HerderError::Forward(None)),
            _ if held => Ok(()),
            Place::Follower { leader_url, .. } => Err(HerderError::Forward(Some(leader_url.clone()))),
            Place::Leader { owners, .. } => Err(HerderError::Forward(owner(owners).map(str::to_owned))),
        }
    }
}
