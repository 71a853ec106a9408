//! Which tables are captured: include and exclude lists of regular expressions.

use sluice_api::java_regex::JavaRegex;
use sluice_api::{ConnectError, Properties, Result};

use crate::catalog::TableName;

/// Anchored, comma separated, in any case.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns(Vec<JavaRegex>);

impl Patterns {
    pub(super) fn parse(key: &str, text: &str) -> Result<Self> {
        let pattern = |item: &str| {
            JavaRegex::new(&format!("(?i){}", item.trim()))
                .map_err(|error| ConnectError::config(format!("Invalid value {item} for configuration {key}: {error}")))
        };
        let items = split(text);
        items.iter().filter(|item| !item.trim().is_empty()).map(|item| pattern(item)).collect::<Result<_>>().map(Self)
    }

    /// A pattern that takes too many steps does not match.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(text).unwrap_or(false))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Splits at commas that no backslash escapes.
fn split(text: &str) -> Vec<String> {
    let (mut items, mut item, mut characters) = (Vec::new(), String::new(), text.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&',') => item.extend(characters.next()),
            ',' => items.push(std::mem::take(&mut item)),
            other => item.push(other),
        }
    }
    items.push(item);
    items
}

/// The lists of columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnFilter {
    include: Patterns,
    exclude: Patterns,
}

impl ColumnFilter {
    /// Reads `column.*.list`.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let list = |key: &str| Patterns::parse(key, properties.get(key).map_or("", String::as_str));
        let (include, exclude) = (list("column.include.list")?, list("column.exclude.list")?);
        if !include.is_empty() && !exclude.is_empty() {
            return Err(ConnectError::config(
                "\"column.include.list\" and \"column.exclude.list\" exclude each other: set one of them",
            ));
        }
        Ok(Self { include, exclude })
    }

    /// Whether a column has a field.
    pub(crate) fn matches(&self, table: &TableName, column: &str) -> bool {
        if self.include.is_empty() && self.exclude.is_empty() {
            return true;
        }
        let name = format!("{table}.{column}");
        (self.include.is_empty() || self.include.matches(&name)) && !self.exclude.matches(&name)
    }
}

/// `message.key.columns`.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyColumns(Vec<(Patterns, Vec<String>)>);

impl KeyColumns {
    const KEY: &str = "message.key.columns";

    /// Reads `table:column,column;table:column`.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let text = properties.get(Self::KEY).map_or("", String::as_str);
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
            let wrong = || {
                let key = Self::KEY;
                ConnectError::config(format!(
                    "Invalid value {entry} for configuration {key}: `table:column,column` is expected"
                ))
            };
            let (table, columns) = entry.rsplit_once(':').ok_or_else(wrong)?;
            let columns: Vec<String> = columns.split(',').map(|column| column.trim().to_owned()).collect();
            if columns.iter().any(String::is_empty) {
                return Err(wrong());
            }
            Ok((Patterns::parse(Self::KEY, table)?, columns))
        });
        entries.collect::<Result<_>>().map(Self)
    }

    /// The key's columns of a table when they are not its own.
    pub(crate) fn of(&self, table: &TableName) -> Option<&[String]> {
        let name = table.to_string();
        self.0.iter().find(|(tables, _)| tables.matches(&name)).map(|(_, columns)| columns.as_slice())
    }
}

/// The lists of schemas and tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableFilter {
    schema_include: Patterns,
    schema_exclude: Patterns,
    table_include: Patterns,
    table_exclude: Patterns,
}

impl TableFilter {
    /// Reads `schema.*.list` and `table.*.list`.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let list = |key: &str| Patterns::parse(key, properties.get(key).map_or("", String::as_str));
        for kind in ["schema", "table"] {
            let (include, exclude) = (format!("{kind}.include.list"), format!("{kind}.exclude.list"));
            let set = |key: &str| properties.get(key).is_some_and(|value| !value.trim().is_empty());
            if set(&include) && set(&exclude) {
                return Err(ConnectError::config(format!(
                    "\"{include}\" and \"{exclude}\" exclude each other: set one of them"
                )));
            }
        }
        Ok(Self {
            schema_include: list("schema.include.list")?,
            schema_exclude: list("schema.exclude.list")?,
            table_include: list("table.include.list")?,
            table_exclude: list("table.exclude.list")?,
        })
    }

    /// A filter of one list of tables; an empty one matches everything.
    pub(crate) fn included(key: &str, properties: &Properties) -> Result<Self> {
        let text = properties.get(key).map_or("", String::as_str);
        Ok(Self { table_include: Patterns::parse(key, text)?, ..Self::default() })
    }

    /// Whether a table is captured.
    pub(crate) fn matches(&self, table: &TableName) -> bool {
        let name = table.to_string();
        (self.schema_include.is_empty() || self.schema_include.matches(&table.schema))
            && !self.schema_exclude.matches(&table.schema)
            && (self.table_include.is_empty() || self.table_include.matches(&name))
            && !self.table_exclude.matches(&name)
    }
}
