//! What kind of server this is.

use crate::client::{Connection, Result};

/// Facts of a server that decide what can be asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerFacts {
    /// `server_version_num`, for example 150018.
    pub(crate) version: u32,
    pub(crate) wal_level: String,
    pub(crate) max_replication_slots: u32,
    pub(crate) used_replication_slots: u32,
    pub(crate) is_standby: bool,
    /// The role may log in and replicate.
    pub(crate) may_replicate: bool,
    pub(crate) is_superuser: bool,
    pub(crate) may_create: bool,
    pub(crate) encoding: String,
}

impl ServerFacts {
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self> {
        let sql = "SELECT current_setting('server_version_num'), current_setting('wal_level'), \
                   current_setting('max_replication_slots'), pg_is_in_recovery(), \
                   r.rolreplication OR r.rolsuper OR EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m \
                   JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid AND g.rolname IN \
                   ('rds_superuser', 'rdsadmin', 'rdsrepladmin', 'rds_replication')), r.rolsuper, \
                   has_database_privilege(current_database(), 'CREATE'), current_setting('server_encoding'), \
                   (SELECT count(*) FROM pg_catalog.pg_replication_slots) \
                   FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
        let rows = connection.query(sql).await?;
        let Some(row) = rows.first() else { return Ok(Self::default()) };
        Ok(Self {
            version: row.number(0).unwrap_or(0),
            wal_level: row.text_or_empty(1).to_owned(),
            max_replication_slots: row.number(2).unwrap_or(0),
            used_replication_slots: row.number(8).unwrap_or(0),
            is_standby: row.flag(3),
            may_replicate: row.flag(4),
            is_superuser: row.flag(5),
            may_create: row.flag(6),
            encoding: row.text_or_empty(7).to_owned(),
        })
    }
}
