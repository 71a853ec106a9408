//! What cases are made of: random schemas, values and records, weighted to where implementations part: nulls, defaults, wrong
//! types, edges of numbers, text beyond the basic plane, dates before 1970.

mod chance;
mod mutation;
mod record;
mod schema;
mod text;
mod value;

use text::plain_field_name;

pub(super) use chance::Chance;
pub(super) use mutation::mutated;
pub(super) use record::{record, record_of};
pub(super) use schema::{Shape, schema, structure};
pub(super) use text::{FIELDS, bytes, field_name, number_text, text};

pub(super) use value::{loose, of_schema, of_schema_with_gaps};
