//! Points, and PostGIS geometries as extended well-known binary.

use bytes::Bytes;
use sluice_api::{Schema, Struct, Value};

use super::{Unreadable, binary};

const SRID_FLAG: u32 = 0x2000_0000;

/// `(1.5,2)` as a `Point` struct with its well-known binary.
pub(super) fn point(text: &[u8], schema: &Schema) -> Result<Value, Unreadable> {
    let wrong = || Unreadable::new(text, "point");
    let inner = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix('(')?.strip_suffix(')'));
    let (x, y) = inner.and_then(|inner| inner.split_once(',')).ok_or_else(wrong)?;
    let (x, y) = x.parse::<f64>().ok().zip(y.parse::<f64>().ok()).ok_or_else(wrong)?;
    point_of(x, y, schema).ok_or_else(wrong)
}

/// A `Point` struct.
pub(super) fn point_of(x: f64, y: f64, schema: &Schema) -> Option<Value> {
    let mut wkb = Vec::with_capacity(21);
    wkb.push(1);
    wkb.extend(1u32.to_le_bytes());
    wkb.extend(x.to_le_bytes());
    wkb.extend(y.to_le_bytes());
    let values = vec![Value::Float64(x), Value::Float64(y), Value::Bytes(Bytes::from(wkb)), Value::Null];
    Struct::from_checked(schema.clone(), values).ok().map(Value::Struct)
}

/// Hex EWKB as a `Geometry` or `Geography` struct; the SRID is a field of its own as well.
pub(super) fn ewkb(text: &[u8], schema: &Schema) -> Result<Value, Unreadable> {
    let wrong = || Unreadable::new(text, "geometry in hex EWKB");
    let bytes = binary::hex(text).ok_or_else(wrong)?;
    let srid = srid(&bytes).ok_or_else(wrong)?.map_or(Value::Null, Value::Int32);
    let values = vec![Value::Bytes(Bytes::from(bytes)), srid];
    Struct::from_checked(schema.clone(), values).map(Value::Struct).map_err(|_| wrong())
}

/// The SRID if the geometry has one; the outer `None` is a geometry that cannot be read.
fn srid(bytes: &[u8]) -> Option<Option<i32>> {
    let (order, rest) = bytes.split_first()?;
    let number = |field: &[u8; 4]| match order {
        0 => u32::from_be_bytes(*field),
        _ => u32::from_le_bytes(*field),
    };
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    if number(kind) & SRID_FLAG == 0 {
        return Some(None);
    }
    Some(Some(number(rest.first_chunk::<4>()?) as i32))
}

/// An empty `GEOMETRYCOLLECTION`, which stands in where a value is required and not known.
pub(super) fn empty(schema: &Schema) -> Value {
    let wkb = vec![1, 7, 0, 0, 0, 0, 0, 0, 0];
    let values = vec![Value::Bytes(Bytes::from(wkb)), Value::Null];
    Struct::from_checked(schema.clone(), values).map_or(Value::Null, Value::Struct)
}
