//! Fields that a header of the record says to leave out (`drop.fields.*`).

use sluice_api::{ConnectError, Result, Schema, Value};

use super::super::splitting::trim;
use crate::record::{ConnectRecord, Part, Transform};
use crate::replace_field::ReplaceField;

pub(super) struct DroppedFields {
    header: String,
    from_key: bool,
    /// Whether required fields stay.
    keep_schema_compatible: bool,
    /// The last lists with what applies them, by part.
    latest: [Option<(Vec<String>, ReplaceField)>; 2],
}

impl DroppedFields {
    pub(super) fn new(header: String, from_key: bool, keep_schema_compatible: bool) -> Self {
        Self { header, from_key, keep_schema_compatible, latest: [None, None] }
    }

    pub(super) fn apply<R: ConnectRecord>(&mut self, mut record: R) -> Result<R> {
        let header = record.headers().iter().find(|header| *header.key == *self.header);
        let names: Vec<String> = match header.map(|header| &header.value) {
            None | Some(Value::Null) => return Ok(record),
            Some(Value::Array(names)) => names.iter().map(ToString::to_string).collect(),
            Some(other) => {
                let (class, header) = (other.java_class(), &self.header);
                return Err(ConnectError::data(format!(
                    "class {class} cannot be cast to class java.util.List: header {header}"
                )));
            }
        };
        if names.is_empty() {
            return Ok(record);
        }
        if self.from_key && !record.value(Part::Key).is_null() {
            record = self.without(record, Part::Key, &names)?;
        }
        self.without(record, Part::Value, &names)
    }

    fn without<R: ConnectRecord>(&mut self, record: R, part: Part, names: &[String]) -> Result<R> {
        let dropped = self.droppable(record.schema(part), names)?;
        if dropped.is_empty() {
            return Ok(record);
        }
        let latest = &mut self.latest[usize::from(part == Part::Value)];
        if latest.as_ref().is_none_or(|(known, _)| *known != dropped) {
            let replace = ReplaceField::excluding(part, exclude_list(&dropped)?);
            *latest = Some((dropped, replace));
        }
        let Some((_, replace)) = latest else { return Ok(record) };
        let replaced = replace.apply(record)?;
        replaced.ok_or_else(|| ConnectError::data("leaving out fields never drops a record"))
    }

    fn droppable(&self, schema: Option<&Schema>, names: &[String]) -> Result<Vec<String>> {
        if !self.keep_schema_compatible {
            return Ok(names.to_vec());
        }
        let schema =
            schema.ok_or_else(|| ConnectError::data("there is no schema to say which fields can be left out"))?;
        let optional = schema.fields()?.iter().filter(|field| field.schema().is_optional());
        let dropped = optional.map(|field| field.name().to_owned()).filter(|name| names.contains(name));
        Ok(dropped.collect())
    }
}

/// Debezium hands the names to Kafka's transformation as one configured list: names are split at commas.
fn exclude_list(names: &[String]) -> Result<Vec<String>> {
    let joined = names.join(",");
    let list: Vec<String> = match trim(&joined) {
        "" => Vec::new(),
        joined => joined.split(',').map(|name| trim(name).to_owned()).collect(),
    };
    if list.iter().any(String::is_empty) {
        return Err(ConnectError::config("Configuration 'exclude' values must not be empty."));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_has_no_empty_one() {
        let list = |names: &[&str]| exclude_list(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(list(&["a", "b, c"]).unwrap(), ["a", "b", "c"]);
        assert!(list(&["a", ""]).is_err());
    }
}
