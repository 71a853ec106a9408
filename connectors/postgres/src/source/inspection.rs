//! Validation's look at the server: what the task would fail with at its start, each problem with the key that it is said of.

use std::time::Duration;

use sluice_api::{Properties, Result};

use super::session::unreachable;
use crate::catalog::{
    Problem, ServerFacts, TableAccess, TableName, check, find_slot, list_tables, publication_problems,
    unreadable_tables,
};
use crate::client::{Connection, Error, Purpose};
use crate::config::{PostgresConfig, SnapshotMode};

/// Below [`sluice_api::connector::OUTSIDE_DEADLINE`], so that the answer says what was being waited for.
const DEADLINE: Duration = Duration::from_secs(12);

/// What is wrong with the server that a right configuration names. Blocks.
pub(super) fn inspect(properties: &Properties) -> Vec<Problem> {
    let Ok(config) = PostgresConfig::parse(properties) else { return Vec::new() };
    let host = |message: String| vec![Problem::new("database.hostname", message)];
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return host(format!("looking at the server: {error}")),
    };
    let looked = runtime.block_on(async { tokio::time::timeout(DEADLINE, look(&config)).await });
    match looked {
        Ok(Ok(problems)) => problems,
        Ok(Err(error)) => host(error.to_string()),
        Err(_) => host(unreachable(&config, Error::Timeout(DEADLINE.as_millis())).to_string()),
    }
}

async fn look(config: &PostgresConfig) -> Result<Vec<Problem>> {
    let mut sql = match Connection::open(&config.options, Purpose::Sql).await {
        Ok(sql) => sql,
        Err(error) => {
            let key = blamed(&error);
            return Ok(vec![Problem::new(key, unreachable(config, error).to_string())]);
        }
    };
    let doing = |what: &'static str| move |error: Error| error.into_connect(what);
    let server = ServerFacts::read(&mut sql).await.map_err(doing("reading the server's settings"))?;
    let slot = find_slot(&mut sql, &config.slot).await.map_err(doing("reading replication slots"))?;
    let mut problems = check(config, &server, slot.as_ref());
    if config.snapshot_mode == SnapshotMode::WhenNeeded {
        // The start drops a slot that is lost.
        problems
            .retain(|problem| problem.key != "slot.name" || slot.as_ref().is_none_or(|slot| slot.wal_status != "lost"));
    }
    let tables = list_tables(&mut sql, config.via_partition_root).await.map_err(doing("listing tables"))?;
    let tables: Vec<TableName> = tables.into_iter().filter(|table| config.tables.matches(table)).collect();
    let tables = TableAccess::of(&mut sql, config, &tables).await.map_err(doing("reading privileges"))?;
    if config.snapshot_mode != SnapshotMode::NoData {
        problems.extend(unreadable_tables(config, &tables));
    }
    problems.extend(publication_problems(&mut sql, config, &server, &tables).await?);
    if problems.is_empty()
        && let Err(error) = Connection::open(&config.options, Purpose::Replication).await
    {
        let message =
            error.into_connect("connecting for replication (see `host replication` in pg_hba.conf)").to_string();
        problems.push(Problem::new("database.hostname", message));
    }
    Ok(problems)
}

/// The key whose value a server refused.
fn blamed(error: &Error) -> &'static str {
    match (error.sql_state(), error) {
        (Some("28P01"), _) => "database.password",
        (Some("28000"), _) => "database.user",
        (Some("3D000"), _) => "database.dbname",
        (_, Error::Tls(_)) => "database.sslmode",
        _ => "database.hostname",
    }
}
