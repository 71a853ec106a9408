//! The raw-protocol client against a real broker: membership of a `connect` group and administration of group offsets.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use sluice_harness::Kafka;
use sluice_kafka::wire::{
    ClientConfig, Cluster, ErrorKind, GroupAdmin, GroupConfig, GroupMember, HeartbeatOutcome, Joined, Reachability,
};

/// For one step of a test; a busy machine gets its time.
const DEADLINE: Duration = Duration::from_secs(60);

fn group_config(bootstrap: &str, group: &str, client_id: &str) -> Result<GroupConfig> {
    let properties = [
        ("bootstrap.servers", bootstrap),
        ("group.id", group),
        ("client.id", client_id),
        ("session.timeout.ms", "30000"),
    ];
    Ok(GroupConfig::parse(properties)?)
}

fn client_config(bootstrap: &str) -> Result<ClientConfig> {
    Ok(ClientConfig::parse([("bootstrap.servers", bootstrap)])?)
}

fn member(bootstrap: &str, group: &str, client_id: &str) -> Result<GroupMember> {
    Ok(GroupMember::new(group_config(bootstrap, group, client_id)?))
}

/// What a member offers: the two protocols of a `connect.protocol=compatible` worker, with its name as metadata.
fn offer(name: &str) -> Vec<(String, Bytes)> {
    let metadata = |protocol: &str| Bytes::from(format!("{protocol} of {name}"));
    ["compatible", "default"].map(|protocol| (protocol.to_owned(), metadata(protocol))).to_vec()
}

async fn within<T>(what: &str, step: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(DEADLINE, step).await.with_context(|| format!("{what} took longer than {DEADLINE:?}"))
}

