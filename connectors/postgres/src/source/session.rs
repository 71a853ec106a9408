//! What happens before rows are read: preconditions, publication, slot, and whether there is a snapshot.

use sluice_api::{ConnectError, Result};
use tracing::{info, warn};

use crate::catalog::{
    CreatedSlot, ServerFacts, Slot, TableName, check, create_slot, drop_slot, find_slot, list_tables,
    prepare_publication,
};
use crate::client::{Connection, Purpose};
use crate::config::{PostgresConfig, SnapshotMode};
use crate::events::Position;

/// Where to begin.
pub(super) enum Beginning {
    /// Read the tables as of the slot's beginning. The connection keeps the exported snapshot alive until it is taken over.
    Snapshot { slot: CreatedSlot, exporter: Connection, sql: Connection, tables: Vec<TableName> },
    /// Stream on from a position, or from the slot's when there is none.
    Stream { sql: Connection, server: ServerFacts, position: Option<Position> },
}

/// Looks at the server and decides.
///
/// # Errors
/// `Retriable` when the server cannot be reached; otherwise what is wrong and the SQL that mends it.
pub(super) async fn begin(config: &PostgresConfig, stored: Option<Position>) -> Result<Beginning> {
    let mut sql = Connection::open(&config.options, Purpose::Sql).await.map_err(|error| unreachable(config, error))?;
    let doing = |what: &'static str| move |error: crate::client::Error| error.into_connect(what);
    let server = ServerFacts::read(&mut sql).await.map_err(doing("reading the server's settings"))?;
    let slot = find_slot(&mut sql, &config.slot).await.map_err(doing("reading replication slots"))?;
    let recovers = config.snapshot_mode == SnapshotMode::WhenNeeded;
    let slot = drop_lost(config, &mut sql, slot, recovers).await?;
    let problems = check(config, &server, slot.as_ref());
    if !problems.is_empty() {
        return Err(ConnectError::connect(problems.join("; ")));
    }
    let tables = list_tables(&mut sql, config.via_partition_root).await.map_err(doing("listing tables"))?;
    let tables: Vec<TableName> = tables.into_iter().filter(|table| config.tables.matches(table)).collect();
    prepare_publication(&mut sql, config, &tables).await?;
    if needs_snapshot(config, stored.as_ref(), slot.as_ref())? {
        return snapshot(config, sql, slot.is_some(), tables).await;
    }
    if slot.is_none() {
        let mut replication = Connection::open(&config.options, Purpose::Replication)
            .await
            .map_err(doing("connecting for replication"))?;
        let created = create_slot(&mut replication, &config.slot, false, config.slot_failover)
            .await
            .map_err(doing("creating the replication slot"))?;
        info!(slot = %config.slot, lsn = created.consistent_point, "created replication slot");
    }
    Ok(Beginning::Stream { sql, server, position: stored })
}

fn unreachable(config: &PostgresConfig, error: crate::client::Error) -> ConnectError {
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

/// Whether the tables are read; a position whose slot is gone is an error, never a gap.
fn needs_snapshot(config: &PostgresConfig, stored: Option<&Position>, slot: Option<&Slot>) -> Result<bool> {
    let unfinished = stored.is_none_or(Position::is_unfinished_snapshot);
    match config.snapshot_mode {
        SnapshotMode::Always => Ok(true),
        SnapshotMode::NoData if stored.is_none() => Ok(false),
        _ if stored.is_some() && !unfinished && slot.is_none() => match config.snapshot_mode {
            SnapshotMode::WhenNeeded => Ok(true),
            _ => Err(ConnectError::connect(format!(
                "slot \"{0}\" is gone, so changes since the stored position {1:X}/{2:X} cannot be streamed (a standby that was \
                 promoted does not have the slots of its old primary). Set `snapshot.mode=when_needed` to read the tables again; \
                 rows that were deleted in between stay in the topics",
                config.slot,
                stored.map_or(0, |position| position.start_lsn() >> 32),
                stored.map_or(0, |position| position.start_lsn() & 0xffff_ffff)
            ))),
        },
        SnapshotMode::NoData => Ok(false),
        SnapshotMode::Initial | SnapshotMode::InitialOnly | SnapshotMode::WhenNeeded => Ok(unfinished),
    }
}

/// A slot gives the snapshot of its beginning. When the connector's own slot is there already, a temporary one gives the moment:
/// the position in the server's log and the snapshot belong together exactly, which reading the position alone would not give.
async fn snapshot(config: &PostgresConfig, sql: Connection, exists: bool, tables: Vec<TableName>) -> Result<Beginning> {
    tokio::time::sleep(config.snapshot_delay).await;
    let mut exporter = Connection::open(&config.options, Purpose::Replication)
        .await
        .map_err(|error| error.into_connect("connecting for replication"))?;
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
    Ok(Beginning::Snapshot { slot, exporter, sql, tables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_without_slot_is_never_a_gap() {
        let stored = Position { lsn: 0x1_0000_0009, ..Position::default() };
        let mode = |snapshot_mode| PostgresConfig { snapshot_mode, ..PostgresConfig::sample() };
        for strict in [SnapshotMode::Initial, SnapshotMode::NoData] {
            let error = needs_snapshot(&mode(strict), Some(&stored), None).unwrap_err().to_string();
            assert!(error.contains("slot \"debezium\" is gone") && error.contains("1/9"), "{error}");
        }
        assert!(needs_snapshot(&mode(SnapshotMode::WhenNeeded), Some(&stored), None).unwrap());
        assert!(needs_snapshot(&mode(SnapshotMode::Initial), None, None).unwrap());
        assert!(!needs_snapshot(&mode(SnapshotMode::NoData), None, None).unwrap());
    }
}
