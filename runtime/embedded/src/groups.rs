//! The group requests that the library answers wrongly or not at all.
//!
//! DescribeGroups (its answer cannot be read), DeleteGroups (deletes under the feet of live members), OffsetFetch up to
//! version 7 for all partitions (answers with none) and OffsetDelete (unknown to it). Joining, heartbeats, committing and
//! the rest stay with the library's coordinator. A member counts as alive until its session time-out is over.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use rama::{Context, Service, service::BoxService};
use tansu_broker::Error;
use tansu_sans_io::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, ErrorCode, Frame,
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    delete_groups_response::DeletableGroupResult,
    describe_groups_response::{DescribedGroup, DescribedGroupMember},
    offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
    offset_fetch_request::OffsetFetchRequestTopic,
};
use tansu_storage::{GroupDetail, GroupState, Storage, StorageContainer};

use crate::{
    database::Database,
    routes::{Reporter, answer},
};

/// What the routes of this file share.
#[derive(Clone)]
pub(crate) struct Groups {
    pub(crate) database: Arc<Database>,
    pub(crate) storage: StorageContainer,
    pub(crate) reporter: Reporter,
}

impl Groups {
    /// The group with its live members only; `None` when nobody has joined since the broker started.
    async fn detail(&self, group: &str) -> Result<Option<GroupDetail>, ErrorCode> {
        let failed = |error| self.reporter.storage_failed("reading a group", &error);
        let Some(text) = self.database.group_detail(group).await.map_err(failed)? else {
            return Ok(None);
        };
        let unreadable = |error| self.reporter.storage_failed("reading a group", &error);
        let mut detail: GroupDetail = serde_json::from_str(&text).map_err(unreadable)?;
        let timeout_ms = u128::try_from(detail.session_timeout_ms).unwrap_or(0);
        let now = SystemTime::now();
        detail.members.retain(|_, member| {
            let silent = member.last_contact.and_then(|contact| now.duration_since(contact).ok());
            silent.is_none_or(|silent| silent.as_millis() <= timeout_ms)
        });
        Ok(Some(detail))
    }

    async fn describe(&self, group: &str) -> DescribedGroup {
        let described = DescribedGroup::default().group_id(group.to_owned()).members(Some(Vec::new()));
        match self.detail(group).await {
            Err(code) => described.error_code(code.into()),
            Ok(Some(detail)) => with_detail(described, detail),
            Ok(None) => match self.database.has_group(group).await {
                Ok(true) => described.group_state("Empty".to_owned()),
                Ok(false) => described.group_state("Dead".to_owned()),
                Err(error) => described.error_code(self.reporter.storage_failed("reading a group", &error).into()),
            },
        }
    }

    async fn delete(&self, group: &str) -> Result<DeletableGroupResult, Error> {
        let result = DeletableGroupResult::default().group_id(group.to_owned());
        match self.detail(group).await {
            Err(code) => Ok(result.error_code(code.into())),
            Ok(Some(detail)) if !detail.members.is_empty() => Ok(result.error_code(ErrorCode::NonEmptyGroup.into())),
            Ok(_) => {
                let mut deleted = self.storage.delete_groups(Some(&[group.to_owned()])).await?;
                Ok(deleted.pop().unwrap_or(result))
            }
        }
    }

    async fn delete_offsets(&self, request: &OffsetDeleteRequest) -> Result<Vec<OffsetDeleteResponseTopic>, ErrorCode> {
        let failed = |error| self.reporter.storage_failed("deleting offsets", &error);
        if !self.database.has_group(&request.group_id).await.map_err(failed)? {
            return Err(ErrorCode::GroupIdNotFound);
        }
        let mut topics = Vec::new();
        for topic in request.topics.iter().flatten() {
            let mut partitions = Vec::new();
            for partition in topic.partitions.iter().flatten() {
                let index = partition.partition_index;
                let deleted = self.database.delete_offset(&request.group_id, &topic.name, index).await;
                deleted.map_err(failed)?;
                partitions.push(OffsetDeleteResponsePartition::default().partition_index(index));
            }
            let topic = OffsetDeleteResponseTopic::default().name(topic.name.clone());
            topics.push(topic.partitions(Some(partitions)));
        }
        Ok(topics)
    }

