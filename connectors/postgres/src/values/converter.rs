//! From the text of a column to a Connect value.

use bytes::Bytes;
use bytestring::ByteString;
use sluice_api::data::Map;
use sluice_api::{Schema, Value};

use super::clock::{Moment, iso_date, iso_time, iso_time_in_utc, iso_timestamp, moment, time};
use super::interval::Interval;
use super::{BinaryMode, Unreadable, array, binary, decimal, geometry, hstore, vector};

/// How the text of a type becomes a value.
#[derive(Clone, Debug)]
pub(crate) enum Converter {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    /// Numbers with a fixed scale.
    Decimal(i32),
    VariableDecimal(Schema),
    DecimalDouble,
    DecimalText,
    Money(i32),
    MoneyDouble,
    MoneyText,
    Bytes(BinaryMode),
    /// A type that is not known, as the bytes of its text.
    Opaque(BinaryMode),
    Bit,
    Bits,
    Date,
    ConnectDate,
    IsoDate,
    TimeMillis,
    TimeMicros,
    TimeNanos,
    ConnectTime,
    IsoTime,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    ConnectTimestamp,
    IsoTimestamp,
    /// With this many digits after the point.
    ZonedTimestamp(usize),
    ZonedTime,
    IntervalMicros,
    IntervalIso,
    HstoreJson,
    HstoreMap,
    Point(Schema),
    Ewkb(Schema),
    DoubleVector,
    FloatVector,
    SparseVector(Schema),
    /// Elements that cannot be null in Debezium's schema make the whole value null when one is.
    Array {
        element: Box<Converter>,
        delimiter: u8,
        nullable: bool,
    },
    /// A schema that the values of the type do not fit, which Debezium has for some arrays: always null.
    Never,
}

impl Converter {
    /// The same converter whose structs are of `schema`: the very schema of the field, optional or not.
    pub(crate) fn with_schema(self, schema: &Schema) -> Self {
        match self {
            Self::VariableDecimal(_) => Self::VariableDecimal(schema.clone()),
            Self::Point(_) => Self::Point(schema.clone()),
            Self::Ewkb(_) => Self::Ewkb(schema.clone()),
            Self::SparseVector(_) => Self::SparseVector(schema.clone()),
            Self::Array { element, delimiter, nullable } => {
                let element = match schema.value_schema() {
                    Ok(Some(inner)) => Box::new(element.with_schema(inner)),
                    _ => element,
                };
                Self::Array { element, delimiter, nullable }
            }
            plain => plain,
        }
    }

