//! The Connect data model: schemas, values, structs, logical types, and the Java forms that contracts are made of
//! (`toString`, `HashMap` order). Facts: connect-plugins.md 1.1 and 1.2.

mod builder;
mod decimal;
mod java_order;
mod json;
pub mod logical;
mod schema;
mod structure;
mod text;
mod validation;
mod value;
mod values;

pub use builder::SchemaBuilder;
pub use decimal::{BigDecimal, ParseDecimalError};
pub use java_order::{java_hash_order, java_hash_order_by, java_hash_order_of_capacity_by, java_string_hash};
pub use json::{Decimals, to_json};
pub use schema::{Field, Schema, SchemaType};
pub use structure::Struct;
pub use text::{civil_from_days, java_double_text, java_float_text};
pub(crate) use validation::type_of;
pub use validation::validate;
pub use value::{Map, SchemaAndValue, Value};
pub use values::{convert_to_string, parse_string};
