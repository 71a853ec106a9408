//! Passing over what the reader does not want.

use sluice_api::{ConnectError, Result};

use super::Input;
use crate::avro::schema::{AvroSchema, Kind, NodeId};

const MOST_TYPES: usize = 50_000;
const DEEPEST: usize = 150;

/// How a value of the writer is passed over.
#[derive(Debug)]
pub(super) enum Skip {
    Bytes(usize),
    Number,
    Sized,
    Items(Box<Skip>),
    Pairs(Box<Skip>),
    All(Vec<Skip>),
    Branches(Vec<Skip>),
}

impl Skip {
    /// # Errors
    /// `Data` for a recursive schema, or one that unfolds without end.
    pub(super) fn compile(schema: &AvroSchema, id: NodeId) -> Result<Self> {
        compile(schema, id, &mut Vec::new(), &mut 0)
    }

    /// Passes over one value.
    pub(super) fn over(&self, input: &mut Input<'_>) -> Result<()> {
        match self {
            Self::Bytes(size) => input.skip(*size)?,
            Self::Number => drop(input.long()?),
            Self::Sized => drop(input.bytes()?),
            Self::Items(item) => blocks(input, |input| item.over(input))?,
            Self::Pairs(value) => blocks(input, |input| {
                input.bytes()?;
                value.over(input)
            })?,
            Self::All(fields) => fields.iter().try_for_each(|field| field.over(input))?,
            Self::Branches(branches) => {
                let index = input.index(branches.len(), "branch of a union")?;
                branches[index].over(input)?;
            }
        }
        Ok(())
    }
}

fn blocks(input: &mut Input<'_>, mut item: impl FnMut(&mut Input<'_>) -> Result<()>) -> Result<()> {
    let mut seen = 0;
    loop {
        let count = input.block()?;
        if count == 0 {
            return Ok(());
        }
        input.admit(seen, count)?;
        seen += count;
        for _ in 0..count {
            item(input)?;
        }
    }
}

fn compile(schema: &AvroSchema, id: NodeId, open: &mut Vec<NodeId>, types: &mut usize) -> Result<Skip> {
    *types += 1;
    if open.contains(&id) || *types > MOST_TYPES || open.len() > DEEPEST {
        return Err(ConnectError::data("the writer's Avro schema is recursive or unfolds to too many types"));
    }
    open.push(id);
    let mut all = |ids: &mut dyn Iterator<Item = NodeId>| {
        ids.map(|id| compile(schema, id, open, types)).collect::<Result<Vec<_>>>()
    };
    let skip = match schema.kind(id) {
        Kind::Null => Skip::Bytes(0),
        Kind::Boolean => Skip::Bytes(1),
        Kind::Int | Kind::Long | Kind::Enum(_) => Skip::Number,
        Kind::Float => Skip::Bytes(4),
        Kind::Double => Skip::Bytes(8),
        Kind::Bytes | Kind::String => Skip::Sized,
        Kind::Fixed { size, .. } => Skip::Bytes(*size),
        Kind::Array(items) => Skip::Items(Box::new(Skip::All(all(&mut [*items].into_iter())?))),
        Kind::Map(values) => Skip::Pairs(Box::new(Skip::All(all(&mut [*values].into_iter())?))),
        Kind::Union(branches) => Skip::Branches(all(&mut branches.iter().copied())?),
        Kind::Record(record) => Skip::All(all(&mut record.fields.iter().map(|field| field.schema))?),
    };
    open.pop();
    Ok(skip)
}
