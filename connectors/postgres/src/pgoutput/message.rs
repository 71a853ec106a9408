//! Messages (PostgreSQL manual, "Logical Replication Message Formats").

use bytes::Bytes;

use super::reader::Reader;
use super::{Malformed, Tuple};

/// What a table looked like when the rows that follow were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    /// `d`efault, `n`othing, `f`ull or `i`ndex.
    pub(crate) replica_identity: u8,
    pub(crate) columns: Vec<Column>,
}

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Part of the replica identity.
    pub(crate) is_key: bool,
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    /// `atttypmod`, -1 for none.
    pub(crate) type_modifier: i32,
}

/// What an update or delete tells of the row as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OldTuple {
    /// Only the columns of the replica identity are there, the others are null.
    pub(crate) key_only: bool,
    pub(crate) tuple: Tuple,
}

/// A message. Times are microseconds since 2000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Begin { final_lsn: u64, commit_micros: i64, xid: u32 },
    Commit { commit_lsn: u64, end_lsn: u64, commit_micros: i64 },
    Origin { lsn: u64, name: String },
    Relation(Relation),
    Type,
    Insert { relation: u32, new: Tuple },
    Update { relation: u32, old: Option<OldTuple>, new: Tuple },
    Delete { relation: u32, old: OldTuple },
    Truncate { relations: Vec<u32> },
    Logical { transactional: bool, lsn: u64, prefix: String, content: Bytes },
}

impl Message {
    /// Reads a message; what it holds shares the memory of `bytes`.
    ///
    /// # Errors
    /// When the bytes do not follow the protocol. What follows the message is passed over, as a newer server may say more.
    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        Ok(match reader.tag()? {
            b'I' => {
                let relation = reader.u32()?;
                expect_new(&mut reader)?;
                Self::Insert { relation, new: Tuple::read(&mut reader)? }
            }
            b'U' => update(&mut reader)?,
            b'D' => {
                let relation = reader.u32()?;
                let kind = reader.u8()?;
                Self::Delete { relation, old: old(&mut reader, kind)? }
            }
            b'B' => Self::Begin { final_lsn: reader.u64()?, commit_micros: reader.i64()?, xid: reader.u32()? },
            b'C' => {
                reader.u8()?;
                Self::Commit { commit_lsn: reader.u64()?, end_lsn: reader.u64()?, commit_micros: reader.i64()? }
            }
            b'R' => Self::Relation(relation(&mut reader)?),
            b'T' => truncate(&mut reader)?,
            b'M' => logical(&mut reader)?,
            b'O' => Self::Origin { lsn: reader.u64()?, name: reader.text()? },
            b'Y' => Self::Type,
            _ => return Err(reader.malformed("a type that is not known")),
        })
    }
}

fn expect_new(reader: &mut Reader) -> Result<(), Malformed> {
    match reader.u8()? {
        b'N' => Ok(()),
        _ => Err(reader.malformed("no new row")),
    }
}

fn old(reader: &mut Reader, kind: u8) -> Result<OldTuple, Malformed> {
    match kind {
        b'K' | b'O' => Ok(OldTuple { key_only: kind == b'K', tuple: Tuple::read(reader)? }),
        _ => Err(reader.malformed("no old row")),
    }
}

fn update(reader: &mut Reader) -> Result<Message, Malformed> {
    let relation = reader.u32()?;
    let old = match reader.u8()? {
        b'N' => None,
        kind => {
            let old = old(reader, kind)?;
            expect_new(reader)?;
            Some(old)
        }
    };
    Ok(Message::Update { relation, old, new: Tuple::read(reader)? })
}

fn relation(reader: &mut Reader) -> Result<Relation, Malformed> {
    let (oid, schema, name) = (reader.u32()?, reader.text()?, reader.text()?);
    let replica_identity = reader.u8()?;
    let count = reader.u16()?;
    let mut columns = Vec::with_capacity(usize::from(count).min(1600));
    for _ in 0..count {
        columns.push(Column {
            is_key: reader.u8()? & 1 == 1,
            name: reader.text()?,
            type_oid: reader.u32()?,
            type_modifier: reader.i32()?,
        });
    }
    // The system catalog is written as an empty name.
    let schema = if schema.is_empty() { "pg_catalog".to_owned() } else { schema };
    Ok(Relation { oid, schema, name, replica_identity, columns })
}

fn truncate(reader: &mut Reader) -> Result<Message, Malformed> {
    let count = reader.u32()?;
    reader.u8()?;
    let mut relations = Vec::new();
    for _ in 0..count {
        relations.push(reader.u32()?);
    }
    Ok(Message::Truncate { relations })
}

fn logical(reader: &mut Reader) -> Result<Message, Malformed> {
    let transactional = reader.u8()? & 1 == 1;
    let (lsn, prefix) = (reader.u64()?, reader.text()?);
    let length = reader.u32()? as usize;
    Ok(Message::Logical { transactional, lsn, prefix, content: reader.bytes(length)? })
}
