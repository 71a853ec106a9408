//! `schema.compatibility`: which changes of the schema complete the open objects, and how records of another version get into them.

use sluice_api::data::Map;
use sluice_api::{ConnectError, Result, Schema, SchemaType, SinkRecord, Struct, Value};

use crate::partitioner::record_error;

/// The mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compatibility {
    /// Every change completes the objects.
    None,
    /// A newer version completes them, older records are projected up to it. FULL is the same to a sink.
    Backward,
    /// An older version completes them, newer records are projected down.
    Forward,
    /// The format holds records of any schema beside each other (Aiven's CSV and JSON).
    Ignored,
}

impl Compatibility {
    /// The mode of that name, in any case.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        match name.to_uppercase().as_str() {
            "NONE" => Ok(Self::None),
            "BACKWARD" | "FULL" => Ok(Self::Backward),
            "FORWARD" => Ok(Self::Forward),
            _ => Err("expected NONE, BACKWARD, FORWARD or FULL".into()),
        }
    }

    /// Whether a record cannot go into objects of values of the schema `open`.
    ///
    /// # Errors
    /// `Data` when records with and without schema are mixed, or a version is missing that the mode needs.
    #[inline]
    pub(crate) fn ends_file(self, record: &SinkRecord, open: Option<&Schema>) -> Result<bool> {
        match (&record.value_schema, open) {
            (None, None) => Ok(false),
            (Some(schema), Some(open)) if schema == open => Ok(false),
            _ if self == Self::Ignored => Ok(false),
            (Some(schema), Some(open)) => self.ends_file_of(record, schema, open),
            _ => Err(record_error(
                record,
                "has a schema where others have none, or none where others have one: one topic holds one kind",
            )),
        }
    }

    #[cold]
    fn ends_file_of(self, record: &SinkRecord, schema: &Schema, open: &Schema) -> Result<bool> {
        if self == Self::None {
            return Ok(true);
        }
        let (Some(version), Some(of_file)) = (schema.version(), open.version()) else {
            return Err(record_error(record, "has a schema without version, by which `schema.compatibility` goes"));
        };
        let other_way = if self == Self::Forward { version < of_file } else { version > of_file };
        Ok(other_way || !is_projectable(schema, open))
    }
}

/// Whether every value of `source` has a form in `target`.
fn is_projectable(source: &Schema, target: &Schema) -> bool {
    let same_kind = source.schema_type() == target.schema_type()
        || matches!((rank(source), rank(target)), (Some(from), Some(to)) if from <= to);
    let same_meaning = source.name() == target.name() && source.parameters() == target.parameters();
    if !same_kind || !same_meaning || (source.is_optional() && !target.is_optional()) {
        return false;
    }
    let parts = |of: &Schema| (of.key_schema().ok().flatten().cloned(), of.value_schema().ok().flatten().cloned());
    match target.schema_type() {
        SchemaType::Struct => {
            target.fields().unwrap_or_default().iter().all(|field| match source.field(field.name()) {
                Ok(Some(from)) => is_projectable(from.schema(), field.schema()),
                _ => field.schema().is_optional() || field.schema().default_value().is_some(),
            })
        }
        SchemaType::Array | SchemaType::Map => {
            let ((from_key, from_value), (to_key, to_value)) = (parts(source), parts(target));
            is_part_projectable(from_key, to_key) && is_part_projectable(from_value, to_value)
        }
        _ => true,
    }
}

fn is_part_projectable(source: Option<Schema>, target: Option<Schema>) -> bool {
    match (source, target) {
        (Some(source), Some(target)) => is_projectable(&source, &target),
        (source, target) => source.is_none() && target.is_none(),
    }
}

/// Numbers widen in this order.
fn rank(schema: &Schema) -> Option<usize> {
    const ORDER: [SchemaType; 6] = [
        SchemaType::Int8,
        SchemaType::Int16,
        SchemaType::Int32,
        SchemaType::Int64,
        SchemaType::Float32,
        SchemaType::Float64,
    ];
    ORDER.iter().position(|known| *known == schema.schema_type())
}

