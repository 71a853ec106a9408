//! The decoders of bytes that we did not write, for fuzz targets.

use bytes::Bytes;

use crate::pgoutput::Message;
use crate::values::{BinaryMode, Converter};

/// Decodes a message of the output plugin and walks its rows.
pub fn pgoutput_message(bytes: &[u8]) {
    if let Ok(Message::Insert { new, .. } | Message::Update { new, .. }) =
        Message::decode(Bytes::copy_from_slice(bytes))
    {
        assert!(new.iter().count() <= new.len(), "a tuple has no more columns than it says");
    }
}

/// Reads a text as a value of the type that the first byte chooses.
pub fn value(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let simple = [
        Converter::Boolean,
        Converter::Int32,
        Converter::Float64,
        Converter::Text,
        Converter::Decimal(2),
        Converter::DecimalText,
        Converter::Money(2),
        Converter::Bytes(BinaryMode::Hex),
        Converter::Bits,
        Converter::Date,
        Converter::IsoDate,
        Converter::TimeMicros,
        Converter::IsoTime,
        Converter::TimestampMillis,
        Converter::TimestampNanos,
        Converter::ZonedTimestamp(6),
        Converter::ZonedTime,
        Converter::IntervalMicros,
        Converter::IntervalIso,
        Converter::HstoreJson,
        Converter::HstoreMap,
        Converter::DoubleVector,
    ];
    let at = usize::from(*choice);
    let element = simple[at % simple.len()].clone();
    let converter = match at / simple.len() {
        0 => element,
        _ => Converter::Array { element: Box::new(element), delimiter: b',', nullable: true },
    };
    let text = Bytes::copy_from_slice(text);
    drop(converter.convert(&text, &text));
}

#[cfg(test)]
mod tests {
    use sluice_api::testkit::replay_seeds;

    #[test]
    fn seeds_of_messages_and_values() {
        replay_seeds("pgoutput_messages", super::pgoutput_message);
        replay_seeds("postgres_values", super::value);
    }
}
