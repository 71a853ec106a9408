//! A group as its coordinator sees it.

use bytes::Bytes;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, GroupId};

use super::cluster::text;
use super::coordinator::{Coordinator, Patience};
use super::error::Error;

/// The state of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// Kafka's name of the state: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, `Dead`.
    /// A group that does not exist is `Dead`.
    pub state: String,
    /// `connect`, `consumer`, or empty.
    pub protocol_type: String,
    /// Name of the protocol that the members agreed on; empty unless the group is stable.
    pub protocol: String,
    /// Every member.
    pub members: Vec<GroupMemberDescription>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMemberDescription {
    /// Member id.
    pub member_id: String,
    /// The member's `client.id`.
    pub client_id: String,
    /// Address that the member connects from, usually with a leading slash.
    pub client_host: String,
    /// What the member sent for the agreed protocol when it joined; empty unless the group is stable.
    pub metadata: Bytes,
    /// What the leader gave it; empty unless the group is stable.
    pub assignment: Bytes,
}

impl GroupDescription {
    /// Every member but `member_id`.
    pub fn others<'a>(&'a self, member_id: &'a str) -> impl Iterator<Item = &'a GroupMemberDescription> {
        self.members.iter().filter(move |member| member.member_id != member_id)
    }
}

impl From<DescribedGroup> for GroupDescription {
    fn from(group: DescribedGroup) -> Self {
        Self {
            state: group.group_state.to_string(),
            protocol_type: group.protocol_type.to_string(),
            protocol: group.protocol_data.to_string(),
            members: group.members.into_iter().map(GroupMemberDescription::from).collect(),
        }
    }
}

impl From<DescribedGroupMember> for GroupMemberDescription {
    fn from(member: DescribedGroupMember) -> Self {
        Self {
            member_id: member.member_id.to_string(),
            client_id: member.client_id.to_string(),
            client_host: member.client_host.to_string(),
            metadata: member.member_metadata,
            assignment: member.member_assignment,
        }
    }
}

/// Asks the coordinator for one group.
pub(super) async fn describe(
    coordinator: &mut Coordinator,
    group: &str,
    patience: Patience,
) -> Result<GroupDescription, Error> {
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId(text(group))]);
    let answer_timeout = coordinator.config().request_timeout;
    let answer = coordinator.call(&request, answer_timeout, patience).await?;
    Ok(answer.groups.into_iter().next().unwrap_or_default().into())
}
