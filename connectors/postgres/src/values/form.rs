//! Which schema and converter a column of a type has.

use bytes::Bytes;
use num_bigint::BigInt;
use sluice_api::data::{BigDecimal, Map, logical};
use sluice_api::{Schema, SchemaBuilder, Struct, Value};

use super::{BinaryMode, Converter, DecimalMode, HstoreMode, IntervalMode, Modes, TimeMode, geometry};
use crate::catalog::{TypeInfo, TypeKind, Types};

/// What a column becomes.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Required, without default.
    pub(crate) schema: Schema,
    pub(crate) converter: Converter,
    /// What stands for a value that a required column does not have (the other columns of a deleted row's key).
    pub(crate) fallback: Value,
}

impl Form {
    fn new(schema: Schema, converter: Converter, fallback: impl Into<Value>) -> Self {
        Self { schema, converter, fallback: fallback.into() }
    }
}

/// Arrays of these have no schema in Debezium.
const ARRAYS_LEFT_OUT: [&str; 8] = ["money", "name", "interval", "varbit", "xml", "point", "refcursor", "bit"];
/// The elements of these arrays cannot be null in Debezium's schema.
const REQUIRED_ELEMENTS: [&str; 1] = ["tsvector"];

/// The form of a column; `None` for a type that has none: the column is left out.
pub(crate) fn form(types: &Types, oid: u32, modifier: i32, modes: &Modes) -> Option<Form> {
    let info = types.get(oid)?;
    let known = match info.kind {
        TypeKind::Domain => {
            let modifier = if modifier >= 0 { modifier } else { info.base_modifier };
            form(types, info.base, modifier, modes)
        }
        TypeKind::Enum => Some(Form::new(enumeration(&info.labels)?, Converter::Text, "")),
        TypeKind::Array => return array(types, info, modifier, modes),
        TypeKind::Base if info.schema == "pg_catalog" => built_in(&info.name, modifier, modes),
        TypeKind::Base => extension(&info.name, modes),
        TypeKind::Other => None,
    };
    known.or_else(|| modes.include_unknown.then(|| opaque(modes)))
}

fn built(builder: SchemaBuilder) -> Option<Schema> {
    builder.build().ok()
}

fn named(builder: SchemaBuilder, name: &str) -> Option<Schema> {
    built(builder.name(name).version(1))
}

fn enumeration(labels: &[String]) -> Option<Schema> {
    let builder = SchemaBuilder::string().name("io.debezium.data.Enum").version(1);
    built(builder.parameter("allowed", labels.join(",")))
}

fn binary(mode: BinaryMode) -> Schema {
    if mode == BinaryMode::Bytes { Schema::BYTES } else { Schema::STRING }
}

fn opaque(modes: &Modes) -> Form {
    Form::new(binary(modes.binary), Converter::Opaque(modes.binary), empty_binary(modes.binary))
}

fn empty_binary(mode: BinaryMode) -> Value {
    if mode == BinaryMode::Bytes { Value::Bytes(Bytes::new()) } else { Value::from("") }
}

fn string(name: &str) -> Option<Form> {
    Some(Form::new(named(SchemaBuilder::string(), name)?, Converter::Text, ""))
}

fn built_in(name: &str, modifier: i32, modes: &Modes) -> Option<Form> {
    Some(match name {
        "bool" => Form::new(Schema::BOOLEAN, Converter::Boolean, false),
        "int2" => Form::new(Schema::INT16, Converter::Int16, 0i16),
        "int4" => Form::new(Schema::INT32, Converter::Int32, 0i32),
        "int8" | "oid" => Form::new(Schema::INT64, Converter::Int64, 0i64),
        "float4" => Form::new(Schema::FLOAT32, Converter::Float32, 0f32),
        "float8" => Form::new(Schema::FLOAT64, Converter::Float64, 0f64),
        "char" | "bpchar" | "varchar" | "text" | "name" | "inet" | "cidr" | "macaddr" | "macaddr8" | "int4range"
        | "int8range" | "numrange" | "tsrange" | "tstzrange" | "daterange" => {
            Form::new(Schema::STRING, Converter::Text, "")
        }
        "json" | "jsonb" => string("io.debezium.data.Json")?,
        "uuid" => string("io.debezium.data.Uuid")?,
        "xml" => string("io.debezium.data.Xml")?,
        "tsvector" => string("io.debezium.data.Tsvector")?,
        "bytea" => Form::new(binary(modes.binary), Converter::Bytes(modes.binary), empty_binary(modes.binary)),
        "bit" | "varbit" => bits(name, modifier)?,
        "numeric" => numeric(modifier, modes)?,
        "money" => money(modes)?,
        "date" | "time" | "timestamp" => temporal(name, modifier, modes.time)?,
        "timestamptz" => {
            let width = precision(modifier);
            let schema = named(SchemaBuilder::string(), "io.debezium.time.ZonedTimestamp")?;
            Form::new(schema, Converter::ZonedTimestamp(width), "1970-01-01T00:00:00Z")
        }
        "timetz" => {
            let schema = named(SchemaBuilder::string(), "io.debezium.time.ZonedTime")?;
            Form::new(schema, Converter::ZonedTime, "00:00:00Z")
        }
        "interval" => interval(modes.interval)?,
        "point" => point()?,
        _ => return None,
    })
}