    /// Every partition for which the group has committed an offset, as a request would name them.
    async fn committed(&self, group: &str) -> Result<Vec<OffsetFetchRequestTopic>, Error> {
        let mut topics: Vec<OffsetFetchRequestTopic> = Vec::new();
        for partition in self.storage.committed_offset_topitions(group).await?.into_keys() {
            let index = partition.partition();
            match topics.last_mut().filter(|topic| topic.name == partition.topic()) {
                Some(topic) => topic.partition_indexes.get_or_insert_default().push(index),
                None => topics.push(
                    OffsetFetchRequestTopic::default()
                        .name(partition.topic().to_owned())
                        .partition_indexes(Some(vec![index])),
                ),
            }
        }
        Ok(topics)
    }
}

fn with_detail(described: DescribedGroup, detail: GroupDetail) -> DescribedGroup {
    let (state, protocol_type, protocol, assignments) = match detail.state {
        GroupState::Forming { protocol_type, .. } => {
            ("PreparingRebalance", protocol_type.unwrap_or_default(), String::new(), Default::default())
        }
        GroupState::Formed { protocol_type, protocol_name, assignments, .. } => {
            ("Stable", protocol_type, protocol_name, assignments)
        }
    };
    let state = if detail.members.is_empty() { "Empty" } else { state };
    let member = |(member_id, member): (String, tansu_storage::GroupMember)| {
        DescribedGroupMember::default()
            .client_id(client_id(&member_id).to_owned())
            .client_host("/127.0.0.1".to_owned())
            .member_metadata(member.join_response.metadata)
            .member_assignment(assignments.get(&member_id).cloned().unwrap_or_else(Bytes::new))
            .member_id(member_id)
    };
    let members = detail.members.into_iter().map(member).collect();
    described.group_state(state.to_owned()).protocol_type(protocol_type).protocol_data(protocol).members(Some(members))
}

/// The library makes a member id of the client id, a hyphen and a UUID.
fn client_id(member_id: &str) -> &str {
    const SUFFIX: usize = 37;
    member_id.len().checked_sub(SUFFIX).and_then(|end| member_id.get(..end)).unwrap_or(member_id)
}

pub(crate) struct DescribeGroupsRoute(pub(crate) Groups);

impl Service<(), Frame> for DescribeGroupsRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, _ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        let correlation_id = frame.correlation_id()?;
        let request = DescribeGroupsRequest::try_from(frame.body)?;
        let mut groups = Vec::new();
        for group in request.groups.iter().flatten() {
            groups.push(self.0.describe(group).await.authorized_operations(Some(i32::MIN)));
        }
        let response = DescribeGroupsResponse::default().throttle_time_ms(Some(0)).groups(Some(groups));
        Ok(answer(correlation_id, response))
    }
}

pub(crate) struct DeleteGroupsRoute(pub(crate) Groups);

impl Service<(), Frame> for DeleteGroupsRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, _ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        let correlation_id = frame.correlation_id()?;
        let request = DeleteGroupsRequest::try_from(frame.body)?;
        let mut results = Vec::new();
        for group in request.groups_names.iter().flatten() {
            results.push(self.0.delete(group).await?);
        }
        Ok(answer(correlation_id, DeleteGroupsResponse::default().results(Some(results))))
    }
}

pub(crate) struct OffsetDeleteRoute(pub(crate) Groups);

impl Service<(), Frame> for OffsetDeleteRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, _ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        let correlation_id = frame.correlation_id()?;
        let request = OffsetDeleteRequest::try_from(frame.body)?;
        let (code, topics) = match self.0.delete_offsets(&request).await {
            Ok(topics) => (ErrorCode::None, topics),
            Err(code) => (code, Vec::new()),
        };
        let response = OffsetDeleteResponse::default().error_code(code.into()).topics(Some(topics));
        Ok(answer(correlation_id, response))
    }
}

/// Names the partitions that "all" stands for, then asks the library.
pub(crate) struct OffsetFetchRoute {
    pub(crate) inner: BoxService<(), Frame, Frame, Error>,
    pub(crate) groups: Groups,
}

impl Service<(), Frame> for OffsetFetchRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, ctx: Context<()>, mut frame: Frame) -> Result<Frame, Error> {
        if let tansu_sans_io::Body::OffsetFetchRequest(OffsetFetchRequest {
            group_id: Some(group),
            topics: topics @ None,
            groups: None,
            ..
        }) = &mut frame.body
        {
            *topics = Some(self.groups.committed(group).await?);
        }
        self.inner.serve(ctx, frame).await
    }
}
