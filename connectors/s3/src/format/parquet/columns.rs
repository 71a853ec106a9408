//! The values of a row group, column by column, with their levels.

use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::writer::{SerializedColumnWriter, SerializedRowGroupWriter};
use sluice_api::{ConnectError, Result};

use super::failed;
use super::plan::Plan;

/// All columns, in the order of the schema's leaves.
pub(super) struct Columns {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    bytes_before: usize,
}

/// What kind of values a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Float,
    Double,
    Bytes,
}

struct Column {
    values: Values,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    max_definition: i16,
    max_repetition: i16,
    /// Values and levels before the row in hand.
    before: (usize, usize),
}

enum Values {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

/// One value of a column.
pub(super) enum Scalar {
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
}

impl Columns {
    pub(super) fn of(plan: &Plan) -> Self {
        let column = |leaf: &(Physical, i16, i16)| Column {
            values: Values::of(leaf.0),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            max_definition: leaf.1,
            max_repetition: leaf.2,
            before: (0, 0),
        };
        Self { columns: plan.leaves().iter().map(column).collect(), rows: 0, bytes: 0, bytes_before: 0 }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Of values and levels.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What empty columns take.
    pub(super) fn overhead_bytes(&self) -> usize {
        self.columns.len() * 256
    }

    pub(super) fn begin_row(&mut self) {
        self.bytes_before = self.bytes;
        for column in &mut self.columns {
            column.before = (column.values.len(), column.definitions.len());
        }
    }

    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Takes the row in hand, or the last one, back.
    pub(super) fn undo_row(&mut self) {
        self.bytes = self.bytes_before;
        for column in &mut self.columns {
            column.values.truncate(column.before.0);
            column.definitions.truncate(column.before.1);
            column.repetitions.truncate(column.before.1);
        }
        let levels =
            self.columns.first().map_or(0, |column| column.repetitions.iter().filter(|level| **level == 0).count());
        self.rows = levels;
    }

    /// A value that is there.
    pub(super) fn push(&mut self, leaf: usize, scalar: Scalar, repetition: i16) -> Result<()> {
        let column = &mut self.columns[leaf];
        self.bytes += 4 + scalar.bytes();
        column.values.push(scalar)?;
        column.definitions.push(column.max_definition);
        column.repetitions.push(repetition);
        Ok(())
    }

    /// A place without value, defined up to a level.
    pub(super) fn push_null(&mut self, leaf: usize, definition: i16, repetition: i16) {
        let column = &mut self.columns[leaf];
        self.bytes += 4;
        column.definitions.push(definition);
        column.repetitions.push(repetition);
    }

    /// Writes all columns and empties them.
    pub(super) fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<()> {
        for column in &mut self.columns {
            let writer = group.next_column().map_err(failed)?;
            let mut writer = writer.ok_or_else(|| ConnectError::connect("Parquet has fewer columns than the plan"))?;
            column.write(&mut writer)?;
            writer.close().map_err(failed)?;
            column.clear();
        }
        (self.rows, self.bytes, self.bytes_before) = (0, 0, 0);
        Ok(())
    }
}

impl Column {
    fn write(&self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match &self.values {
            Values::Boolean(values) => self.typed::<BoolType>(writer, values),
            Values::Int32(values) => self.typed::<Int32Type>(writer, values),
            Values::Int64(values) => self.typed::<Int64Type>(writer, values),
            Values::Float(values) => self.typed::<FloatType>(writer, values),
            Values::Double(values) => self.typed::<DoubleType>(writer, values),
            Values::Bytes(values) => self.typed::<ByteArrayType>(writer, values),
        }
    }

    fn typed<T: DataType>(&self, writer: &mut SerializedColumnWriter<'_>, values: &[T::T]) -> Result<()> {
        let definitions = (self.max_definition > 0).then_some(&*self.definitions);
        let repetitions = (self.max_repetition > 0).then_some(&*self.repetitions);
        writer.typed::<T>().write_batch(values, definitions, repetitions).map(drop).map_err(failed)
    }

    fn clear(&mut self) {
        self.values.truncate(0);
        self.definitions.clear();
        self.repetitions.clear();
        self.before = (0, 0);
    }
}

macro_rules! each {
    ($values:expr, $vec:ident => $what:expr) => {
        match $values {
            Values::Boolean($vec) => $what,
            Values::Int32($vec) => $what,
            Values::Int64($vec) => $what,
            Values::Float($vec) => $what,
            Values::Double($vec) => $what,
            Values::Bytes($vec) => $what,
        }
    };
}

impl Values {
    fn of(physical: Physical) -> Self {
        match physical {
            Physical::Boolean => Self::Boolean(Vec::new()),
            Physical::Int32 => Self::Int32(Vec::new()),
            Physical::Int64 => Self::Int64(Vec::new()),
            Physical::Float => Self::Float(Vec::new()),
            Physical::Double => Self::Double(Vec::new()),
            Physical::Bytes => Self::Bytes(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    fn truncate(&mut self, len: usize) {
        each!(self, values => values.truncate(len));
    }

    fn push(&mut self, scalar: Scalar) -> Result<()> {
        match (self, scalar) {
            (Self::Boolean(values), Scalar::Boolean(value)) => values.push(value),
            (Self::Int32(values), Scalar::Int32(value)) => values.push(value),
            (Self::Int64(values), Scalar::Int64(value)) => values.push(value),
            (Self::Float(values), Scalar::Float(value)) => values.push(value),
            (Self::Double(values), Scalar::Double(value)) => values.push(value),
            (Self::Bytes(values), Scalar::Bytes(value)) => values.push(value.into()),
            _ => return Err(ConnectError::data("a value does not have the type of its schema")),
        }
        Ok(())
    }
}

impl Scalar {
    fn bytes(&self) -> usize {
        match self {
            Self::Boolean(_) => 1,
            Self::Int32(_) | Self::Float(_) => 4,
            Self::Int64(_) | Self::Double(_) => 8,
            // The place in the column and the allocation.
            Self::Bytes(bytes) => bytes.len() + 48,
        }
    }
}
