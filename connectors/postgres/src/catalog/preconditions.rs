//! What must be right before anything is captured, each with the SQL that mends it. Looked at by validation and by every start.

use super::{ServerFacts, Slot};
use crate::client::identifier;
use crate::config::PostgresConfig;

/// Something that is wrong, and the configuration key that it is said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) key: &'static str,
    /// With the SQL that mends it.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) const fn new(key: &'static str, message: String) -> Self {
        Self { key, message }
    }
}

/// Everything that is wrong with server, role and slot, one sentence each.
pub(crate) fn check(config: &PostgresConfig, server: &ServerFacts, slot: Option<&Slot>) -> Vec<Problem> {
    let (host, user) = ("database.hostname", "database.user");
    let mut wrong = Vec::new();
    if server.is_standby && server.version < 160_000 {
        let message = "the server is a standby: before PostgreSQL 16 only a primary has logical decoding".to_owned();
        return vec![Problem::new(host, message)];
    }
    if server.wal_level != "logical" {
        wrong.push(Problem::new(host, format!(
            "`wal_level` is \"{}\", but logical decoding needs \"logical\": run ALTER SYSTEM SET wal_level = 'logical'; and restart \
             the server",
            server.wal_level
        )));
    }
    if server.max_replication_slots == 0 {
        let message =
            "`max_replication_slots` is 0: run ALTER SYSTEM SET max_replication_slots = 10; and restart the server";
        wrong.push(Problem::new(host, message.to_owned()));
    } else if slot.is_none() && server.used_replication_slots >= server.max_replication_slots {
        wrong.push(Problem::new(
            host,
            format!(
                "all {0} replication slots are in use and slot \"{1}\" is to be made: drop one that nobody needs (SELECT slot_name, active \
                 FROM pg_replication_slots;), or run ALTER SYSTEM SET max_replication_slots = {2}; and restart the server",
                server.max_replication_slots,
                config.slot,
                server.max_replication_slots + 10
            ),
        ));
    }
    if !server.may_replicate {
        let role = identifier(&config.options.user);
        wrong.push(Problem::new(
            user,
            format!("role \"{}\" may not replicate: run ALTER ROLE {role} WITH REPLICATION;", config.options.user),
        ));
    }
    if server.encoding != "UTF8" {
        let message = format!("the database is encoded in {}; only UTF8 is supported", server.encoding);
        wrong.push(Problem::new("database.dbname", message));
    }
    if config.slot_failover && server.version < 170_000 {
        wrong.push(Problem::new("slot.failover", "`slot.failover` needs PostgreSQL 17 or newer".to_owned()));
    }
    if let Some(slot) = slot {
        wrong.extend(slot_problem(config, slot).map(|message| Problem::new("slot.name", message)));
    }
    wrong
}

fn slot_problem(config: &PostgresConfig, slot: &Slot) -> Option<String> {
    let name = &config.slot;
    let drop_it = format!("SELECT pg_drop_replication_slot('{name}');");
    if slot.plugin != "pgoutput" {
        return Some(format!(
            "slot \"{name}\" is of the plugin \"{}\", not pgoutput: set another `slot.name`, or run {drop_it}",
            slot.plugin
        ));
    }
    if slot.database != config.options.database {
        return Some(format!(
            "slot \"{name}\" belongs to database \"{}\", not \"{}\": set another `slot.name`",
            slot.database, config.options.database
        ));
    }
    (slot.wal_status == "lost").then(|| lost(name))
}

/// The slot is there, but what it stood for is gone.
fn lost(name: &str) -> String {
    format!(
        "slot \"{name}\" is lost: the server removed WAL that was not streamed yet (see max_slot_wal_keep_size), so changes are \
         missing. Run SELECT pg_drop_replication_slot('{name}'); and start the connector with `snapshot.mode=when_needed`, which \
         reads the tables again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> ServerFacts {
        ServerFacts {
            version: 150_000,
            wal_level: "logical".into(),
            max_replication_slots: 10,
            may_replicate: true,
            encoding: "UTF8".into(),
            ..ServerFacts::default()
        }
    }

    #[test]
    fn what_is_wrong_comes_with_the_sql_that_mends_it() {
        let config = PostgresConfig::sample();
        assert_eq!(check(&config, &right(), None), []);
        let wrong = ServerFacts { wal_level: "replica".into(), may_replicate: false, ..right() };
        let wrong = check(&config, &wrong, None);
        assert!(wrong[0].message.contains("ALTER SYSTEM SET wal_level = 'logical';"), "{wrong:?}");
        assert_eq!((wrong[0].key, wrong[1].key), ("database.hostname", "database.user"));
        let full = ServerFacts { used_replication_slots: 10, ..right() };
        assert!(check(&config, &full, None)[0].message.contains("ALTER SYSTEM SET max_replication_slots = 20;"));
        assert!(wrong[1].message.contains("ALTER ROLE \"capture\" WITH REPLICATION;"), "{wrong:?}");
    }

    #[test]
    fn a_slot_that_cannot_be_used_is_named() {
        let config = PostgresConfig::sample();
        let slot = Slot {
            plugin: "pgoutput".into(),
            database: config.options.database.clone(),
            active_pid: None,
            confirmed_flush: 0,
            wal_status: "lost".into(),
            retained_bytes: 0,
        };
        let wrong = check(&config, &right(), Some(&slot));
        assert!(
            wrong[0].message.contains("pg_drop_replication_slot('debezium')")
                && wrong[0].message.contains("when_needed"),
            "{wrong:?}"
        );
        let other = Slot { plugin: "wal2json".into(), ..slot.clone() };
        assert!(check(&config, &right(), Some(&other))[0].message.contains("wal2json"));
        let elsewhere = Slot { database: "other".into(), wal_status: "reserved".into(), ..slot };
        assert!(check(&config, &right(), Some(&elsewhere))[0].message.contains("belongs to database \"other\""));
    }
}