fn extension(name: &str, modes: &Modes) -> Option<Form> {
    Some(match name {
        "citext" | "isbn" => Form::new(Schema::STRING, Converter::Text, ""),
        "ltree" => string("io.debezium.data.Ltree")?,
        "hstore" if modes.hstore == HstoreMode::Json => {
            Form::new(named(SchemaBuilder::string(), "io.debezium.data.Json")?, Converter::HstoreJson, "{}")
        }
        "hstore" => {
            let schema = built(SchemaBuilder::map(Schema::STRING, Schema::OPTIONAL_STRING))?;
            Form::new(schema, Converter::HstoreMap, Map::default())
        }
        "geometry" | "geography" => ewkb(name)?,
        "vector" => {
            let schema = named(SchemaBuilder::array(Schema::FLOAT64), "io.debezium.data.DoubleVector")?;
            Form::new(schema, Converter::DoubleVector, Vec::new())
        }
        "halfvec" => {
            let schema = named(SchemaBuilder::array(Schema::FLOAT32), "io.debezium.data.FloatVector")?;
            Form::new(schema, Converter::FloatVector, Vec::new())
        }
        "sparsevec" => sparse_vector()?,
        _ => return None,
    })
}

fn array(types: &Types, info: &TypeInfo, modifier: i32, modes: &Modes) -> Option<Form> {
    let element = types.get(info.element)?;
    let built_in = element.schema == "pg_catalog";
    if element.kind == TypeKind::Domain || built_in && ARRAYS_LEFT_OUT.contains(&element.name.as_str()) {
        return if built_in && element.name == "bit" { bit_array(modifier) } else { None };
    }
    let form = form(types, info.element, modifier, modes)?;
    let required = element.kind == TypeKind::Enum || built_in && REQUIRED_ELEMENTS.contains(&element.name.as_str());
    let element_schema = if required { form.schema } else { built(SchemaBuilder::like(&form.schema).optional())? };
    let schema = built(SchemaBuilder::array(element_schema))?;
    let converter =
        Converter::Array { element: Box::new(form.converter), delimiter: element.delimiter, nullable: !required };
    Some(Form::new(schema, converter, Vec::new()))
}

/// Debezium gives such a column the schema of one bit string, which no value of it fits.
fn bit_array(modifier: i32) -> Option<Form> {
    Some(Form { converter: Converter::Never, ..bits("bit", modifier)? })
}

fn bits(name: &str, modifier: i32) -> Option<Form> {
    // `varbit` without a length has the largest.
    let length = if modifier >= 0 { modifier } else { i32::MAX };
    let length = if name == "bit" && modifier < 0 { 1 } else { length };
    if length <= 1 {
        return Some(Form::new(Schema::BOOLEAN, Converter::Bit, false));
    }
    let builder = SchemaBuilder::bytes().name("io.debezium.data.Bits").version(1);
    let schema = built(builder.parameter("length", length.to_string()))?;
    Some(Form::new(schema, Converter::Bits, Value::Bytes(Bytes::new())))
}

fn numeric(modifier: i32, modes: &Modes) -> Option<Form> {
    match modes.decimal {
        DecimalMode::Double => return Some(Form::new(Schema::FLOAT64, Converter::DecimalDouble, 0f64)),
        DecimalMode::String => {
            // As many digits as the column has.
            let scale = if modifier < 4 { 0 } else { (modifier - 4) & 0x3ff };
            let digits = "0".repeat(usize::try_from(scale).unwrap_or(0));
            let zero = if digits.is_empty() { "0".to_owned() } else { format!("0.{digits}") };
            return Some(Form::new(Schema::STRING, Converter::DecimalText, zero.as_str()));
        }
        DecimalMode::Precise => {}
    }
    if modifier < 4 {
        let builder = SchemaBuilder::structure().name("io.debezium.data.VariableScaleDecimal").version(1);
        let builder =
            builder.doc("Variable scaled decimal").field("scale", Schema::INT32).field("value", Schema::BYTES);
        let schema = built(builder)?;
        let zero = vec![Value::Int32(0), Value::Bytes(Bytes::from_static(&[0]))];
        let zero = Struct::from_checked(schema.clone(), zero).ok()?;
        return Some(Form::new(schema.clone(), Converter::VariableDecimal(schema), zero));
    }
    let (precision, scale) = ((modifier - 4) >> 16 & 0xffff, (modifier - 4) & 0x7ff);
    // Since PostgreSQL 15 the scale is signed, in 11 bits.
    let scale = (scale ^ 1024) - 1024;
    let builder = logical::decimal_builder(scale).parameter("connect.decimal.precision", precision.to_string());
    Some(Form::new(built(builder)?, Converter::Decimal(scale), BigDecimal::new(BigInt::ZERO, scale)))
}

