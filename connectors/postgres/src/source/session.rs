//! What happens before rows are read: preconditions, publication, slot, whether there is a gap, and whether there is a snapshot.
//!
//! A snapshot that was cut off is begun anew, as of a later moment. Rows that the first one gave out and that were deleted since would
//! stay in the topics, were the stream to begin at that moment. It begins where the slot stands instead: since the slot is made before
//! the first row is read, everything that happened after the first row is in it. Between the two moments changes come again behind
//! rows that have them already; the last change of a row wins, so replaying a topic gives the table. A slot that somebody made before
//! the connector was there is not told from that case and is treated in the same way.

use sluice_api::{ConnectError, Result};
use tracing::{info, warn};

use super::identity::{Identity, lsn};
use crate::catalog::{
    CreatedSlot, Problem, ServerFacts, Slot, System, TableAccess, TableName, check, create_slot, drop_slot, find_slot,
    list_tables, prepare_publication, unreadable_tables,
};
use crate::client::{Connection, Purpose};
use crate::config::{PostgresConfig, SnapshotMode};
use crate::events::Position;

/// Where to begin.
pub(super) enum Beginning {
    /// Read the tables as of the moment of `slot`, then stream from `stream_from`, or from that moment when there is none. The exporter
    /// keeps the exported snapshot alive until it is taken over.
    Snapshot {
        slot: CreatedSlot,
        stream_from: Option<u64>,
        exporter: Connection,
        sql: Connection,
        tables: Vec<TableName>,
    },
    /// Stream on from a position, or from the slot's when there is none.
    Stream { sql: Connection, server: ServerFacts, position: Option<Position> },
}

/// Looks at the server and decides; the identity is the one to store from now on.
///
/// # Errors
/// `Retriable` when the server cannot be reached; otherwise what is wrong and the SQL that mends it.
pub(super) async fn begin(
    config: &PostgresConfig,
    stored: Option<Position>,
    identity: Option<&Identity>,
) -> Result<(Beginning, Identity)> {
    let mut sql = Connection::open(&config.options, Purpose::Sql).await.map_err(|error| unreachable(config, error))?;
    let doing = |what: &'static str| move |error: crate::client::Error| error.into_connect(what);
    let server = ServerFacts::read(&mut sql).await.map_err(doing("reading the server's settings"))?;
    let slot = find_slot(&mut sql, &config.slot).await.map_err(doing("reading replication slots"))?;
    let recovers = config.snapshot_mode == SnapshotMode::WhenNeeded;
    let slot = drop_lost(config, &mut sql, slot, recovers).await?;
    refuse(check(config, &server, slot.as_ref()))?;
    let mut replication =
        Connection::open(&config.options, Purpose::Replication).await.map_err(doing("connecting for replication"))?;
    let system = System::read(&mut replication).await.map_err(doing("asking the server who it is"))?;
    let stored = stored.filter(|_| !identity.is_some_and(|identity| identity.snapshot_due));
    let gap = gap(config, stored.as_ref(), identity, &system, slot.as_ref());
    let snapshot_is_due = needs_snapshot(config, stored.as_ref(), gap.as_deref())?;
    let tables = list_tables(&mut sql, config.via_partition_root).await.map_err(doing("listing tables"))?;
    let tables: Vec<TableName> = tables.into_iter().filter(|table| config.tables.matches(table)).collect();
    if snapshot_is_due {
        let accesses = TableAccess::of(&mut sql, config, &tables).await.map_err(doing("reading privileges"))?;
        refuse(unreadable_tables(config, &accesses))?;
    }
    prepare_publication(&mut sql, config, &tables).await?;
    let stands_at = slot.as_ref().map(|slot| slot.confirmed_flush);
    if snapshot_is_due {
        let valid = stored.filter(|position| gap.is_none() && !position.is_unfinished_snapshot());
        let stream_from = stands_at.map(|lsn| valid.map_or(lsn, |position| position.start_lsn().max(lsn)));
        let beginning = snapshot(config, sql, replication, stream_from, tables).await?;
        let confirmed = stands_at.or(beginning.moment()).unwrap_or(0);
        let identity = Identity { snapshot_due: gap.is_some(), ..Identity::of(&system, &config.slot, confirmed) };
        return Ok((beginning, identity));
    }
    let mut confirmed = stands_at.unwrap_or(0).max(identity.map_or(0, |identity| identity.confirmed));
    if slot.is_none() && config.snapshot_mode != SnapshotMode::InitialOnly {
        let created = create_slot(&mut replication, &config.slot, false, config.slot_failover)
            .await
            .map_err(doing("creating the replication slot"))?;
        info!(slot = %config.slot, lsn = created.consistent_point, "created replication slot");
        confirmed = created.consistent_point;
    }
    let identity = Identity::of(&system, &config.slot, confirmed);
    Ok((Beginning::Stream { sql, server, position: stored }, identity))
}

fn refuse(problems: Vec<Problem>) -> Result<()> {
    match problems.is_empty() {
        true => Ok(()),
        false => {
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            Err(ConnectError::connect(messages.join("; ")))
        }
    }
}

/// Why the changes behind the stored position cannot be had; `None` when they can, or when there is no position.
fn gap(
    config: &PostgresConfig,
    stored: Option<&Position>,
    identity: Option<&Identity>,
    system: &System,
    slot: Option<&Slot>,
) -> Option<String> {
    let stored = stored.filter(|position| !position.is_unfinished_snapshot())?;
    // A slot whose positions others confirm may stand anywhere.
    let judged = slot.cloned().map(|slot| match config.flush_lsn {
        true => slot,
        false => Slot { confirmed_flush: 0, ..slot },
    });
    let known = identity.and_then(|identity| identity.gap(stored, system, &config.slot, judged.as_ref()));
    // Whoever has the slot dropped at every stop has agreed to what is lost until the next start.
    known.or_else(|| {
        (slot.is_none() && !config.slot_drop_on_stop).then(|| {
            format!(
                "slot \"{}\" is gone (a standby that was promoted does not have the slots of its old primary)",
                config.slot
            )
        })
    })
}

