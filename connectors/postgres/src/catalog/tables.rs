//! Tables: which there are, their columns, keys and defaults.

use std::collections::HashMap;
use std::fmt;

use crate::client::{Connection, Result, Row, identifier, literal};

/// Schema and name of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl TableName {
    /// The name for SQL.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// What the catalog says of a column now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnFacts {
    pub(crate) name: String,
    pub(crate) not_null: bool,
    /// The expression of its default.
    pub(crate) default: Option<String>,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
    /// Computed by the server; not in the stream before PostgreSQL 18.
    pub(crate) generated: bool,
}

/// What the catalog says of a table now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableFacts {
    pub(crate) columns: Vec<ColumnFacts>,
    /// The columns of the primary key, else of the first unique index, in the order of the key.
    pub(crate) key: Vec<String>,
    /// Whether there is a primary key.
    pub(crate) has_primary_key: bool,
    /// `pg_class.relreplident`.
    pub(crate) replica_identity: String,
}

impl TableFacts {
    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Every table of the database that could be captured, in the order of their names. With `roots` a partitioned table stands for its
/// partitions, otherwise they stand for it.
pub(crate) async fn list_tables(connection: &mut Connection, roots: bool) -> Result<Vec<TableName>> {
    let kinds = if roots { "c.relkind IN ('r', 'p') AND NOT c.relispartition" } else { "c.relkind = 'r'" };
    let sql = format!(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE {kinds} AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
         AND n.nspname NOT LIKE 'pg\\_t%' AND c.relname <> 'spatial_ref_sys' ORDER BY 1, 2"
    );
    let name = |row: &Row| TableName { schema: row.text_or_empty(0).to_owned(), name: row.text_or_empty(1).to_owned() };
    Ok(connection.query(&sql).await?.iter().map(name).collect())
}

/// What the catalog says of a table; without columns when there is none of that name.
pub(crate) async fn table_facts(connection: &mut Connection, table: &TableName) -> Result<TableFacts> {
    let class = format!(
        "(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {})",
        literal(&table.schema),
        literal(&table.name)
    );
    let columns = format!(
        "SELECT a.attname, a.attnotnull OR t.typtype = 'd' AND t.typnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.atttypid, a.atttypmod, a.attgenerated \
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attrelid = {class} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    );
    let columns: Vec<ColumnFacts> = connection.query(&columns).await?.iter().map(column).collect();
    let keys = format!(
        "SELECT x.relname, i.indisprimary, a.attname FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
         CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0 \
         WHERE i.indrelid = {class} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.n <= i.indnkeyatts \
         ORDER BY i.indisprimary DESC, x.relname, k.n"
    );
    let keys = connection.query(&keys).await?;
    let identity =
        connection.query(&format!("SELECT c.relreplident FROM pg_catalog.pg_class c WHERE c.oid = {class}")).await?;
    Ok(TableFacts {
        columns,
        key: key(&keys),
        has_primary_key: keys.iter().any(|row| row.flag(1)),
        replica_identity: identity.first().map(|row| row.text_or_empty(0).to_owned()).unwrap_or_default(),
    })
}

fn column(row: &Row) -> ColumnFacts {
    let generated = !row.text_or_empty(5).is_empty();
    ColumnFacts {
        name: row.text_or_empty(0).to_owned(),
        not_null: row.flag(1),
        default: row.string(2).filter(|_| !generated),
        type_oid: row.number(3).unwrap_or(0),
        type_modifier: row.number(4).unwrap_or(-1),
        generated,
    }
}

/// The columns of the first index that is made of columns alone.
fn key(rows: &[Row]) -> Vec<String> {
    let mut indexes: Vec<(&str, Vec<Option<String>>)> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let index = row.text_or_empty(0);
        let at = *place.entry(index).or_insert_with(|| {
            indexes.push((index, Vec::new()));
            indexes.len() - 1
        });
        indexes[at].1.push(row.string(2));
    }
    indexes.into_iter().find_map(|(_, columns)| columns.into_iter().collect()).unwrap_or_default()
}
