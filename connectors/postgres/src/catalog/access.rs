//! What the role may do with tables, and what a publication would do to them.

use super::{Problem, TableName};
use crate::client::{Connection, Result, Row, identifier, literal};
use crate::config::PostgresConfig;

/// A captured table as the role sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableAccess {
    pub(crate) name: TableName,
    pub(crate) is_readable: bool,
    /// The role owns it, so it may put it into a publication.
    pub(crate) is_owned: bool,
    /// Its replica identity tells rows apart: UPDATE and DELETE go on when it is published.
    pub(crate) identifies_rows: bool,
    pub(crate) is_published: bool,
}

impl TableAccess {
    /// Those of `tables`, in their order.
    pub(crate) async fn of(
        connection: &mut Connection,
        config: &PostgresConfig,
        tables: &[TableName],
    ) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT n.nspname, c.relname, \
             pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), \
             pg_catalog.pg_has_role(c.relowner, 'USAGE'), \
             c.relkind <> 'r' OR c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid \
             AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)), \
             EXISTS (SELECT FROM pg_catalog.pg_publication_tables p WHERE p.pubname = {} \
             AND p.schemaname = n.nspname AND p.tablename = c.relname) \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') \
             AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
            literal(&config.publication)
        );
        let access = |row: &Row| Self {
            name: TableName { schema: row.text_or_empty(0).to_owned(), name: row.text_or_empty(1).to_owned() },
            is_readable: row.flag(2),
            is_owned: row.flag(3),
            identifies_rows: row.flag(4),
            is_published: row.flag(5),
        };
        let all = connection.query(&sql).await?.iter().map(access).collect::<Vec<_>>();
        Ok(all.into_iter().filter(|table| tables.contains(&table.name)).collect())
    }
}

/// The tables of the snapshot that the role may not read.
pub(crate) fn unreadable_tables(config: &PostgresConfig, tables: &[TableAccess]) -> Vec<Problem> {
    let role = identifier(&config.options.user);
    let wanted = tables.iter().filter(|table| config.snapshot_tables.matches(&table.name));
    let hidden = wanted.filter(|table| !table.is_readable).map(|table| {
        let message = format!(
            "role \"{}\" may not read table {}: run GRANT USAGE ON SCHEMA {} TO {role}; GRANT SELECT ON TABLE {} TO {role};",
            config.options.user,
            table.name,
            identifier(&table.name.schema),
            table.name.quoted()
        );
        Problem::new("database.user", message)
    });
    hidden.collect()
}

/// Tables that this connector is about to publish and whose updates and deletes the server would refuse from then on.
pub(crate) fn keyless_tables(tables: &[TableAccess]) -> Vec<Problem> {
    let about = tables.iter().filter(|table| !table.is_published && !table.identifies_rows);
    let keyless = about.map(|table| {
        let (name, quoted) = (&table.name, table.name.quoted());
        let message = format!(
            "table {name} has no primary key and no replica identity: once it is published, the server refuses every UPDATE and DELETE \
             of it. Run ALTER TABLE {quoted} ADD PRIMARY KEY (…); or ALTER TABLE {quoted} REPLICA IDENTITY FULL;, or leave it out \
             with `table.exclude.list`"
        );
        Problem::new("table.include.list", message)
    });
    keyless.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableAccess {
        TableAccess {
            name: TableName { schema: "public".into(), name: name.into() },
            is_readable: true,
            is_owned: true,
            identifies_rows: true,
            is_published: false,
        }
    }

    #[test]
    fn what_would_break_comes_with_the_sql_that_mends_it() {
        let tables = [
            table("right"),
            TableAccess { is_readable: false, ..table("hidden") },
            TableAccess { identifies_rows: false, ..table("keyless") },
            TableAccess { identifies_rows: false, is_published: true, ..table("known") },
        ];
        let hidden = unreadable_tables(&PostgresConfig::sample(), &tables);
        assert_eq!(hidden.len(), 1);
        assert!(
            hidden[0].message.contains("GRANT SELECT ON TABLE \"public\".\"hidden\" TO \"capture\";"),
            "{hidden:?}"
        );
        let keyless = keyless_tables(&tables);
        assert_eq!(keyless.len(), 1, "what is published already breaks nothing more");
        assert!(
            keyless[0].message.contains("ALTER TABLE \"public\".\"keyless\" REPLICA IDENTITY FULL;"),
            "{keyless:?}"
        );
    }
}
