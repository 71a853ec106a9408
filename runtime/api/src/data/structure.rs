//! Structs: values of a struct schema.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use super::validation::validate_field;
use super::{Field, Map, Schema, SchemaType, Value};
use crate::error::{ConnectError, Result};

/// A record of named fields. Fields that were not put are null.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    schema: Schema,
    values: Box<[Value]>,
}

macro_rules! getters {
    ($($method:ident $variant:ident $ty:ty),* $(,)?) => {$(
        #[doc = concat!("The ", stringify!($variant), " in a field, `None` when it is null. Defaults are not applied.")]
        ///
        /// # Errors
        /// `Data` when there is no such field or it has another type.
        pub fn $method(&self, field: &str) -> Result<Option<&$ty>> {
            match self.checked(field, SchemaType::$variant)? {
                Value::$variant(value) => Ok(Some(value)),
                _ => Ok(None),
            }
        }
    )*};
}

impl Struct {
    /// A struct whose fields are all null.
    ///
    /// # Errors
    /// `Data` when `schema` is no struct schema.
    pub fn new(schema: Schema) -> Result<Self> {
        if schema.schema_type() != SchemaType::Struct {
            return Err(ConnectError::data(format!("Not a struct schema: {schema}")));
        }
        let values = std::iter::repeat_with(|| Value::Null).take(schema.fields()?.len()).collect();
        Ok(Self { schema, values })
    }

    /// The schema.
    #[inline]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The value of a field, or its default when it is null.
    ///
    /// # Errors
    /// `Data` when there is no such field.
    pub fn get(&self, field: &str) -> Result<&Value> {
        Ok(self.get_field(self.lookup(field)?))
    }

    /// The value of a field of this struct's schema, or its default when it is null.
    #[inline]
    pub fn get_field<'a>(&'a self, field: &'a Field) -> &'a Value {
        match &self.values[field.index()] {
            Value::Null => field.schema().default_value().unwrap_or(&Value::Null),
            value => value,
        }
    }

    /// The value of a field as it was put.
    ///
    /// # Errors
    /// `Data` when there is no such field.
    pub fn get_without_default(&self, field: &str) -> Result<&Value> {
        Ok(&self.values[self.lookup(field)?.index()])
    }

    getters! {
        get_int8 Int8 i8, get_int16 Int16 i16, get_int32 Int32 i32, get_int64 Int64 i64, get_float32 Float32 f32,
        get_float64 Float64 f64, get_boolean Boolean bool, get_string String ByteString, get_bytes Bytes Bytes,
        get_array Array Vec<Value>, get_map Map Map, get_struct Struct Struct,
    }

    /// Sets a field. Null needs an optional field, even when it has a default.
    ///
    /// # Errors
    /// `Data` when there is no such field or the value does not fit it.
    pub fn put(&mut self, field: &str, value: impl Into<Value>) -> Result<&mut Self> {
        let value = value.into();
        let field = self.lookup(field)?;
        validate_field(field.name(), field.schema(), &value)?;
        let index = field.index();
        self.values[index] = value;
        Ok(self)
    }

    /// As [`Struct::put`], for a field of this struct's own schema.
    ///
    /// # Errors
    /// `Data` when the value does not fit the field.
    pub fn put_field(&mut self, field: &Field, value: Value) -> Result<()> {
        validate_field(field.name(), field.schema(), &value)?;
        self.values[field.index()] = value;
        Ok(())
    }

    /// As [`Struct::put_field`], for a value that was checked before: it comes out of a field of the same schema. Only what such a
    /// value can still be, null, is checked.
    ///
    /// # Errors
    /// `Data` when the field is required and the value null.
    pub fn put_checked(&mut self, field: &Field, value: Value) -> Result<()> {
        if value.is_null() && !field.schema().is_optional() {
            validate_field(field.name(), field.schema(), &value)?;
        }
        self.values[field.index()] = value;
        Ok(())
    }

    /// As [`Struct::put`], for building a struct in one expression.
    ///
    /// # Errors
    /// As for [`Struct::put`].
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Result<Self> {
        self.put(field, value)?;
        Ok(self)
    }

    /// The values as they were put, in the order of the fields.
    #[inline]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values as they were put, in the order of the fields.
    #[inline]
    pub fn into_values(self) -> Box<[Value]> {
        self.values
    }

