//! Publications: found, made and kept in step with the tables as `publication.autocreate.mode` says.

use tracing::info;

use super::{Problem, ServerFacts, TableAccess, TableName, keyless_tables};
use crate::client::{Connection, identifier, literal};
use crate::config::{AutocreateMode, PostgresConfig};
use sluice_api::{ConnectError, Result};

/// Makes the publication what the configuration says.
pub(crate) async fn prepare_publication(
    connection: &mut Connection,
    config: &PostgresConfig,
    tables: &[TableName],
) -> Result<()> {
    let name = &config.publication;
    let sql = format!("SELECT puballtables FROM pg_catalog.pg_publication WHERE pubname = {}", literal(name));
    let found = connection.query(&sql).await.map_err(|error| error.into_connect("reading publications"))?;
    let for_all = found.first().map(|row| row.flag(0));
    match (for_all, config.autocreate) {
        (None, AutocreateMode::Disabled) => Err(ConnectError::connect(missing(name, config, tables))),
        (None, AutocreateMode::AllTables) => create(connection, config, "FOR ALL TABLES", tables).await,
        (None, AutocreateMode::NoTables) => create(connection, config, "", tables).await,
        (None, AutocreateMode::Filtered) if tables.is_empty() => Err(no_tables(config)),
        (None, AutocreateMode::Filtered) => {
            create(connection, config, &format!("FOR TABLE {}", list(tables)), tables).await
        }
        (Some(true), AutocreateMode::Filtered) => Err(ConnectError::connect(all_and_filtered(name))),
        (Some(false), AutocreateMode::Filtered) => follow(connection, name, tables).await,
        (Some(_), _) => Ok(()),
    }
}

/// What [`prepare_publication`] would fail with or break, without doing anything.
pub(crate) async fn publication_problems(
    connection: &mut Connection,
    config: &PostgresConfig,
    server: &ServerFacts,
    tables: &[TableAccess],
) -> Result<Vec<Problem>> {
    let name = &config.publication;
    let sql = format!(
        "SELECT puballtables, pg_catalog.pg_has_role(pubowner, 'USAGE') FROM pg_catalog.pg_publication WHERE pubname = {}",
        literal(name)
    );
    let found = connection.query(&sql).await.map_err(|error| error.into_connect("reading publications"))?;
    let names: Vec<TableName> = tables.iter().map(|table| table.name.clone()).collect();
    let owns = tables.iter().all(|table| table.is_owned);
    let may_not = |what: &str, remedy: String| {
        let role = &config.options.user;
        vec![Problem::new(
            "publication.name",
            format!("role \"{role}\" may not {what} publication \"{name}\": run {remedy}"),
        )]
    };
    let publication = identifier(name);
    let problems = match (found.first().map(|row| (row.flag(0), row.flag(1))), config.autocreate) {
        (None, AutocreateMode::Disabled) => {
            vec![Problem::new("publication.name", missing(name, config, &names))]
        }
        (None, AutocreateMode::AllTables) if !server.is_superuser => may_not(
            "create",
            format!(
                "CREATE PUBLICATION {publication} FOR ALL TABLES; as a superuser, or set `publication.autocreate.mode=filtered`"
            ),
        ),
        (None, AutocreateMode::Filtered) if names.is_empty() => {
            vec![Problem::new("table.include.list", no_tables(config).to_string())]
        }
        (None, AutocreateMode::Filtered) if !server.may_create || !owns => may_not(
            "create",
            format!("CREATE PUBLICATION {publication} FOR TABLE {}; as the owner of the tables", list(&names)),
        ),
        (None, AutocreateMode::AllTables | AutocreateMode::Filtered) => keyless_tables(tables),
        (Some((true, _)), AutocreateMode::Filtered) => {
            vec![Problem::new("publication.autocreate.mode", all_and_filtered(name))]
        }
        (Some((false, is_owner)), AutocreateMode::Filtered) if tables.iter().any(|table| !table.is_published) => {
            match is_owner && owns {
                true => keyless_tables(tables),
                false => may_not("change", format!("ALTER PUBLICATION {publication} SET TABLE {};", list(&names))),
            }
        }
        _ => Vec::new(),
    };
    Ok(problems)
}

fn all_and_filtered(name: &str) -> String {
    format!(
        "publication \"{name}\" is FOR ALL TABLES and `publication.autocreate.mode` is `filtered`: drop it (DROP PUBLICATION {}) or \
         set the mode to `all_tables`",
        identifier(name)
    )
}

fn no_tables(config: &PostgresConfig) -> ConnectError {
    ConnectError::connect(format!(
        "no table of database \"{}\" matches the include and exclude lists, so publication \"{}\" would have none",
        config.options.database, config.publication
    ))
}

fn list(tables: &[TableName]) -> String {
    tables.iter().map(TableName::quoted).collect::<Vec<_>>().join(", ")
}

/// What a user runs when the connector shall not make the publication, or may not.
fn missing(name: &str, config: &PostgresConfig, tables: &[TableName]) -> String {
    let tables = if tables.is_empty() { "<tables>".to_owned() } else { list(tables) };
    format!(
        "publication \"{name}\" is missing in database \"{}\": run CREATE PUBLICATION {} FOR TABLE {tables};",
        config.options.database,
        identifier(name)
    )
}

async fn create(
    connection: &mut Connection,
    config: &PostgresConfig,
    tables_clause: &str,
    tables: &[TableName],
) -> Result<()> {
    let name = &config.publication;
    let with = if config.via_partition_root { " WITH (publish_via_partition_root = true)" } else { "" };
    let sql = format!("CREATE PUBLICATION {} {tables_clause}{with}", identifier(name));
    match connection.query(&sql).await {
        Ok(_) => {
            info!(publication = %name, "created publication");
            Ok(())
        }
        Err(error) if error.sql_state() == Some("42501") => Err(ConnectError::connect(format!(
            "role \"{}\" may not create publication \"{name}\" ({error}): run as a superuser or the tables' owner: {}",
            config.options.user,
            missing(name, config, tables)
        ))),
        // Another connector was faster.
        Err(error) if error.sql_state() == Some("42710") => Ok(()),
        Err(error) => Err(error.into_connect(&format!("creating publication \"{name}\""))),
    }
}

/// Sets the tables when they are others than those in the publication.
async fn follow(connection: &mut Connection, name: &str, tables: &[TableName]) -> Result<()> {
    let sql = format!(
        "SELECT schemaname, tablename FROM pg_catalog.pg_publication_tables WHERE pubname = {} ORDER BY 1, 2",
        literal(name)
    );
    let rows = connection.query(&sql).await.map_err(|error| error.into_connect("reading the publication's tables"))?;
    let current: Vec<TableName> = rows
        .iter()
        .map(|row| TableName { schema: row.text_or_empty(0).to_owned(), name: row.text_or_empty(1).to_owned() })
        .collect();
    let mut wanted = tables.to_vec();
    wanted.sort();
    if current == wanted || wanted.is_empty() {
        return Ok(());
    }
    let sql = format!("ALTER PUBLICATION {} SET TABLE {}", identifier(name), list(&wanted));
    connection.query(&sql).await.map(drop).map_err(|error| match error.sql_state() {
        Some("42501") => ConnectError::connect(format!(
            "the role may not change publication \"{name}\" ({error}): run as the owner of publication and tables: {sql};"
        )),
        _ => error.into_connect(&format!("running {sql}")),
    })
}
