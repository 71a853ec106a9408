//! Which requests the embedded broker answers, and by whom.
//!
//! Most go to the library as they are. Ours: Fetch (see `fetch`), some group requests (see `groups`), and two wrappers:
//! Produce wakes waiting fetches and turns a storage failure into an error that clients retry; Metadata creates a
//! missing topic when the client allows it, as Kafka's default `auto.create.topics.enable` does. Left out, so that
//! clients see them as unsupported: transactions, ACLs, SCRAM, ConsumerGroupDescribe (its answer cannot be read; clients
//! fall back to DescribeGroups), and DeleteRecords, which would end the library's engine.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rama::{
    Context, Layer, Service,
    layer::{MapErrLayer, MapStateLayer},
    service::BoxService,
};
use tansu_broker::{
    Error,
    broker::group::offset_fetch::OffsetFetchService,
    coordinator::group::administrator::Controller,
    service::{coordinator, storage},
};
use tansu_sans_io::{
    ApiKey, Body, DeleteGroupsRequest, DescribeGroupsRequest, ErrorCode, FetchRequest, Frame, Header, MetadataRequest,
    OffsetDeleteRequest, OffsetFetchRequest, ProduceRequest, create_topics_request::CreatableTopic,
};
use tansu_service::{FrameRequestLayer, FrameRouteBuilder, FrameRouteService};
use tansu_storage::{MetadataService, ProduceService, Storage, StorageContainer, TopicId};
use tokio::sync::watch;
use tracing::Dispatch;

use crate::{
    database::Database,
    fetch::FetchRoute,
    groups::{DeleteGroupsRoute, DescribeGroupsRoute, Groups, OffsetDeleteRoute, OffsetFetchRoute},
};

const REPORT_EVERY: Duration = Duration::from_secs(60);

type Builder = FrameRouteBuilder<(), Error>;
type Inner = BoxService<(), Frame, Frame, Error>;

/// Says what went wrong with the storage where the application's log is, at most once a minute: on the broker's own
/// thread nothing is logged, because the library's messages hold keys and values of records.
#[derive(Clone)]
pub(crate) struct Reporter {
    log: Dispatch,
    last: Arc<Mutex<Option<Instant>>>,
}

impl Reporter {
    /// Logs to the subscriber that is in force where this is called.
    pub(crate) fn new() -> Self {
        Self { log: tracing::dispatcher::get_default(Dispatch::clone), last: Arc::default() }
    }

    /// Logs the failure and gives the code that lets clients retry.
    pub(crate) fn storage_failed(&self, doing: &'static str, error: &dyn std::fmt::Display) -> ErrorCode {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= REPORT_EVERY) {
            *last = Some(Instant::now());
            tracing::dispatcher::with_default(&self.log, || {
                tracing::error!(%error, doing, "embedded broker storage failed, clients retry");
            });
        }
        ErrorCode::KafkaStorageError
    }
}

/// All that the routes share.
pub(crate) struct Parts {
    pub(crate) storage: StorageContainer,
    pub(crate) database: Arc<Database>,
    pub(crate) reporter: Reporter,
}

/// The answer frame to the request with that correlation id.
pub(crate) fn answer(correlation_id: i32, body: impl Into<Body>) -> Frame {
    Frame { size: 0, header: Header::Response { correlation_id }, body: body.into() }
}

/// Builds the table of routes; every connection shares it.
pub(crate) fn routes(parts: &Parts) -> Result<FrameRouteService<(), Error>, Error> {
    let (appended_tx, appended) = watch::channel(0);
    let controller = Controller::with_storage(parts.storage.clone())?;
    let builder = library_routes(FrameRouteService::<(), Error>::builder(), &parts.storage)?;
    let builder = coordinator_routes(builder, &controller)?;
    let groups =
        Groups { database: parts.database.clone(), storage: parts.storage.clone(), reporter: parts.reporter.clone() };
    let offset_fetch = OffsetFetchRoute { inner: offset_fetch(controller), groups: groups.clone() };
    let fetch = FetchRoute { database: parts.database.clone(), appended, reporter: parts.reporter.clone() };
    let produce =
        ProduceRoute { inner: produce(parts.storage.clone()), appended: appended_tx, reporter: parts.reporter.clone() };
    let metadata = MetadataRoute { inner: metadata(parts.storage.clone()), storage: parts.storage.clone() };
    let builder = builder
        .with_route(FetchRequest::KEY, fetch.boxed())?
        .with_route(ProduceRequest::KEY, produce.boxed())?
        .with_route(MetadataRequest::KEY, metadata.boxed())?
        .with_route(OffsetFetchRequest::KEY, offset_fetch.boxed())?
        .with_route(OffsetDeleteRequest::KEY, OffsetDeleteRoute(groups.clone()).boxed())?
        .with_route(DescribeGroupsRequest::KEY, DescribeGroupsRoute(groups.clone()).boxed())?
        .with_route(DeleteGroupsRequest::KEY, DeleteGroupsRoute(groups).boxed())?;
    Ok(builder.build()?)
}