fn money(modes: &Modes) -> Option<Form> {
    let scale = modes.money_digits;
    Some(match modes.decimal {
        DecimalMode::Precise => {
            let zero = BigDecimal::new(BigInt::ZERO, scale);
            Form::new(logical::decimal(scale), Converter::Money(scale), zero)
        }
        DecimalMode::Double => Form::new(Schema::FLOAT64, Converter::MoneyDouble, 0f64),
        DecimalMode::String => Form::new(Schema::STRING, Converter::MoneyText, "0.00"),
    })
}

/// Digits of a second, six unless the column says otherwise.
fn precision(modifier: i32) -> usize {
    usize::try_from(modifier).unwrap_or(6)
}

fn temporal(name: &str, modifier: i32, mode: TimeMode) -> Option<Form> {
    let is_short = precision(modifier) <= 3;
    let of = |builder: SchemaBuilder, name: &str, converter, fallback: Value| {
        Some(Form::new(named(builder, name)?, converter, fallback))
    };
    let int64 = |name: &str, converter| of(SchemaBuilder::int64(), name, converter, Value::Int64(0));
    let connect = |schema, converter| Some(Form::new(schema, converter, Value::Date(0)));
    let iso =
        |name: &str, converter, fallback: &str| of(SchemaBuilder::string(), name, converter, Value::from(fallback));
    match (name, mode) {
        ("date", TimeMode::Connect) => connect(logical::date(), Converter::ConnectDate),
        ("date", TimeMode::IsoString) => iso("io.debezium.time.IsoDate", Converter::IsoDate, "1970-01-01Z"),
        ("date", _) => of(SchemaBuilder::int32(), "io.debezium.time.Date", Converter::Date, Value::Int32(0)),
        ("time", TimeMode::Connect) => connect(logical::time(), Converter::ConnectTime),
        ("time", TimeMode::IsoString) => iso("io.debezium.time.IsoTime", Converter::IsoTime, "00:00:00Z"),
        ("time", TimeMode::Nanoseconds) => int64("io.debezium.time.NanoTime", Converter::TimeNanos),
        ("time", TimeMode::Adaptive) if is_short => {
            of(SchemaBuilder::int32(), "io.debezium.time.Time", Converter::TimeMillis, Value::Int32(0))
        }
        ("time", _) => int64("io.debezium.time.MicroTime", Converter::TimeMicros),
        (_, TimeMode::Connect) => connect(logical::timestamp(), Converter::ConnectTimestamp),
        (_, TimeMode::IsoString) => {
            iso("io.debezium.time.IsoTimestamp", Converter::IsoTimestamp, "1970-01-01T00:00:00Z")
        }
        (_, TimeMode::Nanoseconds) => int64("io.debezium.time.NanoTimestamp", Converter::TimestampNanos),
        (_, TimeMode::Adaptive | TimeMode::AdaptiveTimeMicroseconds) if is_short => {
            int64("io.debezium.time.Timestamp", Converter::TimestampMillis)
        }
        _ => int64("io.debezium.time.MicroTimestamp", Converter::TimestampMicros),
    }
}

fn interval(mode: IntervalMode) -> Option<Form> {
    Some(match mode {
        IntervalMode::Numeric => {
            Form::new(named(SchemaBuilder::int64(), "io.debezium.time.MicroDuration")?, Converter::IntervalMicros, 0i64)
        }
        IntervalMode::String => {
            let schema = named(SchemaBuilder::string(), "io.debezium.time.Interval")?;
            Form::new(schema, Converter::IntervalIso, "P0Y0M0DT0H0M0S")
        }
    })
}

fn point() -> Option<Form> {
    let builder = SchemaBuilder::structure().name("io.debezium.data.geometry.Point").version(1).doc("Geometry (POINT)");
    let builder = builder.field("x", Schema::FLOAT64).field("y", Schema::FLOAT64);
    let schema = built(builder.field("wkb", Schema::OPTIONAL_BYTES).field("srid", Schema::OPTIONAL_INT32))?;
    let zero = geometry::point_of(0.0, 0.0, &schema)?;
    Some(Form::new(schema.clone(), Converter::Point(schema), zero))
}

fn ewkb(name: &str) -> Option<Form> {
    let title = if name == "geometry" { "Geometry" } else { "Geography" };
    let builder = SchemaBuilder::structure().name(format!("io.debezium.data.geometry.{title}")).version(1).doc(title);
    // Optional even where the column is not, as in Debezium.
    let builder = builder.optional().field("wkb", Schema::BYTES).field("srid", Schema::OPTIONAL_INT32);
    let schema = built(builder)?;
    let empty = geometry::empty(&schema);
    Some(Form::new(schema.clone(), Converter::Ewkb(schema), empty))
}

fn sparse_vector() -> Option<Form> {
    let builder = SchemaBuilder::structure().name("io.debezium.data.SparseDoubleVector").version(1);
    let builder = builder.doc("Sparse double vector").field("dimensions", Schema::INT16);
    let schema = built(builder.field("vector", built(SchemaBuilder::map(Schema::INT16, Schema::FLOAT64))?))?;
    Some(Form::new(schema.clone(), Converter::SparseVector(schema), Value::Null))
}
