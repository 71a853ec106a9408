//! `column.propagate.source.type` and `datatype.propagate.source.type`: the column's type, length, scale and name as parameters of
//! its field, with the numbers that PostgreSQL's JDBC driver has for them.

use sluice_api::SchemaBuilder;

/// The driver's "no limit".
const UNLIMITED: i32 = i32::MAX;

/// A column's type as the driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceType {
    /// `VARCHAR`, `_INT4`, `SERIAL`, …
    pub(crate) name: String,
    pub(crate) length: i32,
    pub(crate) scale: i32,
}

impl SourceType {
    /// A column of the type `declared`, whose values are those of the built-in type `base` with `modifier`.
    pub(crate) fn of(declared: &str, base: &str, modifier: i32) -> Self {
        let base = base.strip_prefix('_').unwrap_or(base);
        let length = match precision(base, modifier) {
            0 => display_size(base, modifier),
            length => length,
        };
        Self { name: declared.to_uppercase(), length, scale: scale(base, modifier) }
    }

    /// Notes it in the schema of the field of `column`.
    pub(crate) fn note(&self, schema: SchemaBuilder, column: &str) -> SchemaBuilder {
        let key = |name: &str| format!("__debezium.source.column.{name}");
        schema
            .parameter(key("type"), self.name.clone())
            .parameter(key("length"), self.length.to_string())
            .parameter(key("scale"), self.scale.to_string())
            .parameter(key("name"), column)
    }
}

fn precision(base: &str, modifier: i32) -> i32 {
    match base {
        "int2" => 5,
        "int4" | "oid" => 10,
        "int8" => 19,
        "float4" => 8,
        "float8" => 17,
        "numeric" if modifier == -1 => 0,
        "numeric" => (modifier - 4) >> 16 & 0xffff,
        "char" | "bool" => 1,
        "bpchar" | "varchar" if modifier == -1 => UNLIMITED,
        "bpchar" | "varchar" => modifier - 4,
        "date" | "time" | "timetz" | "timestamp" | "timestamptz" | "interval" => display_size(base, modifier),
        "bit" => modifier,
        "varbit" if modifier == -1 => UNLIMITED,
        "varbit" => modifier,
        _ => UNLIMITED,
    }
}

fn display_size(base: &str, modifier: i32) -> i32 {
    let seconds = match modifier {
        -1 => 7,
        0 => 0,
        1 => 3,
        digits => digits + 1,
    };
    match base {
        "numeric" => 131_089,
        "date" => 13,
        "time" => 8 + seconds,
        "timetz" => 8 + seconds + 6,
        "timestamp" => 22 + seconds,
        "timestamptz" => 22 + seconds + 6,
        "interval" => 49,
        _ => UNLIMITED,
    }
}

fn scale(base: &str, modifier: i32) -> i32 {
    match base {
        "float4" => 8,
        "float8" => 17,
        "numeric" if modifier == -1 => 0,
        "numeric" => (modifier - 4) & 0xffff,
        "time" | "timetz" | "timestamp" | "timestamptz" | "interval" if modifier == -1 => 6,
        "time" | "timetz" | "timestamp" | "timestamptz" => modifier,
        "interval" => modifier & 0xffff,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_scales_are_those_of_the_driver() {
        let of = |declared, base, modifier| {
            let found = SourceType::of(declared, base, modifier);
            (found.name, found.length, found.scale)
        };
        assert_eq!(of("varchar", "varchar", 24), ("VARCHAR".into(), 20, 0));
        assert_eq!(of("numeric", "numeric", (10 << 16 | 2) + 4), ("NUMERIC".into(), 10, 2));
        assert_eq!(of("serial", "int4", -1), ("SERIAL".into(), 10, 0));
        assert_eq!(of("text", "text", -1), ("TEXT".into(), UNLIMITED, 0));
    }
}