/// The form of a value in `target`, to which its schema is projectable.
///
/// # Errors
/// `Data` when it has none after all.
pub(crate) fn project(value: &Value, target: &Schema) -> Result<Value> {
    Ok(match (value, target.schema_type()) {
        (Value::Null, _) => target.default_value().cloned().unwrap_or(Value::Null),
        (Value::Struct(from), SchemaType::Struct) => {
            let mut projected = Struct::new(target.clone())?;
            for field in target.fields()? {
                let value = from.get_without_default(field.name()).unwrap_or(&Value::Null);
                projected.put_field(field, project(value, field.schema())?)?;
            }
            projected.into()
        }
        (Value::Array(items), SchemaType::Array) => {
            let of = part(target.value_schema()?)?;
            Value::Array(items.iter().map(|item| project(item, of)).collect::<Result<_>>()?)
        }
        (Value::Map(entries), SchemaType::Map) => {
            let (key, of) = (part(target.key_schema()?)?, part(target.value_schema()?)?);
            let entries = entries.iter().map(|(name, value)| Ok((project(name, key)?, project(value, of)?)));
            Map::insertion_ordered(entries.collect::<Result<Vec<_>>>()?).into()
        }
        (number, _) => widened(number, target).unwrap_or_else(|| number.clone()),
    })
}

fn part(schema: Option<&Schema>) -> Result<&Schema> {
    schema.ok_or_else(|| ConnectError::data("a schema of elements is missing"))
}

/// The number in the type of `target`; `None` when it is no number or needs no change.
fn widened(value: &Value, target: &Schema) -> Option<Value> {
    let integer = match value {
        Value::Int8(number) => i64::from(*number),
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        Value::Float32(number) if target.schema_type() == SchemaType::Float64 => {
            return Some(f64::from(*number).into());
        }
        _ => return None,
    };
    Some(match target.schema_type() {
        SchemaType::Int16 => Value::Int16(i16::try_from(integer).ok()?),
        SchemaType::Int32 => Value::Int32(i32::try_from(integer).ok()?),
        SchemaType::Int64 => Value::Int64(integer),
        SchemaType::Float32 => Value::Float32(integer as f32),
        SchemaType::Float64 => Value::Float64(integer as f64),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use sluice_api::SchemaBuilder;

    use super::*;
    use crate::testing::record;

    fn version(number: i32, fields: &[(&'static str, Schema)]) -> Schema {
        let builder = SchemaBuilder::structure().name("a.Row").version(number);
        fields.iter().fold(builder, |builder, (name, schema)| builder.field(*name, schema.clone())).build().unwrap()
    }

    fn row(schema: &Schema) -> SinkRecord {
        record(0, Some(schema.clone()), Struct::new(schema.clone()).unwrap().with("id", 1i32).unwrap())
    }

    #[test]
    fn versions_decide_and_what_cannot_be_projected_ends_the_objects() {
        let one = version(1, &[("id", Schema::INT32)]);
        let two = version(2, &[("id", Schema::INT32), ("name", Schema::OPTIONAL_STRING)]);
        let strict = version(3, &[("id", Schema::INT32), ("must", Schema::INT32)]);
        let ends =
            |mode: Compatibility, schema: &Schema, open: &Schema| mode.ends_file(&row(schema), Some(open)).unwrap();
        use Compatibility::{Backward, Forward, None};
        let cases = [
            (None, &one, &one, false),
            (None, &two, &one, true),
            (Backward, &two, &one, true),
            (Backward, &one, &two, false),
            (Backward, &one, &strict, true),
            (Forward, &two, &one, false),
            (Forward, &one, &two, true),
        ];
        for (mode, schema, open, expected) in cases {
            assert_eq!(ends(mode, schema, open), expected, "{mode:?} {:?} into {:?}", schema.version(), open.version());
        }
        let bare = SchemaBuilder::structure().field("id", Schema::INT32).build().unwrap();
        let error = Backward.ends_file(&row(&bare), Some(&one)).unwrap_err();
        assert!(error.to_string().contains("a schema without version"), "{error}");
        assert!(None.ends_file(&row(&one), Option::None).is_err());
    }

    #[test]
    fn values_are_projected_up_and_down() {
        let one = version(1, &[("id", Schema::INT32), ("old", Schema::OPTIONAL_STRING)]);
        let with_default = SchemaBuilder::string().default("none").build().unwrap();
        let two = version(2, &[("id", Schema::INT64), ("name", with_default)]);
        let value = Value::from(Struct::new(one).unwrap().with("id", 7i32).unwrap());
        let Value::Struct(projected) = project(&value, &two).unwrap() else { panic!("no struct") };
        assert_eq!(projected.get("id").unwrap(), &Value::Int64(7));
        assert_eq!(projected.get("name").unwrap(), &Value::from("none"));
    }
}