    /// A struct of values that were checked before: each was put into a field of the same schema. Only what such a value can
    /// still be, null, is checked here as in [`Struct::put`].
    ///
    /// # Errors
    /// `Data` when `schema` is no struct schema, has another number of fields or a required one is null.
    pub fn from_checked(schema: Schema, values: impl Into<Box<[Value]>>) -> Result<Self> {
        let values = values.into();
        let fields = schema.fields()?;
        if fields.len() != values.len() {
            return Err(ConnectError::data(format!("{} values for {} fields", values.len(), fields.len())));
        }
        for (field, value) in fields.iter().zip(&values) {
            if value.is_null() && !field.schema().is_optional() {
                validate_field(field.name(), field.schema(), value)?;
            }
        }
        Ok(Self { schema, values })
    }

    /// Checks every field; null is right where the field is optional or has a default.
    ///
    /// # Errors
    /// `Data` for the first field that does not fit.
    pub fn validate(&self) -> Result<()> {
        for field in self.schema.fields()? {
            let value = &self.values[field.index()];
            if value.is_null() && (field.schema().is_optional() || field.schema().default_value().is_some()) {
                continue;
            }
            validate_field(field.name(), field.schema(), value)?;
        }
        Ok(())
    }

    /// As [`Value::write_text`]: `Struct{a=1,b=x}`, without the fields that are null.
    pub(super) fn write_text<W: fmt::Write>(&self, out: &mut W) -> fmt::Result {
        out.write_str("Struct{")?;
        let fields = self.schema.fields().unwrap_or_default();
        let mut separator = "";
        for (field, value) in fields.iter().zip(&self.values).filter(|(_, value)| !value.is_null()) {
            out.write_str(separator)?;
            out.write_str(field.name())?;
            out.write_str("=")?;
            value.write_text(out)?;
            separator = ",";
        }
        out.write_str("}")
    }

    fn lookup(&self, name: &str) -> Result<&Field> {
        let field = self.schema.field(name)?;
        field.ok_or_else(|| ConnectError::data(format!("{name} is not a valid field name")))
    }

    fn checked(&self, name: &str, schema_type: SchemaType) -> Result<&Value> {
        let field = self.lookup(name)?;
        if field.schema().schema_type() != schema_type {
            return Err(ConnectError::data(format!("Field '{name}' is not of type {schema_type}")));
        }
        Ok(&self.values[field.index()])
    }
}

impl fmt::Display for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_text(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SchemaBuilder;
    use super::*;

    fn schema() -> Schema {
        let with_default = SchemaBuilder::int8().default(7i8).build().unwrap();
        SchemaBuilder::structure()
            .field("a", Schema::INT32)
            .field("b", Schema::OPTIONAL_STRING)
            .field("d", with_default)
            .build()
            .unwrap()
    }

    #[test]
    fn defaults_show_in_get_alone() {
        let value = Struct::new(schema()).unwrap().with("a", 1).unwrap();
        assert_eq!(*value.get("d").unwrap(), Value::Int8(7));
        assert_eq!(*value.get_without_default("d").unwrap(), Value::Null);
        assert_eq!(value.get_int8("d").unwrap(), None);
        assert_eq!(value.get_int32("a").unwrap(), Some(&1));
        value.validate().unwrap();
    }

    #[test]
    fn text_leaves_nulls_out() {
        let value = Struct::new(schema()).unwrap().with("a", 1).unwrap().with("b", "x").unwrap();
        assert_eq!(value.to_string(), "Struct{a=1,b=x}");
        assert_eq!(Struct::new(schema()).unwrap().to_string(), "Struct{}");
    }

    #[test]
    fn mistakes_are_named() {
        let mut value = Struct::new(schema()).unwrap();
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(message(value.get("zz").map(drop)), "zz is not a valid field name");
        assert_eq!(message(value.get_int8("a").map(drop)), "Field 'a' is not of type INT8");
        assert_eq!(
            message(value.put("d", Value::Null).map(drop)),
            "Invalid value: null used for required field: \"d\", schema type: INT8"
        );
        assert_eq!(message(Struct::new(Schema::INT8).map(drop)), "Not a struct schema: Schema{INT8}");
        assert_eq!(message(value.validate()), "Invalid value: null used for required field: \"a\", schema type: INT32");
    }
}
