//! Random schemas.

use sluice_api::data::logical;
use sluice_api::{Schema, SchemaBuilder, SchemaType};
use sluice_harness::Random;

use super::{Chance, field_name, of_schema, plain_field_name, text};

/// What a schema may be made of.
#[derive(Clone, Copy, Debug)]
pub(in crate::oracle) struct Shape {
    /// How many levels of arrays, maps and structs.
    pub(in crate::oracle) depth: usize,
    /// Whether Decimal, Date, Time and Timestamp come up.
    pub(in crate::oracle) logical: bool,
    /// Whether schemas have defaults.
    pub(in crate::oracle) defaults: bool,
    /// Whether all names are such that every format takes them.
    pub(in crate::oracle) plain_names: bool,
}

impl Shape {
    /// Everything, three levels deep.
    pub(in crate::oracle) const ANY: Self = Self { depth: 3, logical: true, defaults: true, plain_names: false };

    fn inner(self) -> Self {
        Self { depth: self.depth.saturating_sub(1), ..self }
    }
}

const PRIMITIVES: [SchemaType; 9] = [
    SchemaType::Int8,
    SchemaType::Int16,
    SchemaType::Int32,
    SchemaType::Int64,
    SchemaType::Float32,
    SchemaType::Float64,
    SchemaType::Boolean,
    SchemaType::String,
    SchemaType::Bytes,
];

/// Any schema.
pub(in crate::oracle) fn schema(random: &mut Random, shape: Shape) -> Schema {
    let builder = match random.below(10) {
        0 | 1 if shape.logical => logical_builder(random),
        2 if shape.depth > 0 => SchemaBuilder::array(schema(random, shape.inner())),
        3 if shape.depth > 0 => {
            let key = if random.percent(70) { string_key(random) } else { schema(random, Shape { depth: 0, ..shape }) };
            SchemaBuilder::map(key, schema(random, shape.inner()))
        }
        4..=6 if shape.depth > 0 => fields(random, shape),
        _ => SchemaBuilder::of_type(PRIMITIVES[random.below(PRIMITIVES.len())]),
    };
    finished(random, builder, shape)
}

/// A struct schema.
pub(in crate::oracle) fn structure(random: &mut Random, shape: Shape) -> Schema {
    let builder = fields(random, shape);
    finished(random, builder, shape)
}

fn string_key(random: &mut Random) -> Schema {
    if random.percent(80) { Schema::STRING } else { Schema::OPTIONAL_STRING }
}

fn fields(random: &mut Random, shape: Shape) -> SchemaBuilder {
    let mut names: Vec<&str> = Vec::new();
    let count = random.below(6);
    let mut builder = SchemaBuilder::structure();
    for _ in 0..count {
        let name = if shape.plain_names { plain_field_name(random) } else { field_name(random) };
        if !names.contains(&name) {
            names.push(name);
            builder = builder.field(name, schema(random, shape.inner()));
        }
    }
    builder
}

fn logical_builder(random: &mut Random) -> SchemaBuilder {
    match random.below(4) {
        0 => logical::decimal_builder([0, 1, 2, 5, 20, -2][random.below(6)]),
        1 => logical::date_builder(),
        2 => logical::time_builder(),
        _ => logical::timestamp_builder(),
    }
}

/// Adds the attributes that any schema can have.
fn finished(random: &mut Random, mut builder: SchemaBuilder, shape: Shape) -> Schema {
    let is_logical = builder.so_far().name().is_some();
    if random.percent(40) {
        builder = builder.optional();
    }
    if !is_logical && random.percent(12) {
        let names = ["n", "com.example.N", "é"];
        builder = builder.name(random.pick(if shape.plain_names { &names[..2] } else { &names }));
    }
    if !is_logical && random.percent(10) {
        builder = builder.version([0, 1, 7, -1][random.below(4)]);
    }
    if random.percent(10) {
        builder = builder.doc(text(random));
    }
    if random.percent(8) {
        builder = builder.parameter("z", text(random)).parameter("a", "1");
    }
    if shape.defaults && random.percent(15) && builder.so_far().schema_type() != SchemaType::Struct {
        let default = of_schema(random, &builder.so_far());
        if !default.is_null() {
            builder = builder.default(default);
        }
    }
    builder.build().expect("every attribute is set once, defaults fit")
}
