//! `column.mask.*` and `column.truncate.*`, keys that carry a value in their name, and `*.propagate.source.type`.

use bytestring::ByteString;
use sluice_api::{ConnectError, Properties, Result};

use super::filter::Patterns;
use crate::catalog::TableName;
use crate::values::{HashVersion, Mapping, MessageDigestName};

const DATATYPE: &str = "datatype.propagate.source.type";

/// The rules; of several that match a column the first one counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnMappings(Vec<Rule>);

/// Which columns, and what is done to them.
#[derive(Clone, Debug)]
struct Rule {
    columns: Patterns,
    /// The patterns are of `schema.table.type`, not of columns.
    by_type: bool,
    mapping: Mapping,
}

impl ColumnMappings {
    /// Reads the keys: truncations first, then masks, then types, then hashes, as Debezium does.
    pub(crate) fn parse(properties: &Properties) -> Result<Self> {
        let mut rules = Vec::new();
        for (key, columns) in properties {
            if let Some(rule) = rule(key) {
                let mapping = rule.ok_or_else(|| wrong(key))?;
                rules.push(Rule { columns: Patterns::parse(key, columns)?, by_type: key == DATATYPE, mapping });
            }
        }
        rules.sort_by_key(|rule| match rule.mapping {
            Mapping::Truncate(_) => 0,
            Mapping::Mask(_) => 1,
            Mapping::SourceType => 2,
            Mapping::Hash { .. } => 3,
        });
        Ok(Self(rules))
    }

    /// The rule of a column of the type `declared`.
    pub(crate) fn of(&self, table: &TableName, column: &str, declared: &str) -> Option<&Mapping> {
        if self.0.is_empty() {
            return None;
        }
        let (column, declared) = (format!("{table}.{column}"), format!("{table}.{declared}"));
        let applies = |rule: &&Rule| rule.columns.matches(if rule.by_type { &declared } else { &column });
        self.0.iter().find(applies).map(|rule| &rule.mapping)
    }
}

fn wrong(key: &str) -> ConnectError {
    ConnectError::config(format!(
        "Invalid name of configuration {key}: `column.truncate.to.<n>.chars`, `column.mask.with.<n>.chars` or \
         `column.mask.hash[.v2].<algorithm>.with.salt.<salt>` is expected, with MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512"
    ))
}

/// `None` for another key, `Some(None)` for one that is written wrong.
fn rule(key: &str) -> Option<Option<Mapping>> {
    let number = |text: &str| text.strip_suffix(".chars")?.parse::<usize>().ok();
    if let Some(rest) = key.strip_prefix("column.truncate.to.") {
        return Some(number(rest).map(Mapping::Truncate));
    }
    if let Some(rest) = key.strip_prefix("column.mask.with.") {
        return Some(number(rest).map(|length| Mapping::Mask(ByteString::from("*".repeat(length)))));
    }
    if key == DATATYPE || key == "column.propagate.source.type" {
        return Some(Some(Mapping::SourceType));
    }
    let rest = key.strip_prefix("column.mask.hash.")?;
    let (rest, version) =
        rest.strip_prefix("v2.").map_or((rest, HashVersion::Serialized), |rest| (rest, HashVersion::Plain));
    let hash = || {
        let (algorithm, salt) = rest.split_once(".with.salt.").filter(|(_, salt)| !salt.is_empty())?;
        Some(Mapping::Hash { algorithm: MessageDigestName::parse(algorithm)?, salt: salt.into(), version })
    };
    Some(hash())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str) -> Result<ColumnMappings> {
        ColumnMappings::parse(&[(key.to_owned(), "public.t.secret".to_owned())].into_iter().collect())
    }

    #[test]
    fn keys_carry_their_rule_in_their_name() {
        let table = TableName { schema: "public".into(), name: "t".into() };
        let rule = |key| parse(key).unwrap().of(&table, "secret", "text").cloned();
        assert_eq!(rule("column.truncate.to.5.chars"), Some(Mapping::Truncate(5)));
        assert_eq!(rule("column.mask.with.3.chars"), Some(Mapping::Mask("***".into())));
        assert_eq!(rule("column.mask.with.0.chars"), Some(Mapping::Mask("".into())));
        let hash = |version| Some(Mapping::Hash { algorithm: MessageDigestName::Sha256, salt: "a.b".into(), version });
        assert_eq!(rule("column.mask.hash.SHA-256.with.salt.a.b"), hash(HashVersion::Serialized));
        assert_eq!(rule("column.mask.hash.v2.SHA-256.with.salt.a.b"), hash(HashVersion::Plain));
        assert_eq!(parse("column.mask.with.3.chars").unwrap().of(&table, "other", "text"), None);
        for wrong in ["column.mask.with.x.chars", "column.mask.hash.CRC.with.salt.a", "column.truncate.to.5"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