    /// The value of `text`, a part of `owner`, whose memory the value may keep.
    ///
    /// # Errors
    /// When the text is no value of the type.
    pub(crate) fn convert(&self, text: &[u8], owner: &Bytes) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Int32 => Value::Int32(number(text)?),
            Self::Int64 => Value::Int64(number(text)?),
            Self::Text => Value::String(shared_text(text, owner)?),
            Self::Boolean => match text {
                b"t" | b"true" => Value::Boolean(true),
                b"f" | b"false" => Value::Boolean(false),
                _ => return Err(Unreadable::new(text, "boolean")),
            },
            Self::Int16 => Value::Int16(number(text)?),
            Self::Float32 => Value::Float32(number(text)?),
            Self::Float64 => Value::Float64(number(text)?),
            Self::Decimal(scale) => match text {
                b"NaN" | b"Infinity" | b"-Infinity" => {
                    return Err(Unreadable::new(
                        text,
                        "decimal number; `decimal.handling.mode=string` or `double` can represent it",
                    ));
                }
                _ => Value::Decimal(decimal::of_scale(text, *scale)?),
            },
            Self::VariableDecimal(schema) => decimal::variable(text, schema)?,
            Self::DecimalDouble => Value::Float64(decimal::double(text)?),
            Self::DecimalText => match decimal::plain(utf8(text)?) {
                same if same.as_bytes() == text => Value::String(shared_text(text, owner)?),
                other => Value::from(other),
            },
            Self::Money(scale) => Value::Decimal(rounded_money(text, *scale)?),
            Self::MoneyDouble => Value::Float64(decimal::double(&decimal::money(text))?),
            Self::MoneyText => Value::from(String::from_utf8_lossy(&decimal::money(text)).into_owned()),
            Self::Bytes(mode) => binary::of_mode(binary::bytea(text)?, *mode),
            Self::Opaque(mode) => binary::of_mode(text.to_vec(), *mode),
            Self::Bit => Value::Boolean(text.contains(&b'1')),
            Self::Bits => Value::Bytes(Bytes::from(binary::bits(text)?)),
            Self::Array { element, delimiter, nullable } => {
                match elements(&owner.slice_ref(text), element, *delimiter)? {
                    items if !nullable && items.iter().any(Value::is_null) => Value::Null,
                    items => Value::Array(items),
                }
            }
            Self::HstoreJson => Value::from(hstore::json(&hstore::entries(utf8(text)?)?)),
            Self::HstoreMap => Value::Map(Map::insertion_ordered(hstore::map(hstore::entries(utf8(text)?)?))),
            Self::Point(schema) => geometry::point(text, schema)?,
            Self::Ewkb(schema) => geometry::ewkb(text, schema)?,
            Self::DoubleVector => vector::dense(text, |text| text.parse().ok().map(Value::Float64))?,
            Self::FloatVector => vector::dense(text, |text| text.parse().ok().map(Value::Float32))?,
            Self::SparseVector(schema) => vector::sparse(text, schema)?,
            Self::Never => Value::Null,
            temporal => temporal.moment(text)?,
        })
    }

    /// The types that measure time.
    fn moment(&self, text: &[u8]) -> Result<Value, Unreadable> {
        Ok(match self {
            Self::Date => Value::Int32(epoch_day(moment(text)?)),
            Self::ConnectDate => Value::Date(i64::from(epoch_day(moment(text)?)) * 86_400_000),
            Self::IsoDate => Value::from(iso_date(text)?),
            Self::TimeMillis => Value::Int32((time(text)? / 1000) as i32),
            Self::TimeMicros => Value::Int64(time(text)?),
            Self::TimeNanos => Value::Int64(time(text)?.saturating_mul(1000)),
            Self::ConnectTime => Value::Date(time(text)? / 1000),
            Self::IsoTime => Value::from(iso_time(text)?),
            Self::TimestampMillis => Value::Int64(moment(text)?.epoch_millis()),
            Self::TimestampMicros => Value::Int64(moment(text)?.epoch_micros()),
            Self::TimestampNanos => Value::Int64(moment(text)?.epoch_nanos()),
            Self::ConnectTimestamp => Value::Date(moment(text)?.epoch_millis()),
            Self::IsoTimestamp => Value::from(iso_timestamp(text, 0)?),
            Self::ZonedTimestamp(width) => Value::from(iso_timestamp(text, *width)?),
            Self::ZonedTime => Value::from(iso_time_in_utc(text)?),
            Self::IntervalMicros => Value::Int64(Interval::read(text)?.micros()),
            Self::IntervalIso => Value::from(Interval::read(text)?.iso()),
            _ => return Err(Unreadable::new(text, "date, time or interval")),
        })
    }
}

/// A date that is too far away wraps, as the cast to a Java int does.
fn epoch_day(moment: Moment) -> i32 {
    match moment {
        Moment::At { days, .. } => days as i32,
        infinite => infinite.epoch_micros().div_euclid(86_400_000) as i32,
    }
}

fn utf8(text: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(text).map_err(|_| Unreadable::new(text, "UTF-8"))
}

fn shared_text(text: &[u8], owner: &Bytes) -> Result<ByteString, Unreadable> {
    ByteString::try_from(owner.slice_ref(text)).map_err(|_| Unreadable::new(text, "UTF-8"))
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Result<T, Unreadable> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Unreadable::new(text, std::any::type_name::<T>()))
}

fn elements(text: &Bytes, element: &Converter, delimiter: u8) -> Result<Vec<Value>, Unreadable> {
    let mut items = Vec::new();
    array::each(text, delimiter, |item| {
        items.push(match item {
            Some(item) => element.convert(&item, &item)?,
            None => Value::Null,
        });
        Ok::<(), Unreadable>(())
    })?;
    Ok(items)
}

/// Money has two digits after the point; more are zeros, fewer are rounded half up.
fn rounded_money(text: &[u8], scale: i32) -> Result<sluice_api::data::BigDecimal, Unreadable> {
    let digits = decimal::money(text);
    if let Ok(exact) = decimal::of_scale(&digits, scale) {
        return Ok(exact);
    }
    let number = decimal::any(&digits)?;
    let dropped = u32::try_from(number.scale() - scale).unwrap_or(0).min(1000);
    let power = num_bigint::BigInt::from(10).pow(dropped);
    let half = &power / 2u8;
    let unscaled = number.unscaled();
    let away = if unscaled.sign() == num_bigint::Sign::Minus { unscaled - half } else { unscaled + half };
    Ok(sluice_api::data::BigDecimal::new(away / power, scale))
}