impl Beginning {
    /// The moment of a snapshot.
    fn moment(&self) -> Option<u64> {
        match self {
            Self::Snapshot { slot, .. } => Some(slot.consistent_point),
            Self::Stream { .. } => None,
        }
    }
}

/// An error that says where the server was looked for.
pub(super) fn unreachable(config: &PostgresConfig, error: crate::client::Error) -> ConnectError {
    let hosts: Vec<String> = config.options.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
    error.into_connect(&format!(
        "connecting to database \"{}\" at {} as \"{}\"",
        config.options.database,
        hosts.join(", "),
        config.options.user
    ))
}

/// With `snapshot.mode=when_needed` a slot whose WAL is gone makes room for a new one.
async fn drop_lost(
    config: &PostgresConfig,
    sql: &mut Connection,
    slot: Option<Slot>,
    recovers: bool,
) -> Result<Option<Slot>> {
    if !(recovers && slot.as_ref().is_some_and(|slot| slot.wal_status == "lost")) {
        return Ok(slot);
    }
    warn!(slot = %config.slot, "the slot is lost: dropping it and reading the tables again, as snapshot.mode=when_needed says");
    drop_slot(sql, &config.slot).await.map_err(|error| error.into_connect("dropping the lost slot"))?;
    Ok(None)
}

/// Whether the tables are read. A position whose changes are gone is an error unless they may be read again: never a gap.
fn needs_snapshot(config: &PostgresConfig, stored: Option<&Position>, gap: Option<&str>) -> Result<bool> {
    let unfinished = stored.is_none_or(Position::is_unfinished_snapshot);
    match (config.snapshot_mode, gap) {
        (SnapshotMode::Always, _) => Ok(true),
        (SnapshotMode::WhenNeeded, Some(gap)) => {
            warn!(slot = %config.slot, gap, "reading the tables again, as snapshot.mode=when_needed says");
            Ok(true)
        }
        // It streams nothing.
        (SnapshotMode::InitialOnly, Some(_)) => Ok(false),
        (_, Some(gap)) => Err(ConnectError::connect(format!(
            "changes since the stored position {} cannot be streamed: {gap}. Set `snapshot.mode=when_needed` to read the tables again \
             (rows that were deleted in between stay in the topics); to go on without those changes, stop the connector, alter its \
             offsets over REST and start it again",
            lsn(stored.map_or(0, Position::start_lsn))
        ))),
        (SnapshotMode::NoData, None) => Ok(false),
        (SnapshotMode::Initial | SnapshotMode::InitialOnly | SnapshotMode::WhenNeeded, None) => Ok(unfinished),
    }
}

/// A slot gives the snapshot of its beginning. When the connector's own slot is there already, a temporary one gives the moment:
/// the position in the server's log and the snapshot belong together exactly, which reading the position alone would not give.
async fn snapshot(
    config: &PostgresConfig,
    sql: Connection,
    mut exporter: Connection,
    stream_from: Option<u64>,
    tables: Vec<TableName>,
) -> Result<Beginning> {
    tokio::time::sleep(config.snapshot_delay).await;
    let exists = stream_from.is_some();
    let temporary = format!("{}_sluice_{}", &config.slot[..config.slot.len().min(40)], std::process::id());
    let name = if exists { &temporary } else { &config.slot };
    let slot = create_slot(&mut exporter, name, exists, config.slot_failover && !exists).await.map_err(|error| {
        let hint = if exists {
            " (a snapshot beside an existing slot needs one free slot: see max_replication_slots)"
        } else {
            ""
        };
        error.into_connect(&format!("creating replication slot \"{name}\"{hint}"))
    })?;
    info!(slot = %name, lsn = slot.consistent_point, "created replication slot for the snapshot");
    let tables = tables.into_iter().filter(|table| config.snapshot_tables.matches(table)).collect();
    Ok(Beginning::Snapshot { slot, stream_from, exporter, sql, tables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_without_slot_is_never_a_gap() {
        let stored = Position { lsn: 0x1_0000_0009, ..Position::default() };
        let mode = |snapshot_mode| PostgresConfig { snapshot_mode, ..PostgresConfig::sample() };
        let system = System { id: "7".into(), timeline: 1, history: Vec::new() };
        let gap = gap(&PostgresConfig::sample(), Some(&stored), None, &system, None);
        for strict in [SnapshotMode::Initial, SnapshotMode::NoData] {
            let error = needs_snapshot(&mode(strict), Some(&stored), gap.as_deref()).unwrap_err().to_string();
            assert!(error.contains("slot \"debezium\" is gone") && error.contains("1/9"), "{error}");
        }
        let dropped = PostgresConfig { slot_drop_on_stop: true, ..PostgresConfig::sample() };
        assert_eq!(super::gap(&dropped, Some(&stored), None, &system, None), None);
        assert!(needs_snapshot(&mode(SnapshotMode::WhenNeeded), Some(&stored), gap.as_deref()).unwrap());
        assert!(needs_snapshot(&mode(SnapshotMode::Initial), None, None).unwrap());
        assert!(!needs_snapshot(&mode(SnapshotMode::NoData), None, None).unwrap());
    }
}
