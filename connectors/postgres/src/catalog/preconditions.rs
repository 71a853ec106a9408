//! What must be right before anything is captured, each with the SQL that mends it.

use super::{ServerFacts, Slot};
use crate::client::identifier;
use crate::config::PostgresConfig;

/// Everything that is wrong with server, role and slot, one sentence each.
pub(crate) fn check(config: &PostgresConfig, server: &ServerFacts, slot: Option<&Slot>) -> Vec<String> {
    let mut wrong = Vec::new();
    if server.wal_level != "logical" {
        wrong.push(format!(
            "`wal_level` is \"{}\", but logical decoding needs \"logical\": run ALTER SYSTEM SET wal_level = 'logical'; and restart \
             the server",
            server.wal_level
        ));
    }
    if server.max_replication_slots == 0 {
        wrong.push(
            "`max_replication_slots` is 0: run ALTER SYSTEM SET max_replication_slots = 10; and restart the server"
                .to_owned(),
        );
    }
    if !server.may_replicate {
        let role = identifier(&config.options.user);
        wrong.push(format!(
            "role \"{}\" may not replicate: run ALTER ROLE {role} WITH REPLICATION;",
            config.options.user
        ));
    }
    if server.encoding != "UTF8" {
        wrong.push(format!("the database is encoded in {}; only UTF8 is supported", server.encoding));
    }
    if config.slot_failover && server.version < 170_000 {
        wrong.push("`slot.failover` needs PostgreSQL 17 or newer".to_owned());
    }
    if let Some(slot) = slot {
        wrong.extend(slot_problem(config, slot));
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
        assert_eq!(check(&config, &right(), None), Vec::<String>::new());
        let wrong = ServerFacts { wal_level: "replica".into(), may_replicate: false, ..right() };
        let wrong = check(&config, &wrong, None);
        assert!(wrong[0].contains("ALTER SYSTEM SET wal_level = 'logical';"), "{wrong:?}");
        assert!(wrong[1].contains("ALTER ROLE \"capture\" WITH REPLICATION;"), "{wrong:?}");
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
            wrong[0].contains("pg_drop_replication_slot('debezium')") && wrong[0].contains("when_needed"),
            "{wrong:?}"
        );
        let other = Slot { plugin: "wal2json".into(), ..slot.clone() };
        assert!(check(&config, &right(), Some(&other))[0].contains("wal2json"));
        let elsewhere = Slot { database: "other".into(), wal_status: "reserved".into(), ..slot };
        assert!(check(&config, &right(), Some(&elsewhere))[0].contains("belongs to database \"other\""));
    }
}
