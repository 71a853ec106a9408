//! Types by OID, read when they are first met.

use std::collections::HashMap;
use std::sync::Arc;

use crate::client::{Connection, Error, Result};

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeKind {
    Base,
    Array,
    Enum,
    Domain,
    /// Composite, multirange, pseudo types.
    Other,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeInfo {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: TypeKind,
    /// The type of an array's elements, 0 for none.
    pub(crate) element: u32,
    /// What stands between the elements of an array of this type.
    pub(crate) delimiter: u8,
    /// The type that a domain is made of, and its modifier.
    pub(crate) base: u32,
    pub(crate) base_modifier: i32,
    /// The labels of an enum in their order.
    pub(crate) labels: Vec<String>,
}

/// The types that were met so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types(HashMap<u32, Arc<TypeInfo>>);

impl Types {
    /// A type that was read.
    pub(crate) fn get(&self, oid: u32) -> Option<&Arc<TypeInfo>> {
        self.0.get(&oid)
    }

    /// Reads the types of `oids` and those that they are made of, unless they are known. Enums are read again, as labels can be
    /// added to them.
    pub(crate) async fn load(&mut self, connection: &mut Connection, oids: &[u32]) -> Result<()> {
        let mut wanted: Vec<u32> = oids.to_vec();
        for oid in oids {
            self.0.retain(|known, info| known != oid || info.kind != TypeKind::Enum);
        }
        while !wanted.is_empty() {
            wanted.retain(|oid| *oid != 0 && !self.0.contains_key(oid));
            wanted.sort_unstable();
            wanted.dedup();
            if wanted.is_empty() {
                break;
            }
            let list: Vec<String> = wanted.iter().map(u32::to_string).collect();
            let mut next = Vec::new();
            for row in connection.query(&statement(&list.join(","))).await? {
                let oid = row.number(0).ok_or_else(|| Error::Protocol("pg_type without oid".to_owned()))?;
                let info = info(&row);
                next.extend([info.element, info.base]);
                self.0.insert(oid, Arc::new(info));
            }
            wanted = next;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn insert(&mut self, oid: u32, info: TypeInfo) {
        self.0.insert(oid, Arc::new(info));
    }
}

fn statement(oids: &str) -> String {
    format!(
        "SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typelem, t.typdelim, t.typbasetype, t.typtypmod, \
         (SELECT string_agg(e.enumlabel, E'\\x01' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) \
         FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN ({oids})"
    )
}

fn info(row: &crate::client::Row) -> TypeInfo {
    let element: u32 = row.number(5).unwrap_or(0);
    let kind = match (row.text_or_empty(3), row.text_or_empty(4)) {
        ("e", _) => TypeKind::Enum,
        ("d", _) => TypeKind::Domain,
        ("b", "A") if element != 0 => TypeKind::Array,
        ("b" | "r", _) => TypeKind::Base,
        _ => TypeKind::Other,
    };
    TypeInfo {
        schema: row.text_or_empty(1).to_owned(),
        name: row.text_or_empty(2).to_owned(),
        kind,
        element: if kind == TypeKind::Array { element } else { 0 },
        delimiter: row.text_or_empty(6).bytes().next().unwrap_or(b','),
        base: row.number(7).unwrap_or(0),
        base_modifier: row.number(8).unwrap_or(-1),
        labels: row.text(9).map(|text| text.split('\u{1}').map(str::to_owned).collect()).unwrap_or_default(),
    }
}
