//! A part of a change event that is added to the row or to the headers (`add.fields`, `add.headers`).

use std::sync::Arc;

use sluice_api::{ConnectError, Result, Schema, Struct, Value};

use super::super::splitting::{split, trim};
use crate::schema_basics::same_type_with_basics;

/// `source.ts_ms`, `op`, `source.ts_ms:when`, ….
#[derive(Debug, PartialEq)]
pub(super) struct AddedField {
    /// The struct of the event that the field is in, if any.
    parent: Option<String>,
    /// The field.
    pub(super) field: String,
    /// What it is called in the row or header.
    pub(super) name: Arc<str>,
}

/// Where an added field is in the events of one schema, and the schema that it has afterwards.
pub(super) struct Source {
    pub(super) schema: Schema,
    parent: Option<usize>,
    /// Whether the field is in the parent; if not, it is in the event itself, where another transformation put it.
    in_parent: bool,
    field: usize,
}

impl AddedField {
    /// The fields of a comma separated list.
    ///
    /// # Errors
    /// What is wrong with the entry that is.
    pub(super) fn list(list: &str, prefix: &str) -> Result<Vec<Self>, String> {
        if list.is_empty() {
            return Ok(Vec::new());
        }
        split(list, ',').into_iter().map(|entry| Self::parse(trim(entry), prefix)).collect()
    }

    fn parse(entry: &str, prefix: &str) -> Result<Self, String> {
        let wrong = || format!("Unexpected field name: {entry}");
        let parts = split(entry, ':');
        let path = split(parts.first().ok_or_else(wrong)?, '.');
        let (parent, field) = match path[..] {
            [] => return Err(wrong()),
            [field] => (parent_of(field), field),
            [parent, field, ..] => (Some(parent), field),
        };
        let name = match (&parts[..], path.len(), parent) {
            ([_, renamed], ..) => format!("{prefix}{renamed}"),
            ([_], 2.., Some(parent)) => format!("{prefix}{parent}_{field}"),
            ([_], ..) => format!("{prefix}{field}"),
            _ => return Err(wrong()),
        };
        Ok(Self { parent: parent.map(str::to_owned), field: field.to_owned(), name: name.into() })
    }

    /// Where the field is in events of this schema; `None` when they have it neither in the parent nor themselves.
    ///
    /// # Errors
    /// `Data` when there is no such parent or it is no struct.
    pub(super) fn source(&self, event: &Schema) -> Result<Option<Source>> {
        let parent = match &self.parent {
            None => None,
            Some(name) => {
                let parent = event.field(name)?;
                Some(parent.ok_or_else(|| ConnectError::data(format!("the change event has no field {name}")))?)
            }
        };
        let in_parent = match parent {
            Some(parent) => parent.schema().field(&self.field)?,
            None => None,
        };
        let Some(field) = in_parent.or(event.field(&self.field)?) else { return Ok(None) };
        Ok(Some(Source {
            schema: same_type_with_basics(field.schema()).optional().build()?,
            parent: parent.map(|parent| parent.index()),
            in_parent: in_parent.is_some(),
            field: field.index(),
        }))
    }
}

impl Source {
    /// The raw value; null when the parent is null.
    pub(super) fn value(&self, event: &Struct) -> Value {
        match self.parent.map(|at| &event.values()[at]) {
            Some(Value::Struct(parent)) if self.in_parent => parent.values()[self.field].clone(),
            Some(Value::Struct(_)) | None => event.values()[self.field].clone(),
            Some(_) => Value::Null,
        }
    }
}

/// The struct that a field without a path is in.
fn parent_of(field: &str) -> Option<&'static str> {
    match field {
        "id" | "data_collection_order" | "total_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        "updateDescription" => Some("updateDescription"),
        _ => Some("source"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(entry: &str) -> (Option<String>, String, String) {
        let field = AddedField::parse(entry, "__").unwrap();
        (field.parent, field.field, field.name.to_string())
    }

    #[test]
    fn an_entry_says_where_a_field_is_and_what_it_is_called() {
        let owned = |parent: Option<&str>, field: &str, name: &str| {
            (parent.map(str::to_owned), field.to_owned(), name.to_owned())
        };
        assert_eq!(parsed("op"), owned(None, "op", "__op"));
        assert_eq!(parsed("lsn"), owned(Some("source"), "lsn", "__lsn"));
        assert_eq!(parsed("id"), owned(Some("transaction"), "id", "__id"));
        assert_eq!(parsed("source.ts_ms"), owned(Some("source"), "ts_ms", "__source_ts_ms"));
        assert_eq!(parsed("source.ts_ms:when"), owned(Some("source"), "ts_ms", "__when"));
        assert_eq!(parsed("a.b.c"), owned(Some("a"), "b", "__a_b"));
        assert_eq!(parsed("op:"), owned(None, "op", "__op"));
        for wrong in ["a:b:c", ":", "."] {
            assert_eq!(AddedField::parse(wrong, "__"), Err(format!("Unexpected field name: {wrong}")));
        }
        assert_eq!(AddedField::list("op, lsn ,", "").unwrap().len(), 2);
    }
}
