//! The logical types Decimal, Date, Time and Timestamp: their schemas and the conversions to what is stored
//! (connect-plugins.md 1.2). Dates are milliseconds since the epoch, UTC.

use super::{BigDecimal, Schema, SchemaBuilder};
use crate::error::{ConnectError, Result};

/// The schema name of Decimal.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// The schema name of Date.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// The schema name of Time.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// The schema name of Timestamp.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// Milliseconds of a day.
pub const MILLIS_PER_DAY: i64 = 86_400_000;

/// A builder of a Decimal schema: bytes with the parameter `scale`.
pub fn decimal_builder(scale: i32) -> SchemaBuilder {
    SchemaBuilder::bytes().name(DECIMAL).parameter("scale", scale.to_string()).version(1)
}

/// A builder of a Date schema: days in an INT32.
pub fn date_builder() -> SchemaBuilder {
    SchemaBuilder::int32().name(DATE).version(1)
}

/// A builder of a Time schema: milliseconds since midnight in an INT32.
pub fn time_builder() -> SchemaBuilder {
    SchemaBuilder::int32().name(TIME).version(1)
}

/// A builder of a Timestamp schema: milliseconds since the epoch in an INT64.
pub fn timestamp_builder() -> SchemaBuilder {
    SchemaBuilder::int64().name(TIMESTAMP).version(1)
}

/// The Decimal schema of a scale.
pub fn decimal(scale: i32) -> Schema {
    built(decimal_builder(scale))
}

/// The Date schema.
pub fn date() -> Schema {
    built(date_builder())
}

/// The Time schema.
pub fn time() -> Schema {
    built(time_builder())
}

/// The Timestamp schema.
pub fn timestamp() -> Schema {
    built(timestamp_builder())
}

fn built(builder: SchemaBuilder) -> Schema {
    builder.build().expect("every attribute is set once")
}

/// The unscaled value as big-endian two's complement.
///
/// # Errors
/// `Data` when the scales differ or the schema has none.
pub fn decimal_to_bytes(schema: &Schema, value: &BigDecimal) -> Result<Vec<u8>> {
    let schema_scale = decimal_scale(schema)?;
    if value.scale() != schema_scale {
        return Err(ConnectError::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {schema_scale}, value has \
             scale {}.",
            value.scale()
        )));
    }
    Ok(value.to_unscaled_bytes())
}

/// The decimal in big-endian two's complement bytes.
///
/// # Errors
/// `Data` when the schema has no scale or there is no byte.
pub fn decimal_from_bytes(schema: &Schema, bytes: &[u8]) -> Result<BigDecimal> {
    let scale = decimal_scale(schema)?;
    if bytes.is_empty() {
        return Err(ConnectError::data("Zero length BigInteger"));
    }
    Ok(BigDecimal::from_unscaled_bytes(bytes, scale))
}

/// The scale of a Decimal schema.
///
/// # Errors
/// `Data` when there is none or it is no number.
pub fn decimal_scale(schema: &Schema) -> Result<i32> {
    let text = schema.parameters().and_then(|parameters| parameters.get("scale"));
    let text = text.ok_or_else(|| ConnectError::data("Invalid Decimal schema: scale parameter not found."))?;
    let scale = text.parse::<i32>();
    scale.map_err(|cause| ConnectError::data("Invalid scale parameter found in Decimal schema: ").with_source(cause))
}

/// Days since the epoch.
///
/// # Errors
/// `Data` when the schema is no Date or the value is not midnight.
pub fn date_to_days(schema: &Schema, millis: i64) -> Result<i32> {
    require(schema, DATE, "Date")?;
    if millis.rem_euclid(MILLIS_PER_DAY) != 0 {
        let message = "Kafka Connect Date type should not have any time fields set to non-zero values.";
        return Err(ConnectError::data(message));
    }
    Ok((millis / MILLIS_PER_DAY) as i32)
}

/// The milliseconds of a day.
///
/// # Errors
/// `Data` when the schema is no Date.
pub fn date_from_days(schema: &Schema, days: i32) -> Result<i64> {
    require(schema, DATE, "Date")?;
    Ok(i64::from(days) * MILLIS_PER_DAY)
}

/// Milliseconds since midnight.
///
/// # Errors
/// `Data` when the schema is no Time or the value is longer than a day.
pub fn time_to_millis(schema: &Schema, millis: i64) -> Result<i32> {
    require(schema, TIME, "Time")?;
    if !(0..=MILLIS_PER_DAY).contains(&millis) {
        let message = "Kafka Connect Time type should not have any date fields set to non-zero values.";
        return Err(ConnectError::data(message));
    }
    Ok(millis as i32)
}

/// The milliseconds of a time of day.
///
/// # Errors
/// `Data` when the schema is no Time (the text says Date, as Kafka's does) or the value is longer than a day.
pub fn time_from_millis(schema: &Schema, millis: i32) -> Result<i64> {
    require(schema, TIME, "Date")?;
    if !(0..=MILLIS_PER_DAY).contains(&i64::from(millis)) {
        let message = "Time values must use number of milliseconds greater than 0 and less than 86400000";
        return Err(ConnectError::data(message));
    }
    Ok(i64::from(millis))
}

/// Milliseconds since the epoch, both ways.
///
/// # Errors
/// `Data` when the schema is no Timestamp.
pub fn timestamp_millis(schema: &Schema, millis: i64) -> Result<i64> {
    require(schema, TIMESTAMP, "Timestamp")?;
    Ok(millis)
}

fn require(schema: &Schema, name: &str, word: &str) -> Result<()> {
    if schema.name() == Some(name) {
        return Ok(());
    }
    Err(ConnectError::data(format!("Requested conversion of {word} object but the schema does not match.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_scale() {
        let value = BigDecimal::parse("1.56").unwrap();
        assert_eq!(decimal_to_bytes(&decimal(2), &value).unwrap(), [0, 156]);
        assert_eq!(decimal_from_bytes(&decimal(2), &[0, 156]).unwrap(), value);
        assert_eq!(
            decimal_to_bytes(&decimal(3), &value).unwrap_err().to_string(),
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale 3, value has scale 2."
        );
        let unscaled = SchemaBuilder::bytes().name(DECIMAL).parameter("x", "y").build().unwrap();
        assert_eq!(
            decimal_scale(&unscaled).unwrap_err().to_string(),
            "Invalid Decimal schema: scale parameter not found."
        );
    }

    #[test]
    fn dates_are_whole_days() {
        assert_eq!(date_to_days(&date(), 10_000 * MILLIS_PER_DAY).unwrap(), 10_000);
        assert_eq!(date_to_days(&date(), -MILLIS_PER_DAY).unwrap(), -1);
        assert!(date_to_days(&date(), -1).is_err());
        assert_eq!(date_from_days(&date(), -1).unwrap(), -MILLIS_PER_DAY);
    }

    #[test]
    fn times_fit_a_day() {
        assert_eq!(time_to_millis(&time(), MILLIS_PER_DAY).unwrap(), 86_400_000);
        assert!(time_to_millis(&time(), MILLIS_PER_DAY + 1).is_err());
        assert!(time_from_millis(&time(), -1).is_err());
        assert_eq!(
            time_from_millis(&date(), 1).unwrap_err().to_string(),
            "Requested conversion of Date object but the schema does not match."
        );
        assert_eq!(timestamp_millis(&timestamp(), 42).unwrap(), 42);
    }
}