fn library_routes(builder: Builder, engine: &StorageContainer) -> Result<Builder, Error> {
    [
        storage::create_topics,
        storage::delete_topics,
        storage::describe_cluster,
        storage::describe_configs,
        storage::describe_topic_partitions,
        storage::find_coordinator,
        storage::incremental_alter_configs,
        storage::init_producer_id,
        storage::list_groups,
        storage::list_offsets,
        storage::list_partition_reassignments,
    ]
    .iter()
    .try_fold(builder, |builder, route| route(builder, engine.clone()))
}

fn coordinator_routes(builder: Builder, controller: &Controller<StorageContainer>) -> Result<Builder, Error> {
    [
        coordinator::heartbeat,
        coordinator::join_group,
        coordinator::leave_group,
        coordinator::offset_commit,
        coordinator::sync_group,
    ]
    .iter()
    .try_fold(builder, |builder, route| route(builder, controller.clone()))
}

fn offset_fetch(controller: Controller<StorageContainer>) -> Inner {
    (MapErrLayer::new(Error::from), MapStateLayer::new(|_| controller)).into_layer(OffsetFetchService).boxed()
}

fn produce(engine: StorageContainer) -> Inner {
    (MapErrLayer::new(Error::from), MapStateLayer::new(|_| engine), FrameRequestLayer::<ProduceRequest>::new())
        .into_layer(ProduceService)
        .boxed()
}

fn metadata(engine: StorageContainer) -> Inner {
    (MapErrLayer::new(Error::from), MapStateLayer::new(|_| engine), FrameRequestLayer::<MetadataRequest>::new())
        .into_layer(MetadataService)
        .boxed()
}

struct ProduceRoute {
    inner: Inner,
    appended: watch::Sender<u64>,
    reporter: Reporter,
}

impl Service<(), Frame> for ProduceRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        let mut frame = self.inner.serve(ctx, frame).await?;
        if let Body::ProduceResponse(response) = &mut frame.body {
            let partitions = response.responses.iter_mut().flatten();
            for partition in partitions.flat_map(|topic| topic.partition_responses.iter_mut().flatten()) {
                if partition.error_code == i16::from(ErrorCode::UnknownServerError) {
                    let code = self.reporter.storage_failed("writing records", &"see the disk of the data folder");
                    partition.error_code = code.into();
                }
            }
        }
        self.appended.send_modify(|count| *count = count.wrapping_add(1));
        Ok(frame)
    }
}

struct MetadataRoute {
    inner: Inner,
    storage: StorageContainer,
}

impl Service<(), Frame> for MetadataRoute {
    type Response = Frame;
    type Error = Error;

    async fn serve(&self, ctx: Context<()>, frame: Frame) -> Result<Frame, Error> {
        if let Body::MetadataRequest(request) = &frame.body
            && request.allow_auto_topic_creation == Some(true)
        {
            for name in request.topics.iter().flatten().filter_map(|topic| topic.name.as_deref()) {
                self.create_missing(name).await?;
            }
        }
        self.inner.serve(ctx, frame).await
    }
}

impl MetadataRoute {
    async fn create_missing(&self, name: &str) -> Result<(), Error> {
        let found = self.storage.metadata(Some(&[TopicId::from(name)])).await?;
        let missing = i16::from(ErrorCode::UnknownTopicOrPartition);
        if !is_legal(name) || found.topics().first().is_none_or(|topic| topic.error_code != missing) {
            return Ok(());
        }
        let topic = CreatableTopic::default()
            .name(name.to_owned())
            .num_partitions(1)
            .replication_factor(1)
            .assignments(Some(Vec::new()))
            .configs(Some(Vec::new()));
        match self.storage.create_topic(topic, false).await {
            Ok(_) | Err(tansu_storage::Error::Api(ErrorCode::TopicAlreadyExists)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Kafka's rule for topic names.
fn is_legal(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(legal)
}