/// Joins and, as the leader, gives every member the bytes `work of <member id>`.
async fn join_and_sync(member: &mut GroupMember, name: &str) -> Result<(Joined, Bytes)> {
    loop {
        let joined = within("join", member.join(&offer(name))).await??;
        let share = |(id, _): &(String, Bytes)| (id.clone(), Bytes::from(format!("work of {id}")));
        match within("sync", member.sync(joined.members.iter().map(share).collect())).await? {
            Ok(assignment) => return Ok((joined, assignment)),
            Err(error) if error.wants_rejoin() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Heartbeats until `wanted`; anything but it and `Ok` is an error.
async fn heartbeat_until(member: &mut GroupMember, wanted: HeartbeatOutcome) -> Result<()> {
    let heartbeats = async {
        loop {
            match member.heartbeat().await? {
                outcome if outcome == wanted => return Ok(()),
                HeartbeatOutcome::Ok => tokio::time::sleep(Duration::from_millis(20)).await,
                outcome => bail!("heartbeat: {outcome:?} instead of {wanted:?}"),
            }
        }
    };
    within("the heartbeat that was waited for", heartbeats).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_share_a_connect_group_until_one_leaves() -> Result<()> {
    let bootstrap = Kafka::shared()?.bootstrap();
    let mut first = member(&bootstrap, "wire-two-members", "first")?;
    let (alone, own) = join_and_sync(&mut first, "first").await?;
    ensure!(alone.is_leader() && alone.protocol == "compatible" && alone.members.len() == 1, "{alone:?}");
    ensure!(own == format!("work of {}", alone.member_id), "{own:?}");
    ensure!(first.heartbeat().await? == HeartbeatOutcome::Ok);

    let mut second = member(&bootstrap, "wire-two-members", "second")?;
    let follower = tokio::spawn(async move {
        let synced = join_and_sync(&mut second, "second").await;
        (second, synced)
    });
    heartbeat_until(&mut first, HeartbeatOutcome::RebalanceInProgress).await?;
    let (leading, _) = join_and_sync(&mut first, "first").await?;
    let (mut second, synced) = follower.await?;
    let (following, second_own) = synced?;
    ensure!(leading.is_leader() && leading.generation > alone.generation && leading.member_id == alone.member_id);
    let metadata: BTreeMap<&str, &[u8]> =
        leading.members.iter().map(|(id, sent)| (id.as_str(), sent.as_ref())).collect();
    ensure!(metadata[following.member_id.as_str()] == b"compatible of second", "{metadata:?}");
    ensure!(!following.is_leader() && following.members.is_empty() && following.leader_id == leading.member_id);
    ensure!(second_own == format!("work of {}", following.member_id), "{second_own:?}");

    let group = second.describe().await?;
    ensure!(group.state == "Stable" && group.protocol_type == "connect" && group.protocol == "compatible", "{group:?}");
    let others: Vec<&str> = group.others(&following.member_id).map(|other| other.client_id.as_str()).collect();
    ensure!(others == ["first"], "{others:?}");
    let other = group.others(&following.member_id).next().context("the first member")?;
    ensure!(other.client_host == "/127.0.0.1" && other.metadata == "compatible of first".as_bytes(), "{other:?}");

    second.leave().await?;
    heartbeat_until(&mut first, HeartbeatOutcome::RebalanceInProgress).await?;
    let (again, _) = join_and_sync(&mut first, "first").await?;
    ensure!(again.members.len() == 1 && again.is_leader());
    first.leave().await?;
    ensure!(first.describe().await?.state == "Empty");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_group_forgot_joins_as_a_new_one() -> Result<()> {
    let bootstrap = Kafka::shared()?.bootstrap();
    let mut gone = member(&bootstrap, "wire-forgotten", "gone")?;
    let (before, _) = join_and_sync(&mut gone, "gone").await?;
    // Another generation starts and ends without this member's knowledge: the heartbeat names the old one.
    let mut other = member(&bootstrap, "wire-forgotten", "other")?;
    let joining = tokio::spawn(async move {
        let synced = join_and_sync(&mut other, "other").await;
        (other, synced)
    });
    heartbeat_until(&mut gone, HeartbeatOutcome::RebalanceInProgress).await?;
    gone.leave().await?;
    ensure!(gone.member_id().is_empty() && gone.generation() == -1);
    let (mut other, synced) = joining.await?;
    ensure!(synced?.0.is_leader());
    ensure!(gone.heartbeat().await? == HeartbeatOutcome::UnknownMember);
    let rejoining = tokio::spawn(async move { join_and_sync(&mut gone, "gone").await.map(|(joined, _)| joined) });
    heartbeat_until(&mut other, HeartbeatOutcome::RebalanceInProgress).await?;
    join_and_sync(&mut other, "other").await?;
    let after = rejoining.await??;
    ensure!(after.member_id != before.member_id && after.generation > before.generation, "{before:?} {after:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_outlives_a_restart_of_the_coordinator() -> Result<()> {
    let mut kafka = tokio::task::spawn_blocking(Kafka::start).await??;
    let mut worker = member(&kafka.bootstrap(), "wire-restart", "worker")?;
    let reachability = worker.reachability();
    let (joined, _) = join_and_sync(&mut worker, "worker").await?;
    kafka.kill9()?;
    let first = worker.heartbeat().await?;
    ensure!(first == HeartbeatOutcome::CoordinatorMoved, "{first:?}");
    let down = worker.heartbeat().await.expect_err("nobody listens");
    ensure!(down.kind() == ErrorKind::Unreachable && down.to_string().contains(&kafka.bootstrap()), "{down}");
    ensure!(matches!(&*reachability.borrow(), Reachability::Unreachable { reason, .. } if *reason == down.to_string()));

    let kafka = tokio::task::spawn_blocking(move || kafka.restart().map(|()| kafka)).await??;
    within("the first heartbeat after the restart", async {
        while !matches!(worker.heartbeat().await, Ok(HeartbeatOutcome::Ok)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await?;
    ensure!(*reachability.borrow() == Reachability::Reachable);
    ensure!(worker.member_id() == joined.member_id && worker.generation() == joined.generation);
    drop(kafka);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_another_kind_is_refused_for_good() -> Result<()> {
    let bootstrap = Kafka::shared()?.bootstrap();
    let config = group_config(&bootstrap, "wire-other-kind", "other")?;
    let mut other = GroupMember::new(GroupConfig { protocol_type: "other".to_owned(), ..config });
    join_and_sync(&mut other, "other").await?;
    let mut worker = member(&bootstrap, "wire-other-kind", "worker")?;
    let refused = within("join", worker.join(&offer("worker"))).await?.expect_err("refused");
    ensure!(refused.kind() == ErrorKind::Fatal && refused.to_string().contains("group wire-other-kind"), "{refused}");
    other.leave().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn group_offsets_are_altered_listed_deleted_and_the_group_with_them() -> Result<()> {
    let kafka = Kafka::shared()?;
    tokio::task::spawn_blocking(|| kafka.topics().create("wire-offsets", 3, &[])).await??;
    let admin = GroupAdmin::new(client_config(&kafka.bootstrap())?);
    let group = "wire-admin";
    ensure!(admin.list_offsets(group).await?.is_empty());
    let at = |partition: i32, offset: i64| (("wire-offsets".to_owned(), partition), offset);
    let all = BTreeMap::from([at(0, 5), at(1, 0), at(2, 7_000_000_000)]);
    admin.alter_offsets(group, &all).await?;
    ensure!(admin.list_offsets(group).await? == all);
    ensure!(admin.describe(group).await?.state == "Empty");

    admin.alter_offsets(group, &BTreeMap::from([at(0, 4)])).await?;
    admin.delete_offsets(group, &[("wire-offsets".to_owned(), 1), ("wire-offsets".to_owned(), 2)]).await?;
    ensure!(admin.list_offsets(group).await? == BTreeMap::from([at(0, 4)]));

    admin.delete_group(group).await?;
    ensure!(admin.list_offsets(group).await?.is_empty());
    let missing = admin.delete_group(group).await.expect_err("deleted before");
    ensure!(missing.kind() == ErrorKind::GroupMissing, "{missing}");
    let missing = admin.delete_offsets(group, &[("wire-offsets".to_owned(), 0)]).await.expect_err("deleted before");
    ensure!(missing.kind() == ErrorKind::GroupMissing, "{missing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_group_with_members_stay_as_they_are() -> Result<()> {
    let kafka = Kafka::shared()?;
    tokio::task::spawn_blocking(|| kafka.topics().create("wire-members", 1, &[])).await??;
    let admin = GroupAdmin::new(client_config(&kafka.bootstrap())?);
    let group = "wire-busy";
    let offsets = BTreeMap::from([(("wire-members".to_owned(), 0), 3)]);
    admin.alter_offsets(group, &offsets).await?;
    let mut busy = member(&kafka.bootstrap(), group, "busy")?;
    join_and_sync(&mut busy, "busy").await?;

    let altered = admin.alter_offsets(group, &BTreeMap::from([(("wire-members".to_owned(), 0), 9)])).await;
    let deleted = admin.delete_offsets(group, &[("wire-members".to_owned(), 0)]).await;
    let dropped = admin.delete_group(group).await;
    for refused in [altered, deleted, dropped] {
        let error = refused.expect_err("the group has a member");
        ensure!(error.kind() == ErrorKind::GroupNotEmpty, "{error}");
        ensure!(error.to_string().starts_with("group wire-busy is not empty"), "{error}");
    }
    ensure!(admin.list_offsets(group).await? == offsets);
    busy.leave().await?;
    admin.delete_group(group).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_names_brokers_leaders_and_missing_topics() -> Result<()> {
    let kafka = Kafka::shared()?;
    tokio::task::spawn_blocking(|| kafka.topics().create("wire-metadata", 2, &[])).await??;
    let mut cluster = Cluster::new(client_config(&kafka.bootstrap())?);
    let metadata = cluster.metadata(&["wire-metadata", "wire-no-such-topic"]).await?;
    ensure!(metadata.brokers.len() == 1 && metadata.brokers[0].address == kafka.bootstrap(), "{metadata:?}");
    let known = metadata.topics.iter().find(|topic| topic.name == "wire-metadata").context("the topic")?;
    let leaders: Vec<_> = known.partitions.iter().map(|partition| partition.leader).collect();
    ensure!(known.error.is_none() && leaders == [Some(1), Some(1)], "{known:?}");
    let unknown =
        metadata.topics.iter().find(|topic| topic.name == "wire-no-such-topic").context("the missing topic")?;
    ensure!(unknown.error.is_some(), "{unknown:?}");
    Ok(())
}
