//! What a rewritten schema keeps of the one it was made from (`SchemaUtil.copySchemaBasics`).

use sluice_api::{Schema, SchemaBuilder, SchemaType};

/// `builder` with name, version, documentation and parameters of `source`; not with its optionality and default.
pub(crate) fn copy_basics(source: &Schema, mut builder: SchemaBuilder) -> SchemaBuilder {
    if let Some(name) = source.name() {
        builder = builder.name(name);
    }
    if let Some(version) = source.version() {
        builder = builder.version(version);
    }
    if let Some(doc) = source.doc() {
        builder = builder.doc(doc);
    }
    let parameters = source.parameters().into_iter().flatten();
    builder.parameters(parameters.map(|(name, value)| (name.clone(), value.clone())))
}

/// As [`copy_basics`], onto a builder of the type that `source` has; the fields of a struct are not copied.
pub(crate) fn same_type_with_basics(source: &Schema) -> SchemaBuilder {
    let builder = match (source.schema_type(), source.value_schema()) {
        (SchemaType::Array, Ok(Some(element))) => SchemaBuilder::array(element.clone()),
        (schema_type, _) => SchemaBuilder::of_type(schema_type),
    };
    copy_basics(source, builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optionality_and_default_are_not_basics() {
        let builder = SchemaBuilder::int8().name("n").version(2).doc("d").parameter("p", "v");
        let source = builder.optional().default(1i8).build().unwrap();
        let copy = copy_basics(&source, SchemaBuilder::string()).build().unwrap();
        assert_eq!((copy.name(), copy.version(), copy.doc()), (Some("n"), Some(2), Some("d")));
        assert_eq!(copy.parameters(), source.parameters());
        assert!(!copy.is_optional() && copy.default_value().is_none());
        assert_eq!(same_type_with_basics(&source).build().unwrap().schema_type(), SchemaType::Int8);
    }
}
