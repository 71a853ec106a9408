//! Connect headers: an ordered multimap from name to value with schema (`ConnectHeaders`).

use std::sync::Arc;

use crate::data::{Schema, SchemaType, Value, logical, type_of};
use crate::error::{ConnectError, Result};

/// One header.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The name.
    pub key: Arc<str>,
    /// The schema, `None` for schemaless.
    pub schema: Option<Schema>,
    /// The value.
    pub value: Value,
}

/// The headers of a record in their order; a name may occur more than once. Empty headers allocate nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a header at the end.
    ///
    /// # Errors
    /// `Data` when `schema` is given and `value` does not fit it (texts of connect-plugins.md 1.1).
    pub fn add(&mut self, key: impl Into<Arc<str>>, schema: Option<Schema>, value: Value) -> Result<()> {
        let schema = match (schema, &value) {
            (Some(schema), value) => {
                check(&schema, value)?;
                Some(schema)
            }
            // A header without schema has the one that its struct has (`ConnectHeader.schema`).
            (None, Value::Struct(value)) => Some(value.schema().clone()),
            (None, _) => None,
        };
        self.0.push(Header { key: key.into(), schema, value });
        Ok(())
    }

    /// The last header of that name.
    pub fn last_with_name(&self, key: &str) -> Option<&Header> {
        self.0.iter().rev().find(|header| &*header.key == key)
    }

    /// Every header of that name, in order.
    pub fn all_with_name<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Header> {
        self.0.iter().filter(move |header| &*header.key == key)
    }

    /// Removes every header of that name.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|header| &*header.key != key);
    }

    /// Keeps only the last header of that name.
    pub fn retain_latest(&mut self, key: &str) {
        let Some(last) = self.0.iter().rposition(|header| &*header.key == key) else { return };
        let mut at = 0;
        self.0.retain(|header| {
            at += 1;
            &*header.key != key || at - 1 == last
        });
    }

    /// The headers in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// The number of headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn check(schema: &Schema, value: &Value) -> Result<()> {
    if value.is_null() && !schema.is_optional() {
        return Err(ConnectError::data(format!("A null value requires an optional schema but was {schema}")));
    }
    if value.is_null() || class_fits(schema, value) {
        return Ok(());
    }
    Err(ConnectError::data(format!("The value {value} is not compatible with the schema {schema}")))
}

/// Kafka Connect looks at the class alone, not into collections, and takes both the logical and the plain class.
fn class_fits(schema: &Schema, value: &Value) -> bool {
    let plain = type_of(value) == Some(schema.schema_type());
    plain
        || match (schema.name(), value) {
            (Some(logical::DECIMAL), Value::Decimal(_)) => schema.schema_type() == SchemaType::Bytes,
            (Some(logical::DATE | logical::TIME), Value::Date(_)) => schema.schema_type() == SchemaType::Int32,
            (Some(logical::TIMESTAMP), Value::Date(_)) => schema.schema_type() == SchemaType::Int64,
            _ => false,
        }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SchemaBuilder, Struct, parse_string};

    #[test]
    fn the_class_of_a_value_must_fit_its_schema() {
        let mut headers = Headers::new();
        headers.add("t", Some(logical::timestamp()), Value::Date(1)).unwrap();
        headers.add("t", Some(logical::timestamp()), 1i64.into()).unwrap();
        headers.add("n", Some(Schema::OPTIONAL_INT8), Value::Null).unwrap();
        headers.add("x", None, Value::Null).unwrap();
        let mixed = parse_string("[1, a]");
        headers.add("mixed", mixed.schema, mixed.value).unwrap();
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            message(headers.add("n", Some(Schema::INT8), Value::Null)),
            "A null value requires an optional schema but was Schema{INT8}"
        );
        assert_eq!(
            message(headers.add("d", Some(logical::date()), 1i64.into())),
            "The value 1 is not compatible with the schema Schema{org.apache.kafka.connect.data.Date:INT32}"
        );
        assert_eq!(headers.len(), 5);
        let of_struct = SchemaBuilder::structure().build().unwrap();
        headers.add("s", None, Struct::new(of_struct.clone()).unwrap().into()).unwrap();
        assert_eq!(headers.last_with_name("s").unwrap().schema, Some(of_struct));
    }
}
