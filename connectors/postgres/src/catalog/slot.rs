//! Replication slots.

use crate::client::{Connection, Error, Result, identifier, literal};

/// A slot that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) plugin: String,
    pub(crate) database: String,
    /// The walsender that holds it.
    pub(crate) active_pid: Option<u32>,
    /// What the server may have forgotten.
    pub(crate) confirmed_flush: u64,
    /// `reserved`, `extended`, `unreserved` or `lost`.
    pub(crate) wal_status: String,
    /// WAL that the server keeps for this slot.
    pub(crate) retained_bytes: u64,
}

/// The slot of that name, `None` when there is none.
pub(crate) async fn find_slot(connection: &mut Connection, name: &str) -> Result<Option<Slot>> {
    let end = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END";
    let sql = format!(
        "SELECT plugin, database, active_pid, confirmed_flush_lsn, wal_status, \
         greatest(0, pg_wal_lsn_diff({end}, restart_lsn))::bigint \
         FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
        literal(name)
    );
    let rows = connection.query(&sql).await?;
    Ok(rows.first().map(|row| Slot {
        plugin: row.text_or_empty(0).to_owned(),
        database: row.text_or_empty(1).to_owned(),
        active_pid: row.number(2),
        confirmed_flush: row.text(3).and_then(parse_lsn).unwrap_or(0),
        wal_status: row.text_or_empty(4).to_owned(),
        retained_bytes: row.number(5).unwrap_or(0),
    }))
}

/// A slot that was just made, with the snapshot of the database as of its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CreatedSlot {
    /// Changes that commit after this point are streamed, those before it are in the snapshot.
    pub(crate) consistent_point: u64,
    /// For `SET TRANSACTION SNAPSHOT` while the session is idle.
    pub(crate) snapshot: String,
}

/// Makes a slot on a replication connection. A temporary one ends with the connection.
pub(crate) async fn create_slot(
    connection: &mut Connection,
    name: &str,
    temporary: bool,
    failover: bool,
) -> Result<CreatedSlot> {
    let temporary = if temporary { "TEMPORARY " } else { "" };
    let options = if failover { "(SNAPSHOT 'export', FAILOVER true)" } else { "EXPORT_SNAPSHOT" };
    let sql = format!("CREATE_REPLICATION_SLOT {} {temporary}LOGICAL pgoutput {options}", identifier(name));
    let rows = connection.query(&sql).await?;
    let row = rows.first().ok_or_else(|| Error::Protocol("no row of a created slot".to_owned()))?;
    let point = row.text(1).and_then(parse_lsn);
    Ok(CreatedSlot {
        consistent_point: point.ok_or_else(|| Error::Protocol("a slot without consistent point".to_owned()))?,
        snapshot: row.text_or_empty(2).to_owned(),
    })
}

/// Drops the slot if it is there.
pub(crate) async fn drop_slot(connection: &mut Connection, name: &str) -> Result<()> {
    let sql = format!(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
        literal(name)
    );
    connection.query(&sql).await.map(drop)
}

/// `16/B374D848` as a number.
pub(crate) fn parse_lsn(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some(u64::from(u32::from_str_radix(high, 16).ok()?) << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}
